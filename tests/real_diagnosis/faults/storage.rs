//! Claims and their volumes.

use crate::fault::{Fault, OK, app, workload};
use crate::world::World;
use serde_json::{Value, json};

fn claim(spec: Value) -> Value {
    let mut all =
        json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    for (key, value) in spec.as_object().expect("an object") {
        all[key] = value.clone();
    }
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": all})
}

fn class(provisioner: &str, binding: &str) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "NAMESPACE"},
        "provisioner": provisioner, "volumeBindingMode": binding})
}

fn volume(size: &str, modes: &[&str], more: Value) -> Value {
    let mut spec = json!({"capacity": {"storage": size}, "accessModes": modes, "storageClassName": "NAMESPACE",
        "hostPath": {"path": "/tmp/NAMESPACE"}, "persistentVolumeReclaimPolicy": "Retain"});
    for (key, value) in more.as_object().expect("an object") {
        spec[key] = value.clone();
    }
    json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "NAMESPACE"}, "spec": spec})
}

fn user(world: &World, spec: Value) -> Value {
    let mut pod = json!({"containers": [app(world, OK)],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]});
    for (key, value) in spec.as_object().expect("an object") {
        pod[key] = value.clone();
    }
    workload("Deployment", "web", 1, pod)
}

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    let pending = ["storage-issue", "claim-pending", "remediate", "PersistentVolumeClaim/data"];
    let none = "kubernetes.io/no-provisioner";
    vec![
        Fault::new(
            "claim-class-missing",
            "a claim asks for a class that does not exist",
            vec![vec![claim(json!({"storageClassName": "fast-ssd"}))]],
            3,
            pending,
        )
        .alert_names("persistentvolumeclaim", "data")
        .with_facts(&["class-missing"]),
        Fault::new(
            "claim-class-missing-by-pod",
            "the alert names a pod that waits for such a claim: the claim is the culprit",
            vec![vec![claim(json!({"storageClassName": "fast-ssd"})), user(world, json!({}))]],
            8,
            pending,
        )
        .with_facts(&["class-missing"]),
        Fault::new(
            "claim-no-default-class",
            "a claim names no class, and there is no default one",
            vec![vec![claim(json!({}))]],
            3,
            pending,
        )
        .alert_names("persistentvolumeclaim", "data")
        .with_facts(&["no-default-class"]),
        Fault::new(
            "claim-volume-too-small",
            "volumes are made by hand, and the only one is too small and of another mode",
            vec![vec![
                class(none, "Immediate"),
                volume("500Mi", &["ReadOnlyMany"], json!({})),
                claim(json!({"storageClassName": "NAMESPACE"})),
            ]],
            5,
            pending,
        )
        .alert_names("persistentvolumeclaim", "data")
        .with_facts(&["no-volume-fits"])
        .leaves("storageclass", "NAMESPACE")
        .leaves("persistentvolume", "NAMESPACE"),
        Fault::new(
            "claim-volume-taken",
            "a claim asks for a volume by name that belongs to another claim",
            vec![vec![
                volume("1Gi", &["ReadWriteOnce"], json!({"claimRef": {"namespace": "elsewhere", "name": "other"}})),
                claim(json!({"storageClassName": "NAMESPACE", "volumeName": "NAMESPACE"})),
            ]],
            5,
            pending,
        )
        .alert_names("persistentvolumeclaim", "data")
        .with_facts(&["volume-taken"])
        .leaves("persistentvolume", "NAMESPACE"),
        Fault::new(
            "claim-provisioner-missing",
            "the class's provisioner is not installed: it is asked and says nothing",
            vec![vec![
                class("ebs.csi.acme.example", "Immediate"),
                claim(json!({"storageClassName": "NAMESPACE"})),
            ]],
            66,
            pending,
        )
        .alert_names("persistentvolumeclaim", "data")
        .with_facts(&["provisioner-missing"])
        .leaves("storageclass", "NAMESPACE"),
        Fault::new(
            "claim-waits-for-nobody",
            "twin: the class binds late and no pod uses the claim: as it should be",
            vec![vec![
                class("ebs.csi.acme.example", "WaitForFirstConsumer"),
                claim(json!({"storageClassName": "NAMESPACE"})),
            ]],
            5,
            ["storage-issue", "unknown", "on_purpose", "PersistentVolumeClaim/data"],
        )
        .alert_names("persistentvolumeclaim", "data")
        .with_facts(&["binds-late"])
        .leaves("storageclass", "NAMESPACE"),
        Fault::new(
            "claim-waits-for-pod",
            "twin: the alert names the claim, but it only waits for a pod that no node fits",
            vec![vec![
                class("ebs.csi.acme.example", "WaitForFirstConsumer"),
                claim(json!({"storageClassName": "NAMESPACE"})),
                user(world, json!({"nodeSelector": {"disk": "none-such"}})),
            ]],
            8,
            ["node-issue", "unschedulable-affinity", "remediate", "Deployment/web"],
        )
        .alert_names("persistentvolumeclaim", "data")
        .with_facts(&["waits-for-pod"])
        .leaves("storageclass", "NAMESPACE"),
        Fault::new(
            "claim-volume-lost",
            "the volume of a bound claim was deleted by hand",
            vec![
                vec![
                    volume("1Gi", &["ReadWriteOnce"], json!({})),
                    claim(json!({"storageClassName": "NAMESPACE"})),
                ],
            ],
            6,
            pending,
        )
        .then(&["delete", "persistentvolume", "NAMESPACE", "--wait=false"])
        .then(&[
            "patch", "persistentvolume", "NAMESPACE", "--type=merge", "-p",
            r#"{"metadata":{"finalizers":null}}"#,
        ])
        .alert_names("persistentvolumeclaim", "data")
        .with_facts(&["volume-missing"]),
        Fault::new(
            "claim-in-use-deleted",
            "somebody deleted a claim that a pod still uses",
            vec![vec![
                volume("1Gi", &["ReadWriteOnce"], json!({})),
                claim(json!({"storageClassName": "NAMESPACE"})),
                user(world, json!({})),
            ]],
            66,
            ["generic", "stuck-terminating", "remediate", "PersistentVolumeClaim/data"],
        )
        .then(&["delete", "pvc", "data", "-n", "NAMESPACE", "--wait=false"])
        .alert_names("persistentvolumeclaim", "data")
        .with_facts(&["in-use", "finalizers"])
        .leaves("persistentvolume", "NAMESPACE"),
        Fault::new(
            "volume-full-by-its-log",
            "the volume is full; no metric says so, but the pod's own log does",
            vec![vec![
                volume("1Gi", &["ReadWriteOnce"], json!({})),
                claim(json!({"storageClassName": "NAMESPACE"})),
                workload("Deployment", "web", 1, json!({"containers": [app(world,
                    "echo 'write /data/wal: No space left on device'; while true; do sleep 1; done")],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]})),
            ]],
            8,
            ["storage-issue", "volume-full", "remediate", "PersistentVolumeClaim/data"],
        )
        .alert_names("persistentvolumeclaim", "data")
        .with_facts(&["log-says-full"])
        .leaves("persistentvolume", "NAMESPACE"),
    ]
}
