//! Nodes that are the trouble, from alert to verdict: a kubelet that is silent, taints that keep pods out, a cordon that
//! pods wait for.

use crate::engine_world::{Environment, OK, World, payload};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub const NODE: &str = "node2";
pub const SETTINGS: &str = "[approval]\nwithout_terminal = \"high\"\n";

/// Runs a command when it goes, also after a panic.
struct Back<'a>(&'a World, Vec<&'static str>);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&self.1);
    }
}

/// A kubelet that does nothing, until this goes.
struct Silent<'a> {
    world: &'a World,
    pid: String,
}

impl<'a> Silent<'a> {
    fn of(world: &'a World) -> Self {
        let directory = std::env::var("PILOTHOUSE_TEST_DIR").expect("PILOTHOUSE_TEST_DIR");
        let pid = std::fs::read_to_string(format!("{directory}/pids/kubelet2")).expect("its pid");
        let it = Self { world, pid: pid.trim().into() };
        it.signal("-STOP");
        it
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.pid]).status().expect("kill");
        assert!(done.success(), "kill {signal} {}", self.pid);
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        self.signal("-CONT");
        self.world.kubectl(&["wait", "node", NODE, "--for=condition=Ready", "--timeout=90s"]);
    }
}

/// Hands in an alert about something; the namespace is the one that this engine answers for.
pub fn alert(world: &World, name: &str, mut labels: Value) {
    labels["alertname"] = name.into();
    labels["severity"] = "critical".into();
    labels["namespace"] = world.namespace.as_str().into();
    let payload = payload(&labels, "Something is wrong");
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let mut child = world.command(&["alert", "-"]);
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().expect("the program");
        let _ = child.stdin.take().expect("its stdin").write_all(payload.to_string().as_bytes());
        let output = child.wait_with_output().expect("its end");
        if output.status.success() {
            return;
        }
        assert!(Instant::now() < deadline, "{}", String::from_utf8_lossy(&output.stderr));
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// The case about a target, when it waits for a decision or has ended.
pub fn case(world: &World, kind: &str, name: &str) -> Value {
    world.wait_for(&format!("the case of {kind}/{name}"), 150, |case| {
        let settled = case["state"] == "awaiting_approval" || case["state"] == "closed";
        settled && case["target"]["kind"] == kind && case["target"]["name"] == name
    })
}

/// Waits until the scheduler has found no place for a pod of this namespace.
fn a_pod_waits(world: &World) {
    let deadline = Instant::now() + Duration::from_secs(90);
    let events = || world.kubectl(&["-n", &world.namespace, "get", "events", "-o", "json"]);
    while !events().contains("FailedScheduling") {
        assert!(Instant::now() < deadline, "no pod waits: {}", world.picture(&world.list()));
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Approves the plan and waits for its end, which must be effective.
fn decided(world: &World, case: &Value) {
    approved(world, case);
    ended(world, case);
}

/// Approves the plan.
pub fn approved(world: &World, case: &Value) {
    let id = case["id"].as_str().expect("an id");
    let digest = case["plan"]["digest"].as_str().expect("a digest");
    let name = case["target"]["name"].as_str().expect("a name");
    let args = ["approve", id, "--plan", digest, "--target-name", name];
    let (code, out, err) = world.run(&args);
    assert_eq!(code, 0, "{out}{err}");
}

/// Waits for the end of an approved plan, which must be effective.
pub fn ended(world: &World, case: &Value) {
    let id = case["id"].as_str().expect("an id");
    let ended =
        world.wait_for("the verdict", 300, |one| one["id"] == id && one["state"] == "closed");
    let picture = || world.picture(std::slice::from_ref(&ended));
    assert_eq!(ended["verdict"]["outcome"], "effective", "{}", picture());
}

/// Nodes of the pods of `web` that stay and are ready.
fn ready_on(world: &World) -> Vec<String> {
    let pods =
        world.kubectl(&["-n", &world.namespace, "get", "pods", "-l", "app=web", "-o", "json"]);
    let pods = serde_json::from_str::<Value>(&pods).expect("JSON of kubectl");
    let items = pods["items"].as_array().cloned().unwrap_or_default();
    let stays = |pod: &&Value| {
        let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        pod["metadata"]["deletionTimestamp"].is_null()
            && conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
    };
    let node = |pod: &Value| pod["spec"]["nodeName"].as_str().unwrap_or_default().to_string();
    items.iter().filter(stays).map(node).collect()
}

#[test]
fn a_node_whose_kubelet_is_silent_is_drained_and_its_pods_run_elsewhere() {
    let _alone = crate::alone();
    let Some(environment) = Environment::find("a silent kubelet") else { return };
    let mut world = World::new(&environment, "silent", SETTINGS);
    crate::drain::nobody_goes(&world);
    let mut web = world.deployment("web", 2, OK, None);
    web["spec"]["template"]["spec"]["affinity"] = json!({"nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": {
            "matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}]}}]}});
    world.apply(&web);
    world.kubectl(&["-n", &world.namespace, "rollout", "status", "deploy/web", "--timeout=90s"]);
    assert_eq!(ready_on(&world), [NODE, NODE]);
    world.start_engine();
    let _back = Back(&world, vec!["uncordon", NODE]);
    let _silent = Silent::of(&world);
    let unknown = "--for=condition=Ready=Unknown";
    world.kubectl(&["wait", "node", NODE, unknown, "--timeout=90s"]);
    // The alert names the victim; the culprit is the node that it is on.
    let pod = world.kubectl(&["-n", &world.namespace, "get", "pods", "-o", "name"]);
    let pod = pod.lines().next().and_then(|line| line.strip_prefix("pod/")).expect("a pod");
    alert(&world, "KubePodNotReady", json!({"pod": pod}));
    let open = case(&world, "Node", NODE);
    let picture = || world.picture(std::slice::from_ref(&open));
    assert!(
        ["node-lost", "node-not-ready"].contains(&open["cause"].as_str().unwrap_or("")),
        "{}",
        picture()
    );
    assert_eq!(open["template"]["name"], "node-issue", "{}", picture());
    assert_eq!(open["state"], "awaiting_approval", "{}", picture());
    decided(&world, &open);
    let nodes = ready_on(&world);
    assert!(nodes.len() == 2 && !nodes.contains(&NODE.to_string()), "{nodes:?}");
    world.audit();
}

#[test]
fn taints_that_keep_pods_out_are_told_and_nothing_is_changed() {
    let _alone = crate::alone();
    let Some(environment) = Environment::find("taints that keep pods out") else { return };
    let mut world = World::new(&environment, "taints", SETTINGS);
    world.start_engine();
    let _back = Back(&world, vec!["taint", "nodes", "--all", "example.com/batch-"]);
    world.kubectl(&["taint", "nodes", "--all", "example.com/batch=only:NoSchedule"]);
    world.apply(&world.deployment("web", 1, OK, None));
    a_pod_waits(&world);
    // The words are about memory; the cluster says taint.
    alert(&world, "ContainerMemoryHigh", json!({"deployment": "web"}));
    let told = case(&world, "Deployment", "web");
    let picture = || world.picture(std::slice::from_ref(&told));
    assert_eq!(told["cause"], "unschedulable-taint", "{}", picture());
    assert_eq!(told["verdict"]["outcome"], "handed_over", "{}", picture());
    assert!(told["plan"]["steps"].to_string().contains("example.com/batch"), "{}", picture());
    let node = world.kubectl(&["get", "node", NODE, "-o", "json"]);
    assert!(node.contains("example.com/batch"), "the taint stays");
}

#[test]
fn a_cordon_that_a_pod_waits_for_is_shown_with_its_age_and_taken_back() {
    let _alone = crate::alone();
    let Some(environment) = Environment::find("a cordon that a pod waits for") else { return };
    let mut world = World::new(&environment, "cordon", SETTINGS);
    world.start_engine();
    let _back = Back(&world, vec!["uncordon", NODE]);
    world.kubectl(&["cordon", NODE]);
    let mut web = world.deployment("web", 1, OK, None);
    web["spec"]["template"]["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": NODE});
    world.apply(&web);
    a_pod_waits(&world);
    alert(&world, "KubeDeploymentReplicasMismatch", json!({"deployment": "web"}));
    let open = case(&world, "Node", NODE);
    let picture = || world.picture(std::slice::from_ref(&open));
    assert_eq!(open["cause"], "node-cordoned", "{}", picture());
    assert_eq!(open["template"]["name"], "uncordon-node", "{}", picture());
    // Somebody may be at work on it: that speaks against, and the card says so.
    assert!(open["confidence"].as_f64().is_some_and(|sure| sure < 0.8), "{}", picture());
    assert!(picture().contains("ask why before"), "{}", picture());
    decided(&world, &open);
    assert_eq!(ready_on(&world), [NODE]);
    world.audit();
}

#[test]
fn a_cordon_with_a_reason_is_meant_and_stays() {
    let _alone = crate::alone();
    let Some(environment) = Environment::find("a cordon with a reason") else { return };
    let mut world = World::new(&environment, "meant", SETTINGS);
    world.start_engine();
    let _back = Back(&world, vec!["uncordon", NODE]);
    let _note = Back(&world, vec!["annotate", "node", NODE, "ops.example.com/maintenance-"]);
    world.kubectl(&["annotate", "node", NODE, "ops.example.com/maintenance=new disks, INC-7"]);
    world.kubectl(&["cordon", NODE]);
    alert(&world, "KubeNodeUnschedulable", json!({"node": NODE}));
    let told = case(&world, "Node", NODE);
    let picture = || world.picture(std::slice::from_ref(&told));
    assert_eq!(told["state"], "closed", "{}", picture());
    assert!(told.to_string().contains("INC-7"), "{}", picture());
    assert!(!told["plan"].to_string().contains("uncordon"), "{}", picture());
    let node = world.kubectl(&["get", "node", NODE, "-o", "json"]);
    let node = serde_json::from_str::<Value>(&node).expect("JSON of kubectl");
    assert_eq!(node["spec"]["unschedulable"], true, "the cordon stays");
}
