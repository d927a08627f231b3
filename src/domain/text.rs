//! Text from outside, made harmless before it reaches a screen, a file or a log.
//!
//! Promises: what comes out holds no control characters, no bidirectional controls, nothing invisible; an escape
//! sequence stays as the visible rest of it. All functions end on any input and never panic.
//! Absent on purpose: escaping for a format (HTML, CSV, Markdown), which is `export`'s; display width, which is `ui`'s.

use serde_json::Value;
use std::collections::BTreeMap;

pub use super::redaction::{REDACTED, redact, redact_at, redact_value};

/// What stands for a character that was taken out of a value which may be written back to the cluster.
pub const MARK: char = '\u{FFFD}';

/// What happens to line breaks and tabs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Breaks {
    /// Each becomes one blank.
    Blank,
    /// `\n` stays, tabs become a blank.
    Lines,
    /// `\n` and `\t` stay: the text may be a script that is written back.
    Keep,
}

/// One line of harmless text: control, bidirectional and invisible characters are taken out, line breaks and tabs
/// become one blank each.
#[must_use]
pub fn clean(text: &str) -> String {
    sweep(text, Breaks::Blank, None)
}

/// An error and its causes in one harmless line without secrets, cut to so many characters. A cause that the line says
/// already is not said twice.
#[must_use]
pub fn error_line(error: &dyn std::error::Error, most: usize) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !line.contains(&words) {
            line.push_str(": ");
            line.push_str(&words);
        }
        cause = inner.source();
    }
    shorten(&redact(&clean(&line)), most)
}

/// As [`clean`], but `\n` stays: for logs.
#[must_use]
pub fn clean_lines(text: &str) -> String {
    sweep(text, Breaks::Lines, None)
}

/// Cleans all strings and keys of a value. Line breaks and tabs **stay**: a value may be a script in a pod template
/// that a rollback writes back. Whoever shows one on a line calls [`clean`] on it.
pub fn clean_value(value: &mut Value) {
    sweep_value(value, None);
}

/// As [`clean_value`], but leaves [`MARK`] where something was taken out, so that a value which is no longer the
/// original can be recognised and is never written back.
pub fn mark_value(value: &mut Value) {
    sweep_value(value, Some(MARK));
}

