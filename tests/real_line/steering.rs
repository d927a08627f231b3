//! People steer on a real cluster: pause, resume, cancel, take over, hand back, undo, through a killed engine.

use crate::world::{Environment, OK, World};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Two changes with a wait between them, so that there is something to steer.
const TEMPLATE: &str = "name: two-limits
version: 1
summary: set the memory limit twice, waiting between
parameters:
  - { name: first, type: quantity, default: 96Mi, max: 256Mi, describe: the first limit }
  - { name: second, type: quantity, default: 128Mi, max: 256Mi, describe: the second limit }
steps:
  - id: first
    action: set_resources
    with: { container: app, memory_limit: \"= params.first\" }
    on_failure: undo
  - id: rollout
    subflow: wait-for-rollout
    on_failure: undo
  - id: second
    action: set_resources
    with: { container: app, memory_limit: \"= params.second\" }
    on_failure: undo
verify:
  settle: 2s
  effective_when:
    - { describe: the limit is set, cel: after.ready >= 0 }
left_if_stopped: the limit that was set last
";

/// A second engine, which goes with the test however that ends.
struct Second(std::process::Child);

impl Drop for Second {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Drill {
    world: World,
}

impl Drill {
    fn new(environment: &Environment, name: &str) -> Self {
        let more = "[approval]\nwithout_terminal = \"medium\"\n";
        let mut world = World::new(environment, name, more);
        let directory = world.path("templates");
        std::fs::create_dir(&directory).expect("a directory");
        std::fs::write(directory.join("two-limits.yaml"), TEMPLATE).expect("a template");
        let text = std::fs::read_to_string(&world.config).expect("settings");
        let own = format!("{text}[templates]\ndirectory = \"{}\"\n", directory.display());
        std::fs::write(&world.config, own.replace("settle = \"20s\"", "settle = \"2s\""))
            .expect("settings");
        let mut deployment = world.deployment("cart", 2, OK, Some("64Mi"));
        // Slow enough that people can act in between.
        deployment["spec"]["minReadySeconds"] = json!(15);
        world.apply(&deployment);
        world.start_engine();
        Self { world }
    }

    /// The memory limit on the cluster now.
    fn limit(&self) -> String {
        let live = self.world.get("deployment", "cart");
        let limit =
            &live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"];
        limit.as_str().expect("a limit").to_string()
    }

    /// Somebody else sets the limit.
    fn set_limit(&self, limit: &str) {
        let patch = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "app", "resources": {"limits": {"memory": limit}}}]}}}});
        let namespace = &self.world.namespace;
        let patch = patch.to_string();
        self.world.kubectl(&["-n", namespace, "patch", "deployment", "cart", "-p", &patch]);
    }

    /// Runs a verb that must answer so; one that no engine takes now is given again.
    fn answer(&self, args: &[&str], wanted: i32) -> (String, String) {
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            let (code, out, err) = self.world.run(args);
            if code == wanted {
                return (out, err);
            }
            assert!(code == 6 && Instant::now() < deadline, "{args:?} answered {code}: {out}{err}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn insist(&self, args: &[&str]) -> String {
        self.answer(args, 0).0
    }

    /// Waits until the rollout that is under way is over, and a moment longer.
    fn rolled_out(&self) {
        let namespace = &self.world.namespace;
        let wait = ["-n", namespace, "rollout", "status", "deployment/cart", "--timeout=240s"];
        self.world.kubectl(&wait);
        std::thread::sleep(Duration::from_secs(8));
    }

    /// A plan that a person asks for, approved.
    fn approved(&self) -> String {
        let namespace = self.world.namespace.clone();
        let args = ["plan", "two-limits", "--target", "deploy/cart", "-n", &namespace];
        let id = self.insist(&args).trim().to_string();
        let case = self.world.show(&id);
        assert_eq!(case["state"], "awaiting_approval", "{case}");
        let digest = case["plan"]["digest"].as_str().expect("a digest").to_string();
        self.insist(&["approve", &id, "--plan", &digest]);
        id
    }

    fn until(&self, id: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.world.wait_for(what, 240, |case| case["id"] == id && fits(case))
    }

    fn step<'a>(case: &'a Value, path: &str) -> &'a Value {
        let steps = case["execution"]["steps"].as_array().expect("steps");
        steps.iter().find(|step| step["path"] == path).expect("the step")
    }

    fn waits(case: &Value) -> bool {
        case["state"] == "running" && Self::step(case, "2.1")["state"] == "waiting"
    }
}

#[test]
fn a_paused_run_holds_through_a_kill_goes_on_when_resumed_and_is_undone_afterwards() {
    let Some(environment) = Environment::find("pause, resume, undo") else { return };
    let mut drill = Drill::new(&environment, "steer-pause");
    let id = drill.approved();
    drill.until(&id, "the wait", Drill::waits);
    drill.insist(&["pause", &id, "--reason", "drill", "--wait", "--timeout", "120s"]);
    assert_eq!(drill.limit(), "96Mi");
    // Whoever drives next holds it too, and the rollout that ends meanwhile starts nothing.
    drill.world.kill_engine();
    drill.world.start_engine();
    drill.rolled_out();
    assert_eq!(drill.limit(), "96Mi", "the second change must wait");
    assert_eq!(drill.world.show(&id)["state"], "paused");
    drill.insist(&["resume", &id]);
    let case = drill.until(&id, "the end", |case| case["state"] == "closed");
    assert_eq!(case["outcome"], "effective", "{case}");
    assert_eq!(drill.limit(), "128Mi");
    drill.insist(&["undo", &id, "--reason", "drill", "--wait", "--timeout", "180s"]);
    assert_eq!(drill.limit(), "64Mi");
    let case = drill.world.show(&id);
    assert_eq!((&case["state"], &case["outcome"]), (&json!("closed"), &json!("cancelled")));
    let (_, err) = drill.answer(&["undo", &id], 4);
    assert!(err.contains("undone already"), "{err}");
    drill.world.audit();
}

