//! What is known of the ConfigMaps and Secrets that the pods need.

use super::gather::{Facts, HOUR_S};
use crate::domain::diagnose::fields::{name, text};
use crate::domain::diagnose::keepers::last_writer;
use crate::domain::diagnose::picture::{Picture, template_references};
use crate::domain::time::{seconds_between, spoken};

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
        let what = format!("{} {}", text(object, &["kind"]), name(object));
        let ago = spoken(seconds_between(at, picture.now));
        let text = format!("{what} was written {ago} ago by {}", writer.manager);
        out.add_at(&format!("written-{}", name(object)), text, writer.source, Some(at));
    }
}
