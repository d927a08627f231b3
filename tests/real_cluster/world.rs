//! A namespace of its own on the real cluster, kubectl to look at it apart from the adapter, and the adapter.

use crate::environment::variable;
use pilothouse::adapters::clock::SystemClock;
use pilothouse::adapters::entropy::SystemEntropy;
use pilothouse::adapters::kube::{KubeCluster, KubeOptions};
use pilothouse::adapters::store::memory::MemoryStore;
use pilothouse::domain::breaker::Destination;
use pilothouse::domain::evidence::{Answer, Read};
use pilothouse::domain::id::{AttemptId, StepPath};
use pilothouse::domain::operation::{ATTEMPT_ANNOTATION, FieldChange, Operation};
use pilothouse::domain::policy::Policy;
use pilothouse::domain::resource::{FieldPath, ObjectKey, ObjectRef};
use pilothouse::domain::workflow::execution::{AttemptOutcome, Direction};
use pilothouse::domain::workflow::template::Library;
use pilothouse::engine::executor::{self, Standing};
use pilothouse::engine::job::Sending;
use pilothouse::engine::outside::Outside;
use pilothouse::ports::clock::Clock;
use pilothouse::ports::cluster::Cluster;
use pilothouse::ports::line::{Line, Lines};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The clock that adapters and permits share.
pub static CLOCK: LazyLock<Arc<SystemClock>> = LazyLock::new(|| Arc::new(SystemClock::start()));

/// Under which name the tests hold the Lease.
pub const HOLDER: &str = "test-engine";

/// One test's part of the cluster. Its namespace goes away with it.
pub struct World {
    pub ns: String,
    pub kubeconfig: PathBuf,
    kubectl: String,
}

impl World {
    /// A fresh namespace; `None` when there is no cluster.
    pub fn new(test: &str) -> Option<Self> {
        let kubeconfig = variable("PILOTHOUSE_TEST_KUBECONFIG", &format!("real cluster: {test}"))?;
        let kubectl = std::env::var("PILOTHOUSE_TEST_KUBECTL").unwrap_or_else(|_| "kubectl".into());
        let ns = format!("kube-{test}-{}", &uuid::Uuid::new_v4().to_string()[..8]);
        let world = Self { ns, kubeconfig: kubeconfig.into(), kubectl };
        world.kubectl(&["create", "namespace", &world.ns]);
        Some(world)
    }

    /// Runs kubectl; panics when it fails.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.kubectl_with(arguments, "")
    }

    /// Runs kubectl with a text on its standard input; panics when it fails.
    pub fn kubectl_with(&self, arguments: &[&str], input: &str) -> String {
        self.try_kubectl(arguments, input)
            .unwrap_or_else(|said| panic!("kubectl {arguments:?}: {said}"))
    }

    /// Runs kubectl where it may fail, such as an exec into a container that may just have ended.
    ///
    /// # Errors
    /// What it said on its standard error.
    pub fn try_kubectl(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let mut child = Command::new(&self.kubectl)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8(output.stdout).unwrap())
    }

    /// Creates an object and returns it as the server has it.
    pub fn create(&self, object: &Value) -> Value {
        let text = self.kubectl_with(
            &["create", "--namespace", &self.ns, "-f", "-", "-o", "json"],
            &object.to_string(),
        );
        serde_json::from_str(&text).unwrap()
    }

    /// An object as kubectl sees it.
    pub fn see(&self, kind: &str, name: &str) -> Value {
        let text = self.kubectl(&["get", kind, name, "--namespace", &self.ns, "-o", "json"]);
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until no controller writes to a Deployment any more.
    pub async fn settled(&self, name: &str) {
        let version = || self.see("deployment", name)["metadata"]["resourceVersion"].clone();
        let mut last = version();
        let mut quiet = 0;
        while quiet < 3 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let now = version();
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
        }
    }

    /// A Deployment without pods, and its reference.
    pub fn deployment(&self, name: &str) -> ObjectRef {
        let created = self.create(&deployment(name));
        ObjectRef::of(&created).unwrap()
    }

    pub fn options(&self) -> KubeOptions {
        KubeOptions {
            kubeconfig: Some(self.kubeconfig.clone()),
            lease_namespace: self.ns.clone(),
            ..KubeOptions::default()
        }
    }

    /// The adapter, as admin.
    pub async fn cluster(&self) -> Arc<KubeCluster> {
        connect(self.options()).await
    }

    /// The adapter through another address (plain HTTP).
    pub async fn cluster_at(&self, port: u16, timeout: Duration) -> Arc<KubeCluster> {
        let kubeconfig = plain_kubeconfig(port);
        connect(KubeOptions {
            kubeconfig: Some(kubeconfig.path.clone()),
            timeout,
            connect_timeout: Duration::from_secs(2),
            ..self.options()
        })
        .await
    }

    /// A kubeconfig for a user without rights, whose name is `ns-name`.
    pub fn user(&self, name: &str) -> Option<(String, PathBuf)> {
        let script = variable("PILOTHOUSE_TEST_USER", "real cluster: what another user may do")?;
        let dir = variable("PILOTHOUSE_TEST_DIR", "real cluster: what another user may do")?;
        let user = format!("{}-{name}", self.ns);
        let output = Command::new(script).arg(dir).arg(&user).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let path = String::from_utf8(output.stdout).unwrap();
        Some((user, path.trim().into()))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Not awaited: the namespace's name is never used again.
        let _ = Command::new(&self.kubectl)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(["delete", "namespace", &self.ns, "--wait=false", "--ignore-not-found"])
            .output();
    }
}

