//! `collect_diagnostics`: what a person needs to see later, before anything changes it.

use super::catalogue::{Compiled, Context, Effect};
use super::workload::{Live, live};
use crate::domain::diagnose::fields::selector;
use crate::domain::evidence::{Progress, Read};
use crate::domain::operation::Operation;
use serde_json::Value;

/// Pods whose events and logs are kept.
const PODS: usize = 3;
/// Lines of each log.
const LINES: u32 = 500;

pub(super) fn compile(context: &Context<'_>) -> Progress<Compiled> {
    let key = &context.target.key;
    let namespace = key.namespace.clone();
    let mut reads = vec![
        Read::Object(key.clone()),
        Read::Events {
            namespace: namespace.clone(),
            kind: key.kind.clone(),
            name: key.name.clone(),
        },
    ];
    // A target that can't be read any more is no reason not to keep the rest.
    match live(context) {
        Ok(Live::Need(read)) => return Progress::Need(vec![read]),
        Ok(Live::Object(object)) => {
            if let Some(labels) = selector(object.pointer("/spec/selector")) {
                for (api_version, kind) in [("v1", "Pod"), ("apps/v1", "ReplicaSet")] {
                    reads.push(Read::List {
                        api_version: api_version.into(),
                        kind: kind.into(),
                        namespace: namespace.clone(),
                        labels: labels.clone(),
                    });
                }
            }
        }
        Err(_) => {}
    }
    for pod in pods(context) {
        reads.push(Read::Events {
            namespace: namespace.clone(),
            kind: "Pod".into(),
            name: pod.clone(),
        });
        if let Some(container) = &context.diagnosis.container {
            for previous in [true, false] {
                reads.push(Read::Logs {
                    namespace: namespace.clone(),
                    pod: pod.clone(),
                    container: container.clone(),
                    previous,
                    tail_lines: LINES,
                });
            }
        }
    }
    Progress::Ready(Compiled {
        effects: vec![Effect { operation: Operation::Collect { reads }, undo: None }],
        title: "collect diagnostics".into(),
        undo: "changes nothing".into(),
        notes: Vec::new(),
        rolls_pods: false,
    })
}

/// The pod of the trouble first, then others that fail.
fn pods(context: &Context<'_>) -> Vec<String> {
    let values = &context.diagnosis.values;
    let first = values.get("pod").and_then(Value::as_str).map(String::from);
    let failing = values.get("failing_pods").and_then(Value::as_array);
    let others = failing.into_iter().flatten().filter_map(Value::as_str).map(String::from);
    let mut pods = Vec::new();
    for pod in first.into_iter().chain(others) {
        if !pods.contains(&pod) && pods.len() < PODS {
            pods.push(pod);
        }
    }
    pods
}
