//! Lines of text with roles, and how they are broken to a width.

use crate::ui::format::{clean, head, width};
use crate::ui::theme::Role;

/// A piece of text with its role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What it is for.
    pub role: Role,
    /// The text, cleaned.
    pub text: String,
}

/// A line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rich(pub Vec<Span>);

impl Rich {
    /// An empty line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of one piece.
    #[must_use]
    pub fn of(role: Role, text: &str) -> Self {
        Self::new().and(role, text)
    }

    /// Plain text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::of(Role::Text, text)
    }

    /// This line and one more piece.
    #[must_use]
    pub fn and(mut self, role: Role, text: &str) -> Self {
        self.push(role, text);
        self
    }

    /// Adds a piece.
    pub fn push(&mut self, role: Role, text: &str) {
        let text = clean(text);
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.role == role => last.text.push_str(&text),
            _ => self.0.push(Span { role, text }),
        }
    }

    /// Columns it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|span| width(&span.text)).sum()
    }

    /// The text without roles.
    #[must_use]
    pub fn plain(&self) -> String {
        self.0.iter().map(|span| span.text.as_str()).collect()
    }

    /// Broken to `columns` at blanks (inside words that are longer), with `indent` blanks before each further line.
    #[must_use]
    pub fn wrapped(&self, columns: usize, indent: usize) -> Vec<Self> {
        let columns = columns.max(8);
        let mut out = vec![Self::new()];
        let mut used = 0;
        for (role, word) in self.words() {
            let blanks = word.len() - word.trim_start_matches(' ').len();
            let (gap, mut rest) = word.split_at(blanks);
            if used + width(gap) + width(rest) <= columns {
                if let Some(line) = out.last_mut() {
                    line.push(role, word);
                }
                used += width(word);
                continue;
            }
            let fits_alone = width(rest) <= columns - indent;
            if !fits_alone && used + width(gap) < columns {
                // A long name is broken where the line ends, never left out.
                let part = head(rest, columns - used - width(gap));
                if let Some(line) = out.last_mut() {
                    line.push(role, gap);
                    line.push(role, part);
                }
                rest = &rest[part.len()..];
            }
            while !rest.is_empty() {
                let part = head(rest, columns - indent);
                out.push(Self::of(role, &format!("{}{part}", " ".repeat(indent))));
                used = indent + width(part);
                rest = &rest[part.len()..];
                if part.is_empty() {
                    break;
                }
            }
        }
        out
    }

    fn words(&self) -> Vec<(Role, &str)> {
        let mut out = Vec::new();
        for span in &self.0 {
            let mut start = 0;
            let mut in_word = false;
            for (index, c) in span.text.char_indices() {
                if c == ' ' && in_word {
                    out.push((span.role, &span.text[start..index]));
                    start = index;
                    in_word = false;
                } else if c != ' ' {
                    in_word = true;
                }
            }
            if start < span.text.len() {
                out.push((span.role, &span.text[start..]));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_field_path_is_broken_and_never_cut() {
        let line =
            Rich::text("- spec.template.spec.containers[app].resources.limits.memory: 512Mi");
        let broken = line.wrapped(40, 4);
        assert!(broken.iter().all(|line| line.width() <= 40));
        let joined = broken.iter().map(|l| l.plain().trim().to_string()).collect::<String>();
        assert_eq!(joined.replace(' ', ""), line.plain().replace(' ', ""));
    }

    #[test]
    fn roles_survive_breaking() {
        let line = Rich::text("one two").and(Role::Bad, " three four five");
        let broken = line.wrapped(11, 2);
        assert_eq!(broken[0].plain(), "one two");
        assert_eq!(broken[1].0[0].role, Role::Bad);
        assert_eq!(broken[1].plain(), "  three");
    }
}
