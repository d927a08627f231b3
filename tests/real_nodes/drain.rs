//! A node is drained pod by pod through a subflow that waits for a real disruption budget; the drain is paused and resumed
//! in the middle, then everything is stopped and started again, and the drain ends with each pod elsewhere.

use crate::engine_world::{Environment, World};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const NODE: &str = "node2";
const PODS: u32 = 4;

/// Puts the node back, also after a panic.
struct Uncordoned<'a>(&'a World);

impl Drop for Uncordoned<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&["uncordon", NODE]);
    }
}

fn until(
    world: &World,
    id: &str,
    what: &str,
    seconds: u64,
    fits: impl Fn(&Value) -> bool,
) -> Value {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        let case = world.show(id);
        if fits(&case) {
            return case;
        }
        assert!(Instant::now() < deadline, "{what}: {}", world.picture(&[case]));
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Waits until no namespace of an earlier test goes: its pods are on the node too, and can't be evicted any more.
pub fn nobody_goes(world: &World) {
    let deadline = Instant::now() + Duration::from_mins(2);
    loop {
        let list = world.kubectl(&["get", "namespaces", "-o", "json"]);
        let list = serde_json::from_str::<Value>(&list).expect("JSON of kubectl");
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let goes = |one: &&Value| one["status"]["phase"] == "Terminating";
        let Some(one) = items.iter().find(goes) else { return };
        assert!(Instant::now() < deadline, "{} goes and goes", one["metadata"]["name"]);
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Where the pods of `web` are, those that go left out.
fn places(world: &World) -> Vec<String> {
    let pods =
        world.kubectl(&["-n", &world.namespace, "get", "pods", "-l", "app=web", "-o", "json"]);
    let pods = serde_json::from_str::<Value>(&pods).expect("JSON of kubectl");
    let items = pods["items"].as_array().cloned().unwrap_or_default();
    let stays = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
    items
        .iter()
        .filter(stays)
        .map(|pod| pod["spec"]["nodeName"].as_str().unwrap_or_default().to_string())
        .collect()
}

#[test]
fn a_node_is_drained_within_a_budget_that_makes_it_wait_and_a_stop_holds_it() {
    let _alone = crate::alone();
    let Some(environment) = Environment::find("a node is drained within a budget") else { return };
    let mut world = World::new(&environment, "drain", "[approval]\nwithout_terminal = \"high\"\n");
    nobody_goes(&world);
    let mut web = world.deployment("web", PODS, crate::engine_world::OK, None);
    // Each replacement takes a while to be ready: the budget makes the next eviction wait for it.
    web["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({"exec": {"command": ["true"]}, "initialDelaySeconds": 5, "periodSeconds": 1});
    web["spec"]["template"]["spec"]["affinity"] = json!({"nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": {
            "matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}]}}]}});
    world.apply(&web);
    world.apply(&json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"minAvailable": PODS, "selector": {"matchLabels": {"app": "web"}}}}));
    world.kubectl(&["-n", &world.namespace, "rollout", "status", "deploy/web", "--timeout=90s"]);
    assert_eq!(places(&world), vec![NODE; PODS as usize]);
    world.start_engine();
    let _node = Uncordoned(&world);

    blocked_by_its_budget(&world);

    // With one more replica than it keeps it can be met; while one pod is not ready it allows nothing.
    world.kubectl(&[
        "-n",
        &world.namespace,
        "patch",
        "pdb",
        "web",
        "--type=merge",
        "-p",
        &json!({"spec": {"minAvailable": PODS - 1}}).to_string(),
    ]);
    world.kubectl(&[
        "-n",
        &world.namespace,
        "wait",
        "pdb/web",
        "--for=jsonpath={.status.disruptionsAllowed}=1",
        "--timeout=30s",
    ]);
    let (code, out, err) =
        world.run(&["plan", "drain-node", "--target", "node/node2", "--output", "json"]);
    assert_eq!(code, 0, "{out}{err}");
    let open = |case: &&Value| case["state"] == "awaiting_approval";
    let deadline = Instant::now() + Duration::from_mins(1);
    let id = loop {
        if let Some(case) = world.list().iter().find(open) {
            break case["id"].as_str().expect("an id").to_string();
        }
        assert!(Instant::now() < deadline, "no plan: {}", world.picture(&world.list()));
        std::thread::sleep(Duration::from_millis(500));
    };
    let case = world.show(&id);
    assert_eq!(case["plan"]["risk"], "high", "{case:#}");
    let digest = case["plan"]["digest"].as_str().expect("a digest");
    let args = ["approve", &id, "--plan", digest, "--target-name", NODE];
    let (code, out, err) = world.run(&args);
    assert_eq!(code, 0, "{out}{err}");

    held_by_a_pause(&world, &id);
    held_by_a_stop(&world, &id);
    let ended = until(&world, &id, "the verdict", 240, |case| case["state"] == "closed");
    assert_eq!(
        ended["verdict"]["outcome"],
        "effective",
        "{}",
        world.picture(std::slice::from_ref(&ended))
    );
    assert!(!places(&world).contains(&NODE.to_string()), "{:?}", places(&world));
    assert_eq!(world.get("deploy", "web")["status"]["availableReplicas"], PODS);
    world.audit();
}

/// The plan for a pod whose budget can never be met is shown, and not asked for.
fn blocked_by_its_budget(world: &World) {
    // A budget that can never be met is a blocker: the drain would wait for ever.
    let deadline = Instant::now() + Duration::from_mins(1);
    let asked = loop {
        let asked =
            world.run(&["plan", "drain-node", "--target", "node/node2", "--output", "json"]);
        if asked.0 != 6 || Instant::now() > deadline {
            break asked;
        }
        std::thread::sleep(Duration::from_secs(1));
    };
    assert_eq!(asked.0, 0, "{}{}", asked.1, asked.2);
    let blocked = world.list().first().expect("a case")["id"].as_str().expect("an id").to_string();
    let blocked = until(world, &blocked, "a plan", 60, |case| case["state"] == "blocked");
    assert!(blocked.to_string().contains("allows no disruption"), "{blocked:#}");
    let id = blocked["id"].as_str().expect("an id");
    let (code, out, err) = world.run(&["cancel", id, "--reason", "the budget has to give way"]);
    assert_eq!(code, 0, "{out}{err}");
}

/// How many pods of `web` are on the node.
fn left(world: &World) -> usize {
    places(world).iter().filter(|place| *place == NODE).count()
}

/// A pause lets the operation in hand end and begins no other; resumed, it goes on where it was.
fn held_by_a_pause(world: &World, id: &str) {
    until(world, id, "it runs", 60, |case| case["state"] == "running");
    let (code, out, err) = world.run(&["pause", id]);
    assert_eq!(code, 0, "{out}{err}");
    until(world, id, "it holds", 60, |case| case["state"] == "paused");
    std::thread::sleep(Duration::from_secs(8));
    let held = left(world);
    assert!(held > 0, "paused before it was over");
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(left(world), held, "nothing goes while paused");
    let (code, out, err) = world.run(&["resume", id]);
    assert_eq!(code, 0, "{out}{err}");
}

/// Stop everything holds the drain where it is, until it is lifted with the name of the cluster.
fn held_by_a_stop(world: &World, id: &str) {
    // Stopped before the next operation, and nothing more goes while it is.
    until(world, id, "it runs", 60, |case| case["state"] == "running");
    let (code, out, err) = world.run(&["stop", "--reason", "drill"]);
    assert_eq!(code, 0, "{out}{err}");
    std::thread::sleep(Duration::from_secs(3));
    let held = world.show(id)["execution"].to_string();
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(world.show(id)["execution"].to_string(), held, "nothing moves while stopped");
    let (code, out, err) = world.run(&["start", "--cluster", "test", "--reason", "drill over"]);
    assert_eq!(code, 0, "{out}{err}");
}
