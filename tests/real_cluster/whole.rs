//! Creating, deleting, evicting and changing through a subresource.

use crate::wire::{Fault, Wire};
use crate::world::{HOLDER, World, change, object, send, send_holding, until};
use pilothouse::domain::id::AttemptId;
use pilothouse::domain::operation::{ATTEMPT_ANNOTATION, Operation, Propagation};
use pilothouse::domain::resource::{FieldPath, ObjectKey, ObjectRef};
use pilothouse::domain::workflow::execution::AttemptOutcome;
use pilothouse::ports::cluster::{Cluster, ClusterError, Probe};
use serde_json::{Value, json};
use std::time::Duration;

fn config_map(world: &World, name: &str) -> Operation {
    Operation::create(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": world.ns}, "data": {"a": "b"}}))
    .unwrap()
}

fn unmake(operation: &Operation, by: &str) -> Operation {
    Operation::Unmake {
        object: operation.key().unwrap().clone(),
        made_by: vec![AttemptId::new(by)],
    }
}

fn delete(object: &Value) -> Operation {
    Operation::Delete {
        object: ObjectRef::of(object).unwrap(),
        grace_s: None,
        propagation: Propagation::Background,
        guards: Vec::new(),
    }
}

fn pods(world: &World) -> Vec<Value> {
    let text = world.kubectl(&["get", "pods", "-n", &world.ns, "-o", "json"]);
    let list = serde_json::from_str::<Value>(&text).unwrap();
    let mut items = list["items"].as_array().unwrap().clone();
    for item in &mut items {
        item["apiVersion"] = json!("v1");
        item["kind"] = json!("Pod");
    }
    items
}

fn ready(pods: &[Value]) -> usize {
    let is = |pod: &&Value| {
        let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        pod["metadata"]["deletionTimestamp"].is_null()
            && conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
    };
    pods.iter().filter(is).count()
}

#[tokio::test]
async fn what_is_created_carries_the_stamp_and_only_its_maker_takes_it_back() {
    let Some(world) = World::new("create") else { return };
    let cluster = world.cluster().await;
    let operation = config_map(&world, "note");
    let (before, after) = cluster.preview(&operation).await.unwrap().unwrap();
    assert!(before.is_null() && after["data"]["a"] == "b", "{after}");
    assert_eq!(world.kubectl(&["get", "cm", "note", "-n", &world.ns, "--ignore-not-found"]), "");

    let outcome = send(&cluster, "a1", &operation).await;
    assert!(matches!(outcome, AttemptOutcome::Applied { .. }), "{outcome:?}");
    let made = world.see("configmap", "note");
    assert_eq!(made["metadata"]["annotations"][ATTEMPT_ANNOTATION], "a1");
    let outcome = send(&cluster, "a1", &operation).await;
    assert!(matches!(outcome, AttemptOutcome::SeenDone { .. }), "{outcome:?}");
    let outcome = send(&cluster, "a2", &operation).await;
    assert!(matches!(outcome, AttemptOutcome::Refused { retryable: false, .. }), "{outcome:?}");
    assert!(matches!(cluster.preview(&operation).await, Err(ClusterError::Refused(_))));

    let outcome = send(&cluster, "u1", &unmake(&operation, "a2")).await;
    assert!(matches!(outcome, AttemptOutcome::Refused { retryable: false, .. }), "{outcome:?}");
    assert_eq!(world.see("configmap", "note")["metadata"]["uid"], made["metadata"]["uid"]);
    let outcome = send(&cluster, "u2", &unmake(&operation, "a1")).await;
    assert!(matches!(outcome, AttemptOutcome::Applied { .. }), "{outcome:?}");
    assert_eq!(world.kubectl(&["get", "cm", "note", "-n", &world.ns, "--ignore-not-found"]), "");
    let outcome = send(&cluster, "u3", &unmake(&operation, "a1")).await;
    assert!(matches!(outcome, AttemptOutcome::SeenDone { .. }), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_or_deletion_without_an_answer_is_looked_at() {
    let Some(world) = World::new("create-lost") else { return };
    let wire = Wire::new(&world.kubeconfig).await;
    let faulty = world.cluster_at(wire.port, Duration::from_secs(10)).await;
    world.cluster().await.hold_lease(HOLDER, 60, None).await.unwrap();
    let create = config_map(&world, "note");
    let hold = Duration::from_secs(4);
    wire.set(Fault::LoseAnswer);
    let outcome = send_holding(&faulty, "a1", &create, hold).await;
    assert!(matches!(outcome, AttemptOutcome::NoAnswer { .. }), "{outcome:?}");
    wire.set(Fault::None);
    let probe = faulty.probe(&AttemptId::new("a1"), &create).await;
    assert!(matches!(probe, Probe::Done(_)), "{probe:?}");

    let gone = delete(&world.see("configmap", "note"));
    let probe = faulty.probe(&AttemptId::new("d1"), &gone).await;
    assert!(matches!(probe, Probe::NotDone(_)), "{probe:?}");
    wire.set(Fault::LoseAnswer);
    let outcome = send_holding(&faulty, "d1", &gone, hold).await;
    assert!(matches!(outcome, AttemptOutcome::NoAnswer { .. }), "{outcome:?}");
    wire.set(Fault::None);
    let probe = faulty.probe(&AttemptId::new("d1"), &gone).await;
    assert!(matches!(probe, Probe::Done(_)), "{probe:?}");
}

#[tokio::test]
async fn a_deletion_hits_only_the_uid_it_was_planned_for() {
    let Some(world) = World::new("delete-uid") else { return };
    let cluster = world.cluster().await;
    let make = || {
        world.create(&json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "note"}, "data": {"a": "1"}}))
    };
    let first = make();
    let operation = delete(&first);
    cluster.preview(&operation).await.unwrap().unwrap();
    assert_eq!(world.see("configmap", "note")["metadata"]["uid"], first["metadata"]["uid"]);
    let mut guarded = operation.clone();
    if let Operation::Delete { guards, .. } = &mut guarded {
        let path = FieldPath::keys(&["data", "a"]);
        guards.push(change(path, Some("2".into()), Some("2".into())));
    }
    let outcome = send(&cluster, "a0", &guarded).await;
    assert!(matches!(outcome, AttemptOutcome::Refused { retryable: false, .. }), "{outcome:?}");

    world.kubectl(&["delete", "configmap", "note", "-n", &world.ns]);
    let second = make();
    let outcome = send(&cluster, "a1", &operation).await;
    assert!(matches!(outcome, AttemptOutcome::SeenDone { .. }), "{outcome:?}");
    assert_eq!(world.see("configmap", "note")["metadata"]["uid"], second["metadata"]["uid"]);
    assert!(matches!(cluster.preview(&operation).await, Err(ClusterError::Refused(_))));
    let outcome = send(&cluster, "a2", &delete(&second)).await;
    assert!(matches!(outcome, AttemptOutcome::Applied { .. }), "{outcome:?}");
    let left = world.kubectl(&["get", "cm", "note", "-n", &world.ns, "--ignore-not-found"]);
    assert_eq!(left, "");
}

