//! What the rollout history says.

use super::gather::{Facts, HOUR_S, WITH_ROLLOUT_S};
use crate::domain::diagnose::container::Trouble;
use crate::domain::diagnose::differ::Difference;
use crate::domain::diagnose::fields::{items, text};
use crate::domain::diagnose::picture::Picture;
use crate::domain::diagnose::revisions::{Earlier, Health};
use crate::domain::quantity::parse_bytes;
use crate::domain::time::{Timestamp, seconds_between, spoken};

pub(super) fn rollout(picture: &Picture<'_>, out: &mut Facts) {
    let Some(history) = &picture.history else { return };
    let current = &history.current;
    let source = format!("{} {}", current.holder.key.kind, current.holder.key.name);
    let age = current.created.map(|at| seconds_between(at, picture.now));
    let words = age.map_or_else(String::new, |age| format!(", made {} ago", spoken(age)));
    out.add_at(
        "rollout",
        format!("revision {}{words}", current.number),
        source.clone(),
        current.created,
    );
    let Some(best) = history.best() else {
        out.add("first-revision", "no earlier revision is kept".into(), source);
        return;
    };
    since_rollout(picture, current.created, &source, out);
    let troubled = picture.pods_in_trouble();
    // A failed attempt at a mend may still have pods beside those of the next one.
    let since = best.revision.number;
    if troubled.iter().any(|pod| history.is_current(pod))
        && troubled.iter().all(|pod| history.made_after(pod, since))
    {
        let all = troubled.iter().all(|pod| history.is_current(pod));
        let of = if all { "are of" } else { "are of attempts up to" };
        let after = if all { String::new() } else { format!(", made after revision {since}") };
        let text =
            format!("all {} failing pods {of} revision {}{after}", troubled.len(), current.number);
        out.add("only-current-fails", text, source.clone());
    }
    differences(picture, best, &source, out);
    if !picture.earlier_lacks.is_empty() {
        let lacks = picture.earlier_lacks.join("; ");
        let text = format!("pods of revision {} could not start: {lacks}", best.revision.number);
        out.add("earlier-lacks", text, source.clone());
    }
    health(best, &source, out);
    for one in &history.earlier {
        if let Health::Failed(why) = &one.health
            && one.revision.number != best.revision.number
        {
            let text = format!("revision {} did not work either: {why}", one.revision.number);
            out.add(&format!("earlier-failed-{}", one.revision.number), text, source.clone());
        }
    }
}

/// Clocks of the cluster and of Prometheus differ by less.
const SLACK_S: i64 = 60;

fn since_rollout(picture: &Picture<'_>, created: Option<Timestamp>, source: &str, out: &mut Facts) {
    let (Some(created), Some(first)) = (created, picture.first_trouble()) else { return };
    let delay = seconds_between(created, first);
    if delay < -SLACK_S {
        let text = format!("the trouble began {} before the rollout", spoken(-delay));
        out.add_at("trouble-before-rollout", text, source.into(), Some(first));
    } else if delay <= WITH_ROLLOUT_S {
        let text = format!("the trouble began {} after the rollout", spoken(delay));
        out.add_at("trouble-since-rollout", text, source.into(), Some(first));
    } else if delay >= HOUR_S {
        let text =
            format!("the revision had been there for {} when the trouble began", spoken(delay));
        out.add_at("trouble-long-after-rollout", text, source.into(), Some(first));
    }
}

fn differences(picture: &Picture<'_>, best: &Earlier<'_>, source: &str, out: &mut Facts) {
    let number = best.revision.number;
    let material = best.differences.iter().filter(|one| one.material()).collect::<Vec<_>>();
    if material.is_empty() {
        let text = format!("revision {number} runs the same: only labels or annotations differ");
        out.add("nothing-differs", text, source.into());
        return;
    }
    let mut words = material
        .iter()
        .take(4)
        .map(|one| format!("{}: {}", one.path, one.words))
        .collect::<Vec<_>>();
    if material.len() > 4 {
        words.push(format!("and {} more", material.len() - 4));
    }
    out.add(
        "revision-differs",
        format!("since revision {number}: {}", words.join("; ")),
        source.into(),
    );
    let asks = material.iter().filter(|one| asks_of_nodes(one)).collect::<Vec<_>>();
    if !asks.is_empty() && picture.placing.is_some() {
        let paths = asks.iter().take(3).map(|one| one.path.to_string()).collect::<Vec<_>>();
        let text = format!(
            "since revision {number} its pods ask otherwise of nodes: {}",
            paths.join(", ")
        );
        out.add("placing-differs", text, source.into());
    }
    let Some(focus) = &picture.focus else { return };
    let touches =
        |one: &&&Difference| one.container().is_none_or(|name| name == focus.container.name);
    let touching = material.iter().filter(touches).collect::<Vec<_>>();
    if touching.is_empty() {
        let text = format!("nothing of container {} differs", focus.container.name);
        out.add("container-unchanged", text, source.into());
    }
    if touching.iter().any(|one| one.ends(&["resources", "limits", "memory"]))
        && lowered(picture, best)
    {
        let text = format!("revision {number} had a higher memory limit");
        out.add("limit-lowered", text, source.into());
    }
    let image = |one: &&&&Difference| one.ends(&["image"]) || one.ends(&["imagePullSecrets"]);
    if !touching.iter().any(|one| image(&one)) && focus.trouble == Some(Trouble::Image) {
        out.add("image-unchanged", "its image did not change".into(), source.into());
    }
}

/// Whether it changes where pods may be placed.
fn asks_of_nodes(difference: &Difference) -> bool {
    const FIELDS: [&str; 12] = [
        "requests",
        "limits",
        "resources",
        "nodeSelector",
        "affinity",
        "tolerations",
        "topologySpreadConstraints",
        "volumes",
        "hostPort",
        "hostNetwork",
        "priorityClassName",
        "schedulerName",
    ];
    let path = difference.path.to_string();
    FIELDS.iter().any(|field| path.split(['.', '[', ']']).any(|part| part == *field))
}

/// Whether the current limit is below that of the earlier revision.
fn lowered(picture: &Picture<'_>, best: &Earlier<'_>) -> bool {
    let Some(focus) = &picture.focus else { return false };
    let before = items(best.revision.template, &["spec", "containers"])
        .iter()
        .find(|one| text(one, &["name"]) == focus.container.name)
        .map(|one| text(one, &["resources", "limits", "memory"]));
    match (before.map(parse_bytes), picture.limit()) {
        (Some(Some(before)), Some(now)) => now < before,
        (Some(None), Some(_)) => true,
        (_, None) | (None, _) => false,
    }
}

fn health(best: &Earlier<'_>, source: &str, out: &mut Facts) {
    let number = best.revision.number;
    let (id, text) = match &best.health {
        Health::Ready { pods } => {
            ("earlier-ready", format!("{pods} pods of revision {number} are ready now"))
        }
        Health::Ran { seconds, pod } => (
            "earlier-ran",
            format!("pod {pod} of revision {number} ran {} without a failure", spoken(*seconds)),
        ),
        Health::Stood { seconds } => (
            "earlier-stood",
            format!(
                "revision {number} was the newest for {}; whether it worked is not known",
                spoken(*seconds)
            ),
        ),
        Health::NotKnown => {
            ("earlier-not-known", format!("whether revision {number} worked is not known"))
        }
        Health::Failed(why) => {
            ("earlier-failed", format!("revision {number} did not work either: {why}"))
        }
    };
    let source =
        format!("{} {}; {source}", best.revision.holder.key.kind, best.revision.holder.key.name);
    out.add(id, text, source);
}
