//! Autoscalers, disruption budgets, quotas, webhooks, and objects that can't go.

use crate::fault::{Fault, OK, app, deploy, memory, with};
use crate::world::World;
use serde_json::{Value, json};

fn budget(spec: Value) -> Value {
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "keep"}, "spec": spec})
}

fn autoscaler() -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
        "spec": {"minReplicas": 1, "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 80}}}]}})
}

/// Two pods are taken away before the new ones are ready.
fn at_once(mut object: Value) -> Value {
    object["spec"]["strategy"] = json!({"rollingUpdate": {"maxUnavailable": 2, "maxSurge": 0}});
    object
}

fn held() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["acme.example/hold"]}})
}

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    let web = |replicas| deploy("web", replicas, app(world, OK));
    let of_web = json!({"matchLabels": {"app": "web"}});
    let never = ["generic", "budget-never-met", "remediate", "PodDisruptionBudget/keep"];
    let unhold = [
        "patch",
        "configmap",
        "held",
        "-n",
        "NAMESPACE",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ];
    vec![
        Fault::new(
            "autoscaler-without-metrics",
            "an autoscaler can't read its metrics: no metrics API is installed",
            vec![vec![web(1), autoscaler()]],
            35,
            ["generic", "hpa-without-metrics", "remediate", "HorizontalPodAutoscaler/web"],
        )
        .alert_names("horizontalpodautoscaler", "web")
        .with_facts(&["no-metrics", "metrics-api-missing"]),
        Fault::new(
            "autoscaler-of-zero",
            "twin: an autoscaler does nothing because its workload is scaled to zero",
            vec![vec![web(0), autoscaler()]],
            35,
            ["generic", "unknown", "on_purpose", "HorizontalPodAutoscaler/web"],
        )
        .alert_names("horizontalpodautoscaler", "web")
        .with_facts(&["scaling-disabled"]),
        Fault::new(
            "budget-of-all",
            "a budget wants as many pods as there are",
            vec![vec![web(2), budget(json!({"minAvailable": 2, "selector": of_web}))]],
            12,
            never,
        )
        .alert_names("poddisruptionbudget", "keep")
        .with_facts(&["never-allows"]),
        Fault::new(
            "budget-of-none",
            "a budget lets no pod be away",
            vec![vec![web(2), budget(json!({"maxUnavailable": 0, "selector": of_web}))]],
            12,
            never,
        )
        .alert_names("poddisruptionbudget", "keep")
        .with_facts(&["never-allows"]),
        Fault::new(
            "budget-held-by-crash",
            "twin: a budget lets nobody go because the newest pods of its workload have no image",
            vec![
                vec![web(3), budget(json!({"minAvailable": 2, "selector": of_web}))],
                vec![at_once(deploy("web", 3, with(app(world, OK), json!({"image": "test.local/none:1"}))))],
            ],
            12,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        )
        .alert_names("poddisruptionbudget", "keep")
        .with_facts(&["unhealthy-pods"]),
        Fault::new(
            "budget-with-room",
            "twin: a budget that lets one go",
            vec![vec![web(3), budget(json!({"minAvailable": 2, "selector": of_web}))]],
            14,
            ["generic", "unknown", "remediate", "PodDisruptionBudget/keep"],
        )
        .began_while_well()
        .alert_names("poddisruptionbudget", "keep"),
        Fault::new(
            "quota-used-up",
            "a quota is used up and refuses pods",
            vec![vec![
                json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"},
                    "spec": {"hard": {"requests.memory": "100Mi"}}}),
                deploy("web", 2, with(app(world, OK), memory("64Mi"))),
            ]],
            12,
            ["generic", "quota-exceeded", "remediate", "ResourceQuota/team"],
        )
        .alert_names("resourcequota", "team")
        .with_facts(&["quota-refused"]),
        Fault::new(
            "webhook-without-anybody",
            "an admission webhook asks a Service that does not exist, and its failures refuse",
            vec![vec![json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": "NAMESPACE"}, "webhooks": [{"name": "check.acme.example",
                    "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "NAMESPACE"}},
                    "clientConfig": {"service": {"namespace": "NAMESPACE", "name": "checker"}},
                    "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"],
                        "resources": ["deployments"]}]}]})]],
            3,
            ["generic", "admission-denied", "remediate", "ValidatingWebhookConfiguration/NAMESPACE"],
        )
        .alert_names("kind", "ValidatingWebhookConfiguration")
        .alert_names("name", "NAMESPACE")
        .with_facts(&["webhook-silent", "webhook-blocks"])
        .leaves("validatingwebhookconfiguration", "NAMESPACE"),
        Fault::new(
            "finalizer-without-controller",
            "an object was deleted and a finalizer holds it that nobody takes away",
            vec![vec![held()]],
            66,
            ["generic", "stuck-terminating", "remediate", "ConfigMap/held"],
        )
        .then(&["delete", "configmap", "held", "-n", "NAMESPACE", "--wait=false"])
        .alert_names("kind", "ConfigMap")
        .alert_names("name", "held")
        .with_facts(&["finalizers", "controller-gone", "finalizer-writer"])
        .at_last(&unhold),
        Fault::new(
            "namespace-held-by-content",
            "a namespace can't go because an object in it has a finalizer: that object is the culprit",
            vec![vec![held()]],
            75,
            ["generic", "stuck-terminating", "remediate", "ConfigMap/held"],
        )
        .then(&["delete", "namespace", "NAMESPACE", "--wait=false"])
        .alert_names("phase", "Terminating")
        .with_facts(&["held-by-content", "finalizers"])
        .at_last(&unhold),
    ]
}
