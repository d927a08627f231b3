//! Colours by role. Themes are files; a role that a file leaves out falls back along a fixed line.
//!
//! Promises: screens name roles, never colours; without colour the modifiers alone tell the roles apart; the mark of a
//! simulated or stopped engine can't be themed away (its modifiers are added whatever the file says).

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::collections::BTreeMap;

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $parent:ident;)*) => {
        /// What a piece of text is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Role { $($(#[$doc])* $variant,)* }

        impl Role {
            /// All of them; parents of the fall-back before their children is not promised.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in theme files.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The role whose style it takes when a theme leaves it out; itself at the end of the line.
            #[must_use]
            pub fn parent(self) -> Self {
                match self { $(Self::$variant => Self::$parent,)* }
            }
        }
    };
}

roles! {
    /// All text.
    Text = "text", Text;
    /// Ages, closed breakers, what is done.
    TextDim = "text.dim", Text;
    /// Unique part of ids, near deadlines.
    TextStrong = "text.strong", Text;
    /// The screen.
    Bg = "bg", Bg;
    /// Strips and dialogs.
    BgRaised = "bg.raised", Bg;
    /// Rules.
    Rule = "rule", TextDim;
    /// Rule of the pane with the focus.
    RuleFocus = "rule.focus", Title;
    /// Words on rules, labels of the card.
    Title = "title", TextStrong;
    /// The cluster's badge.
    Cluster = "cluster", Title;
    /// Keys in footer, help, which-key.
    Key = "key", TextStrong;
    /// The selected row.
    Cursor = "cursor", Cursor;
    /// Found letters.
    Match = "match", TextStrong;
    /// A person must decide, and nothing else.
    Attention = "attention", TextStrong;
    /// Acting on the cluster now.
    Active = "active", Text;
    /// Goes on by itself.
    Waiting = "waiting", TextDim;
    /// Worked.
    Good = "good", Text;
    /// Failed, regressed, open, down.
    Bad = "bad", Attention;
    /// Unknown outcome, void.
    Unsure = "unsure", Bad;
    /// Paused, blocked, forced.
    Held = "held", Waiting;
    /// Rejected, expired, skipped, not now.
    Off = "off", TextDim;
    /// The word of a high risk.
    RiskHigh = "risk.high", Bad;
    /// The word of a critical risk.
    RiskCritical = "risk.critical", RiskHigh;
    /// Added lines.
    DiffAdd = "diff.add", Good;
    /// Removed lines.
    DiffDel = "diff.del", Bad;
    /// Bars.
    Chart = "chart", Text;
    /// Baselines.
    ChartBase = "chart.base", Unsure;
    /// Age over its limit.
    Stale = "stale", Unsure;
    /// Stop, store down.
    BannerStop = "banner.stop", Bad;
    /// Simulated.
    BannerSim = "banner.sim", Cluster;
}

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// 24-bit colours.
    #[default]
    True,
    /// The 256 of xterm.
    Indexed,
    /// The terminal's own 16.
    Ansi16,
    /// Modifiers only.
    Mono,
}

/// Which theme, as settings say it. What is `None` is found out from the terminal.
#[derive(Debug, Clone, Default)]
pub struct ThemeChoice {
    /// A shipped theme's name, or one of `files`.
    pub name: Option<String>,
    /// ASCII signs instead of Unicode ones.
    pub ascii: Option<bool>,
    /// Colours.
    pub depth: Option<Depth>,
    /// The user's theme files: name and text.
    pub files: Vec<(String, String)>,
}

/// Why a theme file can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// No such theme.
    #[error("there is no theme `{name}`; there are {known}")]
    Unknown {
        /// Asked for.
        name: String,
        /// Names there are.
        known: String,
    },
    /// The file is wrong.
    #[error("theme `{name}`: {why}")]
    Malformed {
        /// Which.
        name: String,
        /// What is wrong.
        why: String,
    },
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeFile {
    #[serde(default)]
    ascii: bool,
    roles: BTreeMap<String, Entry>,
}

