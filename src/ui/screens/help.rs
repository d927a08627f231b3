//! Help, made from the keymap and from the signs, so that both are always right.

use super::chrome;
use super::layout::Parts;
use crate::ui::format::{cut, width};
use crate::ui::glyphs;
use crate::ui::keymap::sequence_name;
use crate::ui::model::Model;
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::Rect;

const GROUPS: [(&str, &str); 4] = [
    ("look", "LOOK (never changes anything)"),
    ("decide", "DECIDE (only on an open card)"),
    ("act", "ACT (Space first)"),
    ("go", "GO"),
];

/// The lines of the help at a width.
#[must_use]
pub fn lines(model: &Model, columns: usize) -> Vec<Rich> {
    let half = if columns >= 78 { columns / 2 - 1 } else { columns };
    let mut blocks = Vec::new();
    for (group, title) in GROUPS {
        let mut block = vec![Rich::of(Role::Title, title)];
        let own = model.keymap.bindings().iter().filter(|binding| binding.group == group);
        let mut entries = Vec::<(String, Vec<String>)>::new();
        for binding in own {
            let keys = binding.keys.iter().map(|keys| sequence_name(keys));
            match entries.iter_mut().find(|(help, _)| *help == binding.help) {
                Some((_, known)) => known.extend(keys),
                None => entries.push((binding.help.clone(), keys.collect())),
            }
        }
        for (help, keys) in entries {
            block.push(entry(keys, &help, half));
        }
        if group == "decide" {
            block.push(entry(vec!["name Enter".into()], "high, critical risk", half));
        }
        blocks.push(block);
    }
    blocks.push(signs());
    if columns >= 78 { two_columns(&blocks, columns) } else { blocks.concat() }
}

/// A line of the help: as many keys as there is room for.
fn entry(mut keys: Vec<String>, help: &str, columns: usize) -> Rich {
    const KEYS: usize = 13;
    let mut seen = Vec::new();
    keys.retain(|key| {
        let new = !seen.contains(key);
        seen.push(key.clone());
        new
    });
    while keys.len() > 1 && width(&keys.join(" ")) > KEYS {
        keys.pop();
    }
    let keys = keys.join(" ");
    let pad = " ".repeat(KEYS.saturating_sub(width(&keys)) + 1);
    Rich::of(Role::Key, &keys)
        .and(Role::Text, &pad)
        .and(Role::Text, &cut(help, columns.saturating_sub(KEYS + 1)))
}

fn signs() -> Vec<Rich> {
    let mut block = vec![Rich::of(Role::Title, "SIGNS")];
    let signs = [
        (glyphs::ASKS, Role::Attention, "a person must decide"),
        (glyphs::ACTS, Role::Active, "acts on the cluster"),
        (glyphs::GOES_ON, Role::Waiting, "waits, goes on by itself"),
        (glyphs::CHECKS, Role::Waiting, "measures"),
        (glyphs::GOOD, Role::Good, "good"),
        (glyphs::SAME, Role::Text, "no effect"),
        (glyphs::BAD, Role::Bad, "bad"),
        (glyphs::WARNS, Role::Unsure, "unsure, or handed to a person"),
        (glyphs::BLOCKED, Role::Held, "held by policy"),
        (glyphs::NO, Role::Off, "ended by a person"),
        (glyphs::VOID, Role::Unsure, "void or lapsed"),
        (glyphs::UNDO, Role::Active, "undo"),
    ];
    for (sign, role, text) in signs {
        block.push(Rich::of(role, &format!("{:<4}", sign.0)).and(Role::Text, text));
    }
    block
}

fn two_columns(blocks: &[Vec<Rich>], columns: usize) -> Vec<Rich> {
    let half = columns / 2;
    let left = blocks.first().cloned().unwrap_or_default();
    let mut right = Vec::new();
    for block in blocks.iter().skip(1) {
        right.extend(block.clone());
        right.push(Rich::new());
    }
    let height = left.len().max(right.len());
    let empty = Rich::new();
    (0..height)
        .map(|index| {
            let first = left.get(index).unwrap_or(&empty);
            let mut line = Rich::new();
            for span in &first.0 {
                line.push(span.role, &span.text);
            }
            line.push(Role::Text, &" ".repeat(half.saturating_sub(first.width())));
            for span in &right.get(index).unwrap_or(&empty).0 {
                line.push(span.role, &span.text);
            }
            line
        })
        .collect()
}

/// Draws the screen.
pub fn draw(pen: &mut Pen<'_>, model: &Model, parts: &Parts) {
    let body = parts.body;
    pen.rule(
        Rect { height: 1, ..body },
        &Rich::of(Role::Title, "help"),
        &Rich::of(Role::TextDim, &format!("theme {}", model.theme.name)),
    );
    let lines = lines(model, usize::from(body.width).saturating_sub(2));
    let room = usize::from(body.height.saturating_sub(1));
    for (line, y) in lines.iter().skip(model.help_top).zip(body.y + 1..body.bottom()) {
        pen.rich(body.x + 1, y, body.width.saturating_sub(2), line);
    }
    let end = (model.help_top + room).min(lines.len());
    chrome::footer(pen, model, parts, &format!("{end} of {}", lines.len()));
}
