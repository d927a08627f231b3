//! Plans for objects that somebody else keeps: handed over, or with the keeper suspended; never a fight.

#![allow(clippy::needless_pass_by_value, reason = "`json!` at the call")]

use super::{Setting, cluster, high_memory};
use crate::domain::operation::Operation;
use crate::domain::policy::Managed;
use crate::domain::workflow::plan::{OnFailure, StepKind};
use serde_json::{Value, json};

fn kept(application: Value) -> Vec<Value> {
    let mut objects = cluster();
    objects[0]["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] =
        json!("shop:apps/Deployment:payments/ledger-api");
    objects.push(application);
    objects
}

fn application() -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd", "uid": "uid-app"},
        "spec": {"source": {"repoURL": "https://git.example/shop.git", "path": "apps/shop",
            "targetRevision": "main"}, "syncPolicy": {"automated": {"selfHeal": true}}}})
}

#[test]
fn a_change_that_lasts_is_handed_over_with_repository_path_and_patch() {
    let plan = Setting::default().plan(&high_memory(), &kept(application())).unwrap();
    assert!(!plan.mutates());
    let steps = plan.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>();
    assert_eq!(steps, ["diagnostics", "change-at-the-source"]);
    let StepKind::HandOver { message, .. } = &plan.steps[1].kind else { panic!("a hand-over") };
    for part in [
        "To do: raise memory limit of app 512Mi → 1Gi.",
        "Argo CD shop: self-heal is on",
        "repository: https://git.example/shop.git\nrevision: main\npath: apps/shop",
        "limits:\n            memory: 1Gi",
    ] {
        assert!(message.replace('"', "").contains(part), "{part}: {message}");
    }
    assert_eq!(plan.managers[0].handling, "the change goes to its source");
    assert_eq!(Setting::default().policy.withholds(&plan), Vec::<String>::new());
}

#[test]
fn where_the_setting_says_so_the_keeper_is_suspended_first_and_resumed_when_the_case_ends() {
    let mut setting = Setting::default();
    setting.policy.managed = Managed::Suspend;
    let plan = setting.plan(&high_memory(), &kept(application())).unwrap();
    let first = &plan.steps[0];
    assert_eq!((first.path.as_str(), first.on_failure), ("0", OnFailure::Undo));
    assert!(first.ends_with_case() && !plan.steps[2].ends_with_case());
    let StepKind::Action { operations, .. } = &first.kind else { panic!("an action") };
    let Operation::Patch { object, changes, .. } = &operations[0].operation else { panic!() };
    assert_eq!(object.key.path(), "argocd/Application/shop");
    assert_eq!(
        (changes[0].before.clone(), changes[0].after.clone()),
        (Some(json!({"selfHeal": true})), None)
    );
    assert_eq!(operations[0].undo, operations[0].operation.undo());
    assert_eq!(plan.steps.last().unwrap().path.as_str(), "3", "the other steps keep their numbers");
    assert!(plan.blast.notes.iter().any(|note| note.contains("git.example")), "{:?}", plan.blast);
    assert_eq!(setting.policy.withholds(&plan), Vec::<String>::new());
}

#[test]
fn a_keeper_that_does_not_revert_by_itself_is_named_and_the_change_is_made() {
    let mut by_hand = application();
    by_hand["spec"]["syncPolicy"] = json!({});
    let plan = Setting::default().plan(&high_memory(), &kept(by_hand)).unwrap();
    assert!(plan.mutates() && plan.steps.len() == 3);
    assert!(!plan.managers[0].reverts && plan.managers[0].handling.contains("by hand"));
    assert_eq!(Setting::default().policy.withholds(&plan), Vec::<String>::new());
}

#[test]
fn what_can_not_be_suspended_is_handed_over_whatever_the_setting_says() {
    let mut generated = application();
    generated["metadata"]["ownerReferences"] = json!([{"apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet", "name": "all", "uid": "u", "controller": true}]);
    let mut setting = Setting::default();
    setting.policy.managed = Managed::Suspend;
    let plan = setting.plan(&high_memory(), &kept(generated)).unwrap();
    assert!(!plan.mutates(), "{plan:#?}");
}

#[test]
fn a_restart_needs_neither() {
    let setting = Setting { template: "memory-leak", ..Setting::default() };
    let plan = setting.plan(&high_memory(), &kept(application())).unwrap();
    assert!(plan.mutates() && plan.managers.iter().all(|manager| !manager.reverts), "{plan:#?}");
}
