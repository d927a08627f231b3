//! From an alert to its plan, on the real cluster of `tests/env`, without a model: how long a person waits for something
//! to decide on. Goal: p99 over 100 alerts at most 1 s.
//!
//! Real Deployments are broken in three ways (killed for memory, rolled out badly, a Secret missing). An engine as
//! `pilothouse engine` runs it, in this process, is given one alert after the other (each is rejected or claimed and
//! resolved before the next), and then all Deployments' alerts at once. The clock starts when an alert is handed to the
//! engine and stops when its plan is in the picture that consoles draw. What lies between comes from the log.
//!
//! Run with `. DIR/env; cargo bench --bench alert_to_plan`. Without an environment it says so and measures nothing.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_stack_arrays,
    clippy::duration_suboptimal_units,
    reason = "not product code"
)]

use pilothouse::assemble::real;
use pilothouse::assemble::running::{Running, runtime};
use pilothouse::config::load::{Sources, load};
use pilothouse::domain::alert::{Alert, AlertStatus};
use pilothouse::domain::approval::{Decision, Gesture};
use pilothouse::domain::event::Event;
use pilothouse::domain::id::{Fingerprint, RemediationId};
use pilothouse::domain::principal::{Principal, Transport};
use pilothouse::engine::command::{Command, Receipt};
use pilothouse::engine::query::{Answer, Query};
use pilothouse::engine::snapshot::{Role, Row, Snapshot};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const DEPLOYMENTS: usize = 12;
const ALERTS: usize = 100;
const OK: &str = "trap 'exit 0' TERM; while true; do sleep 1; done";

struct Ground {
    kubectl: String,
    kubeconfig: String,
    image: String,
    prometheus: String,
    namespace: String,
}

impl Ground {
    fn find() -> Option<Self> {
        let var = |name: &str| std::env::var(format!("PILOTHOUSE_TEST_{name}")).ok();
        Some(Self {
            kubectl: var("KUBECTL")?,
            kubeconfig: var("KUBECONFIG")?,
            image: var("IMAGE")?,
            prometheus: var("PROMETHEUS")?,
            namespace: format!("ph-bench-{}", std::process::id()),
        })
    }

    fn kubectl(&self, args: &[&str], input: &str) -> String {
        let mut child = Process::new(&self.kubectl)
            .args(["--kubeconfig", &self.kubeconfig, "-n", &self.namespace])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "kubectl {args:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn apply(&self, number: usize, broken: bool) {
        let name = name(number);
        let hold = "x=$(head -c 66000000 /dev/zero | tr '\\0' x); sleep 3600";
        let script = match (number % 3, broken) {
            (0, _) => hold,
            (1, true) => "echo no such flag; exit 2",
            (_, _) => OK,
        };
        let mut container =
            json!({"name": "app", "image": self.image, "command": ["/bin/sh", "-c", script]});
        match number % 3 {
            0 => {
                container["resources"] =
                    json!({"limits": {"memory": "64Mi"}, "requests": {"memory": "16Mi"}});
            }
            2 if broken => {
                container["envFrom"] = json!([{"secretRef": {"name": format!("{name}-secret")}}]);
            }
            _ => {}
        }
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}}}});
        self.kubectl(&["apply", "-f", "-"], &object.to_string());
    }

    /// The pod of each Deployment that is in trouble, once all are.
    fn pods_in_trouble(&self) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            let list = self.kubectl(&["get", "pods", "-o", "json"], "");
            let list = serde_json::from_str::<Value>(&list).unwrap();
            let found = (0..DEPLOYMENTS)
                .filter_map(|number| trouble(&list, &name(number)))
                .collect::<Vec<_>>();
            if found.len() == DEPLOYMENTS {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "only {} of {DEPLOYMENTS} are in trouble",
                found.len()
            );
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let delete = ["delete", "namespace", &self.namespace, "--wait=false"];
        let _ = Process::new(&self.kubectl)
            .args(["--kubeconfig", &self.kubeconfig])
            .args(delete)
            .status();
    }
}

fn name(number: usize) -> String {
    format!("{}-{number}", ["ledger", "cart", "mail"][number % 3])
}

