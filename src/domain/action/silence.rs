//! `silence_alert`: Alertmanager tells nobody about one alert for a while. Ends by itself, since a silence has an end.

use super::parameter::{
    ActionParameter,
    ActionParameterKind::{Labels, Text, Whole},
};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use crate::domain::evidence::Progress;
use crate::domain::operation::{Operation, Silence};
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;
use std::collections::BTreeMap;

/// Minutes when nobody says.
const MINUTES: i64 = 60;
/// A day.
const MOST_MINUTES: i64 = 1_440;

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Restart,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Silences one alert of the target's namespace at Alertmanager, for a day at most.",
    undone_by: "the silence is ended; it ends by itself anyway",
    needs: "`alertmanager.url`; without it the plan says so",
    parameters: &[
        ActionParameter::required("alert", Text, "name of the alert (label alertname)"),
        ActionParameter::optional("labels", Labels, "more labels that it must carry"),
        ActionParameter::optional(
            "minutes",
            Whole { least: 1, most: MOST_MINUTES },
            "how long (60)",
        ),
        ActionParameter::optional("reason", Text, "why, for people who see the silence"),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let alert = request.text("alert").unwrap_or_default();
    let mut matchers = BTreeMap::from([("alertname".to_string(), alert.to_string())]);
    let namespace = &request.target.key.namespace;
    if !namespace.is_empty() {
        matchers.insert("namespace".into(), namespace.clone());
    }
    for (name, value) in request.param("labels").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().unwrap_or_default().to_string();
        if let Some(other) = matchers.insert(name.clone(), value.clone())
            && other != value
        {
            return Err(ActionError(format!(
                "label {name} would be {value}, and the target's says {other}: name another target"
            )));
        }
    }
    if matchers.len() < 2 {
        return Err(ActionError(
            "an alert is silenced with one label more than its name, at least: give `labels`"
                .into(),
        ));
    }
    let minutes = request.whole("minutes").unwrap_or(MINUTES);
    let silence = Silence {
        matchers,
        minutes: u32::try_from(minutes).unwrap_or(1),
        reason: request.text("reason").unwrap_or("during a remediation").to_string(),
        ends: false,
        made_by: Vec::new(),
    };
    let words = silence.words();
    let mut ready = Compiled::new(
        format!("silence {words} for {minutes} min"),
        vec![Operation::Silence(silence)],
        "the silence is ended".into(),
    );
    ready.notes.push(format!("nobody is told of {words} meanwhile, also not of new trouble"));
    Ok(Progress::Ready(ready))
}
