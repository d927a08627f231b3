//! A selector that selects nobody: which workload was meant, and which selector would fit it.
//!
//! Fails closed: a selector is only proposed where exactly one workload comes close, and the proposed one would select the
//! pods of that workload and of no other.

use super::read::{Surroundings, called};
use crate::domain::diagnose::fields::{name, value};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::Findings;
use crate::domain::spelling::distance;
use serde_json::{Map, Value};

/// A workload that comes close, and what would have to change.
#[derive(Debug)]
struct Near<'a> {
    workload: &'a Value,
    /// The selector that would select its pods.
    fitting: Map<String, Value>,
    /// `app=web instead of app=wbe`.
    changes: Vec<String>,
    /// 0 to 1, higher is nearer.
    nearness: f64,
}

/// Notes that it selects nobody, and who was meant.
pub(super) fn mismatch(case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    let Some(selector) = value(case.object, &["spec", "selector"]).and_then(Value::as_object)
    else {
        return;
    };
    let path = case.path();
    let words = format!("it selects {}, and no pod has that", spoken(selector));
    findings.add("selects-nothing", words, format!("{path}: spec.selector; its namespace's pods"));
    let mut near = around
        .workloads
        .iter()
        .filter_map(|workload| nearness(case.name(), selector, workload))
        .collect::<Vec<_>>();
    near.sort_by(|a, b| {
        b.nearness.total_cmp(&a.nearness).then(name(a.workload).cmp(name(b.workload)))
    });
    let Some(best) = near.first() else {
        let lacking = around.workloads.iter().filter_map(|one| lacking(selector, one));
        let lacking = lacking.collect::<Vec<_>>();
        if !lacking.is_empty() {
            let words = lacking.join(" and ");
            findings.add("label-lacking", words, "workloads of its namespace".into());
        } else if around.workloads_known {
            let words = format!("none of {} workloads here resembles it", around.workloads.len());
            findings.add("nobody-near", words, "workloads of its namespace".into());
        }
        return;
    };
    let rival = near.get(1).filter(|second| best.nearness - second.nearness < 0.15);
    let fitting = Value::Object(best.fitting.clone());
    let others = around.makers(&fitting);
    if let Some(rival) = rival {
        let words = format!(
            "{} and {} come equally close: {} or {}",
            called(best.workload),
            called(rival.workload),
            best.changes.join(", "),
            rival.changes.join(", ")
        );
        findings.add("several-near", words, "workloads of its namespace".into());
    } else if others.len() == 1 {
        let words = format!("{} comes close: {}", called(best.workload), best.changes.join(", "));
        findings.add(
            "workload-near",
            words,
            format!("{}: spec.template labels", called(best.workload)),
        );
        findings.put("fitting_selector", fitting);
        findings.put("workload", name(best.workload));
        findings.put("workload_kind", best.workload.get("kind").cloned().unwrap_or_default());
    } else {
        let words = format!(
            "{} comes close, but a selector that fits it would select {} workloads",
            called(best.workload),
            others.len()
        );
        findings.add("several-near", words, "workloads of its namespace".into());
    }
}

fn spoken(selector: &Map<String, Value>) -> String {
    let parts =
        selector.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("?")));
    parts.collect::<Vec<_>>().join(",")
}

/// How near a workload's pods are to a selector. `None`: not at all.
fn nearness<'a>(
    service: &str,
    selector: &Map<String, Value>,
    workload: &'a Value,
) -> Option<Near<'a>> {
    let labels = value(workload, &["spec", "template", "metadata", "labels"])?.as_object()?;
    let mut fitting = Map::new();
    let mut changes = Vec::new();
    let mut sum = 0.0;
    for (key, wanted) in selector {
        let wanted = wanted.as_str().unwrap_or_default();
        let has = labels.get(key).and_then(Value::as_str);
        let (found_key, found, score) = match has {
            Some(has) if has == wanted => (key.as_str(), has, 1.0),
            Some(has) => (key.as_str(), has, alike(wanted, has)),
            None => other_key(key, wanted, labels)?,
        };
        sum += score;
        if (found_key, found) != (key.as_str(), wanted) {
            changes.push(format!("{found_key}={found} instead of {key}={wanted}"));
        }
        fitting.insert(found_key.into(), Value::String(found.into()));
    }
    #[allow(clippy::cast_precision_loss)] // A handful of labels.
    let mut nearness = sum / selector.len() as f64;
    if name(workload) == service {
        nearness += 0.25;
    }
    (nearness >= 0.5).then_some(Near { workload, fitting, changes, nearness: nearness.min(1.0) })
}

