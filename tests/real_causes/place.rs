//! One case's part of the cluster: its namespace, its alert, its remediation.

use crate::engine::Engine;
use crate::world::{Environment, payload, text};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A script that runs well.
pub const OK: &str = "trap 'exit 0' TERM; while true; do sleep 1; done";

/// See the module.
pub struct Place {
    pub namespace: String,
    pub image: String,
    environment: Environment,
    engine: &'static Engine,
}

impl Place {
    /// A namespace for this case; `None` where there is no environment, after that was said.
    pub fn new(name: &str) -> Option<Self> {
        let environment = Environment::find(&format!("the whole case {name}"))?;
        let engine = Engine::get(&environment);
        let namespace = format!("ph-{name}-{}", std::process::id());
        let image = environment.image.clone();
        let it = Self { namespace, image, environment, engine };
        it.kubectl(&["create", "namespace", &it.namespace]);
        Some(it)
    }

    fn raw(&self, args: &[&str], input: &str) -> Output {
        let mut child = Command::new(&self.environment.kubectl)
            .args(["--kubeconfig", &self.environment.kubeconfig, "-n", &self.namespace])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl");
        let _ = child.stdin.take().expect("its stdin").write_all(input.as_bytes());
        child.wait_with_output().expect("its end")
    }

    /// Runs kubectl in this namespace; it must succeed.
    pub fn kubectl(&self, args: &[&str]) -> String {
        let output = self.raw(args, "");
        assert!(output.status.success(), "kubectl {args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs kubectl in this namespace, whatever comes of it.
    pub fn try_kubectl(&self, args: &[&str]) -> bool {
        self.raw(args, "").status.success()
    }

    /// Applies objects.
    pub fn apply(&self, objects: &[Value]) {
        for object in objects {
            let output = self.raw(&["apply", "-f", "-"], &object.to_string());
            assert!(output.status.success(), "apply {object}: {}", text(&output.stderr));
        }
    }

    /// Applies an object that may not be had yet.
    pub fn try_apply(&self, object: &Value) -> bool {
        self.raw(&["apply", "-f", "-"], &object.to_string()).status.success()
    }

    /// An object as it is now; null when there is none.
    pub fn get(&self, kind: &str, name: &str) -> Value {
        let output = self.raw(&["get", kind, name, "-o", "json"], "");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// Names of pods with these labels.
    pub fn pods(&self, labels: &str) -> Vec<String> {
        let names = self.kubectl(&["get", "pods", "-l", labels, "-o", "name"]);
        names.lines().filter_map(|line| line.strip_prefix("pod/")).map(String::from).collect()
    }

    /// Waits until something is so on the cluster.
    pub fn until(&self, what: &str, seconds: u64, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while !holds() {
            assert!(Instant::now() < deadline, "{what} in {seconds} s:\n{}", self.picture());
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Whether Prometheus has a figure of the kubelet for the claim `data`, with as much used as was written, or all of it.
    pub fn measured(&self, bytes: u32) -> bool {
        let query = format!(
            "query=kubelet_volume_stats_used_bytes{{namespace=\"{}\",persistentvolumeclaim=\"data\"}} >= {}",
            self.namespace,
            bytes.min(8 << 20)
        );
        let url = format!("{}/api/v1/query", self.environment.prometheus);
        let args = ["-fsS", "--max-time", "10", "-G", &url, "--data-urlencode", &query];
        let answer = Command::new("curl").args(args).output().expect("curl");
        text(&answer.stdout).contains("\"value\"")
    }

    /// Waits until a Deployment is rolled out.
    pub fn rolled_out(&self, name: &str) {
        self.kubectl(&["rollout", "status", &format!("deploy/{name}"), "--timeout=120s"]);
    }

    /// A Deployment with one container `app` that runs a shell script.
    pub fn deployment(&self, name: &str, replicas: u32, script: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [{"name": "app", "image": self.image, "command": ["/bin/sh", "-c", script]}]}}}})
    }

    /// Hands in an alert with these labels and this namespace.
    pub fn alert(&self, name: &str, labels: Value) {
        self.alert_saying(name, labels, "Something is wrong");
    }

