//! One test's part of the real environment: a namespace, a route for its alerts, an engine process, and the verbs.

use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Path of the program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_pilothouse");

/// What Alertmanager would send of one alert that has fired for half a minute.
pub fn payload(labels: &Value, says: &str) -> Value {
    let started = chrono::Utc::now() - chrono::TimeDelta::seconds(30);
    json!({"version": "4", "status": "firing", "receiver": "pilothouse",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am",
        "alerts": [{"status": "firing", "labels": labels, "annotations": {"summary": says},
            "startsAt": started.to_rfc3339(), "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus/graph"}]})
}

/// What the environment says of itself.
#[derive(Clone)]
pub struct Environment {
    pub kubectl: String,
    pub kubeconfig: String,
    pub prometheus: String,
    pub alertmanager: String,
    pub route: String,
    pub unroute: String,
    pub image: String,
}

impl Environment {
    /// The environment, or `None` after saying what is left out.
    pub fn find(what: &str) -> Option<Self> {
        let var = |name: &str| std::env::var(format!("PILOTHOUSE_TEST_{name}")).ok();
        let found = || {
            Some(Self {
                kubectl: var("KUBECTL")?,
                kubeconfig: var("KUBECONFIG")?,
                prometheus: var("PROMETHEUS")?,
                alertmanager: var("ALERTMANAGER")?,
                route: var("ROUTE")?,
                unroute: var("UNROUTE")?,
                image: var("IMAGE")?,
            })
        };
        let found = found();
        if found.is_none() {
            assert!(var("REQUIRE").is_none(), "{what}: PILOTHOUSE_TEST_* variables are missing");
            println!("left out: {what} (no PILOTHOUSE_TEST_* variables; see tests/run)");
            if let Some(file) = var("LEFT_OUT") {
                let mut file = std::fs::OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(file)
                    .expect("the list");
                writeln!(file, "{what}").expect("a line in the list");
            }
        }
        found
    }
}

/// See the module.
pub struct World {
    pub environment: Environment,
    pub namespace: String,
    pub directory: PathBuf,
    pub config: PathBuf,
    engine: Option<Child>,
    _temporary: tempfile::TempDir,
}

impl World {
    /// A namespace `pilothouse-NAME-PID` with its alerts routed to a port of its own, and settings for it. `more` is
    /// added to the settings.
    pub fn new(environment: &Environment, name: &str, more: &str) -> Self {
        let namespace = format!("ph-{name}-{}", std::process::id());
        let temporary = tempfile::tempdir().expect("a directory");
        let directory = temporary.path().to_path_buf();
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let config = directory.join("config.toml");
        let text = format!(
            "[cluster]\nkubeconfig = \"{}\"\n[store]\npath = \"{}\"\n\
             [engine]\nlease_ttl = \"6s\"\nrequest_timeout = \"3s\"\nlease_namespace = \"{namespace}\"\n\
             [policy]\nsettle = \"20s\"\n[prometheus]\nurl = \"{}\"\n\
             [alertmanager]\nurl = \"{}\"\npoll = \"5s\"\n[alerts.match]\nnamespace = \"{namespace}\"\n\
             [webhook]\nlisten = \"127.0.0.1:{port}\"\n[report_export]\nbase_directory = \"{}\"\n{more}",
            environment.kubeconfig,
            directory.join("store.db").display(),
            environment.prometheus,
            environment.alertmanager,
            directory.join("reports").display(),
        );
        std::fs::write(&config, text).expect("settings");
        let world = Self {
            environment: environment.clone(),
            namespace,
            directory,
            config,
            engine: None,
            _temporary: temporary,
        };
        world.kubectl(&["create", "namespace", &world.namespace]);
        let url = format!("http://127.0.0.1:{port}/alertmanager");
        let routed = Command::new(&environment.route).args([&world.namespace, &url]).status();
        assert!(routed.expect("route").success(), "the alerts could not be routed");
        world
    }

