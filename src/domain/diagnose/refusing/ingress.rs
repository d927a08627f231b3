//! What a policy keeps from coming in where the traffic goes.
//!
//! Judged by the labels of the one workload behind the Service, whose pods all have them.

use super::policy::{Refusing, Way, bounding, on_port, ports, refusing};
use crate::domain::diagnose::dependency::{Dependency, Known};
use crate::domain::diagnose::fields::{items, value};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::subject::labels::matches;
use crate::domain::resource::ObjectKey;
use serde_json::Value;

/// Looks for a policy that lets nothing in from `pod`, on the port that it asks. Reads may be due after it.
pub(super) fn read(
    pod: &Value,
    namespace: &str,
    dependency: &Dependency<'_>,
    reader: &mut Reader<'_>,
) -> Option<Refusing> {
    let (service, _) = dependency.service.as_ref()?;
    let [behind] = dependency.behind.as_slice() else { return None };
    if !matches!(dependency.known, Known::Ready(_)) {
        return None;
    }
    let place = service.namespace.as_str();
    let all = reader
        .list("missing-policies", "networking.k8s.io/v1", "NetworkPolicy", place, "")
        .have()?;
    let pods = value(behind.object, &["spec", "template"])?;
    let selecting = bounding(all, pods, Way::In);
    if selecting.is_empty() {
        return None;
    }
    let rules = selecting.iter().flat_map(|policy| items(policy, &["spec", "ingress"]));
    let rules = rules.collect::<Vec<_>>();
    let mut peers = rules.iter().flat_map(|rule| items(rule, &["from"]));
    let labels = if peers.any(|peer| value(peer, &["namespaceSelector"]).is_some()) {
        let own = ObjectKey::new("v1", "Namespace", "", namespace);
        reader.object("missing-namespace", &own).have()
    } else {
        None
    };
    if reader.pending() {
        return None;
    }
    let from = From { pod, namespace, labels, place };
    let path = behind.reference.key.short_path();
    let words = if rules.is_empty() {
        format!("lets nothing at all in to {path}")
    } else if !rules.iter().any(|rule| from.meant(rule)) {
        format!("lets others in to {path}, not these pods")
    } else {
        let ports = ports(dependency)?;
        let rules = rules.iter().filter(|rule| from.meant(rule)).collect::<Vec<_>>();
        if ports.iter().any(|port| rules.iter().any(|rule| on_port(rule, *port))) {
            return None;
        }
        let shown = ports.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        format!("lets these pods in to {path}, but not on port {shown}")
    };
    refusing(&selecting, place, Way::In, &words)
}

/// Who asks.
struct From<'a> {
    pod: &'a Value,
    namespace: &'a str,
    /// The namespace as an object, for its labels; unknown where no rule asks for them, or they may not be read.
    labels: Option<&'a Value>,
    /// The namespace of the policies.
    place: &'a str,
}

impl From<'_> {
    /// Whether a rule may mean this pod.
    fn meant(&self, rule: &Value) -> bool {
        let peers = items(rule, &["from"]);
        peers.is_empty() || peers.iter().any(|peer| self.is(peer))
    }

    fn is(&self, peer: &Value) -> bool {
        // Which addresses its pods have is not known for certain: they may be of that block.
        if value(peer, &["ipBlock"]).is_some() {
            return true;
        }
        let here = match value(peer, &["namespaceSelector"]) {
            None => self.namespace == self.place,
            Some(selector) => self.labels.is_none_or(|labels| matches(selector, labels)),
        };
        let pod = value(peer, &["podSelector"]).is_none_or(|selector| matches(selector, self.pod));
        here && pod
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn meant(labels: Option<&Value>, place: &str, peer: &Value) -> bool {
        let pod = json!({"metadata": {"labels": {"app": "web"}}});
        let from = From { pod: &pod, namespace: "shop", labels, place };
        from.meant(&json!({"from": [peer]}))
    }

    #[test]
    fn a_peer_is_told_by_its_labels_and_its_namespace_and_when_in_doubt_it_is_let_in() {
        let shop = json!({"metadata": {"labels": {"team": "front"}}});
        let by = |peer: Value| meant(Some(&shop), "shop", &peer);
        assert!(by(json!({"podSelector": {}})));
        assert!(by(json!({"podSelector": {"matchLabels": {"app": "web"}}})));
        assert!(!by(json!({"podSelector": {"matchLabels": {"app": "other"}}})));
        assert!(!meant(Some(&shop), "data", &json!({"podSelector": {}})), "another namespace");
        let front = json!({"namespaceSelector": {"matchLabels": {"team": "front"}}});
        assert!(meant(Some(&shop), "data", &front));
        let back = json!({"namespaceSelector": {"matchLabels": {"team": "back"}}});
        assert!(!meant(Some(&shop), "data", &back));
        assert!(meant(None, "data", &back), "labels that can't be read");
        assert!(by(json!({"ipBlock": {"cidr": "10.0.0.0/8"}})));
        let both = json!({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "x"}}});
        assert!(!by(both));
    }
}
