//! A NetworkPolicy that keeps a workload from what its log says it can't reach.
//!
//! Looked for only where the log complains of no answer, or of a name that is not resolved, and what stands behind the
//! Service is ready: a policy drops, it does not refuse. Fails closed: a rule that may let the traffic through counts as
//! letting it through.

use super::dependency::{Dependency, How, Known};
use super::fields::{int, items, name, uid, value};
use super::reader::Reader;
use super::subject::labels::matches;
use crate::domain::resource::{ObjectKey, ObjectRef};
use serde_json::Value;

const DNS_PORT: i64 = 53;

/// The policy and what it keeps away.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusing {
    pub(crate) policy: ObjectRef,
    pub(crate) words: String,
}

/// Looks for one that stands in the way of what leaves `pod`. Reads may be due after it.
pub(crate) fn read(
    pod: &Value,
    namespace: &str,
    dependency: &Dependency<'_>,
    reader: &mut Reader<'_>,
) -> Option<Refusing> {
    let to_names = match dependency.address.how {
        How::Unresolved => true,
        How::TimedOut | How::Unreachable => false,
        How::Refused => return None,
    };
    // A name that nothing has is not resolved without any policy.
    if dependency.known == Known::Nowhere {
        return None;
    }
    // Asked for before it is known whether the Service is ready: rounds of reads are few.
    let all = reader
        .list("missing-policies", "networking.k8s.io/v1", "NetworkPolicy", namespace, "")
        .have()?;
    match dependency.known {
        Known::Ready(_) | Known::Outside => {}
        Known::NotReady if to_names => {}
        Known::NotReady | Known::Nowhere | Known::Unread => return None,
    }
    let selecting = all.iter().filter(|policy| for_egress(policy) && selects(policy, pod));
    let selecting = selecting.collect::<Vec<_>>();
    let first = selecting.first()?;
    let rules = selecting.iter().flat_map(|policy| items(policy, &["spec", "egress"]));
    let rules = rules.collect::<Vec<_>>();
    let words = if rules.is_empty() {
        "lets nothing out at all".to_string()
    } else if to_names {
        let open = rules.iter().any(|rule| on_port(rule, DNS_PORT));
        if open {
            return None;
        }
        format!("lets nothing out on port {DNS_PORT}, which names are looked up on")
    } else {
        let ports = ports(dependency)?;
        let open = ports.iter().any(|port| rules.iter().any(|rule| on_port(rule, *port)));
        if open {
            return None;
        }
        let shown = ports.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        format!("lets nothing out on port {shown}")
    };
    let key = ObjectKey::new("networking.k8s.io/v1", "NetworkPolicy", namespace, name(first));
    let names = selecting.iter().map(|policy| name(policy)).collect::<Vec<_>>().join(", ");
    Some(Refusing {
        policy: ObjectRef { key, uid: uid(first).into() },
        words: format!("NetworkPolicy {names} {words}"),
    })
}

fn selects(policy: &Value, pod: &Value) -> bool {
    value(policy, &["spec", "podSelector"]).is_some_and(|selector| matches(selector, pod))
}

/// Outgoing traffic is only bounded by policies that say so.
fn for_egress(policy: &Value) -> bool {
    let types = items(policy, &["spec", "policyTypes"]);
    if types.is_empty() {
        return value(policy, &["spec", "egress"]).is_some();
    }
    types.iter().any(|one| one.as_str() == Some("Egress"))
}

/// Ports of the pods that the traffic goes to. `None`: not known as numbers.
fn ports(dependency: &Dependency<'_>) -> Option<Vec<i64>> {
    let asked = dependency.address.port.map(i64::from);
    let Some((_, service)) = &dependency.service else { return Some(vec![asked?]) };
    let of_service = items(service, &["spec", "ports"]);
    let meant = of_service.iter().filter(|one| asked.is_none() || int(one, &["port"]) == asked);
    let found = meant.map(|one| match value(one, &["targetPort"]) {
        None => int(one, &["port"]),
        Some(target) => target.as_i64(),
    });
    let found = found.collect::<Option<Vec<_>>>()?;
    (!found.is_empty()).then_some(found)
}

fn on_port(rule: &Value, number: i64) -> bool {
    let ports = items(rule, &["ports"]);
    ports.is_empty()
        || ports.iter().any(|one| match value(one, &["port"]) {
            // Without a number, or by a name that only the other side knows: it may.
            None | Some(Value::String(_)) => true,
            Some(port) => port.as_i64().is_none_or(|first| {
                (first..=int(one, &["endPort"]).unwrap_or(first)).contains(&number)
            }),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rule_lets_out_on_its_ports_and_on_all_when_it_names_none() {
        assert!(on_port(&json!({"to": []}), 53));
        assert!(on_port(&json!({"ports": [{"port": 50, "endPort": 60}]}), 53));
        assert!(on_port(&json!({"ports": [{"port": "dns"}]}), 53));
        assert!(!on_port(&json!({"ports": [{"port": 443}]}), 53));
    }

    #[test]
    fn only_policies_that_say_so_bound_what_goes_out() {
        assert!(!for_egress(&json!({"spec": {"podSelector": {}}})));
        assert!(!for_egress(&json!({"spec": {"policyTypes": ["Ingress"], "egress": []}})));
        assert!(for_egress(&json!({"spec": {"policyTypes": ["Egress"]}})));
        assert!(for_egress(&json!({"spec": {"egress": [{}]}})));
    }
}
