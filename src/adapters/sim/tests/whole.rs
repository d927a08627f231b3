//! Deleting, evicting and creating.

use super::*;
use crate::adapters::sim::faults::Fault;
use crate::domain::id::AttemptId;
use crate::domain::operation::{ATTEMPT_ANNOTATION, Operation, Propagation};
use crate::domain::resource::ObjectRef;
use crate::domain::workflow::execution::AttemptOutcome;
use crate::ports::cluster::{ClusterError, Permit, Probe};
use serde_json::json;
use std::time::Duration;

fn send(sim: &Sim, attempt: &str, operation: &Operation) -> AttemptOutcome {
    let permit = Permit::issue(AttemptId::new(attempt), 1, Duration::MAX);
    now(sim.cluster().send(permit, operation)).outcome
}

fn probe(sim: &Sim, attempt: &str, operation: &Operation) -> Probe {
    now(sim.cluster().probe(&AttemptId::new(attempt), operation))
}

fn evict(pod: &Value) -> Operation {
    Operation::Evict { pod: ObjectRef::of(pod).unwrap(), grace_s: None }
}

fn delete(object: &Value, propagation: Propagation) -> Operation {
    let object = ObjectRef::of(object).unwrap();
    Operation::Delete { object, grace_s: None, propagation, guards: Vec::new() }
}

fn config_map() -> Operation {
    Operation::create(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "note", "namespace": "shop"}, "data": {"a": "b"}}))
    .unwrap()
}

#[test]
fn a_budget_holds_an_eviction_back_until_a_pod_is_ready_again() {
    let sim = world(WEB);
    pass(&sim, 60);
    let before = pods(&sim);
    assert!(matches!(send(&sim, "a1", &evict(&before[0])), AttemptOutcome::Applied { .. }));
    let second = evict(&before[1]);
    let AttemptOutcome::Held { why } = send(&sim, "a2", &second) else { panic!("held") };
    assert!(why.contains("needs 2 healthy pods"), "{why}");
    assert!(matches!(probe(&sim, "a2", &second), Probe::NotDone(_)));
    assert!(matches!(probe(&sim, "a1", &evict(&before[0])), Probe::Done(_)));
    pass(&sim, 60);
    assert!(matches!(send(&sim, "a3", &second), AttemptOutcome::Applied { .. }));
    pass(&sim, 60);
    assert_eq!(pods(&sim).len(), 3);
    assert!(pods(&sim).iter().all(|pod| pod["metadata"]["uid"] != before[0]["metadata"]["uid"]));
    // Evicting what is gone sends nothing and says so.
    let AttemptOutcome::SeenDone { note } = send(&sim, "a4", &evict(&before[0])) else { panic!() };
    assert!(note.contains("gone already"), "{note}");
}

#[test]
fn what_is_deleted_goes_with_what_it_owns_unless_that_is_to_stay() {
    let sim = world(WEB);
    pass(&sim, 60);
    let sets = all(&sim, "apps/v1", "ReplicaSet");
    assert!(matches!(
        send(&sim, "a1", &delete(&object(&sim, &deployment("web")), Propagation::Orphan)),
        AttemptOutcome::Applied { .. }
    ));
    pass(&sim, 60);
    assert_eq!(object(&sim, &deployment("web")), Value::Null);
    assert_eq!(all(&sim, "apps/v1", "ReplicaSet").len(), sets.len(), "orphans stay");
    assert!(matches!(
        send(&sim, "a2", &delete(&all(&sim, "apps/v1", "ReplicaSet")[0], Propagation::Background)),
        AttemptOutcome::Applied { .. }
    ));
    pass(&sim, 120);
    assert!(pods(&sim).is_empty());
}

#[test]
fn a_pod_of_another_uid_is_not_the_one_that_was_meant() {
    let sim = world(WEB);
    pass(&sim, 60);
    let mut pod = pods(&sim)[0].clone();
    pod["metadata"]["uid"] = json!("another");
    let operation = delete(&pod, Propagation::Background);
    assert!(matches!(send(&sim, "a1", &operation), AttemptOutcome::SeenDone { .. }));
    assert!(matches!(now(sim.cluster().preview(&operation)), Err(ClusterError::Refused(_))));
    assert_eq!(pods(&sim).len(), 3);
    assert!(pods(&sim).iter().all(|pod| pod["metadata"].get("deletionTimestamp").is_none()));
}

#[test]
fn what_is_created_is_seen_by_its_stamp_and_only_that_is_taken_back() {
    let sim = world(WEB);
    let operation = config_map();
    let place = operation.key().unwrap().clone();
    let (before, after) = now(sim.cluster().preview(&operation)).unwrap().unwrap();
    assert!(before.is_null() && after["data"]["a"] == "b");
    for fault in [Fault::RequestLost, Fault::AnswerLost] {
        sim.locked().happens(Happens::Fault { fault, lasts: 0, count: 1 });
        assert!(matches!(send(&sim, "a1", &operation), AttemptOutcome::NoAnswer { .. }));
        match (fault, probe(&sim, "a1", &operation)) {
            (Fault::RequestLost, Probe::NotDone(_)) | (_, Probe::Done(_)) => {}
            (fault, probe) => panic!("{fault:?}: {probe:?}"),
        }
    }
    assert_eq!(object(&sim, &place)["metadata"]["annotations"][ATTEMPT_ANNOTATION], "a1");
    assert!(matches!(send(&sim, "a1", &operation), AttemptOutcome::SeenDone { .. }));
    // Another attempt finds it there.
    assert!(matches!(
        send(&sim, "a2", &operation),
        AttemptOutcome::Refused { retryable: false, .. }
    ));
    let unmake =
        |by: &str| Operation::Unmake { object: place.clone(), made_by: vec![AttemptId::new(by)] };
    let AttemptOutcome::Refused { why, retryable: false, .. } = send(&sim, "u1", &unmake("a2"))
    else {
        panic!("left alone")
    };
    assert!(why.contains("left alone"), "{why}");
    assert!(matches!(probe(&sim, "u1", &unmake("a1")), Probe::NotDone(_)));
    assert!(matches!(send(&sim, "u1", &unmake("a1")), AttemptOutcome::Applied { .. }));
    assert!(matches!(probe(&sim, "u1", &unmake("a1")), Probe::Done(_)));
    assert!(object(&sim, &place).is_null());
}
