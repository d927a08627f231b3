//! What a policy keeps from leaving the pods.

use super::policy::{DNS_PORT, Refusing, Way, bounding, on_port, ports, refusing};
use crate::domain::diagnose::dependency::{Dependency, Known};
use crate::domain::diagnose::fields::items;
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
    refusing(&selecting, namespace, Way::Out, &words)
}
