//! What a namespace admits of a raise.

use super::try_it;
use crate::domain::action::Action;
use serde_json::{Value, json};

fn web(replicas: u64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "ledger-api", "namespace": "payments", "uid": "uid-ledger-api"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
                {"name": "app", "resources": {"limits": {"memory": "64Mi"}}},
                {"name": "side", "resources": {"limits": {"memory": "16Mi"}}}]}}}})
}

fn range(kind: &str, most: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "small", "namespace": "payments", "uid": "lr"},
        "spec": {"limits": [{"type": kind, "max": {"memory": most}}]}})
}

fn quota(hard: &str, used: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": "payments", "uid": "rq"},
        "spec": {}, "status": {"hard": {"limits.memory": hard}, "used": {"limits.memory": used}}})
}

fn raised(replicas: u64, rule: Value) -> Result<(String, Vec<String>), String> {
    let params = json!({"container": "app", "memory_limit": "128Mi", "as_allowed": true});
    let done = try_it(Action::SetResources, params, &[web(replicas), rule])?;
    Ok((done.title, done.notes))
}

#[test]
fn a_raise_is_lowered_to_what_a_limit_range_admits_and_refused_when_it_admits_no_more() {
    let (title, notes) = raised(1, range("Container", "100Mi")).unwrap();
    assert_eq!(title, "raise memory limit of app 64Mi → 100Mi");
    assert!(
        notes.contains(&"memory limit 128Mi was wanted; LimitRange small (each container) admits 100Mi at most".to_string()),
        "{notes:?}"
    );
    // The other container's share is taken.
    assert_eq!(
        raised(1, range("Pod", "112Mi")).unwrap().0,
        "raise memory limit of app 64Mi → 96Mi"
    );
    assert_eq!(
        raised(1, range("Container", "1Gi")).unwrap().0,
        "raise memory limit of app 64Mi → 128Mi"
    );
    let why = raised(1, range("Container", "64Mi")).unwrap_err();
    assert!(why.contains("admits a memory limit of 64Mi at most, and it has 64Mi"), "{why}");
}

#[test]
fn a_quota_is_shared_by_all_pods_and_by_the_one_more_that_a_rollout_makes() {
    // 4 pods of 80Mi; one may be away: 64Mi more are shared by four.
    let (title, notes) = raised(4, quota("384Mi", "320Mi")).unwrap();
    assert_eq!(title, "raise memory limit of app 64Mi → 80Mi");
    assert!(
        notes
            .iter()
            .any(|note| note
                .contains("ResourceQuota team (limits.memory: 320Mi of 384Mi used, 4 pods)")),
        "{notes:?}"
    );
    // One pod, none may be away: the new one needs its 80Mi besides.
    assert_eq!(
        raised(1, quota("180Mi", "80Mi")).unwrap().0,
        "raise memory limit of app 64Mi → 84Mi"
    );
    let why = raised(1, quota("160Mi", "80Mi")).unwrap_err();
    assert!(why.contains("it can't be raised here"), "{why}");
}

#[test]
fn what_is_not_asked_to_be_as_allowed_stays_as_it_was_asked_for() {
    let params = json!({"container": "app", "memory_limit": "128Mi"});
    let why =
        try_it(Action::SetResources, params, &[web(1), range("Container", "100Mi")]).unwrap_err();
    assert!(why.contains("LimitRange small allows at most 100Mi"), "{why}");
}