    /// As [`Place::alert`], with a text that may mislead.
    pub fn alert_saying(&self, name: &str, mut labels: Value, says: &str) {
        labels["alertname"] = name.into();
        labels["severity"] = "warning".into();
        if labels.get("namespace").is_none() {
            labels["namespace"] = self.namespace.as_str().into();
        }
        let payload = payload(&labels, says);
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let (code, out, err) = self.engine.run(&["alert", "-"], &payload.to_string());
            if code == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "alert: {code} {out}{err}\n{}", self.engine.log());
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// The remediation of this namespace's alerts, once it fits.
    pub fn case(&self, what: &str, seconds: u64, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(case) = self.newest().filter(&fits) {
                return case;
            }
            assert!(Instant::now() < deadline, "{what} in {seconds} s:\n{}", self.picture());
            std::thread::sleep(Duration::from_millis(700));
        }
    }

    fn newest(&self) -> Option<Value> {
        let list = self.engine.json(&["list"])?;
        list["items"].as_array()?.iter().find_map(|item| {
            let whole = self.engine.json(&["show", item["id"].as_str()?])?;
            whole["alerts"].to_string().contains(&self.namespace).then_some(whole)
        })
    }

    /// The case when its plan waits for a decision.
    pub fn plan(&self, cause: &str, target: &str, template: &str) -> Value {
        let settled =
            |case: &Value| case["state"] == "awaiting_approval" || case["state"] == "closed";
        let case = self.case("a plan", 180, settled);
        self.diagnosed(&case, cause, target);
        assert_eq!(case["state"], "awaiting_approval", "{}", self.picture());
        assert_eq!(case["template"]["name"], template, "{}", self.picture());
        case
    }

    /// Approves the plan and waits for its end, which must be effective.
    pub fn approve(&self, case: &Value) -> Value {
        let (id, digest) =
            (case["id"].as_str().expect("id"), case["plan"]["digest"].as_str().expect("digest"));
        let name = case["target"]["name"].as_str().expect("a target");
        let args = ["approve", id, "--plan", digest, "--target-name", name];
        let (code, out, err) = self.engine.run(&args, "");
        assert_eq!(code, 0, "{out}{err}\n{}", self.picture());
        let case = self.case("the verdict", 420, |case| case["state"] == "closed");
        assert_eq!(case["verdict"]["outcome"], "effective", "{}", self.picture());
        case
    }

    /// The case when it was handed over, for this cause of this object, in these words.
    pub fn told(&self, cause: &str, target: &str, words: &[&str]) -> Value {
        let settled =
            |case: &Value| case["state"] == "awaiting_approval" || case["state"] == "closed";
        let case = self.case("a hand-over", 180, settled);
        self.diagnosed(&case, cause, target);
        assert_eq!(case["verdict"]["outcome"], "handed_over", "{}", self.picture());
        let told = case["plan"]["steps"].to_string();
        for word in words {
            assert!(told.contains(word), "`{word}` is told in\n{told}");
        }
        case
    }

    fn diagnosed(&self, case: &Value, cause: &str, target: &str) {
        assert_eq!(case["cause"], cause, "{}", self.picture());
        let it = &case["target"];
        let found = format!(
            "{}/{}",
            it["kind"].as_str().unwrap_or("-"),
            it["name"].as_str().unwrap_or("-")
        );
        assert_eq!(found, target, "{}", self.picture());
    }

    /// What a failed test needs to be understood.
    pub fn picture(&self) -> String {
        let shown = self
            .newest()
            .and_then(|case| Some(self.engine.run(&["show", case["id"].as_str()?], "").1))
            .unwrap_or_else(|| "no case".into());
        let objects = self.raw(&["get", "pods,deploy,svc,pvc,job,events", "-o", "wide"], "");
        format!(
            "{shown}\n--- objects\n{}\n--- engine\n{}",
            text(&objects.stdout),
            self.engine.log()
        )
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.raw(&["delete", "namespace", &self.namespace, "--wait=false"], "");
    }
}
