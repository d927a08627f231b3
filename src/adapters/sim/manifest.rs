//! Manifests of what a scenario names, with the API server's defaults filled in.

use super::controllers::healthy_conditions;
use super::json::{set, stamp};
use super::scenario::{NodeSpec, Workload};
use crate::domain::time::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A Namespace.
pub(super) fn namespace(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
    })
}

/// A Node that is well.
pub(super) fn node(spec: &NodeSpec, number: i64, now: Timestamp) -> Value {
    let mut labels = json!({
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": spec.name, "kubernetes.io/os": "linux",
    });
    for (key, value) in &spec.labels {
        set(&mut labels, &[key], Value::from(value.as_str()));
    }
    let room = json!({
        "cpu": spec.cpu, "memory": spec.memory, "pods": "110", "ephemeral-storage": "98831908Ki",
        "hugepages-1Gi": "0", "hugepages-2Mi": "0",
    });
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": spec.name, "labels": labels,
            "annotations": {
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": {},
        "status": {
            "addresses": [
                {"address": format!("10.0.0.{number}"), "type": "InternalIP"},
                {"address": spec.name, "type": "Hostname"},
            ],
            "allocatable": room, "capacity": room,
            "conditions": healthy_conditions(&stamp(now)),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10_250}},
            "nodeInfo": {
                "architecture": "amd64", "containerRuntimeVersion": "containerd://1.7.24",
                "kernelVersion": "6.1.0-28-amd64", "kubeletVersion": super::cluster::VERSION,
                "operatingSystem": "linux", "osImage": "Debian GNU/Linux 12 (bookworm)",
            },
        },
    })
}

/// A workload as its author applies it.
pub(super) fn workload(spec: &Workload, image: &str) -> Value {
    let mut labels = json!({"app": spec.name});
    for (key, value) in &spec.labels {
        set(&mut labels, &[key], Value::from(value.as_str()));
    }
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": spec.kind,
        "metadata": {"name": spec.name, "namespace": spec.namespace, "labels": labels},
        "spec": {
            "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": spec.name}},
            "template": {
                "metadata": {"labels": {"app": spec.name}},
                "spec": {
                    "containers": [container(spec, image)],
                    "dnsPolicy": "ClusterFirst", "restartPolicy": "Always",
                    "schedulerName": "default-scheduler", "securityContext": {},
                    "terminationGracePeriodSeconds": 30,
                },
            },
        },
        "status": {},
    });
    for (key, value) in &spec.annotations {
        set(&mut object, &["metadata", "annotations", key], Value::from(value.as_str()));
    }
    let rolling = json!({"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}, "type": "RollingUpdate"});
    match spec.kind.as_str() {
        "StatefulSet" => {
            set(&mut object, &["spec", "replicas"], Value::from(spec.replicas));
            set(&mut object, &["spec", "podManagementPolicy"], Value::from("OrderedReady"));
            set(&mut object, &["spec", "serviceName"], Value::from(spec.name.as_str()));
            let update = json!({"rollingUpdate": {"partition": 0}, "type": "RollingUpdate"});
            set(&mut object, &["spec", "updateStrategy"], update);
        }
        "DaemonSet" => {
            let update = json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}, "type": "RollingUpdate"});
            set(&mut object, &["spec", "updateStrategy"], update);
        }
        _ => {
            set(&mut object, &["spec", "replicas"], Value::from(spec.replicas));
            set(&mut object, &["spec", "progressDeadlineSeconds"], Value::from(600));
            set(&mut object, &["spec", "strategy"], rolling);
        }
    }
    object
}

fn container(spec: &Workload, image: &str) -> Value {
    let mut container = json!({
        "name": "app", "image": image, "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 8_080, "protocol": "TCP"}],
        "readinessProbe": {
            "failureThreshold": 3, "httpGet": {"path": "/healthz", "port": 8_080, "scheme": "HTTP"},
            "periodSeconds": 5, "successThreshold": 1, "timeoutSeconds": 1,
        },
        "resources": {},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    });
    if let Some(limit) = &spec.limit {
        set(&mut container, &["resources", "limits", "memory"], Value::from(limit.as_str()));
    }
    if let Some(request) = spec.request.as_ref().or(spec.limit.as_ref()) {
        set(&mut container, &["resources", "requests", "memory"], Value::from(request.as_str()));
    }
    if let Some(cpu) = &spec.cpu {
        set(&mut container, &["resources", "requests", "cpu"], Value::from(cpu.as_str()));
    }
    let mut env = Vec::new();
    for one in &spec.env {
        let (name, value) = one.split_once('=').unwrap_or((one, ""));
        env.push(json!({"name": name, "value": value}));
    }
    for one in &spec.secret_env {
        let (name, from) = one.split_once('=').unwrap_or((one, ""));
        let (secret, key) = from.split_once('/').unwrap_or((from, "value"));
        env.push(
            json!({"name": name, "valueFrom": {"secretKeyRef": {"key": key, "name": secret}}}),
        );
    }
    if !env.is_empty() {
        set(&mut container, &["env"], Value::Array(env));
    }
    if !spec.config_maps.is_empty() {
        let from = spec.config_maps.iter().map(|name| json!({"configMapRef": {"name": name}}));
        set(&mut container, &["envFrom"], Value::Array(from.collect()));
    }
    container
}

/// The Service of a workload.
pub(super) fn service(spec: &Workload) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": spec.name, "namespace": spec.namespace, "labels": {"app": spec.name}},
        "spec": {
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8_080}],
            "selector": {"app": spec.name}, "type": "ClusterIP", "sessionAffinity": "None",
        },
        "status": {"loadBalancer": {}},
    })
}

/// The disruption budget of a workload.
pub(super) fn budget(spec: &Workload, least: i64) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": spec.name, "namespace": spec.namespace},
        "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": spec.name}}},
        "status": {},
    })
}

/// A quota.
pub(super) fn quota(namespace: &str, hard: &BTreeMap<String, String>) -> Value {
    let hard = hard.iter().map(|(what, most)| (what.clone(), Value::from(most.as_str())));
    json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "quota", "namespace": namespace},
        "spec": {"hard": hard.collect::<Map<_, _>>()}, "status": {},
    })
}

/// A Secret or ConfigMap with these keys.
pub(super) fn config(kind: &str, namespace: &str, name: &str, keys: &[String]) -> Value {
    let secret = kind == "Secret";
    // Secret values are base64; this one is the word `simulated`.
    let value = if secret { "c2ltdWxhdGVk" } else { "simulated" };
    let data = keys.iter().map(|key| (key.clone(), Value::from(value))).collect::<Map<_, _>>();
    let mut object = json!({
        "apiVersion": "v1", "kind": kind,
        "metadata": {"name": name, "namespace": namespace}, "data": data,
    });
    if secret {
        set(&mut object, &["type"], Value::from("Opaque"));
    }
    object
}
