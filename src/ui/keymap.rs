//! Keys as data: one table makes the keys work, and the help, the footer and which-key.
//!
//! Promises: a table that puts a decision on the last letter of a cursor-key sequence, an action on a single key
//! outside a card, or that leaves out *stop everything*, is refused at the start, with the line to change.

use super::intent::Intent;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The shipped table.
pub const SHIPPED: &str = include_str!("../../assets/keymap.toml");

/// Last letters of escape sequences that terminals send for keys. A split sequence delivers them as letters.
const CSI_FINALS: [char; 14] =
    ['A', 'B', 'C', 'D', 'F', 'H', 'P', 'Q', 'R', 'S', 'Z', 'M', 'O', '['];

/// Where keys mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    /// Everywhere.
    All,
    /// Overview, approvals, remediations.
    List,
    /// One remediation.
    Tree,
    /// An approval card.
    Card,
    /// A card whose plan is void.
    Void,
    /// Breakers.
    Breakers,
    /// Effectiveness.
    Effectiveness,
    /// Engine logs, event log.
    Log,
    /// Help.
    Help,
}

/// One key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Press {
    /// The key.
    pub code: KeyCode,
    /// Control is down.
    pub ctrl: bool,
    /// Alt is down.
    pub alt: bool,
}

impl Press {
    /// A plain character.
    #[must_use]
    pub fn char(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: false, alt: false }
    }

    /// A plain key.
    #[must_use]
    pub fn key(code: KeyCode) -> Self {
        Self { code, ctrl: false, alt: false }
    }

    /// What the terminal reported. Shift is in the character already.
    #[must_use]
    pub fn of(event: &KeyEvent) -> Self {
        Self {
            code: event.code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }

    /// The character, when it is one typed without control or alt.
    #[must_use]
    pub fn printable(&self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// Reads `j`, `Ctrl-d`, `Enter`, `Space`.
    ///
    /// # Errors
    /// A sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (ctrl, rest) = text.strip_prefix("Ctrl-").map_or((false, text), |rest| (true, rest));
        let (alt, rest) = rest.strip_prefix("Alt-").map_or((false, rest), |rest| (true, rest));
        let code = match rest {
            "Space" => KeyCode::Char(' '),
            "Enter" => KeyCode::Enter,
            "Esc" => KeyCode::Esc,
            "Tab" => KeyCode::Tab,
            "Shift-Tab" => KeyCode::BackTab,
            "Up" => KeyCode::Up,
            "Down" => KeyCode::Down,
            "Left" => KeyCode::Left,
            "Right" => KeyCode::Right,
            "Home" => KeyCode::Home,
            "End" => KeyCode::End,
            "PageUp" => KeyCode::PageUp,
            "PageDown" => KeyCode::PageDown,
            one => match (one.chars().next(), one.chars().count()) {
                (Some(c), 1) => KeyCode::Char(c),
                _ => return Err(format!("`{text}` is no key: write j, Ctrl-d, Space, Enter, …")),
            },
        };
        Ok(Self { code, ctrl, alt })
    }

    /// As help and footer write it.
    #[must_use]
    pub fn name(&self) -> String {
        let base = match self.code {
            KeyCode::Char(' ') => "Space".to_string(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::BackTab => "Shift-Tab".to_string(),
            KeyCode::Up => "↑".to_string(),
            KeyCode::Down => "↓".to_string(),
            KeyCode::Left => "←".to_string(),
            KeyCode::Right => "→".to_string(),
            KeyCode::PageUp => "PgUp".to_string(),
            KeyCode::PageDown => "PgDn".to_string(),
            other => format!("{other:?}"),
        };
        let alt = if self.alt { "Alt-" } else { "" };
        if self.ctrl { format!("Ctrl-{alt}{base}") } else { format!("{alt}{base}") }
    }
}

/// A sequence as help writes it: `g g`, `Space a`.
#[must_use]
pub fn sequence_name(keys: &[Press]) -> String {
    let names = keys.iter().map(Press::name).collect::<Vec<_>>();
    let joined = if names.iter().all(|name| name.chars().count() == 1) { "" } else { " " };
    names.join(joined)
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// What it means.
    pub intent: Intent,
    /// Sequences that mean it.
    pub keys: Vec<Vec<Press>>,
    /// Where.
    pub contexts: Vec<Context>,
    /// Part of the help it stands in.
    pub group: String,
    /// What help says.
    pub help: String,
    /// What the footer says; empty: not there.
    pub foot: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    bind: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    does: String,
    keys: Vec<String>,
    #[serde(rename = "where")]
    contexts: Vec<Context>,
    group: String,
    help: String,
    #[serde(default)]
    foot: String,
}

/// Why a table is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// It can't be read.
    #[error("keymap: {0}")]
    Malformed(String),
    /// It would be dangerous.
    #[error("keymap: `{keys}` must not do `{does}`: {why}")]
    Dangerous {
        /// Which keys.
        keys: String,
        /// What they would do.
        does: String,
        /// Why not.
        why: String,
    },
    /// Stop is hidden.
    #[error("keymap: `stop` must have a key on every screen (`where = [\"all\"]`)")]
    NoStop,
    /// Two meanings.
    #[error("keymap: `{keys}` means both `{one}` and `{other}`")]
    Ambiguous {
        /// Which keys.
        keys: String,
        /// One meaning.
        one: String,
        /// The other.
        other: String,
    },
}

