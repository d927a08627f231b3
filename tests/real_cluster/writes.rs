//! Previewing and sending.

use crate::world::{
    CLOCK, World, change, deployment, held, key, memory_limit, object, raise, send, send_within,
};
use pilothouse::domain::id::AttemptId;
use pilothouse::domain::operation::{ATTEMPT_ANNOTATION, FieldChange, Operation};
use pilothouse::domain::resource::{FieldPath, ObjectRef};
use pilothouse::domain::workflow::execution::AttemptOutcome;
use pilothouse::ports::clock::Clock;
use pilothouse::ports::cluster::{Cluster, ClusterError, Probe};
use serde_json::{Value, json};
use std::time::Duration;

fn patch(object: &ObjectRef, changes: Vec<FieldChange>) -> Operation {
    Operation::patch(object.clone(), changes, Vec::new())
}

fn applied(outcome: &AttemptOutcome) {
    assert!(matches!(outcome, AttemptOutcome::Applied { .. }), "{outcome:?}");
}

/// Why it was refused, for good.
fn refused(outcome: AttemptOutcome) -> String {
    match outcome {
        AttemptOutcome::Refused { why, retryable: false, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_preview_shows_is_what_sending_does() {
    let Some(world) = World::new("preview") else { return };
    let target = world.deployment("api");
    let cluster = world.cluster().await;
    let operation = patch(
        &target,
        vec![
            change(memory_limit("app"), Some("256Mi".into()), Some("512Mi".into())),
            // Neither resources nor limits are there.
            change(memory_limit("side"), None, Some("64Mi".into())),
            change(FieldPath::keys(&["spec", "paused"]), None, Some(true.into())),
            change(
                FieldPath::keys(&["spec", "template", "metadata", "annotations"]).key("a.b/c"),
                None,
                Some("x".into()),
            ),
        ],
    );
    let before = world.see("deployment", "api");
    let (live, shown) = cluster.preview(&operation).await.unwrap().unwrap();
    assert_eq!(held(&world.see("deployment", "api")), held(&before), "a preview changes nothing");
    assert_eq!(live["spec"], before["spec"]);
    assert_eq!(shown["metadata"]["annotations"].get(ATTEMPT_ANNOTATION), None);

    applied(&send(&cluster, "a1", &operation).await);
    let after = world.see("deployment", "api");
    assert_eq!(after["spec"], shown["spec"]);
    assert_ne!(after["spec"], before["spec"]);
    let containers = &after["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[1]["resources"]["limits"]["memory"], "512Mi");
    assert_eq!(containers[0]["resources"]["limits"]["memory"], "64Mi");
    assert_eq!(after["metadata"]["annotations"][ATTEMPT_ANNOTATION], "a1");
}

#[tokio::test]
async fn an_attempt_is_seen_by_its_stamp_and_not_done_twice() {
    let Some(world) = World::new("stamp") else { return };
    let target = world.deployment("api");
    let cluster = world.cluster().await;
    let operation = raise(&target, "512Mi");
    let attempt = AttemptId::new("a1");
    let probe = cluster.probe(&attempt, &operation).await;
    assert!(matches!(probe, Probe::NotDone(_)), "{probe:?}");
    applied(&send(&cluster, "a1", &operation).await);
    let probe = cluster.probe(&attempt, &operation).await;
    assert!(matches!(probe, Probe::Done(_)), "{probe:?}");
    let once = world.see("deployment", "api");
    applied(&send(&cluster, "a1", &operation).await);
    assert_eq!(held(&world.see("deployment", "api")), held(&once));
    // Another attempt at the same change finds other values than it was planned on.
    let why = refused(send(&cluster, "a2", &operation).await);
    assert!(why.contains("memory holds 512Mi") && why.contains("256Mi"), "{why}");
    let probe = cluster.probe(&AttemptId::new("a2"), &operation).await;
    assert!(matches!(probe, Probe::CantTell(_)), "{probe:?}");
}

#[tokio::test]
async fn an_undo_restores_the_prior_values_while_ours_are_there() {
    let Some(world) = World::new("undo") else { return };
    let target = world.deployment("api");
    let cluster = world.cluster().await;
    let operation = patch(
        &target,
        vec![
            change(memory_limit("app"), Some("256Mi".into()), Some("512Mi".into())),
            change(memory_limit("side"), None, Some("64Mi".into())),
        ],
    );
    let before = world.see("deployment", "api");
    let undo = operation.undo().unwrap();
    applied(&send(&cluster, "a1", &operation).await);
    applied(&send(&cluster, "u1", &undo).await);
    let after = world.see("deployment", "api");
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(after["metadata"]["annotations"][ATTEMPT_ANNOTATION], "u1");

    applied(&send(&cluster, "a2", &operation).await);
    world.kubectl(&[
        "set",
        "resources",
        "deployment/api",
        "-n",
        &world.ns,
        "-c",
        "app",
        "--limits=memory=1Gi",
    ]);
    let why = refused(send(&cluster, "u2", &undo).await);
    assert!(why.contains("holds 1Gi"), "{why}");
    let containers = &world.see("deployment", "api")["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[1]["resources"]["limits"]["memory"], "1Gi");
    assert_eq!(containers[0]["resources"]["limits"]["memory"], "64Mi");
}

#[tokio::test]
async fn a_guard_that_no_longer_holds_refuses_the_whole_change() {
    let Some(world) = World::new("guard") else { return };
    let target = world.deployment("api");
    let cluster = world.cluster().await;
    let image =
        FieldPath::keys(&["spec", "template", "spec", "containers"]).named("app").key("image");
    let Operation::Patch { object, changes, .. } = raise(&target, "512Mi") else { panic!() };
    let guards = vec![change(image, Some("none.invalid/app:1".into()), None)];
    let operation = Operation::patch(object, changes, guards);
    world.kubectl(&["set", "image", "deployment/api", "-n", &world.ns, "app=none.invalid/app:2"]);
    let before = world.see("deployment", "api");
    let why = refused(send(&cluster, "a1", &operation).await);
    assert!(why.contains("containers[app].image holds none.invalid/app:2"), "{why}");
    assert_eq!(held(&world.see("deployment", "api")), held(&before));
    world.kubectl(&["set", "image", "deployment/api", "-n", &world.ns, "app=none.invalid/app:1"]);
    applied(&send(&cluster, "a2", &operation).await);
}

#[tokio::test]
async fn an_object_of_the_same_name_is_another_object() {
    let Some(world) = World::new("uid") else { return };
    let target = world.deployment("api");
    world.kubectl(&["delete", "deployment", "api", "-n", &world.ns]);
    let cluster = world.cluster().await;
    let operation = raise(&target, "512Mi");
    let why = refused(send(&cluster, "a1", &operation).await);
    assert!(why.contains("not there"), "{why}");
    let probe = cluster.probe(&AttemptId::new("a1"), &operation).await;
    assert!(matches!(probe, Probe::CantTell(_)), "{probe:?}");

    world.deployment("api");
    let before = world.see("deployment", "api");
    let why = refused(send(&cluster, "a2", &operation).await);
    assert!(why.contains("another object"), "{why}");
    let error = cluster.preview(&operation).await.unwrap_err();
    assert!(matches!(error, ClusterError::Refused(_)), "{error:?}");
    let probe = cluster.probe(&AttemptId::new("a2"), &operation).await;
    assert!(matches!(probe, Probe::CantTell(_)), "{probe:?}");
    assert_eq!(held(&world.see("deployment", "api")), held(&before));
}

#[tokio::test]
async fn what_the_server_does_not_know_or_allow_is_refused_in_its_words() {
    let Some(world) = World::new("invalid") else { return };
    let target = world.deployment("api");
    let cluster = world.cluster().await;
    let containers = FieldPath::keys(&["spec", "template", "spec", "containers"]);
    let cases = [
        (containers.clone().named("app").key("resorces"), json!({}), "resorces"),
        (memory_limit("side"), json!("lots"), "quantities"),
        (FieldPath::keys(&["spec", "replicas"]), json!(-1), "greater than or equal to 0"),
        (containers.named("nobody").key("image"), json!("x"), "no element named nobody"),
        (FieldPath::keys(&["metadata", "labels"]).key("a b"), json!("x"), "name part must consist"),
    ];
    let before = world.see("deployment", "api");
    for (path, value, expected) in cases {
        let old = path.get(&before).cloned();
        let operation = patch(&target, vec![change(path, old, Some(value))]);
        let error = cluster.preview(&operation).await.unwrap_err();
        assert!(matches!(&error, ClusterError::Refused(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
        let why = refused(send(&cluster, "a1", &operation).await);
        assert!(why.contains(expected), "{why}");
    }
    assert_eq!(held(&world.see("deployment", "api")), held(&before));
}

#[tokio::test]
async fn writers_at_the_same_time_never_overwrite_each_other() {
    let Some(world) = World::new("conflict") else { return };
    let target = world.deployment("api");
    let cluster = world.cluster().await;
    let label = |n: usize| FieldPath::keys(&["metadata", "labels"]).key(&format!("w{n}"));
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..12 {
        let cluster = cluster.clone();
        let operation = patch(&target, vec![change(label(n), None, Some("here".into()))]);
        cluster.hold_lease(crate::world::HOLDER, 60, None).await.unwrap();
        writers.spawn(async move {
            let attempt = format!("w{n}");
            let lease = Duration::from_secs(30);
            (n, crate::world::send_holding(&cluster, &attempt, &operation, lease).await)
        });
    }
    let outcomes = writers.join_all().await;
    let after = world.see("deployment", "api");
    let mut done = 0;
    for (n, outcome) in outcomes {
        let there = label(n).get(&after).is_some();
        match outcome {
            AttemptOutcome::Applied { .. } => {
                assert!(there, "w{n} was applied and is not there");
                done += 1;
            }
            AttemptOutcome::Refused { retryable: true, .. } => assert!(!there, "w{n}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(done > 0);
}

#[tokio::test]
async fn nothing_is_sent_when_the_permit_is_about_to_end() {
    let Some(world) = World::new("deadline") else { return };
    let target = world.deployment("api");
    let cluster = world.cluster().await;
    let before = world.see("deployment", "api");
    let start = CLOCK.monotonic();
    // Long enough for the engine to issue a permit, too short for the adapter to use it.
    for lease in [210, 300, 390] {
        let lease = Duration::from_millis(lease);
        match send_within(&cluster, "a1", &raise(&target, "512Mi"), lease).await {
            AttemptOutcome::Refused { retryable: true, .. } => {}
            other => panic!("{other:?} after {:?}", CLOCK.monotonic() - start),
        }
    }
    assert_eq!(held(&world.see("deployment", "api")), held(&before));
}

#[tokio::test]
async fn text_that_lost_characters_when_it_was_read_is_not_written_back() {
    let Some(world) = World::new("marked") else { return };
    let mut hostile = deployment("api");
    hostile["spec"]["template"]["metadata"]["annotations"] = json!({"banner": "a\u{1b}[31mb"});
    let target = ObjectRef::of(&world.create(&hostile)).unwrap();
    let cluster = world.cluster().await;
    let seen = object(&*cluster, &key("Deployment", &world.ns, "api")).await;
    let template = seen["spec"]["template"].clone();
    let path = FieldPath::keys(&["spec", "template"]);
    let mut other = template.clone();
    other["spec"]["containers"][1]["image"] = "none.invalid/app:2".into();
    let rollback = patch(&target, vec![change(path, Some(template), Some(other))]);
    let why = refused(send(&cluster, "a1", &rollback).await);
    assert!(why.contains("invisible"), "{why}");
    // A field beside it can be changed, and the odd text stays as it was.
    applied(&send(&cluster, "a2", &raise(&target, "512Mi")).await);
    let after = world.see("deployment", "api");
    let banner = &after["spec"]["template"]["metadata"]["annotations"]["banner"];
    assert_eq!(banner, "a\u{1b}[31mb");
}

#[tokio::test]
async fn a_whole_pod_template_is_rolled_back_in_one_change() {
    let Some(world) = World::new("rollback") else { return };
    let mut first = deployment("api");
    first["spec"]["template"]["spec"]["containers"][1]["args"] = json!(["set -e\n\techo 1\n"]);
    let target = ObjectRef::of(&world.create(&first)).unwrap();
    let cluster = world.cluster().await;
    let at = key("Deployment", &world.ns, "api");
    let healthy = object(&*cluster, &at).await["spec"]["template"].clone();
    world.kubectl(&["set", "image", "deployment/api", "-n", &world.ns, "app=none.invalid/bad:9"]);
    let bad = object(&*cluster, &at).await["spec"]["template"].clone();
    let path = FieldPath::keys(&["spec", "template"]);
    let rollback = patch(&target, vec![change(path, Some(bad), Some(healthy.clone()))]);
    applied(&send(&cluster, "a1", &rollback).await);
    let after = world.see("deployment", "api");
    assert_eq!(after["spec"]["template"], healthy);
    assert_eq!(
        after["spec"]["template"]["spec"]["containers"][1]["args"],
        Value::from(vec!["set -e\n\techo 1\n"])
    );
}
