//! Whom it touches when an object goes as a whole: a pod that is deleted or evicted, or anything else.

use super::blast::{matches_labels, selects};
use super::claims;
use crate::domain::diagnose::fields::{controller, int, name, value};
use crate::domain::diagnose::managers;
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::resource::ObjectRef;
use crate::domain::workflow::plan::{Blast, Manager};
use serde_json::Value;

/// Adds what goes to the blast radius.
pub(super) fn add_gone(
    target: &ObjectRef,
    before: &Value,
    reader: &mut Reader<'_>,
    blast: &mut Blast,
    keepers: &mut Vec<Manager>,
) {
    let push = |list: &mut Vec<String>, line: String| {
        if !list.contains(&line) {
            list.push(line);
        }
    };
    if target.key.kind != "Pod" {
        push(&mut blast.owners, target.key.path());
        keepers.extend(managers(before));
        return;
    }
    blast.pods = blast.pods.saturating_add(1);
    let owner = controller(before);
    push(&mut blast.owners, owner.map_or_else(|| target.key.path(), |owner| owner.key.path()));
    let namespace = target.key.namespace.as_str();
    claims::of_pod(before, namespace, reader, blast);
    let labels = value(before, &["metadata", "labels"]).unwrap_or(&Value::Null);
    match reader.list("services", "v1", "Service", namespace, "") {
        Got::Have(services) => {
            let own = |one: &&Value| matches_labels(value(one, &["spec", "selector"]), labels);
            for service in services.iter().filter(own) {
                push(&mut blast.services, format!("{namespace}/{}", name(service)));
            }
        }
        Got::Unreadable(why) => {
            push(&mut blast.notes, format!("which Services it serves: {why}"));
        }
        Got::Gone | Got::Pending => {}
    }
    match reader.list("budgets", "policy/v1", "PodDisruptionBudget", namespace, "") {
        Got::Have(budgets) => {
            let own = |one: &&Value| selects(value(one, &["spec", "selector"]), labels);
            for budget in budgets.iter().filter(own) {
                let count = |field: &str| int(budget, &["status", field]).unwrap_or(0);
                let spare = (count("expectedPods") - count("desiredHealthy")).max(0);
                let free = count("disruptionsAllowed");
                let line = format!("{}: {free} of {spare} free now", name(budget));
                push(&mut blast.budgets, line);
            }
        }
        Got::Unreadable(why) => push(&mut blast.notes, format!("disruption budgets: {why}")),
        Got::Gone | Got::Pending => {}
    }
}
