//! From a remediation to a recorded case.

use super::case::{Expected, ExpectedPlan, RecordedCase};
use super::shown::step_lines;
use crate::domain::alert::Alert;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::evidence::Gathered;
use crate::domain::text::{redact, redact_value};
use crate::domain::time::rfc3339;
use crate::domain::workflow::plan::Plan;

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
        gathered.answers.entry(read).or_insert_with(|| answer.without_secrets());
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
