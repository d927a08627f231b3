//! Claims whose deletion waits only for the pods that a plan makes anew: their data would be gone for good.

use super::blast::Change;
use crate::domain::diagnose::fields::{int, items, name, terminating, text};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::resource::ObjectKey;
use crate::domain::workflow::plan::Blast;
use serde_json::Value;
use std::collections::BTreeSet;

/// Pods of a StatefulSet whose claims are looked at.
const MOST: i64 = 20;

/// A blocker for each claim of the workload's pods that is being deleted. What has to be read first is asked of the reader.
pub(super) fn of_workload(change: &Change<'_>, reader: &mut Reader<'_>, blast: &mut Blast) {
    let template = Change::template(change.before);
    let mut names = named(template);
    let replicas = int(change.before, &["spec", "replicas"]).unwrap_or(1).clamp(0, MOST);
    for claim in items(change.before, &["spec", "volumeClaimTemplates"]) {
        let of_set = format!("{}-{}", name(claim), change.target.key.name);
        names.extend((0..replicas).map(|ordinal| format!("{of_set}-{ordinal}")));
    }
    check(&change.target.key.namespace, &names, reader, blast);
}

/// The same for one pod that goes.
pub(super) fn of_pod(pod: &Value, namespace: &str, reader: &mut Reader<'_>, blast: &mut Blast) {
    check(namespace, &named(pod), reader, blast);
}

/// Claims that a pod or a pod template names.
fn named(pod: &Value) -> BTreeSet<String> {
    items(pod, &["spec", "volumes"])
        .iter()
        .map(|volume| text(volume, &["persistentVolumeClaim", "claimName"]).to_string())
        .filter(|name| !name.is_empty())
        .collect()
}

fn check(namespace: &str, names: &BTreeSet<String>, reader: &mut Reader<'_>, blast: &mut Blast) {
    for name in names {
        let key = ObjectKey::new("v1", "PersistentVolumeClaim", namespace, name);
        match reader.look(&key) {
            Got::Have(claim) if terminating(claim) => {
                let line = format!(
                    "claim {name} is being deleted and waits only for its pods: making them anew completes that, \
                     and its data is lost"
                );
                if !blast.blockers.contains(&line) {
                    blast.blockers.push(line);
                }
            }
            Got::Unreadable(why) => blast.notes.push(format!("claim {name}: {why}")),
            Got::Have(_) | Got::Gone | Got::Pending => {}
        }
    }
}
