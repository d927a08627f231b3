//! The one sentence that a person reads first.

use super::rule::Seen;
use crate::domain::diagnosis::{Cause, Weighed};

/// What is wrong, in a sentence, with what the person has to know before deciding.
pub(crate) fn summary(seen: &Seen<'_>, chosen: &Weighed, doubt: &str) -> String {
    let picture = seen.picture;
    let path = picture.workload.reference.key.short_path();
    let container = picture.focus.as_ref().map_or("", |focus| focus.container.name);
    let quote = |ids: &[&str]| {
        ids.iter()
            .filter_map(|id| seen.facts.iter().find(|fact| fact.id == **id))
            .map(|fact| fact.text.as_str())
            .take(2)
            .collect::<Vec<_>>()
            .join("; ")
    };
    match chosen.cause {
        Cause::LimitTooSmall => format!(
            "{path}: container {container} needs more memory than its limit: {}",
            quote(&["oom-killed", "usage-at-limit", "usage-flat"])
        ),
        Cause::MemoryLeak => format!(
            "{path}: memory of container {container} grows until it is killed: {}",
            quote(&["usage-growing", "oom-killed"])
        ),
        Cause::BadRollout => format!(
            "{path}: {} fails: {}; {}",
            quote(&["rollout"]),
            quote(&["oom-killed", "start-failed", "exit-code", "image-pull-failed", "waiting"]),
            quote(&["earlier-ready", "earlier-ran", "earlier-stood"])
        ),
        Cause::MissingConfig => {
            let missing = quote(&[
                "configuration-missing",
                "configuration-said-missing",
                "earlier-needs-it-not",
            ]);
            format!("{path}: {missing}; restarting can't cure that")
        }
        Cause::ImagePull => {
            format!("{path}: the image can't be pulled: {}", quote(&["image-pull-failed"]))
        }
        Cause::Unknown => {
            let known = quote(&[
                "oom-killed",
                "start-failed",
                "exit-code",
                "probe-killed",
                "configuration-error",
                "unschedulable",
                "mount-failed",
                "condition-replicafailure",
                "condition-progressing",
                "usage-at-limit",
                "unhealthy",
                "pods",
            ]);
            let doubt = if doubt.is_empty() { String::new() } else { format!(" ({doubt})") };
            format!("{path}: the cause is not known{doubt}: {known}")
        }
    }
}
