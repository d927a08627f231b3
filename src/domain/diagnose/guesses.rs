//! Objects that an alert's labels hint at, where they name none plainly.
//!
//! A guess is only taken when the object is there: that it is not says nothing about the alert, so it never closes a case.

use super::fields::{items, name, terminating, text};
use super::guessed_app;
use super::kinds::known_kind;
use super::label_names::{ADDRESS, NAMESPACE, SERVICE};
use super::named::is_name;
use super::reader::{Got, Reader};
use crate::domain::alert::Alert;
use crate::domain::resource::ObjectKey;
use serde_json::Value;

/// Scrape jobs whose `instance` is a node.
const OF_NODES: [&str; 6] = [
    "node-exporter",
    "prometheus-node-exporter",
    "kubelet",
    "cadvisor",
    "kubernetes-nodes",
    "resource",
];

/// What became of guessing.
#[derive(Debug, Clone)]
pub(crate) enum Guessed<'a> {
    Found(ObjectKey, &'a Value),
    Nothing,
    Pending,
}

/// The first guess that is there.
pub(crate) fn guess<'a>(alert: &Alert, reader: &mut Reader<'a>) -> Guessed<'a> {
    for key in plain(alert) {
        match reader.look(&key) {
            Got::Have(object) => return Guessed::Found(key, object),
            Got::Gone | Got::Unreadable(_) => {}
            Got::Pending => return Guessed::Pending,
        }
    }
    match node(alert, reader) {
        Guessed::Nothing => match guessed_app::guess(alert, reader) {
            Guessed::Nothing => namespace(alert, reader),
            other @ (Guessed::Found(..) | Guessed::Pending) => other,
        },
        other @ (Guessed::Found(..) | Guessed::Pending) => other,
    }
}

/// Guesses that name an object.
fn plain(alert: &Alert) -> Vec<ObjectKey> {
    let mut found = Vec::new();
    let namespace = alert.label(&NAMESPACE).unwrap_or("");
    // A Service's address, as black-box probes name what they ask.
    for label in ADDRESS {
        if let Some((service, place)) =
            alert.label(&[label]).and_then(|at| service_at(at, namespace))
        {
            found.push(ObjectKey::new("v1", "Service", place, service));
        }
    }
    let place = alert.label(&["destination_service_namespace"]).unwrap_or(namespace);
    for service in SERVICE.iter().filter_map(|label| alert.label(&[label])) {
        found.push(ObjectKey::new("v1", "Service", place, service));
    }
    // Endpoints are named as their Service; a scrape's own `endpoint` is the name of a port.
    let job = alert.label(&["job"]).unwrap_or("");
    let of_state = job.contains("kube-state-metrics");
    for label in ["exported_endpoint", "endpoint", "service"] {
        if let Some(service) = alert.label(&[label]).filter(|_| of_state)
            && !service.contains("kube-state-metrics")
        {
            found.push(ObjectKey::new("v1", "Service", namespace, service));
        }
    }
    if let Some(secret) = alert.label(&["secret"]) {
        found.push(ObjectKey::new("v1", "Secret", namespace, secret));
    }
    // cert-manager's own rules keep nothing of a Certificate but its `name`.
    if alert.name().to_ascii_lowercase().contains("cert")
        && let Some(certificate) = alert.label(&["certificate", "exported_name", "name"])
    {
        found.push(ObjectKey::new("cert-manager.io/v1", "Certificate", namespace, certificate));
    }
    found.retain(|key| is_name(&key.name) && is_name(&key.namespace));
    found
}

/// `http://web.shop.svc.cluster.local:80/health` → `web`, `shop`; `http://web.shop` likewise; `http://web/` is one of the
/// alert's own namespace.
fn service_at<'a>(address: &'a str, own: &'a str) -> Option<(&'a str, &'a str)> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next()?;
    match host.split('.').collect::<Vec<_>>().as_slice() {
        [service] => Some((service, own)),
        [service, place] | [service, place, "svc", ..] => Some((service, place)),
        _ => None,
    }
}