#[allow(clippy::struct_excessive_bools, reason = "independent facts, each shown by itself")]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    fg: Option<String>,
    bg: Option<String>,
    ansi16: Option<String>,
    ansi16_bg: Option<String>,
    bold: bool,
    dim: bool,
    underline: bool,
    reverse: bool,
}

/// Shipped themes by name.
pub const SHIPPED: [(&str, &str); 6] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../themes/colour-blind.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("ascii", include_str!("../../themes/ascii.toml")),
];

/// A theme resolved for one terminal.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// Whether signs are ASCII.
    pub ascii: bool,
    styles: Vec<Style>,
}

impl Theme {
    /// Resolves a theme by name for what the terminal can show.
    ///
    /// # Errors
    /// When there is no such theme or its file is wrong.
    pub fn load(name: &str, depth: Depth, files: &[(String, String)]) -> Result<Self, ThemeError> {
        let own = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        // Without colour only the modifiers of the mono theme are sure to tell roles apart.
        let source = if depth == Depth::Mono && name != "ascii" { "mono" } else { name };
        let text = own
            .chain(SHIPPED)
            .find(|(known, _)| *known == source)
            .map(|(_, text)| text)
            .ok_or_else(|| ThemeError::Unknown {
                name: name.into(),
                known: SHIPPED.map(|(name, _)| name).join(", "),
            })?;
        let malformed = |why: String| ThemeError::Malformed { name: name.into(), why };
        let file = toml::from_str::<ThemeFile>(text).map_err(|e| malformed(e.to_string()))?;
        if let Some(unknown) =
            file.roles.keys().find(|word| Role::ALL.iter().all(|role| role.word() != word.as_str()))
        {
            return Err(malformed(format!("no role is called `{unknown}`")));
        }
        let styles = Role::ALL
            .iter()
            .map(|role| resolve(*role, &file.roles, depth).map_err(malformed))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { name: source.into(), ascii: file.ascii, styles })
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }
}

fn resolve(role: Role, entries: &BTreeMap<String, Entry>, depth: Depth) -> Result<Style, String> {
    let mut at = role;
    let entry = loop {
        if let Some(entry) = entries.get(at.word()) {
            break Some(entry);
        }
        if at.parent() == at {
            break None;
        }
        at = at.parent();
    };
    let mut style = match entry {
        Some(entry) => entry.style(depth)?,
        None if role == Role::Cursor => Style::new().add_modifier(Modifier::REVERSED),
        None => Style::new(),
    };
    if matches!(role, Role::BannerStop | Role::BannerSim) && style.bg.is_none() {
        style = style.add_modifier(Modifier::REVERSED);
    }
    Ok(style)
}

impl Entry {
    fn style(&self, depth: Depth) -> Result<Style, String> {
        let mut style = Style::new();
        if let Some(color) = colour(self.fg.as_deref(), self.ansi16.as_deref(), depth)? {
            style = style.fg(color);
        }
        if let Some(color) = colour(self.bg.as_deref(), self.ansi16_bg.as_deref(), depth)? {
            style = style.bg(color);
        }
        let modifiers = [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.underline, Modifier::UNDERLINED),
            (self.reverse, Modifier::REVERSED),
        ];
        for (wanted, modifier) in modifiers {
            if wanted {
                style = style.add_modifier(modifier);
            }
        }
        Ok(style)
    }
}

fn colour(hex: Option<&str>, ansi16: Option<&str>, depth: Depth) -> Result<Option<Color>, String> {
    let named = ansi16.map(ansi).transpose()?;
    let rgb = hex.map(parse_hex).transpose()?;
    Ok(match depth {
        Depth::Mono => None,
        Depth::Ansi16 => named.or_else(|| rgb.map(nearest_16)),
        Depth::Indexed => rgb.map(|rgb| Color::Indexed(nearest_256(rgb))).or(named),
        Depth::True => rgb.map(|(r, g, b)| Color::Rgb(r, g, b)).or(named),
    })
}

