//! Services, their endpoints, and policies.

use crate::place::{OK, Place};
use serde_json::{Value, json};

fn service(selector: Value, port: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": port}]}})
}

fn listening(place: &Place) -> Value {
    let mut it = place.deployment("web", 2, OK);
    it["spec"]["template"]["spec"]["containers"][0]["ports"] =
        json!([{"name": "http", "containerPort": 8080}]);
    it
}

fn spec(place: &Place) -> Value {
    place.get("svc", "web")["spec"].clone()
}

#[test]
fn a_selector_with_a_typo() {
    let Some(place) = Place::new("selector") else { return };
    place.apply(&[listening(&place), service(json!({"app": "wbe"}), json!(8080))]);
    place.rolled_out("web");
    let before = spec(&place);
    place.alert("ServiceWithoutEndpoints", json!({"service": "web"}));
    let settled = |case: &Value| case["state"] == "closed" || case["state"] == "awaiting_approval";
    let case = place.case("a diagnosis", 90, settled);
    assert_eq!(case["cause"], "selector-mismatch", "{}", place.picture());
    assert_eq!(case["target"]["kind"], "Service");
    if case["state"] == "awaiting_approval" {
        place.approve(&case);
        let slices = place.kubectl(&["get", "endpointslices", "-o", "json"]);
        assert!(slices.matches("\"ready\": true").count() >= 2, "{slices}");
    } else {
        assert_eq!(spec(&place), before, "nothing was changed");
        assert!(case["plan"].to_string().contains("wbe"), "{}", place.picture());
    }
}

#[test]
fn a_port_that_the_pods_do_not_have() {
    let Some(place) = Place::new("port") else { return };
    place.apply(&[listening(&place), service(json!({"app": "web"}), json!("htttp"))]);
    place.rolled_out("web");
    let before = spec(&place);
    place.alert("ServiceWithoutEndpoints", json!({"service": "web"}));
    let settled = |case: &Value| case["state"] == "closed" || case["state"] == "awaiting_approval";
    let case = place.case("a diagnosis", 90, settled);
    assert_eq!(case["cause"], "port-mismatch", "{}", place.picture());
    if case["state"] == "awaiting_approval" {
        place.approve(&case);
        let slices = place.kubectl(&["get", "endpointslices", "-o", "json"]);
        assert!(slices.contains("8080"), "{slices}");
    } else {
        assert_eq!(spec(&place), before, "nothing was changed");
    }
}

#[test]
fn pods_behind_a_service_that_are_not_ready_lead_to_their_workload() {
    let Some(place) = Place::new("unready") else { return };
    let mut web = listening(&place);
    web["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({"exec": {"command": ["cat", "/no/such/file"]}, "periodSeconds": 1});
    place.apply(&[web, service(json!({"app": "web"}), json!(8080))]);
    place.until("its pods run", 60, || {
        place.kubectl(&["get", "pods"]).matches("Running").count() == 2
    });
    std::thread::sleep(std::time::Duration::from_secs(15));
    place.alert("ServiceWithoutEndpoints", json!({"service": "web"}));
    let settled = |case: &Value| case["state"] == "closed" || case["state"] == "awaiting_approval";
    let case = place.case("a hand-over", 90, settled);
    assert_eq!(case["verdict"]["outcome"], "handed_over", "{}", place.picture());
    assert_eq!(case["target"]["kind"], "Deployment", "{}", place.picture());
    assert_eq!(place.get("deploy", "web")["metadata"]["generation"], 1);
}

#[test]
fn a_policy_that_lets_nobody_in() {
    let Some(place) = Place::new("policy") else { return };
    place.apply(&[
        listening(&place),
        service(json!({"app": "web"}), json!(8080)),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "deny-all"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
    ]);
    place.rolled_out("web");
    place.alert("NetworkPolicyDenies", json!({"networkpolicy": "deny-all"}));
    let settled = |case: &Value| case["state"] == "closed" || case["state"] == "awaiting_approval";
    let case = place.case("a hand-over", 90, settled);
    assert_eq!(case["verdict"]["outcome"], "handed_over", "{}", place.picture());
    // Nothing on this cluster enforces policies: naming it for certain would be a guess.
    assert!(case["plan"].to_string().contains("deny-all"), "{}", place.picture());
    let live = place.get("networkpolicy", "deny-all");
    assert_eq!(live["metadata"]["generation"], 1, "nothing was changed");
}