#[tokio::test]
async fn an_eviction_waits_for_a_real_disruption_budget() {
    let Some(world) = World::new("evict") else { return };
    let Ok(image) = std::env::var("PILOTHOUSE_TEST_IMAGE") else { return };
    let cluster = world.cluster().await;
    world.create(&json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}}));
    world.create(
        &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "app",
                    "image": image, "command": ["/bin/sh", "-c", "sleep 3600"]}]}}}}),
    );
    until("two pods are ready", || (ready(&pods(&world)) == 2).then_some(())).await;
    let pod = pods(&world).remove(0);
    let operation = Operation::Evict { pod: ObjectRef::of(&pod).unwrap(), grace_s: None };
    cluster.preview(&operation).await.unwrap().unwrap();
    let outcome = send(&cluster, "a1", &operation).await;
    let AttemptOutcome::Held { why } = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("needs 2 healthy pods and has 2 currently"), "{why}");
    let probe = cluster.probe(&AttemptId::new("a1"), &operation).await;
    assert!(matches!(probe, Probe::NotDone(_)), "{probe:?}");

    world.kubectl(&["scale", "deployment/web", "--replicas=3", "-n", &world.ns]);
    until("three pods are ready", || (ready(&pods(&world)) == 3).then_some(())).await;
    for n in 0.. {
        match send(&cluster, &format!("b{n}"), &operation).await {
            AttemptOutcome::Applied { .. } => break,
            AttemptOutcome::Held { .. } if n < 20 => {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            other => panic!("{other:?}"),
        }
    }
    let probe = cluster.probe(&AttemptId::new("b0"), &operation).await;
    assert!(matches!(probe, Probe::Done(_)), "{probe:?}");
    let uid = pod["metadata"]["uid"].clone();
    until("the pod is gone", || {
        pods(&world).iter().all(|one| one["metadata"]["uid"] != uid).then_some(())
    })
    .await;
    let outcome = send(&cluster, "c1", &operation).await;
    assert!(matches!(outcome, AttemptOutcome::SeenDone { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_subresource_is_changed_and_seen_by_its_value() {
    let Some(world) = World::new("scale") else { return };
    let target = world.deployment("api");
    let cluster = world.cluster().await;
    let replicas = FieldPath::keys(&["spec", "replicas"]);
    let operation = Operation::Patch {
        object: target.clone(),
        subresource: "scale".into(),
        changes: vec![change(replicas, Some(json!(0)), Some(json!(1)))],
        guards: Vec::new(),
    };
    let (before, after) = cluster.preview(&operation).await.unwrap().unwrap();
    assert_eq!((&before["spec"]["replicas"], &after["spec"]["replicas"]), (&json!(0), &json!(1)));
    let probe = cluster.probe(&AttemptId::new("a1"), &operation).await;
    assert!(matches!(probe, Probe::NotDone(_)), "{probe:?}");
    let outcome = send(&cluster, "a1", &operation).await;
    assert!(matches!(outcome, AttemptOutcome::Applied { .. }), "{outcome:?}");
    assert_eq!(world.see("deployment", "api")["spec"]["replicas"], 1);
    let probe = cluster.probe(&AttemptId::new("a1"), &operation).await;
    assert!(matches!(probe, Probe::Done(_)), "{probe:?}");
    let outcome = send(&cluster, "u1", &operation.undo().unwrap()).await;
    assert!(matches!(outcome, AttemptOutcome::Applied { .. }), "{outcome:?}");
    let live = object(&*cluster, &ObjectKey::new("apps/v1", "Deployment", &world.ns, "api")).await;
    assert_eq!(live["spec"]["replicas"], 0);
}
