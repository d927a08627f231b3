//! A one-line text field. What is typed goes to its end; there is nothing else to it.

/// Most characters that a field takes.
pub const FIELD_LIMIT: usize = 200;

/// A one-line text field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    text: String,
}

impl Field {
    /// A field with text in it.
    #[must_use]
    pub fn filled(text: &str) -> Self {
        Self { text: text.into() }
    }

    /// What is in it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds a character.
    pub fn push(&mut self, c: char) {
        if self.text.chars().count() < FIELD_LIMIT && !c.is_control() {
            self.text.push(c);
        }
    }

    /// Adds pasted text, its line ends as blanks.
    pub fn paste(&mut self, text: &str) {
        for c in crate::ui::format::clean(text).chars() {
            self.push(c);
        }
    }

    /// Takes the last character out.
    pub fn backspace(&mut self) {
        self.text.pop();
    }

    /// Takes the last word out.
    pub fn erase_word(&mut self) {
        let kept = self.text.trim_end().rfind(' ').map_or(0, |at| at + 1);
        self.text.truncate(kept);
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.text.clear();
    }
}