/// A workload whose pods have a part of the selector as it stands, and lack the rest. Which side is right is for a person:
/// such a label may be one that something sets on running pods (`role=primary`), and a Service that does without it would
/// send to the wrong ones.
fn lacking(selector: &Map<String, Value>, workload: &Value) -> Option<String> {
    let labels = value(workload, &["spec", "template", "metadata", "labels"])?.as_object()?;
    let (has, lacks): (Vec<_>, Vec<_>) =
        selector.iter().partition(|(key, wanted)| labels.get(*key) == Some(*wanted));
    let part = |of: Vec<(&String, &Value)>| {
        spoken(&of.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    };
    let near = !has.is_empty() && lacks.iter().all(|(key, _)| !labels.contains_key(*key));
    near.then(|| format!("pods of {} have {}, not {}", called(workload), part(has), part(lacks)))
}

/// A label of another key that says the same: the same value, under a key that is spelled or scoped differently.
fn other_key<'l>(
    key: &str,
    wanted: &str,
    labels: &'l Map<String, Value>,
) -> Option<(&'l str, &'l str, f64)> {
    let bare = |key: &str| key.rsplit('/').next().unwrap_or_default().to_string();
    let named = |key: &str| matches!(bare(key).as_str(), "app" | "name" | "component" | "k8s-app");
    labels
        .iter()
        .filter_map(|(other, value)| {
            let value = value.as_str()?;
            let keys = if bare(key) == bare(other) || (named(key) && named(other)) {
                1.0
            } else {
                alike(key, other)
            };
            let score = 0.9 * keys.min(if value == wanted { 1.0 } else { alike(wanted, value) });
            (keys > 0.5 && score > 0.3).then_some((other.as_str(), value, score))
        })
        .max_by(|a, b| a.2.total_cmp(&b.2))
}

/// How alike two words are, 0 to 0.9: few letters differ, or one continues the other (`web`, `web-v2`).
fn alike(a: &str, b: &str) -> f64 {
    let longest = a.chars().count().max(b.chars().count());
    if longest == 0 {
        return 0.0;
    }
    #[allow(clippy::cast_precision_loss)] // Labels are at most 63 characters.
    let by_letters = 1.0 - distance(a, b) as f64 / longest as f64;
    let continues = |long: &str, short: &str| {
        !short.is_empty()
            && long
                .strip_prefix(short)
                .is_some_and(|rest| rest.starts_with(['-', '.', '_']) || short.len() > 3)
    };
    let by_start: f64 = if continues(a, b) || continues(b, a) { 0.75 } else { 0.0 };
    by_letters.max(by_start).min(0.9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[allow(clippy::needless_pass_by_value)] // Literals read better.
    fn near(service: &str, selector: Value, labels: Value) -> Option<f64> {
        let workload = json!({"kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"template": {"metadata": {"labels": labels}}}});
        let selector = selector.as_object().expect("an object").clone();
        nearness(service, &selector, &workload).map(|near| near.nearness)
    }

    #[test]
    fn a_typo_another_scope_and_one_label_too_many_come_close_and_strangers_do_not() {
        let of = |selector, labels| near("front", selector, labels);
        assert!(of(json!({"app": "wbe"}), json!({"app": "web"})).is_some());
        assert!(of(json!({"app": "api"}), json!({"app": "web"})).is_none());
        assert!(of(json!({"app": "checkuot"}), json!({"app": "checkout"})).is_some());
        assert!(of(json!({"app": "web"}), json!({"app.kubernetes.io/name": "web"})).is_some());
        assert!(
            of(json!({"app": "web", "tier": "front"}), json!({"app": "web", "tier": "back"}))
                .is_some()
        );
        assert!(of(json!({"app": "web"}), json!({"app": "web-v2"})).is_some());
        assert!(of(json!({"app": "mailer"}), json!({"app": "checkout"})).is_none());
        assert!(
            near("web", json!({"app": "frnt"}), json!({"app": "web"})).is_none(),
            "a name is not enough"
        );
        assert!(of(json!({"app": "web"}), json!({"team": "web"})).is_none(), "another meaning");
    }

    #[test]
    fn a_label_that_pods_lack_altogether_is_named_and_never_left_out_of_the_selector() {
        let selector = json!({"app": "db", "role": "primary"});
        let selector = selector.as_object().unwrap();
        let of = |labels: Value| {
            let workload = json!({"kind": "StatefulSet", "metadata": {"name": "db"},
                "spec": {"template": {"metadata": {"labels": labels}}}});
            assert!(nearness("db", selector, &workload).is_none());
            lacking(selector, &workload)
        };
        let words = of(json!({"app": "db", "team": "x"}));
        assert_eq!(words.as_deref(), Some("pods of StatefulSet db have app=db, not role=primary"));
        assert_eq!(of(json!({"team": "x"})), None);
    }
}
