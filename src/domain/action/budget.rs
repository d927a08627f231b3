//! `relax_disruption_budget`: how many pods of a budget may be away. Its undo puts the budget back.

use super::parameter::{ActionParameter, ActionParameterKind::Share};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::live;
use crate::domain::diagnose::fields::{controller, int, value};
use crate::domain::diagnose::reader::Reader;
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::FieldPath;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Drain,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Sets minAvailable or maxUnavailable of a PodDisruptionBudget, for as long as a plan needs it.",
    undone_by: "the budget from before, while it still is the one set",
    needs: "",
    parameters: &[
        ActionParameter::optional("min_available", Share, "pods that must stay: 1 or 50%"),
        ActionParameter::optional("max_unavailable", Share, "pods that may be away: 1 or 50%"),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let path = target.key.path();
    if target.key.kind != "PodDisruptionBudget" {
        return Err(ActionError(format!("{path} is no PodDisruptionBudget")));
    }
    let Some(object) = live(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    if let Some(owner) = controller(object) {
        return Err(ActionError(format!(
            "{path} is kept by {}: change it there",
            owner.key.path()
        )));
    }
    let (field, other, wanted) =
        match (request.param("min_available"), request.param("max_unavailable")) {
            (Some(least), None) => ("minAvailable", "maxUnavailable", least),
            (None, Some(most)) => ("maxUnavailable", "minAvailable", most),
            (Some(_), Some(_)) | (None, None) => {
                return Err(ActionError(
                    "give one of `min_available` and `max_unavailable`".into(),
                ));
            }
        };
    let (at, beside) = (FieldPath::keys(&["spec", field]), FieldPath::keys(&["spec", other]));
    if at.get(object) == Some(wanted) {
        return Err(ActionError(format!("{path} has {field} {} already", shown(wanted))));
    }
    // A budget has one of the two, never both.
    let mut changes = Vec::new();
    if value(object, &["spec", other]).is_some() {
        changes.push(FieldChange::of(object, beside.clone(), None));
    }
    changes.push(FieldChange::of(object, at.clone(), Some(wanted.clone())));
    let before = at
        .get(object)
        .map(|value| format!("{field} {}", shown(value)))
        .or_else(|| beside.get(object).map(|value| format!("{other} {}", shown(value))))
        .unwrap_or_else(|| "no bound".into());
    let mut compiled = Compiled::new(
        format!("budget {}: {before} → {field} {}", target.key.name, shown(wanted)),
        vec![Operation::patch(target.clone(), changes, Vec::new())],
        format!("budget {} back to {before}", target.key.name),
    );
    let count = |field: &str| int(object, &["status", field]).unwrap_or(0);
    compiled.notes.push(format!(
        "now {} of {} pods are healthy, {} are wanted, {} may go",
        count("currentHealthy"),
        count("expectedPods"),
        count("desiredHealthy"),
        count("disruptionsAllowed")
    ));
    compiled.notes.push("it stays so until it is undone or set back by a later step".into());
    Ok(Progress::Ready(compiled))
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}
