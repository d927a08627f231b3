//! Services, policies, quarantine, finalizers, network components.

#![allow(
    clippy::cloned_ref_to_slice_refs,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    reason = "tests are read from the data"
)]

use super::{changes, try_it};
use crate::domain::action::Action;
use crate::domain::action::fixtures::{deployment, pod, replica_set, template};
use crate::domain::operation::Operation;
use serde_json::{Value, json};

fn service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "ledger", "namespace": "payments", "uid": "uid-svc"},
        "spec": {"selector": {"app": "ledger"}, "ports": [{"port": 80, "targetPort": 8080}]}})
}

fn policy(spec: Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": "payments", "uid": "uid-deny"}, "spec": spec})
}

fn listening() -> Value {
    let mut pod = pod("ledger-api-a", 3);
    pod["spec"]["containers"][1]["ports"] = json!([{"name": "http", "containerPort": 9090}]);
    pod
}

#[test]
fn a_service_is_repaired_only_towards_pods_that_are_there() {
    let repair = |params: Value| try_it(Action::RepairService, params, &[service(), listening()]);
    let compiled =
        repair(json!({"selector": {"app": "ledger-api"}, "target_port": "http"})).unwrap();
    assert_eq!(
        changes(&compiled),
        [
            "spec.selector: {\"app\":\"ledger\"} → {\"app\":\"ledger-api\"}",
            "spec.ports: [{\"port\":80,\"targetPort\":8080}] → [{\"port\":80,\"targetPort\":\"http\"}]"
        ]
    );
    assert!(compiled.notes.iter().any(|note| note.contains("selects 1 pods then, 0 ready")));
    for (params, expected) in [
        (json!({"selector": {"app": "nobody"}}), "no pod carries app=nobody"),
        (json!({"target_port": "9090"}), "no pod carries app=ledger"),
        (json!({"selector": {"app": "ledger-api"}, "target_port": "grpc"}), "a port named grpc"),
        (json!({}), "already"),
        (json!({"selector": {}}), "labels"),
        (
            json!({"selector": {"app": "ledger-api"}, "port": "81", "target_port": "1"}),
            "one of its ports: 80",
        ),
    ] {
        let error = repair(params.clone()).unwrap_err();
        assert!(error.contains(expected), "{params}: {error}");
    }
    let mut external = service();
    external["spec"] = json!({"type": "ExternalName", "externalName": "x.example"});
    let params = json!({"selector": {"app": "ledger-api"}});
    assert!(try_it(Action::RepairService, params, &[external]).is_err());
}

#[test]
fn a_policy_gets_one_more_rule_that_names_the_other_end() {
    let ingress = policy(json!({"podSelector": {}, "policyTypes": ["Ingress"]}));
    let params = json!({"direction": "ingress", "pods": {"app": "web"}, "port": 8080});
    let compiled = try_it(Action::UpdateNetworkPolicy, params.clone(), &[ingress.clone()]).unwrap();
    assert_eq!(
        changes(&compiled),
        ["spec.ingress: - → [{\"from\":[{\"podSelector\":{\"matchLabels\":{\"app\":\"web\"}}}],\
          \"ports\":[{\"port\":8080,\"protocol\":\"TCP\"}]}]"]
    );
    for (params, expected) in [
        (json!({"direction": "ingress"}), "who is at the other end"),
        (json!({"direction": "egress", "cidr": "10.0.0.0/8"}), "says nothing about egress"),
        (json!({"direction": "ingress", "cidr": "10.0.0.0"}), "no range of addresses"),
        (json!({"direction": "ingress", "cidr": "0.0.0.0/0"}), "no range of addresses"),
        (json!({"direction": "ingress", "pods": {"a": "b"}, "protocol": "UDP"}), "without `port`"),
        (json!({"direction": "sideways", "pods": {"a": "b"}}), "ingress, egress"),
    ] {
        let error =
            try_it(Action::UpdateNetworkPolicy, params.clone(), &[ingress.clone()]).unwrap_err();
        assert!(error.contains(expected), "{params}: {error}");
    }
    // On a workload a policy is made, but never the first one.
    let error = try_it(Action::UpdateNetworkPolicy, params.clone(), &[deployment()]).unwrap_err();
    assert!(error.contains("cut off everything else"), "{error}");
    let compiled = try_it(Action::UpdateNetworkPolicy, params, &[deployment(), ingress]).unwrap();
    let Operation::Create { manifest, .. } = &compiled.operations[0] else { panic!("a policy") };
    assert_eq!(manifest["spec"]["podSelector"], json!({"matchLabels": {"app": "ledger-api"}}));
    assert!(matches!(compiled.operations[0].undo(), Some(Operation::Unmake { .. })));
}

