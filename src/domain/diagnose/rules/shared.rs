//! What several rules ask.

use crate::domain::diagnose::fields::{name, uid};
use crate::domain::diagnose::node::{Readiness, readiness};
use crate::domain::diagnose::placing::Fit;
use crate::domain::diagnose::rule::{Scale, Seen};
use crate::domain::resource::{ObjectKey, ObjectRef};

/// Where only the current revision fails, and differs from one that works, going back is the likelier cure.
pub(super) fn earlier_works<'a>(seen: &Seen<'_>, scale: Scale<'a>) -> Scale<'a> {
    if seen.has("only-current-fails")
        && seen.has("revision-differs")
        && !seen.has("container-unchanged")
    {
        scale.first_against(&[
            ("earlier-ready", 0.3),
            ("earlier-ran", 0.25),
            ("earlier-stood", 0.15),
        ])
    } else {
        scale
    }
}

/// The node on which a pod could be placed but for its state: the first that is cordoned, or that is not.
pub(super) fn unfit_node(seen: &Seen<'_>, cordoned: bool) -> Option<ObjectRef> {
    let placing = seen.picture.placing.as_ref()?;
    let found = placing.nodes(Fit::but_for_state);
    let fit = found.into_iter().find(|fit| fit.cordoned == cordoned)?;
    let key = ObjectKey::new("v1", "Node", "", name(fit.node));
    Some(ObjectRef { key, uid: uid(fit.node).into() })
}

/// The first node under its pods that is in that state.
pub(super) fn seat(seen: &Seen<'_>, state: Readiness) -> Option<ObjectRef> {
    let so = seen
        .picture
        .seats
        .iter()
        .find(|seat| seat.node().is_some_and(|node| readiness(node).0 == state));
    so.and_then(super::super::seats::Seat::reference)
}

/// The only autoscaler of the workload.
pub(super) fn autoscaler(seen: &Seen<'_>) -> Option<ObjectRef> {
    let [one] = seen.picture.autoscalers.as_slice() else { return None };
    let namespace = seen.picture.namespace();
    let key = ObjectKey::new("autoscaling/v2", "HorizontalPodAutoscaler", namespace, name(one));
    Some(ObjectRef { key, uid: uid(one).into() })
}