fn parse_hex(text: &str) -> Result<(u8, u8, u8), String> {
    let wrong = || format!("`{text}` is no colour: write #rrggbb");
    let digits =
        text.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii()).ok_or_else(wrong)?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| wrong());
    Ok((part(0)?, part(2)?, part(4)?))
}

const ANSI: [(&str, Color, (u8, u8, u8)); 16] = [
    ("black", Color::Black, (0, 0, 0)),
    ("red", Color::Red, (205, 49, 49)),
    ("green", Color::Green, (13, 188, 121)),
    ("yellow", Color::Yellow, (229, 229, 16)),
    ("blue", Color::Blue, (36, 114, 200)),
    ("magenta", Color::Magenta, (188, 63, 188)),
    ("cyan", Color::Cyan, (17, 168, 205)),
    ("white", Color::Gray, (204, 204, 204)),
    ("bright-black", Color::DarkGray, (102, 102, 102)),
    ("bright-red", Color::LightRed, (241, 76, 76)),
    ("bright-green", Color::LightGreen, (35, 209, 139)),
    ("bright-yellow", Color::LightYellow, (245, 245, 67)),
    ("bright-blue", Color::LightBlue, (59, 142, 234)),
    ("bright-magenta", Color::LightMagenta, (214, 112, 214)),
    ("bright-cyan", Color::LightCyan, (41, 184, 219)),
    ("bright-white", Color::White, (255, 255, 255)),
];

fn ansi(name: &str) -> Result<Color, String> {
    ANSI.iter()
        .find(|(known, _, _)| *known == name)
        .map(|(_, color, _)| *color)
        .ok_or_else(|| format!("`{name}` is none of the 16 colours"))
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let part = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    part(a.0, b.0) + part(a.1, b.1) + part(a.2, b.2)
}

fn nearest_16(rgb: (u8, u8, u8)) -> Color {
    ANSI.iter().min_by_key(|(_, _, known)| distance(*known, rgb)).map_or(Color::Reset, |one| one.1)
}

fn nearest_256(rgb: (u8, u8, u8)) -> u8 {
    (16..=255_u8).min_by_key(|index| distance(xterm(*index), rgb)).unwrap_or(7)
}

fn xterm(index: u8) -> (u8, u8, u8) {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return (grey, grey, grey);
    }
    let cube = usize::from(index.saturating_sub(16));
    (STEPS[cube / 36 % 6], STEPS[cube / 6 % 6], STEPS[cube % 6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_tells_the_roles_that_matter_apart_at_every_depth() {
        let apart = [Role::Cursor, Role::Attention, Role::Bad, Role::Good, Role::Stale, Role::Text];
        for (name, _) in SHIPPED {
            for depth in [Depth::True, Depth::Indexed, Depth::Ansi16, Depth::Mono] {
                let theme = Theme::load(name, depth, &[]).unwrap();
                for (index, a) in apart.iter().enumerate() {
                    for b in &apart[index + 1..] {
                        // Without colour, good is plain: its sign and word carry it.
                        if *a == Role::Good && *b == Role::Text {
                            continue;
                        }
                        assert_ne!(
                            theme.style(*a),
                            theme.style(*b),
                            "{name} {depth:?}: {} and {} look alike",
                            a.word(),
                            b.word()
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_mark_of_a_simulated_engine_cannot_be_themed_away() {
        let files = [("quiet".to_string(), "[roles]\n\"banner.sim\" = {}\n".to_string())];
        let theme = Theme::load("quiet", Depth::True, &files).unwrap();
        assert_ne!(theme.style(Role::BannerSim), theme.style(Role::Text));
    }

    #[test]
    fn a_theme_with_a_wrong_role_or_colour_says_which() {
        let load = |text: &str| {
            Theme::load("t", Depth::True, &[("t".to_string(), text.to_string())]).unwrap_err()
        };
        assert!(load("[roles]\nhud = {}\n").to_string().contains("`hud`"));
        assert!(load("[roles]\ntext = { fg = \"red\" }\n").to_string().contains("`red`"));
        let missing = Theme::load("neon", Depth::True, &[]).unwrap_err();
        assert!(missing.to_string().contains("dark"));
    }
}
