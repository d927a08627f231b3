//! `collect_diagnostics`: reads what tells how things stood, before anything is changed.

use super::parameter::{ActionParameter, ActionParameterKind};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::{pod_labels, seen};
use crate::domain::diagnose::chain::controlled_by;
use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::fields::{name, text, uid};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::{JOB_LABEL, Progress, Read};
use crate::domain::operation::Operation;
use crate::domain::resource::ObjectKey;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;

/// Pods whose events and logs are read, those in trouble first.
const PODS: usize = 3;
/// Lines of a Job's log.
const LOG_LINES: u32 = 5_000;
/// Lines of each log.
const LINES: u32 = 200;

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Collect,
    risk: Risk::Low,
    mutates: false,
    undoable: false,
    timeout_s: 60,
    describe: "Reads objects, events and logs and keeps them; changes nothing.",
    undone_by: "nothing to undo",
    needs: "",
    parameters: &[
        ActionParameter::optional("job", ActionParameterKind::Text, "a Job: what its pods print"),
        ActionParameter::optional("namespace", ActionParameterKind::Text, "where that Job is"),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    if let Some(job) = request.text("job") {
        return Ok(Progress::Ready(of_job(job, request)));
    }
    let mut reader = Reader::new(request.gathered);
    let target = &request.target.key;
    let Some(object) = seen(request.target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let mut reads = vec![Read::Object(target.clone()), events(target)];
    let mut notes = Vec::new();
    reads.extend(around(target, object));
    if target.kind == "Pod" {
        reads.extend(of_pod(object, request));
    } else if let Some(labels) = pod_labels(object) {
        let got = reader.list("missing-pods", "v1", "Pod", &target.namespace, &labels);
        let sets = reader.list(
            "missing-revisions",
            "apps/v1",
            holder(&target.kind),
            &target.namespace,
            &labels,
        );
        if reader.pending() {
            return Ok(Progress::Need(reader.needs()));
        }
        reads.push(list("v1", "Pod", &target.namespace, &labels));
        reads.push(list("apps/v1", holder(&target.kind), &target.namespace, &labels));
        match got {
            Got::Have(pods) => {
                let owners = owners(&request.target.uid, sets.have().unwrap_or_default());
                for pod in worst(pods, &owners, target.kind == "Service") {
                    reads.extend(of_pod(pod, request));
                }
            }
            Got::Unreadable(why) => notes.push(format!("pods: {why}")),
            Got::Gone | Got::Pending => {}
        }
    }
    reads.sort();
    reads.dedup();
    Ok(Progress::Ready(Compiled {
        title: format!("collect diagnostics of {}", target.name),
        operations: vec![Operation::collect(reads)],
        undo: "nothing to undo".into(),
        notes,
        unknown: Vec::new(),
        blockers: Vec::new(),
        shows_after_s: 0,
    }))
}

/// What belongs to an object that runs no pods of its own, by its kind.
fn around(target: &ObjectKey, object: &Value) -> Vec<Read> {
    let space = target.namespace.as_str();
    let name = target.name.as_str();
    let of = |path: &[&str]| text(object, path).to_string();
    let object_of = |api_version: &str, kind: &str, space: &str, name: String| {
        let key = ObjectKey::new(api_version, kind, space, &name);
        (!name.is_empty()).then(|| [Read::Object(key.clone()), events(&key)])
    };
    match target.kind.as_str() {
        "Node" => vec![
            Read::PodsOn { node: name.into() },
            Read::Object(ObjectKey::new(
                "coordination.k8s.io/v1",
                "Lease",
                "kube-node-lease",
                name,
            )),
        ],
        "PersistentVolumeClaim" => {
            let volume = object_of("v1", "PersistentVolume", "", of(&["spec", "volumeName"]));
            let class = of(&["spec", "storageClassName"]);
            let class = object_of("storage.k8s.io/v1", "StorageClass", "", class);
            volume.into_iter().chain(class).flatten().collect()
        }
        "Service" => vec![
            list(
                "discovery.k8s.io/v1",
                "EndpointSlice",
                space,
                &format!("kubernetes.io/service-name={name}"),
            ),
            list("networking.k8s.io/v1", "NetworkPolicy", space, ""),
        ],
        "HorizontalPodAutoscaler" => {
            let scales = |key: &str| of(&["spec", "scaleTargetRef", key]);
            let found = object_of(&scales("apiVersion"), &scales("kind"), space, scales("name"));
            found.into_iter().flatten().collect()
        }
        "Namespace" => vec![
            list("v1", "ResourceQuota", name, ""),
            list("v1", "LimitRange", name, ""),
            list("v1", "Event", name, ""),
        ],
        _ => Vec::new(),
    }
}

/// What a Job's pods printed. The Job itself may not be there yet when the plan is made.
fn of_job(job: &str, request: &ActionRequest<'_>) -> Compiled {
    let namespace = request.text("namespace").unwrap_or(&request.target.key.namespace);
    let reads = vec![
        Read::Object(ObjectKey::new("batch/v1", "Job", namespace, job)),
        list("v1", "Pod", namespace, &format!("{JOB_LABEL}={job}")),
    ];
    let operation = Operation::Collect { reads, logs: LOG_LINES };
    Compiled::new(format!("keep what Job {job} printed"), vec![operation], "nothing to undo".into())
}

fn holder(kind: &str) -> &'static str {
    if matches!(kind, "StatefulSet" | "DaemonSet") { "ControllerRevision" } else { "ReplicaSet" }
}

fn owners(target: &str, sets: &[Value]) -> Vec<String> {
    let own = sets.iter().filter(|set| controlled_by(set, target)).map(|set| uid(set).to_string());
    std::iter::once(target.to_string()).chain(own).collect()
}

/// Its own pods (or `any` that it selects), those that are not ready or restarted most first.
fn worst<'a>(pods: &'a [Value], owners: &[String], any: bool) -> Vec<&'a Value> {
    let mut own = pods
        .iter()
        .filter(|pod| any || owners.iter().any(|owner| controlled_by(pod, owner)))
        .map(Pod::of)
        .collect::<Vec<_>>();
    own.sort_by_key(|pod| (pod.ready(), std::cmp::Reverse(pod.restarts()), pod.name()));
    own.into_iter().take(PODS).map(|pod| pod.object).collect()
}

fn of_pod(pod: &Value, request: &ActionRequest<'_>) -> Vec<Read> {
    let key = ObjectKey::new("v1", "Pod", &request.target.key.namespace, name(pod));
    let mut reads = vec![events(&key)];
    let parsed = Pod::of(pod);
    let chosen = parsed.containers.iter().filter(|container| {
        request.diagnosis.container.as_deref() == Some(container.name) || container.restarts > 0
    });
    for container in chosen.take(4) {
        let log = |previous| Read::Logs {
            namespace: key.namespace.clone(),
            pod: key.name.clone(),
            container: container.name.to_string(),
            previous,
            tail_lines: LINES,
        };
        reads.push(log(false));
        if container.restarts > 0 {
            reads.push(log(true));
        }
    }
    reads
}

fn events(key: &ObjectKey) -> Read {
    Read::Events {
        namespace: key.namespace.clone(),
        kind: key.kind.clone(),
        name: key.name.clone(),
    }
}

fn list(api_version: &str, kind: &str, namespace: &str, labels: &str) -> Read {
    Read::List {
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: namespace.into(),
        labels: labels.into(),
    }
}
