//! Which NetworkPolicies select pods, and what they leave of their traffic.
//!
//! Absent on purpose: whether a policy has an effect is not for Kubernetes to say but for the network plug-in; which
//! plug-ins are known to enforce them is said with it.

use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::fields::{int, items, name, text, value};
use crate::domain::diagnose::subject::labels::matches;
use serde_json::Value;

/// What the policies that select a pod leave of what comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No policy selects it, or one lets all in.
    Open,
    /// Nothing is let in at all.
    DeniesAll,
    /// Something is let in, but not on that port.
    NotOnPort(i64),
    /// Something is let in on the port, but only from pods that don't exist.
    FromNobody,
    /// Something is let in on the port: from whom, in words.
    Some(String),
}

/// Policies of a namespace that select the pod for incoming traffic.
pub(super) fn ingress_policies<'a>(policies: &'a [Value], pod: &Value) -> Vec<&'a Value> {
    let selects = |policy: &&Value| {
        value(policy, &["spec", "podSelector"]).is_some_and(|selector| matches(selector, pod))
    };
    policies.iter().filter(selects).filter(|policy| for_ingress(policy)).collect()
}

/// `policyTypes` without a word means incoming traffic.
fn for_ingress(policy: &Value) -> bool {
    let types = items(policy, &["spec", "policyTypes"]);
    types.is_empty() || types.iter().any(|one| one.as_str() == Some("Ingress"))
}

/// What they leave on `ports` (numbers of the pod, and their names). `all` are the pods of the namespace.
pub(super) fn verdict(selecting: &[&Value], ports: &[(i64, String)], all: &[Pod<'_>]) -> Verdict {
    if selecting.is_empty() {
        return Verdict::Open;
    }
    let rules = selecting.iter().flat_map(|policy| items(policy, &["spec", "ingress"]));
    let rules = rules.collect::<Vec<_>>();
    if rules.is_empty() {
        return Verdict::DeniesAll;
    }
    for (number, port_name) in ports {
        let open =
            rules.iter().filter(|rule| on_port(rule, *number, port_name)).collect::<Vec<_>>();
        if open.is_empty() {
            return Verdict::NotOnPort(*number);
        }
        let peers = open.iter().map(|rule| items(rule, &["from"])).collect::<Vec<_>>();
        if peers.iter().any(|from| from.is_empty()) {
            continue;
        }
        let from = peers.into_iter().flatten().collect::<Vec<_>>();
        if from.iter().all(|peer| nobody(peer, all)) {
            return Verdict::FromNobody;
        }
        return Verdict::Some(from.iter().map(|peer| spoken(peer)).collect::<Vec<_>>().join("; "));
    }
    Verdict::Open
}

fn on_port(rule: &Value, number: i64, port_name: &str) -> bool {
    let ports = items(rule, &["ports"]);
    ports.is_empty()
        || ports.iter().any(|one| match value(one, &["port"]) {
            None => true,
            Some(Value::String(wanted)) => !port_name.is_empty() && wanted == port_name,
            Some(wanted) => wanted.as_i64().is_some_and(|first| {
                let last = int(one, &["endPort"]).unwrap_or(first);
                (first..=last).contains(&number)
            }),
        })
}

/// Whether a peer is a plain pod selector of the same namespace that no pod has. Other namespaces and addresses are not
/// judged.
fn nobody(peer: &Value, all: &[Pod<'_>]) -> bool {
    let Some(selector) = value(peer, &["podSelector"]) else { return false };
    value(peer, &["namespaceSelector"]).is_none()
        && value(peer, &["ipBlock"]).is_none()
        && !all.iter().any(|pod| matches(selector, pod.object))
}

fn spoken(peer: &Value) -> String {
    let labels = |part: &str| {
        let selector = value(peer, &[part])?;
        let text = crate::domain::diagnose::fields::selector(Some(selector));
        Some(text.unwrap_or_else(|| "any".into()))
    };
    let pods = labels("podSelector").map(|words| format!("pods {words}"));
    let places = labels("namespaceSelector").map(|words| format!("namespaces {words}"));
    let block = value(peer, &["ipBlock"]).map(|block| text(block, &["cidr"]).to_string());
    let parts = [pods, places, block].into_iter().flatten().collect::<Vec<_>>();
    if parts.is_empty() { "any".into() } else { parts.join(" in ") }
}

/// The DaemonSet of a network plug-in that is known to enforce policies, by the names that such plug-ins ship with.
pub(super) fn enforcer(daemon_sets: &[Value]) -> Option<&str> {
    const KNOWN: [&str; 9] = [
        "calico-node",
        "canal",
        "cilium",
        "weave-net",
        "kube-router",
        "antrea-agent",
        "aws-node",
        "azure-npm",
        "ovnkube-node",
    ];
    daemon_sets.iter().map(name).find(|found| KNOWN.contains(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(policies: &[Value]) -> Verdict {
        let pod = json!({"metadata": {"labels": {"app": "web"}}});
        let client = json!({"metadata": {"labels": {"app": "client"}}});
        let all = [Pod::of(&pod), Pod::of(&client)];
        verdict(&ingress_policies(policies, &pod), &[(8080, "http".into())], &all)
    }

    fn policy(spec: Value) -> Value {
        let mut spec = spec;
        spec["podSelector"] = json!({"matchLabels": {"app": "web"}});
        json!({"metadata": {"name": "p"}, "spec": spec})
    }

    #[test]
    fn what_policies_leave_of_a_pods_traffic_is_read_as_kubernetes_defines_it() {
        assert_eq!(judged(&[]), Verdict::Open);
        assert_eq!(judged(&[policy(json!({"policyTypes": ["Egress"]}))]), Verdict::Open);
        assert_eq!(judged(&[policy(json!({}))]), Verdict::DeniesAll);
        assert_eq!(judged(&[policy(json!({"ingress": [{}]}))]), Verdict::Open);
        let open = policy(json!({"ingress": [{}]}));
        assert_eq!(judged(&[policy(json!({})), open]), Verdict::Open, "policies add up");
        let other = policy(json!({"ingress": [{"ports": [{"port": 9090}]}]}));
        assert_eq!(judged(&[other]), Verdict::NotOnPort(8080));
        let range = policy(json!({"ingress": [{"ports": [{"port": 8000, "endPort": 9000}]}]}));
        assert_eq!(judged(&[range]), Verdict::Open);
        let named = policy(json!({"ingress": [{"ports": [{"port": "http"}]}]}));
        assert_eq!(judged(&[named]), Verdict::Open);
        let from = |labels: Value| {
            policy(json!({"ingress": [{"from": [{"podSelector": {"matchLabels": labels}}]}]}))
        };
        assert_eq!(judged(&[from(json!({"app": "ghost"}))]), Verdict::FromNobody);
        assert_eq!(
            judged(&[from(json!({"app": "client"}))]),
            Verdict::Some("pods app=client".into())
        );
        let elsewhere = policy(json!({"ingress": [{"from": [{"namespaceSelector": {}}]}]}));
        assert_eq!(judged(&[elsewhere]), Verdict::Some("namespaces any".into()));
    }
}
