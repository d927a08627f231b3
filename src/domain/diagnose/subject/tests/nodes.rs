//! Nodes.

use super::world::{World, ago, alert, condition, fact, is, object, series};
use serde_json::{Value, json};

const ALERT: [(&str, &str); 2] = [("alertname", "Something"), ("node", "n1")];

fn node(name: &str, conditions: &[Value], rest: Value) -> Value {
    let mut all = json!({"status": {"conditions": conditions,
        "addresses": [{"type": "InternalIP", "address": format!("10.0.0.{}", &name[1..])}],
        "allocatable": {"memory": "4Gi", "cpu": "4", "pods": "110", "ephemeral-storage": "100Gi"}}});
    for (key, value) in rest.as_object().expect("an object") {
        all[key] = value.clone();
    }
    object("v1", "Node", "", name, all)
}

fn ready(name: &str) -> Value {
    node(name, &[condition("Ready", "True", 90_000)], json!({}))
}

fn lease(seconds: i64) -> Value {
    object(
        "coordination.k8s.io/v1",
        "Lease",
        "kube-node-lease",
        "n1",
        json!({"spec": {"renewTime": ago(seconds)}}),
    )
}

fn pod(name: &str, memory: &str, rest: Value) -> Value {
    let mut all = json!({"spec": {"nodeName": "n1", "containers": [{"name": "app",
        "resources": {"requests": {"memory": memory}}}]}, "status": {"phase": "Running"},
        "metadata": {"ownerReferences": [{"controller": true, "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "name": "web-1", "uid": "set"}]}});
    for (key, value) in rest.as_object().expect("an object") {
        all[key] = value.clone();
    }
    object("v1", "Pod", "shop", name, all)
}

fn lost() -> Value {
    node("n1", &[condition("Ready", "Unknown", 240)], json!({}))
}

#[test]
fn a_kubelet_that_says_nothing_is_a_lost_node_and_where_its_pods_could_go_is_known() {
    let world = World::of(&[lost(), ready("n2"), lease(280), pod("a", "1Gi", json!({}))]);
    let found = world.diagnosis(&ALERT);
    is(&found, "node-lost Remediate Node/n1");
    assert_eq!(found.values["room_elsewhere"], true);
    assert_eq!(found.values["drain_safe"], true);
    assert_eq!(found.values["pods_on_node"], 1);
    assert!(found.summary.contains("reports nothing any more"), "{}", found.summary);
}

#[test]
fn a_drain_is_not_safe_where_a_pod_has_nowhere_to_go() {
    let big = pod("big", "6Gi", json!({}));
    let world = World::of(&[lost(), ready("n2"), lease(280), big]);
    let found = world.diagnosis(&ALERT);
    is(&found, "node-lost Remediate Node/n1");
    assert_eq!(found.values["room_elsewhere"], false);
    assert_eq!(found.values["drain_safe"], false);
    assert!(fact(&found, "nowhere-to-go").is_some());
    let alone = World::of(&[lost(), lease(280), pod("a", "1Gi", json!({}))]).diagnosis(&ALERT);
    assert_eq!(alone.values["room_elsewhere"], false, "there is no other node");
    let two = World::of(&[
        lost(),
        node("n2", &[condition("Ready", "True", 9_000)], json!({"spec": {"unschedulable": true}})),
        lease(280),
        pod("a", "1Gi", json!({})),
    ]);
    assert_eq!(two.diagnosis(&ALERT).values["room_elsewhere"], false, "the other is cordoned");
}

#[test]
fn room_is_counted_for_all_pods_together() {
    let pods = ["a", "b", "c"].map(|name| pod(name, "1500Mi", json!({})));
    let world = World::of(&[vec![lost(), ready("n2"), lease(280)], pods.to_vec()].concat());
    let found = world.diagnosis(&ALERT);
    assert_eq!(found.values["room_elsewhere"], false, "two of three fit");
    let why = &fact(&found, "nowhere-to-go").expect("a fact").text;
    assert!(why.contains("shop/c") && !why.contains("shop/a"), "{why}");
}

#[test]
fn what_may_not_be_read_makes_no_drain_safe() {
    let all = [lost(), ready("n2"), lease(280), pod("a", "1Gi", json!({}))];
    let found = World::of(&all).without(&["PodDisruptionBudget"]).diagnosis(&ALERT);
    assert_eq!(found.values["drain_safe"], false);
    assert!(fact(&found, "missing-budgets").is_some());
    let found = World::of(&all).without(&["Pod"]).diagnosis(&ALERT);
    is(&found, "node-lost Remediate Node/n1");
    assert!(!found.values.contains_key("drain_safe") && fact(&found, "missing-pods").is_some());
}

#[test]
fn a_lease_that_is_still_renewed_makes_a_lost_node_doubtful() {
    let found = World::of(&[lost(), ready("n2"), lease(5)]).diagnosis(&ALERT);
    is(&found, "unknown Remediate Node/n1");
    assert!(fact(&found, "lease-fresh").is_some());
}

#[test]
fn a_kubelet_that_says_not_ready_is_quoted() {
    let broken = json!({"type": "Ready", "status": "False", "reason": "KubeletNotReady",
        "message": "container runtime is down", "lastTransitionTime": ago(200)});
    let found =
        World::of(&[node("n1", &[broken], json!({})), ready("n2"), lease(3)]).diagnosis(&ALERT);
    is(&found, "node-not-ready Remediate Node/n1");
    assert!(found.summary.contains("container runtime is down"), "{}", found.summary);
}

#[test]
fn the_neighbour_that_uses_more_than_it_requests_is_named_under_pressure() {
    let pressed = node(
        "n1",
        &[condition("Ready", "True", 9_000), condition("MemoryPressure", "True", 100)],
        json!({}),
    );
    let pods = [pod("modest", "1Gi", json!({})), pod("greedy", "100Mi", json!({}))];
    let mib = |count: f64| count * 1024.0 * 1024.0;
    let used = vec![
        series(&[("namespace", "shop"), ("pod", "modest")], &[mib(900.0)]),
        series(&[("namespace", "shop"), ("pod", "greedy")], &[mib(2_500.0)]),
    ];
    let world = World::of(&[vec![pressed, ready("n2"), lease(3)], pods.to_vec()].concat())
        .with_series("container_memory_working_set_bytes", used);
    let found = world.diagnosis(&ALERT);
    is(&found, "node-pressure Remediate Node/n1");
    assert_eq!(found.values["greedy_pod"], "shop/greedy");
    assert_eq!(found.values["greedy_owner"], "shop/ReplicaSet/web-1");
    assert!(fact(&found, "one-pod-dominates").is_some());
}

fn over(name: &str) -> Value {
    pod(name, "0", json!({"status": {"phase": "Failed", "reason": "Evicted"}}))
}

#[test]
fn a_disk_full_of_what_nobody_uses_is_told_from_one_that_a_pod_fills() {
    let pressed = node(
        "n1",
        &[condition("Ready", "True", 9_000), condition("DiskPressure", "True", 100)],
        json!({}),
    );
    let left = ["e1", "e2", "e3", "e4", "e5", "e6"].map(over);
    let base = [vec![pressed, ready("n2"), lease(3)], left.to_vec()].concat();
    let found = World::of(&base).diagnosis(&ALERT);
    is(&found, "disk-pressure-by-orphans Remediate Node/n1");
    assert_eq!(found.values["leftover_pods"], 6);
    let writer = pod("writer", "0", json!({}));
    let used = vec![series(&[("namespace", "shop"), ("pod", "writer")], &[70.0 * 1024f64.powi(3)])];
    let world =
        World::of(&[base, vec![writer]].concat()).with_series("container_fs_usage_bytes", used);
    let found = world.diagnosis(&ALERT);
    is(&found, "node-pressure Remediate Node/n1");
    assert_eq!(found.values["greedy_pod"], "shop/writer");
}

fn cordoned(seconds: i64, annotations: Value) -> Value {
    let mut it = node(
        "n1",
        &[condition("Ready", "True", 90_000)],
        json!({"spec": {"unschedulable": true,
        "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": ago(seconds)}]}}),
    );
    it["metadata"]["annotations"] = annotations;
    it["metadata"]["managedFields"] = json!([{"manager": "kubectl-cordon", "time": ago(seconds),
        "fieldsV1": {"f:spec": {"f:unschedulable": {}}}}]);
    it
}

fn waiting() -> Value {
    object(
        "v1",
        "Pod",
        "shop",
        "new",
        json!({"spec": {"containers": []}, "status": {"phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/2 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable."}]}}),
    )
}

#[test]
fn a_cordon_is_a_fault_only_where_it_is_forgotten_or_pods_wait_for_it() {
    let of = |node: Value, more: &[Value]| {
        World::of(&[&[node, ready("n2"), lease(3)], more].concat()).diagnosis(&ALERT)
    };
    let found = of(cordoned(3_000, json!({})), &[waiting()]);
    is(&found, "node-cordoned Remediate Node/n1");
    assert_eq!(found.values["waiting_pods"], json!(["shop/new"]));
    assert_eq!(found.values["cordoned_by"], "kubectl-cordon");
    is(&of(cordoned(100_000, json!({})), &[]), "node-cordoned Remediate Node/n1");
    is(&of(cordoned(3_000, json!({})), &[]), "unknown OnPurpose Node/n1");
    let why = json!({"acme.example/maintenance": "new disk, until Friday"});
    let found = of(cordoned(100_000, why), &[waiting()]);
    is(&found, "unknown OnPurpose Node/n1");
    assert!(found.summary.contains("until Friday"), "{}", found.summary);
    let mut leaving = pod("old", "1Gi", json!({}));
    leaving["metadata"]["deletionTimestamp"] = json!(ago(5));
    is(&of(cordoned(300, json!({})), &[leaving]), "unknown OnPurpose Node/n1");
}

#[test]
fn a_cordon_explains_no_disk_that_fills() {
    let meant = cordoned(600, json!({"acme.example/maintenance": "new disk, until Friday"}));
    let world = World::of(&[meant, ready("n2"), lease(3)]);
    let labels = [("node", "n1"), ("device", "/dev/vda1"), ("mountpoint", "/")];
    is(&world.diagnosis(&labels), "unknown Remediate Node/n1");
    is(&world.diagnosis(&[("node", "n1")]), "unknown OnPurpose Node/n1");
}

#[test]
fn a_cordoned_node_that_is_lost_is_lost() {
    let mut both = cordoned(100_000, json!({"acme.example/reason": "maintenance"}));
    both["status"]["conditions"] = json!([condition("Ready", "Unknown", 200)]);
    let found = World::of(&[both, ready("n2"), lease(260)]).diagnosis(&ALERT);
    is(&found, "node-lost Remediate Node/n1");
}

#[test]
fn a_node_that_got_well_after_the_alert_began_has_recovered() {
    let back = node("n1", &[condition("Ready", "True", 60)], json!({}));
    let found = World::of(&[back, ready("n2"), lease(3)]).diagnosis(&ALERT);
    is(&found, "unknown Recovered Node/n1");
    let always = World::of(&[ready("n1"), ready("n2"), lease(3)]).diagnosis(&ALERT);
    is(&always, "unknown Remediate Node/n1");
}

#[test]
fn an_exporters_alert_is_about_the_node_at_its_address() {
    let world = World::of(&[lost(), ready("n2"), lease(280)]);
    let labels =
        [("job", "node-exporter"), ("instance", "10.0.0.1:9100"), ("namespace", "monitoring")];
    is(&world.diagnosis(&labels), "node-lost Remediate Node/n1");
    let stranger = [("job", "node-exporter"), ("instance", "10.9.9.9:9100")];
    assert!(world.diagnosis(&stranger).target.is_none(), "no node is there");
    let resolved = {
        let mut one = alert(&ALERT, 300);
        one.status = crate::domain::alert::AlertStatus::Resolved;
        one
    };
    let well = World::of(&[ready("n1"), ready("n2"), lease(3)]);
    is(&well.diagnosis_of(&[resolved]), "unknown Recovered Node/n1");
}

#[test]
fn a_node_that_has_as_many_pods_as_its_kubelet_takes_is_short_of_seats_though_ready() {
    let full = |pods: usize| {
        let n1 = node("n1", &[condition("Ready", "True", 90_000)], json!({}));
        let pods = (0..pods).map(|n| pod(&format!("web-{n}"), "1Mi", json!({})));
        let around = [n1, ready("n2"), lease(5)];
        World::of(&around.into_iter().chain(pods).collect::<Vec<_>>()).diagnosis(&ALERT)
    };
    let found = full(106);
    is(&found, "node-pressure Remediate Node/n1");
    assert!(found.summary.contains("106 of the 110 pods"), "{}", found.summary);
    assert_eq!(
        (&found.values["pods_taken"], &found.values["pods_most"]),
        (&json!(106), &json!(110))
    );
    assert_ne!(full(60).cause, crate::domain::diagnosis::Cause::NodePressure);
}
