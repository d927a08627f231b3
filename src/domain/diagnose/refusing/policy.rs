//! What both ways have in common: which policies bound a pod, and on which ports.

use super::{egress, ingress};
use crate::domain::diagnose::dependency::{Dependency, How, Known};
use crate::domain::diagnose::fields::{int, items, name, text, uid, value};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::subject::labels::matches;
use crate::domain::resource::{ObjectKey, ObjectRef};
use serde_json::Value;

pub(super) const DNS_PORT: i64 = 53;

/// The policy and what it keeps away.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusing {
    pub(crate) policy: ObjectRef,
    /// Whether it keeps in what the pods send, or keeps out what comes to the other side.
    pub(crate) way: Way,
    pub(crate) words: String,
}

/// Which way a policy bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Out,
    In,
}

impl Way {
    /// As `policyTypes` names it.
    fn kind(self) -> &'static str {
        match self {
            Self::Out => "Egress",
            Self::In => "Ingress",
        }
    }

    /// The field of a rule that has the other side.
    pub(super) fn peers(self) -> &'static str {
        match self {
            Self::Out => "to",
            Self::In => "from",
        }
    }

    /// The id of the fact that says so.
    pub(crate) fn fact(self) -> &'static str {
        match self {
            Self::Out => "egress-denied",
            Self::In => "ingress-denied",
        }
    }
}

/// Looks for one that stands in the way. Reads may be due after it.
pub(crate) fn read(
    pod: &Value,
    namespace: &str,
    dependency: &Dependency<'_>,
    reader: &mut Reader<'_>,
) -> Option<Refusing> {
    let to_names = match dependency.address.how {
        How::Unresolved | How::Unanswered => true,
        How::TimedOut | How::Unreachable | How::Awaited => false,
        How::Refused => return None,
    };
    // A name that nothing has is not resolved without any policy.
    if dependency.known == Known::Nowhere {
        return None;
    }
    // Asked for before it is known whether the Service is ready: rounds of reads are few.
    let out = egress::read(pod, namespace, to_names, dependency, reader);
    if out.is_some() || to_names || reader.pending() {
        return out;
    }
    ingress::read(pod, namespace, dependency, reader)
}

/// The policies of a namespace that bound what goes that way for an object with these labels.
pub(super) fn bounding<'a>(all: &'a [Value], labelled: &Value, way: Way) -> Vec<&'a Value> {
    let selects = |policy: &&Value| {
        value(policy, &["spec", "podSelector"]).is_some_and(|selector| matches(selector, labelled))
    };
    all.iter().filter(selects).filter(|policy| bounds(policy, way)).collect()
}

/// Without `policyTypes` a policy bounds what comes in, and what goes out only if it has rules for it.
fn bounds(policy: &Value, way: Way) -> bool {
    let types = items(policy, &["spec", "policyTypes"]);
    if types.is_empty() {
        return match way {
            Way::Out => value(policy, &["spec", "egress"]).is_some(),
            Way::In => true,
        };
    }
    types.iter().any(|one| one.as_str() == Some(way.kind()))
}

/// The first of the policies is named as the culprit, all are in the words.
pub(super) fn refusing(
    policies: &[&Value],
    namespace: &str,
    way: Way,
    words: &str,
) -> Option<Refusing> {
    let first = policies.first()?;
    let key = ObjectKey::new("networking.k8s.io/v1", "NetworkPolicy", namespace, name(first));
    let names = policies.iter().map(|policy| name(policy)).collect::<Vec<_>>().join(", ");
    Some(Refusing {
        policy: ObjectRef { key, uid: uid(first).into() },
        way,
        words: format!("NetworkPolicy {names} {words}"),
    })
}

/// Ports of the pods that the traffic goes to. `None`: not known as numbers.
pub(super) fn ports(dependency: &Dependency<'_>) -> Option<Vec<i64>> {
    let asked = dependency.address.port.map(i64::from);
    let Some((_, service)) = &dependency.service else { return Some(vec![asked?]) };
    let of_service = items(service, &["spec", "ports"]);
    let meant = of_service.iter().filter(|one| asked.is_none() || int(one, &["port"]) == asked);
    let found = meant.map(|one| match value(one, &["targetPort"]) {
        None => int(one, &["port"]),
        Some(Value::String(called)) => named(called, dependency),
        Some(target) => target.as_i64(),
    });
    let found = found.collect::<Option<Vec<_>>>()?;
    (!found.is_empty()).then_some(found)
}

/// The number of a port that the one workload behind the Service names.
fn named(called: &str, dependency: &Dependency<'_>) -> Option<i64> {
    let [one] = dependency.behind.as_slice() else { return None };
    let containers = items(one.object, &["spec", "template", "spec", "containers"]);
    let mut ports = containers.iter().flat_map(|one| items(one, &["ports"]));
    let port = ports.find(|port| text(port, &["name"]) == called)?;
    int(port, &["containerPort"])
}

pub(super) fn on_port(rule: &Value, number: i64) -> bool {
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
    fn a_rule_lets_through_on_its_ports_and_on_all_when_it_names_none() {
        assert!(on_port(&json!({"to": []}), 53));
        assert!(on_port(&json!({"ports": [{"port": 50, "endPort": 60}]}), 53));
        assert!(on_port(&json!({"ports": [{"port": "dns"}]}), 53));
        assert!(!on_port(&json!({"ports": [{"port": 443}]}), 53));
    }

    #[test]
    fn a_policy_bounds_what_comes_in_unless_it_says_otherwise_and_what_goes_out_only_when_it_says_so()
     {
        let said = |spec: Value, out: bool, incoming: bool| {
            let policy = json!({"spec": spec});
            assert_eq!((bounds(&policy, Way::Out), bounds(&policy, Way::In)), (out, incoming));
        };
        said(json!({"podSelector": {}}), false, true);
        said(json!({"policyTypes": ["Ingress"], "egress": []}), false, true);
        said(json!({"policyTypes": ["Egress"]}), true, false);
        said(json!({"egress": [{}]}), true, true);
    }
}
