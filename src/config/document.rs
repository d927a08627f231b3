//! A TOML text as a list of dotted keys with their lines.

use toml::de::{DeTable, DeValue};

/// One value in the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// `report_export.dir_mode`.
    pub path: String,
    /// What it is set to.
    pub value: toml::Value,
    /// Line, from 1.
    pub line: usize,
}

/// A problem in a settings file, in the environment or in a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `config.toml:12`, `environment VECTOR_DB_PORT`, `flag --mode`.
    pub place: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Reads a text. A table whose path `stop_at` accepts is one value, not a section.
///
/// # Errors
/// The first place that is not TOML.
pub fn read(
    file: &str,
    text: &str,
    stop_at: &dyn Fn(&str) -> bool,
) -> Result<Vec<Located>, Problem> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Problem { place: format!("{file}:{line}"), message: error.message().to_string() }
    })?;
    let mut out = Vec::new();
    walk(text, "", table.get_ref(), stop_at, &mut out);
    out.sort_by(|a, b| a.line.cmp(&b.line).then_with(|| a.path.cmp(&b.path)));
    Ok(out)
}

fn walk(
    text: &str,
    prefix: &str,
    table: &DeTable<'_>,
    stop_at: &dyn Fn(&str) -> bool,
    out: &mut Vec<Located>,
) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{prefix}.{}", key.get_ref())
        };
        match value.get_ref() {
            DeValue::Table(inner) if !stop_at(&path) => {
                walk(text, &path, inner, stop_at, out);
            }
            other => out.push(Located {
                path,
                value: owned(other),
                line: line_of(text, key.span().start),
            }),
        }
    }
}

/// The line (from 1) that a byte is on.
#[must_use]
pub fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|b| **b == b'\n').count() + 1
}

pub(super) fn owned(value: &DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| toml::Value::String(number.to_string()), toml::Value::Integer),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or_else(|_| toml::Value::String(number.to_string()), toml::Value::Float),
        DeValue::Boolean(flag) => toml::Value::Boolean(*flag),
        DeValue::Datetime(at) => toml::Value::Datetime(*at),
        DeValue::Array(items) => {
            toml::Value::Array(items.iter().map(|item| owned(item.get_ref())).collect())
        }
        DeValue::Table(table) => toml::Value::Table(
            table
                .iter()
                .map(|(key, item)| (key.get_ref().to_string(), owned(item.get_ref())))
                .collect(),
        ),
    }
}

/// The known word that is nearest to a wrong one, as ` (did you mean …?)`; empty when none is near.
#[must_use]
pub fn did_you_mean<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|word| (strsim::jaro_winkler(wrong, word), word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, word)| format!(" (did you mean `{word}`?)"))
}
