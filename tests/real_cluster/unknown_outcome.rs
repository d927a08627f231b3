//! Requests whose answer, or which themselves, are lost on the way.

use crate::wire::{Fault, Wire};
use crate::world::{HOLDER, World, held, raise, send, send_holding};
use pilothouse::domain::evidence::{Answer, Read};
use pilothouse::domain::id::AttemptId;
use pilothouse::domain::workflow::execution::AttemptOutcome;
use pilothouse::ports::cluster::{Cluster, Probe};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn generation(world: &World) -> u64 {
    world.see("deployment", "api")["metadata"]["generation"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_is_lost_is_unknown_and_then_seen_done() {
    let Some(world) = World::new("lost-answer") else { return };
    let target = world.deployment("api");
    let wire = Wire::new(&world.kubeconfig).await;
    let faulty = world.cluster_at(wire.port, Duration::from_secs(10)).await;
    let operation = raise(&target, "512Mi");
    let before = generation(&world);
    hold_beside(&world).await;
    // On a connection that was used before, too: there clients like to send again.
    faulty.identity().await.unwrap();
    for (fault, attempt) in [(Fault::LoseAnswer, "a1"), (Fault::HoldAnswer, "b1")] {
        let operation = if attempt == "a1" { operation.clone() } else { operation.undo().unwrap() };
        world.settled("api").await;
        wire.set(fault);
        wire.patches.store(0, Ordering::SeqCst);
        let start = Instant::now();
        let outcome = send_holding(&faulty, attempt, &operation, HOLD).await;
        assert!(matches!(outcome, AttemptOutcome::NoAnswer { .. }), "{fault:?}: {outcome:?}");
        assert!(start.elapsed() < HOLD + Duration::from_secs(4), "{:?}", start.elapsed());
        assert_eq!(wire.patches.load(Ordering::SeqCst), 1, "it must not be sent again");
        wire.set(Fault::None);
        let probe = faulty.probe(&AttemptId::new(attempt), &operation).await;
        assert!(matches!(probe, Probe::Done(_)), "{fault:?}: {probe:?}");
    }
    assert_eq!(generation(&world), before + 2, "each change happened once");
}

/// How long the permit of these tests holds.
const HOLD: Duration = Duration::from_secs(4);

/// Takes the Lease past the wire, which would lose that answer too.
async fn hold_beside(world: &World) {
    world.cluster().await.hold_lease(HOLDER, 60, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_never_arrives_is_unknown_and_then_seen_not_done() {
    let Some(world) = World::new("lost-request") else { return };
    let target = world.deployment("api");
    let wire = Wire::new(&world.kubeconfig).await;
    let faulty = world.cluster_at(wire.port, Duration::from_secs(10)).await;
    let operation = raise(&target, "512Mi");
    let before = world.see("deployment", "api");
    faulty.identity().await.unwrap();
    hold_beside(&world).await;
    world.settled("api").await;
    wire.set(Fault::LoseRequest);
    let outcome = send_holding(&faulty, "a1", &operation, HOLD).await;
    assert!(matches!(outcome, AttemptOutcome::NoAnswer { .. }), "{outcome:?}");
    assert_eq!(wire.patches.load(Ordering::SeqCst), 1, "it must not be sent again");
    assert_eq!(held(&world.see("deployment", "api")), held(&before));
    wire.set(Fault::None);
    let probe = faulty.probe(&AttemptId::new("a1"), &operation).await;
    assert!(matches!(probe, Probe::NotDone(_)), "{probe:?}");
    // The same attempt may now be tried again.
    let outcome = send(&faulty, "a1", &operation).await;
    assert!(matches!(outcome, AttemptOutcome::Applied { .. }), "{outcome:?}");
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent_and_later_is_the_answer() {
    let Some(world) = World::new("refused") else { return };
    let target = world.deployment("api");
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let nowhere = world.cluster_at(port, Duration::from_secs(5)).await;
    let operation = raise(&target, "512Mi");
    let probe = nowhere.probe(&AttemptId::new("a1"), &operation).await;
    assert!(matches!(probe, Probe::Later(_)), "{probe:?}");
    let answer = nowhere.read(&Read::Object(target.key.clone())).await;
    assert!(matches!(answer, Answer::Unavailable(_)), "{answer:?}");
    assert!(nowhere.identity().await.is_err());
    assert!(nowhere.hold_lease("x", 15, None).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_lost_answers_and_requests_are_each_found_out() {
    let Some(world) = World::new("many-lost") else { return };
    let target = world.deployment("api");
    let wire = Wire::new(&world.kubeconfig).await;
    let faulty = world.cluster_at(wire.port, Duration::from_secs(10)).await;
    let there = raise(&target, "512Mi");
    let back = there.undo().unwrap();
    let before = generation(&world);
    hold_beside(&world).await;
    let mut done = 0;
    for n in 0..40 {
        let operation = if done % 2 == 0 { &there } else { &back };
        let fault = if n % 3 == 0 { Fault::LoseRequest } else { Fault::LoseAnswer };
        let attempt = format!("m{n}");
        wire.set(fault);
        let outcome = send_holding(&faulty, &attempt, operation, HOLD).await;
        assert!(matches!(outcome, AttemptOutcome::NoAnswer { .. }), "{n} {fault:?}: {outcome:?}");
        wire.set(Fault::None);
        match (fault, faulty.probe(&AttemptId::new(attempt), operation).await) {
            (Fault::LoseAnswer, Probe::Done(_)) => done += 1,
            // The lost answer may have been a conflict with the Deployment's controller.
            (Fault::LoseRequest | Fault::LoseAnswer, Probe::NotDone(_)) => {}
            (fault, probe) => panic!("{n} {fault:?}: {probe:?}"),
        }
        assert_eq!(generation(&world), before + done, "what was seen is what happened");
    }
    assert!(done > 10, "{done}");
}
