//! `collect_diagnostics`: reads what tells how things stood, before anything is changed.

use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::seen;
use crate::domain::diagnose::chain::controlled_by;
use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::fields::{name, selector, uid, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::{Progress, Read};
use crate::domain::operation::Operation;
use crate::domain::resource::ObjectKey;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;

/// Pods whose events and logs are read, those in trouble first.
const PODS: usize = 3;
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
    parameters: &[],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = &request.target.key;
    let Some(object) = seen(request.target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let mut reads = vec![Read::Object(target.clone()), events(target)];
    let mut notes = Vec::new();
    if target.kind == "Pod" {
        reads.extend(of_pod(object, request));
    } else if let Some(labels) = selector(value(object, &["spec", "selector"])) {
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
                for pod in worst(pods, &owners) {
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
        operations: vec![Operation::Collect { reads }],
        undo: "nothing to undo".into(),
        notes,
        unknown: Vec::new(),
        blockers: Vec::new(),
        shows_after_s: 0,
    }))
}

fn holder(kind: &str) -> &'static str {
    if matches!(kind, "StatefulSet" | "DaemonSet") { "ControllerRevision" } else { "ReplicaSet" }
}

fn owners(target: &str, sets: &[Value]) -> Vec<String> {
    let own = sets.iter().filter(|set| controlled_by(set, target)).map(|set| uid(set).to_string());
    std::iter::once(target.to_string()).chain(own).collect()
}

/// Its own pods, those that are not ready or restarted most first.
fn worst<'a>(pods: &'a [Value], owners: &[String]) -> Vec<&'a Value> {
    let mut own = pods
        .iter()
        .filter(|pod| owners.iter().any(|owner| controlled_by(pod, owner)))
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