    /// Runs kubectl; it must succeed.
    pub fn kubectl(&self, args: &[&str]) -> String {
        let output = self.kubectl_raw(args, None);
        assert!(output.status.success(), "kubectl {args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn kubectl_raw(&self, args: &[&str], input: Option<&str>) -> Output {
        let mut child = Command::new(&self.environment.kubectl)
            .args(["--kubeconfig", &self.environment.kubeconfig])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl");
        let mut stdin = child.stdin.take().expect("its stdin");
        stdin.write_all(input.unwrap_or_default().as_bytes()).expect("its input");
        drop(stdin);
        child.wait_with_output().expect("its end")
    }

    /// Applies an object in this namespace.
    pub fn apply(&self, object: &Value) {
        let output = self
            .kubectl_raw(&["-n", &self.namespace, "apply", "-f", "-"], Some(&object.to_string()));
        assert!(output.status.success(), "apply: {}", text(&output.stderr));
    }

    /// An object of this namespace.
    pub fn get(&self, kind: &str, name: &str) -> Value {
        let json = self.kubectl(&["-n", &self.namespace, "get", kind, name, "-o", "json"]);
        serde_json::from_str(&json).expect("JSON of kubectl")
    }

    /// A Deployment with one container `app` that runs a shell script.
    pub fn deployment(
        &self,
        name: &str,
        replicas: u32,
        script: &str,
        memory: Option<&str>,
    ) -> Value {
        let mut container = json!({"name": "app", "image": self.environment.image, "command": ["/bin/sh", "-c", script]});
        if let Some(memory) = memory {
            container["resources"] =
                json!({"limits": {"memory": memory}, "requests": {"memory": "16Mi"}});
        }
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}}}})
    }

    /// Starts `pilothouse engine`.
    pub fn start_engine(&mut self) {
        self.start_engine_with(&[]);
    }

    /// Starts it with more in its environment.
    pub fn start_engine_with(&mut self, more: &[(&str, &str)]) {
        let log = std::fs::File::create(self.directory.join("engine.log")).expect("a log");
        let mut command = self.command(&["engine"]);
        command.envs(more.iter().copied());
        let child = command.stdout(Stdio::null()).stderr(log).stdin(Stdio::null()).spawn();
        self.engine = Some(child.expect("the engine"));
    }

    /// Kills the engine as `kill -9` does.
    pub fn kill_engine(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            engine.kill().expect("a kill");
            engine.wait().expect("its end");
        }
    }

    /// How the engine ended by itself, if it did in time.
    pub fn await_engine_end(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            if let Some(status) = self.engine.as_mut()?.try_wait().expect("its state") {
                self.engine = None;
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    }

    /// The program with this test's settings, in a cleared environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", &self.directory)
            .arg("--config")
            .arg(&self.config)
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs a verb, and returns exit code, stdout, stderr.
    pub fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.command(args).output().expect("the program");
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// Remediations as `list` prints them.
    pub fn list(&self) -> Vec<Value> {
        let (code, out, _) = self.run(&["list", "--output", "json"]);
        if code != 0 {
            return Vec::new();
        }
        let list = serde_json::from_str::<Value>(&out).expect("JSON of list");
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// One remediation as `show` prints it.
    pub fn show(&self, id: &str) -> Value {
        let (code, out, err) = self.run(&["show", id, "--output", "json"]);
        assert_eq!(code, 0, "show {id}: {err}");
        serde_json::from_str(&out).expect("JSON of show")
    }

    /// Waits until some remediation fits, and returns it whole.
    pub fn wait_for(&self, what: &str, seconds: u64, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            let list = self.list();
            for item in &list {
                let id = item["id"].as_str().expect("an id");
                let whole = self.show(id);
                if fits(&whole) {
                    return whole;
                }
            }
            assert!(
                Instant::now() < deadline,
                "{what} did not come in {seconds} s:\n{}",
                self.picture(&list)
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// What a failed test needs to be understood.
    pub fn picture(&self, list: &[Value]) -> String {
        let log = std::fs::read_to_string(self.directory.join("engine.log")).unwrap_or_default();
        let tail = log.lines().rev().take(30).collect::<Vec<_>>().join("\n");
        let shown = list
            .iter()
            .filter_map(|item| item["id"].as_str())
            .map(|id| self.run(&["show", id]).1)
            .collect::<Vec<_>>()
            .join("\n");
        let pods = self.kubectl(&["-n", &self.namespace, "get", "pods,deploy", "-o", "wide"]);
        format!("{shown}\n--- pods\n{pods}\n--- engine\n{tail}")
    }

    /// Approves without a terminal.
    pub fn approve(&self, case: &Value) -> (i32, String, String) {
        let id = case["id"].as_str().expect("an id");
        let digest = case["plan"]["digest"].as_str().expect("a digest");
        self.run(&["approve", id, "--plan", digest])
    }

    /// The chain of the log must verify.
    pub fn audit(&self) {
        let (code, out, err) = self.run(&["audit", "verify"]);
        assert_eq!(code, 0, "audit verify: {out}{err}");
    }

    /// Where this test's files are.
    pub fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.directory).join(name)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            let _ = engine.kill();
            let _ = engine.wait();
        }
        let _ = Command::new(&self.environment.unroute).arg(&self.namespace).status();
        let _ = self.kubectl_raw(&["delete", "namespace", &self.namespace, "--wait=false"], None);
    }
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A script that needs so many bytes, and then sleeps.
pub fn hold(bytes: u64) -> String {
    format!("x=$(head -c {bytes} /dev/zero | tr '\\0' x); {OK}")
}

/// A script that runs well.
pub const OK: &str = "trap 'exit 0' TERM; while true; do sleep 1; done";
