//! The page: escaping, lists, tables.

use crate::export::tables::{Fact, Table};

/// What is written so far.
#[derive(Debug, Default)]
pub struct Page(pub String);

impl Page {
    /// Adds what is markup, or escaped.
    pub fn put(&mut self, text: &str) {
        self.0.push_str(text);
    }
}

/// Text in running text or a table cell: one line, nothing in it is markup.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => out.push(' '),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '|' | '!' | '~'
            | '$' | '@' | ':' => {
                // Numeric references also stop bare addresses and mentions from becoming links.
                match character {
                    '@' => out.push_str("&#64;"),
                    ':' => out.push_str("&#58;"),
                    other => out.extend(['\\', other]),
                }
            }
            '.' if out.get(out.len().saturating_sub(3)..).is_some_and(is_www) => {
                out.push_str("&#46;");
            }
            '+' | '-' if out.is_empty() => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}

/// What renderers take for the start of an address.
fn is_www(text: &str) -> bool {
    text.eq_ignore_ascii_case("www")
}

/// A block of code whose fence is longer than any run of backticks in it.
#[must_use]
pub fn fenced(language: &str, lines: &[String]) -> String {
    let longest = lines
        .iter()
        .flat_map(|line| line.split(|c| c != '`').map(str::len))
        .max()
        .unwrap_or(0)
        .max(2);
    let fence = "`".repeat(longest + 1);
    format!("{fence}{language}\n{}\n{fence}\n\n", lines.join("\n"))
}

/// A part with its title.
pub fn section(out: &mut Page, title: &str) {
    out.put(&format!("## {title}\n\n"));
}

/// Named facts.
pub fn items(out: &mut Page, facts: &[Fact]) {
    for (name, text) in facts {
        out.put(&format!("- **{name}**: {}\n", escape(text)));
    }
}

/// A table; nothing when it has no row.
pub fn table(out: &mut Page, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    out.put(&format!("| {} |\n", table.heads.join(" | ")));
    out.put(&format!("|{}\n", " --- |".repeat(table.heads.len())));
    for row in &table.rows {
        let cells = row.iter().map(|cell| escape(cell)).collect::<Vec<_>>();
        out.put(&format!("| {} |\n", cells.join(" | ")));
    }
    out.put("\n");
}

/// A part that is a table; nothing when it has no row.
pub fn titled(out: &mut Page, title: &str, content: &Table) {
    if !content.rows.is_empty() {
        section(out, title);
        table(out, content);
    }
}

/// The banner of what did not happen on a real cluster.
pub fn simulated(out: &mut Page, words: Option<&str>) {
    if let Some(words) = words {
        out.put(&format!(
            "> **SIMULATED.** Nothing in this report happened on a real cluster ({}).\n\n",
            escape(words)
        ));
    }
}
