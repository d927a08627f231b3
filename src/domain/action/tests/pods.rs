//! Pods and nodes.

#![allow(
    clippy::cloned_ref_to_slice_refs,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    reason = "tests are read from the data"
)]

use super::{changes, try_it};
use crate::domain::action::fixtures::{deployment, gathered, own_node, pod, replica_set, template};
use crate::domain::action::leaving::{Stand, leaving};
use crate::domain::action::{Action, Compiled};
use crate::domain::evidence::{Progress, Read};
use crate::domain::operation::Operation;
use serde_json::{Value, json};

fn node(name: &str) -> Value {
    own_node(name)
}

fn budget(least: i64, healthy: i64) -> Value {
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "ledger", "namespace": "payments", "uid": "uid-budget"},
        "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": "ledger-api"}}},
        "status": {"expectedPods": 3, "currentHealthy": healthy, "desiredHealthy": least,
            "disruptionsAllowed": (healthy - least).max(0)}})
}

fn set() -> Value {
    let mut set = replica_set(3, template("ledger:2.4.1", "512Mi"));
    set["spec"]["replicas"] = json!(3);
    set
}

fn bare() -> Value {
    let mut pod = pod("alone", 3);
    pod["metadata"]["ownerReferences"] = json!([]);
    pod
}

fn of_daemon_set() -> Value {
    let mut pod = pod("agent", 3);
    pod["metadata"]["ownerReferences"][0]["kind"] = json!("DaemonSet");
    pod
}

fn with_empty_dir() -> Value {
    let mut pod = pod("ledger-api-a", 3);
    pod["spec"]["volumes"] = json!([{"name": "cache", "emptyDir": {}},
        {"name": "shm", "emptyDir": {"medium": "Memory"}}, {"name": "token", "projected": {}}]);
    pod
}

fn cluster(first: Value) -> Vec<Value> {
    vec![first, set(), node("node1"), node("node2")]
}

fn says(compiled: &Compiled, words: &str) {
    let all = [&compiled.notes, &compiled.blockers, &compiled.unknown];
    let found = all.iter().any(|lines| lines.iter().any(|line| line.contains(words)));
    assert!(found, "{words}: {compiled:?}");
}

#[test]
fn a_pod_is_restarted_by_its_uid_and_what_is_lost_is_said() {
    let compiled = try_it(Action::RestartPod, json!({}), &cluster(with_empty_dir())).unwrap();
    let Operation::Delete { object, grace_s: None, .. } = &compiled.operations[0] else { panic!() };
    assert_eq!(object.uid, "uid-ledger-api-a");
    assert_eq!(compiled.operations[0].undo(), None);
    says(&compiled, "lost with it: emptyDir cache (on the node's disk)");
    says(&compiled, "lost with it: emptyDir shm (in memory)");
    assert!(!format!("{compiled:?}").contains("token"));
    let error = try_it(Action::RestartPod, json!({}), &cluster(bare())).unwrap_err();
    assert!(error.contains("gone for good"), "{error}");
    let compiled = try_it(Action::RestartPod, json!({"bare": true}), &cluster(bare())).unwrap();
    says(&compiled, "it is gone for good");
    try_it(Action::RestartPod, json!({}), &cluster(of_daemon_set())).unwrap();
    let mut mirror = bare();
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    let error = try_it(Action::RestartPod, json!({"bare": true}), &cluster(mirror)).unwrap_err();
    assert!(error.contains("static pod"), "{error}");
    let error = try_it(Action::RestartPod, json!({}), &[deployment()]).unwrap_err();
    assert!(error.contains("is no pod"), "{error}");
}

