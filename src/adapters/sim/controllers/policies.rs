//! PodDisruptionBudgets and ResourceQuotas.

use super::scheduler::{amount, requests};
use super::status::set_plain;
use crate::adapters::sim::json::{
    at, controller, deleting, int, is_true, items, name, set, share, stamp, text,
};
use crate::adapters::sim::selector;
use crate::adapters::sim::world::World;
use crate::domain::quantity::{format_bytes, format_milli, parse_bytes, parse_milli};
use crate::domain::resource::ObjectKey;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

impl World {
    /// Counts what a budget allows.
    pub(in crate::adapters::sim) fn reconcile_budget(&mut self, place: &ObjectKey) {
        let Some(mut budget) = self.object(place).cloned() else { return };
        let wanted = budget.pointer("/spec/selector").cloned().unwrap_or(Value::Null);
        let pods = self
            .list("v1", "Pod", &place.namespace)
            .filter(|pod| {
                selector::fits(pod.pointer("/metadata/labels"), &wanted) && !deleting(pod)
            })
            .collect::<Vec<_>>();
        let healthy =
            i64::try_from(pods.iter().filter(|pod| is_true(pod, "Ready")).count()).unwrap_or(0);
        let count = i64::try_from(pods.len()).unwrap_or(0);
        let minimum = at(&budget, &["spec", "minAvailable"]);
        let (expected, desired) = if let Some(number) = minimum.and_then(Value::as_i64) {
            (count, number)
        } else if let Some(least) = share(minimum, self.scale_of(&pods), true) {
            (self.scale_of(&pods), least)
        } else {
            let expected = self.scale_of(&pods);
            let most = share(at(&budget, &["spec", "maxUnavailable"]), expected, true).unwrap_or(0);
            (expected, (expected - most).max(0))
        };
        let allowed = (healthy - desired).max(0);
        let generation = int(&budget, &["metadata", "generation"]);
        for (field, value) in [
            ("currentHealthy", healthy),
            ("desiredHealthy", desired),
            ("disruptionsAllowed", allowed),
            ("expectedPods", expected),
            ("observedGeneration", generation),
        ] {
            set(&mut budget, &["status", field], Value::from(value));
        }
        let (status, reason) =
            if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        let condition = json!({
            "message": "", "observedGeneration": generation, "reason": reason, "status": status,
            "type": "DisruptionAllowed",
        });
        set_plain(&mut budget, &condition, &stamp(self.now));
        self.write_status(budget);
    }

    /// Replicas that the owners of pods ask for.
    fn scale_of(&self, pods: &[&Value]) -> i64 {
        let mut owners = BTreeMap::<ObjectKey, i64>::new();
        for pod in pods {
            let namespace = text(pod, &["metadata", "namespace"]);
            let Some(mut owner) = controller(pod).and_then(|by| self.referenced(by, namespace))
            else {
                continue;
            };
            if let Some(above) = controller(&owner).and_then(|by| self.referenced(by, namespace)) {
                owner = above;
            }
            owners.insert(super::super::json::key(&owner), int(&owner, &["spec", "replicas"]));
        }
        owners.values().sum()
    }

    fn referenced(&self, by: &Value, namespace: &str) -> Option<Value> {
        self.get(text(by, &["apiVersion"]), text(by, &["kind"]), namespace, text(by, &["name"]))
    }

    /// Counts what a quota's namespace uses.
    pub(in crate::adapters::sim) fn reconcile_quota(&mut self, place: &ObjectKey) {
        let Some(mut quota) = self.object(place).cloned() else { return };
        let hard =
            quota.pointer("/spec/hard").and_then(Value::as_object).cloned().unwrap_or_default();
        let used = self.used_of(&hard, &place.namespace);
        let used = used.iter().map(|(what, number)| (what.clone(), written(what, *number)));
        let used = used.collect::<Map<_, _>>();
        set(&mut quota, &["status", "hard"], Value::Object(hard));
        set(&mut quota, &["status", "used"], Value::Object(used));
        self.write_status(quota);
    }

