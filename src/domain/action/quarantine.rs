//! `quarantine_pod`: a pod keeps running for people to look at, out of its Services, its controller and the network.
//!
//! Labels that select it are taken off, so that its controller makes another and Services pass it by; a policy that lets
//! nothing in or out selects the mark that it gets instead.

use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::live;
use crate::domain::diagnose::fields::{controller, items, name, text, uid, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::labels;
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::{FieldPath, ObjectKey};
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Label of a pod in quarantine; its value is the pod's uid.
pub const QUARANTINE_LABEL: &str = "pilothouse.dev/quarantine";

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Network,
    risk: Risk::High,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Takes a running pod out of its Services and its controller and cuts its network off; it keeps running.",
    undone_by: "labels back and the policy deleted; its controller takes it again and ends one pod too many",
    needs: "a network plugin that enforces policies; without one the pod is only out of its Services",
    parameters: &[],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let path = target.key.path();
    if target.key.kind != "Pod" {
        return Err(ActionError(format!("{path} is no pod")));
    }
    let Some(pod) = live(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let namespace = target.key.namespace.as_str();
    let services = reader.whole_list("services", "v1", "Service", namespace, "");
    let policies =
        reader.whole_list("policies", "networking.k8s.io/v1", "NetworkPolicy", namespace, "");
    let mut keys = owners_keys(pod, &mut reader)?;
    let short = uid(pod).get(..8).unwrap_or_else(|| uid(pod));
    let policy = ObjectKey::new(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        namespace,
        &format!("pilothouse-quarantine-{short}"),
    );
    let there = reader.look(&policy);
    if reader.pending() {
        return Ok(Progress::Need(reader.needs()));
    }
    if value(pod, &["metadata", "labels", QUARANTINE_LABEL]).is_some() || there.have().is_some() {
        return Err(ActionError(format!("{path} is in quarantine already")));
    }
    let services = match services {
        Got::Have(services) => services,
        Got::Unreadable(why) => {
            return Err(ActionError(format!("which Services {path} serves: {why}")));
        }
        Got::Gone | Got::Pending => &[],
    };
    let serving = services.iter().filter(|one| selects(one, pod)).collect::<Vec<_>>();
    for service in &serving {
        let wanted = value(service, &["spec", "selector"]).and_then(Value::as_object);
        keys.extend(wanted.into_iter().flat_map(|wanted| wanted.keys().cloned()));
    }
    let (changes, after) = relabelled(pod, &keys);
    let mut compiled = Compiled::new(
        format!("quarantine pod {}", target.key.name),
        vec![deny_all(&policy, uid(pod)), Operation::patch(target.clone(), changes, Vec::new())],
        format!(
            "labels of {} back, its policy deleted; its controller ends one pod",
            target.key.name
        ),
    );
    let names = serving.iter().map(|service| name(service)).collect::<Vec<_>>().join(", ");
    let names = if names.is_empty() { "no Service".into() } else { format!("Services {names}") };
    compiled.notes.push(format!("taken out of {names}"));
    if let Some(owner) = controller(pod) {
        compiled.notes.push(format!("{} makes another pod in its place", owner.key.path()));
    }
    through(&policies, &after, &mut compiled);
    Ok(Progress::Ready(compiled))
}

/// Keys of the labels by which its controller knows it.
fn owners_keys(pod: &Value, reader: &mut Reader<'_>) -> Result<BTreeSet<String>, ActionError> {
    let Some(owner) = controller(pod) else { return Ok(BTreeSet::new()) };
    if !matches!(owner.key.kind.as_str(), "ReplicaSet" | "ReplicationController" | "DaemonSet") {
        return Err(ActionError(format!(
            "{} belongs to {}: another pod in its place would need its name or its count, so it can't be set aside",
            name(pod),
            owner.key.path()
        )));
    }
    match reader.look(&owner.key) {
        Got::Have(object) => {
            let selector = value(object, &["spec", "selector"]).unwrap_or(&Value::Null);
            // A ReplicationController's selector is the labels themselves.
            let plain = value(selector, &["matchLabels"])
                .or_else(|| (owner.key.kind == "ReplicationController").then_some(selector));
            let plain = plain.and_then(Value::as_object).into_iter().flat_map(|map| map.keys());
            let listed = items(selector, &["matchExpressions"]).iter();
            let listed = listed.map(|one| text(one, &["key"]).to_string());
            Ok(plain.cloned().chain(listed).collect())
        }
        Got::Gone | Got::Pending => Ok(BTreeSet::new()),
        Got::Unreadable(why) => {
            Err(ActionError(format!("{} can't be read: {why}", owner.key.path())))
        }
    }
}

fn selects(service: &Value, pod: &Value) -> bool {
    let wanted = value(service, &["spec", "selector"]).and_then(Value::as_object);
    wanted.is_some_and(|wanted| {
        !wanted.is_empty()
            && wanted.iter().all(|(key, wanted)| {
                value(pod, &["metadata", "labels", key.as_str()]) == Some(wanted)
            })
    })
}

/// The labels that go and the mark that comes; and the pod with them.
fn relabelled(pod: &Value, keys: &BTreeSet<String>) -> (Vec<FieldChange>, Value) {
    let labels = FieldPath::keys(&["metadata", "labels"]);
    let mut after = pod.clone();
    let mut changes = Vec::new();
    for key in keys {
        let change = FieldChange::of(pod, labels.clone().key(key), None);
        if change.before.is_some() {
            changes.push(change);
        }
        if let Some(held) = after.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            held.remove(key);
        }
    }
    changes.push(FieldChange::of(pod, labels.key(QUARANTINE_LABEL), Some(json!(uid(pod)))));
    (changes, after)
}

fn deny_all(policy: &ObjectKey, uid: &str) -> Operation {
    let manifest = json!({
        "apiVersion": policy.api_version, "kind": policy.kind,
        "metadata": {"name": policy.name, "namespace": policy.namespace,
            "labels": {"app.kubernetes.io/managed-by": "pilothouse"}},
        "spec": {"podSelector": {"matchLabels": {QUARANTINE_LABEL: uid}},
            "policyTypes": ["Ingress", "Egress"]},
    });
    Operation::Create { object: policy.clone(), manifest }
}

/// Policies add up: one that still selects the pod lets through what it allows.
fn through(policies: &Got<&[Value]>, after: &Value, compiled: &mut Compiled) {
    match policies {
        Got::Have(policies) => {
            let still = policies.iter().filter(|policy| {
                let wanted = value(policy, &["spec", "podSelector"]).unwrap_or(&Value::Null);
                let allows = ["ingress", "egress"]
                    .into_iter()
                    .any(|way| !items(policy, &["spec", way]).is_empty());
                allows && labels::matches(wanted, after)
            });
            for policy in still {
                compiled.notes.push(format!(
                    "policy {} still selects it and lets through what it allows",
                    name(policy)
                ));
            }
        }
        Got::Unreadable(why) => compiled.notes.push(format!("other network policies: {why}")),
        Got::Gone | Got::Pending => {}
    }
}
