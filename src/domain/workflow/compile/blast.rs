//! Whom a plan touches: pods, Services, disruption budgets, autoscalers, quotas, room on nodes, managers.
//!
//! How many pods go decides (policy bounds it), so that without it nothing can be approved. What else can't be read is
//! said in a note: people with rights in one namespace only can still decide.

use super::claims;
use super::room;
use crate::domain::diagnose::chain::controlled_by;
use crate::domain::diagnose::fields::{int, items, name, terminating, text, uid, value};
use crate::domain::diagnose::managers;
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::operation::Operation;
use crate::domain::quantity;
use crate::domain::resource::{FieldPath, ObjectRef};
use crate::domain::workflow::plan::{Blast, Manager};
use serde_json::Value;
use std::collections::BTreeSet;

/// What is known of one target before and after the plan.
pub(super) struct Change<'a> {
    pub(super) target: &'a ObjectRef,
    pub(super) before: &'a Value,
    pub(super) after: &'a Value,
}

impl<'a> Change<'a> {
    pub(super) fn template(object: &'a Value) -> &'a Value {
        FieldPath::keys(&["spec", "template"]).get(object).unwrap_or(&Value::Null)
    }

    /// Whether pods are made anew.
    pub(super) fn rolls(&self) -> bool {
        Self::template(self.before) != Self::template(self.after)
    }
}

/// Whether any of the operations touches the pod template.
pub(super) fn touches_template<'a>(operations: impl Iterator<Item = &'a Operation>) -> bool {
    let template = FieldPath::keys(&["spec", "template"]);
    operations.into_iter().any(|operation| match operation {
        Operation::Patch { changes, .. } => {
            changes.iter().any(|change| change.path.0.starts_with(&template.0))
        }
        Operation::Delete { .. }
        | Operation::Evict { .. }
        | Operation::Create { .. }
        | Operation::Unmake { .. }
        | Operation::Rotate(_)
        | Operation::Silence(_)
        | Operation::Exec(_)
        | Operation::Await(_)
        | Operation::Collect { .. } => false,
    })
}

/// Adds to the blast radius and to the managers whatever the change of the target touches. What has to be read first is
/// asked of the reader.
pub(super) fn add(
    change: &Change<'_>,
    reader: &mut Reader<'_>,
    blast: &mut Blast,
    keepers: &mut Vec<Manager>,
) {
    blast.owners.push(change.target.key.path());
    // A pod's controller is no stranger who would revert it: it makes another.
    if change.target.key.kind != "Pod" {
        keepers.extend(managers(change.before));
    }
    if !change.rolls() {
        let count = |object| int(object, &["spec", "replicas"]).unwrap_or(0);
        let scaled = count(change.before).abs_diff(count(change.after));
        blast.pods = blast.pods.saturating_add(u32::try_from(scaled).unwrap_or(u32::MAX));
        return;
    }
    pods(change, reader, blast);
    services(change, reader, blast);
    budgets(change, reader, blast);
    autoscalers(change, reader, blast, keepers);
    quotas(change, reader, blast);
    claims::of_workload(change, reader, blast);
    room::check(change, reader, blast);
}

fn pods(change: &Change<'_>, reader: &mut Reader<'_>, blast: &mut Blast) {
    let target = change.target;
    let namespace = target.key.namespace.as_str();
    let path = target.key.path();
    let Some(labels) =
        crate::domain::diagnose::fields::selector(value(change.before, &["spec", "selector"]))
    else {
        blast.unknown.push(format!("pods of {path}: it has no selector"));
        return;
    };
    let got = reader.list("pods", "v1", "Pod", namespace, &labels);
    let sets = if target.key.kind == "Deployment" {
        reader.list("revisions", "apps/v1", "ReplicaSet", namespace, &labels)
    } else {
        Got::Have(&[][..])
    };
    match got {
        Got::Have(pods) => {
            let own_sets = sets.have().unwrap_or_default();
            let own_sets = own_sets.iter().filter(|set| controlled_by(set, &target.uid));
            let owners = own_sets
                .map(|set| uid(set).to_string())
                .chain([target.uid.clone()])
                .collect::<BTreeSet<_>>();
            let count = pods
                .iter()
                .filter(|pod| !terminating(pod))
                .filter(|pod| owners.iter().any(|owner| controlled_by(pod, owner)))
                .count();
            // A list that was cut short still has the replicas that are wanted as a bound.
            let wanted = int(change.before, &["spec", "replicas"]).unwrap_or(0).max(0);
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            let count = if pods.len() >= crate::domain::evidence::LIST_LIMIT {
                count.max(wanted)
            } else {
                count
            };
            blast.pods += u32::try_from(count).unwrap_or(u32::MAX);
        }
        Got::Unreadable(why) => blast.unknown.push(format!("pods of {path}: {why}")),
        Got::Gone | Got::Pending => {}
    }
}

/// Whether a selector of plain labels, as Services have it, matches. An empty one matches nothing.
pub(super) fn matches_labels(selector: Option<&Value>, labels: &Value) -> bool {
    selector.and_then(Value::as_object).is_some_and(|wanted| {
        !wanted.is_empty() && wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
    })
}

/// Whether a label selector matches; an empty one matches everything, as budgets have it.
pub(super) fn selects(selector: Option<&Value>, labels: &Value) -> bool {
    let Some(selector) = selector else { return false };
    let plain = value(selector, &["matchLabels"]).is_none_or(|wanted| {
        wanted
            .as_object()
            .is_some_and(|wanted| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)))
    });
    plain
        && items(selector, &["matchExpressions"]).iter().all(|expression| {
            let found = labels.get(text(expression, &["key"]));
            let listed = found.is_some_and(|label| items(expression, &["values"]).contains(label));
            match text(expression, &["operator"]) {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => false,
            }
        })
}

