//! The check of one file against the templates that it would live among.

use crate::domain::workflow::template::{
    Library, Problem, is_definition, parse, parse_definition, problems_of, timing_of,
};

/// What is wrong or odd about a template or a definition. `library` holds the templates that it may call; one of its own name in there
/// is taken to be an older version of it.
#[must_use]
pub fn lint(file: &str, text: &str, library: &Library) -> Vec<Problem> {
    if is_definition(file, text) {
        return match parse_definition(file, text) {
            Ok((_, hints)) => hints,
            Err(problems) => problems,
        };
    }
    let (template, mut found) = match parse(file, text) {
        Ok(parsed) => parsed,
        Err(problems) => return problems,
    };
    let mut all = library.templates.clone();
    all.insert(template.reference.name.clone(), template.clone());
    found.extend(problems_of(&template, &all));
    found.extend(timing_of(&template, &all));
    found.sort();
    found.dedup();
    found
}