#[test]
fn a_pod_in_quarantine_loses_every_label_that_selects_it() {
    let mut set = replica_set(3, template("ledger:2.4.1", "512Mi"));
    set["spec"]["selector"] =
        json!({"matchLabels": {"app": "ledger-api", "pod-template-hash": "hash3"}});
    let mut serving = service();
    serving["spec"]["selector"] = json!({"app": "ledger-api"});
    let open = policy(json!({"podSelector": {}, "ingress": [{}]}));
    let objects = [pod("ledger-api-a", 3), set, serving, open];
    let compiled = try_it(Action::QuarantinePod, json!({}), &objects).unwrap();
    let Operation::Create { object, manifest } = &compiled.operations[0] else {
        panic!("a policy")
    };
    assert_eq!(object.name, "pilothouse-quarantine-uid-ledg");
    assert_eq!(manifest["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    let Operation::Patch { changes, .. } = &compiled.operations[1] else { panic!("labels") };
    let lines = changes.iter().map(|c| format!("{} {:?}", c.path, c.after)).collect::<Vec<_>>();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("metadata.labels.app None"), "{lines:?}");
    assert!(
        lines[1].contains("pod-template-hash") && lines[2].contains("pilothouse.dev/quarantine")
    );
    let notes = compiled.notes.join("; ");
    assert!(notes.contains("Services ledger") && notes.contains("policy deny still selects it"));
    let mut ordered = pod("ledger-0", 3);
    ordered["metadata"]["ownerReferences"][0]["kind"] = json!("StatefulSet");
    let error = try_it(Action::QuarantinePod, json!({}), &[ordered]).unwrap_err();
    assert!(error.contains("can't be set aside"), "{error}");
}

#[test]
fn a_finalizer_is_taken_off_only_what_is_being_deleted_and_not_used() {
    let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "payments", "uid": "uid-data",
            "deletionTimestamp": "2026-11-23T03:00:00Z",
            "finalizers": ["kubernetes.io/pvc-protection", "example.com/backup"]}});
    let off = |finalizer: &str, objects: &[Value]| {
        try_it(Action::RemoveFinalizer, json!({"finalizer": finalizer}), objects)
    };
    let compiled = off("example.com/backup", &[claim.clone()]).unwrap();
    assert_eq!(
        changes(&compiled),
        ["metadata.finalizers: [\"kubernetes.io/pvc-protection\",\"example.com/backup\"] → \
          [\"kubernetes.io/pvc-protection\"]"]
    );
    let mut user = pod("ledger-api-a", 3);
    user["spec"]["volumes"] =
        json!([{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]);
    let error = off("kubernetes.io/pvc-protection", &[claim.clone(), user]).unwrap_err();
    assert!(error.contains("in use by pod ledger-api-a"), "{error}");
    assert!(off("kubernetes", &[claim.clone()]).unwrap_err().contains("cluster's own"));
    assert!(off("other", &[claim.clone()]).unwrap_err().contains("it has kubernetes.io"));
    claim["metadata"]["deletionTimestamp"] = Value::Null;
    assert!(off("example.com/backup", &[claim]).unwrap_err().contains("is not being deleted"));
    assert!(!Action::RemoveFinalizer.undoable);
}

#[test]
fn a_network_component_is_found_by_its_labels_or_not_at_all() {
    let mut dns = deployment();
    dns["metadata"]["name"] = json!("coredns");
    dns["metadata"]["namespace"] = json!("kube-system");
    dns["metadata"]["uid"] = json!("uid-dns");
    let of = |component: &str, objects: &[Value]| {
        let params = json!({"component": component});
        try_it(Action::RestartNetworkComponents, params, objects)
    };
    let compiled = of("dns", &[deployment(), dns]).unwrap();
    assert_eq!(compiled.operations[0].object().unwrap().uid, "uid-dns");
    assert!(compiled.title.contains("kube-system/Deployment/coredns"), "{}", compiled.title);
    let error = of("proxy", &[deployment()]).unwrap_err();
    assert!(error.contains("no proxy that is known"), "{error}");
}
