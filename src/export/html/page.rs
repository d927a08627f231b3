//! The page: markup comes from literals only, all other text is escaped on its way in.

use crate::domain::text::clean_lines;
use crate::domain::time::Timestamp;
use crate::export::tables::{Fact, Table};

/// The style of all reports.
const STYLE: &str = include_str!("../../../assets/report.css");

/// What a browser may do with it: draw, in the style that it carries.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A page, as far as it is written.
#[derive(Debug, Default)]
pub struct Page {
    out: String,
}

impl Page {
    /// Opens a page with its title.
    #[must_use]
    pub fn open(title: &str) -> Self {
        let mut page = Self::default();
        page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.start("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
        page.raw("\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        page.raw("<meta name=\"referrer\" content=\"no-referrer\">\n");
        page.element("title", &[], title);
        page.raw("\n<style>\n").raw(STYLE).raw("</style>\n</head>\n<body>\n<main>\n");
        page
    }

    /// Closes it.
    #[must_use]
    pub fn close(mut self) -> String {
        self.raw("</main>\n</body>\n</html>\n");
        self.out
    }

    /// Markup as it is written in this program.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    /// Text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for character in clean_lines(text).chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                other => self.out.push(other),
            }
        }
        self
    }

    /// Starts an element.
    pub fn start(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) -> &mut Self {
        self.raw("<").raw(name);
        for &(attribute, value) in attributes {
            self.raw(" ").raw(attribute).raw("=\"").text(value).raw("\"");
        }
        self.raw(">")
    }

    /// Ends an element.
    pub fn end(&mut self, name: &'static str) -> &mut Self {
        self.raw("</").raw(name).raw(">")
    }

    /// An element that holds text.
    pub fn element(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        text: &str,
    ) -> &mut Self {
        self.start(name, attributes).text(text).end(name)
    }

    /// A part of the page with its title; ended by `end("section")`.
    pub fn section(&mut self, title: &str) -> &mut Self {
        self.raw("<section>\n").element("h2", &[], title).raw("\n")
    }

    /// Named facts as a list.
    pub fn facts(&mut self, facts: &[Fact]) -> &mut Self {
        if facts.is_empty() {
            return self;
        }
        self.raw("<dl class=\"facts\">\n");
        for (name, text) in facts {
            self.element("dt", &[], name).element("dd", &[], text).raw("\n");
        }
        self.raw("</dl>\n")
    }

    /// A table; nothing when it has no row.
    pub fn table(&mut self, table: &Table) -> &mut Self {
        if table.rows.is_empty() {
            return self;
        }
        self.raw("<table>\n<thead><tr>");
        for head in table.heads {
            self.element("th", &[("scope", "col")], head);
        }
        self.raw("</tr></thead>\n<tbody>\n");
        for row in &table.rows {
            self.raw("<tr>");
            for (cell, head) in row.iter().zip(table.heads) {
                self.element("td", &[("class", &class(head))], &to_the_second(cell));
            }
            self.raw("</tr>\n");
        }
        self.raw("</tbody>\n</table>\n")
    }

    /// A part of the page that is a table; nothing when it has no row.
    pub fn titled(&mut self, title: &str, table: &Table) -> &mut Self {
        if table.rows.is_empty() {
            return self;
        }
        self.section(title).table(table).raw("</section>\n")
    }

    /// The banner of what did not happen on a real cluster.
    pub fn simulated(&mut self, words: Option<&str>) -> &mut Self {
        let Some(words) = words else { return self };
        self.raw("<p class=\"simulated\"><strong>SIMULATED.</strong> ");
        self.text("Nothing in this report happened on a real cluster (").text(words);
        self.raw(").</p>\n")
    }
}

/// A moment as people read it; anything else as it is. What stands in JSON is exact.
fn to_the_second(cell: &str) -> String {
    let moment = cell.strip_suffix('Z').filter(|_| cell.len() == 24 && cell.is_ascii());
    let parts = moment.and_then(|moment| moment.split_once('.')).filter(|_| is_moment(cell));
    parts.map_or_else(|| cell.to_string(), |(seconds, _)| seconds.replacen('T', " ", 1))
}

fn is_moment(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok()
}

/// The class of a column's cells: its head, in letters.
fn class(head: &str) -> String {
    let letters = head.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    format!("c-{}", letters.collect::<String>().to_ascii_lowercase())
}

/// The class and the sign of an outcome; the word stands beside them wherever they are shown.
#[must_use]
pub fn outcome_class(outcome: &str) -> (&'static str, &'static str) {
    match outcome {
        "effective" => ("good", "✓"),
        "recovered" => ("well", "✓"),
        "regressed" | "failed" => ("bad", "✗"),
        "ineffective" => ("none", "="),
        "inconclusive" => ("unclear", "?"),
        "handed_over" => ("told", "→"),
        "rejected" | "cancelled" => ("off", "–"),
        "merged" => ("merged", "–"),
        _ => ("open", "…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_can_not_become_markup() {
        let bad = "</style><script>x()</script>\" onload='y' &\u{202e}\u{1b}[31m";
        let mut page = Page::open(bad);
        page.element("p", &[("class", bad)], bad);
        let page = page.close();
        assert_eq!(page.matches("<script").count(), 0, "{page}");
        assert_eq!(page.matches("</style>").count(), 1, "{page}");
        assert!(!page.contains(['\u{202e}', '\u{1b}']), "{page}");
        assert!(page.contains("&quot; onload=&#39;y&#39; &amp;"), "{page}");
    }

    #[test]
    fn the_style_fetches_nothing() {
        for way in ["url(", "@import", "http:", "https:", "//", "</"] {
            assert!(!STYLE.contains(way), "{way}");
        }
    }
}
