use super::*;

fn play(seed: u64) -> String {
    let sim = Sim::new(Scenario::named("night").unwrap(), seed);
    let end = plus(sim.locked().began(), 8 * 3_600);
    // In the steps of a driver, not in one go.
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

#[test]
fn the_same_seed_gives_the_same_world_byte_for_byte_after_eight_hours() {
    let first = play(7);
    assert!(first.len() > 100_000);
    assert_eq!(first, play(7));
    assert_ne!(first, play(8));
}

#[test]
fn time_taken_in_one_go_gives_the_same_world_as_in_steps() {
    let sim = Sim::new(Scenario::named("night").unwrap(), 7);
    let end = plus(sim.locked().began(), 8 * 3_600);
    let mut world = sim.locked();
    world.run_until(end);
    world.deliveries();
    assert_eq!(world.serialised(), play(7));
}
