//! Autoscalers, budgets, certificates, objects that can't go.

use super::world::{World, ago, alert, condition, fact, is, object};
use serde_json::{Value, json};

fn autoscaler(limited: &str, at: i64) -> Value {
    let mut limit = condition("ScalingLimited", limited, 600);
    limit["reason"] =
        json!(if limited == "True" { "TooManyReplicas" } else { "DesiredWithinRange" });
    object(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "shop",
        "web",
        json!({
        "spec": {"minReplicas": 1, "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 80}}}]},
        "status": {"currentReplicas": at, "desiredReplicas": at, "conditions": [
            condition("AbleToScale", "True", 900), condition("ScalingActive", "True", 900), limit],
            "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu",
                "current": {"averageUtilization": 140}}}]}}),
    )
}

fn deployment(ready: i64, replicas: i64) -> Value {
    object(
        "apps/v1",
        "Deployment",
        "shop",
        "web",
        json!({"spec": {"replicas": replicas,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app"}]}}},
        "status": {"replicas": replicas, "readyReplicas": ready}}),
    )
}

const SCALER: [(&str, &str); 2] = [("namespace", "shop"), ("horizontalpodautoscaler", "web")];
const BUDGET: [(&str, &str); 2] = [("namespace", "shop"), ("poddisruptionbudget", "keep")];

#[test]
fn an_autoscaler_with_nothing_left_to_give_is_told_from_one_that_is_busy() {
    let found = World::of(&[autoscaler("True", 3), deployment(3, 3)]).diagnosis(&SCALER);
    is(&found, "hpa-at-maximum Remediate HorizontalPodAutoscaler/web");
    assert!(found.summary.contains("cpu at 140 %"), "{}", found.summary);
    assert_eq!(found.values["max_replicas"], 3);
    let found = World::of(&[autoscaler("False", 2), deployment(2, 2)]).diagnosis(&SCALER);
    is(&found, "unknown Remediate HorizontalPodAutoscaler/web");
}

#[test]
fn a_missing_request_is_the_workloads_fault() {
    let mut blind = autoscaler("False", 1);
    blind["status"]["conditions"] = json!([{"type": "ScalingActive", "status": "False",
        "reason": "FailedGetResourceMetric", "lastTransitionTime": ago(600),
        "message": "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container app of Pod web-1"}]);
    let api = object(
        "apiregistration.k8s.io/v1",
        "APIService",
        "",
        "v1beta1.metrics.k8s.io",
        json!({"status": {"conditions": [condition("Available", "True", 9_000)]}}),
    );
    let found = World::of(&[blind, api, deployment(1, 1)]).diagnosis(&SCALER);
    is(&found, "hpa-without-metrics Remediate Deployment/web");
    assert_eq!(found.values["container"], "app");
    assert_eq!(found.values["metric"], "cpu");
}

fn budget(name: &str, spec: Value, healthy: i64, pods: i64) -> Value {
    object(
        "policy/v1",
        "PodDisruptionBudget",
        "shop",
        name,
        json!({"spec": spec, "status": {
        "currentHealthy": healthy, "desiredHealthy": 1, "expectedPods": pods, "disruptionsAllowed": 0}}),
    )
}

fn pod(name: &str, node: &str) -> Value {
    object(
        "v1",
        "Pod",
        "shop",
        name,
        json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"nodeName": node, "containers": [{"name": "app"}]}, "status": {"phase": "Running",
            "conditions": [condition("Ready", "True", 9_000)]}}),
    )
}

#[test]
fn a_share_that_rounds_up_to_all_pods_never_lets_one_go_and_a_waiting_drain_is_seen() {
    let spec = json!({"minAvailable": "90%", "selector": {"matchLabels": {"app": "web"}}});
    let cordoned = object("v1", "Node", "", "n1", json!({"spec": {"unschedulable": true}}));
    let world = World::of(&[budget("keep", spec, 2, 2), pod("a", "n1"), pod("b", "n2"), cordoned]);
    let found = world.diagnosis(&BUDGET);
    is(&found, "budget-never-met Remediate PodDisruptionBudget/keep");
    assert_eq!(found.values["drain_waits"], true);
    assert_eq!(found.values["drain_nodes"], json!(["n1"]));
    assert_eq!(found.values["fitting_min_available"], 1);
}