/// The node that an exporter of a node's figures runs on: by its address, or by the exporter's own pod.
fn node<'a>(alert: &Alert, reader: &mut Reader<'a>) -> Guessed<'a> {
    let job = alert.label(&["job"]).unwrap_or("");
    // A rule without a scrape's labels says `instance` of a node too; one with a namespace is about what is in it.
    let bare = job.is_empty() && alert.label(&NAMESPACE).is_none();
    if !OF_NODES.contains(&job) && !bare {
        return Guessed::Nothing;
    }
    let labels: &[&str] = if bare { &["instance", "host", "hostname"] } else { &["instance"] };
    let host = alert.label(labels).and_then(|at| at.split(':').next()).unwrap_or("");
    if !host.is_empty() {
        match reader.list("missing-nodes", "v1", "Node", "", "") {
            Got::Pending => return Guessed::Pending,
            Got::Have(nodes) => {
                let at = |node: &&Value| {
                    name(node) == host
                        || items(node, &["status", "addresses"])
                            .iter()
                            .any(|one| text(one, &["address"]) == host)
                };
                if let Some(found) = nodes.iter().find(at) {
                    return Guessed::Found(ObjectKey::new("v1", "Node", "", name(found)), found);
                }
            }
            Got::Gone | Got::Unreadable(_) => {}
        }
    }
    let exporter = matches!(job, "node-exporter" | "prometheus-node-exporter");
    let (Some(pod), Some(place)) = (alert.label(&["pod"]), alert.label(&["namespace"])) else {
        return Guessed::Nothing;
    };
    if !exporter || !is_name(pod) || !is_name(place) {
        return Guessed::Nothing;
    }
    let on = match reader.look(&ObjectKey::new("v1", "Pod", place, pod)) {
        Got::Have(pod) => text(pod, &["spec", "nodeName"]),
        Got::Pending => return Guessed::Pending,
        Got::Gone | Got::Unreadable(_) => "",
    };
    if !is_name(on) {
        return Guessed::Nothing;
    }
    let key = ObjectKey::new("v1", "Node", "", on);
    match reader.look(&key) {
        Got::Have(found) => Guessed::Found(key, found),
        Got::Pending => Guessed::Pending,
        Got::Gone | Got::Unreadable(_) => Guessed::Nothing,
    }
}

/// A namespace, only where it is being deleted: any alert has a namespace, and it is hardly ever what the alert is about.
fn namespace<'a>(alert: &Alert, reader: &mut Reader<'a>) -> Guessed<'a> {
    let Some(wanted) = alert.label(&NAMESPACE).filter(|one| is_name(one)) else {
        return Guessed::Nothing;
    };
    let key = ObjectKey::new("v1", "Namespace", "", wanted);
    match reader.look(&key) {
        Got::Have(found) if terminating(found) => Guessed::Found(key, found),
        Got::Have(_) | Got::Gone | Got::Unreadable(_) => Guessed::Nothing,
        Got::Pending => Guessed::Pending,
    }
}

/// Pairs of labels that say kind and name, as exporters of events and of custom resources write them.
pub(crate) fn by_kind(alert: &Alert) -> Option<ObjectKey> {
    let any = |names: &[&str]| alert.label(names);
    let place = any(&["involved_object_namespace", "object_namespace", "resource_namespace"])
        .or_else(|| any(&NAMESPACE))
        .unwrap_or("");
    if let Some(path) = any(&["object", "resource"]).filter(|path| path.contains('/')) {
        let parts = path.split('/').collect::<Vec<_>>();
        let (place, kind, named) = match parts.as_slice() {
            [kind, named] => (place, *kind, *named),
            [place, kind, named] => (*place, *kind, *named),
            _ => return None,
        };
        let kind = kind.split('.').next().unwrap_or_default();
        return key(kind, None, place, named);
    }
    if let (Some(kind), Some(group), Some(version)) = (
        any(&["customresource_kind"]),
        any(&["customresource_group"]),
        any(&["customresource_version"]),
    ) {
        let named = any(&["name", "exported_name"])?;
        return Some(ObjectKey::new(&format!("{group}/{version}"), kind, place, named));
    }
    let kind = any(&[
        "involved_object_kind",
        "object_kind",
        "resource_kind",
        "regarding_kind",
        "owner_kind",
        "kind",
    ])?;
    let named = any(&[
        "involved_object_name",
        "object_name",
        "resource_name",
        "regarding_name",
        "owner_name",
        "name",
    ])?;
    key(kind, any(&["api_version", "apiVersion", "apiversion"]), place, named)
}

fn key(kind: &str, api_version: Option<&str>, place: &str, named: &str) -> Option<ObjectKey> {
    match (known_kind(kind), api_version) {
        (Some(known), _) => {
            let place = if known.namespaced { place } else { "" };
            if known.namespaced && place.is_empty() {
                return None;
            }
            Some(ObjectKey::new(known.api_version, known.kind, place, named))
        }
        (None, Some(api_version)) => Some(ObjectKey::new(api_version, kind, place, named)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_services_address_names_it() {
        let at = |address: &'static str| service_at(address, "own");
        assert_eq!(at("http://web.shop.svc.cluster.local:80/x"), Some(("web", "shop")));
        assert_eq!(at("web.shop.svc:8080"), Some(("web", "shop")));
        assert_eq!(at("http://web.shop/health"), Some(("web", "shop")));
        assert_eq!(at("http://web/health"), Some(("web", "own")));
        assert_eq!(at("https://www.example.com"), None);
        assert_eq!(at("10.0.0.1:9100"), None);
    }
}
