//! Claims, Services, policies.

use super::world::{World, ago, fact, is, object, series};
use serde_json::{Value, json};

const CLAIM: [(&str, &str); 2] = [("namespace", "shop"), ("persistentvolumeclaim", "data")];
const SERVICE: [(&str, &str); 2] = [("namespace", "shop"), ("service", "web")];
const MIB: f64 = 1024.0 * 1024.0;

fn claim() -> Value {
    object(
        "v1",
        "PersistentVolumeClaim",
        "shop",
        "data",
        json!({
        "spec": {"storageClassName": "fast", "volumeName": "pv", "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}},
        "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}),
    )
}

fn class(expands: bool) -> Value {
    object(
        "storage.k8s.io/v1",
        "StorageClass",
        "",
        "fast",
        json!({
        "provisioner": "csi.acme.example", "volumeBindingMode": "Immediate", "allowVolumeExpansion": expands}),
    )
}

/// A bound claim whose volume of 1 GiB has so many MiB left, and how its use went, in MiB.
fn filled(left: f64, used: &[f64]) -> World {
    let figure = |name: &str, value: f64| series(&[("__name__", name)], &[value]);
    let points = used.iter().map(|one| one * MIB).collect::<Vec<_>>();
    World::of(&[claim(), class(true)])
        .with_series("max(kubelet_volume_stats_used_bytes", vec![series(&[], &points)])
        .with_series(
            "__name__=~",
            vec![
                figure("kubelet_volume_stats_capacity_bytes", 1024.0 * MIB),
                figure("kubelet_volume_stats_available_bytes", left * MIB),
                figure("kubelet_volume_stats_used_bytes", (1024.0 - left) * MIB),
                figure("kubelet_volume_stats_inodes", 1_000.0),
                figure("kubelet_volume_stats_inodes_used", 10.0),
            ],
        )
}

#[test]
fn a_full_volume_is_full_and_a_growing_one_says_when_it_will_be() {
    let full = filled(10.0, &[1014.0; 8]).diagnosis(&CLAIM);
    is(&full, "volume-full Remediate PersistentVolumeClaim/data");
    assert_eq!(full.values["allows_expansion"], true);
    let grows = filled(400.0, &[614.0, 616.0, 618.0, 620.0, 622.0, 624.0]).diagnosis(&CLAIM);
    is(&grows, "volume-filling Remediate PersistentVolumeClaim/data");
    let left = grows.values["seconds_to_full"].as_u64().expect("a figure");
    assert!((11_000..13_000).contains(&left), "400 MiB at 2 MiB a minute: {left}");
    assert!(grows.summary.contains("fast lets volumes grow"), "{}", grows.summary);
}

#[test]
fn a_volume_that_goes_up_and_down_far_from_its_end_is_not_filling() {
    let found = filled(600.0, &[424.0, 380.0, 430.0, 390.0, 425.0, 384.0]).diagnosis(&CLAIM);
    is(&found, "unknown Remediate PersistentVolumeClaim/data");
    let mut resolved = super::world::alert(&CLAIM, 300);
    resolved.status = crate::domain::alert::AlertStatus::Resolved;
    let found = filled(600.0, &[424.0; 6]).diagnosis_of(&[resolved]);
    is(&found, "unknown Recovered PersistentVolumeClaim/data");
}

#[test]
fn a_volume_without_figures_is_missing_them_and_not_well() {
    let found = World::of(&[claim(), class(true)]).diagnosis(&CLAIM);
    is(&found, "unknown Remediate PersistentVolumeClaim/data");
    assert!(fact(&found, "missing-metrics").is_some());
}

fn pending() -> Value {
    let mut it = claim();
    it["status"] = json!({"phase": "Pending"});
    it["spec"]["volumeName"] = Value::Null;
    it
}

#[test]
fn a_class_that_may_not_be_read_is_not_a_class_that_is_missing() {
    is(
        &World::of(&[pending()]).diagnosis(&CLAIM),
        "claim-pending Remediate PersistentVolumeClaim/data",
    );
    let found = World::of(&[pending()]).without(&["StorageClass"]).diagnosis(&CLAIM);
    is(&found, "unknown Remediate PersistentVolumeClaim/data");
    assert!(fact(&found, "missing-classes").is_some() && fact(&found, "class-missing").is_none());
}

#[test]
fn what_the_provisioner_says_is_quoted() {
    let event = object(
        "v1",
        "Event",
        "shop",
        "data.1",
        json!({"reason": "ProvisioningFailed",
        "message": "quota of volumes reached", "lastTimestamp": ago(20), "count": 3,
        "involvedObject": {"kind": "PersistentVolumeClaim", "name": "data", "namespace": "shop",
            "uid": "PersistentVolumeClaim-shop-data"}}),
    );
    let found = World::of(&[pending(), class(true), event]).diagnosis(&CLAIM);
    is(&found, "claim-pending Remediate PersistentVolumeClaim/data");
    assert!(found.summary.contains("quota of volumes reached"), "{}", found.summary);
    assert_eq!(found.values["why_pending"], "provisioning-failed");
}

fn service() -> Value {
    object(
        "v1",
        "Service",
        "shop",
        "web",
        json!({"spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
    )
}

fn pod(ready: bool) -> Value {
    let status = if ready { "True" } else { "False" };
    object(
        "v1",
        "Pod",
        "shop",
        "web-1",
        json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app"}]}, "status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": status, "lastTransitionTime": ago(9_000)}]}}),
    )
}

fn policy(seconds: i64, annotations: Value) -> Value {
    object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "shop",
        "lock",
        json!({
        "metadata": {"creationTimestamp": ago(seconds), "annotations": annotations},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
    )
}

#[test]
fn a_fresh_policy_that_lets_nothing_in_is_to_blame_and_an_old_one_is_not() {
    let of = |seconds, annotations| {
        World::of(&[service(), pod(true), policy(seconds, annotations)]).diagnosis(&SERVICE)
    };
    is(&of(600, json!({})), "policy-denies Remediate NetworkPolicy/lock");
    is(&of(900_000, json!({})), "unknown Remediate Service/web");
    let found = of(9_000, json!({"acme.example/reason": "incident 42: isolate"}));
    is(&found, "unknown Remediate Service/web");
    assert!(fact(&found, "policy-explained").is_some());
}

#[test]
fn a_selector_is_only_repaired_towards_one_workload() {
    let maker = |name: &str, labels: Value| {
        object(
            "apps/v1",
            "Deployment",
            "shop",
            name,
            json!({"spec": {"replicas": 1,
            "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}}),
        )
    };
    let broken = object(
        "v1",
        "Service",
        "shop",
        "web",
        json!({"spec": {
        "selector": {"app": "web", "tier": "frnt"}, "ports": [{"port": 80}]}}),
    );
    let one = maker("web", json!({"app": "web", "tier": "front"}));
    let found = World::of(&[broken.clone(), one.clone(), maker("db", json!({"app": "db"}))]);
    let found = found.diagnosis(&SERVICE);
    is(&found, "selector-mismatch Remediate Service/web");
    assert_eq!(found.values["fitting_selector"], json!({"app": "web", "tier": "front"}));
    let twin = maker("web-canary", json!({"app": "web", "tier": "front"}));
    let found = World::of(&[broken.clone(), one, twin]).diagnosis(&SERVICE);
    is(&found, "selector-mismatch Remediate Service/web");
    assert!(!found.values.contains_key("fitting_selector"), "it would select two workloads");
    let found = World::of(&[broken]).diagnosis(&SERVICE);
    is(&found, "unknown Remediate Service/web");
    assert!(fact(&found, "nobody-near").is_some());
}

#[test]
fn nothing_is_said_of_pods_that_may_not_be_read() {
    let found = World::of(&[service()]).without(&["Pod"]).diagnosis(&SERVICE);
    is(&found, "unknown Remediate Service/web");
    assert!(fact(&found, "missing-pods").is_some() && fact(&found, "selects-nothing").is_none());
}

#[test]
fn the_name_service_that_nobody_serves_is_dns_failing() {
    let dns = object(
        "v1",
        "Service",
        "kube-system",
        "kube-dns",
        json!({
        "metadata": {"labels": {"k8s-app": "kube-dns"}},
        "spec": {"selector": {"k8s-app": "kube-dns"}, "ports": [{"port": 53}]}}),
    );
    let mut served = pod(false);
    served["metadata"] = json!({"name": "coredns-1", "namespace": "kube-system", "uid": "c",
        "labels": {"k8s-app": "kube-dns"}});
    let found = World::of(&[dns, served]);
    let found = found.diagnosis(&[("namespace", "kube-system"), ("service", "kube-dns")]);
    is(&found, "dns-failing Remediate Pod/coredns-1");
}

#[test]
fn a_probe_from_outside_names_the_service_that_it_asks() {
    let labels = [("job", "blackbox"), ("instance", "http://web.shop.svc:80/healthz")];
    let world = World::of(&[service(), pod(true), policy(600, json!({}))]);
    is(&world.diagnosis(&labels), "policy-denies Remediate NetworkPolicy/lock");
}

#[test]
fn an_alert_that_names_only_a_namespace_tells_what_is_not_well_there() {
    let deployment = |name: &str, ready: u32| {
        let status = json!({"spec": {"replicas": 2}, "status": {"readyReplicas": ready}});
        object("apps/v1", "Deployment", "shop", name, status)
    };
    let labels = [("namespace", "shop"), ("severity", "page")];
    let found = World::of(&[deployment("web", 0), deployment("cart", 2)]).diagnosis(&labels);
    is(&found, "unknown Remediate -");
    assert!(found.summary.contains("Deployment web has 0 of 2 pods ready"), "{}", found.summary);
    assert!(!found.summary.contains("cart"), "{}", found.summary);
    let found = World::of(&[deployment("cart", 2)]).diagnosis(&labels);
    assert!(found.summary.contains("all 1 workloads"), "{}", found.summary);
    let found = World::of(&[]).without(&["Deployment"]).diagnosis(&labels);
    assert!(fact(&found, "unwell-here").is_none(), "what may not be read is not said to be well");
}
