//! A keeper as Argo CD and Flux are: it applies its source again and again, unless it is suspended.

use crate::world::{Environment, World};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// See the module. Ends when it is dropped.
pub struct Keeper {
    over: Arc<AtomicBool>,
    syncs: Arc<AtomicU32>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Keeps `source` under that field manager's name, while `active` says so of the live object `watched`.
    pub fn start(
        world: &World,
        writer: &'static str,
        watched: &'static str,
        active: fn(&Value) -> bool,
        source: Value,
    ) -> Self {
        let (environment, namespace) = (world.environment.clone(), world.namespace.clone());
        let over = Arc::new(AtomicBool::new(false));
        let syncs = Arc::new(AtomicU32::new(0));
        apply(&environment, &namespace, writer, &source);
        let thread = std::thread::spawn({
            let (over, syncs) = (Arc::clone(&over), Arc::clone(&syncs));
            move || {
                let kept = format!(
                    "{}/{}",
                    source["kind"].as_str().expect("a kind"),
                    source["metadata"]["name"].as_str().expect("a name")
                );
                let get = |what: &str| {
                    let args = ["-n", &namespace, "get", what, "-o", "json"];
                    serde_json::from_str::<Value>(&kubectl(&environment, &args, ""))
                        .unwrap_or_default()
                };
                while !over.load(Ordering::Relaxed) {
                    // Read before the look at the keeper, so that no sync begun before the suspension ends after the
                    // change. A real keeper has that window, and what it then puts back the verdict sees.
                    let before = get(&kept)["metadata"]["resourceVersion"].clone();
                    let live = get(watched);
                    if live.is_object() && active(&live) {
                        let mut source = source.clone();
                        source["metadata"]["resourceVersion"] = before;
                        apply(&environment, &namespace, writer, &source);
                        syncs.fetch_add(1, Ordering::Relaxed);
                    }
                    std::thread::sleep(Duration::from_millis(700));
                }
            }
        });
        Self { over, syncs, thread: Some(thread) }
    }

    /// How often it applied its source since it was started.
    pub fn syncs(&self) -> u32 {
        self.syncs.load(Ordering::Relaxed)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn apply(environment: &Environment, namespace: &str, writer: &str, source: &Value) {
    let manager = format!("--field-manager={writer}");
    let args =
        ["-n", namespace, "apply", "--server-side", "--force-conflicts", &manager, "-f", "-"];
    kubectl(environment, &args, &source.to_string());
}

fn kubectl(environment: &Environment, args: &[&str], input: &str) -> String {
    let mut child = Command::new(&environment.kubectl)
        .args(["--kubeconfig", &environment.kubeconfig])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("kubectl");
    child.stdin.take().expect("its stdin").write_all(input.as_bytes()).expect("its input");
    let output = child.wait_with_output().expect("its end");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Makes the API server serve that kind, with any fields.
pub fn define(world: &World, group: &str, version: &str, kind: &str, plural: &str) {
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {"group": group, "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase(),
                "listKind": format!("{kind}List")},
            "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema":
                {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    let output =
        kubectl(&world.environment, &["apply", "--server-side", "-f", "-"], &crd.to_string());
    assert!(
        output.contains("serverside-applied"),
        "the kind {kind} could not be defined: {output}"
    );
    let name = format!("crd/{plural}.{group}");
    world.kubectl(&["wait", "--for=condition=Established", &name, "--timeout=30s"]);
}
