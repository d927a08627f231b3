//! What keepers put back, and what they leave alone.

#![allow(clippy::needless_pass_by_value, reason = "`json!` and changes at the call")]

use super::*;
use crate::domain::action::fixtures::{answer, deployment, reference};
use crate::domain::diagnose::reader::Reader;
use crate::domain::evidence::Gathered;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::FieldPath;
use serde_json::{Value, json};

fn application(policy: Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd", "uid": "uid-app"},
        "spec": {"source": {"repoURL": "https://bot:secret@git.example/shop.git", "path": "apps/shop",
            "targetRevision": "main"}, "syncPolicy": policy}})
}

fn tracked(fields: Option<Value>) -> Value {
    let mut object = deployment();
    object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] =
        json!("shop:apps/Deployment:payments/ledger-api");
    if let Some(fields) = fields {
        object["metadata"]["managedFields"] =
            json!([{"manager": "argocd-controller", "fieldsV1": {"f:spec": fields}}]);
    }
    object
}

fn memory(object: &Value) -> FieldChange {
    let path = FieldPath::keys(&["spec", "template", "spec", "containers"]).named("app");
    let path = path.key("resources").key("limits").key("memory");
    FieldChange { before: path.get(object).cloned(), path, after: Some(json!("1Gi")) }
}

fn restart() -> FieldChange {
    let path = FieldPath::keys(&["spec", "template", "metadata", "annotations"]);
    FieldChange {
        path: path.key("pilothouse.dev/restart-of"),
        before: None,
        after: Some(json!("x")),
    }
}

/// The stance of the object's only keeper about one change, with these objects on the cluster.
fn asked(object: &Value, change: FieldChange, others: &[Value]) -> Stance {
    let keepers = keepers(object);
    assert_eq!(keepers.len(), 1, "{keepers:?}");
    let mut gathered = Gathered::default();
    for _ in 0..6 {
        let mut reader = Reader::new(&gathered);
        let changes = [change.clone()];
        let found = stance(&keepers[0], object, &reference(object), Some(&changes), &mut reader);
        if let Some(found) = found {
            return found;
        }
        for read in reader.needs() {
            let came = answer(&read, others);
            gathered.answers.insert(read, came);
        }
    }
    panic!("not ready after 6 rounds")
}

#[test]
fn argo_cd_puts_back_what_it_owns_where_self_heal_is_on() {
    let heals = json!({"automated": {"selfHeal": true, "prune": true}});
    let reverts = |object: &Value, change: FieldChange, policy: &Value| {
        asked(object, change, &[application(policy.clone())]).reverts
    };
    let owned = json!({"f:template": {"f:spec": {"f:containers": {
        "k:{\"name\":\"app\"}": {".": {}, "f:resources": {"f:limits": {"f:memory": {}}}}}}}});
    let object = tracked(Some(owned));
    assert!(reverts(&object, memory(&object), &heals));
    assert!(!reverts(&object, restart(), &heals), "an annotation of ours is in no source");
    let elsewhere = tracked(Some(json!({"f:replicas": {}})));
    assert!(!reverts(&elsewhere, memory(&elsewhere), &heals), "it does not own the field");
    let leaf = tracked(Some(json!({"f:template": {}})));
    assert!(reverts(&leaf, memory(&leaf), &heals), "it owns the whole that it is part of");
    let unseen = tracked(None);
    assert!(reverts(&unseen, memory(&unseen), &heals), "who wrote it is not known");
    for policy in [
        json!({}),
        json!({"automated": {}}),
        json!({"automated": {"selfHeal": false}}),
        json!({"automated": {"selfHeal": true, "enabled": false}}),
    ] {
        assert!(!reverts(&object, memory(&object), &policy), "{policy}");
    }
}

