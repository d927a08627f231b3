//! Pods that can't be placed.

use crate::fault::{Fault, OK, app, deploy, pod, with, workload};
use crate::world::World;
use serde_json::{Value, json};

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    let claim = |name: &str, class: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class,
                "resources": {"requests": {"storage": "1Gi"}}}})
    };
    let claiming = |name: &str| {
        workload(
            "Deployment",
            "web",
            1,
            json!({"containers": [app(world, OK)],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]}),
        )
    };
    let mut bound = claim("data", "");
    bound["spec"]["volumeName"] = json!("NAMESPACE-volume");
    let far = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "NAMESPACE-volume"},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain", "local": {"path": "/tmp"},
            "claimRef": {"namespace": "NAMESPACE", "name": "data"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions":
                [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["elsewhere"]}]}]}}}});
    let apart = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}]}});
    vec![
        Fault::new(
            "unschedulable",
            "no node fits the pod",
            vec![vec![workload(
                "Deployment",
                "far",
                1,
                json!({"containers": [app(world, OK)], "nodeSelector": {"disk": "none-such"}}),
            )]],
            10,
            ["node-issue", "unschedulable-affinity", "remediate", "Deployment/far"],
        ),
        Fault::new(
            "too-large",
            "a pod requests more memory than any node has",
            vec![vec![deploy(
                "web",
                1,
                with(app(world, OK), json!({"resources": {"requests": {"memory": "900Gi"}}})),
            )]],
            10,
            ["node-issue", "unschedulable-resources", "remediate", "Deployment/web"],
        )
        .with_facts(&["short-of-resources", "larger-than-any-node"]),
        Fault::new(
            "keep-apart",
            "three pods must be on different nodes, and there are two",
            vec![vec![workload(
                "Deployment",
                "web",
                3,
                with(pod(app(world, OK)), json!({"affinity": apart})),
            )]],
            15,
            ["node-issue", "unschedulable-affinity", "remediate", "Deployment/web"],
        )
        .with_facts(&["pods-keep-apart"]),
        Fault::new(
            "claim-missing",
            "the claim that the pod mounts does not exist",
            vec![vec![claiming("data")]],
            10,
            ["storage-issue", "claim-pending", "remediate", "Deployment/web"],
        )
        .with_facts(&["claim-missing"]),
        Fault::new(
            "claim-without-class",
            "the claim's class does not exist: the claim is the culprit, whatever the alert names",
            vec![vec![claim("data", "none-such"), claiming("data")]],
            15,
            ["storage-issue", "claim-pending", "remediate", "PersistentVolumeClaim/data"],
        ),
        Fault::new(
            "volume-not-mounted",
            "the pod has its place, and a directory that it mounts is not there",
            vec![vec![workload("Deployment", "web", 1, json!({"containers": [mounting(app(world, OK))],
                "volumes": [{"name": "data", "hostPath": {"path": "/none/such", "type": "Directory"}}]}))]],
            20,
            ["storage-issue", "unknown", "remediate", "Deployment/web"],
        )
        .with_facts(&["volume-not-mounted"]),
        Fault::new(
            "volume-elsewhere",
            "the claim is bound to a volume in a zone where no node is",
            vec![vec![far, bound, claiming("data")]],
            20,
            ["storage-issue", "unschedulable-volume-zone", "remediate", "Deployment/web"],
        )
        .with_facts(&["volume-elsewhere"])
        .leaves("persistentvolume", "NAMESPACE-volume"),
    ]
}

/// The container with the volume `data`.
fn mounting(mut container: Value) -> Value {
    container["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
    container
}