/// What a sequence means so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// This.
    Intent(Intent),
    /// It may become something.
    Prefix,
    /// Nothing.
    Nothing,
}

/// The table.
#[derive(Debug, Clone, PartialEq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// Reads and checks a table.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn load(text: &str) -> Result<Self, KeymapError> {
        let file =
            toml::from_str::<File>(text).map_err(|e| KeymapError::Malformed(e.to_string()))?;
        let mut bindings = Vec::with_capacity(file.bind.len());
        for entry in file.bind {
            let intent = Intent::from_word(&entry.does).ok_or_else(|| {
                KeymapError::Malformed(format!("nothing is called `{}`", entry.does))
            })?;
            let keys = entry
                .keys
                .iter()
                .map(|keys| keys.split(' ').map(Press::parse).collect::<Result<Vec<_>, _>>())
                .collect::<Result<Vec<_>, _>>()
                .map_err(KeymapError::Malformed)?;
            bindings.push(Binding {
                intent,
                keys,
                contexts: entry.contexts,
                group: entry.group,
                help: entry.help,
                foot: entry.foot,
            });
        }
        let keymap = Self { bindings };
        keymap.check()?;
        Ok(keymap)
    }

    /// The lines, in the order of the file.
    #[must_use]
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Lines that hold in a context.
    pub fn within(&self, context: Context) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| {
            binding.contexts.contains(&context) || binding.contexts.contains(&Context::All)
        })
    }

    /// What a sequence means in a context. What the context says beats what holds everywhere.
    #[must_use]
    pub fn lookup(&self, context: Context, pressed: &[Press]) -> Lookup {
        let mut found = Lookup::Nothing;
        for binding in self.within(context) {
            for keys in &binding.keys {
                if keys == pressed {
                    if binding.contexts.contains(&context) {
                        return Lookup::Intent(binding.intent);
                    }
                    found = Lookup::Intent(binding.intent);
                } else if keys.starts_with(pressed) && found == Lookup::Nothing {
                    found = Lookup::Prefix;
                }
            }
        }
        found
    }

    /// What may follow a prefix in a context: the next keys and their line.
    #[must_use]
    pub fn after(&self, context: Context, pressed: &[Press]) -> Vec<(String, &Binding)> {
        self.within(context)
            .flat_map(|binding| {
                binding
                    .keys
                    .iter()
                    .filter(|keys| keys.len() > pressed.len() && keys.starts_with(pressed))
                    .map(move |keys| (sequence_name(&keys[pressed.len()..]), binding))
            })
            .collect()
    }

    /// The first keys for an intent, as text; empty when it has none.
    #[must_use]
    pub fn keys_for(&self, intent: Intent) -> String {
        self.bindings
            .iter()
            .find(|binding| binding.intent == intent)
            .and_then(|binding| binding.keys.first())
            .map(|keys| sequence_name(keys))
            .unwrap_or_default()
    }

    fn check(&self) -> Result<(), KeymapError> {
        for binding in &self.bindings {
            for keys in &binding.keys {
                check_binding(binding, keys)?;
            }
        }
        let stop = self.bindings.iter().any(|binding| {
            binding.intent == Intent::Stop
                && binding.contexts.contains(&Context::All)
                && !binding.keys.is_empty()
        });
        if !stop {
            return Err(KeymapError::NoStop);
        }
        self.check_meanings()
    }

    fn check_meanings(&self) -> Result<(), KeymapError> {
        let mut seen = BTreeMap::<(Context, String), Intent>::new();
        for binding in &self.bindings {
            for (context, keys) in binding
                .contexts
                .iter()
                .flat_map(|context| binding.keys.iter().map(move |keys| (*context, keys)))
            {
                let name = sequence_name(keys);
                match seen.insert((context, name.clone()), binding.intent) {
                    Some(other) if other != binding.intent => {
                        return Err(KeymapError::Ambiguous {
                            keys: name,
                            one: other.word().into(),
                            other: binding.intent.word().into(),
                        });
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn check_binding(binding: &Binding, keys: &[Press]) -> Result<(), KeymapError> {
    let refuse = |why: &str| {
        Err(KeymapError::Dangerous {
            keys: sequence_name(keys),
            does: binding.intent.word().into(),
            why: why.into(),
        })
    };
    let only_cards =
        binding.contexts.iter().all(|context| matches!(context, Context::Card | Context::Void));
    let bare = match keys {
        [one] => one.printable(),
        _ => None,
    };
    if binding.intent.decides() && !only_cards {
        return refuse("decisions are made on an open card only");
    }
    if binding.intent.acts() && !only_cards && (bare.is_some() || keys.len() < 2) {
        return refuse("outside a card a single key never acts; put Space before it");
    }
    if binding.intent.decides()
        && keys.first().and_then(Press::printable).is_some_and(|c| CSI_FINALS.contains(&c))
    {
        return refuse("a split escape sequence of a cursor key ends in this letter");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(extra: &str) -> Result<Keymap, KeymapError> {
        Keymap::load(&format!("{SHIPPED}\n{extra}"))
    }

    #[test]
    fn the_shipped_table_is_accepted_and_names_every_intent() {
        let keymap = Keymap::load(SHIPPED).unwrap();
        for intent in Intent::ALL {
            assert!(!keymap.keys_for(*intent).is_empty(), "{} has no key", intent.word());
        }
    }

    #[test]
    fn a_decision_on_the_last_letter_of_a_cursor_key_is_refused() {
        let bind = "[[bind]]\ndoes='approve'\nkeys=['A']\nwhere=['card']\ngroup='x'\nhelp='x'\n";
        assert!(matches!(with(bind), Err(KeymapError::Dangerous { .. })));
    }

    #[test]
    fn a_single_key_outside_a_card_never_acts() {
        for (does, keys) in [("stop", "s"), ("claim", "Ctrl-k"), ("approve", "y")] {
            let bind = format!(
                "[[bind]]\ndoes='{does}'\nkeys=['{keys}']\nwhere=['list']\ngroup='x'\nhelp='x'\n"
            );
            assert!(matches!(with(&bind), Err(KeymapError::Dangerous { .. })), "{does} {keys}");
        }
    }

    #[test]
    fn a_table_that_hides_stop_is_refused() {
        let hidden = SHIPPED.replace("keys = [\"Space !\"]", "keys = []");
        assert_eq!(Keymap::load(&hidden), Err(KeymapError::NoStop));
    }

    #[test]
    fn two_meanings_of_one_key_are_refused() {
        let bind = "[[bind]]\ndoes='detail'\nkeys=['c']\nwhere=['list']\ngroup='x'\nhelp='x'\n";
        assert!(matches!(with(bind), Err(KeymapError::Ambiguous { .. })));
    }

    #[test]
    fn what_a_screen_says_beats_what_holds_everywhere() {
        let keymap = Keymap::load(SHIPPED).unwrap();
        let space = Press::char(' ');
        assert_eq!(keymap.lookup(Context::List, &[space]), Lookup::Prefix);
        assert_eq!(
            keymap.lookup(Context::Card, &[space, Press::char('!')]),
            Lookup::Intent(Intent::Stop)
        );
        assert_eq!(keymap.lookup(Context::List, &[Press::char('y')]), Lookup::Nothing);
    }
}
