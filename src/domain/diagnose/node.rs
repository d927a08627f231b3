//! What a node says of itself, and whether a pod could be placed on it, as far as that can be told without its other
//! pods: taints, cordon, readiness, labels and size.
//!
//! Absent on purpose: how much room is left. Only the scheduler knows what it counts; its own words tell.

use super::fields::{flag, items, moment, name, text, value};
use crate::domain::quantity::{format_milli, parse_bytes, parse_milli, spoken_bytes};
use crate::domain::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the Ready condition of a node says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    /// The kubelet says that it is not ready.
    NotReady,
    /// The kubelet says nothing any more.
    Lost,
    /// There is no such condition.
    NotSaid,
}

/// What the Ready condition says, since when, and in what words.
pub(crate) fn readiness(node: &Value) -> (Readiness, Option<Timestamp>, &str) {
    let Some(condition) = condition(node, "Ready") else { return (Readiness::NotSaid, None, "") };
    let state = match text(condition, &["status"]) {
        "True" => Readiness::Ready,
        "False" => Readiness::NotReady,
        _ => Readiness::Lost,
    };
    let since = moment(condition, &["lastTransitionTime"]);
    (state, since, text(condition, &["message"]))
}

fn condition<'a>(node: &'a Value, kind: &str) -> Option<&'a Value> {
    items(node, &["status", "conditions"]).iter().find(|one| text(one, &["type"]) == kind)
}

/// The pressures that the kubelet reports: `MemoryPressure`, `DiskPressure`, `PIDPressure`.
pub(crate) fn pressures(node: &Value) -> Vec<&'static str> {
    ["MemoryPressure", "DiskPressure", "PIDPressure"]
        .into_iter()
        .filter(|kind| {
            condition(node, kind).is_some_and(|found| text(found, &["status"]) == "True")
        })
        .collect()
}

/// Whether it is cordoned.
pub(crate) fn cordoned(node: &Value) -> bool {
    flag(node, &["spec", "unschedulable"])
}

/// A taint that keeps pods away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taint {
    pub(crate) key: String,
    /// `dedicated=gpu:NoSchedule`.
    pub(crate) words: String,
}

impl Taint {
    /// Whether the node controller set it for the node's state, and no person for a purpose.
    pub(crate) fn of_state(&self) -> bool {
        self.key.starts_with("node.kubernetes.io/")
            || self.key.starts_with("node.cloudprovider.kubernetes.io/")
    }

    /// Whether it keeps a role's nodes for that role (control plane), as every cluster has it.
    pub(crate) fn of_role(&self) -> bool {
        self.key.starts_with("node-role.kubernetes.io/")
    }
}

/// Taints that the pod does not tolerate and that keep new pods away.
pub(crate) fn untolerated(node: &Value, pod_spec: &Value) -> Vec<Taint> {
    items(node, &["spec", "taints"])
        .iter()
        .filter(|taint| matches!(text(taint, &["effect"]), "NoSchedule" | "NoExecute"))
        .filter(|taint| !items(pod_spec, &["tolerations"]).iter().any(|one| tolerates(one, taint)))
        .map(|taint| {
            let (key, value) = (text(taint, &["key"]), text(taint, &["value"]));
            let equals = if value.is_empty() { "" } else { "=" };
            let words = format!("{key}{equals}{value}:{}", text(taint, &["effect"]));
            Taint { key: key.into(), words }
        })
        .collect()
}

fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let effect = text(toleration, &["effect"]);
    let key = text(toleration, &["key"]);
    let exists = text(toleration, &["operator"]) == "Exists";
    (effect.is_empty() || effect == text(taint, &["effect"]))
        && ((key.is_empty() && exists)
            || (key == text(taint, &["key"])
                && (exists || text(toleration, &["value"]) == text(taint, &["value"]))))
}

