//! crash-loop, dependency-down: containers end, or don't get ready, because something that they need does not answer.

use super::earlier_works;
use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::DependencyDown, weigh, say };

/// What the log says is only where to look: the cluster has to agree. Where the dependency is a workload of the cluster
/// that is not ready, that workload is the culprit. What is outside can't be looked at.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("dependency-complaint") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::CrashLoop, Cause::DependencyDown)
        .speaks_for("dependency-complaint", 0.35)
        .first_for(&[
            ("dependency-not-ready", 0.5),
            ("dependency-nowhere", 0.3),
            ("dependency-outside", 0.2),
        ])
        .speaks_for("dependency-port", 0.2)
        .speaks_against("dependency-ready", 0.2)
        .first_against(&[("dns-not-ready", 0.3), ("dns-unanswered", 0.3)])
        .speaks_against("oom-killed", 0.4)
        .speaks_against("start-failed", 0.4)
        .speaks_against("configuration-missing", 0.5)
        .speaks_against("image-pull-failed", 0.5);
    // Pods of the revision before that are ready have reached it.
    let scale = if seen.has("earlier-ready") { earlier_works(seen, scale) } else { scale };
    let mut weighed = scale.relies_on(&["missing-services", "missing-endpoints"]).done();
    let culprit = seen.picture.dependency.as_ref().and_then(|one| one.culprit());
    weighed.culprit = culprit.map(|one| one.reference.clone());
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    let workload = seen.picture.workload.reference.key.short_path();
    let found = seen.quote(&[
        "dependency-not-ready",
        "dependency-port",
        "dependency-nowhere",
        "dependency-outside",
    ]);
    let complaint = seen.quote(&["dependency-complaint"]);
    if seen.picture.dependency.as_ref().and_then(|one| one.culprit()).is_some() {
        format!("{workload} needs it: {complaint}; {found}")
    } else {
        format!("something that it needs does not answer: {complaint}; {found}")
    }
}
