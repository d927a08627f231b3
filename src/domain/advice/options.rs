//! What may be chosen: the templates that fit, and their parameters that have limits on both sides.

use crate::domain::diagnosis::Diagnosis;
use crate::domain::effectiveness::Past;
use crate::domain::workflow::compile::{Open, open_parameters};
use crate::domain::workflow::template::Library;

/// Most templates that advice chooses among: the best by rules.
const MOST: usize = 12;

/// A template that may be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its name.
    pub template: String,
    /// What it does, as its author says.
    pub summary: String,
    /// Whether it changes the cluster.
    pub acts: bool,
    /// Parameters that may be filled.
    pub open: Vec<Open>,
}

/// What may be chosen, best by rules first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// The templates.
    pub candidates: Vec<Candidate>,
}

impl Options {
    /// The options for a diagnosis. Where rules would only tell a person, none that acts is among them.
    #[must_use]
    pub fn of(library: &Library, diagnosis: &Diagnosis, past: &Past) -> Self {
        let fitting = library.fitting(diagnosis, past);
        let acts = fitting.first().is_some_and(|first| library.acts(first));
        let candidates = fitting
            .into_iter()
            .filter(|template| acts || !library.acts(template))
            .take(MOST)
            .map(|template| Candidate {
                template: template.reference.name.clone(),
                summary: template.summary.clone(),
                acts: library.acts(template),
                open: open_parameters(template, diagnosis),
            })
            .collect();
        Self { candidates }
    }

    /// Whether there is anything to choose.
    #[must_use]
    pub fn leave_a_choice(&self) -> bool {
        self.candidates.len() > 1 || self.candidates.iter().any(|one| !one.open.is_empty())
    }

    /// The one with that name.
    #[must_use]
    pub fn named(&self, template: &str) -> Option<&Candidate> {
        self.candidates.iter().find(|one| one.template == template)
    }

    /// Names, for a sentence.
    #[must_use]
    pub fn names(&self) -> String {
        let names = self.candidates.iter().map(|one| one.template.as_str());
        names.collect::<Vec<_>>().join(", ")
    }
}