#[test]
fn an_eviction_says_what_holds_it_back_and_where_the_pod_can_go() {
    let plain = pod("ledger-api-a", 3);
    let all = [cluster(plain.clone()), vec![budget(2, 3)]].concat();
    let compiled = try_it(Action::EvictPod, json!({}), &all).unwrap();
    assert!(
        matches!(&compiled.operations[0], Operation::Evict { pod, .. } if pod.uid == "uid-ledger-api-a")
    );
    says(&compiled, "budget ledger allows 1 now");
    says(&compiled, "can go to node2");
    let all = [cluster(plain.clone()), vec![budget(2, 2)]].concat();
    says(
        &try_it(Action::EvictPod, json!({}), &all).unwrap(),
        "waits until budget ledger allows it",
    );
    let all = [cluster(plain.clone()), vec![budget(3, 3)]].concat();
    let compiled = try_it(Action::EvictPod, json!({}), &all).unwrap();
    assert!(compiled.blockers[0].contains("would wait for ever"), "{compiled:?}");
    let mut second = budget(1, 3);
    second["metadata"]["name"] = json!("other");
    let all = [cluster(plain.clone()), vec![budget(2, 3), second]].concat();
    let error = try_it(Action::EvictPod, json!({}), &all).unwrap_err();
    assert!(error.contains("evicts no pod that has two"), "{error}");
    let error = try_it(Action::EvictPod, json!({}), &cluster(with_empty_dir())).unwrap_err();
    assert!(error.contains("lose_local_data"), "{error}");
    let agreed = json!({"lose_local_data": true});
    try_it(Action::EvictPod, agreed, &cluster(with_empty_dir())).unwrap();
    let error = try_it(Action::EvictPod, json!({}), &cluster(of_daemon_set())).unwrap_err();
    assert!(error.contains("puts it right back"), "{error}");
    let compiled = try_it(Action::EvictPod, json!({}), &[plain, set(), node("node1")]).unwrap();
    assert!(compiled.blockers[0].contains("no other node would take it"), "{compiled:?}");
}

#[test]
fn the_pods_of_a_node_are_listed_each_with_what_its_going_means() {
    let objects = [
        cluster(pod("ledger-api-a", 3)),
        vec![bare(), of_daemon_set(), with_empty_dir(), budget(2, 3)],
    ]
    .concat();
    let mut gathered = gathered(&[]);
    let list = loop {
        match leaving("node1", &gathered) {
            Progress::Ready(list) => break list.unwrap(),
            Progress::Need(reads) => {
                for read in reads {
                    let answer = crate::domain::action::fixtures::answer(&read, &objects);
                    gathered.answers.insert(read, answer);
                }
            }
        }
    };
    let of = |name: &str| list.iter().find(|one| one.pod.key.name == name).unwrap();
    assert_eq!(of("ledger-api-a").stand, Stand::Goes);
    assert!(matches!(of("alone").stand, Stand::Bare(_)));
    assert!(matches!(of("agent").stand, Stand::Stays(_)));
    assert_eq!(of("ledger-api-a").budgets[0].allowed, 1);
    assert_eq!(of("ledger-api-a").goes_to, Ok(vec!["node2".to_string()]));
    assert!(!of("ledger-api-a").sole);
    // What can't be read is said, never taken for an empty node.
    let read = Read::PodsOn { node: "node1".into() };
    let no = crate::domain::evidence::Answer::NotPermitted("pods".into());
    gathered.answers.insert(read, no);
    let Progress::Ready(Err(why)) = leaving("node1", &gathered) else { panic!("unreadable") };
    assert!(why.contains("not permitted"), "{why}");
}

#[test]
fn a_cordon_is_marked_with_its_reason_and_taken_off_again() {
    let objects = [node("node1"), node("node2")];
    let compiled = try_it(Action::Cordon, json!({"reason": "disk fails"}), &objects).unwrap();
    assert_eq!(
        changes(&compiled),
        [
            "spec.unschedulable: - → true",
            "metadata.annotations[\"pilothouse.dev/cordoned\"]: - → \"disk fails\""
        ]
    );
    let alone = try_it(Action::Cordon, json!({}), &objects[..1]).unwrap();
    assert!(alone.blockers[0].contains("no other node"), "{alone:?}");
    let mut cordoned = node("node1");
    cordoned["spec"]["unschedulable"] = json!(true);
    let error = try_it(Action::Cordon, json!({}), &[cordoned.clone()]).unwrap_err();
    assert!(error.contains("cordoned already"), "{error}");
    let error = try_it(Action::Uncordon, json!({}), &objects).unwrap_err();
    assert!(error.contains("is not cordoned"), "{error}");
    let compiled = try_it(Action::Uncordon, json!({}), &[cordoned.clone()]).unwrap();
    assert_eq!(changes(&compiled), ["spec.unschedulable: true → -"]);
    says(&compiled, "cordoned by somebody else");
    // The mark is from an earlier remediation; the field's writer is who cordoned it now.
    cordoned["metadata"]["annotations"] = json!({"pilothouse.dev/cordoned": "disk fails"});
    let written = |manager: &str| {
        json!([{"manager": manager, "operation": "Update", "time": "2026-11-25T10:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:unschedulable": {}}}}])
    };
    for (manager, words) in
        [("kubectl-cordon", "somebody else"), ("pilothouse", "by a remediation: disk fails")]
    {
        cordoned["metadata"]["managedFields"] = written(manager);
        let compiled = try_it(Action::Uncordon, json!({}), &[cordoned.clone()]).unwrap();
        says(&compiled, words);
    }
}

