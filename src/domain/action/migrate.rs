//! `migrate_workload`: the pods of one workload leave one node, one after the other, within their budget.
//!
//! The node has to be cordoned already: else the scheduler could put the pods right back, and nothing would be moved.

use super::leaving::places;
use super::parameter::{
    ActionParameter,
    ActionParameterKind::{Flag, Text},
};
use super::pod::{held_by, may_go};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::{live, own_pods};
use crate::domain::diagnose::fields::{flag, name, terminating, text};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::Operation;
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::workflow::plan::{ActionClass, Risk};
use std::collections::BTreeSet;

/// Most pods of one workload that are moved in one step.
const MOST: usize = 20;

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Drain,
    risk: Risk::High,
    mutates: true,
    undoable: false,
    timeout_s: 1_800,
    describe: "Evicts the pods of a workload from one cordoned node, one after the other within their budget.",
    undone_by: "can't be undone: the pods that ran there are gone",
    needs: "",
    parameters: &[
        ActionParameter::required("from", Text, "name of the cordoned node"),
        ActionParameter::optional(
            "lose_local_data",
            Flag,
            "true: also pods with an emptyDir, whose content is lost",
        ),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let from = request.text("from").unwrap_or_default();
    let object = live(target, &mut reader)?;
    let node = reader.look(&ObjectKey::new("v1", "Node", "", from));
    let nodes = reader.whole_list("nodes", "v1", "Node", "", "");
    let budgets =
        reader.whole_list("budgets", "policy/v1", "PodDisruptionBudget", &target.key.namespace, "");
    let Some(object) = object else { return Ok(Progress::Need(reader.needs())) };
    let pods = own_pods(target, object, &mut reader)?;
    let Some(pods) = pods.filter(|_| !reader.pending()) else {
        return Ok(Progress::Need(reader.needs()));
    };
    match node {
        Got::Have(node) if !flag(node, &["spec", "unschedulable"]) => {
            return Err(ActionError(format!(
                "node {from} is not cordoned: its pods could come right back; cordon it first"
            )));
        }
        Got::Have(_) | Got::Pending => {}
        Got::Gone => return Err(ActionError(format!("there is no node {from}"))),
        Got::Unreadable(why) => {
            return Err(ActionError(format!("whether node {from} is cordoned: {why}")));
        }
    }
    let here = pods
        .into_iter()
        .filter(|pod| text(pod, &["spec", "nodeName"]) == from && !terminating(pod))
        .collect::<Vec<_>>();
    if here.is_empty() {
        return Err(ActionError(format!("no pod of {} is on node {from}", target.key.path())));
    }
    if here.len() > MOST {
        let count = here.len();
        return Err(ActionError(format!(
            "{count} pods are on node {from}; at most {MOST} are moved at once"
        )));
    }
    let mut compiled = Compiled::new(
        format!("move {} pods of {} off node {from}", here.len(), target.key.name),
        Vec::new(),
        "evictions can't be undone: the pods that ran there are gone".into(),
    );
    let mut goes_to = BTreeSet::new();
    for pod in here {
        may_go(request, pod, &mut compiled)?;
        held_by(pod, budgets.clone(), &mut compiled)?;
        match places(pod, &nodes, &mut reader) {
            Ok(names) => goes_to.extend(names),
            Err(why) => compiled.blockers.push(format!("{}: {why}", name(pod))),
        }
        let reference = ObjectRef::of(pod)
            .ok_or_else(|| ActionError(format!("pod {} came without a uid", name(pod))))?;
        compiled.operations.push(Operation::Evict { pod: reference, grace_s: None });
    }
    if reader.pending() {
        return Ok(Progress::Need(reader.needs()));
    }
    if !goes_to.is_empty() {
        let names = goes_to.into_iter().collect::<Vec<_>>().join(", ");
        compiled.notes.push(format!("they can go to {names}"));
    }
    compiled.notes.dedup();
    Ok(Progress::Ready(compiled))
}
