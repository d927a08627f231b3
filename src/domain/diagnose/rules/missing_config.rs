//! crash-loop, missing-config: a ConfigMap, a Secret or a key that the container can't do without is not there.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::MissingConfig, weigh, say };

/// The kubelet says so and the look-up confirms it. The kubelet's word alone (where Secrets may not be read) is nearly
/// as good. A reference to something missing that no container waits for is only a hint: a running container does
/// without it until its next start.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    const IDS: [&str; 5] = [
        "denied-something-missing",
        "configuration-missing",
        "configuration-said-missing",
        "reference-missing",
        "configuration-appeared",
    ];
    if !seen.any(&IDS) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::CrashLoop, Cause::MissingConfig)
        .first_for(&[
            ("denied-something-missing", 0.9),
            ("configuration-missing", 0.9),
            ("configuration-said-missing", 0.8),
            ("reference-missing", 0.3),
        ])
        .speaks_for("configuration-error", 0.05)
        .speaks_for("mount-failed", 0.05)
        .speaks_against("configuration-appeared", 0.3)
        .speaks_against("oom-killed", 0.4);
    Some(scale.done())
}

fn say(seen: &Seen<'_>) -> String {
    const IDS: [&str; 4] = [
        "denied-something-missing",
        "configuration-missing",
        "configuration-said-missing",
        "earlier-needs-it-not",
    ];
    format!("{}; restarting can't cure that", seen.quote(&IDS))
}
