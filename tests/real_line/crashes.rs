//! The engine ends without cleaning up, as by `kill -9`, at a named point of each step of an execution: the change is
//! on the cluster exactly once, and the chain verifies.
//!
//! The points are those of `engine::crash`: each lies in another gap between what is recorded and what is done.

use crate::world::{Environment, World, hold};
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

/// Points of a run that ends well: what is decided, begun, intended, sent, answered, waited for, measured. The first
/// attempt is that of collecting, the second that of the change.
const FORWARD: [&str; 13] = [
    "after decided",
    "before execution_started",
    "after execution_started",
    "after attempt_started",
    "before attempt_ended",
    "after attempt_started#2",
    "before send",
    "after send",
    "before attempt_ended#2",
    "after attempt_ended#2",
    "look",
    "after execution_ended",
    "before judged",
];

/// Points of a run whose rollout fails, so that it is undone.
const UNDO: [&str; 7] = [
    "after undo_started",
    "after attempt_started#3",
    "before send#2",
    "after send#2",
    "before attempt_ended#3",
    "after attempt_ended#3",
    "before closed",
];

/// Worlds that share the rounds and run side by side.
const LANES: usize = 7;
const SIGABRT: i32 = 6;

#[test]
fn an_engine_killed_at_any_point_leaves_each_change_on_the_cluster_exactly_once() {
    let Some(environment) = Environment::find("kill -9 in each step") else { return };
    let rounds = FORWARD
        .iter()
        .map(|point| (*point, false))
        .chain(UNDO.iter().map(|point| (*point, true)))
        .enumerate()
        .collect::<Vec<_>>();
    let lanes = (0..LANES)
        .map(|lane| {
            let (environment, rounds) = (environment.clone(), rounds.clone());
            std::thread::spawn(move || {
                for (round, (point, fails)) in rounds.into_iter().skip(lane).step_by(LANES) {
                    one_round(&environment, round, point, fails);
                }
            })
        })
        .collect::<Vec<_>>();
    let failed = lanes.into_iter().filter_map(|lane| lane.join().err()).count();
    assert_eq!(failed, 0, "lanes with a failed round");
}

/// A Deployment that needs more than its 64Mi. With any other limit it runs, or (`fails`) never becomes ready.
fn workload(world: &World, fails: bool) -> Value {
    let other = if fails { "sleep 1; exit 3" } else { "true" };
    let script = format!("[ \"$LIMIT\" = 67108864 ] || {{ {other}; }}; {}", hold(66_000_000));
    let mut object = world.deployment("ledger-api", 1, &script, Some("64Mi"));
    let limit =
        json!({"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}});
    object["spec"]["template"]["spec"]["containers"][0]["env"] = json!([limit]);
    if fails {
        // What runs for a second is not available, and a rollout without progress fails soon.
        object["spec"]["minReadySeconds"] = json!(10);
        object["spec"]["progressDeadlineSeconds"] = json!(15);
    }
    object
}

/// One incident, with the engine ended once at the point.
fn one_round(environment: &Environment, round: usize, point: &str, fails: bool) {
    let began = Instant::now();
    let more = "[approval]\nwithout_terminal = \"medium\"\n";
    let mut world = World::new(environment, &format!("kill{round}"), more);
    world.start_engine_with(&[("PILOTHOUSE_TEST_CRASH", point)]);
    world.apply(&workload(&world, fails));
    let case = world.wait_for("a plan", 240, |case| case["state"] == "awaiting_approval");
    let id = case["id"].as_str().expect("an id").to_string();
    // The engine may be gone before it answers.
    let _answer = world.approve(&case);
    let ended = world.await_engine_end(Duration::from_secs(240));
    let ended = ended.unwrap_or_else(|| {
        panic!("`{point}` was never passed: {}", world.picture(&[world.show(&id)]))
    });
    assert_eq!(ended.signal(), Some(SIGABRT), "`{point}`: it ended otherwise: {ended}");
    world.audit();
    world.start_engine();
    let ended = to_its_end(&world, &id, point);
    let live = world.get("deploy", "ledger-api");
    let limit = &live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"];
    let generation = live["metadata"]["generation"].as_i64().expect("a generation");
    if fails {
        assert_eq!(limit, "64Mi", "`{point}`: it is undone: {ended:#}");
        assert_eq!(generation, 3, "`{point}`: changed once and undone once: {ended:#}");
        assert_eq!(ended["outcome"], "failed", "`{point}`: {ended:#}");
    } else {
        assert_ne!(limit, "64Mi", "`{point}`: the change is on the cluster: {ended:#}");
        assert_eq!(generation, 2, "`{point}`: changed exactly once: {ended:#}");
        assert_eq!(ended["verdict"]["outcome"], "effective", "`{point}`: {ended:#}");
    }
    world.audit();
    println!("`{point}`: held, {} s", began.elapsed().as_secs());
}

fn to_its_end(world: &World, id: &str, point: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(240);
    loop {
        let case = world.show(id);
        match case["state"].as_str() {
            Some("closed") => return case,
            // The target moved or the request lapsed while nobody drove: asked anew, and decided anew.
            Some("awaiting_approval") => {
                let _answer = world.approve(&case);
            }
            _ => {}
        }
        assert!(Instant::now() < deadline, "`{point}`: {}", world.picture(&[case]));
        std::thread::sleep(Duration::from_secs(1));
    }
}
