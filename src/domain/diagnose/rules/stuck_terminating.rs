//! generic, stuck-terminating: pods should be gone and are not.

use crate::domain::diagnose::fields::uid;
use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};
use crate::domain::resource::{ObjectKey, ObjectRef};

pub(super) const RULE: Rule = Rule { cause: Cause::StuckTerminating, weigh, say };

/// A finalizer on the pod is plain. Without one its node is looked at first: a node that is gone can't confirm the end
/// of its pods.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("pods-overdue") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::Generic, Cause::StuckTerminating)
        .speaks_for("pods-overdue", 0.55)
        .speaks_for("finalizers-hold", 0.35)
        .first_against(&[("node-lost", 0.3), ("node-not-ready", 0.3)])
        .first_against(&[("exit-code", 0.2), ("oom-killed", 0.2), ("image-pull-failed", 0.2)]);
    let mut weighed = scale.relies_on(&["missing-nodes"]).done();
    weighed.culprit = seen.picture.overdue().first().map(|pod| ObjectRef {
        key: ObjectKey::new("v1", "Pod", seen.picture.namespace(), pod.name()),
        uid: uid(pod.object).into(),
    });
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    format!("it can't go: {}", seen.quote(&["pods-overdue", "finalizers-hold"]))
}
