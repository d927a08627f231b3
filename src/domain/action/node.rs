//! `cordon`, `uncordon`, `remove_taint`: whether a node takes pods.

use super::parameter::{
    ActionParameter,
    ActionParameterKind::{Choice, Text},
};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::live;
use crate::domain::diagnose::fields::{flag, items, name, text};
use crate::domain::diagnose::keepers::writer_of;
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::{FieldPath, ObjectRef};
use crate::domain::workflow::compile::room;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::{Value, json};

/// Left on a node that was cordoned, with the reason.
pub const CORDON_ANNOTATION: &str = "pilothouse.dev/cordoned";

/// Taints that the cluster itself keeps: one that is removed comes back.
const KEPT: &[&str] = &["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/"];

pub(super) const CORDON: ActionSpec = ActionSpec {
    class: ActionClass::Drain,
    risk: Risk::Low,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Marks a node unschedulable, with the reason; pods that run there stay.",
    undone_by: "schedulable again, while the mark is ours",
    needs: "",
    parameters: &[ActionParameter::optional("reason", Text, "why, for people who see the node")],
    compile: cordon,
};

pub(super) const UNCORDON: ActionSpec = ActionSpec {
    class: ActionClass::Drain,
    risk: Risk::Low,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Lets a node take pods again.",
    undone_by: "unschedulable again, as it was",
    needs: "",
    parameters: &[],
    compile: uncordon,
};

pub(super) const REMOVE_TAINT: ActionSpec = ActionSpec {
    class: ActionClass::Drain,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Removes one named taint of a node; not those that the cluster keeps by itself.",
    undone_by: "the taints from before, while nobody changed them since",
    needs: "",
    parameters: &[
        ActionParameter::required("key", Text, "key of the taint"),
        ActionParameter::optional(
            "effect",
            Choice(&["NoSchedule", "PreferNoSchedule", "NoExecute"]),
            "its effect; needed where the key has several",
        ),
    ],
    compile: remove_taint,
};

/// The node as it is; `None` while it has to be read.
fn node<'a>(target: &ObjectRef, reader: &mut Reader<'a>) -> Result<Option<&'a Value>, ActionError> {
    if target.key.kind != "Node" {
        return Err(ActionError(format!("{} is no node", target.key.path())));
    }
    live(target, reader)
}

fn unschedulable() -> FieldPath {
    FieldPath::keys(&["spec", "unschedulable"])
}

/// The mark of a cordon for which no reason was given.
const NO_REASON: &str = "by a remediation";

fn mark() -> FieldPath {
    FieldPath::keys(&["metadata", "annotations"]).key(CORDON_ANNOTATION)
}

fn cordon(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let object = node(target, &mut reader)?;
    let nodes = reader.whole_list("nodes", "v1", "Node", "", "");
    let (Some(object), false) = (object, reader.pending()) else {
        return Ok(Progress::Need(reader.needs()));
    };
    if flag(object, &["spec", "unschedulable"]) {
        return Err(ActionError(format!("node {} is cordoned already", target.key.name)));
    }
    let reason = request.text("reason").unwrap_or(NO_REASON);
    let changes = vec![
        FieldChange::of(object, unschedulable(), Some(json!(true))),
        FieldChange::of(object, mark(), Some(json!(reason))),
    ];
    let mut compiled = Compiled::new(
        format!("cordon node {}", target.key.name),
        vec![Operation::patch(target.clone(), changes, Vec::new())],
        format!("uncordon node {}", target.key.name),
    );
    match nodes {
        Got::Have(nodes) => {
            let others = nodes
                .iter()
                .filter(|node| name(node) != target.key.name)
                .filter(|node| room::refuses(node, &Value::Null).is_none())
                .count();
            if others == 0 {
                let why = "no other node is ready and takes pods: new pods would have no place";
                compiled.blockers.push(why.into());
            } else {
                compiled.notes.push(format!("{others} other nodes are ready and take pods"));
            }
        }
        Got::Unreadable(why) => compiled.notes.push(format!("other nodes: {why}")),
        Got::Gone | Got::Pending => {}
    }
    Ok(Progress::Ready(compiled))
}

