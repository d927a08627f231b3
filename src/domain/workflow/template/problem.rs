//! What is wrong with a template, and where.

use super::yaml::Place;

/// A problem in a template's text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// File.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead; empty: no idea.
    pub suggestion: String,
}

impl Problem {
    pub(crate) fn at(file: &str, place: Place, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: place.line,
            column: place.column,
            message: message.into(),
            suggestion: String::new(),
        }
    }

    pub(crate) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = suggestion.into();
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, line, column, message, suggestion } = self;
        write!(f, "{file}:{line}:{column}: {message}")?;
        if suggestion.is_empty() { Ok(()) } else { write!(f, " ({suggestion})") }
    }
}
