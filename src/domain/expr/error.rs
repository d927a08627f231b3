//! Why an expression can't be used, and where in it.

/// Why an expression can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// Line within the expression, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl ExprError {
    /// An error about the expression as a whole.
    #[must_use]
    pub fn whole(message: impl Into<String>) -> Self {
        Self { line: 1, column: 1, message: message.into() }
    }

    /// The same error for a text in which the expression starts at that line and column.
    #[must_use]
    pub fn within(mut self, line: usize, column: usize) -> Self {
        if self.line == 1 {
            self.column += column.saturating_sub(1);
        }
        self.line += line.saturating_sub(1);
        self
    }
}
