//! The one sentence that a person reads first.

use super::rule::Seen;
use super::rules;
use crate::domain::diagnosis::Weighed;

/// What is wrong, in a sentence, with what the person has to know before deciding.
pub(crate) fn summary(seen: &Seen<'_>, chosen: &Weighed, doubt: &str) -> String {
    let workload = &seen.picture.workload.reference;
    let path = chosen.culprit.as_ref().unwrap_or(workload).key.short_path();
    if let Some(rule) = rules::ALL.iter().find(|rule| rule.cause == chosen.cause) {
        return format!("{path}: {}", (rule.say)(seen));
    }
    // What the end of the log says is said once.
    let log =
        if seen.any(&["log-hint", "dependency-complaint"]) { "log-hint" } else { "previous-log" };
    // What a container waits for after a run that ended is only the back-off.
    let waiting = if seen.any(&["exit-code", "start-failed"]) { "" } else { "waiting" };
    let known = seen.quote_up_to(
        3,
        &[
            "oom-killed",
            "hook-failed",
            "start-failed",
            "exit-code",
            "probe-killed",
            "never-recovers",
            "memory-limit-odd",
            "configuration-error",
            "cron-says",
            "cron-waits",
            "unschedulable",
            "init-runs",
            "scheduler-silent",
            "scheduling-gated",
            "mount-failed",
            "dns-not-ready",
            "pods-overdue",
            "pods-going",
            "fails-on-one-node",
            "readiness-fails",
            "probe-hint",
            "no-node-wanted",
            "readiness-gate",
            "denied",
            "dependency-complaint",
            "earlier-lacks",
            log,
            "waits-min-ready",
            "update-waits",
            "condition-replicafailure",
            "condition-progressing",
            "usage-at-limit",
            "unhealthy",
            waiting,
            "pods",
        ],
    );
    let pods = seen.quote(&["pods"]);
    if known == pods && seen.picture.well() {
        return format!("{path}: nothing is wrong with it that can be seen: {pods}");
    }
    let doubt = if doubt.is_empty() { String::new() } else { format!(" ({doubt})") };
    format!("{path}: the cause is not known{doubt}: {known}")
}