#[test]
fn a_taint_is_removed_alone_and_one_that_the_cluster_keeps_is_refused() {
    let mut tainted = node("node1");
    tainted["spec"]["taints"] = json!([{"key": "maintenance", "effect": "NoSchedule"},
        {"key": "maintenance", "effect": "NoExecute"}, {"key": "gpu", "value": "a", "effect": "NoSchedule"}]);
    let remove = |params: Value| try_it(Action::RemoveTaint, params, &[tainted.clone()]);
    let compiled = remove(json!({"key": "gpu"})).unwrap();
    assert_eq!(compiled.title, "remove taint gpu=a:NoSchedule of node node1");
    let error = remove(json!({"key": "maintenance"})).unwrap_err();
    assert!(error.contains("has several"), "{error}");
    remove(json!({"key": "maintenance", "effect": "NoExecute"})).unwrap();
    let error = remove(json!({"key": "node.kubernetes.io/unreachable"})).unwrap_err();
    assert!(error.contains("keeps taint"), "{error}");
    let error = remove(json!({"key": "other"})).unwrap_err();
    assert!(error.contains("it has maintenance:NoSchedule"), "{error}");
}

#[test]
fn a_workload_leaves_a_node_only_while_it_is_cordoned() {
    let mut cordoned = node("node1");
    cordoned["spec"]["unschedulable"] = json!(true);
    let with = |node1: Value| {
        let mut elsewhere = pod("ledger-api-c", 3);
        elsewhere["spec"]["nodeName"] = json!("node2");
        vec![
            deployment(),
            set(),
            node1,
            node("node2"),
            budget(2, 3),
            pod("ledger-api-a", 3),
            pod("ledger-api-b", 3),
            elsewhere,
            pod("foreign", 9),
        ]
    };
    let from = json!({"from": "node1"});
    let compiled = try_it(Action::MigrateWorkload, from.clone(), &with(cordoned)).unwrap();
    let names = compiled.operations.iter().filter_map(Operation::key).map(|key| key.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["ledger-api-a", "ledger-api-b"]);
    let error = try_it(Action::MigrateWorkload, from, &with(node("node1"))).unwrap_err();
    assert!(error.contains("is not cordoned"), "{error}");
}

#[test]
fn ended_pods_are_deleted_by_uid_and_only_while_they_have_ended() {
    let ended = |name: &str, phase: &str, reason: &str| {
        let mut pod = pod(name, 3);
        pod["status"] =
            json!({"phase": phase, "reason": reason, "startTime": format!("2026-11-2{name}")});
        pod
    };
    let mut of_job = ended("4", "Failed", "");
    of_job["metadata"]["ownerReferences"][0]["kind"] = json!("Job");
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "payments", "uid": "n"}});
    let objects = [
        space,
        ended("1", "Failed", "Evicted"),
        ended("2", "Succeeded", ""),
        ended("3", "Failed", "OOM"),
        of_job,
        pod("runs", 3),
    ];
    let names = |params: Value| {
        try_it(Action::DeleteFailedPods, params, &objects).map(|compiled| {
            let keys = compiled.operations.iter().filter_map(Operation::key);
            keys.map(|key| key.name.clone()).collect::<Vec<_>>()
        })
    };
    assert_eq!(names(json!({})).unwrap(), ["1", "3"]);
    assert_eq!(names(json!({"phase": "Evicted"})).unwrap(), ["1"]);
    assert_eq!(names(json!({"phase": "Succeeded"})).unwrap(), ["2"]);
    assert_eq!(names(json!({"of_jobs": true})).unwrap(), ["1", "3", "4"]);
    assert_eq!(names(json!({"most": 1})).unwrap(), ["1"]);
    let compiled = try_it(Action::DeleteFailedPods, json!({}), &objects).unwrap();
    let Operation::Delete { guards, .. } = &compiled.operations[0] else { panic!() };
    assert_eq!(guards[0].before, Some(json!("Failed")));
}
