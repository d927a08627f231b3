//! From alerts and what was read to a diagnosis: pure functions over [`Gathered`].

use super::alert::Alert;
use super::diagnosis::Diagnosis;
use super::evidence::{Gathered, Progress};
use super::resource::ObjectKey;
use super::time::Timestamp;

/// The object that an alert's labels name, if any.
#[must_use]
pub fn named_object(alert: &Alert) -> Option<ObjectKey> {
    let namespace = alert.label(&["namespace"])?;
    let pod = alert.label(&["pod"])?;
    Some(ObjectKey::new("v1", "Pod", namespace, pod))
}

/// Finds the owner at the top of the chain pod → ReplicaSet → Deployment / StatefulSet / DaemonSet.
/// `Ready(None)` when the object is gone or can't be read.
#[must_use]
pub fn owner(_alert: &Alert, _gathered: &Gathered) -> Progress<Option<ObjectKey>> {
    Progress::Ready(None)
}

/// Makes a diagnosis, or says what still has to be read.
#[must_use]
pub fn diagnose(_alerts: &[Alert], _gathered: &Gathered, _now: Timestamp) -> Progress<Diagnosis> {
    Progress::Need(Vec::new())
}
