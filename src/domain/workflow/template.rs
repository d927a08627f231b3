//! Templates as people write them.

use crate::domain::diagnosis::Diagnosis;

/// One template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Name, version and digest.
    pub reference: super::plan::TemplateRef,
}

/// A problem in a template's text.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// All templates that loaded, by name (the user's over the shipped ones).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Library {
    /// By name.
    pub templates: std::collections::BTreeMap<String, Template>,
    /// What did not load.
    pub problems: Vec<Problem>,
}

impl Library {
    /// Shipped templates and the user's `(file, text)` pairs over them.
    #[must_use]
    pub fn load(_users: &[(String, String)]) -> Self {
        Self::default()
    }

    /// The template for a diagnosis; else a sentence that says which were looked at and why none fits.
    pub fn choose(&self, _diagnosis: &Diagnosis) -> Result<&Template, String> {
        Err(String::new())
    }
}
