//! Autoscalers: one that has no more to give, one that has no figures. The figures are of the whole cluster, so that only
//! one of these runs at a time.

use crate::place::{OK, Place};
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, PoisonError};

static METRICS: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    METRICS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The API of resource metrics; it goes with this, also after a panic.
struct Metrics<'a>(&'a Place);

impl Drop for Metrics<'_> {
    fn drop(&mut self) {
        self.0.try_kubectl(&["delete", "crd", "pods.metrics.k8s.io", "--timeout=60s"]);
        let api = ["wait", "--for=delete", "apiservice/v1beta1.metrics.k8s.io", "--timeout=60s"];
        self.0.try_kubectl(&api);
    }
}

/// Resource metrics as the autoscaler's controller reads them: no metrics-server is there, so that a resource of that
/// API is, and the figures in it are given by hand. The controller, its decisions and their effect are real.
fn metrics_api(place: &Place) -> Metrics<'_> {
    let it = Metrics(place);
    place.apply(&[json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "pods.metrics.k8s.io",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"}},
        "spec": {"group": "metrics.k8s.io", "scope": "Namespaced",
            "names": {"kind": "PodMetrics", "plural": "pods", "singular": "podmetrics"},
            "versions": [{"name": "v1beta1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})]);
    let crd = "crd/pods.metrics.k8s.io";
    place.kubectl(&["wait", crd, "--for=condition=Established", "--timeout=60s"]);
    it
}

/// Each pod of `web` uses that much memory.
fn used(place: &Place, memory: &str) -> bool {
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    place.pods("app=web").iter().all(|pod| {
        place.try_apply(&json!({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
            "metadata": {"name": pod, "labels": {"app": "web"}}, "timestamp": now, "window": "10s",
            "containers": [{"name": "app", "usage": {"cpu": "1m", "memory": memory}}]}))
    })
}

#[test]
fn an_autoscaler_at_its_maximum_is_given_more_and_takes_it() {
    let Some(place) = Place::new("hpa-most") else { return };
    let _alone = alone();
    let _metrics = metrics_api(&place);
    let mut web = place.deployment("web", 1, OK);
    web["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"memory": "4Mi"}});
    place.apply(&[
        web,
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web"}, "spec": {"minReplicas": 1, "maxReplicas": 2,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "memory",
                "target": {"type": "Utilization", "averageUtilization": 50}}}]}}),
    ]);
    place.rolled_out("web");
    place.until("it is at its maximum and wants more", 180, || {
        let full = |it: &Value| {
            let conditions = it["status"]["conditions"].to_string();
            it["status"]["currentReplicas"] == 2 && conditions.contains("TooManyReplicas")
        };
        used(&place, "40Mi") && full(&place.get("hpa", "web"))
    });
    place.rolled_out("web");
    place.alert_saying(
        "KubeHpaMaxedOut",
        json!({"horizontalpodautoscaler": "web"}),
        "metrics-server is down",
    );
    let target = "HorizontalPodAutoscaler/web";
    let case = place.plan("hpa-at-maximum", target, "hpa-at-maximum");
    place.approve(&case);
    place.until("it has more replicas", 60, || {
        place.get("deploy", "web")["spec"]["replicas"].as_i64().is_some_and(|count| count > 2)
    });
    assert!(place.get("hpa", "web")["spec"]["maxReplicas"].as_i64() > Some(2));
}

#[test]
fn an_autoscaler_without_metrics() {
    let Some(place) = Place::new("hpa") else { return };
    let _alone = alone();
    let mut web = place.deployment("web", 1, OK);
    web["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "10m"}});
    place.apply(&[
        web,
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web"}, "spec": {"minReplicas": 1, "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 50}}}]}}),
    ]);
    place.until("it says that it has no metrics", 90, || {
        place.kubectl(&["get", "hpa", "web", "-o", "json"]).contains("FailedGetResourceMetric")
    });
    place.alert("KubeHpaReplicasMismatch", json!({"horizontalpodautoscaler": "web"}));
    place.told("hpa-without-metrics", "HorizontalPodAutoscaler/web", &["metrics"]);
}