#[test]
fn a_cancelled_run_puts_back_what_it_changed_and_an_undo_leaves_what_others_changed() {
    let Some(environment) = Environment::find("cancel, undo after a change") else { return };
    let drill = Drill::new(&environment, "steer-cancel");
    let id = drill.approved();
    drill.until(&id, "the wait", Drill::waits);
    assert_eq!(drill.limit(), "96Mi");
    drill.insist(&["cancel", &id, "--reason", "drill", "--wait", "--timeout", "180s"]);
    assert_eq!(drill.limit(), "64Mi");
    let case = drill.world.show(&id);
    assert_eq!(case["outcome"], "cancelled", "{case}");
    assert_eq!(Drill::step(&case, "3")["state"], "will_not_be_run", "{case}");
    // Another run, skipped over its wait; then somebody changes the same field.
    let id = drill.approved();
    drill.until(&id, "the wait", Drill::waits);
    drill.insist(&["skip", &id, "rollout", "--reason", "no need"]);
    let case = drill.until(&id, "the end", |case| case["state"] == "closed");
    assert_eq!(case["outcome"], "effective", "{case}");
    drill.set_limit("200Mi");
    let (_, err) = drill.answer(&["undo", &id], 5);
    assert!(err.contains("memory"), "it says which field: {err}");
    assert_eq!(drill.limit(), "200Mi", "what somebody else set is left alone");
    drill.world.audit();
}

#[test]
fn taken_over_it_is_left_alone_and_handed_back_it_asks_anew() {
    let Some(environment) = Environment::find("take over, hand back") else { return };
    let drill = Drill::new(&environment, "steer-hand");
    let id = drill.approved();
    drill.until(&id, "the wait", Drill::waits);
    drill.insist(&["take-over", &id, "--reason", "drill", "--wait", "--timeout", "120s"]);
    let case = drill.world.show(&id);
    assert_eq!((&case["state"], &case["held"]["reason"]), (&json!("by_hand"), &json!("drill")));
    drill.rolled_out();
    assert_eq!(drill.limit(), "96Mi", "nothing more is sent");
    // By hand: another limit, so that there is something to plan anew.
    drill.set_limit("72Mi");
    drill.rolled_out();
    assert_eq!(drill.world.show(&id)["state"], "by_hand", "it does not come back by itself");
    drill.insist(&["resume", &id]);
    let case = drill.until(&id, "a new plan", |case| case["state"] == "awaiting_approval");
    let changes = &case["plan"]["steps"][0]["changes"];
    assert!(case["execution"].is_null(), "nothing runs: {case}");
    assert_eq!(
        case["approvals"].as_array().map(Vec::len),
        Some(1),
        "the old decision is on record"
    );
    assert!(!changes.is_null(), "{case}");
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(drill.world.show(&id)["state"], "awaiting_approval", "it waits for a new decision");
    drill.world.audit();
}

#[test]
fn engines_with_different_stores_on_one_cluster_all_stop_and_start_needs_the_name_and_a_reason() {
    let Some(environment) = Environment::find("stop on every engine") else { return };
    let mut drill = Drill::new(&environment, "steer-stop");
    let id = drill.approved();
    drill.until(&id, "the wait", Drill::waits);
    // A second engine, with a store of its own, on the same cluster and Lease.
    let other = drill.world.path("other.db");
    let other = other.to_str().expect("a path").to_string();
    let args = ["--store", &other, "--listen", "off", "engine"];
    let second = Second(drill.world.command(&args).spawn().expect("a second engine"));
    let both = |store: Option<&str>| {
        let mut args = store.map_or_else(Vec::new, |store| vec!["--store", store]);
        args.push("list");
        let (_, out, err) = drill.world.run(&args);
        format!("{out}{err}")
    };
    let socket = drill.world.path("other.sock");
    let deadline = Instant::now() + Duration::from_secs(180);
    while !socket.exists() {
        assert!(Instant::now() < deadline, "the second engine takes no commands");
        std::thread::sleep(Duration::from_millis(500));
    }
    // Stopped through the second, which does not drive: the first must stop too.
    let stop = ["--store", &other, "stop", "--reason", "drill"];
    let (_, err) = drill.answer(&stop, 0);
    assert!(!err.contains("without an engine"), "the second engine took it: {err}");
    for store in [None, Some(other.as_str())] {
        let deadline = Instant::now() + Duration::from_secs(120);
        while !both(store).contains("STOPPED") {
            assert!(Instant::now() < deadline, "{store:?} does not know: {}", both(store));
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    drill.rolled_out();
    assert_eq!(drill.limit(), "96Mi", "the second change must not be sent");
    drop(second);
    // It survives the death of both engines.
    drill.world.kill_engine();
    drill.world.start_engine();
    std::thread::sleep(Duration::from_secs(20));
    assert_eq!(drill.limit(), "96Mi", "still stopped");
    drill.answer(&["start", "--cluster", "test", "--reason", " "], 2);
    drill.answer(&["start", "--cluster", "prod", "--reason", "over"], 2);
    assert_eq!(drill.limit(), "96Mi");
    drill.insist(&["start", "--cluster", "test", "--reason", "drill over"]);
    let case = drill.until(&id, "the end", |case| case["state"] == "closed");
    assert_eq!(case["outcome"], "effective", "{case}");
    assert_eq!(drill.limit(), "128Mi");
    drill.world.audit();
}
