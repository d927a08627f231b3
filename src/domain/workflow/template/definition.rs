//! Definition files of a site: what an action of the catalogue means there. Each becomes a template of its name: it is
//! planned, approved, executed and linted as any other, by `plan NAME` or as a subflow.
//!
//! ```yaml
//! name: pg-dump                # and version, summary, risk, expires, left_if_stopped, verify: as in a template
//! implements: back_up_data     # the word of the catalogue
//! enabled: false               # read and checked, but not there until this is true
//! parameters: [{name, type, default, min, max, describe}]
//! job:    {namespace, image, argv, timeout, service_account, env_from_secrets, claims: [{claim, path}]}
//! exec:   {namespace, labels, container, argv, timeout, exit_codes}      # one of these four
//! patch:  {api_version, kind, namespace, name, subresource, set: {PATH: value}}
//! create: {namespace, manifest}
//! check:  {describe, object, until, fails_when, within}                  # what must be true afterwards
//! undo:   how a person takes it back
//! ```
//!
//! Values are texts with `${CEL}` or `= CEL`, over `params`, `target` and `diagnosis`. Each element of `argv` is one
//! argument, whatever is in it. `check` is about what was created or changed unless it names an `object`; that of a
//! program, about the target.

use super::definition_steps::Builder;
use super::model::{Template, Verify};
use super::problem::Problem;
use super::reading::Reading;
use super::scope::Scope;
use super::yaml::{self, Kind, Place};
use crate::domain::action::Action;
use crate::domain::workflow::plan::Check;

const TOP: &[&str] = &[
    "name",
    "version",
    "summary",
    "implements",
    "enabled",
    "parameters",
    "job",
    "exec",
    "patch",
    "create",
    "check",
    "undo",
    "verify",
    "left_if_stopped",
    "expires",
    "risk",
];
/// Characters of a name: some more make it a Job's.
const LONGEST_NAME: usize = 40;

/// A definition that can be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What it is for.
    pub implements: Action,
    /// Whether the site turned it on.
    pub enabled: bool,
    /// The image of its Job; empty: there is none.
    pub image: String,
    /// Where the image stands.
    pub image_place: Place,
    /// How a person takes it back.
    pub undo: String,
    /// The template that it becomes.
    pub template: Template,
}

/// Whether a text means to be a definition, and not a template: it says what it implements.
#[must_use]
pub fn is_definition(file: &str, text: &str) -> bool {
    matches!(yaml::read(file, text).map(|node| node.kind),
        Ok(Kind::Map(members)) if members.iter().any(|(key, _)| key.text == "implements"))
}

/// Reads a definition, with what lint has to say beside; else all problems, not only the first.
pub(crate) fn parse_definition(
    file: &str,
    text: &str,
) -> Result<(Definition, Vec<Problem>), Vec<Problem>> {
    let node = yaml::read(file, text).map_err(|problem| vec![problem])?;
    let mut reading = Reading::new(file, text);
    let top = reading.fields(&node, "a definition", TOP);
    if !matches!(node.kind, Kind::Map(_)) {
        return Err(reading.problems);
    }
    if top.get("implements").is_none() {
        let message = "the definition has no `implements`: a word of the catalogue";
        let words = Action::DEFINABLE.iter().map(|action| action.word()).collect::<Vec<_>>();
        reading.advise(node.place, message, format!("it is one of {}", words.join(", ")));
    }
    let implements = reading.word(&top, "implements", Action::DEFINABLE, Action::word);
    let enabled = reading.flag(&top, "enabled").unwrap_or(false);
    let (mut template, names) = reading.sections(&top, text);
    let name = template.reference.name.clone();
    if name.len() > LONGEST_NAME {
        let message = format!("`name` is at most {LONGEST_NAME} characters: Jobs are named by it");
        reading.problem(top.get("name").map_or(node.place, |node| node.place), message);
    }
    let action = implements.unwrap_or(Action::RunJob);
    let scope = Scope::steps(names);
    let mut image = (String::new(), node.place);
    let mut builder = Builder { reading: &mut reading, scope: &scope, name: &name, action };
    template.steps = builder.steps(&top, &mut image);
    if template.left_if_stopped.trim().is_empty() {
        template.left_if_stopped =
            "what the action did until then; a Job that was started runs on to its end".into();
    }
    let undo = reading.required_text(&top, "undo");
    template.verify = Some(template.verify.take().unwrap_or_else(|| own_success(&template)));
    let Some(implements) = implements.filter(|_| reading.problems.is_empty()) else {
        reading.problems.sort();
        return Err(reading.problems);
    };
    reading.unused(&top, &template);
    let (image, image_place) = image;
    let definition = Definition { implements, enabled, image, image_place, undo, template };
    Ok((definition, reading.hints))
}

/// Where a definition says nothing of figures, it succeeded when all of its steps did: the program's exit code and its
/// check are among them, and no verdict is reached where one failed.
fn own_success(template: &Template) -> Verify {
    let describe = format!("all steps of {} succeeded, its check too", template.reference.name);
    Verify {
        settle_s: Some(1),
        effective_when: vec![Check { describe, cel: "true".into() }],
        regressed_when: Vec::new(),
        measures: Vec::new(),
        undo_on_regression: false,
    }
}
