//! `scale`, `update_hpa`: how many pods.
//!
//! What an autoscaler holds is not scaled past it: its bounds are changed instead. What belongs to something that scales
//! it is refused with the owner's name.

use super::parameter::{ActionParameter, ActionParameterKind::Whole};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::live;
use crate::domain::diagnose::fields::{controller, int, name, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::{FieldPath, ObjectRef};
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::{Value, json};

pub(super) const SCALE: ActionSpec = ActionSpec {
    class: ActionClass::Scale,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Sets the replicas of a Deployment, StatefulSet or ReplicaSet that no autoscaler holds.",
    undone_by: "the replicas from before, while they still are the ones set",
    needs: "",
    parameters: &[ActionParameter::required(
        "replicas",
        Whole { least: 0, most: 1_000 },
        "how many pods there are to be",
    )],
    compile: scale,
};

pub(super) const UPDATE_HPA: ActionSpec = ActionSpec {
    class: ActionClass::Scale,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Changes the bounds of a HorizontalPodAutoscaler.",
    undone_by: "the bounds from before, while they still are the ones set",
    needs: "autoscaling/v2",
    parameters: &[
        ActionParameter::optional("min", Whole { least: 1, most: 1_000 }, "fewest pods"),
        ActionParameter::optional("max", Whole { least: 1, most: 1_000 }, "most pods"),
    ],
    compile: update_hpa,
};

fn scale(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let path = target.key.path();
    let kind = target.key.kind.as_str();
    if target.key.api_version != "apps/v1"
        || !matches!(kind, "Deployment" | "StatefulSet" | "ReplicaSet")
    {
        let why = "only a Deployment, StatefulSet or ReplicaSet is scaled";
        return Err(ActionError(format!("{path}: {why}")));
    }
    let object = live(target, &mut reader)?;
    let scalers = reader.whole_list(
        "autoscalers",
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        &target.key.namespace,
        "",
    );
    let (Some(object), false) = (object, reader.pending()) else {
        return Ok(Progress::Need(reader.needs()));
    };
    if let Some(owner) = controller(object) {
        return Err(ActionError(format!(
            "{path} belongs to {}, which would scale it back: scale that",
            owner.key.path()
        )));
    }
    let now = int(object, &["spec", "replicas"]).unwrap_or(1);
    let wanted = request.whole("replicas").unwrap_or(now);
    if wanted == now {
        return Err(ActionError(format!("{path} is set to {now} replicas already")));
    }
    let deletes = text(object, &["spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"]);
    if wanted < now && kind == "StatefulSet" && deletes == "Delete" {
        return Err(ActionError(format!(
            "{path} deletes the claims of pods that it is scaled down by (whenScaled: Delete): their data would be gone"
        )));
    }
    let mut compiled = Compiled::new(
        format!("scale {} {now} → {wanted}", target.key.name),
        vec![Operation::patch(
            target.clone(),
            vec![FieldChange::of(
                object,
                FieldPath::keys(&["spec", "replicas"]),
                Some(json!(wanted)),
            )],
            Vec::new(),
        )],
        format!("{} back to {now} replicas", target.key.name),
    );
    unheld(target, scalers, &mut compiled)?;
    if wanted == 0 {
        compiled.notes.push("no pod of it runs afterwards".into());
    }
    if wanted < now {
        compiled.notes.push("disruption budgets are not asked when pods are scaled away".into());
    }
    Ok(Progress::Ready(compiled))
}

/// Refuses what an autoscaler holds.
fn unheld(
    target: &ObjectRef,
    scalers: Got<&[Value]>,
    compiled: &mut Compiled,
) -> Result<(), ActionError> {
    let path = target.key.path();
    match scalers {
        Got::Have(scalers) => {
            let own = |one: &&Value| holds(one, &target.key.kind, &target.key.name);
            if let Some(one) = scalers.iter().find(own) {
                let least = int(one, &["spec", "minReplicas"]).unwrap_or(1);
                let most = int(one, &["spec", "maxReplicas"]).unwrap_or(0);
                return Err(ActionError(format!(
                    "autoscaler {} holds {path} at {least} to {most} pods: change its bounds with update_hpa",
                    name(one)
                )));
            }
        }
        Got::Unreadable(why) => {
            compiled.unknown.push(format!("whether an autoscaler holds {path}: {why}"));
        }
        Got::Gone | Got::Pending => {}
    }
    Ok(())
}

fn holds(scaler: &Value, kind: &str, target: &str) -> bool {
    let of = |field| text(scaler, &["spec", "scaleTargetRef", field]);
    of("kind") == kind && of("name") == target
}

fn update_hpa(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let path = target.key.path();
    if target.key.kind != "HorizontalPodAutoscaler" {
        return Err(ActionError(format!("{path} is no HorizontalPodAutoscaler")));
    }
    let Some(object) = live(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    if let Some(owner) = controller(object) {
        return Err(ActionError(format!(
            "{path} is kept by {}: change the bounds there",
            owner.key.path()
        )));
    }
    let least = int(object, &["spec", "minReplicas"]).unwrap_or(1);
    let most = int(object, &["spec", "maxReplicas"]).unwrap_or(0);
    let (new_least, new_most) =
        (request.whole("min").unwrap_or(least), request.whole("max").unwrap_or(most));
    if new_least > new_most {
        return Err(ActionError(format!(
            "{path}: at least {new_least} is above at most {new_most}"
        )));
    }
    let bound = |field: &str, before: i64, after: i64| {
        let path = FieldPath::keys(&["spec", field]);
        (before != after).then(|| FieldChange::of(object, path, Some(json!(after))))
    };
    let changes = [bound("minReplicas", least, new_least), bound("maxReplicas", most, new_most)];
    let changes = changes.into_iter().flatten().collect::<Vec<_>>();
    if changes.is_empty() {
        return Err(ActionError(format!("{path} has exactly these bounds: {least} to {most}")));
    }
    let mut compiled = Compiled::new(
        format!("bounds of {} {least} to {most} → {new_least} to {new_most}", target.key.name),
        vec![Operation::patch(target.clone(), changes, Vec::new())],
        format!("bounds of {} back to {least} to {most}", target.key.name),
    );
    // Its controller looks every 15 seconds, and makes pods one look later.
    compiled.shows_after_s = 45;
    let now = int(object, &["status", "currentReplicas"]);
    let wanted = int(object, &["status", "desiredReplicas"]);
    if let (Some(now), Some(wanted)) = (now, wanted) {
        compiled.notes.push(format!("it has {now} pods now and wants {wanted}"));
    }
    if value(object, &["status", "currentMetrics"]).is_none() {
        let why = "it has no metrics now: new bounds alone move only what lies outside them";
        compiled.notes.push(why.into());
    }
    Ok(Progress::Ready(compiled))
}
