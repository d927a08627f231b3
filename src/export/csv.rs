//! CSV as RFC 4180 has it: a row for each remediation, the first row names the columns, lines end with CR LF, UTF-8.
//!
//! Promises: no field is taken for a formula by a spreadsheet: one that begins with a sign that starts one (=, +, -, @,
//! their full-width forms, a tab or a line end) gets an apostrophe in front. What is not known is empty.

use crate::domain::report::period::CaseRow;
use crate::domain::text::clean_lines;
use crate::domain::time::{Timestamp, rfc3339};

/// A column: its name, what is in it, and where that comes from.
pub struct Column {
    /// Its name in the first row.
    pub name: &'static str,
    /// What is in it.
    pub about: &'static str,
    of: fn(&CaseRow, &Place) -> String,
}

/// What is the same in all rows.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The cluster's display name.
    pub cluster: String,
    /// Whether it is simulated.
    pub simulated: bool,
}

fn at(moment: Option<Timestamp>) -> String {
    moment.map(rfc3339).unwrap_or_default()
}

fn word<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

const fn column(
    name: &'static str,
    about: &'static str,
    of: fn(&CaseRow, &Place) -> String,
) -> Column {
    Column { name, about, of }
}

/// The columns, in order. New ones are added at the end.
pub const COLUMNS: &[Column] = &[
    column("id", "whole id", |row, _| row.id.as_str().into()),
    column("cluster", "the cluster's display name", |_, place| place.cluster.clone()),
    column("simulated", "`true`: nothing of it happened on a real cluster", |_, place| {
        place.simulated.to_string()
    }),
    column("opened_at", "when it was opened", |row, _| rfc3339(row.opened_at)),
    column("updated_at", "when its last event was", |row, _| rfc3339(row.updated_at)),
    column("state", "where it is", |row, _| row.state.word().into()),
    column("outcome", "how it ended; empty while it is open", |row, _| {
        row.outcome.clone().unwrap_or_default()
    }),
    column("needs_person", "whether a person has to act", |row, _| row.needs_person.to_string()),
    column("namespace", "of the target", |row, _| {
        row.target.as_ref().map(|target| target.namespace.clone()).unwrap_or_default()
    }),
    column("kind", "of the target", |row, _| {
        row.target.as_ref().map(|target| target.kind.clone()).unwrap_or_default()
    }),
    column("name", "of the target", |row, _| {
        row.target.as_ref().map(|target| target.name.clone()).unwrap_or_default()
    }),
    column("pattern", "kind of trouble", |row, _| word(row.pattern)),
    column("cause", "why", |row, _| word(row.cause)),
    column("confidence", "of the diagnosis, 0 to 1", |row, _| {
        row.confidence.map(|value| format!("{value:.2}")).unwrap_or_default()
    }),
    column("template", "template and version of its last plan", |row, _| {
        row.template.clone().unwrap_or_default()
    }),
    column("plan", "digest of that plan", |row, _| {
        row.plan.as_ref().map(|plan| plan.as_str().to_string()).unwrap_or_default()
    }),
    column("risk", "of that plan", |row, _| {
        row.risk.map(|risk| risk.word().to_string()).unwrap_or_default()
    }),
    column("what", "what is or was done", |row, _| row.what.clone()),
    column("why", "why it stands as it does", |row, _| row.why.clone()),
    column("decided_by", "who decided, separated by blanks", |row, _| row.decided_by.join(" ")),
    column("decided_at", "when the last of them did", |row, _| at(row.decided_at)),
    column("started_at", "when its last run began", |row, _| at(row.started_at)),
    column("ended_at", "when that ended", |row, _| at(row.ended_at)),
    column("recovered_at", "when it was seen well", |row, _| at(row.recovered_at)),
    column("back_at", "when the same cause came back", |row, _| at(row.back_at)),
    column("alerts", "how many belong to it", |row, _| row.alerts.to_string()),
    column("alerts_firing", "how many of them fire", |row, _| row.alerts_firing.to_string()),
    column("claimed_by", "who claimed it", |row, _| row.claimed_by.clone().unwrap_or_default()),
    column("first_event", "position of its first event in the log", |row, _| {
        row.first_event.to_string()
    }),
    column("last_event", "position of its last event", |row, _| row.last_event.to_string()),
];

/// Rows as CSV.
#[must_use]
pub fn rows<'a>(rows: impl IntoIterator<Item = &'a CaseRow>, place: &Place) -> String {
    let mut out = record(COLUMNS.iter().map(|column| column.name.to_string()));
    for row in rows {
        out.push_str(&record(COLUMNS.iter().map(|column| (column.of)(row, place))));
    }
    out
}

fn record(fields: impl Iterator<Item = String>) -> String {
    let fields = fields.map(|text| field(&text)).collect::<Vec<_>>();
    fields.join(",") + "\r\n"
}

/// One field.
fn field(text: &str) -> String {
    // Judged as it came: a tab or a line end in front is gone once it is cleaned.
    let starts_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = clean_lines(text);
    let formula = starts_formula
        || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains(['"', ',', '\r', '\n', ' ', '\'']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_taken_for_a_formula() {
        for start in ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "  =", "\u{200b}=", "\u{feff}+"]
        {
            let bad = format!("{start}HYPERLINK(\"http://evil\")");
            let written = field(&bad);
            assert!(written.starts_with("\"'"), "{start:?}: {written}");
        }
        assert_eq!(field("a=b"), "a=b");
        assert_eq!(field("2026-11-21T02:01:12.000Z"), "2026-11-21T02:01:12.000Z");
    }

    #[test]
    fn quotes_commas_and_line_ends_stay_inside_their_field() {
        assert_eq!(field("a \"b\", c\nd"), "\"a \"\"b\"\", c\nd\"");
        assert_eq!(field(""), "");
        assert_eq!(field("plain"), "plain");
    }

    #[test]
    fn column_names_are_unique() {
        let names =
            COLUMNS.iter().map(|column| column.name).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(names.len(), COLUMNS.len());
    }
}
