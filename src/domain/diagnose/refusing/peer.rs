//! Whom a rule of a policy means: whether the pods on the other side may be among its peers.

use super::policy::Way;
use crate::domain::diagnose::fields::{items, value};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::subject::labels::matches;
use crate::domain::resource::ObjectKey;
use serde_json::Value;

/// The pods on the other side of the traffic, seen from a policy.
pub(super) struct Peer<'a> {
    /// An object with their labels; unknown where it is not certain which they are.
    pod: Option<&'a Value>,
    namespace: &'a str,
    /// Their namespace as an object, for its labels; unknown where no rule asks for them, or they may not be read.
    labels: Option<&'a Value>,
    /// The namespace of the policies.
    place: &'a str,
    way: Way,
}

impl<'a> Peer<'a> {
    /// Reads what the rules ask for. `None` while reads are due.
    pub(super) fn read<'r: 'a>(
        pod: Option<&'a Value>,
        namespace: &'a str,
        place: &'a str,
        way: Way,
        rules: &[&Value],
        reader: &mut Reader<'r>,
    ) -> Option<Self> {
        let mut peers = rules.iter().flat_map(|rule| items(rule, &[way.peers()]));
        let labels = if peers.any(|peer| value(peer, &["namespaceSelector"]).is_some()) {
            let key = ObjectKey::new("v1", "Namespace", "", namespace);
            reader.object("missing-namespace", &key).have()
        } else {
            None
        };
        (!reader.pending()).then_some(Self { pod, namespace, labels, place, way })
    }

    /// Whether a rule may mean these pods.
    pub(super) fn meant(&self, rule: &Value) -> bool {
        let peers = items(rule, &[self.way.peers()]);
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
        let fits = |selector| self.pod.is_none_or(|pod| matches(selector, pod));
        here && value(peer, &["podSelector"]).is_none_or(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn meant(labels: Option<&Value>, place: &str, peer: &Value) -> bool {
        let pod = json!({"metadata": {"labels": {"app": "web"}}});
        let pod = Some(&pod);
        let from = Peer { pod, namespace: "shop", labels, place, way: Way::In };
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

    #[test]
    fn pods_of_another_namespace_are_not_meant_by_a_selector_of_pods_alone_and_unknown_ones_may_be_by_the_rest()
     {
        let to = |peer: Value| {
            let dns = Peer {
                pod: None,
                namespace: "kube-system",
                labels: None,
                place: "shop",
                way: Way::Out,
            };
            dns.meant(&json!({"to": [peer]}))
        };
        assert!(!to(json!({"podSelector": {"matchLabels": {"app": "api"}}})));
        assert!(to(json!({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "x"}}})));
        assert!(to(json!({"ipBlock": {"cidr": "10.96.0.10/32"}})));
    }
}
