//! What came out against what must.

use super::case::{Expected, ExpectedPlan};
use super::lines::line_differences;
use super::replay::Replayed;
use super::shown::step_lines;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::workflow::plan::Plan;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Display;

/// Every difference, in a line or several; empty when all is as it must be.
#[must_use]
pub fn differences(expected: &Expected, found: &Replayed) -> Vec<String> {
    let mut out = Differences::default();
    diagnosis(expected, &found.diagnosis, &mut out);
    if let Some(wanted) = &expected.plan {
        plan(wanted, found.plan.as_ref(), &mut out);
    }
    out.0
}

/// What a plan's whole text (see [`shown`](super::shown())) has otherwise than it must.
#[must_use]
pub fn text_differences(wanted: &str, found: &str) -> Vec<String> {
    let lines = |text: &str| text.lines().map(String::from).collect::<Vec<_>>();
    line_differences(&lines(wanted), &lines(found))
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn same(&mut self, what: impl Display, wanted: &str, is: &str) {
        if wanted != is {
            self.0.push(format!("{what}: wanted {wanted}, is {is}"));
        }
    }

    fn holds(&mut self, what: &str, wanted: &str, is: &str) {
        if !is.contains(wanted) {
            self.0.push(format!("{what}: wanted … {wanted} …, is {is}"));
        }
    }
}

fn diagnosis(expected: &Expected, found: &Diagnosis, out: &mut Differences) {
    let none = || "none".to_string();
    out.same("pattern", &expected.pattern, found.pattern.word());
    out.same("cause", &expected.cause, found.cause.word());
    out.same("disposition", &expected.disposition, &word(&found.disposition));
    let target = found.target.as_ref().map_or_else(none, |target| target.key.path());
    out.same("target", expected.target.as_deref().unwrap_or("none"), &target);
    if let Some(container) = &expected.container {
        out.same("container", container, found.container.as_deref().unwrap_or("none"));
    }
    for (id, bearing) in &expected.facts {
        let fact = found.evidence.iter().find(|fact| fact.id == *id);
        let is = fact.map_or_else(|| "absent".to_string(), |fact| word(&fact.bearing));
        out.same(format_args!("fact {id}"), bearing, &is);
    }
    values("value", &expected.values, &found.values, out);
    for name in &expected.no_values {
        out.same(format_args!("value {name}"), "absent", &at(&found.values, name));
    }
    if let Some(wanted) = &expected.summary {
        out.holds("summary", wanted, &found.summary);
    }
    let (least, most) = (expected.at_least.unwrap_or(0.0), expected.at_most.unwrap_or(1.0));
    if !(least..=most).contains(&found.confidence) {
        let is = found.confidence;
        out.0.push(format!("confidence: wanted {least} to {most}, is {is}"));
    }
}

fn plan(wanted: &ExpectedPlan, found: Option<&Result<Plan, String>>, out: &mut Differences) {
    let found = match (found, &wanted.none) {
        (None, Some(_)) => return,
        (None, None) => return out.same("plan", "one", "none: nothing is to be done"),
        (Some(Err(why)), Some(wanted)) => return out.holds("no plan", wanted, why),
        (Some(Err(why)), None) => return out.same("plan", "one", &format!("none: {why}")),
        (Some(Ok(plan)), Some(_)) => {
            return out.same("plan", "none", &format!("one of {}", plan.template.name));
        }
        (Some(Ok(plan)), None) => plan,
    };
    if let Some(template) = &wanted.template {
        out.same("template", template, &found.template.name);
    }
    if let Some(risk) = &wanted.risk {
        out.same("risk", risk, found.risk.word());
    }
    values("parameter", &wanted.params, &found.params, out);
    if !wanted.steps.is_empty() {
        let lines = line_differences(&wanted.steps, &step_lines(found));
        if !lines.is_empty() {
            out.0.push(format!("steps (- wanted, + is):\n{}", lines.join("\n")));
        }
    }
}

fn values(
    what: &str,
    wanted: &BTreeMap<String, Value>,
    found: &BTreeMap<String, Value>,
    out: &mut Differences,
) {
    for (path, wanted) in wanted {
        out.same(format_args!("{what} {path}"), &wanted.to_string(), &at(found, path));
    }
}

/// The value at `name.member.member`, as JSON.
fn at(values: &BTreeMap<String, Value>, path: &str) -> String {
    let mut parts = path.split('.');
    let mut is = parts.next().and_then(|name| values.get(name));
    for part in parts {
        is = is.and_then(|value| value.get(part));
    }
    is.map_or_else(|| "absent".to_string(), Value::to_string)
}

/// The word that a plain enum has in JSON.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}
