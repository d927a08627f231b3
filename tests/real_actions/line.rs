//! The way of an action from its parameters to the cluster and back, as planner and executor take it.

use crate::world::{CLOCK, World, send};
use pilothouse::adapters::kube::KubeCluster;
use pilothouse::adapters::prometheus::Prometheus;
use pilothouse::domain::action::{Action, ActionRequest, Compiled, compile};
use pilothouse::domain::breaker::Destination;
use pilothouse::domain::diagnosis::{Cause, Diagnosis, Disposition, MadeBy, Pattern};
use pilothouse::domain::evidence::{Gathered, Progress, Read};
use pilothouse::domain::id::AttemptId;
use pilothouse::domain::operation::Operation;
use pilothouse::domain::resource::{ObjectKey, ObjectRef};
use pilothouse::domain::workflow::execution::AttemptOutcome;
use pilothouse::ports::clock::Clock;
use pilothouse::ports::cluster::Cluster;
use pilothouse::ports::line::Lines;
use pilothouse::ports::metrics::Metrics;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What was done, and what takes it back.
pub struct Done {
    pub compiled: Compiled,
    undo: Vec<Operation>,
}

/// The object that kubectl sees, as an action's target.
pub fn target(world: &World, api_version: &str, kind: &str, name: &str) -> ObjectRef {
    let namespaced = !matches!(kind, "Node" | "Namespace");
    let seen = if namespaced {
        world.see(kind, name)
    } else {
        serde_json::from_str(&world.kubectl(&["get", kind, name, "-o", "json"])).unwrap()
    };
    let namespace = if namespaced { world.ns.as_str() } else { "" };
    let uid = seen["metadata"]["uid"].as_str().unwrap().to_string();
    ObjectRef { key: ObjectKey::new(api_version, kind, namespace, name), uid }
}

/// What the action comes down to now, or why it can't be done.
#[allow(clippy::needless_pass_by_value)] // `json!` at the call
pub async fn plan(
    cluster: &Arc<KubeCluster>,
    action: Action,
    target: &ObjectRef,
    params: Value,
) -> Result<Compiled, String> {
    let diagnosis = diagnosis(target);
    let params = params.as_object().cloned().unwrap_or_default();
    let params = params.into_iter().collect::<BTreeMap<_, _>>();
    let mut gathered = Gathered::default();
    for _ in 0..8 {
        let request =
            ActionRequest { target, diagnosis: &diagnosis, params: &params, gathered: &gathered };
        match compile(action, &request).map_err(|error| error.to_string())? {
            Progress::Ready(compiled) => return Ok(compiled),
            Progress::Need(reads) => {
                for read in reads {
                    let answer = match &read {
                        Read::Query { .. } | Read::Range { .. } => metrics().query(&read).await,
                        _ => cluster.read(&read).await,
                    };
                    gathered.answers.insert(read, answer);
                }
            }
        }
    }
    panic!("{action} asks for ever");
}

fn metrics() -> Prometheus {
    let url = std::env::var("PILOTHOUSE_TEST_PROMETHEUS").unwrap();
    let url = url::Url::parse(&url).unwrap();
    let clock: Arc<dyn Clock> = CLOCK.clone();
    let line = Lines::shipped(&clock).to(Destination::Prometheus);
    Prometheus::new(&url, None, Duration::from_secs(10), clock, line).unwrap()
}

/// Plans, previews and sends. A budget that holds an eviction back is waited for.
pub async fn act(
    cluster: &Arc<KubeCluster>,
    action: Action,
    target: &ObjectRef,
    params: Value,
) -> Done {
    let compiled = plan(cluster, action, target, params).await.unwrap();
    assert!(compiled.blockers.is_empty() && compiled.unknown.is_empty(), "{compiled:?}");
    let mut undo = Vec::new();
    let mut previewed = BTreeSet::new();
    for (index, operation) in compiled.operations.iter().enumerate() {
        if previewed.insert(operation.key().cloned()) {
            let preview = cluster.preview(operation).await;
            assert!(matches!(preview, Ok(Some(_))), "{action}: {preview:?}");
        }
        let attempt = format!("{}-{index}", uuid::Uuid::new_v4());
        sent(cluster, &attempt, operation).await;
        undo.extend(operation.undo().map(|back| match back {
            Operation::Unmake { object, .. } => {
                Operation::Unmake { object, made_by: vec![AttemptId::new(&attempt)] }
            }
            other => other,
        }));
    }
    Done { compiled, undo }
}

async fn sent(cluster: &Arc<KubeCluster>, attempt: &str, operation: &Operation) {
    for _ in 0..120 {
        match send(cluster, attempt, operation).await {
            AttemptOutcome::Applied { .. } => return,
            AttemptOutcome::Held { .. } => tokio::time::sleep(Duration::from_millis(500)).await,
            other => panic!("{operation:?}: {other:?}"),
        }
    }
    panic!("held back for ever: {operation:?}");
}

/// Sends the undo, in reverse order.
pub async fn take_back(cluster: &Arc<KubeCluster>, done: &Done) {
    assert!(!done.undo.is_empty(), "there is nothing that takes it back");
    for operation in done.undo.iter().rev() {
        sent(cluster, &uuid::Uuid::new_v4().to_string(), operation).await;
    }
}

/// A person asked for it: nothing else is known.
pub fn diagnosis(target: &ObjectRef) -> Diagnosis {
    Diagnosis {
        pattern: Pattern::Generic,
        cause: Cause::Unknown,
        target: Some(target.clone()),
        container: None,
        confidence: 1.0,
        made_by: MadeBy::Rules,
        evidence: Vec::new(),
        weighed: Vec::new(),
        values: BTreeMap::new(),
        disposition: Disposition::Remediate,
        summary: "a test".into(),
        at: CLOCK.now(),
        reads: None,
    }
}

/// A Deployment whose pods run a shell script.
pub fn running(name: &str, replicas: u32, script: &str) -> Value {
    let image = std::env::var("PILOTHOUSE_TEST_IMAGE").unwrap();
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "app", "image": image, "command": ["/bin/sh", "-c", script],
                "resources": {"requests": {"cpu": "5m", "memory": "4Mi"}}}]}}}})
}

pub const SLEEP: &str = "trap 'exit 0' TERM; while true; do sleep 1; done";

/// Pods of an app that aren't being deleted, by name.
pub fn pods(world: &World, app: &str) -> Vec<Value> {
    let selector = format!("app={app}");
    let text = world.kubectl(&["get", "pods", "-n", &world.ns, "-l", &selector, "-o", "json"]);
    let list = serde_json::from_str::<Value>(&text).unwrap();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect()
}

pub fn ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// Waits until an app has so many pods, all ready.
pub async fn settled(world: &World, app: &str, count: usize) {
    crate::world::until(&format!("{count} ready pods of {app}"), || {
        let pods = pods(world, app);
        (pods.len() == count && pods.iter().all(ready)).then_some(())
    })
    .await;
}