/// Makes the adapter.
pub async fn connect(options: KubeOptions) -> Arc<KubeCluster> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Arc::new(KubeCluster::connect(options, CLOCK.clone(), line()).await.unwrap())
}

/// A line of its own to the cluster.
pub fn line() -> Line {
    let clock: Arc<dyn Clock> = CLOCK.clone();
    Lines::shipped(&clock).to(Destination::Cluster)
}

/// A kubeconfig without credentials for `http://127.0.0.1:port`.
pub fn plain_kubeconfig(port: u16) -> Kept {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "plain",
        "clusters": [{"name": "plain", "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
        "users": [{"name": "plain", "user": {}}],
        "contexts": [{"name": "plain", "context": {"cluster": "plain", "user": "plain"}}],
    });
    keep("kubeconfig.json", &config.to_string())
}

/// A file that goes away with this: some hold the admin's key.
pub struct Kept {
    pub path: PathBuf,
    _dir: tempfile::TempDir,
}

/// Writes a file in a folder of its own.
pub fn keep(name: &str, text: &str) -> Kept {
    let dir = tempfile::Builder::new().prefix("pilothouse-test-").tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    Kept { path, _dir: dir }
}

pub fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [
                    {"name": "side", "image": "none.invalid/side:1"},
                    {"name": "app", "image": "none.invalid/app:1",
                     "resources": {"limits": {"memory": "256Mi"}}},
                ]},
            },
        },
    })
}

/// What people and we set on an object: controllers write the rest whenever they like.
pub fn held(object: &Value) -> Value {
    let stamp = &object["metadata"]["annotations"][ATTEMPT_ANNOTATION];
    json!({
        "spec": object["spec"], "generation": object["metadata"]["generation"],
        "uid": object["metadata"]["uid"], "labels": object["metadata"]["labels"], "stamp": stamp,
    })
}

/// `spec.template.spec.containers[app].resources.limits.memory`
pub fn memory_limit(container: &str) -> FieldPath {
    FieldPath::keys(&["spec", "template", "spec", "containers"])
        .named(container)
        .key("resources")
        .key("limits")
        .key("memory")
}

pub fn change(path: FieldPath, before: Option<Value>, after: Option<Value>) -> FieldChange {
    FieldChange { path, before, after }
}

/// Raises the limit of `app` from 256Mi.
pub fn raise(object: &ObjectRef, to: &str) -> Operation {
    Operation::Patch {
        object: object.clone(),
        subresource: String::new(),
        changes: vec![change(memory_limit("app"), Some("256Mi".into()), Some(to.into()))],
        guards: Vec::new(),
    }
}

pub fn key(kind: &str, ns: &str, name: &str) -> ObjectKey {
    let api = if kind == "Deployment" { "apps/v1" } else { "v1" };
    ObjectKey::new(api, kind, ns, name)
}

pub async fn object(cluster: &dyn Cluster, key: &ObjectKey) -> Value {
    match cluster.read(&Read::Object(key.clone())).await {
        Answer::Object(object) => object,
        other => panic!("{}: {other:?}", key.path()),
    }
}

/// Takes the Lease (of the test's own namespace) and sends by the engine's own way: only it issues permits.
pub async fn send(
    cluster: &Arc<KubeCluster>,
    attempt: &str,
    operation: &Operation,
) -> AttemptOutcome {
    send_within(cluster, attempt, operation, Duration::from_secs(30)).await
}

/// As [`send`], with a permit that ends after `lease`.
pub async fn send_within(
    cluster: &Arc<KubeCluster>,
    attempt: &str,
    operation: &Operation,
    lease: Duration,
) -> AttemptOutcome {
    cluster.hold_lease(HOLDER, 60, None).await.unwrap();
    send_holding(cluster, attempt, operation, lease).await
}

/// As [`send_within`], without taking the Lease.
pub async fn send_holding(
    cluster: &Arc<KubeCluster>,
    attempt: &str,
    operation: &Operation,
    lease: Duration,
) -> AttemptOutcome {
    let clock: Arc<dyn Clock> = CLOCK.clone();
    let standing = Standing { holder: HOLDER.into(), fence: 1, until: clock.monotonic() + lease };
    let sending = Sending {
        path: StepPath::root().child(0),
        attempt: AttemptId::new(attempt),
        direction: Direction::Forward,
        operation: operation.clone(),
    };
    executor::send(&outside(cluster), Some(&standing), &sending).await
}

/// What the engine has around it: this cluster, a store in memory, no metrics.
pub fn outside(cluster: &Arc<KubeCluster>) -> Outside {
    let clock: Arc<dyn Clock> = CLOCK.clone();
    Outside {
        memory: Arc::new(pilothouse::adapters::memory::embedded::EmbeddedMemory::default()),
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
        cluster: cluster.clone(),
        metrics: None,
        advisor: None,
        alerts: None,
        store: Arc::new(MemoryStore::new(clock.clone())),
        library: Arc::new(Library::default()),
        policy: Arc::new(Policy::default()),
        request_timeout: Duration::from_secs(30),
        lines: Arc::new(Lines::shipped(&clock)),
    }
}

/// Looks again and again until it is so; panics after a minute and a half.
pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..450 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("never came: {what}");
}
