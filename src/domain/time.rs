//! Time as values. Nothing here reads a clock.

use chrono::{DateTime, SecondsFormat, Utc};

/// A moment, UTC.
pub type Timestamp = DateTime<Utc>;

/// RFC 3339 in UTC with milliseconds, as stored and exported.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `at` plus `seconds`, staying at the last representable moment instead of overflowing.
#[must_use]
pub fn plus(at: Timestamp, seconds: u64) -> Timestamp {
    i64::try_from(seconds)
        .ok()
        .and_then(chrono::TimeDelta::try_seconds)
        .and_then(|delta| at.checked_add_signed(delta))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Whole seconds from `from` to `to`; negative when `to` is earlier.
#[must_use]
pub fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.signed_duration_since(from).num_seconds()
}

/// A length of time as people say it: `46s`, `12m`, `3h`, `2d`.
#[must_use]
pub fn spoken(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..=99 => format!("{seconds}s"),
        100..=5_999 => format!("{}m", seconds / 60),
        6_000..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A countdown: `9:58`; hours run into the minutes.
#[must_use]
pub fn countdown(seconds: i64) -> String {
    let seconds = seconds.max(0);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Parses `30s`, `5m`, `2h`, `1d` or a bare number of seconds.
///
/// # Errors
/// A sentence that says what was read and what is expected.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(format!("`{text}` is no duration: write 30s, 5m, 2h or 1d")),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(|| format!("`{text}` is no duration: write 30s, 5m, 2h or 1d"))
}
