//! `set_probe`: the timing of a probe that a container has. Probes are neither added nor taken away.

use super::ordered::freed;
use super::parameter::{
    ActionParameter,
    ActionParameterKind::{Choice, Text, Whole},
};
use super::request::{ActionError, ActionRequest, Compiled};
use super::set_resources::container;
use super::spec::ActionSpec;
use super::workload::{live, rolls, template_guard};
use crate::domain::diagnose::fields::{int, value};
use crate::domain::diagnose::reader::Reader;
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::{Value, json};

/// (parameter, field, what Kubernetes takes without it)
const FIELDS: [(&str, &str, i64); 4] = [
    ("initial_delay", "initialDelaySeconds", 0),
    ("period", "periodSeconds", 10),
    ("timeout", "timeoutSeconds", 1),
    ("failure_threshold", "failureThreshold", 3),
];

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Limits,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Changes the timing of a container's liveness, readiness or startup probe; its pods roll.",
    undone_by: "the timing from before, while the fields still hold ours",
    needs: "",
    parameters: &[
        ActionParameter::required("container", Text, "name of the container"),
        ActionParameter::required(
            "probe",
            Choice(&["liveness", "readiness", "startup"]),
            "which probe",
        ),
        ActionParameter::optional(
            "initial_delay",
            Whole { least: 0, most: 1_800 },
            "seconds before the first look",
        ),
        ActionParameter::optional("period", Whole { least: 1, most: 300 }, "seconds between looks"),
        ActionParameter::optional(
            "timeout",
            Whole { least: 1, most: 60 },
            "seconds that one look may take",
        ),
        ActionParameter::optional(
            "failure_threshold",
            Whole { least: 1, most: 120 },
            "looks in a row that must fail",
        ),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let Some(object) = live(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let mut notes = rolls(target, object)?;
    let Some((deletions, held)) = freed(target, object, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    notes.extend(held);
    let path = target.key.path();
    let wanted = request.text("container").unwrap_or_default();
    let (at, held) = container(object, wanted)
        .ok_or_else(|| ActionError(format!("{path} has no container {wanted}")))?;
    let which = request.text("probe").unwrap_or_default();
    let key = format!("{which}Probe");
    let probe = value(held, &[&key])
        .ok_or_else(|| ActionError(format!("container {wanted} of {path} has no {which} probe")))?;
    let mut changes = Vec::new();
    let mut words = Vec::new();
    for (parameter, field, default) in FIELDS {
        let Some(after) = request.whole(parameter) else { continue };
        let before = int(probe, &[field]).unwrap_or(default);
        if after != before {
            let change =
                FieldChange::of(object, at.clone().key(&key).key(field), Some(json!(after)));
            changes.push(change);
            words.push(format!("{} {before} → {after}", parameter.replace('_', " ")));
        }
    }
    if changes.is_empty() {
        return Err(ActionError(format!("the {which} probe of {wanted} has exactly this timing")));
    }
    let (before, after) = (slowest(probe, None), slowest(probe, Some(request)));
    notes.push(format!("a container that hangs is noticed within {after} s then, now {before} s"));
    let patch = Operation::patch(target.clone(), changes, vec![template_guard(object)]);
    let mut compiled = Compiled::new(
        format!("{which} probe of {wanted}: {}", words.join(", ")),
        std::iter::once(patch).chain(deletions).collect(),
        format!("timing of the {which} probe of {wanted} as it is now; its pods roll again"),
    );
    compiled.notes = notes;
    let delay = request.whole("initial_delay").or_else(|| int(probe, &["initialDelaySeconds"]));
    // A kubelet may look up to a period late, and slower on a busy node; the container takes a while to end.
    let shows = after.saturating_mul(2).saturating_add(delay.unwrap_or(0));
    let shows = shows.saturating_mul(5) / 4 + 30;
    compiled.shows_after_s = u64::try_from(shows).unwrap_or(0);
    Ok(Progress::Ready(compiled))
}

/// Seconds until a container that hangs counts as failed.
fn slowest(probe: &Value, request: Option<&ActionRequest<'_>>) -> i64 {
    let of = |index: usize| {
        let (parameter, field, default) = FIELDS[index];
        let given = request.and_then(|request| request.whole(parameter));
        given.or_else(|| int(probe, &[field])).unwrap_or(default)
    };
    let (period, timeout, threshold) = (of(1), of(2), of(3));
    period.saturating_mul(threshold).saturating_add(timeout)
}
