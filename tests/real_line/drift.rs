//! The Deployment is edited between plan and approval.

use crate::world::{Environment, World, hold};

#[test]
fn an_edit_between_plan_and_approval_voids_the_plan_and_the_new_one_shows_what_changed() {
    let Some(environment) = Environment::find("an edit voids the plan") else { return };
    let more = "[approval]\nwithout_terminal = \"medium\"\n";
    let mut world = World::new(&environment, "drift", more);
    world.start_engine();
    world.apply(&world.deployment("ledger-api", 1, &hold(66_000_000), Some("64Mi")));
    let first = world.wait_for("a plan", 150, |case| case["state"] == "awaiting_approval");
    assert_eq!(first["cause"], "limit-too-small", "{first:#}");
    let old = first["plan"]["digest"].as_str().expect("a digest").to_string();

    // What a crash-looping object does by itself does not void it: another restart, another status.
    std::thread::sleep(std::time::Duration::from_secs(15));
    let same = world.show(first["id"].as_str().expect("an id"));
    assert_eq!(same["plan"]["digest"], old.as_str(), "churn is no drift: {same:#}");
    // Nor does an annotation or the number of replicas.
    world.kubectl(&["-n", &world.namespace, "annotate", "deploy/ledger-api", "note=x"]);
    world.kubectl(&["-n", &world.namespace, "scale", "deploy/ledger-api", "--replicas=2"]);
    std::thread::sleep(std::time::Duration::from_secs(8));
    let same = world.show(first["id"].as_str().expect("an id"));
    assert_eq!(same["plan"]["digest"], old.as_str(), "neither does this: {same:#}");

    let env = ["-n", &world.namespace, "set", "env", "deploy/ledger-api", "COLOUR=blue"];
    world.kubectl(&env);
    let (code, out, err) = world.approve(&first);
    assert_eq!(code, 5, "a void plan must not be approved: {out}{err}");
    let second = world.wait_for("the new plan", 120, |case| {
        case["state"] == "awaiting_approval" && case["plan"]["digest"] != old.as_str()
    });
    let shown = second.to_string();
    assert!(shown.contains("COLOUR"), "what changed is shown: {second:#}");
    let live = world.get("deploy", "ledger-api");
    let limit = &live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"];
    assert_eq!(limit, "64Mi", "nothing was done");
    let (code, _, _) = world.run(&["approve", second["id"].as_str().expect("id"), "--plan", &old]);
    assert_eq!(code, 5);
    world.audit();
}
