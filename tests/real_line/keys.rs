//! Runs are steered with keys in a real terminal on a real cluster: a failed step tried again, pause, resume, undo; a wait
//! left out, a run taken over and handed back; how far it is, what is known of its time and why a step won't run are read
//! from the screen. A gate in the run is passed by the verb, by the step's path.

use crate::console::Console;
use crate::world::{Environment, OK, World};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A wait that fails at first, two changes, a rollout between them, and a person who is asked before the second.
const TEMPLATE: &str = "name: window
version: 1
summary: set the memory limit twice within a window
parameters:
  - { name: first, type: quantity, default: 96Mi, max: 256Mi, describe: the first limit }
  - { name: second, type: quantity, default: 128Mi, max: 256Mi, describe: the second limit }
steps:
  - id: window
    wait_for: { describe: the window is open, until: \"'window' in object.metadata.?labels.orValue({})\" }
    timeout: 6s
    on_failure: escalate
  - id: first
    action: set_resources
    with: { container: app, memory_limit: \"= params.first\" }
    on_failure: undo
  - id: rollout
    subflow: wait-for-rollout
    on_failure: undo
  - id: ask
    approval: the second change follows
    timeout: 10m
    on_failure: escalate
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

/// A wait that nothing ends, a change, and a person who is asked.
const HELD: &str = "name: held
version: 1
summary: set the memory limit once a window is open
steps:
  - id: window
    wait_for: { describe: the window is open, until: \"'window' in object.metadata.?labels.orValue({})\" }
    timeout: 30m
    on_failure: escalate
  - id: limit
    action: set_resources
    with: { container: app, memory_limit: 96Mi }
    on_failure: undo
  - id: ask
    approval: the verdict follows
    timeout: 30m
    on_failure: escalate
verify:
  settle: 2s
  effective_when:
    - { describe: the limit is set, cel: after.ready >= 0 }
left_if_stopped: the limit that was set
";

struct Desk {
    template: &'static str,
    world: World,
    console: Console,
}

impl Desk {
    fn new(environment: &Environment, template: &'static str, text: &str) -> Self {
        let world = World::new(environment, &format!("keys-{template}"), "");
        let directory = world.path("templates");
        std::fs::create_dir(&directory).expect("a directory");
        std::fs::write(directory.join("own.yaml"), text).expect("a template");
        let text = std::fs::read_to_string(&world.config).expect("settings");
        let own = format!(
            "{text}[approval]\nwithout_terminal = \"medium\"\n[templates]\ndirectory = \"{}\"\n",
            directory.display()
        );
        std::fs::write(&world.config, own.replace("settle = \"20s\"", "settle = \"2s\""))
            .expect("settings");
        let mut cart = world.deployment("cart", 2, OK, Some("64Mi"));
        // Slow enough that people can act in between.
        cart["spec"]["minReadySeconds"] = json!(20);
        world.apply(&cart);
        let console = Console::start(&world);
        console.wait_for("driving", 60);
        Self { template, world, console }
    }

    fn until(&self, id: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(240);
        loop {
            let case = self.world.show(id);
            if fits(&case) {
                return case;
            }
            let screen = self.console.text();
            assert!(Instant::now() < deadline, "{what}: {case:#}\n{screen}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn state(&self, id: &str, state: &str) -> Value {
        self.until(id, state, |case| case["state"] == state)
    }

    /// A key that steers, pressed again until it has had its effect: the case may be on its way to where it works.
    fn steered(&mut self, id: &str, key: &str, reason: Option<&str>, state: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(150);
        loop {
            self.console.press(key);
            if let Some(reason) = reason
                && self.console.shows("reason", 5)
            {
                self.console.typed(&format!("{reason}\r"));
            }
            let pressed = Instant::now();
            while pressed.elapsed() < Duration::from_secs(40) {
                let case = self.world.show(id);
                if case["state"] == state {
                    return case;
                }
                std::thread::sleep(Duration::from_millis(300));
            }
            let screen = self.console.text();
            assert!(Instant::now() < deadline, "`{key}` does not come to {state}:\n{screen}");
        }
    }

    /// A plan that a person asks for with the verb and approves with keys; its tree is open afterwards.
    fn begun(&mut self) -> String {
        let namespace = self.world.namespace.clone();
        let args = ["plan", self.template, "--target", "deploy/cart", "-n", &namespace];
        let deadline = Instant::now() + Duration::from_secs(120);
        let id = loop {
            let (code, out, err) = self.world.run(&args);
            if code == 0 {
                break out.trim().to_string();
            }
            assert!(code == 6 && Instant::now() < deadline, "{code}: {out}{err}");
            std::thread::sleep(Duration::from_millis(500));
        };
        self.state(&id, "awaiting_approval");
        // Back in the list, on what needs a decision first.
        self.console.press("h");
        self.console.wait_for("? approval", 60);
        self.console.typed("gg");
        self.console.press(" a");
        self.console.wait_for("CHANGE", 30);
        let decided = Instant::now() + Duration::from_secs(120);
        while self.world.show(&id)["state"] == "awaiting_approval" {
            assert!(Instant::now() < decided, "not approved:\n{}", self.console.text());
            // Keys are dead for half a second after the card changed.
            std::thread::sleep(Duration::from_millis(1_500));
            self.console.typed("ay");
            std::thread::sleep(Duration::from_secs(2));
        }
        // Whatever the approval left open is closed, and the tree of the case opened.
        let open = Instant::now() + Duration::from_secs(60);
        while !self.console.shows("tries", 3) {
            assert!(Instant::now() < open, "the tree does not open:\n{}", self.console.text());
            self.console.press("\u{1b}");
            std::thread::sleep(Duration::from_secs(1));
            self.console.press("\r");
        }
        id
    }

    /// Selects a row of the tree by its number.
    fn select(&mut self, row: usize, of: usize) {
        self.console.typed("gg");
        self.console.wait_for(&format!("step 1 of {of}"), 60);
        for _ in 1..row {
            self.console.typed("j");
        }
        self.console.wait_for(&format!("step {row} of {of}"), 60);
    }

    fn limit(&self) -> String {
        let live = self.world.get("deployment", "cart");
        let limit =
            &live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"];
        limit.as_str().expect("a limit").to_string()
    }
}

fn step<'a>(case: &'a Value, path: &str) -> &'a Value {
    let steps = case["execution"]["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["path"] == path).expect("the step")
}

fn rolls(case: &Value) -> bool {
    case["state"] == "running" && step(case, "3.1")["state"] == "waiting"
}

#[test]
fn a_run_is_steered_with_keys_and_the_screen_says_how_far_it_is_and_why_a_step_wont_run() {
    let Some(environment) = Environment::find("steering with keys") else { return };
    let mut desk = Desk::new(&environment, "window", TEMPLATE);
    let id = desk.begun();

    // The window is not open: the run ends, and each step after it says why it won't run.
    let case = desk.state(&id, "closed");
    assert_eq!(case["outcome"], "failed", "{case:#}");
    desk.select(8, 8);
    desk.console.wait_for("step 1 failed", 60);
    desk.console.wait_for("steps 1 of", 60);
    let namespace = desk.world.namespace.clone();
    desk.world.kubectl(&["-n", &namespace, "label", "deploy", "cart", "window=open"]);
    desk.steered(&id, " t", Some("the window is open now"), "running");
    desk.until(&id, "the rollout", rolls);
    assert_eq!(desk.limit(), "96Mi");
    desk.select(4, 8);
    desk.console.wait_for("no history yet", 60);

    desk.steered(&id, " p", None, "paused");
    desk.console.wait_for("paused by", 60);
    desk.steered(&id, " r", None, "running");

    // Once it is rolled out a person is asked, and answers with the verb.
    let case = desk.until(&id, "it asks", |case| step(case, "4")["state"] == "asked");
    desk.console.wait_for("the second change follows", 60);
    let digest = case["plan"]["digest"].as_str().expect("a digest").to_string();
    let wrong = desk.world.run(&["approve", &id, "--plan", &digest, "--step", "5"]);
    assert_ne!(wrong.0, 0, "step 5 does not ask: {wrong:?}");
    assert_eq!(desk.limit(), "96Mi", "it waits for the answer");
    let (code, out, err) = desk.world.run(&["approve", &id, "--plan", &digest, "--step", "4"]);
    assert_eq!(code, 0, "{out}{err}");
    let case = desk.state(&id, "closed");
    assert_eq!(case["outcome"], "effective", "{case:#}");
    assert_eq!(desk.limit(), "128Mi");

    desk.console.press(" u");
    desk.console.wait_for("is taken back", 60);
    desk.console.typed("only a drill\r");
    desk.until(&id, "the undo", |case| case["state"] == "closed" && case["outcome"] == "cancelled");
    assert_eq!(desk.limit(), "64Mi");
    desk.world.audit();
}

#[test]
fn with_keys_a_wait_is_left_out_and_a_run_is_taken_over_and_handed_back() {
    let Some(environment) = Environment::find("taking over with keys") else { return };
    let mut desk = Desk::new(&environment, "held", HELD);
    let id = desk.begun();
    desk.until(&id, "the wait", |case| step(case, "1")["state"] == "waiting");
    desk.select(1, 3);
    desk.console.press(" s");
    desk.console.wait_for("is left out; the run goes on after it", 60);
    desk.console.typed("no need to wait\r");
    let case = desk.until(&id, "it asks", |case| step(case, "3")["state"] == "asked");
    assert_eq!(step(&case, "1")["state"], "skipped", "{case:#}");
    assert_eq!(desk.limit(), "96Mi");

    // What the person then does is theirs: nothing more is sent, and afterwards it needs a new decision.
    desk.steered(&id, " m", Some("by hand"), "by_hand");
    desk.console.wait_for("by hand, taken over by", 60);
    let patch = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "resources": {"limits": {"memory": "72Mi"}}}]}}}});
    let namespace = desk.world.namespace.clone();
    desk.world.kubectl(&["-n", &namespace, "patch", "deploy", "cart", "-p", &patch.to_string()]);
    desk.steered(&id, " r", None, "awaiting_approval");
    assert_eq!(desk.limit(), "72Mi", "it waits for a new decision");
    desk.world.audit();
}