#[test]
fn pods_under_two_budgets_can_never_be_evicted() {
    let spec = || json!({"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}});
    let all = [
        budget("keep", spec(), 3, 3),
        budget("other", spec(), 3, 3),
        pod("a", "n1"),
        pod("b", "n1"),
    ];
    let found = World::of(&all).diagnosis(&BUDGET);
    is(&found, "budget-never-met Remediate PodDisruptionBudget/keep");
    assert!(found.summary.contains("budget other"), "{}", found.summary);
}

fn certificate(seconds_left: i64, ready: &str) -> Value {
    object(
        "cert-manager.io/v1",
        "Certificate",
        "shop",
        "front",
        json!({
        "spec": {"secretName": "front-tls", "issuerRef": {"name": "le"}},
        "status": {"notAfter": ago(-seconds_left), "conditions": [condition("Ready", ready, 9_000)]}}),
    )
}

#[test]
fn a_certificate_is_judged_by_its_dates_and_its_secret_leads_to_it() {
    let labels = [("namespace", "shop"), ("name", "front"), ("issuer_name", "le")];
    let soon = World::of(&[certificate(3 * 86_400, "True")]).diagnosis(&labels);
    is(&soon, "certificate-expiring Remediate Certificate/front");
    assert!(soon.values["seconds_left"].as_i64().expect("a figure") > 0);
    let gone = World::of(&[certificate(-100, "False")]).diagnosis(&labels);
    is(&gone, "certificate-expiring Remediate Certificate/front");
    assert!(gone.confidence > soon.confidence);
    let later = World::of(&[certificate(60 * 86_400, "True")]).diagnosis(&labels);
    is(&later, "unknown Remediate Certificate/front");
    let secret = object(
        "v1",
        "Secret",
        "shop",
        "front-tls",
        json!({"type": "kubernetes.io/tls",
        "metadata": {"annotations": {"cert-manager.io/certificate-name": "front"}}}),
    );
    let world = World::of(&[certificate(3 * 86_400, "True"), secret]);
    let by_secret = world.diagnosis(&[("secret_namespace", "shop"), ("secret_name", "front-tls")]);
    is(&by_secret, "certificate-expiring Remediate Certificate/front");
    assert!(fact(&by_secret, "kept-by").is_some());
}

fn held(seconds: i64) -> Value {
    object(
        "acme.io/v1",
        "Widget",
        "shop",
        "w",
        json!({"metadata": {
        "deletionTimestamp": ago(seconds), "finalizers": ["widgets.acme.io/cleanup"],
        "managedFields": [{"manager": "widget-operator", "time": ago(9_000),
            "fieldsV1": {"f:metadata": {"f:finalizers": {}}}}]}}),
    )
}

const WIDGET: [(&str, &str); 4] =
    [("namespace", "shop"), ("kind", "Widget"), ("name", "w"), ("api_version", "acme.io/v1")];

#[test]
fn a_controller_is_only_gone_where_all_workloads_are_known_and_none_may_be_it() {
    let found = World::of(&[held(600)]).diagnosis(&WIDGET);
    is(&found, "stuck-terminating Remediate Widget/w");
    assert_eq!(found.values["controller_gone"], true);
    assert_eq!(found.values["finalizer_writer"], "widget-operator");
    let operator = object("apps/v1", "Deployment", "ops", "widget-operator", json!({}));
    let found = World::of(&[held(600), operator]).diagnosis(&WIDGET);
    assert_eq!(found.values["controller_gone"], false);
    assert_eq!(found.values["controllers"], json!(["ops/Deployment/widget-operator"]));
    let found = World::of(&[held(600)]).without(&["DaemonSet"]).diagnosis(&WIDGET);
    assert_eq!(found.values["controller_gone"], false, "not all may be read");
}

#[test]
fn a_deletion_that_has_only_begun_is_no_fault() {
    let claim = object(
        "v1",
        "PersistentVolumeClaim",
        "shop",
        "data",
        json!({
        "metadata": {"deletionTimestamp": ago(10), "finalizers": ["kubernetes.io/pvc-protection"]},
        "status": {"phase": "Bound"}}),
    );
    let labels = [("namespace", "shop"), ("persistentvolumeclaim", "data")];
    let found = World::of(std::slice::from_ref(&claim)).diagnosis(&labels);
    // Whether it goes shows when it is looked at again: neither a fault yet, nor over.
    is(&found, "unknown Remediate PersistentVolumeClaim/data");
    let mut going = claim;
    going["metadata"]["deletionTimestamp"] = json!(ago(-20));
    let found = World::of(&[going]).diagnosis(&labels);
    is(&found, "unknown TargetGone PersistentVolumeClaim/data");
}

#[test]
fn a_pod_that_can_not_go_leads_to_its_lost_node() {
    let mut gone = pod("a", "n1");
    gone["metadata"]["deletionTimestamp"] = json!(ago(200));
    let node = object(
        "v1",
        "Node",
        "",
        "n1",
        json!({"status": {"conditions": [condition("Ready", "Unknown", 300)]}}),
    );
    let found = World::of(&[gone, node]).diagnosis(&[("namespace", "shop"), ("pod", "a")]);
    is(&found, "node-lost Remediate Node/n1");
    assert!(fact(&found, "node-away").is_some());
}

#[test]
fn an_alert_with_nothing_but_a_namespace_leads_to_it_only_while_it_is_being_deleted() {
    let labels = [("namespace", "shop"), ("phase", "Terminating")];
    let well = object("v1", "Namespace", "", "shop", json!({}));
    assert!(World::of(&[well]).diagnosis(&labels).target.is_none());
    let going = object(
        "v1",
        "Namespace",
        "",
        "shop",
        json!({
        "metadata": {"deletionTimestamp": ago(600)}, "spec": {"finalizers": ["kubernetes"]},
        "status": {"conditions": [{"type": "NamespaceDeletionDiscoveryFailure", "status": "True",
            "message": "Discovery failed for some groups: metrics.k8s.io/v1beta1"}]}}),
    );
    let found = World::of(&[going]).diagnosis_of(&[alert(&labels, 300)]);
    is(&found, "stuck-terminating Remediate Namespace/shop");
    assert!(fact(&found, "api-unavailable").is_some());
}
