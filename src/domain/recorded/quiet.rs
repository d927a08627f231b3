//! What a cluster with nothing else on it would answer.

use crate::domain::evidence::{Answer, Gathered, Read};
use serde_json::{Value, json};

/// An answer for what a recording lacks. An object that was recorded in a list is there by itself too.
pub(super) fn quiet(read: &Read, gathered: &Gathered) -> Answer {
    let items = |items| Answer::Items { items, complete: true };
    match read {
        Read::Object(key) => {
            let lists = gathered.answers.values().filter_map(|answer| match answer {
                Answer::Items { items, .. } => Some(items),
                Answer::Object(_)
                | Answer::Text(_)
                | Answer::Series(_)
                | Answer::Alerts(_)
                | Answer::NotFound
                | Answer::NotPermitted(_)
                | Answer::Unavailable(_) => None,
            });
            let text = |object: &Value, pointer: &str| {
                object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string()
            };
            let named = |object: &&Value| {
                text(object, "/kind") == key.kind
                    && text(object, "/metadata/name") == key.name
                    && text(object, "/metadata/namespace") == key.namespace
            };
            let found = lists.flatten().find(named);
            found.map_or(Answer::NotFound, |object| Answer::Object(object.clone()))
        }
        Read::List { kind, .. } if kind == "Node" => items(vec![node("node1"), node("node2")]),
        Read::List { .. } | Read::PodsOn { .. } | Read::Events { .. } => items(Vec::new()),
        Read::Logs { .. } => Answer::Text(String::new()),
        Read::Query { .. } | Read::Range { .. } => Answer::Series(Vec::new()),
        Read::Alerts { .. } => Answer::Alerts(Vec::new()),
    }
}

fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name}, "spec": {},
        "status": {"allocatable": {"memory": "3Gi", "cpu": "2"},
            "conditions": [{"type": "Ready", "status": "True"}]}})
}
