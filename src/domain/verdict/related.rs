//! What depends on a target that is no workload: pods, endpoints.

use super::{EndpointCounts, PodCounts};
use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::fields::{
    controller, flag, int, items, name, selector, terminating, text, value,
};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::{has_port, protocol_of};
use crate::domain::resource::ObjectKey;
use serde_json::Value;

/// Annotation of a static pod: it lives in a file on its node.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Counts the pods that depend on the target; `None` when none can, or when they are not all known.
pub(super) fn pods(key: &ObjectKey, object: &Value, reader: &mut Reader<'_>) -> Option<PodCounts> {
    let got = if key.kind == "Node" {
        reader.all_pods_on("missing-pods", &key.name)
    } else {
        let (namespace, labels) = place(key, object)?;
        reader.whole_list("missing-pods", "v1", "Pod", &namespace, &labels)
    };
    let pods = match got {
        Got::Have(pods) => pods,
        Got::Gone | Got::Unreadable(_) | Got::Pending => return None,
    };
    let mut counts = PodCounts::default();
    for pod in pods.iter().filter(|pod| depends(key, pod)) {
        count(pod, &mut counts);
    }
    Some(counts)
}

/// Where to look: namespace and label selector.
fn place(key: &ObjectKey, object: &Value) -> Option<(String, String)> {
    let here = |labels: String| Some((key.namespace.clone(), labels));
    match key.kind.as_str() {
        "Namespace" => Some((key.name.clone(), String::new())),
        "PersistentVolumeClaim" | "ResourceQuota" | "LimitRange" => here(String::new()),
        // Without a selector, its endpoints are made by hand.
        "Service" => {
            let labels = value(object, &["spec", "selector"])?.as_object()?;
            let pair =
                |(key, wanted): (&String, &Value)| Some(format!("{key}={}", wanted.as_str()?));
            let pairs = labels.iter().map(pair).collect::<Option<Vec<_>>>()?;
            if pairs.is_empty() { None } else { here(pairs.join(",")) }
        }
        "PodDisruptionBudget" => selected(value(object, &["spec", "selector"])).and_then(here),
        "NetworkPolicy" => selected(value(object, &["spec", "podSelector"])).and_then(here),
        _ => None,
    }
}

/// An empty selector of these kinds selects every pod of the namespace.
fn selected(given: Option<&Value>) -> Option<String> {
    let parts =
        |key: &str| given.is_some_and(|it| value(it, &[key]).is_some_and(|it| !is_empty(it)));
    if given.is_some() && !parts("matchLabels") && !parts("matchExpressions") {
        return Some(String::new());
    }
    selector(given)
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
}

fn depends(key: &ObjectKey, pod: &Value) -> bool {
    match key.kind.as_str() {
        "PersistentVolumeClaim" => items(pod, &["spec", "volumes"]).iter().any(|volume| {
            let by_hand = text(volume, &["persistentVolumeClaim", "claimName"]) == key.name;
            // A generic ephemeral volume has a claim called after pod and volume.
            let own = value(volume, &["ephemeral"]).is_some()
                && format!("{}-{}", name(pod), text(volume, &["name"])) == key.name;
            by_hand || own
        }),
        _ => true,
    }
}

fn count(pod: &Value, counts: &mut PodCounts) {
    let of = Pod::of(pod);
    match of.phase() {
        "Failed" => counts.failed += 1,
        "Succeeded" => {}
        _ => {
            let stays = controller(pod).is_some_and(|owner| owner.key.kind == "DaemonSet")
                || !text(pod, &["metadata", "annotations", MIRROR]).is_empty();
            counts.all += 1;
            counts.movable += i64::from(!stays);
            counts.ready += i64::from(of.ready());
            counts.unplaced += i64::from(text(pod, &["spec", "nodeName"]).is_empty());
            counts.terminating += i64::from(terminating(pod));
        }
    }
}

/// Counts the endpoints of a Service; `None` for other kinds, and when they are not all known.
pub(super) fn endpoints(
    key: &ObjectKey,
    service: &Value,
    reader: &mut Reader<'_>,
) -> Option<EndpointCounts> {
    if key.kind != "Service" {
        return None;
    }
    let labels = format!("kubernetes.io/service-name={}", key.name);
    let (version, namespace) = ("discovery.k8s.io/v1", &key.namespace);
    let id = "missing-endpoints";
    let slices = match reader.whole_list(id, version, "EndpointSlice", namespace, &labels) {
        Got::Have(slices) => slices,
        Got::Gone | Got::Unreadable(_) | Got::Pending => return None,
    };
    let mut counts = EndpointCounts::default();
    // One that serves both families has a slice for each: the addresses of one are all its endpoints.
    let family = slices.iter().map(|slice| text(slice, &["addressType"])).min().unwrap_or_default();
    for slice in slices.iter().filter(|slice| text(slice, &["addressType"]) == family) {
        for endpoint in items(slice, &["endpoints"]) {
            // A condition that is not written counts as true, says the API.
            let known = value(endpoint, &["conditions", "ready"]).is_some();
            if !known || flag(endpoint, &["conditions", "ready"]) {
                counts.ready += 1;
            } else {
                counts.not_ready += 1;
            }
        }
    }
    counts.reached = reached(key, service, slices, reader);
    Some(counts)
}

/// How many ports of a Service lead to a port that a ready pod has. A slice holds the numbers that the controller made
/// of its target ports: of a named one that no pod has there is none.
fn reached(
    key: &ObjectKey,
    service: &Value,
    slices: &[Value],
    reader: &mut Reader<'_>,
) -> Option<i64> {
    let (namespace, labels) = place(key, service)?;
    let pods = match reader.whole_list("missing-pods", "v1", "Pod", &namespace, &labels) {
        Got::Have(pods) => pods,
        Got::Gone | Got::Unreadable(_) | Got::Pending => return None,
    };
    let ready = pods.iter().filter(|pod| !terminating(pod) && Pod::of(pod).ready());
    let ready = ready.collect::<Vec<_>>();
    let mut count = 0;
    for port in items(service, &["spec", "ports"]) {
        let same = |made: &&Value| text(made, &["name"]) == text(port, &["name"]);
        let made = slices.iter().flat_map(|slice| items(slice, &["ports"])).filter(same);
        let numbers = made.filter_map(|made| int(made, &["port"])).collect::<Vec<_>>();
        let protocol = protocol_of(port);
        let known = ready
            .iter()
            .flat_map(|pod| numbers.iter().filter_map(|number| has_port(pod, *number, protocol)));
        match known.max() {
            Some(has) => count += i64::from(has),
            // Nobody is ready, or nothing was made of the port: it leads nowhere.
            None if ready.is_empty() || numbers.is_empty() => {}
            None => return None,
        }
    }
    Some(count)
}