fn labels_of(object: &Value) -> &Value {
    value(Change::template(object), &["metadata", "labels"]).unwrap_or(&Value::Null)
}

fn services(change: &Change<'_>, reader: &mut Reader<'_>, blast: &mut Blast) {
    let namespace = change.target.key.namespace.as_str();
    match reader.list("services", "v1", "Service", namespace, "") {
        Got::Have(services) => {
            let touched = services.iter().filter(|service| {
                let selector = value(service, &["spec", "selector"]);
                [change.before, change.after]
                    .into_iter()
                    .any(|object| matches_labels(selector, labels_of(object)))
            });
            blast.services.extend(touched.map(|service| format!("{namespace}/{}", name(service))));
        }
        Got::Unreadable(why) => blast.notes.push(format!("which Services it serves: {why}")),
        Got::Gone | Got::Pending => {}
    }
}

fn budgets(change: &Change<'_>, reader: &mut Reader<'_>, blast: &mut Blast) {
    let namespace = change.target.key.namespace.as_str();
    match reader.list("budgets", "policy/v1", "PodDisruptionBudget", namespace, "") {
        Got::Have(budgets) => {
            let own = budgets
                .iter()
                .filter(|one| selects(value(one, &["spec", "selector"]), labels_of(change.before)));
            for budget in own {
                let count = |field: &str| int(budget, &["status", field]).unwrap_or(0);
                let spare = (count("expectedPods") - count("desiredHealthy")).max(0);
                blast.budgets.push(format!(
                    "{}: {} of {spare} free now (a rollout does not ask it)",
                    name(budget),
                    count("disruptionsAllowed")
                ));
            }
        }
        Got::Unreadable(why) => blast.notes.push(format!("disruption budgets: {why}")),
        Got::Gone | Got::Pending => {}
    }
}

/// Whether an autoscaler's reference is the target.
fn refers(reference: Option<&Value>, target: &ObjectRef) -> bool {
    reference.is_some_and(|reference| {
        text(reference, &["kind"]) == target.key.kind
            && text(reference, &["name"]) == target.key.name
    })
}

fn autoscalers(
    change: &Change<'_>,
    reader: &mut Reader<'_>,
    blast: &mut Blast,
    keepers: &mut Vec<Manager>,
) {
    let target = change.target;
    let namespace = target.key.namespace.as_str();
    let resources = room::resources_differ(change);
    match reader.list("autoscalers", "autoscaling/v2", "HorizontalPodAutoscaler", namespace, "") {
        Got::Have(found) => {
            let own =
                found.iter().filter(|one| refers(value(one, &["spec", "scaleTargetRef"]), target));
            for one in own {
                let metrics = items(one, &["spec", "metrics"])
                    .iter()
                    .map(|metric| text(metric, &["resource", "name"]))
                    .filter(|name| !name.is_empty())
                    .collect::<Vec<_>>();
                let least = int(one, &["spec", "minReplicas"]).unwrap_or(1);
                let most = int(one, &["spec", "maxReplicas"]).unwrap_or(0);
                let mut note =
                    format!("autoscaler {} holds it at {least} to {most} pods", name(one));
                if resources && !metrics.is_empty() {
                    note.push_str(", by use of ");
                    note.push_str(&metrics.join(" and "));
                    note.push_str(" relative to the request");
                }
                blast.notes.push(note);
            }
        }
        Got::Unreadable(why) => blast.notes.push(format!("autoscalers: {why}")),
        Got::Gone | Got::Pending => {}
    }
    if !resources {
        return;
    }
    let vertical =
        reader.list("vertical", "autoscaling.k8s.io/v1", "VerticalPodAutoscaler", namespace, "");
    // Where there is no such kind, or it may not be read, nothing is known of one, and most clusters have none.
    let Got::Have(found) = vertical else { return };
    for one in found.iter().filter(|one| refers(value(one, &["spec", "targetRef"]), target)) {
        let mode = text(one, &["spec", "updatePolicy", "updateMode"]);
        keepers.push(Manager {
            kind: "VerticalPodAutoscaler".into(),
            name: name(one).to_string(),
            reverts: mode != "Off",
            source: format!(
                "spec.targetRef of it, updateMode {}",
                if mode.is_empty() { "Auto" } else { mode }
            ),
            handling: String::new(),
        });
    }
}

/// Notes on quotas of what the change needs more of. Whether a pod is admitted, the server itself is asked later.
fn quotas(change: &Change<'_>, reader: &mut Reader<'_>, blast: &mut Blast) {
    if !room::resources_differ(change) {
        return;
    }
    let namespace = change.target.key.namespace.as_str();
    match reader.list("quotas", "v1", "ResourceQuota", namespace, "") {
        Got::Have(quotas) => {
            for quota in quotas {
                for resource in ["limits.memory", "requests.memory", "memory"] {
                    let amount = |part: &str| {
                        quantity::parse_bytes(text(quota, &["status", part, resource]))
                    };
                    let (Some(hard), Some(used)) = (amount("hard"), amount("used")) else {
                        continue;
                    };
                    blast.notes.push(format!(
                        "quota {}: {resource} {} of {} used",
                        name(quota),
                        quantity::spoken_bytes(used),
                        quantity::spoken_bytes(hard)
                    ));
                }
            }
        }
        Got::Unreadable(why) => blast.notes.push(format!("quotas: {why}")),
        Got::Gone | Got::Pending => {}
    }
}
