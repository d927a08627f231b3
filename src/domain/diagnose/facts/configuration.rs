//! What is known of the ConfigMaps and Secrets that the pods need.

use super::gather::{Facts, HOUR_S, WITH_ROLLOUT_S};
use crate::domain::diagnose::fields::{moment, name, text};
use crate::domain::diagnose::keepers::{Writer, last_writer};
use crate::domain::diagnose::picture::{Picture, template_references};
use crate::domain::time::{Timestamp, seconds_between, spoken};
use serde_json::Value;

pub(super) fn configuration(picture: &Picture<'_>, out: &mut Facts) {
    let namespace = picture.namespace();
    let mut said_so = 0;
    for absent in &picture.absent {
        let words = absent.reference.words(namespace);
        let places = absent.places.join(", ");
        let source = absent.said.clone().unwrap_or_else(|| format!("looked up {words}"));
        let (id, text) = match (absent.confirmed, absent.appeared, &absent.said) {
            (true, _, Some(_)) => {
                ("configuration-missing", format!("{words} does not exist; {places} needs it"))
            }
            (true, _, None) => (
                "reference-missing",
                format!("{words} does not exist, but nothing waits for it; {places} names it"),
            ),
            (false, true, _) => {
                ("configuration-appeared", format!("{words} was missing, and is there now"))
            }
            (false, false, _) => (
                "configuration-said-missing",
                format!("the kubelet can't find {words}; {places} needs it"),
            ),
        };
        if let Some(known) = out.0.iter_mut().find(|fact| fact.id == id) {
            known.text = format!("{}; {text}", known.text);
            continue;
        }
        said_so += usize::from(absent.said.is_some());
        out.add(id, text, source);
    }
    if said_so > 0
        && let Some(best) = picture.history.as_ref().and_then(|history| history.best())
    {
        let before = template_references(best.revision.template);
        let number = best.revision.number;
        if picture.absent.iter().all(|absent| !before.contains(&absent.reference)) {
            out.add(
                "earlier-needs-it-not",
                format!("revision {number} does not refer to it"),
                format!("{} {}", best.revision.holder.key.kind, best.revision.holder.key.name),
            );
        }
    }
    // Every namespace has that one, from its first second on.
    for object in picture.configuration.iter().filter(|one| name(one) != "kube-root-ca.crt") {
        let Some(writer) = last_writer(object) else { continue };
        let Some(at) = writer.at.filter(|at| seconds_between(*at, picture.now) <= HOUR_S) else {
            continue;
        };
        changed(picture, object, &writer, at, out);
        let what = format!("{} {}", text(object, &["kind"]), name(object));
        let ago = spoken(seconds_between(at, picture.now));
        let text = format!("{what} was written {ago} ago by {}", writer.manager);
        out.add_at(&format!("written-{}", name(object)), text, writer.source, Some(at));
    }
}

/// A write this soon after an object was made belongs to its making.
const MAKING_S: i64 = 5;
/// Clocks of the cluster and of Prometheus differ by less.
const SLACK_S: i64 = 15;

/// Whether the trouble began with a change of configuration: the object had been there, the workload too, and what
/// failed first failed after the write.
fn changed(picture: &Picture<'_>, object: &Value, writer: &Writer, at: Timestamp, out: &mut Facts) {
    let before = |object: &Value, seconds: i64| {
        moment(object, &["metadata", "creationTimestamp"])
            .is_some_and(|made| seconds_between(made, at) > seconds)
    };
    let Some(first) = picture.first_trouble().filter(|_| picture.troubled()) else { return };
    let delay = seconds_between(at, first);
    let with_it = (-SLACK_S..=WITH_ROLLOUT_S).contains(&delay);
    if !with_it || !before(object, MAKING_S) || !before(picture.workload.object, SLACK_S) {
        return;
    }
    let words = format!(
        "{} {} was changed by {} {} before the trouble began",
        text(object, &["kind"]),
        name(object),
        writer.manager,
        spoken(delay.max(0))
    );
    out.join("configuration-changed", words, writer.source.clone());
}
