//! What a policy keeps from coming in where the traffic goes.
//!
//! Judged by the labels of the one workload behind the Service, whose pods all have them.

use super::peer::Peer;
use super::policy::{Refusing, Way, bounding, on_port, ports, refusing};
use crate::domain::diagnose::dependency::{Dependency, Known};
use crate::domain::diagnose::fields::{items, value};
use crate::domain::diagnose::reader::Reader;
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
    let asking = Peer::read(Some(pod), namespace, place, Way::In, &rules, reader)?;
    let path = behind.reference.key.short_path();
    let words = if rules.is_empty() {
        format!("lets nothing at all in to {path}")
    } else if !rules.iter().any(|rule| asking.meant(rule)) {
        format!("lets others in to {path}, not these pods")
    } else {
        let ports = ports(dependency)?;
        let rules = rules.iter().filter(|rule| asking.meant(rule)).collect::<Vec<_>>();
        if ports.iter().any(|port| rules.iter().any(|rule| on_port(rule, *port))) {
            return None;
        }
        let shown = ports.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        format!("lets these pods in to {path}, but not on port {shown}")
    };
    refusing(&selecting, place, Way::In, &words)
}
