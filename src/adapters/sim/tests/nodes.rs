use super::*;

fn node(sim: &Sim, name: &str) -> Value {
    object(sim, &ObjectKey::new("v1", "Node", "", name))
}

#[test]
fn a_node_that_goes_away_is_noticed_its_pods_move_and_it_comes_back() {
    let sim = world(WEB);
    sim.locked().happens(Happens::NodeDown { node: "wk-01".into(), reboot: true });
    pass(&sim, 30);
    assert_eq!(condition(&node(&sim, "wk-01"), "Ready")["status"], "True");
    pass(&sim, 20);
    assert_eq!(condition(&node(&sim, "wk-01"), "Ready")["status"], "Unknown");
    assert!(object(&sim, &deployment("web"))["status"]["readyReplicas"].as_i64().unwrap() < 3);
    pass(&sim, 120);
    let firing = now(sim.alerts().firing()).unwrap();
    assert!(
        firing
            .iter()
            .any(|alert| alert.name() == "KubeNodeNotReady" && alert.labels["node"] == "wk-01")
    );
    pass(&sim, 300);
    assert_eq!(
        object(&sim, &deployment("web"))["status"]["readyReplicas"],
        3,
        "replaced on the other node"
    );
    let leaving = pods(&sim).iter().filter(|pod| super::super::json::deleting(pod)).count();
    assert!(leaving > 0, "no kubelet confirms their end");
    sim.locked().happens(Happens::NodeUp { node: "wk-01".into() });
    pass(&sim, 120);
    assert_eq!(condition(&node(&sim, "wk-01"), "Ready")["status"], "True");
    assert!(node(&sim, "wk-01")["spec"]["taints"].is_null());
    assert_eq!(pods(&sim).len(), 3);
}

#[test]
fn pods_do_not_go_to_a_cordoned_node() {
    let sim = world(WEB);
    sim.locked().happens(Happens::Cordon { node: "wk-01".into(), on: true });
    set_image(&sim, "shop/Deployment/web", "r.example/web:2");
    pass(&sim, 120);
    assert!(pods(&sim).iter().all(|pod| pod["spec"]["nodeName"] == "wk-02"));
}

#[test]
fn a_pod_that_fits_nowhere_is_pending_and_says_why() {
    let sim = world(
        r#"
[[workload]]
namespace = "shop"
name = "big"
image = "r.example/web:1"
replicas = 1
request = "64Gi"
"#,
    );
    let pod = &pods(&sim)[0];
    assert_eq!(pod["status"]["phase"], "Pending");
    let scheduled = condition(pod, "PodScheduled");
    assert_eq!(scheduled["reason"], "Unschedulable");
    assert!(
        scheduled["message"]
            .as_str()
            .unwrap()
            .starts_with("0/2 nodes are available: 2 Insufficient memory.")
    );
}

#[test]
fn a_budget_allows_nothing_while_pods_are_missing() {
    let sim = world(WEB);
    set_limit(&sim, "shop/Deployment/web", "50Mi");
    needs(&sim, "r.example/web:1", 300);
    pass(&sim, 300);
    let budget = &all(&sim, "policy/v1", "PodDisruptionBudget")[0];
    assert_eq!(budget["status"]["disruptionsAllowed"], 0);
    assert_eq!(budget["status"]["desiredHealthy"], 2);
}

#[test]
fn alerts_made_from_metrics_end_with_the_metrics_of_a_node_that_is_away() {
    let sim = world(WEB);
    needs(&sim, "r.example/web:1", 188);
    pass(&sim, 600);
    let near = |sim: &Sim| {
        let firing = now(sim.alerts().firing()).unwrap();
        firing.iter().filter(|alert| alert.name() == "ContainerMemoryNearLimit").count()
    };
    let before = near(&sim);
    let here = pods(&sim).iter().filter(|pod| pod["spec"]["nodeName"] == "wk-01").count();
    assert!(before > 0 && here > 0, "{before} alerts, {here} pods");
    sim.locked().happens(Happens::NodeDown { node: "wk-01".into(), reboot: false });
    pass(&sim, 60);
    assert!(near(&sim) < before);
}
