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
    let known = seen.quote(&[
        "oom-killed",
        "start-failed",
        "exit-code",
        "probe-killed",
        "configuration-error",
        "unschedulable",
        "mount-failed",
        "dns-not-ready",
        "pods-overdue",
        "fails-on-one-node",
        "scheduling-gated",
        "denied",
        "dependency-complaint",
        "condition-replicafailure",
        "condition-progressing",
        "usage-at-limit",
        "unhealthy",
        "pods",
    ]);
    let doubt = if doubt.is_empty() { String::new() } else { format!(" ({doubt})") };
    format!("{path}: the cause is not known{doubt}: {known}")
}
