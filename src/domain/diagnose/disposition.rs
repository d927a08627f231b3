//! What has to be done with a case: remediate, or record and close.
//!
//! When in doubt, remediate: a case that is closed by mistake is one that nobody looks at.

use super::container::{Doing, RECENT_S};
use super::fields::int;
use super::keepers::{automatic, writer_of};
use super::picture::Picture;
use super::rule::Seen;
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::diagnosis::Disposition;
use crate::domain::time::{Timestamp, seconds_between};

const HEARTBEATS: [&str; 3] = ["Watchdog", "InfoInhibitor", "DeadMansSwitch"];

/// Whether all alerts are heartbeats: they fire when all is well.
pub(crate) fn heartbeat(alerts: &[Alert]) -> bool {
    !alerts.is_empty()
        && alerts.iter().all(|alert| {
            HEARTBEATS.contains(&alert.name())
                || alert.label(&["severity"]).is_some_and(|severity| severity == "none")
        })
}

/// Whether all alerts are resolved.
pub(crate) fn all_resolved(alerts: &[Alert]) -> bool {
    !alerts.is_empty() && alerts.iter().all(|alert| alert.status == AlertStatus::Resolved)
}

/// The disposition of a case whose target is there, and why.
pub(crate) fn disposition(seen: &Seen<'_>) -> (Disposition, String) {
    let picture = seen.picture;
    if super::fields::terminating(picture.workload.object) {
        return (Disposition::TargetGone, "it is being deleted".into());
    }
    if let Some(why) = on_purpose(picture) {
        return (Disposition::OnPurpose, why);
    }
    match recovered(seen) {
        Some(why) => (Disposition::Recovered, why),
        None => (Disposition::Remediate, String::new()),
    }
}

/// Scaled to zero or paused by a person, and nothing fails.
fn on_purpose(picture: &Picture<'_>) -> Option<String> {
    let object = picture.workload.object;
    let by = |field: &str| writer_of(object, field).filter(|writer| !automatic(&writer.manager));
    let zero = int(object, &["spec", "replicas"]) == Some(0) && picture.workload.pods.is_empty();
    if zero && picture.autoscalers.is_empty() {
        // `kubectl scale` writes through the scale subresource, which keeps no name for a zero.
        let Some(writer) = writer_of(object, "replicas") else {
            return Some(
                "it was scaled to zero by hand: nothing that scales by itself holds it".into(),
            );
        };
        return (!automatic(&writer.manager))
            .then(|| format!("it was scaled to zero by {}", writer.manager));
    }
    if picture.workload.paused() && !picture.troubled() {
        let writer = by("paused").or_else(|| by("suspend"))?;
        return Some(format!("it was paused by {}", writer.manager));
    }
    None
}

/// Why it counts as well again: nothing is in trouble, everything wanted is ready and rolled out, the last failure is
/// long past, and either all alerts are resolved, or the failure that they told of is over.
fn recovered(seen: &Seen<'_>) -> Option<String> {
    let picture = seen.picture;
    let workload = &picture.workload;
    let resolved = all_resolved(picture.alerts);
    if seen.has("job-complete") {
        return Some(format!("the Job has succeeded: {}", seen.quote(&["job-complete"])));
    }
    if seen.has("later-job-succeeded") {
        return Some(seen.quote(&["later-job-succeeded"]));
    }
    let held = ["pods-overdue", "evicted", "autoscaler-at-maximum", "cpu-throttled"];
    if !resolved && seen.any(&held) {
        return None;
    }
    if picture.troubled() || seen.has("usage-at-limit") {
        return None;
    }
    if resolved && !workload.keeps_pods() {
        return Some("all alerts are resolved, and nothing of it fails".into());
    }
    let well = workload.pods_known
        && workload.keeps_pods()
        && workload.rolled_out()
        && workload.ready() >= workload.desired()
        && workload.desired() > 0;
    if !well || (!resolved && seen.has("usage-growing")) {
        return None;
    }
    let pods = format!("{} of {} pods are ready", workload.ready(), workload.desired());
    if resolved {
        return Some(format!("all alerts are resolved, and {pods}"));
    }
    if picture.chain.gone.is_some() {
        let stable = workload.pods.iter().all(|pod| pod.restarts() == 0);
        return stable.then(|| format!("the pod of the alert is gone; {pods} and none restarted"));
    }
    let failed = workload.pods.iter().flat_map(|pod| &pod.containers).filter_map(|container| {
        let run = container.last_run().filter(|run| run.failed())?;
        Some((run.finished?, &container.doing))
    });
    let last = failed.max_by_key(|(at, _)| *at)?;
    let quiet = seconds_between(last.0, picture.now);
    (quiet >= RECENT_S && stays(last.1, picture.now))
        .then(|| format!("{pods}; the last failure is {} ago", crate::domain::time::spoken(quiet)))
}

/// Whether it has been running without a break for long enough.
fn stays(doing: &Doing, now: Timestamp) -> bool {
    match doing {
        Doing::Running { since } => since.is_some_and(|at| seconds_between(at, now) >= RECENT_S),
        Doing::Waiting { .. } | Doing::Ended | Doing::NotSaid => false,
    }
}
