//! What a policy keeps from leaving the pods.

use super::peer::Peer;
use super::policy::{DNS_PORT, Refusing, Way, bounding, on_port, ports, refusing};
use crate::domain::diagnose::dependency::{Behind, Dependency, Known};
use crate::domain::diagnose::fields::{items, value};
use crate::domain::diagnose::reader::Reader;
use serde_json::Value;

/// Looks for a policy that stands in the way of what leaves `pod`. Reads may be due after it.
pub(super) fn read(
    pod: &Value,
    namespace: &str,
    to_names: bool,
    dependency: &Dependency<'_>,
    reader: &mut Reader<'_>,
) -> Option<Refusing> {
    let all = reader
        .list("missing-policies", "networking.k8s.io/v1", "NetworkPolicy", namespace, "")
        .have()?;
    match dependency.known {
        Known::Ready(_) | Known::Outside => {}
        Known::NotReady if to_names => {}
        Known::NotReady | Known::Nowhere | Known::Unread => return None,
    }
    let selecting = bounding(all, pod, Way::Out);
    if selecting.is_empty() {
        return None;
    }
    let rules = selecting.iter().flat_map(|policy| items(policy, &["spec", "egress"]));
    let rules = rules.collect::<Vec<_>>();
    if rules.is_empty() {
        return refusing(&selecting, namespace, Way::Out, "lets nothing out at all");
    }
    let words = if to_names {
        not_to_names(namespace, dependency, &rules, reader)?
    } else {
        not_to_it(namespace, dependency, &rules, reader)?
    };
    refusing(&selecting, namespace, Way::Out, &words)
}

/// How the rules keep look-ups of names away. The DNS of a cluster stands in `kube-system`.
fn not_to_names(
    namespace: &str,
    dependency: &Dependency<'_>,
    rules: &[&Value],
    reader: &mut Reader<'_>,
) -> Option<String> {
    let open = rules.iter().filter(|rule| on_port(rule, DNS_PORT)).copied().collect::<Vec<_>>();
    if open.is_empty() {
        return Some(format!("lets nothing out on port {DNS_PORT}, which names are looked up on"));
    }
    let pods = dependency.dns.as_ref().and_then(|dns| pods_of(&dns.behind));
    let dns = Peer::read(pods, "kube-system", namespace, Way::Out, rules, reader)?;
    let words = "lets these pods send to others, but not to the cluster's DNS (kube-system)";
    (!open.iter().any(|rule| dns.meant(rule))).then(|| words.into())
}

/// How the rules keep away what goes to the dependency.
fn not_to_it(
    namespace: &str,
    dependency: &Dependency<'_>,
    rules: &[&Value],
    reader: &mut Reader<'_>,
) -> Option<String> {
    let ports = ports(dependency)?;
    let open = rules.iter().filter(|rule| ports.iter().any(|port| on_port(rule, *port))).copied();
    let open = open.collect::<Vec<_>>();
    if open.is_empty() {
        let shown = ports.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        return Some(format!("lets nothing out on port {shown}"));
    }
    // Which pods an address outside of it or a Service without a known workload means is not certain.
    let [behind] = dependency.behind.as_slice() else { return None };
    let pods = pods_of(&dependency.behind);
    let place = behind.reference.key.namespace.as_str();
    let it = Peer::read(pods, place, namespace, Way::Out, rules, reader)?;
    let path = behind.reference.key.short_path();
    let words = format!("lets these pods send to others, but not to {path}");
    (!open.iter().any(|rule| it.meant(rule))).then_some(words)
}

/// The labels of the pods behind it, where it is one workload.
fn pods_of<'a>(behind: &[Behind<'a>]) -> Option<&'a Value> {
    let [one] = behind else { return None };
    value(one.object, &["spec", "template"])
}