    fn used_of(&self, hard: &Map<String, Value>, namespace: &str) -> BTreeMap<String, i64> {
        let mut used = hard.keys().map(|what| (what.clone(), 0)).collect::<BTreeMap<_, _>>();
        for pod in self.list("v1", "Pod", namespace) {
            if matches!(text(pod, &["status", "phase"]), "Failed" | "Succeeded") {
                continue;
            }
            for (what, number) in &mut used {
                *number += asked(pod, what);
            }
        }
        used
    }

    /// Whether a pod would be admitted: quotas of its namespace.
    pub(in crate::adapters::sim) fn admit_pod(&self, pod: &Value) -> Result<(), String> {
        let namespace = text(pod, &["metadata", "namespace"]);
        for quota in self.list("v1", "ResourceQuota", namespace) {
            let Some(hard) = quota.pointer("/spec/hard").and_then(Value::as_object) else {
                continue;
            };
            let refuse = |why: String| {
                Err(format!("pods {:?} is forbidden: {why}", text(pod, &["metadata", "name"])))
            };
            if let Some(what) = hard.keys().find(|what| unset(pod, what)) {
                let first = items(pod, &["spec", "containers"])
                    .first()
                    .map_or("", |one| text(one, &["name"]));
                return refuse(format!(
                    "failed quota: {}: must specify {what} for: {first}",
                    name(quota)
                ));
            }
            let used = self.used_of(hard, namespace);
            let mut over = (Vec::new(), Vec::new(), Vec::new());
            for (what, limit) in hard {
                let (asks, has) = (asked(pod, what), used.get(what).copied().unwrap_or(0));
                let most = number(what, limit);
                if asks > 0 && has + asks > most {
                    over.0.push(format!("{what}={}", plain(what, asks)));
                    over.1.push(format!("{what}={}", plain(what, has)));
                    over.2.push(format!("{what}={}", plain(what, most)));
                }
            }
            if !over.0.is_empty() {
                return refuse(format!(
                    "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                    name(quota),
                    over.0.join(","),
                    over.1.join(","),
                    over.2.join(",")
                ));
            }
        }
        Ok(())
    }
}

/// (`requests` or `limits`, `cpu` or `memory`) of a quota's resource name.
fn resource(what: &str) -> Option<(&'static str, &str)> {
    match what.split_once('.') {
        Some(("limits", of @ ("cpu" | "memory"))) => Some(("limits", of)),
        Some(("requests", of @ ("cpu" | "memory"))) => Some(("requests", of)),
        None if matches!(what, "cpu" | "memory") => Some(("requests", what)),
        _ => None,
    }
}

/// How much of a quota's resource a pod takes: bytes, thousandths, or pods.
fn asked(pod: &Value, what: &str) -> i64 {
    match resource(what) {
        Some(("requests", "cpu")) => requests(pod).cpu,
        Some(("requests", _)) => requests(pod).memory,
        Some((part, of)) => {
            items(pod, &["spec", "containers"]).iter().map(|one| amount(one, part, of)).sum()
        }
        None => i64::from(matches!(what, "pods" | "count/pods")),
    }
}

/// Whether a container leaves out what a quota makes obligatory.
fn unset(pod: &Value, what: &str) -> bool {
    resource(what).is_some_and(|(part, of)| {
        items(pod, &["spec", "containers"]).iter().any(|one| amount(one, part, of) == 0)
    })
}

fn number(what: &str, limit: &Value) -> i64 {
    let text = limit.as_str().map_or_else(|| limit.to_string(), String::from);
    let number = match resource(what) {
        Some((_, "memory")) => parse_bytes(&text),
        Some(_) => parse_milli(&text),
        None => parse_milli(&text).map(|milli| milli / 1_000),
    };
    number.and_then(|number| i64::try_from(number).ok()).unwrap_or(0)
}

fn plain(what: &str, number: i64) -> String {
    let number = u64::try_from(number).unwrap_or(0);
    match resource(what) {
        Some((_, "memory")) => format_bytes(number),
        Some(_) => format_milli(number),
        None => number.to_string(),
    }
}

fn written(what: &str, number: i64) -> Value {
    Value::from(plain(what, number))
}
