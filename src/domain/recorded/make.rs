//! From a remediation to a recorded case.

use super::case::{Expected, ExpectedPlan, RecordedCase};
use super::shown::step_lines;
use crate::domain::alert::Alert;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::evidence::{Answer, Gathered};
use crate::domain::text::{redact, redact_value};
use crate::domain::time::rfc3339;
use crate::domain::workflow::plan::Plan;
use serde_json::Value;

/// What is known of a remediation when its diagnosis was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident<'a> {
    /// Whose case: id and cluster, in words.
    pub origin: String,
    /// Its alerts at that time.
    pub alerts: Vec<Alert>,
    /// The diagnosis.
    pub diagnosis: &'a Diagnosis,
    /// The plan that was made of it, or why none could be.
    pub plan: Option<Result<&'a Plan, String>>,
    /// What was read for the diagnosis, and for the plan.
    pub gathered: Vec<Gathered>,
}

/// Makes a case that must come out as this one did, with secrets taken out of all texts and objects.
#[must_use]
pub fn make(incident: Incident<'_>) -> RecordedCase {
    let diagnosis = incident.diagnosis;
    let mut gathered = Gathered::default();
    // What was read for the diagnosis comes first, and stays as it was then.
    for (read, answer) in incident.gathered.into_iter().flat_map(|one| one.answers) {
        gathered.answers.entry(read).or_insert_with(|| without_secrets(answer));
    }
    let mut alerts = incident.alerts;
    for alert in &mut alerts {
        alert.annotations.values_mut().for_each(|text| *text = redact(text));
        alert.labels.values_mut().for_each(|text| *text = redact(text));
    }
    RecordedCase {
        about: redact(&diagnosis.summary),
        origin: format!("recorded {}: {}", rfc3339(diagnosis.at), incident.origin),
        now: diagnosis.at,
        alerts,
        base: None,
        changes: Vec::new(),
        expected: Expected {
            pattern: diagnosis.pattern.word().into(),
            cause: diagnosis.cause.word().into(),
            disposition: serde_json::to_value(diagnosis.disposition)
                .ok()
                .and_then(|word| word.as_str().map(String::from))
                .unwrap_or_default(),
            target: diagnosis.target.as_ref().map(|target| target.key.path()),
            container: diagnosis.container.clone(),
            plan: incident.plan.map(expected_plan),
            ..Expected::default()
        },
        gathered,
    }
}

fn expected_plan(plan: Result<&Plan, String>) -> ExpectedPlan {
    match plan {
        Err(why) => ExpectedPlan { none: Some(redact(&why)), ..ExpectedPlan::default() },
        Ok(plan) => {
            let mut params = plan.params.clone();
            params.values_mut().for_each(redact_value);
            ExpectedPlan {
                none: None,
                template: Some(plan.template.name.clone()),
                risk: Some(plan.risk.word().into()),
                params,
                steps: step_lines(plan),
            }
        }
    }
}

fn without_secrets(answer: Answer) -> Answer {
    match answer {
        Answer::Object(mut object) => {
            hide(&mut object);
            Answer::Object(object)
        }
        Answer::Items { mut items, complete } => {
            items.iter_mut().for_each(hide);
            Answer::Items { items, complete }
        }
        Answer::Text(text) => Answer::Text(redact(&text)),
        Answer::NotPermitted(why) => Answer::NotPermitted(redact(&why)),
        Answer::Unavailable(why) => Answer::Unavailable(redact(&why)),
        Answer::Series(series) => Answer::Series(series),
        Answer::Alerts(alerts) => Answer::Alerts(alerts),
        Answer::NotFound => Answer::NotFound,
    }
}

/// Hides what looks like a secret, and the values of ConfigMaps, which need no telling name: keys are all that
/// diagnoses look at.
fn hide(object: &mut Value) {
    if object.get("kind").and_then(Value::as_str) == Some("ConfigMap") {
        for key in ["data", "binaryData"] {
            let held = object.get_mut(key).and_then(Value::as_object_mut);
            for value in held.into_iter().flat_map(|data| data.values_mut()) {
                *value = crate::domain::redaction::REDACTED.into();
            }
        }
    }
    if let Some(meta) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        meta.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    redact_value(object);
}
