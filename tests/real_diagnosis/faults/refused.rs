//! Pods that the API server refuses.

use crate::fault::{Fault, OK, app, deploy, memory, pod, with, workload};
use crate::world::World;
use serde_json::json;

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    let named = |field: &str, name: &str| {
        workload("Deployment", "web", 1, with(pod(app(world, OK)), json!({field: name})))
    };
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"},
        "spec": {"hard": {"pods": "1"}}});
    vec![
        Fault::new(
            "quota",
            "the namespace may have one pod, the Deployment wants three",
            vec![vec![quota.clone()], vec![deploy("web", 3, app(world, OK))]],
            15,
            ["generic", "quota-exceeded", "remediate", "ResourceQuota/few"],
        )
        .alert_names("deployment", "web")
        .with_facts(&["denied-by-quota", "quota"]),
        Fault::new(
            "quota-of-a-statefulset",
            "the same for a StatefulSet, which has no condition for it: its events tell",
            vec![vec![quota], vec![workload("StatefulSet", "db", 2, pod(app(world, OK)))]],
            20,
            ["generic", "quota-exceeded", "remediate", "ResourceQuota/few"],
        )
        .alert_names("statefulset", "db"),
        Fault::new(
            "limit-range",
            "containers of the namespace may have 64Mi at most, this one wants more",
            vec![
                vec![json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"},
                    "spec": {"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]}})],
                vec![deploy("web", 1, with(app(world, OK), memory("128Mi")))],
            ],
            15,
            ["generic", "quota-exceeded", "remediate", "LimitRange/small"],
        )
        .alert_names("deployment", "web"),
        Fault::new(
            "pod-security",
            "the namespace enforces the restricted level, the pods don't meet it",
            vec![
                vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "NAMESPACE",
                    "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})],
                vec![deploy("web", 1, app(world, OK))],
            ],
            15,
            ["generic", "admission-denied", "remediate", "Deployment/web"],
        )
        .alert_names("deployment", "web"),
        Fault::new(
            "no-service-account",
            "the service account of the pods does not exist",
            vec![vec![named("serviceAccountName", "nobody")]],
            15,
            ["crash-loop", "missing-config", "remediate", "Deployment/web"],
        )
        .alert_names("deployment", "web")
        .with_facts(&["denied-something-missing"]),
        Fault::new(
            "no-priority-class",
            "the priority class of the pods does not exist",
            vec![vec![named("priorityClassName", "gold")]],
            15,
            ["crash-loop", "missing-config", "remediate", "Deployment/web"],
        )
        .alert_names("deployment", "web"),
        Fault::new(
            "webhook-down",
            "an admission webhook that must be asked does not answer",
            vec![
                vec![
                    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "guard"},
                        "spec": {"selector": {"app": "guard"}, "ports": [{"port": 443}]}}),
                    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
                        "metadata": {"name": "NAMESPACE"}, "webhooks": [{"name": "guard.example.com",
                            "clientConfig": {"service": {"namespace": "NAMESPACE", "name": "guard", "path": "/v"}},
                            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "NAMESPACE"}},
                            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                                "resources": ["pods"]}],
                            "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"]}]}),
                ],
                vec![deploy("web", 1, app(world, OK))],
            ],
            20,
            ["generic", "admission-denied", "remediate", "Deployment/web"],
        )
        .alert_names("deployment", "web")
        .with_facts(&["denied-webhook-down"])
        .leaves("validatingwebhookconfiguration", "NAMESPACE"),
    ]
}
