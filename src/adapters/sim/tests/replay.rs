use super::*;

/// Plays so many hours in the steps of a driver, with generated faults.
fn play(scenario: Scenario, seed: u64, hours: u64) -> String {
    let sim = Sim::new(scenario, seed);
    let end = plus(sim.locked().began(), hours * 3_600);
    loop {
        let mut world = sim.locked();
        match world.next_event_at().filter(|next| *next <= end) {
            Some(next) => world.run_until(next),
            None => break,
        }
        world.deliveries();
    }
    let mut world = sim.locked();
    world.run_until(end);
    world.serialised()
}

fn night() -> Scenario {
    Scenario::named("night").unwrap()
}

#[test]
fn the_same_seed_gives_the_same_world_byte_for_byte_after_eight_hours() {
    let first = play(night(), 7, 8);
    assert!(first.len() > 100_000);
    assert!(first == play(night(), 7, 8));
}

#[test]
fn another_seed_gives_another_world() {
    assert!(play(night(), 7, 1) != play(night(), 8, 1));
}

#[test]
fn time_taken_in_one_go_gives_the_same_world_as_in_steps() {
    let sim = Sim::new(night(), 7);
    let mut world = sim.locked();
    let end = plus(world.began(), 3 * 3_600);
    world.run_until(end);
    world.deliveries();
    assert!(world.serialised() == play(night(), 7, 3));
}