/// Whether the node's labels fit the pod's node selector and required node affinity.
pub(crate) fn selected(node: &Value, pod_spec: &Value) -> bool {
    let labels = value(node, &["metadata", "labels"]);
    let label = |key: &str| labels.and_then(|all| all.get(key)).and_then(Value::as_str);
    let by_selector = value(pod_spec, &["nodeSelector"])
        .and_then(Value::as_object)
        .is_none_or(|all| all.iter().all(|(key, wanted)| label(key) == wanted.as_str()));
    let terms = items(pod_spec, &NODE_TERMS);
    by_selector && (terms.is_empty() || terms.iter().any(|term| fits(term, node)))
}

const NODE_TERMS: [&str; 4] = [
    "affinity",
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms",
];

fn fits(term: &Value, node: &Value) -> bool {
    let labels = value(node, &["metadata", "labels"]);
    let by_label = items(term, &["matchExpressions"]).iter().all(|expression| {
        let held = labels.and_then(|all| all.get(text(expression, &["key"])));
        holds(expression, held.and_then(Value::as_str))
    });
    let by_field =
        items(term, &["matchFields"]).iter().all(|expression| holds(expression, Some(name(node))));
    by_label && by_field
}

fn holds(expression: &Value, held: Option<&str>) -> bool {
    let values = items(expression, &["values"]);
    let among = |held: &str| values.iter().any(|one| one.as_str() == Some(held));
    let number = |text: &str| text.parse::<i64>().ok();
    let bound = values.first().and_then(Value::as_str).and_then(number);
    match text(expression, &["operator"]) {
        "In" => held.is_some_and(among),
        "NotIn" => !held.is_some_and(among),
        "Exists" => held.is_some(),
        "DoesNotExist" => held.is_none(),
        "Gt" => held.and_then(number).zip(bound).is_some_and(|(held, bound)| held > bound),
        "Lt" => held.and_then(number).zip(bound).is_some_and(|(held, bound)| held < bound),
        _ => false,
    }
}

/// Labels that the pod asks of a node, in words: `disk=ssd`, `zone in (a, b)`.
pub(crate) fn wanted_labels(pod_spec: &Value) -> Vec<(String, String)> {
    let selector = value(pod_spec, &["nodeSelector"]).and_then(Value::as_object);
    let mut wanted = selector
        .into_iter()
        .flatten()
        .map(|(key, one)| (key.clone(), format!("{key}={}", one.as_str().unwrap_or_default())))
        .collect::<Vec<_>>();
    for expression in
        items(pod_spec, &NODE_TERMS).iter().flat_map(|term| items(term, &["matchExpressions"]))
    {
        let key = text(expression, &["key"]);
        let values = items(expression, &["values"]).iter().filter_map(Value::as_str);
        let values = values.collect::<Vec<_>>().join(", ");
        let operator = text(expression, &["operator"]);
        let words = match operator {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} not in ({values})"),
            _ => format!("{key} {operator} {values}").trim_end().to_string(),
        };
        wanted.push((key.into(), words));
    }
    wanted
}

/// What a pod requests of a node, by resource, in thousandths (memory and storage: thousandths of a byte would not fit;
/// bytes). Sidecars count with the main containers, init containers one at a time.
pub(crate) fn requested(pod_spec: &Value) -> BTreeMap<String, u64> {
    let mut sum: BTreeMap<String, u64> = BTreeMap::new();
    let mut peak: BTreeMap<String, u64> = BTreeMap::new();
    let always = |one: &&Value| text(one, &["restartPolicy"]) == "Always";
    let stay = items(pod_spec, &["initContainers"]).iter().filter(always);
    for container in items(pod_spec, &["containers"]).iter().chain(stay) {
        for (resource, amount) in asked(container) {
            let held = sum.entry(resource).or_default();
            *held = held.saturating_add(amount);
        }
    }
    for container in items(pod_spec, &["initContainers"]).iter().filter(|one| !always(one)) {
        for (resource, amount) in asked(container) {
            let held = peak.entry(resource).or_default();
            *held = (*held).max(amount);
        }
    }
    for (resource, amount) in peak {
        let held = sum.entry(resource).or_default();
        *held = (*held).max(amount);
    }
    sum
}