/// Whether a value holds a [`MARK`] in a string or key.
#[must_use]
pub fn is_marked(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(MARK),
        Value::Array(items) => items.iter().any(is_marked),
        Value::Object(map) => map.iter().any(|(key, item)| key.contains(MARK) || is_marked(item)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// At most `max_chars` characters: the middle gives way to `…`. With 0 nothing is left.
#[must_use]
pub fn shorten(text: &str, max_chars: usize) -> String {
    let count = text.chars().count();
    if count <= max_chars {
        return text.into();
    }
    let Some(room) = max_chars.checked_sub(1) else { return String::new() };
    let head = room.div_ceil(2);
    let tail = room - head;
    let mut short = text.chars().take(head).collect::<String>();
    short.push('…');
    short.extend(text.chars().skip(count - tail));
    short
}

fn sweep_value(value: &mut Value, mark: Option<char>) {
    match value {
        Value::String(text) => {
            if text.chars().any(is_unsafe) {
                *text = sweep(text, Breaks::Keep, mark);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| sweep_value(item, mark)),
        Value::Object(map) => {
            map.values_mut().for_each(|item| sweep_value(item, mark));
            if map.keys().any(|key| key.chars().any(is_unsafe)) {
                clean_keys(map, mark);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Cleans keys. Two that become equal both stay: the later one gets a number, so that nothing hides behind another.
fn clean_keys(map: &mut serde_json::Map<String, Value>, mark: Option<char>) {
    let (plain, odd): (Vec<_>, Vec<_>) =
        std::mem::take(map).into_iter().partition(|(key, _)| !key.chars().any(is_unsafe));
    map.extend(plain);
    let mut numbers = BTreeMap::<String, u32>::new();
    for (key, item) in odd {
        let base = sweep(&key, Breaks::Blank, mark);
        let mut name = base.clone();
        let number = numbers.entry(base.clone()).or_insert(1);
        while map.contains_key(&name) {
            *number += 1;
            name = format!("{base} ({number})");
        }
        map.insert(name, item);
    }
}

fn sweep(text: &str, breaks: Breaks, mark: Option<char>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' if breaks == Breaks::Blank => out.push(' '),
            '\n' => out.push('\n'),
            '\t' if breaks == Breaks::Keep => out.push('\t'),
            '\t' => out.push(' '),
            // A carriage return before a line break is that line break; alone it would overwrite the line.
            '\r' if mark.is_none() && rest.peek() == Some(&'\n') => {}
            '\r' if mark.is_none() && breaks == Breaks::Blank => out.push(' '),
            '\r' if mark.is_none() => out.push('\n'),
            '\u{2028}' | '\u{2029}' | '\u{85}' if mark.is_none() => {
                out.push(if breaks == Breaks::Blank { ' ' } else { '\n' });
            }
            c if is_hidden(c) => out.extend(mark),
            c => out.push(c),
        }
    }
    out
}

/// Whether [`clean`] would change it.
fn is_unsafe(c: char) -> bool {
    c == '\n' || c == '\t' || is_hidden(c)
}

/// Control characters, what changes direction, and what can't be seen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' // zero width, marks of direction
            | '\u{2028}'..='\u{202E}' // separators, embeddings and overrides of direction
            | '\u{2060}'..='\u{206F}' // word joiner, invisible operators, isolates
            | '\u{3164}' | '\u{FFA0}' // blank fillers
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}') // tags, variation selectors
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_escape_sequence_stays_as_harmless_text() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m"), "[31mred[0m");
        assert_eq!(clean("\u{1b}]0;owned\u{7}title"), "]0;ownedtitle");
        assert_eq!(clean("\u{9b}2Jgone\u{90}x\u{9c}"), "2Jgonex");
        assert_eq!(clean("a\u{8}\u{7f}\0b"), "ab");
    }

    #[test]
    fn direction_and_invisible_characters_are_taken_out() {
        let hostile = "pay\u{202E}sdnemyap\u{202C}\u{2066}x\u{2069}\u{200E}\u{200F}\u{61C}\u{200B}\u{FEFF}\
                       \u{E0041}\u{E007F}\u{FE0F}\u{2060}y";
        assert_eq!(clean(hostile), "paysdnemyapxy");
    }

    #[test]
    fn line_breaks_and_tabs_become_one_blank_each() {
        assert_eq!(clean("a\r\nb\tc\rd\u{2028}e\u{85}f"), "a b c d e f");
        assert_eq!(clean_lines("a\r\nb\tc\rd\n"), "a\nb c\nd\n");
    }

    #[test]
    fn ordinary_text_of_any_script_is_left_as_it_is() {
        for text in ["größe", "支払い", "оплата", "مرحبا", "שלום", "a  b", "🦀", "e\u{301}"]
        {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn shortening_keeps_both_ends_and_the_limit() {
        assert_eq!(shorten("payments-api", 12), "payments-api");
        assert_eq!(shorten("payments-api", 7), "pay…api");
        assert_eq!(shorten("payments-api", 6), "pay…pi");
        assert_eq!(shorten("größenwahn", 3), "g…n");
        assert_eq!(shorten("ab", 1), "…");
        assert_eq!(shorten("ab", 0), "");
        assert_eq!(shorten("", 0), "");
    }

    #[test]
    fn values_lose_hidden_text_but_keep_their_lines() {
        let mut value =
            json!({"args": ["set -e\n\techo hi\n"], "n": 1, "k\u{202E}ey": "v\u{1b}[2J"});
        clean_value(&mut value);
        assert_eq!(value, json!({"args": ["set -e\n\techo hi\n"], "n": 1, "key": "v[2J"}));
    }

    #[test]
    fn two_keys_that_look_the_same_both_stay() {
        let mut value = json!({"key": 1, "key\u{200B}": 2, "k\u{200B}ey": 3});
        clean_value(&mut value);
        assert_eq!(
            value,
            json!({"key": 1, "key (2)": 2, "key (3)": 3}),
            "in the order of the raw keys"
        );
    }

    #[test]
    fn a_mark_tells_a_changed_value_from_the_original() {
        let mut value = json!({"script": "echo a\r\n", "plain": "echo\nb"});
        assert!(!is_marked(&value));
        mark_value(&mut value);
        assert!(is_marked(&value["script"]));
        assert_eq!(value["plain"], "echo\nb");
        let mut key = json!({"a\u{1b}": 1});
        mark_value(&mut key);
        assert!(is_marked(&key));
    }
}
