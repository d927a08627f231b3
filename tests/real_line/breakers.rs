//! The real API server, Prometheus and Alertmanager, each killed, hung, slowed and restored while work runs: breakers do
//! as declared, work waits or falls back as declared, and nothing is lost.
//!
//! A gate on loopback stands in front of the real thing. It is the wire that breaks; what is behind it stays real.

use crate::gate::{Gate, Harm};
use crate::world::{Environment, OK, World};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Two changes with a wait between them, and a figure to judge by.
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
  measures:
    - { name: one, promql: vector(1), unit: \"\" }
  effective_when:
    - { describe: the figure is there, cel: after.measures.one == 1.0 }
left_if_stopped: the limit that was set last
";

/// Breakers that open within seconds, so that the test need not take minutes.
const QUICK: &str = "[approval]\nwithout_terminal = \"medium\"\n\
    [breakers.cluster]\nmin_calls = 3\nwindow = \"30s\"\nslow_after = \"1s\"\nopen = \"1s\"\nopen_most = \"2s\"\n\
    [breakers.store]\nmin_calls = 3\nwindow = \"30s\"\nslow_after = \"1s\"\nopen = \"1s\"\nopen_most = \"2s\"\n\
    [breakers.prometheus]\nmin_calls = 1\nwindow = \"10s\"\nslow_after = \"2s\"\nopen = \"1s\"\nopen_most = \"2s\"\n\
    [breakers.alertmanager]\nmin_calls = 2\nwindow = \"60s\"\nslow_after = \"2s\"\nopen = \"1s\"\nopen_most = \"2s\"\n";

pub struct Drill {
    pub world: World,
    pub gate: Gate,
}

/// Which destination the gate stands in front of.
#[derive(Clone, Copy, PartialEq)]
enum Front {
    Cluster,
    Prometheus,
    Alertmanager,
}

impl Drill {
    fn new(environment: &Environment, name: &str, front: Front) -> Self {
        Self::before(environment, name, Some(front), None)
    }

    /// The same with a gate in front of the store: a database at `server`. `way` makes the settings of the world and the
    /// gate's port into those with the database.
    pub fn on_store(
        environment: &Environment,
        name: &str,
        server: &str,
        way: &dyn Fn(&World, u16, String) -> String,
    ) -> Self {
        Self::before(environment, name, None, Some((server, way)))
    }

    #[allow(clippy::type_complexity, reason = "a way is said once")]
    fn before(
        environment: &Environment,
        name: &str,
        front: Option<Front>,
        store: Option<(&str, &dyn Fn(&World, u16, String) -> String)>,
    ) -> Self {
        let mut behind = environment.clone();
        let kubeconfig = std::fs::read_to_string(&environment.kubeconfig).expect("a kubeconfig");
        let server = || {
            let from = kubeconfig.find("https://").expect("a server") + "https://".len();
            let rest = &kubeconfig[from..];
            rest[..rest.find(['"', '\n', ' ', ',']).expect("its end")].to_string()
        };
        let host = |url: &str| url.trim_start_matches("http://").trim_end_matches('/').to_string();
        let gate = Gate::before(&match (front, store) {
            (Some(Front::Cluster), _) => server(),
            (Some(Front::Prometheus), _) => host(&environment.prometheus),
            (Some(Front::Alertmanager), _) => host(&environment.alertmanager),
            (None, store) => store.expect("something to stand in front of").0.to_string(),
        });
        let here = format!("http://127.0.0.1:{}", gate.port);
        match front {
            Some(Front::Cluster) | None => {}
            Some(Front::Prometheus) => behind.prometheus.clone_from(&here),
            Some(Front::Alertmanager) => behind.alertmanager.clone_from(&here),
        }
        let mut world = World::new(&behind, name, QUICK);
        let directory = world.path("templates");
        std::fs::create_dir(&directory).expect("a directory");
        std::fs::write(directory.join("two-limits.yaml"), TEMPLATE).expect("a template");
        let text = std::fs::read_to_string(&world.config).expect("settings");
        let mut text = format!("{text}[templates]\ndirectory = \"{}\"\n", directory.display())
            .replace("settle = \"20s\"", "settle = \"2s\"")
            .replace("poll = \"5s\"", "poll = \"1s\"");
        if let Some((_, way)) = store {
            text = way(&world, gate.port, text);
        }
        if front == Some(Front::Cluster) {
            // The engine goes through the gate; the test itself does not.
            let own = kubeconfig.replace(&server(), &format!("127.0.0.1:{}", gate.port));
            let file = world.path("kubeconfig-gate");
            std::fs::write(&file, own).expect("a kubeconfig");
            text = text.replace(&environment.kubeconfig, &file.display().to_string());
        }
        std::fs::write(&world.config, text).expect("settings");
        let mut deployment = world.deployment("cart", 2, OK, Some("64Mi"));
        // Slow enough that something can break in between.
        deployment["spec"]["minReadySeconds"] = json!(15);
        world.apply(&deployment);
        let namespace = world.namespace.clone();
        world.kubectl(&["-n", &namespace, "rollout", "status", "deploy/cart", "--timeout=240s"]);
        world.start_engine();
        Self { world, gate }
    }

    pub fn insist(&self, args: &[&str]) -> String {
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            let (code, out, err) = self.world.run(args);
            if code == 0 {
                return out;
            }
            assert!(code == 6 && Instant::now() < deadline, "{args:?} answered {code}: {out}{err}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// A plan that a person asks for, approved: it runs now.
    pub fn begun(&self, first: &str, second: &str) -> String {
        let namespace = self.world.namespace.clone();
        let (first, second) = (format!("first={first}"), format!("second={second}"));
        let args = [
            "plan",
            "two-limits",
            "--target",
            "deploy/cart",
            "-n",
            &namespace,
            "--set",
            &first,
            "--set",
            &second,
        ];
        let id = self.insist(&args).trim().to_string();
        let digest = self.world.show(&id)["plan"]["digest"].as_str().expect("a digest").to_string();
        self.insist(&["approve", &id, "--plan", &digest]);
        id
    }

    pub fn until(&self, id: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.world.wait_for(what, 300, |case| case["id"] == id && fits(case))
    }

    pub fn breaker(&self, name: &str) -> Value {
        // An engine that begins has no store yet: that is code 6.
        let out = self.insist(&["breakers", "show", name, "--output", "json"]);
        serde_json::from_str(&out).expect("JSON of breakers show")
    }

    /// Waits until a breaker stands so. Open and half-open alternate while a destination is down.
    fn stands(&self, name: &str, wanted: &[&str]) -> Value {
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            let shown = self.breaker(name);
            if wanted.iter().any(|word| shown["state"] == *word) {
                return shown;
            }
            assert!(
                Instant::now() < deadline,
                "{name} never was {wanted:?}: {shown:#}\n{}",
                self.world.picture(&[])
            );
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    pub fn limit(&self) -> String {
        let live = self.world.get("deployment", "cart");
        let container = &live["spec"]["template"]["spec"]["containers"][0];
        container["resources"]["limits"]["memory"].as_str().expect("a limit").to_string()
    }

    pub fn generation(&self) -> u64 {
        self.world.get("deployment", "cart")["metadata"]["generation"]
            .as_u64()
            .expect("a generation")
    }

    /// Hands an alert in that names a pod of nothing.
    fn alert(&self, name: &str) {
        let alert = json!([{
            "labels": {"alertname": name, "namespace": self.world.namespace, "pod": "nobody"},
            "annotations": {}, "startsAt": "2026-11-21T03:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": name, "status": {"state": "active"},
        }]);
        let mut child = self.world.command(&["alert", "-"]);
        let child = child.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("the program");
        let mut stdin = child.stdin.take().expect("its stdin");
        stdin.write_all(alert.to_string().as_bytes()).expect("its input");
        drop(stdin);
        assert!(child.wait().expect("its end").success(), "the alert was not taken");
    }
}

pub fn waits(case: &Value) -> bool {
    let steps = case["execution"]["steps"].as_array();
    case["state"] == "running"
        && steps.is_some_and(|steps| {
            steps.iter().any(|step| step["path"] == "2.1" && step["state"] == "waiting")
        })
}

#[test]
fn while_the_api_server_is_gone_a_run_waits_and_goes_on_where_it_was_with_each_change_made_once() {
    let Some(environment) = Environment::find("the API server breaks while work runs") else {
        return;
    };
    let drill = Drill::new(&environment, "brk-api", Front::Cluster);
    let limits = ["96Mi", "112Mi", "72Mi", "88Mi", "104Mi", "120Mi"];
    let harms = [Harm::Killed, Harm::Hung, Harm::Slow(Duration::from_secs(2))];
    for (harm, pair) in harms.into_iter().zip(limits.chunks(2)) {
        let before = drill.generation();
        let id = drill.begun(pair[0], pair[1]);
        drill.until(&id, "the wait", waits);
        drill.gate.harm(harm);
        let shown = drill.stands("cluster", &["open", "half-open"]);
        assert!(
            shown["running"].as_str().expect("declared").contains("never sent again"),
            "{shown}"
        );
        let told = drill.until(&id, "the case to say why it waits", |case| {
            case["stuck"]["why"]
                .as_str()
                .is_some_and(|why| why.contains("breaker cluster is open since"))
        });
        assert_eq!(told["state"], "running", "it waits, it does not fail: {told}");
        // Alerts are taken in meanwhile.
        let name = format!("While{harm:?}").replace(['(', ')', '.'], "");
        drill.alert(&name);
        assert_eq!(drill.limit(), pair[0], "the second change must not have been made");
        drill.gate.harm(Harm::None);
        drill.stands("cluster", &["closed"]);
        let case = drill.until(&id, "the end", |case| case["state"] == "closed");
        assert_eq!(case["outcome"], "effective", "{harm:?}: {case:#}");
        assert_eq!(drill.limit(), pair[1]);
        assert_eq!(drill.generation(), before + 2, "{harm:?}: each change was made once");
        drill.world.wait_for("the alert of the outage", 120, |case| {
            case["alerts"]
                .as_array()
                .is_some_and(|all| all.iter().any(|alert| alert["name"] == name.as_str()))
        });
    }
    let history = drill.breaker("cluster")["history"].to_string();
    assert!(
        history.contains("took 1 s or longer") || history.contains("found it down"),
        "{history}"
    );
    drill.world.audit();
}

#[test]
fn while_prometheus_is_gone_a_verification_waits_for_it_and_then_judges_with_its_figures() {
    let Some(environment) = Environment::find("Prometheus breaks while work runs") else { return };
    let drill = Drill::new(&environment, "brk-prom", Front::Prometheus);
    for (harm, limits) in [(Harm::Killed, ("96Mi", "112Mi")), (Harm::Hung, ("72Mi", "88Mi"))] {
        let id = drill.begun(limits.0, limits.1);
        drill.until(&id, "the wait", waits);
        drill.gate.harm(harm);
        let case = drill.until(&id, "the verification to wait", |case| {
            let why = case["stuck"]["why"].as_str().unwrap_or_default();
            case["state"] == "verifying" && why.contains("breaker prometheus is open since")
        });
        assert!(case["outcome"].is_null(), "{case}");
        drill.stands("prometheus", &["open", "half-open"]);
        assert_eq!(drill.limit(), limits.1, "operations went on without it");
        drill.gate.harm(Harm::None);
        drill.stands("prometheus", &["closed"]);
        let case = drill.until(&id, "the verdict", |case| case["state"] == "closed");
        assert_eq!(case["outcome"], "effective", "{harm:?}: {case:#}");
    }
    // Slow is no better than down, although every answer comes.
    let id = drill.begun("104Mi", "120Mi");
    drill.until(&id, "the wait", waits);
    drill.gate.harm(Harm::Slow(Duration::from_secs(3)));
    let shown = drill.stands("prometheus", &["open", "half-open"]);
    assert_eq!(shown["name"], "prometheus");
    drill.until(&id, "a verdict or a wait", |case| {
        case["state"] == "closed" || case["state"] == "verifying"
    });
    drill.gate.harm(Harm::None);
    drill.stands("prometheus", &["closed"]);
    let case = drill.until(&id, "the verdict", |case| case["state"] == "closed");
    assert_eq!(case["outcome"], "effective", "{case:#}");
    let history = drill.breaker("prometheus")["history"].to_string();
    assert!(history.contains("took 2 s or longer"), "{history}");
    drill.world.audit();
}

#[test]
fn while_alertmanager_is_gone_alerts_come_another_way_and_none_is_lost() {
    let Some(environment) = Environment::find("Alertmanager breaks") else { return };
    let drill = Drill::new(&environment, "brk-alert", Front::Alertmanager);
    drill.stands("alertmanager", &["closed"]);
    for harm in [Harm::Killed, Harm::Hung, Harm::Slow(Duration::from_secs(3))] {
        drill.gate.harm(harm);
        let shown = drill.stands("alertmanager", &["open", "half-open"]);
        assert!(shown["instead"].as_str().expect("declared").contains("webhook"), "{shown}");
        let name = format!("Without{harm:?}").replace(['(', ')', '.'], "");
        drill.alert(&name);
        let has = |case: &Value| {
            case["alerts"]
                .as_array()
                .is_some_and(|all| all.iter().any(|alert| alert["name"] == name.as_str()))
        };
        drill.world.wait_for("the alert while it is gone", 120, has);
        drill.gate.harm(Harm::None);
        drill.stands("alertmanager", &["closed"]);
    }
    // What people set holds whatever the destination does, and survives the process.
    let mut drill = drill;
    drill.insist(&["breakers", "force-open", "alertmanager", "--reason", "drill"]);
    drill.stands("alertmanager", &["forced"]);
    drill.world.kill_engine();
    drill.world.start_engine();
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline
        && drill.world.run(&["breakers", "disable", "alertmanager", "--reason", "x"]).0 != 0
    {
        let shown = drill.breaker("alertmanager");
        assert_eq!(shown["state"], "forced", "a new engine keeps it: {shown}");
        assert_eq!(shown["forced"]["reason"], "drill");
        std::thread::sleep(Duration::from_millis(500));
    }
    drill.stands("alertmanager", &["disabled"]);
    drill.insist(&["breakers", "reset", "alertmanager", "--reason", "over"]);
    drill.stands("alertmanager", &["closed"]);
    drill.world.audit();
}
