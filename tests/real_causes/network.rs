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
    place.alert_saying(
        "ServiceWithoutEndpoints",
        json!({"service": "web"}),
        "its selector is wrong",
    );
    place.told("endpoints-not-ready", "Deployment/web", &["/no/such/file"]);
    assert_eq!(place.get("deploy", "web")["metadata"]["generation"], 1);
}

#[test]
fn a_policy_that_lets_nobody_in_is_what_a_service_is_told_of() {
    let Some(place) = Place::new("policy") else { return };
    place.apply(&[listening(&place), service(json!({"app": "web"}), json!(8080))]);
    place.rolled_out("web");
    place.apply(&[json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "deny-all"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}})]);
    let says = "web does not answer: it is out of memory";
    place.alert_saying("ServiceUnreachable", json!({"service": "web"}), says);
    // Nothing on this cluster enforces policies, and the person is told that too.
    let words = ["deny-all", "lets nothing in", "no plug-in that is known"];
    place.told("policy-denies", "NetworkPolicy/deny-all", &words);
    let live = place.get("networkpolicy", "deny-all");
    assert_eq!(live["metadata"]["generation"], 1, "nothing was changed");
}

#[test]
fn a_number_that_no_container_declares_is_repaired_and_judged_by_where_it_leads() {
    let Some(place) = Place::new("number") else { return };
    place.apply(&[listening(&place), service(json!({"app": "web"}), json!(9090))]);
    place.rolled_out("web");
    // Its endpoints are ready all the same: that proves nothing.
    place.until("its endpoints are ready", 60, || ready_on(&place) == [9090]);
    place.alert_saying("ServiceUnreachable", json!({"service": "web"}), "pods of web crash");
    let case = place.plan("port-mismatch", "Service/web", "repair-service-port");
    let case = place.approve(&case);
    assert!(case["verdict"].to_string().contains("lead to one"), "{}", case["verdict"]);
    assert_eq!(ready_on(&place), [8080], "{}", place.picture());
}

#[test]
fn a_port_that_only_a_log_tells_of_is_told_and_not_guessed() {
    let Some(place) = Place::new("log-port") else { return };
    let script = format!("echo 'server listening on 0.0.0.0:8080'; {OK}");
    let web = place.deployment("web", 1, &script);
    place.apply(&[web, service(json!({"app": "web"}), json!(9090))]);
    place.rolled_out("web");
    place.alert("ServiceUnreachable", json!({"service": "web"}));
    place.told("port-mismatch", "Service/web", &["listens on 8080", "9090"]);
    assert_eq!(spec(&place)["ports"][0]["targetPort"], 9090, "nothing was changed");
}

/// Ports of the Service's slices that have a ready endpoint.
fn ready_on(place: &Place) -> Vec<i64> {
    let slices = place.kubectl(&["get", "endpointslices", "-o", "json"]);
    let slices = serde_json::from_str::<Value>(&slices).expect("JSON of kubectl");
    let slices = slices["items"].as_array().cloned().unwrap_or_default();
    let ready = slices.iter().filter(|one| one["endpoints"].to_string().contains("\"ready\":true"));
    ready.filter_map(|one| one["ports"][0]["port"].as_i64()).collect()
}
