//! A node that is short of something: its kubelet's own threshold is set so that it is, and what it does then is real.

use crate::engine_world::{Environment, OK, World};
use crate::faults::{NODE, SETTINGS, alert, approved, case, ended};
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The kubelet of the node with a threshold of this test's; as it was before, when this goes.
struct Short<'a> {
    world: &'a World,
    directory: PathBuf,
    settings: String,
    /// How it was started: arguments, and `NAME=VALUE` of its environment.
    command: Vec<String>,
    environment: Vec<String>,
}

impl<'a> Short<'a> {
    fn of(world: &'a World, threshold: [&str; 2]) -> Self {
        let directory = std::env::var("PILOTHOUSE_TEST_DIR").expect("PILOTHOUSE_TEST_DIR");
        let directory = PathBuf::from(directory);
        let file = directory.join(NODE).join("kubelet.yaml");
        let settings = std::fs::read_to_string(file).expect("the kubelet's settings");
        let pid = std::fs::read_to_string(directory.join("pids/kubelet2")).expect("its pid");
        let of_process = |name: &str| {
            let all =
                std::fs::read(format!("/proc/{}/{name}", pid.trim())).expect("the kubelet runs");
            let all = String::from_utf8(all).expect("text");
            all.split('\0').filter(|one| !one.is_empty()).map(String::from).collect::<Vec<_>>()
        };
        let (command, environment) = (of_process("cmdline"), of_process("environ"));
        let it = Self { world, directory, settings, command, environment };
        let short = it.settings.replace(threshold[0], threshold[1]);
        assert_ne!(short, it.settings, "{} is a threshold", threshold[0]);
        it.restarted(&short);
        it
    }

    /// Starts the kubelet anew with these settings.
    fn restarted(&self, settings: &str) {
        let pid_file = self.directory.join("pids/kubelet2");
        let pid = std::fs::read_to_string(&pid_file).expect("its pid").trim().to_string();
        std::fs::write(self.directory.join(NODE).join("kubelet.yaml"), settings).expect("settings");
        let _ = Command::new("kill").arg(&pid).status();
        let deadline = Instant::now() + Duration::from_mins(1);
        while alive(&pid) {
            assert!(Instant::now() < deadline, "the kubelet does not end");
            std::thread::sleep(Duration::from_millis(200));
        }
        let log = self.directory.join("kubelet2.log");
        let log = std::fs::OpenOptions::new().append(true).create(true).open(log).expect("its log");
        let both = log.try_clone().expect("its log");
        // In a session of its own: it outlives this test, as the environment's own processes do.
        let mut child = Command::new("setsid")
            .args(&self.command)
            .env_clear()
            .envs(self.environment.iter().filter_map(|one| one.split_once('=')))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(both)
            .spawn()
            .expect("a kubelet");
        std::fs::write(pid_file, format!("{}\n", child.id())).expect("its pid");
        std::thread::spawn(move || child.wait());
    }
}

/// Whether a process runs: one that nobody has waited for yet does not.
fn alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

impl Drop for Short<'_> {
    fn drop(&mut self) {
        self.restarted(&self.settings);
        // A kubelet that is short of disk throws away images that nobody uses, and there is no registry here.
        for image in ["busybox.tar", "pause.tar"] {
            let _ = Command::new("ctr")
                .arg("-a")
                .arg(self.directory.join(NODE).join("containerd/containerd.sock"))
                .args(["-n", "k8s.io", "images", "import"])
                .arg(self.directory.join(image))
                .stdout(Stdio::null())
                .status();
        }
        for condition in ["Ready", "MemoryPressure=False", "DiskPressure=False"] {
            let condition = format!("--for=condition={condition}");
            self.world.kubectl(&["wait", "node", NODE, &condition, "--timeout=120s"]);
        }
    }
}

#[test]
fn a_node_that_is_short_of_memory_is_the_culprit_of_the_pods_that_it_evicts() {
    let _alone = crate::alone();
    let Some(environment) = Environment::find("a node short of memory") else { return };
    let mut world = World::new(&environment, "short", SETTINGS);
    crate::drain::nobody_goes(&world);
    let mut web = world.deployment("web", 1, OK, None);
    web["spec"]["template"]["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": NODE});
    world.apply(&web);
    world.kubectl(&["-n", &world.namespace, "rollout", "status", "deploy/web", "--timeout=90s"]);
    let pod = world.kubectl(&["-n", &world.namespace, "get", "pods", "-o", "name"]);
    let pod = pod.trim().strip_prefix("pod/").expect("a pod").to_string();
    world.start_engine();
    let _short = Short::of(&world, ["memory.available: 100Mi", "memory.available: 99%"]);
    let short = "--for=condition=MemoryPressure";
    world.kubectl(&["wait", "node", NODE, short, "--timeout=120s"]);
    // The alert names the victim, and says something else.
    alert(&world, "KubePodCrashLooping", json!({"pod": pod}));
    let told = case(&world, "Node", NODE);
    let picture = || world.picture(std::slice::from_ref(&told));
    assert_eq!(told["cause"], "node-pressure", "{}", picture());
    assert_eq!(told["verdict"]["outcome"], "handed_over", "{}", picture());
    assert!(told["plan"]["steps"].to_string().contains("MemoryPressure"), "{}", picture());
    world.audit();
}

#[test]
fn a_disk_that_ended_pods_fill_is_cleared_of_them() {
    let _alone = crate::alone();
    let Some(environment) = Environment::find("a disk that ended pods fill") else { return };
    let mut world = World::new(&environment, "orphans", SETTINGS);
    crate::drain::nobody_goes(&world);
    for number in 0..6 {
        world.apply(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("old-{number}")},
            "spec": {"nodeName": NODE, "restartPolicy": "Never", "containers": [{"name": "app",
                "image": environment.image, "command": ["/bin/sh", "-c", "exit 1"]}]}}));
    }
    let deadline = Instant::now() + Duration::from_mins(2);
    while failed(&world) < 6 {
        assert!(Instant::now() < deadline, "{} have ended", failed(&world));
        std::thread::sleep(Duration::from_secs(1));
    }
    // The kubelet is started anew within it.
    let settings = std::fs::read_to_string(&world.config).expect("settings");
    let slow = settings.replace("settle = \"20s\"", "settle = \"100s\"");
    std::fs::write(&world.config, slow).expect("settings");
    world.start_engine();
    let short = Short::of(&world, ["nodefs.available: 1%", "nodefs.available: 99%"]);
    let pressed = "--for=condition=DiskPressure";
    world.kubectl(&["wait", "node", NODE, pressed, "--timeout=120s"]);
    alert(&world, "NodeMemoryHigh", json!({"node": NODE}));
    let open = case(&world, "Node", NODE);
    let picture = || world.picture(std::slice::from_ref(&open));
    assert_eq!(open["cause"], "disk-pressure-by-orphans", "{}", picture());
    assert_eq!(open["template"]["name"], "clear-ended-pods", "{}", picture());
    approved(&world, &open);
    let deadline = Instant::now() + Duration::from_mins(3);
    while failed(&world) > 0 {
        assert!(Instant::now() < deadline, "{} still lie there: {}", failed(&world), picture());
        std::thread::sleep(Duration::from_secs(1));
    }
    // With them gone there is room again: the threshold is what it was.
    drop(short);
    ended(&world, &open);
    assert_eq!(failed(&world), 0);
    world.audit();
}

/// How many pods of its namespace have failed.
fn failed(world: &World) -> usize {
    let pods = world.kubectl(&["-n", &world.namespace, "get", "pods", "-o", "json"]);
    pods.matches("\"phase\": \"Failed\"").count()
}
