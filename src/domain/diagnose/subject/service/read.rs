//! What is read about a Service: pods and workloads of its namespace, its endpoints, the policies there.

use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::fields::{items, name, terminating, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::labels::selects;
use serde_json::Value;

/// Kinds that keep pods, with their API version.
pub(super) const WORKLOADS: [(&str, &str); 3] =
    [("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet")];

/// See the module. `None` in a field: it can't be read.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    /// Pods of the namespace that are neither over nor going.
    pub(super) pods: Option<Vec<Pod<'a>>>,
    /// Deployments, StatefulSets and DaemonSets of the namespace; those kinds that can be read.
    pub(super) workloads: Vec<&'a Value>,
    pub(super) workloads_known: bool,
    pub(super) policies: Option<&'a [Value]>,
    /// Addresses of its EndpointSlices: ready ones, and all.
    pub(super) addresses: Option<(usize, usize)>,
}

impl<'a> Surroundings<'a> {
    /// `None` while reads are due.
    pub(super) fn read(case: &Case<'a>, reader: &mut Reader<'a>) -> Option<Self> {
        let namespace = case.namespace();
        let pods = reader.list("missing-pods", "v1", "Pod", namespace, "");
        let lists = WORKLOADS.map(|(api_version, kind)| {
            reader.list("missing-workloads", api_version, kind, namespace, "")
        });
        let policies =
            reader.list("missing-policies", "networking.k8s.io/v1", "NetworkPolicy", namespace, "");
        let labels = format!("kubernetes.io/service-name={}", case.name());
        let slices = reader.list(
            "missing-endpoints",
            "discovery.k8s.io/v1",
            "EndpointSlice",
            namespace,
            &labels,
        );
        if reader.pending() {
            return None;
        }
        let workloads_known = lists.iter().all(|got| matches!(got, Got::Have(_)));
        let alive = |pod: &&Value| {
            !terminating(pod) && !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed")
        };
        Some(Self {
            pods: pods.have().map(|all| all.iter().filter(alive).map(Pod::of).collect()),
            workloads: lists.into_iter().filter_map(Got::have).flatten().collect(),
            workloads_known,
            policies: policies.have(),
            addresses: slices.have().map(addresses),
        })
    }

    /// Pods that it selects.
    pub(super) fn selected(&self, service: &Value) -> Vec<&Pod<'a>> {
        let Some(selector) = value(service, &["spec", "selector"]) else { return Vec::new() };
        self.pods.iter().flatten().filter(|pod| selects(selector, pod.object)).collect()
    }

    /// Workloads whose pods a selector would select.
    pub(super) fn makers(&self, selector: &Value) -> Vec<&'a Value> {
        let of_template = |workload: &&&Value| {
            value(workload, &["spec", "template"]).is_some_and(|made| selects(selector, made))
        };
        self.workloads.iter().filter(of_template).copied().collect()
    }
}

fn addresses(slices: &[Value]) -> (usize, usize) {
    let endpoints = slices.iter().flat_map(|slice| items(slice, &["endpoints"]));
    let (mut ready, mut all) = (0, 0);
    for endpoint in endpoints {
        let count = items(endpoint, &["addresses"]).len();
        all += count;
        let is = value(endpoint, &["conditions", "ready"]).and_then(Value::as_bool);
        if is.unwrap_or(true) {
            ready += count;
        }
    }
    (ready, all)
}

/// `Deployment web`.
pub(in crate::domain::diagnose::subject) fn called(object: &Value) -> String {
    format!("{} {}", text(object, &["kind"]), name(object))
}
