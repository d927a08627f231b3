//! Counts, bounds, probes, claims, budgets.

#![allow(
    clippy::cloned_ref_to_slice_refs,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    reason = "tests are read from the data"
)]

use super::{changes, try_it};
use crate::domain::action::Action;
use crate::domain::action::fixtures::{
    deployment, gathered, reference, replica_set, stateful_set, template,
};
use crate::domain::action::{ActionRequest, compile};
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::evidence::{Answer, Progress, Read, Series};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn scaler(least: i64, most: i64) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "ledger", "namespace": "payments", "uid": "uid-hpa"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ledger-api"},
            "minReplicas": least, "maxReplicas": most},
        "status": {"currentReplicas": 3, "desiredReplicas": 3}})
}

#[test]
fn a_workload_is_scaled_unless_something_else_holds_its_count() {
    let compiled = try_it(Action::Scale, json!({"replicas": 5}), &[deployment()]).unwrap();
    assert_eq!(changes(&compiled), ["spec.replicas: 3 → 5"]);
    assert_eq!(compiled.undo, "ledger-api back to 3 replicas");
    let error = try_it(Action::Scale, json!({"replicas": 5}), &[deployment(), scaler(2, 6)]);
    assert!(error.unwrap_err().contains("holds payments/Deployment/ledger-api at 2 to 6 pods"));
    let error = try_it(Action::Scale, json!({"replicas": 3}), &[deployment()]).unwrap_err();
    assert!(error.contains("already"), "{error}");
    let owned = replica_set(3, template("a:1", "1Gi"));
    let error = try_it(Action::Scale, json!({"replicas": 3}), &[owned]).unwrap_err();
    assert!(error.contains("scale that"), "{error}");
    let mut set = stateful_set();
    set["spec"]["persistentVolumeClaimRetentionPolicy"] = json!({"whenScaled": "Delete"});
    let error = try_it(Action::Scale, json!({"replicas": 1}), &[set.clone()]).unwrap_err();
    assert!(error.contains("their data would be gone"), "{error}");
    assert!(try_it(Action::Scale, json!({"replicas": 4}), &[set]).is_ok());
    let error = try_it(Action::Scale, json!({"replicas": -1}), &[deployment()]).unwrap_err();
    assert!(error.contains("0 to 1000"), "{error}");
}