fn asked(container: &Value) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for class in ["limits", "requests"] {
        let all = value(container, &["resources", class]).and_then(Value::as_object);
        for (resource, amount) in all.into_iter().flatten() {
            if let Some(amount) = amount.as_str().and_then(|text| amount_of(resource, text)) {
                found.insert(resource.clone(), amount);
            }
        }
    }
    found
}

fn in_bytes(resource: &str) -> bool {
    matches!(resource, "memory" | "ephemeral-storage" | "storage")
        || resource.starts_with("hugepages-")
}

fn amount_of(resource: &str, text: &str) -> Option<u64> {
    if in_bytes(resource) { parse_bytes(text) } else { parse_milli(text) }
}

/// An amount of a resource for a person: `2Gi`, `500m`.
pub(crate) fn spoken_amount(resource: &str, amount: u64) -> String {
    if in_bytes(resource) { spoken_bytes(amount) } else { format_milli(amount) }
}

/// What pods may have of a node at all, of one resource.
pub(crate) fn allocatable(node: &Value, resource: &str) -> Option<u64> {
    amount_of(resource, text(node, &["status", "allocatable", resource]))
}

/// Resources of which the pod requests more than the whole node has.
pub(crate) fn too_small_in(node: &Value, requested: &BTreeMap<String, u64>) -> Vec<String> {
    requested
        .iter()
        .filter(|(resource, wanted)| {
            **wanted > 0 && allocatable(node, resource).unwrap_or(0) < **wanted
        })
        .map(|(resource, _)| resource.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_taint_is_tolerated_by_key_value_and_effect_or_by_everything() {
        let node = json!({"spec": {"taints": [
            {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"},
            {"key": "soft", "effect": "PreferNoSchedule"}]}});
        let with = |toleration: Value| untolerated(&node, &json!({"tolerations": [toleration]}));
        assert_eq!(untolerated(&node, &json!({}))[0].words, "dedicated=gpu:NoSchedule");
        assert_eq!(untolerated(&node, &json!({})).len(), 1, "a soft taint keeps nothing away");
        assert!(with(json!({"operator": "Exists"})).is_empty());
        assert!(with(json!({"key": "dedicated", "value": "gpu"})).is_empty());
        assert!(with(json!({"key": "dedicated", "operator": "Exists"})).is_empty());
        assert_eq!(with(json!({"key": "dedicated", "value": "db"})).len(), 1);
        assert_eq!(
            with(json!({"key": "dedicated", "operator": "Exists", "effect": "NoExecute"})).len(),
            1
        );
    }

    #[test]
    fn selector_and_affinity_are_read_as_the_scheduler_reads_them() {
        let node = json!({"metadata": {"name": "n1", "labels": {"disk": "ssd", "cores": "8"}}});
        let affinity = |expression: Value| {
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}}})
        };
        assert!(selected(&node, &json!({})));
        assert!(selected(&node, &json!({"nodeSelector": {"disk": "ssd"}})));
        assert!(!selected(&node, &json!({"nodeSelector": {"disk": "hdd"}})));
        assert!(selected(
            &node,
            &affinity(json!({"key": "cores", "operator": "Gt", "values": ["4"]}))
        ));
        assert!(!selected(&node, &affinity(json!({"key": "gpu", "operator": "Exists"}))));
        assert!(selected(
            &node,
            &affinity(json!({"key": "gpu", "operator": "NotIn", "values": ["x"]}))
        ));
    }

    #[test]
    fn limits_count_where_requests_are_absent_and_init_containers_count_one_at_a_time() {
        let spec = json!({
            "initContainers": [{"resources": {"requests": {"memory": "3Gi"}}}],
            "containers": [{"resources": {"limits": {"memory": "1Gi", "cpu": "2"}, "requests": {"cpu": "500m"}}},
                {"resources": {"requests": {"memory": "1Gi"}}}]});
        let wanted = requested(&spec);
        assert_eq!(wanted["memory"], 3 << 30);
        assert_eq!(wanted["cpu"], 500);
        let node = json!({"status": {"allocatable": {"memory": "2Gi", "cpu": "1"}}});
        assert_eq!(too_small_in(&node, &wanted), ["memory"]);
    }
}
