//! Text as the screens show it: cleaned, measured, shortened.
//!
//! Promises: nothing leaves here that moves a terminal's cursor or turns its writing direction; a name is shortened
//! in its middle, never at its end.

use crate::domain::time::{Timestamp, countdown, seconds_between, spoken};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Bars of a sparkline, lowest first.
pub const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Takes out control characters, direction marks and other invisible characters; tabs and line ends become blanks.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\t' | '\n' | '\r' => Some(' '),
            c if c.is_control() || is_invisible(c) => None,
            c => Some(c),
        })
        .collect()
}

/// Whether a text has nothing that [`clean`] would take out.
#[must_use]
pub fn is_clean(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_invisible(c))
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{61c}' | '\u{ad}' | '\u{e0000}'..='\u{e0fff}')
}

/// Columns that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The longest start of `text` that fits `columns`.
#[must_use]
pub fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (index, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return &text[..index];
        }
    }
    text
}

/// Shortens a name to `columns` by replacing its middle; the end of a name tells more than its start.
#[must_use]
pub fn elide(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_string();
    }
    if columns < 3 {
        return head(text, columns).to_string();
    }
    let tail_columns = (columns - 1) * 3 / 5;
    let front = head(text, columns - 1 - tail_columns);
    let mut start = text.len();
    let mut used = 0;
    for (index, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > tail_columns {
            break;
        }
        start = index;
    }
    format!("{front}…{}", &text[start..])
}

/// Shortens a sentence to `columns` at its end.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_string();
    }
    if columns == 0 {
        return String::new();
    }
    format!("{}…", head(text, columns - 1).trim_end())
}

/// How long ago, as lists say it.
#[must_use]
pub fn age(now: Timestamp, at: Timestamp) -> String {
    spoken(seconds_between(at, now))
}

/// Age of data: seconds exactly below 100, then minutes and seconds.
#[must_use]
pub fn data_age(seconds: i64) -> String {
    if seconds < 60 { format!("{}s", seconds.max(0)) } else { countdown(seconds) }
}

/// What is left until `due`; `None` once it passed.
#[must_use]
pub fn left(now: Timestamp, due: Timestamp) -> Option<String> {
    let seconds = seconds_between(now, due);
    (due > now).then(|| match seconds {
        0..=5_999 => countdown(seconds),
        _ => spoken(seconds),
    })
}

/// Clock time in UTC: `03:14:05Z`.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    at.format("%H:%M:%SZ").to_string()
}

/// Clock time in UTC without the zone, for columns: `03:14:05`.
#[must_use]
pub fn clock_short(at: Timestamp) -> String {
    at.format("%H:%M:%S").to_string()
}

/// A uid as cards show it: both ends.
#[must_use]
pub fn short_uid(uid: &str) -> String {
    if uid.is_ascii() && uid.len() > 14 {
        format!("{}…{}", &uid[..8], &uid[uid.len() - 4..])
    } else {
        uid.to_string()
    }
}

/// `1 pod`, `6 pods`.
#[must_use]
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_direction_marks_do_not_survive() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c\u{9b}d\te\u{fe0f}"), "a[31mbcd e");
        assert!(!is_clean("\u{202e}"));
    }

    #[test]
    fn a_name_keeps_its_end_when_it_is_shortened() {
        assert_eq!(elide("payments/deploy/ledger-api", 26), "payments/deploy/ledger-api");
        let short = elide("payments/deploy/ledger-api", 16);
        assert_eq!(width(&short), 16);
        assert!(short.ends_with("edger-api"), "{short}");
    }

    #[test]
    fn wide_characters_count_two_columns() {
        assert_eq!(head("日本語", 4), "日本");
        assert!(width(&elide("日本語日本語", 7)) <= 7);
    }
}