fn trouble(pods: &Value, app: &str) -> Option<String> {
    pods["items"].as_array()?.iter().find_map(|pod| {
        let status = &pod["status"]["containerStatuses"][0];
        let bad = status["restartCount"].as_u64().unwrap_or(0) >= 2
            || status["state"]["waiting"]["reason"] == "CreateContainerConfigError";
        (pod["metadata"]["labels"]["app"] == app && bad)
            .then(|| pod["metadata"]["name"].as_str().unwrap().to_string())
    })
}

struct Bench {
    ground: Ground,
    running: Running,
    number: usize,
}

impl Bench {
    fn new(ground: Ground, directory: &std::path::Path) -> Self {
        let text = format!(
            "[cluster]\nkubeconfig = \"{}\"\n[store]\npath = \"{}\"\n[engine]\nlease_namespace = \"{}\"\n\
             [prometheus]\nurl = \"{}\"\n",
            ground.kubeconfig,
            directory.join("store.db").display(),
            ground.namespace,
            ground.prometheus,
        );
        let file = directory.join("config.toml");
        std::fs::write(&file, text).unwrap();
        let sources =
            Sources { file: Some(file), directory: directory.into(), ..Sources::default() };
        let settings = load(&sources).unwrap().settings;
        let running = real::engine(&settings, None, "bench", Arc::new(runtime().unwrap())).unwrap();
        let bench = Self { ground, running, number: 0 };
        bench.until("an engine that drives", |picture| {
            (picture.role == Role::Driving).then_some(())
        });
        bench
    }

    /// Waits until the picture has something.
    fn until<T>(&self, what: &str, mut find: impl FnMut(&Snapshot) -> Option<T>) -> T {
        let mut pictures = self.running.handle.snapshots();
        self.running.runtime.block_on(async {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
            loop {
                if let Some(found) = find(&pictures.borrow_and_update()) {
                    return found;
                }
                let changed = tokio::time::timeout_at(deadline, pictures.changed()).await;
                changed.unwrap_or_else(|_| panic!("{what} did not come")).unwrap();
            }
        })
    }

    fn command(&self, command: Command, via: Transport) -> Receipt {
        let uid = rustix::process::getuid().as_raw();
        let by = Principal { via, uid, os_user: "bench".into(), ..Principal::engine() };
        self.running.runtime.block_on(self.running.handle.command(command, by, None))
    }

    fn alert(&mut self, pod: &str) -> Alert {
        self.number += 1;
        let labels = [
            ("alertname", "KubePodCrashLooping"),
            ("namespace", &self.ground.namespace),
            ("pod", pod),
        ];
        Alert {
            fingerprint: Fingerprint::new(format!("{:016x}", self.number)),
            status: AlertStatus::Firing,
            labels: labels.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect(),
            annotations: BTreeMap::new(),
            starts_at: chrono::Utc::now(),
            ends_at: None,
        }
    }

    fn hand_in(&self, alerts: Vec<Alert>) {
        let receipt = self.command(Command::Alerts { alerts }, Transport::Webhook);
        assert!(matches!(receipt, Receipt::Done { .. }), "{receipt:?}");
    }

    /// The row of the case that has a plan, or ended without one.
    fn planned(&self, known: &[RemediationId]) -> Row {
        self.until("a plan", |picture| {
            let fresh = picture.rows.iter().filter(|row| !known.contains(&row.id));
            fresh.clone().find(|row| row.plan.is_some() || row.outcome.is_some()).cloned()
        })
    }

    /// Ends a case and its episode.
    fn clear(&self, row: &Row, mut alert: Alert) {
        if let (None, Some((plan, _))) = (&row.outcome, &row.plan) {
            let command = Command::Decide {
                remediation: row.id.clone(),
                plan: plan.clone(),
                decision: Decision::Reject,
                gesture: Gesture::Key,
                reason: "bench".into(),
                typed: None,
                step: None,
            };
            self.command(command, Transport::Console);
        }
        self.command(Command::Claim { remediation: row.id.clone() }, Transport::Console);
        alert.status = AlertStatus::Resolved;
        alert.ends_at = Some(chrono::Utc::now());
        self.hand_in(vec![alert]);
        self.until("its end", |picture| {
            let closed = picture.rows.iter().find(|other| other.id == row.id)?.outcome.is_some();
            closed.then_some(())
        });
    }

