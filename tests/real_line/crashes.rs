//! `kill -9` at any moment: the change is on the cluster exactly once, and the chain verifies.

use crate::world::{Environment, World, hold};
use std::time::{Duration, Instant};

const ROUNDS: u64 = 20;
/// Worlds that share the rounds and run side by side.
const LANES: u64 = 4;

#[test]
fn a_killed_engine_leaves_the_change_on_the_cluster_exactly_once() {
    let Some(environment) = Environment::find("kill -9 in each step") else { return };
    let lanes = (0..LANES)
        .map(|lane| {
            let environment = environment.clone();
            std::thread::spawn(move || {
                for round in (lane..ROUNDS).step_by(usize::try_from(LANES).expect("few")) {
                    one_round(&environment, round);
                }
            })
        })
        .collect::<Vec<_>>();
    for lane in lanes {
        lane.join().expect("a lane");
    }
}

/// One incident, with the engine killed once, later each round: from right after the decision to after the change.
fn one_round(environment: &Environment, round: u64) {
    let more = "[approval]\nwithout_terminal = \"medium\"\n";
    let mut world = World::new(environment, &format!("kill{round}"), more);
    world.start_engine();
    world.apply(&world.deployment("ledger-api", 1, &hold(66_000_000), Some("64Mi")));
    let case = world.wait_for("a plan", 240, |case| case["state"] == "awaiting_approval");
    let (code, out, err) = world.approve(&case);
    assert_eq!(code, 0, "{out}{err}");
    std::thread::sleep(Duration::from_millis(round * round * 7));
    world.kill_engine();
    world.audit();
    let before = world.get("deploy", "ledger-api");
    world.start_engine();
    let deadline = Instant::now() + Duration::from_secs(240);
    let ended = loop {
        let ended = world.show(case["id"].as_str().expect("an id"));
        match ended["state"].as_str() {
            Some("closed") => break ended,
            // The target moved or the request lapsed while nobody drove: asked anew, and decided anew.
            Some("awaiting_approval") => {
                let _answer = world.approve(&ended);
            }
            _ => {}
        }
        assert!(Instant::now() < deadline, "round {round}: {}", world.picture(&[ended]));
        std::thread::sleep(Duration::from_secs(1));
    };
    let live = world.get("deploy", "ledger-api");
    let limit = &live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"];
    assert_ne!(limit, "64Mi", "round {round}: the change is on the cluster: {ended:#}");
    let changes = live["metadata"]["generation"].as_i64().expect("a generation") - 1;
    assert_eq!(
        changes, 1,
        "round {round}: exactly once (was at {}): {ended:#}",
        before["metadata"]["generation"]
    );
    assert_eq!(ended["verdict"]["outcome"], "effective", "round {round}: {ended:#}");
    world.audit();
}
