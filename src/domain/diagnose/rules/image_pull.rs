//! crash-loop, image-pull: the image can't be had, and going back would not help.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::ImagePull, weigh, say };

/// The kubelet's waiting reason carries it. Where an earlier revision with another image works, that is a bad rollout.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("image-pull-failed") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::CrashLoop, Cause::ImagePull)
        .speaks_for("image-pull-failed", 0.85)
        .first_for(&[("pull-secret-missing", 0.05), ("pull-secret-wrong", 0.05)])
        .speaks_for("image-unchanged", 0.05)
        .speaks_for("first-revision", 0.05);
    let scale = if seen.has("revision-differs")
        && !seen.any(&["image-unchanged", "container-unchanged"])
    {
        scale.first_against(&[("earlier-ready", 0.5), ("earlier-ran", 0.5), ("earlier-stood", 0.4)])
    } else {
        scale
    };
    Some(scale.done())
}

fn say(seen: &Seen<'_>) -> String {
    const IDS: [&str; 10] = [
        "pull-secret-missing",
        "pull-secret-wrong",
        "image-not-there",
        "image-denied",
        "image-registry-not-reached",
        "image-limited",
        "image-no-name",
        "image-never-pulled",
        "image-other-platform",
        "image-pull-failed",
    ];
    format!("the image can't be pulled: {}", seen.quote(&IDS))
}
