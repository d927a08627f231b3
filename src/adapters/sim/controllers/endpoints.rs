//! Services: which pods answer, as Endpoints and EndpointSlice.

use crate::adapters::sim::json::{
    deleting, is_true, items, key, name, owner_reference, set, text, uid,
};
use crate::adapters::sim::selector;
use crate::adapters::sim::store::Door;
use crate::adapters::sim::world::World;
use crate::domain::resource::ObjectKey;
use serde_json::{Value, json};

const MANAGER: &str = "kube-controller-manager";

impl World {
    /// Lists the addresses of a Service's pods.
    pub(in crate::adapters::sim) fn reconcile_service(&mut self, place: &ObjectKey) {
        let Some(service) = self.object(place).cloned() else { return };
        let Some(wanted) = service.pointer("/spec/selector").and_then(Value::as_object) else {
            return;
        };
        let pods = self
            .list("v1", "Pod", &place.namespace)
            .filter(|pod| selector::fits_map(pod.pointer("/metadata/labels"), Some(wanted)))
            .filter(|pod| !deleting(pod) && !text(pod, &["status", "podIP"]).is_empty())
            .collect::<Vec<_>>();
        let ports = items(&service, &["spec", "ports"])
            .iter()
            .filter_map(|port| {
                let number = target(port, &pods)?;
                Some(json!({"name": text(port, &["name"]), "port": number, "protocol": "TCP"}))
            })
            .collect::<Vec<_>>();
        let subset = |ready: bool| {
            pods.iter()
                .filter(|pod| is_true(pod, "Ready") == ready)
                .map(|pod| address(pod))
                .collect::<Vec<_>>()
        };
        let mut subsets = json!([{ "ports": ports }]);
        for (field, ready) in [("addresses", true), ("notReadyAddresses", false)] {
            let list = subset(ready);
            if !list.is_empty()
                && let Some(first) = subsets.get_mut(0)
            {
                set(first, &[field], Value::Array(list));
            }
        }
        if pods.is_empty() {
            subsets = json!([]);
        }
        let endpoints = json!({
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": {
                "name": place.name, "namespace": place.namespace,
                "labels": {"endpoints.kubernetes.io/managed-by": "endpoint-controller"},
                "ownerReferences": [owner_reference(&service)],
            },
            "subsets": subsets,
        });
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {
                "name": format!("{}-ipv4", place.name), "namespace": place.namespace,
                "labels": {
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                    "kubernetes.io/service-name": place.name,
                },
                "ownerReferences": [owner_reference(&service)],
            },
            "addressType": "IPv4",
            "endpoints": pods.iter().map(|pod| endpoint(pod)).collect::<Vec<_>>(),
            "ports": ports,
        });
        self.put_derived(&endpoints, "subsets");
        self.put_derived(&slice, "endpoints");
        self.put_derived(&slice, "ports");
    }

    /// Creates an object that follows from others, or brings one part of it up to date.
    fn put_derived(&mut self, object: &Value, part: &str) {
        let new = object.get(part).cloned().unwrap_or(Value::Null);
        match self.object(&key(object)) {
            Some(old) if old.get(part) == Some(&new) => return,
            Some(_) => {}
            None => {
                self.create(object.clone(), MANAGER);
                return;
            }
        }
        self.modify(&key(object), MANAGER, Door::Main, |old| set(old, &[part], new));
    }
}

/// The number that a port of a Service goes to; a name that no pod gives a port has none.
fn target(port: &Value, pods: &[&Value]) -> Option<Value> {
    let target = port.get("targetPort").or_else(|| port.get("port"))?;
    let Some(wanted) = target.as_str() else { return Some(target.clone()) };
    let containers = pods.iter().flat_map(|pod| items(pod, &["spec", "containers"]));
    let mut declared = containers.flat_map(|one| items(one, &["ports"]));
    declared.find(|one| text(one, &["name"]) == wanted)?.get("containerPort").cloned()
}

fn reference(pod: &Value) -> Value {
    json!({
        "kind": "Pod", "name": name(pod), "namespace": text(pod, &["metadata", "namespace"]), "uid": uid(pod)
    })
}

fn address(pod: &Value) -> Value {
    json!({
        "ip": text(pod, &["status", "podIP"]), "nodeName": text(pod, &["spec", "nodeName"]),
        "targetRef": reference(pod),
    })
}

fn endpoint(pod: &Value) -> Value {
    let ready = is_true(pod, "Ready");
    json!({
        "addresses": [text(pod, &["status", "podIP"])],
        "conditions": {"ready": ready, "serving": ready, "terminating": false},
        "nodeName": text(pod, &["spec", "nodeName"]), "targetRef": reference(pod),
    })
}