#[test]
fn suspending_argo_cd_is_a_patch_of_the_application_that_its_own_keepers_leave_alone() {
    let heals = json!({"automated": {"selfHeal": true}});
    let object = tracked(None);
    let stance = asked(&object, memory(&object), &[application(heals.clone())]);
    let Some(Operation::Patch { object: target, changes, .. }) = &stance.suspend else {
        panic!("{stance:?}")
    };
    assert_eq!(target.key.path(), "argocd/Application/shop");
    assert_eq!(changes[0].path.to_string(), "spec.syncPolicy.automated");
    assert_eq!(changes[0].after, None);
    assert_eq!(
        stance.source.lines,
        ["repository: https://git.example/shop.git", "revision: main", "path: apps/shop"]
    );
    let mut generated = application(heals.clone());
    generated["metadata"]["ownerReferences"] = json!([{"kind": "ApplicationSet", "name": "all",
        "apiVersion": "argoproj.io/v1alpha1", "uid": "u", "controller": true}]);
    let stance = asked(&object, memory(&object), &[generated]);
    assert!(
        stance.reverts && stance.suspend.is_none() && stance.why.contains("ApplicationSet all")
    );
    let mut nested = application(heals.clone());
    nested["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id":
        "root:argoproj.io/Application:argocd/shop"});
    let mut root = application(heals);
    root["metadata"]["name"] = json!("root");
    let stance = asked(&object, memory(&object), &[nested, root]);
    assert!(stance.suspend.is_none() && stance.why.contains("Argo CD root"), "{stance:?}");
}

#[test]
fn a_keeper_that_is_not_to_be_seen_counts_as_one_that_reverts() {
    let object = tracked(None);
    let stance = asked(&object, memory(&object), &[]);
    assert!(stance.reverts && stance.suspend.is_none(), "{stance:?}");
    assert!(!stance.source.unknown.is_empty());
}

#[test]
fn a_copy_of_a_tracked_object_is_not_kept() {
    let mut copy = tracked(None);
    copy["metadata"]["name"] = json!("ledger-api-copy");
    assert_eq!(keepers(&copy), []);
}

#[test]
fn flux_applies_again_unless_it_is_suspended_or_told_to_leave_the_object_alone() {
    let mut object = deployment();
    object["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
    let kustomization = |suspend: bool| {
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "apps", "namespace": "flux-system", "uid": "uid-k"},
            "spec": {"path": "./apps", "suspend": suspend,
                "sourceRef": {"kind": "GitRepository", "name": "fleet"}}})
    };
    let repository = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "fleet", "namespace": "flux-system", "uid": "uid-g"},
        "spec": {"url": "ssh://git@git.example/fleet", "ref": {"branch": "main"}}});
    let stance = asked(&object, memory(&object), &[kustomization(false), repository.clone()]);
    assert!(stance.reverts && stance.suspend.is_some(), "{stance:?}");
    assert_eq!(
        stance.source.lines,
        ["repository: ssh://git@git.example/fleet", "branch: main", "path: ./apps"]
    );
    assert!(!asked(&object, memory(&object), &[kustomization(true), repository.clone()]).reverts);
    object["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/reconcile"] = json!("disabled");
    assert!(!asked(&object, memory(&object), &[kustomization(false), repository]).reverts);
}

#[test]
fn kubernetes_own_controllers_are_no_operators() {
    let owned = |api: &str, kind: &str| {
        let mut object = deployment();
        object["metadata"]["ownerReferences"] = json!([{"apiVersion": api, "kind": kind, "name": "x",
            "uid": "u", "controller": true}]);
        keepers(&object).len()
    };
    assert_eq!(owned("apps/v1", "StatefulSet"), 0);
    assert_eq!(owned("apps/v1", "DaemonSet"), 0);
    assert_eq!(owned("postgresql.cnpg.io/v1", "Cluster"), 1);
}

#[test]
fn the_patch_to_commit_is_yaml_that_a_person_can_read() {
    let object = deployment();
    let operation =
        Operation::patch(reference(&object), vec![memory(&object), restart()], Vec::new());
    let patch = patch_text(&reference(&object).key, [&operation].into_iter()).unwrap();
    assert_eq!(
        patch,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ledger-api\n  namespace: payments\nspec:\n  \
         template:\n    metadata:\n      annotations:\n        pilothouse.dev/restart-of: x\n    spec:\n      \
         containers:\n      - name: app\n        resources:\n          limits:\n            memory: \"1Gi\"\n"
    );
}
