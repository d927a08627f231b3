//! The types of what expressions of a template use, and what lint says of them.

use super::model::{Given, Parameter, ParameterKind};
use super::reading::Reading;
use super::scope::Scope;
use super::yaml::Node;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::expr::{self, ExprError, Kinds, Severity, Type};
use serde_json::Value;

/// Words of a step's state, as conditions see them.
const STATES: &[&str] = &[
    "pending",
    "running",
    "waiting",
    "asked",
    "done",
    "failed",
    "timed_out",
    "unknown",
    "skipped",
    "will_not_be_run",
    "undoing",
    "undone",
    "undo_failed",
];
/// Numbers of a sample.
const NUMBERS: &[&str] = &[
    "desired",
    "ready",
    "updated_available",
    "restarts",
    "crashing",
    "oom_killed",
    "failed_runs",
    "alerts_firing",
];

fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Type {
    Type::Words(all.iter().map(|one| word(*one).to_string()).collect())
}

/// The type of a member of a variable that has the same members everywhere.
pub(super) fn member(variable: &str, members: &[String]) -> Type {
    let path = members.iter().map(String::as_str).collect::<Vec<_>>();
    match (variable, path.as_slice()) {
        ("diagnosis", ["pattern"]) => words(Pattern::ALL, Pattern::word),
        ("diagnosis", ["cause"]) => words(Cause::ALL, Cause::word),
        ("diagnosis", ["container" | "summary" | "made_by"]) | ("target", [_]) | ("since", []) => {
            Type::Text
        }
        ("diagnosis", ["confidence"]) => Type::Number { min: Some(0.0), max: Some(1.0) },
        ("diagnosis", ["evidence"]) | ("objects", []) => Type::List,
        ("diagnosis" | "target" | "params" | "steps" | "object" | "before" | "after", [])
        | ("diagnosis", ["values"]) => Type::Map,
        ("steps", [_, "state"]) => Type::Words(STATES.iter().map(ToString::to_string).collect()),
        // Empty while it is not over.
        ("steps", [_, "outcome"]) => {
            let all = STATES.iter().copied().chain([""]);
            Type::Words(all.map(String::from).collect())
        }
        ("steps", [_, "why" | "note"]) | ("before" | "after", ["at"]) => Type::Text,
        ("before" | "after", ["readable" | "exists" | "rolled_out"]) => Type::Bool,
        ("before" | "after", ["missing"]) => Type::List,
        ("before" | "after", ["measures" | "pods" | "endpoints"]) => Type::Map,
        ("before" | "after", [name]) if NUMBERS.contains(name) => Type::NUMBER,
        _ => Type::Any,
    }
}

/// What values of a parameter expressions see.
pub(super) fn of_parameter(parameter: &Parameter) -> Type {
    let bound = |given: &Option<Given>| match given {
        Some(Given::Literal(value)) => value.as_f64(),
        Some(Given::Cel(_) | Given::Text(_)) | None => None,
    };
    match parameter.kind {
        ParameterKind::Int | ParameterKind::Number => {
            Type::Number { min: bound(&parameter.min), max: bound(&parameter.max) }
        }
        ParameterKind::Bool => Type::Bool,
        ParameterKind::String | ParameterKind::Quantity | ParameterKind::Duration => {
            let texts = parameter.choices.iter().filter_map(Value::as_str).map(String::from);
            let texts = texts.collect::<Vec<_>>();
            if texts.is_empty() { Type::Text } else { Type::Words(texts) }
        }
    }
}

/// What an expression that stands alone is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    /// A condition: true or false.
    Condition,
    /// A value, or part of a text.
    Value,
}

impl Reading<'_> {
    /// The types in an expression.
    pub(super) fn kinds(&self, source: &str, scope: &Scope) -> Result<Kinds, ExprError> {
        let of = |variable: &str, members: &[String]| match members {
            [name] if variable == "params" && scope.has_params() => {
                self.types.get(name).cloned().unwrap_or(Type::Any)
            }
            _ if scope.is_item(variable) => Type::Any,
            _ => member(variable, members),
        };
        expr::kinds(source, &of)
    }

    /// Says what is wrong with the types in an expression; `at` is where it starts in the scalar.
    pub(super) fn check_kinds(
        &mut self,
        node: &Node,
        whole: &str,
        at: (usize, usize),
        kinds: &Kinds,
        (meant, key): (Meant, &str),
    ) {
        for finding in &kinds.findings {
            let place = (finding.line, finding.column);
            let place = self.in_scalar(node, whole, place, at);
            let (message, suggestion) = (finding.message.clone(), finding.suggestion.clone());
            match finding.severity {
                Severity::Wrong => self.advise(place, message, suggestion),
                Severity::Odd => self.hint(place, message, suggestion),
            }
        }
        if meant == Meant::Value {
            return;
        }
        if !kinds.result.may_be(&Type::Bool) {
            let message = format!("`{key}` is a condition; this gives {}", kinds.result.noun());
            self.advise(node.place, message, "compare it with something");
        }
        if let Some(always) = kinds.always {
            let (message, suggestion) = constant(key, always);
            self.hint(self.in_scalar(node, whole, (1, 1), at), message, suggestion);
        }
    }
}

/// What it means that a condition is always true, or never.
fn constant(key: &str, always: bool) -> (String, &'static str) {
    match (key, always) {
        ("when", true) => ("`when` is always true".into(), "leave it out"),
        ("when", false) => {
            ("`when` is never true: what it guards never runs".into(), "mend it, or take it out")
        }
        (key, true) => (format!("`{key}` is always true"), "mend it, or take it out"),
        (key, false) => (format!("`{key}` is never true"), "mend it, or take it out"),
    }
}
