//! `restart_pod`, `evict_pod`: one pod goes, by its uid, and its owner makes another.

use super::leaving::{self, Stand, budgets_over, local_data, places, sole};
use super::parameter::{ActionParameter, ActionParameterKind::Flag};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::live;
use crate::domain::diagnose::fields::{controller, text};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{Operation, Propagation};
use crate::domain::resource::ObjectRef;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;

const BARE: ActionParameter = ActionParameter::optional(
    "bare",
    Flag,
    "true: also a pod that nothing makes anew; it is gone for good then",
);

pub(super) const RESTART: ActionSpec = ActionSpec {
    class: ActionClass::Restart,
    risk: Risk::Low,
    mutates: true,
    undoable: false,
    timeout_s: 60,
    describe: "Deletes one pod by its uid; its owner makes another.",
    undone_by: "can't be undone: the pod that ran is gone",
    needs: "",
    parameters: &[BARE],
    compile: restart,
};

pub(super) const EVICT: ActionSpec = ActionSpec {
    class: ActionClass::Drain,
    risk: Risk::High,
    mutates: true,
    undoable: false,
    timeout_s: 900,
    describe: "Asks for one pod to go, and waits for its disruption budget; its owner makes another elsewhere.",
    undone_by: "can't be undone: the pod that ran is gone",
    needs: "",
    parameters: &[
        BARE,
        ActionParameter::optional(
            "lose_local_data",
            Flag,
            "true: also a pod with an emptyDir, whose content is lost",
        ),
    ],
    compile: evict,
};

fn restart(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let Some(pod) = pod(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let mut notes = Vec::new();
    // A DaemonSet's pod comes back where it was, which is what a restart means.
    if let Stand::Stays(why) = leaving::stand(pod)
        && controller(pod).is_none_or(|owner| owner.key.kind != "DaemonSet")
    {
        return Err(ActionError(why));
    }
    bare(request, pod, &mut notes)?;
    let alone = sole(pod, &mut reader);
    if reader.pending() {
        return Ok(Progress::Need(reader.needs()));
    }
    if alone {
        notes.push("its owner wants one pod only: until the new one is ready there is none".into());
    }
    notes.extend(local_data(pod).into_iter().map(|data| format!("lost with it: {data}")));
    notes.push("a deletion does not ask disruption budgets".into());
    let owner = controller(pod).map(|owner| owner.key);
    if let Some(job) = owner.filter(|owner| owner.kind == "Job") {
        notes.push(format!("{} counts it as a failure", job.path()));
    }
    let operation = Operation::Delete {
        object: target.clone(),
        grace_s: None,
        propagation: Propagation::Background,
        guards: Vec::new(),
    };
    let mut compiled = Compiled::new(
        format!("restart pod {}", target.key.name),
        vec![operation],
        "a restart can't be undone: the pod that ran is gone".into(),
    );
    compiled.notes = notes;
    Ok(Progress::Ready(compiled))
}

fn evict(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let Some(pod) = pod(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let mut compiled = Compiled::new(
        format!("evict pod {}", target.key.name),
        vec![Operation::Evict { pod: target.clone(), grace_s: None }],
        "an eviction can't be undone: the pod that ran is gone".into(),
    );
    may_go(request, pod, &mut compiled)?;
    let budgets =
        reader.whole_list("budgets", "policy/v1", "PodDisruptionBudget", &target.key.namespace, "");
    let nodes = reader.whole_list("nodes", "v1", "Node", "", "");
    let alone = sole(pod, &mut reader);
    let goes_to = places(pod, &nodes, &mut reader);
    if reader.pending() {
        return Ok(Progress::Need(reader.needs()));
    }
    held_by(pod, budgets, &mut compiled)?;
    if alone {
        let why = "its owner wants one pod only: until the new one is ready there is none";
        compiled.notes.push(why.into());
    }
    match (nodes, goes_to) {
        (Got::Unreadable(why), _) => compiled.notes.push(format!("where it can go: {why}")),
        (_, Ok(nodes)) => compiled.notes.push(format!("can go to {}", nodes.join(", "))),
        (_, Err(why)) => compiled.blockers.push(format!("{}: {why}", target.key.name)),
    }
    Ok(Progress::Ready(compiled))
}

/// The pod as it is; `None` while it has to be read.
fn pod<'a>(target: &ObjectRef, reader: &mut Reader<'a>) -> Result<Option<&'a Value>, ActionError> {
    if target.key.kind != "Pod" {
        return Err(ActionError(format!("{} is no pod", target.key.path())));
    }
    live(target, reader)
}

fn bare(
    request: &ActionRequest<'_>,
    pod: &Value,
    notes: &mut Vec<String>,
) -> Result<(), ActionError> {
    match leaving::stand(pod) {
        Stand::Goes | Stand::Stays(_) => Ok(()),
        Stand::Bare(why) if request.flag("bare") => {
            notes.push(format!("{why}: it is gone for good"));
            Ok(())
        }
        Stand::Bare(why) => {
            Err(ActionError(format!("{why}: it would be gone for good (`bare: true` says so)")))
        }
    }
}

/// Refuses pods that would not leave, or whose loss was not agreed to.
pub(super) fn may_go(
    request: &ActionRequest<'_>,
    pod: &Value,
    compiled: &mut Compiled,
) -> Result<(), ActionError> {
    if let Stand::Stays(why) = leaving::stand(pod) {
        return Err(ActionError(why));
    }
    bare(request, pod, &mut compiled.notes)?;
    let data = local_data(pod);
    let ended = matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
    if !data.is_empty() && !ended && !request.flag("lose_local_data") {
        return Err(ActionError(format!(
            "{} holds local data that would be lost: {} (`lose_local_data: true` agrees to it)",
            crate::domain::diagnose::fields::name(pod),
            data.join(", ")
        )));
    }
    compiled.notes.extend(data.into_iter().map(|data| format!("lost with it: {data}")));
    Ok(())
}

/// What budgets say of its going.
pub(super) fn held_by(
    pod: &Value,
    budgets: Got<&[Value]>,
    compiled: &mut Compiled,
) -> Result<(), ActionError> {
    let pod_name = crate::domain::diagnose::fields::name(pod);
    let over = match budgets {
        Got::Have(budgets) => budgets_over(pod, budgets),
        Got::Unreadable(why) => {
            compiled.notes.push(format!("disruption budgets: {why}"));
            return Ok(());
        }
        Got::Gone | Got::Pending => Vec::new(),
    };
    match over.as_slice() {
        [] => {}
        [one] if one.never => compiled.blockers.push(format!(
            "budget {} allows no disruption even when all its pods are ready: {pod_name} would wait for ever",
            one.name
        )),
        [one] if one.allowed < 1 => {
            compiled.notes.push(format!("{pod_name} waits until budget {} allows it", one.name));
        }
        [one] => {
            compiled.notes.push(format!("budget {} allows {} now", one.name, one.allowed));
        }
        [first, second, ..] => {
            return Err(ActionError(format!(
                "budgets {} and {} both cover {pod_name}: Kubernetes evicts no pod that has two",
                first.name, second.name
            )));
        }
    }
    Ok(())
}
