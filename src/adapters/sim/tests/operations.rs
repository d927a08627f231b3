use super::*;
use crate::adapters::sim::faults::Fault;
use crate::domain::evidence::{Answer, Read};
use crate::domain::id::AttemptId;
use crate::domain::operation::{ATTEMPT_ANNOTATION, FieldChange, Operation};
use crate::domain::principal::KubeIdentity;
use crate::domain::resource::{FieldPath, ObjectRef};
use crate::domain::workflow::execution::AttemptOutcome;
use crate::ports::cluster::{ClusterError, Permit, Probe};
use serde_json::json;
use std::time::Duration;

fn limit_path() -> FieldPath {
    FieldPath::keys(&["spec", "template", "spec", "containers"])
        .named("app")
        .key("resources")
        .key("limits")
        .key("memory")
}

fn raise(sim: &Sim) -> Operation {
    let live = object(sim, &deployment("web"));
    Operation::Patch {
        object: ObjectRef::of(&live).unwrap(),
        subresource: String::new(),
        changes: vec![FieldChange {
            path: limit_path(),
            before: limit_path().get(&live).cloned(),
            after: Some(json!("512Mi")),
        }],
        guards: Vec::new(),
    }
}

fn send(sim: &Sim, attempt: &str, operation: &Operation) -> AttemptOutcome {
    let permit = Permit::issue(AttemptId::new(attempt), 1, Duration::MAX);
    now(sim.cluster().send(permit, operation)).outcome
}

fn fault(sim: &Sim, fault: Fault, count: u32) {
    sim.locked().happens(Happens::Fault { fault, lasts: 0, count });
}

fn limit(sim: &Sim) -> Value {
    limit_path().get(&object(sim, &deployment("web"))).cloned().unwrap_or_default()
}

#[test]
fn a_patch_is_applied_once_with_its_stamp() {
    let sim = world(WEB);
    let operation = raise(&sim);
    assert!(matches!(send(&sim, "a1", &operation), AttemptOutcome::Applied { .. }));
    let web = object(&sim, &deployment("web"));
    assert_eq!(limit(&sim), "512Mi");
    assert_eq!(web["metadata"]["annotations"][ATTEMPT_ANNOTATION], "a1");
    assert_eq!(web["metadata"]["generation"], 2);
    let version = web["metadata"]["resourceVersion"].clone();
    assert!(matches!(send(&sim, "a1", &operation), AttemptOutcome::Applied { .. }));
    assert_eq!(
        object(&sim, &deployment("web"))["metadata"]["resourceVersion"],
        version,
        "nothing was written"
    );
    assert!(matches!(
        send(&sim, "a2", &operation),
        AttemptOutcome::Refused { retryable: false, .. }
    ));
}

#[test]
fn a_preview_changes_nothing_and_a_foreign_uid_is_refused() {
    let sim = world(WEB);
    let operation = raise(&sim);
    let (before, after) = now(sim.cluster().preview(&operation)).unwrap().unwrap();
    assert_eq!(limit_path().get(&before), Some(&json!("200Mi")));
    assert_eq!(limit_path().get(&after), Some(&json!("512Mi")));
    assert_eq!(limit(&sim), "200Mi");
    let Operation::Patch { mut object, changes, guards, .. } = operation else { panic!() };
    object.uid = "another".into();
    let foreign = Operation::patch(object, changes, guards);
    assert!(matches!(now(sim.cluster().preview(&foreign)), Err(ClusterError::Refused(_))));
    assert!(matches!(send(&sim, "a1", &foreign), AttemptOutcome::Refused { retryable: false, .. }));
    assert_eq!(limit(&sim), "200Mi");
}

#[test]
fn a_lost_answer_is_seen_as_done_and_a_lost_request_as_not_done() {
    let sim = world(WEB);
    let operation = raise(&sim);
    fault(&sim, Fault::RequestLost, 1);
    assert!(matches!(send(&sim, "a1", &operation), AttemptOutcome::NoAnswer { .. }));
    assert!(matches!(
        now(sim.cluster().probe(&AttemptId::new("a1"), &operation)),
        Probe::NotDone(_)
    ));
    fault(&sim, Fault::AnswerLost, 1);
    assert!(matches!(send(&sim, "a2", &operation), AttemptOutcome::NoAnswer { .. }));
    assert!(matches!(now(sim.cluster().probe(&AttemptId::new("a2"), &operation)), Probe::Done(_)));
    assert_eq!(limit(&sim), "512Mi");
}

