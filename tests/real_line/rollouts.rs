//! A bad rollout is rolled back; what restarting can't cure goes to a person.

use crate::world::{Environment, OK, World};
use serde_json::json;

const MEDIUM: &str = "[approval]\nwithout_terminal = \"medium\"\n";

#[test]
fn a_bad_rollout_is_rolled_back_to_the_healthy_revision() {
    let Some(environment) = Environment::find("a bad rollout is rolled back") else { return };
    let mut world = World::new(&environment, "rollback", MEDIUM);
    world.apply(&world.deployment("web", 2, OK, None));
    world.kubectl(&["-n", &world.namespace, "rollout", "status", "deploy/web", "--timeout=90s"]);
    // A revision that lived for seconds has proved nothing, and would not be rolled back to.
    std::thread::sleep(std::time::Duration::from_secs(20));
    world.start_engine();
    world.apply(&world.deployment("web", 2, "echo unknown option; sleep 4; exit 1", None));

    let case = world.wait_for("a plan for web", 150, |case| case["state"] == "awaiting_approval");
    assert_eq!(case["pattern"], "crash-loop", "{case:#}");
    assert_eq!(case["cause"], "bad-rollout", "{case:#}");
    assert_eq!(case["target"]["kind"], "Deployment");
    assert_eq!(case["target"]["name"], "web");
    let plan = case["plan"].to_string();
    assert!(plan.contains("roll_back") && plan.contains("unknown option"), "{plan}");

    let (code, out, err) = world.approve(&case);
    assert_eq!(code, 0, "{out}{err}");
    let case = world.wait_for("the verdict", 240, |case| case["state"] == "closed");
    assert_eq!(
        case["verdict"]["outcome"],
        "effective",
        "{}",
        world.picture(std::slice::from_ref(&case))
    );
    let live = world.get("deploy", "web");
    assert_eq!(live["spec"]["template"]["spec"]["containers"][0]["command"][2], OK);
    assert_eq!(live["status"]["availableReplicas"], 2);
    world.audit();
}

#[test]
fn a_missing_secret_is_handed_to_a_person_and_nothing_is_restarted() {
    let Some(environment) = Environment::find("a missing Secret goes to a person") else { return };
    let mut world = World::new(&environment, "secret", MEDIUM);
    world.start_engine();
    let mut web = world.deployment("db-client", 1, OK, None);
    web["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "PASSWORD",
        "valueFrom": {"secretKeyRef": {"name": "db-creds", "key": "password"}}}]);
    world.apply(&web);

    let case = world.wait_for("the hand-over", 150, |case| case["state"] == "closed");
    assert_eq!(case["verdict"]["outcome"], "handed_over", "{case:#}");
    assert_eq!(case["cause"], "missing-config", "{case:#}");
    let told = case.to_string();
    assert!(told.contains("db-creds"), "the person is told which Secret: {told}");
    let live = world.get("deploy", "db-client");
    assert_eq!(live["metadata"]["generation"], 1, "nothing was changed");
    assert!(live["spec"]["template"]["metadata"]["annotations"].is_null(), "nothing was restarted");
    world.audit();
}