    /// Milliseconds from the alert to each step of a case, by the log.
    fn steps(&self, id: &RemediationId, from: chrono::DateTime<chrono::Utc>) -> [i64; 3] {
        let query = Query::Log { limit: 1_000, remediation: Some(id.clone()) };
        let asked = self.running.handle.query(query, Principal::engine());
        let Answer::Log(events) = self.running.runtime.block_on(asked) else { return [0; 3] };
        let at = |wanted: fn(&Event) -> bool| {
            let found = events.iter().find(|recorded| wanted(&recorded.event));
            found.map_or(0, |recorded| (recorded.at - from).num_milliseconds())
        };
        [
            at(|event| matches!(event, Event::Opened { .. })),
            at(|event| matches!(event, Event::Diagnosed { .. })),
            at(|event| matches!(event, Event::Planned { .. })),
        ]
    }
}

fn report(what: &str, mut taken: Vec<Duration>) {
    taken.sort();
    let at = |share: usize| taken[(taken.len() * share).div_ceil(100).max(1) - 1];
    println!(
        "{what}: {} alerts, p50 {:?}, p90 {:?}, p99 {:?}, worst {:?}",
        taken.len(),
        at(50),
        at(90),
        at(99),
        at(100)
    );
}

fn main() {
    let Some(ground) = Ground::find() else {
        println!(
            "left out: alert to plan (no PILOTHOUSE_TEST_* variables; see tests/env/README.md)"
        );
        return;
    };
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let directory = tempfile::tempdir().unwrap();
    ground.kubectl(&["create", "namespace", &ground.namespace], "");
    (0..DEPLOYMENTS).for_each(|number| ground.apply(number, false));
    std::thread::sleep(Duration::from_secs(30));
    (0..DEPLOYMENTS).for_each(|number| ground.apply(number, true));
    let pods = ground.pods_in_trouble();
    let mut bench = Bench::new(ground, directory.path());
    let mut known = Vec::new();
    let mut taken = BTreeMap::<&str, Vec<Duration>>::new();
    let mut parts = [const { Vec::new() }; 3];
    let mut ends = BTreeMap::<String, usize>::new();
    for number in 0..ALERTS {
        let pod = &pods[number % DEPLOYMENTS];
        let alert = bench.alert(pod);
        let (began, from) = (Instant::now(), chrono::Utc::now());
        bench.hand_in(vec![alert.clone()]);
        let row = bench.planned(&known);
        let kind = ["memory", "rollout", "secret"][number % 3];
        taken.entry(kind).or_default().push(began.elapsed());
        taken.entry("all").or_default().push(began.elapsed());
        for (part, ms) in parts.iter_mut().zip(bench.steps(&row.id, from)) {
            part.push(Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        }
        *ends.entry(format!("{kind}: {}", row.cause)).or_default() += 1;
        known.push(row.id.clone());
        bench.clear(&row, alert);
    }
    println!("what was found: {ends:?}");
    for (part, name) in parts.into_iter().zip(["opened", "diagnosed", "planned"]) {
        report(&format!("  to `{name}` by the log"), part);
    }
    for (kind, times) in taken {
        report(&format!("one after the other, {kind}"), times);
    }
    storm(&mut bench, &pods, &known);
    let Bench { ground, running, .. } = bench;
    running.end();
    drop(ground);
}

/// All Deployments' alerts in one delivery.
fn storm(bench: &mut Bench, pods: &[String], known: &[RemediationId]) {
    let alerts = pods.iter().map(|pod| bench.alert(pod)).collect::<Vec<_>>();
    let began = Instant::now();
    bench.hand_in(alerts);
    let mut times = BTreeMap::new();
    bench.until("all plans", |picture| {
        for row in picture.rows.iter().filter(|row| !known.contains(&row.id)) {
            if row.plan.is_some() || row.outcome.is_some() {
                times.entry(row.id.clone()).or_insert_with(|| began.elapsed());
            }
        }
        (times.len() >= pods.len()).then_some(())
    });
    report("all at once", times.into_values().collect());
}