fn uncordon(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let Some(object) = node(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    if !flag(object, &["spec", "unschedulable"]) {
        return Err(ActionError(format!("node {} is not cordoned", target.key.name)));
    }
    let mut changes = vec![FieldChange::of(object, unschedulable(), None)];
    let marked = mark().get(object).and_then(Value::as_str);
    if marked.is_some() {
        changes.push(FieldChange::of(object, mark(), None));
    }
    let mut compiled = Compiled::new(
        format!("uncordon node {}", target.key.name),
        vec![Operation::patch(target.clone(), changes, Vec::new())],
        format!("cordon node {} again", target.key.name),
    );
    // The mark of a remediation outlives an uncordon by hand: whoever wrote the field last has cordoned it.
    let ours = writer_of(object, "unschedulable").is_none_or(|writer| writer.is_pilothouse());
    compiled.notes.push(match marked.filter(|_| ours) {
        None => "it was cordoned by somebody else: ask why before".into(),
        Some(NO_REASON) => "it was cordoned by a remediation".into(),
        Some(reason) => format!("it was cordoned by a remediation: {reason}"),
    });
    let ready = items(object, &["status", "conditions"]).iter().any(|condition| {
        text(condition, &["type"]) == "Ready" && text(condition, &["status"]) == "True"
    });
    if !ready {
        compiled.notes.push("the node is not ready: it takes no pods before it is".into());
    }
    Ok(Progress::Ready(compiled))
}

fn remove_taint(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let (key, effect) = (request.text("key").unwrap_or_default(), request.text("effect"));
    if KEPT.iter().any(|prefix| key.starts_with(prefix)) {
        return Err(ActionError(format!(
            "the cluster keeps taint {key} by itself while its condition lasts: mend the node, or uncordon it"
        )));
    }
    let Some(object) = node(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let taints = items(object, &["spec", "taints"]);
    let fits = |taint: &&Value| {
        text(taint, &["key"]) == key && effect.is_none_or(|one| text(taint, &["effect"]) == one)
    };
    let found = taints.iter().filter(fits).collect::<Vec<_>>();
    let [taint] = found.as_slice() else {
        let all = taints.iter().map(shown).collect::<Vec<_>>().join(", ");
        let all = if all.is_empty() { "none".into() } else { all };
        let what =
            if found.is_empty() { "has no such taint" } else { "has several: name the effect" };
        return Err(ActionError(format!("node {} {what}; it has {all}", target.key.name)));
    };
    let rest = taints.iter().filter(|one| !fits(one)).cloned().collect::<Vec<_>>();
    let after = (!rest.is_empty()).then_some(Value::Array(rest));
    let change = FieldChange::of(object, FieldPath::keys(&["spec", "taints"]), after);
    let mut compiled = Compiled::new(
        format!("remove taint {} of node {}", shown(taint), target.key.name),
        vec![Operation::patch(target.clone(), vec![change], Vec::new())],
        format!("taint {} of node {} again", shown(taint), target.key.name),
    );
    if key.starts_with("node-role.kubernetes.io/") {
        let why = "it keeps ordinary pods off a control-plane node: they would run beside the control plane";
        compiled.notes.push(why.into());
    }
    compiled.notes.push("pods that were kept off by it may be placed there from then on".into());
    Ok(Progress::Ready(compiled))
}

/// `key=value:NoSchedule`.
fn shown(taint: &Value) -> String {
    let (key, value) = (text(taint, &["key"]), text(taint, &["value"]));
    let value = if value.is_empty() { String::new() } else { format!("={value}") };
    format!("{key}{value}:{}", text(taint, &["effect"]))
}
