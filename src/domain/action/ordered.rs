//! Pods that would hold a change of the template of an ordered StatefulSet: they are deleted after the change.
//!
//! Its controller changes no pod while one is not ready, also where the change is the cure (seen on a real cluster). Only
//! pods that fail are deleted, each while it still is of the revision that goes; one that is merely not ready yet is
//! waited for, and that is said.

use super::request::ActionError;
use super::workload::blocking;
use crate::domain::diagnose::container::{Container, Doing, Pod, Role, Run};
use crate::domain::diagnose::fields::int;
use crate::domain::diagnose::reader::Reader;
use crate::domain::operation::{FieldChange, Operation, Propagation};
use crate::domain::resource::{FieldPath, ObjectRef};
use serde_json::Value;

/// The deletions, and what to know about them.
pub(super) type Freed = (Vec<Operation>, Vec<String>);

/// Frees the way of a change. `None` while pods have to be read.
pub(super) fn freed(
    target: &ObjectRef,
    object: &Value,
    reader: &mut Reader<'_>,
) -> Result<Option<Freed>, ActionError> {
    let Some(unready) = blocking(target, object, reader)? else { return Ok(None) };
    let partition =
        int(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0);
    let (mut operations, mut notes) = (Vec::new(), Vec::new());
    for pod in unready {
        let name = crate::domain::diagnose::fields::name(pod);
        let kept = ordinal(name).is_some_and(|ordinal| ordinal < partition);
        let fails = Pod::of(pod).containers.iter().any(fails);
        match ObjectRef::of(pod) {
            Some(object) if fails && !kept => {
                notes.push(format!(
                    "pod {name} fails and would hold the roll: it is deleted after the change"
                ));
                operations.push(delete(object, pod));
            }
            Some(_) | None => {
                notes.push(format!("pod {name} is not ready: the roll waits until it is"));
            }
        }
    }
    Ok(Some((operations, notes)))
}

fn delete(object: ObjectRef, pod: &Value) -> Operation {
    let path = FieldPath::keys(&["metadata", "labels", "controller-revision-hash"]);
    let revision = path.get(pod).cloned();
    let guards = vec![FieldChange { path, before: revision.clone(), after: revision }];
    Operation::Delete { object, grace_s: None, propagation: Propagation::Background, guards }
}

/// `db-2` → 2.
fn ordinal(name: &str) -> Option<i64> {
    name.rsplit_once('-')?.1.parse().ok()
}

/// Whether it won't become ready by itself: it can't be started, or its last run failed.
fn fails(container: &Container<'_>) -> bool {
    let failed = container.last_run().is_some_and(Run::failed);
    match &container.doing {
        Doing::Waiting { reason, .. } => {
            failed || !matches!(reason.as_str(), "" | "ContainerCreating" | "PodInitializing")
        }
        Doing::Running { .. } => failed && !container.ready,
        Doing::Ended => failed || container.role != Role::Init,
        Doing::NotSaid => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn container(state: &Value, last: &Value) -> bool {
        let pod = json!({"spec": {"containers": [{"name": "app"}]},
            "status": {"containerStatuses": [{"name": "app", "state": state, "lastState": last}]}});
        Pod::of(&pod).containers.iter().any(fails)
    }

    #[test]
    fn a_pod_that_only_starts_is_waited_for_and_one_that_fails_is_not() {
        let failed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
        let waiting = |reason: &str| json!({"waiting": {"reason": reason}});
        assert!(container(&waiting("CrashLoopBackOff"), &failed));
        assert!(container(&json!({"running": {}}), &failed), "between two failures");
        assert!(container(&waiting("CreateContainerConfigError"), &json!({})));
        assert!(!container(&waiting("ContainerCreating"), &json!({})));
        assert!(!container(&json!({"running": {}}), &json!({})), "it recovers a journal, say");
    }

    #[test]
    fn the_ordinal_is_the_number_at_the_end_of_the_name() {
        assert_eq!(ordinal("my-db-12"), Some(12));
        assert_eq!(ordinal("db"), None);
    }
}
