//! A template as its author meant it.

use super::yaml::Place;
use crate::domain::action::Action;
use crate::domain::diagnosis::{Cause, Pattern, words};
use crate::domain::workflow::plan::{Check, OnFailure, Risk, TemplateRef};
use serde_json::Value;

/// One template. Without a pattern it is only a subflow of others.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Name, version and digest.
    pub reference: TemplateRef,
    /// The file that it came from.
    pub file: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// What it is for; `None`: only a subflow.
    pub matching: Option<Matching>,
    /// Its parameters, in the author's order.
    pub parameters: Vec<Parameter>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// How success is judged.
    pub verify: Option<Verify>,
    /// What remains if it is stopped at a safe point.
    pub left_if_stopped: String,
    /// Seconds that a request for it stays open; `None`: as policy says.
    pub expires_s: Option<u64>,
    /// Its risk at least.
    pub risk: Option<Risk>,
}

/// What a template is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Matching {
    /// The pattern.
    pub pattern: Pattern,
    /// The causes; empty: any.
    pub causes: Vec<Cause>,
    /// CEL over `diagnosis` that must hold; empty: none.
    pub when: String,
    /// When it must not be used, and why.
    pub not_when: Vec<Exclusion>,
}

/// A case that a template is not for.
#[derive(Debug, Clone, PartialEq)]
pub struct Exclusion {
    /// CEL over `diagnosis`.
    pub cel: String,
    /// In words.
    pub why: String,
}

words!(
    /// Type of a parameter.
    ParameterKind {
        /// Whole number.
        Int = "int",
        /// Number.
        Number = "number",
        /// True or false.
        Bool = "bool",
        /// Text.
        String = "string",
        /// Kubernetes quantity.
        Quantity = "quantity",
        /// `30s`, `5m`, `2h`.
        Duration = "duration",
    }
);

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Name, as in `params.name`.
    pub name: String,
    /// Type.
    pub kind: ParameterKind,
    /// Value when nobody gives one; `None`: it must be given.
    pub default: Option<Given>,
    /// Smallest value allowed.
    pub min: Option<Given>,
    /// Largest value allowed.
    pub max: Option<Given>,
    /// What it is, in a sentence.
    pub describe: String,
}

/// A value as the author gave it.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// As it stands.
    Literal(Value),
    /// `= CEL`.
    Cel(String),
    /// A text with `${CEL}` in it.
    Text(String),
}

/// A parameter handed to an action or a subflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Given,
    /// Where the name stands.
    pub place: Place,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its id, one of a kind in the template.
    pub id: String,
    /// A few words, `${CEL}` allowed; empty: made from what it does.
    pub title: String,
    /// What it does.
    pub does: Does,
    /// CEL over `diagnosis`, `params`, `target`; false leaves it out. Empty: always.
    pub when: String,
    /// Seconds that it may take; `None`: as its kind has it.
    pub timeout_s: Option<u64>,
    /// How often it is tried; `None`: as its kind has it.
    pub attempts: Option<u32>,
    /// What happens when it fails; `None`: as the step says that calls this template, else undo.
    pub on_failure: Option<OnFailure>,
    /// Its risk at least.
    pub risk: Option<Risk>,
    /// Where it starts.
    pub place: Place,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Does {
    /// A catalogue action on the target.
    Action {
        /// Which.
        action: Action,
        /// Its parameters.
        with: Vec<Argument>,
    },
    /// Wait for a condition.
    WaitFor(Wait),
    /// Another template's steps.
    Subflow {
        /// Its name.
        name: String,
        /// Where the name stands.
        place: Place,
        /// Its parameters.
        with: Vec<Argument>,
    },
    /// Hand the case to a person.
    HandOver {
        /// What the person is told; `${CEL}` allowed.
        message: String,
    },
}

/// A condition to wait for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// The object; `None`: the target.
    pub object: Option<WaitObject>,
    /// CEL over `object` and `since` (when the step began).
    pub until: String,
    /// CEL that makes it pointless to wait on; empty: none.
    pub fails_when: String,
    /// In words; `${CEL}` over the step's variables allowed.
    pub describe: String,
}

/// An object named in full; each part a text, `= CEL` or `${CEL}`.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitObject {
    /// `v1`, `apps/v1`, ….
    pub api_version: Given,
    /// `Pod`, ….
    pub kind: Given,
    /// Empty for cluster-scoped ones.
    pub namespace: Given,
    /// Name.
    pub name: Given,
}

/// How success is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Verify {
    /// Seconds to wait after the last step; `None`: 300.
    pub settle_s: Option<u64>,
    /// All must hold.
    pub effective_when: Vec<Check>,
    /// None may hold.
    pub regressed_when: Vec<Check>,
    /// Figures.
    pub measures: Vec<MeasureSpec>,
    /// Whether a regression undoes by itself.
    pub undo_on_regression: bool,
}

/// A figure, with a query that still holds `${CEL}`.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasureSpec {
    /// Name, as in `after.measures.name`.
    pub name: String,
    /// PromQL; `${CEL}` only inside double quotes, where values are escaped.
    pub promql: String,
    /// Unit.
    pub unit: String,
}

impl Template {
    /// Whether a step of its own changes the cluster (subflows aside).
    #[must_use]
    pub fn acts(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(&step.does, Does::Action { action, .. } if action.mutates))
    }

    /// Names of the subflows that its steps call, with the place of each.
    #[must_use]
    pub fn subflows(&self) -> Vec<(&str, Place)> {
        self.steps
            .iter()
            .filter_map(|step| match &step.does {
                Does::Subflow { name, place, .. } => Some((name.as_str(), *place)),
                Does::Action { .. } | Does::WaitFor(_) | Does::HandOver { .. } => None,
            })
            .collect()
    }
}