#[test]
fn a_conflict_may_be_tried_again_and_a_moved_field_may_not() {
    let sim = world(WEB);
    let operation = raise(&sim);
    fault(&sim, Fault::Conflict, 1);
    assert!(matches!(
        send(&sim, "a1", &operation),
        AttemptOutcome::Refused { retryable: true, .. }
    ));
    set_limit(&sim, "shop/Deployment/web", "300Mi");
    match send(&sim, "a2", &operation) {
        AttemptOutcome::Refused { why, retryable: false, .. } => {
            assert!(why.contains("\"300Mi\""), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_guard_that_moved_stops_a_patch() {
    let sim = world(WEB);
    let Operation::Patch { object: target, changes, .. } = raise(&sim) else { panic!() };
    let path =
        FieldPath::keys(&["spec", "template", "spec", "containers"]).named("app").key("image");
    let before = path.get(&object(&sim, &deployment("web"))).cloned();
    let guards = vec![FieldChange { path, after: before.clone(), before }];
    let operation = Operation::patch(target, changes, guards);
    set_image(&sim, "shop/Deployment/web", "r.example/web:2");
    assert!(matches!(
        send(&sim, "a1", &operation),
        AttemptOutcome::Refused { retryable: false, .. }
    ));
}

#[test]
fn nothing_is_sent_after_the_permits_deadline() {
    let sim = world(WEB);
    let operation = raise(&sim);
    let permit = Permit::issue(AttemptId::new("a1"), 1, sim.clock().monotonic());
    let outcome = now(sim.cluster().send(permit, &operation)).outcome;
    assert!(matches!(outcome, AttemptOutcome::Refused { .. }), "{outcome:?}");
    assert_eq!(limit(&sim), "200Mi");
}

#[test]
fn an_api_server_that_is_down_answers_nothing_and_comes_back() {
    let sim = world(WEB);
    sim.locked().happens(Happens::Fault { fault: Fault::ApiDown, lasts: 20, count: 0 });
    let read = Read::Object(deployment("web"));
    assert!(matches!(now(sim.cluster().read(&read)), Answer::Unavailable(_)));
    assert!(matches!(now(sim.cluster().lease()), Err(ClusterError::Unavailable(_))));
    assert!(matches!(
        send(&sim, "a", &raise(&sim)),
        AttemptOutcome::Refused { retryable: true, .. }
    ));
    pass(&sim, 21);
    assert!(matches!(now(sim.cluster().read(&read)), Answer::Object(_)));
}

#[test]
fn the_lease_excludes_a_second_holder_and_keeps_the_stop_annotation() {
    let sim = world(WEB);
    let cluster = sim.cluster();
    assert_eq!(now(cluster.lease()), Ok(None));
    let first = now(cluster.hold_lease("one", 15, None)).unwrap();
    assert!(matches!(now(cluster.hold_lease("two", 15, None)), Err(ClusterError::Refused(_))));
    sim.locked().happens(Happens::StopAnnotation { text: "mira: looks wrong".into() });
    assert!(matches!(
        now(cluster.hold_lease("two", 15, Some(&first.version))),
        Err(ClusterError::Refused(_))
    ));
    let again = now(cluster.hold_lease("one", 15, None)).unwrap();
    assert_eq!(again.stop.as_deref(), Some("mira: looks wrong"));
    let taken = now(cluster.hold_lease("two", 15, Some(&again.version))).unwrap();
    assert_eq!(taken.holder, "two");
    now(cluster.release_lease("one")).unwrap();
    assert_eq!(now(cluster.lease()).unwrap().unwrap().holder, "two");
    now(cluster.set_stop(None)).unwrap();
    assert_eq!(now(cluster.lease()).unwrap().unwrap().stop, None);
}

#[test]
fn rights_are_denied_to_who_has_none() {
    let sim = world(&format!(
        "{WEB}\n[[rights]]\nwho = \"jo@demo\"\nnamespaces = [\"shop\"]\nallow = false\n"
    ));
    let who = |name: &str, group: &str| KubeIdentity {
        username: name.into(),
        groups: vec![group.into()],
    };
    let can = |who: KubeIdentity| now(sim.cluster().can(&who, &raise(&sim))).unwrap();
    let (allowed, asked, _) = can(who("mira@demo", "system:masters"));
    assert!(allowed);
    assert_eq!(asked, "patch apps/deployments web in shop");
    assert!(!can(who("jo@demo", "system:masters")).0);
    assert!(!can(who("stranger", "other")).0);
}

#[test]
fn secrets_are_read_without_their_values() {
    let sim = world("[config]\n\"shop/Secret/db\" = [\"password\"]\n");
    match now(sim.cluster().read(&Read::Object(ObjectKey::new("v1", "Secret", "shop", "db")))) {
        Answer::Object(secret) => assert_eq!(secret["data"], json!({"password": "<redacted>"})),
        other => panic!("{other:?}"),
    }
}