#[test]
fn an_autoscalers_bounds_are_changed_where_nobody_else_keeps_them() {
    let compiled = try_it(Action::UpdateHpa, json!({"max": 9}), &[scaler(2, 6)]).unwrap();
    assert_eq!(changes(&compiled), ["spec.maxReplicas: 6 → 9"]);
    for (params, expected) in [
        (json!({}), "exactly these bounds"),
        (json!({"min": 7}), "above at most 6"),
        (json!({"max": 0}), "1 to 1000"),
    ] {
        let error = try_it(Action::UpdateHpa, params, &[scaler(2, 6)]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let mut kept = scaler(2, 6);
    kept["metadata"]["ownerReferences"] = json!([{"apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject", "name": "ledger", "uid": "x", "controller": true}]);
    let error = try_it(Action::UpdateHpa, json!({"max": 9}), &[kept]).unwrap_err();
    assert!(error.contains("kept by payments/ScaledObject/ledger"), "{error}");
}

#[test]
fn a_rollout_is_paused_and_resumed_only_where_that_changes_something() {
    let compiled = try_it(Action::PauseRollout, json!({}), &[deployment()]).unwrap();
    assert_eq!(changes(&compiled), ["spec.paused: - → true"]);
    assert!(try_it(Action::ResumeRollout, json!({}), &[deployment()]).is_err());
    let mut paused = deployment();
    paused["spec"]["paused"] = json!(true);
    let compiled = try_it(Action::ResumeRollout, json!({}), &[paused.clone()]).unwrap();
    assert_eq!(changes(&compiled), ["spec.paused: true → -"]);
    assert!(try_it(Action::PauseRollout, json!({}), &[paused]).is_err());
    assert!(try_it(Action::PauseRollout, json!({}), &[stateful_set()]).is_err());
}

#[test]
fn a_probe_gets_other_timing_and_is_never_made_up() {
    let mut object = deployment();
    object["spec"]["template"]["spec"]["containers"][1]["livenessProbe"] =
        json!({"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5, "failureThreshold": 1});
    let set = |params: Value| try_it(Action::SetProbe, params, &[object.clone()]);
    let compiled =
        set(json!({"container": "app", "probe": "liveness", "failure_threshold": 4, "timeout": 3}))
            .unwrap();
    assert_eq!(
        changes(&compiled),
        [
            "spec.template.spec.containers[app].livenessProbe.timeoutSeconds: - → 3",
            "spec.template.spec.containers[app].livenessProbe.failureThreshold: 1 → 4"
        ]
    );
    assert!(compiled.notes.iter().any(|note| note.contains("within 23 s then, now 6 s")));
    for (params, expected) in [
        (json!({"container": "app", "probe": "startup", "period": 5}), "has no startup probe"),
        (json!({"container": "app", "probe": "liveness"}), "exactly this timing"),
        (json!({"container": "app", "probe": "liveness", "timeout": 1}), "exactly this timing"),
        (json!({"container": "app", "probe": "health", "timeout": 1}), "liveness, readiness"),
        (json!({"container": "gone", "probe": "liveness", "timeout": 2}), "no container gone"),
        (json!({"container": "app", "probe": "liveness", "timeout": 61}), "1 to 60"),
    ] {
        let error = set(params).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_claim_only_grows_and_only_where_its_class_can() {
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "payments", "uid": "uid-data"},
        "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "10Gi"}}},
        "status": {"phase": "Bound"}});
    let class = |allows: bool| {
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": "fast", "uid": "uid-fast"}, "allowVolumeExpansion": allows})
    };
    let grow = |size: &str, allows: bool| {
        try_it(Action::ExpandPvc, json!({"size": size}), &[claim.clone(), class(allows)])
    };
    let compiled = grow("20480Mi", true).unwrap();
    assert_eq!(changes(&compiled), ["spec.resources.requests.storage: \"10Gi\" → \"20Gi\""]);
    assert!(!Action::ExpandPvc.undoable);
    assert!(grow("5Gi", true).unwrap_err().contains("is not larger"));
    assert!(grow("20Gi", false).unwrap_err().contains("does not allow expansion"));
    let mut pending = claim.clone();
    pending["status"]["phase"] = json!("Pending");
    let error = try_it(Action::ExpandPvc, json!({"size": "20Gi"}), &[pending]).unwrap_err();
    assert!(error.contains("is not bound"), "{error}");
}

#[test]
fn a_budget_has_one_bound_and_gets_it_back() {
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "ledger", "namespace": "payments", "uid": "uid-budget"},
        "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "ledger-api"}}}});
    let relax = |params: Value| {
        try_it(Action::RelaxDisruptionBudget, params, std::slice::from_ref(&budget))
    };
    let compiled = relax(json!({"max_unavailable": "50%"})).unwrap();
    assert_eq!(
        changes(&compiled),
        ["spec.minAvailable: 3 → -", "spec.maxUnavailable: - → \"50%\""]
    );
    assert_eq!(compiled.undo, "budget ledger back to minAvailable 3");
    let undo = compiled.operations[0].undo().unwrap();
    assert_eq!(serde_json::to_value(undo).unwrap()["changes"][1]["after"], 3);
    assert!(relax(json!({})).unwrap_err().contains("one of"));
    assert!(relax(json!({"min_available": 1, "max_unavailable": 1})).is_err());
    assert!(relax(json!({"min_available": "all"})).unwrap_err().contains("50%"));
    assert!(relax(json!({"min_available": 3})).unwrap_err().contains("already"));
}

#[test]
fn requests_follow_what_was_used_with_headroom_and_stay_below_the_limits() {
    let target = reference(&deployment());
    let diagnosis = crate::domain::action::fixtures::diagnosis(
        &deployment(),
        Pattern::Generic,
        Cause::Unknown,
        json!({}),
    );
    let params = BTreeMap::from([("container".to_string(), json!("app"))]);
    let mut gathered = gathered(&[deployment()]);
    let compiled = loop {
        let request = ActionRequest {
            target: &target,
            diagnosis: &diagnosis,
            params: &params,
            gathered: &gathered,
        };
        match compile(Action::OptimiseResources, &request).unwrap() {
            Progress::Ready(compiled) => break compiled,
            Progress::Need(reads) => {
                for read in reads {
                    let value = match &read {
                        Read::Query { promql } if promql.contains("memory") => 300.0 * 1_048_576.0,
                        _ => 0.9,
                    };
                    let series = Series { labels: BTreeMap::new(), points: vec![(0.0, value)] };
                    let answer = match &read {
                        Read::Query { .. } => Answer::Series(vec![series]),
                        _ => Answer::Items { items: Vec::new(), complete: true },
                    };
                    gathered.answers.insert(read, answer);
                }
            }
        }
    };
    assert_eq!(
        changes(&compiled),
        [
            "spec.template.spec.containers[app].resources.requests.memory: \"256Mi\" → \"384Mi\"",
            "spec.template.spec.containers[app].resources.requests.cpu: \"250m\" → \"1\""
        ]
    );
    assert!(compiled.notes[0].contains("300Mi memory"), "{compiled:?}");
}
