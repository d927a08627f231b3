mod allowed;
mod network;
mod pods;
mod settings;

use super::fixtures::{
    answer, controller_revision, daemon_set, deployment, diagnosis, gathered, pod, reference,
    replica_set, stateful_set, template,
};
use super::*;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::evidence::{Progress, Read};
use crate::domain::operation::Operation;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Compiles an action on the first of the objects, reading from all of them.
#[allow(clippy::needless_pass_by_value)] // `json!` at the call
fn try_it(action: Action, params: Value, objects: &[Value]) -> Result<Compiled, String> {
    let target = reference(&objects[0]);
    let diagnosis = diagnosis(&objects[0], Pattern::HighMemory, Cause::LimitTooSmall, json!({}));
    let params = params.as_object().cloned().unwrap_or_default().into_iter();
    let params = params.collect::<BTreeMap<_, _>>();
    let mut gathered = gathered(&[]);
    for _ in 0..6 {
        let request = ActionRequest {
            target: &target,
            diagnosis: &diagnosis,
            params: &params,
            gathered: &gathered,
        };
        match compile(action, &request).map_err(|error| error.to_string())? {
            Progress::Ready(compiled) => return Ok(compiled),
            Progress::Need(reads) => {
                assert!(!reads.is_empty());
                for read in reads {
                    assert!(gathered.get(&read).is_none(), "asked twice: {read:?}");
                    let answer = answer(&read, objects);
                    gathered.answers.insert(read, answer);
                }
            }
        }
    }
    panic!("not ready after 6 rounds");
}

fn patch(compiled: &Compiled) -> Value {
    assert_eq!(compiled.operations.len(), 1);
    serde_json::to_value(&compiled.operations[0]).unwrap()
}

fn changes(compiled: &Compiled) -> Vec<String> {
    let Operation::Patch { changes, .. } = &compiled.operations[0] else { panic!("a patch") };
    changes
        .iter()
        .map(|change| {
            let show = |value: &Option<Value>| value.as_ref().map_or("-".into(), Value::to_string);
            format!("{}: {} → {}", change.path, show(&change.before), show(&change.after))
        })
        .collect()
}

#[test]
fn set_resources_touches_only_what_was_asked_for_and_guards_the_whole_pod_template() {
    let object = deployment();
    let params = json!({"container": "app", "memory_limit": "1024Mi"});
    let compiled = try_it(Action::SetResources, params, std::slice::from_ref(&object)).unwrap();
    assert_eq!(compiled.title, "raise memory limit of app 512Mi → 1Gi");
    assert_eq!(compiled.undo, "memory limit back to 512Mi of app; its pods roll again");
    let patch = patch(&compiled);
    assert_eq!(patch["object"]["uid"], "uid-ledger-api");
    assert_eq!(
        changes(&compiled),
        ["spec.template.spec.containers[app].resources.limits.memory: \"512Mi\" → \"1Gi\""]
    );
    assert_eq!(patch["guards"][0]["before"], object["spec"]["template"]);
    assert_eq!(patch["guards"][0]["path"], json!([{"key": "spec"}, {"key": "template"}]));
}

#[test]
fn set_resources_sets_all_four_and_adds_what_was_absent() {
    let params = json!({"container": "proxy", "memory_limit": 134_217_728, "memory_request": "64Mi",
        "cpu_limit": "1500m", "cpu_request": 0.5});
    let compiled = try_it(Action::SetResources, params, &[deployment()]).unwrap();
    assert_eq!(
        changes(&compiled),
        [
            "spec.template.spec.containers[proxy].resources.limits.memory: - → \"128Mi\"",
            "spec.template.spec.containers[proxy].resources.requests.memory: - → \"64Mi\"",
            "spec.template.spec.containers[proxy].resources.limits.cpu: - → \"1500m\"",
            "spec.template.spec.containers[proxy].resources.requests.cpu: - → \"500m\"",
        ]
    );
    let undo = compiled.operations[0].undo().unwrap();
    let Operation::Patch { changes, .. } = undo else { panic!("a patch") };
    assert!(changes.iter().all(|change| change.after.is_none()), "undo removes what was absent");
}

#[test]
fn set_resources_refuses_what_can_not_hold() {
    let range = json!({"apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "small", "namespace": "payments", "uid": "lr"},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}});
    let cases = [
        (json!({"container": "app", "memory_limit": "128Mi"}), "below the request 256Mi"),
        (json!({"container": "app", "memory_request": "2Gi"}), "below the request 2Gi"),
        (json!({"container": "app", "memory_limit": "512Mi"}), "exactly these"),
        (json!({"container": "app", "memory_limit": "2Gi"}), "LimitRange small allows at most 1Gi"),
        (json!({"container": "gone", "memory_limit": "1Gi"}), "no container gone"),
        (json!({"container": "app"}), "at least one request or limit"),
        (json!({"memory_limit": "1Gi"}), "needs `container`"),
        (json!({"container": "app", "memory_limit": "lots"}), "no memory quantity"),
        (json!({"container": "app", "memory_limit": "12"}), "can't be meant"),
        (json!({"container": "app", "cpu_limit": "9000"}), "can't be meant"),
        (json!({"container": "app", "memory": "1Gi"}), "no parameter `memory`"),
    ];
    for (params, expected) in cases {
        let error = try_it(Action::SetResources, params.clone(), &[deployment(), range.clone()])
            .unwrap_err();
        assert!(error.contains(expected), "{params}: {error}");
    }
}

#[test]
fn set_resources_says_what_the_scheduler_and_the_kubelet_make_of_it() {
    let mut object = deployment();
    object["spec"]["template"]["spec"]["containers"][1]["resources"] =
        json!({"limits": {"memory": "512Mi"}});
    let params = json!({"container": "app", "memory_limit": "1Gi"});
    let compiled =
        try_it(Action::SetResources, params.clone(), std::slice::from_ref(&object)).unwrap();
    assert!(compiled.notes.iter().any(|note| note.contains("takes the limit as request")));
    object["spec"]["template"]["spec"]["containers"][1]["resources"] =
        json!({"limits": {"memory": "512Mi"}, "requests": {"memory": "512Mi"}});
    object["spec"]["strategy"] = json!({"type": "Recreate"});
    let compiled = try_it(Action::SetResources, params, &[object]).unwrap();
    assert!(compiled.notes.iter().any(|note| note.contains("no longer Guaranteed")));
    assert!(compiled.notes.iter().any(|note| note.contains("all pods stop before new ones start")));
}

/// A change to an object, and the words that must be in the answer.
type Refused = (Value, fn(&mut Value), &'static str);

#[test]
fn a_change_that_would_not_reach_the_pods_is_refused_in_words() {
    let cases: [Refused; 9] = [
        (deployment(), |o| o["spec"]["paused"] = json!(true), "is paused"),
        (stateful_set(), |o| o["spec"]["updateStrategy"]["type"] = json!("OnDelete"), "OnDelete"),
        (daemon_set(), |o| o["spec"]["updateStrategy"]["type"] = json!("OnDelete"), "OnDelete"),
        (
            stateful_set(),
            |o| o["spec"]["updateStrategy"]["rollingUpdate"] = json!({"partition": 3}),
            "would reach no pod",
        ),
        (deployment(), |o| o["metadata"]["uid"] = json!("new"), "deleted and made anew"),
        (
            deployment(),
            |o| o["metadata"]["deletionTimestamp"] = json!("2026-11-23T03:00:00Z"),
            "is being deleted",
        ),
        (deployment(), |o| o["metadata"]["name"] = json!("other"), "does not exist any more"),
        (deployment(), |o| o["kind"] = json!("ReplicaSet"), "does not exist any more"),
        (deployment(), |o| o["spec"]["template"] = Value::Null, "can't be rolled"),
    ];
    for (object, change, expected) in cases {
        let target = reference(&object);
        let diagnosis = diagnosis(&object, Pattern::Generic, Cause::Unknown, json!({}));
        let mut changed = object;
        change(&mut changed);
        let params = BTreeMap::from([
            ("container".to_string(), json!("app")),
            ("memory_limit".to_string(), json!("1Gi")),
        ]);
        let mut gathered = gathered(&[]);
        let read = Read::Object(target.key.clone());
        gathered.answers.insert(read.clone(), answer(&read, &[changed]));
        let request = ActionRequest {
            target: &target,
            diagnosis: &diagnosis,
            params: &params,
            gathered: &gathered,
        };
        let error = compile(Action::SetResources, &request).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        let none = BTreeMap::new();
        let request = ActionRequest { params: &none, ..request };
        assert!(compile(Action::RestartWorkload, &request).is_err(), "{expected}");
    }
}

fn revision(object: &Value) -> Value {
    json!({"revision": {"number": 2, "kind": object["kind"], "name": object["metadata"]["name"],
        "uid": object["metadata"]["uid"]}})
}

#[test]
fn roll_back_puts_the_template_of_the_replica_set_back_without_its_hash() {
    let set = replica_set(2, template("ledger:2.4.0", "512Mi"));
    let objects = [deployment(), set.clone()];
    let compiled = try_it(Action::RollBack, revision(&set), &objects).unwrap();
    assert_eq!(compiled.title, "roll ledger-api back to revision 2");
    let patch = patch(&compiled);
    assert_eq!(patch["changes"][0]["before"], objects[0]["spec"]["template"]);
    assert_eq!(patch["changes"][0]["after"], template("ledger:2.4.0", "512Mi"));
    assert_eq!(patch["changes"].as_array().unwrap().len(), 1);
}

#[test]
fn roll_back_takes_the_template_out_of_a_controller_revision() {
    let mut held = controller_revision(1, template("ledger:1", "512Mi"));
    for mut object in [stateful_set(), daemon_set()] {
        object["status"] = json!({});
        held["metadata"]["ownerReferences"][0]["kind"] = object["kind"].clone();
        let objects = [object, held.clone()];
        let compiled = try_it(Action::RollBack, revision(&held), &objects).unwrap();
        let patch = patch(&compiled);
        assert_eq!(patch["changes"][0]["after"], template("ledger:1", "512Mi"));
    }
}

#[test]
fn roll_back_refuses_a_revision_that_is_not_the_one_diagnosed() {
    let set = replica_set(2, template("ledger:2.4.0", "512Mi"));
    let same = replica_set(3, template("ledger:2.4.1", "512Mi"));
    let mut foreign = set.clone();
    foreign["metadata"]["ownerReferences"][0]["uid"] = json!("another");
    let mut anew = set.clone();
    anew["metadata"]["uid"] = json!("another");
    for (params, objects, expected) in [
        (revision(&set), vec![deployment()], "gone from the history"),
        (revision(&set), vec![deployment(), foreign], "is not the revision"),
        (revision(&set), vec![deployment(), anew], "is not the revision"),
        (
            revision(&same),
            vec![deployment(), same.clone()],
            "has the pod template of that revision",
        ),
        (revision(&set), vec![stateful_set(), set.clone()], "can't be rolled back to a ReplicaSet"),
        (json!({"revision": "2"}), vec![deployment()], "{kind, name, uid}"),
    ] {
        let error = try_it(Action::RollBack, params, &objects).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

fn own(mut pod: Value) -> Value {
    pod["metadata"]["ownerReferences"][0]["uid"] = json!("uid-ledger-api");
    pod
}

#[test]
fn an_ordered_stateful_set_with_pods_that_can_not_become_ready_is_refused() {
    let with = |pods: Vec<Value>| {
        let objects = [vec![stateful_set()], pods].concat();
        try_it(Action::RestartWorkload, json!({}), &objects)
    };
    // One pod that runs for a minute each time: it may be ready for a moment.
    let slow = own(pod("ledger-api-0", 3));
    let compiled = with(vec![slow.clone()]).unwrap();
    assert!(compiled.notes.iter().any(|note| note.contains("ledger-api-0 is not ready")));
    let mut fast = slow.clone();
    fast["status"]["containerStatuses"][1]["lastState"]["terminated"]["startedAt"] =
        json!("2026-11-23T03:09:00Z");
    assert!(with(vec![fast]).unwrap_err().contains("ends after 0s each time"));
    let mut image = slow.clone();
    image["status"]["containerStatuses"][1]["state"] =
        json!({"waiting": {"reason": "ErrImagePull"}});
    let error = with(vec![image.clone()]).unwrap_err();
    assert!(error.contains("waits for ErrImagePull") && error.contains("delete ledger-api-0"));
    let two = vec![slow.clone(), own(pod("ledger-api-1", 3))];
    assert!(with(two).unwrap_err().contains("ledger-api-0, ledger-api-1 are not ready"));
    // Pods of others, and a set that rolls in parallel, don't matter.
    assert!(with(vec![pod("else", 3)]).unwrap().notes.iter().all(|note| !note.contains("else")));
    let mut parallel = stateful_set();
    parallel["spec"]["podManagementPolicy"] = json!("Parallel");
    assert!(try_it(Action::RestartWorkload, json!({}), &[parallel, image]).is_ok());
}

#[test]
fn rolling_an_ordered_stateful_set_back_deletes_the_pods_that_would_hold_it_up() {
    let held = controller_revision(1, template("ledger:1", "512Mi"));
    let of = |name: &str, revision: &str| {
        let mut pod = own(pod(name, 3));
        pod["metadata"]["labels"]["controller-revision-hash"] = json!(revision);
        pod
    };
    let mut well = of("ledger-api-2", "ledger-api-rev2");
    well["status"]["conditions"][0]["status"] = json!("True");
    let with = |set: Value| {
        let pods = [of("ledger-api-0", "ledger-api-rev1"), of("ledger-api-1", "ledger-api-rev2")];
        let objects = [vec![set, held.clone(), well.clone()], pods.to_vec()].concat();
        try_it(Action::RollBack, revision(&held), &objects).unwrap()
    };
    let compiled = with(stateful_set());
    let [Operation::Patch { .. }, Operation::Delete { object, guards, .. }] =
        compiled.operations.as_slice()
    else {
        panic!("{compiled:?}")
    };
    assert_eq!(object.key.name, "ledger-api-1", "not the one that is ready, nor one of revision 1");
    assert_eq!(guards[0].before, Some(json!("ledger-api-rev2")));
    assert!(compiled.notes.iter().any(|note| note.contains("ledger-api-1 is not ready")));
    assert!(compiled.notes.iter().any(|note| note.contains("ledger-api-0 has that revision")));
    let mut parallel = stateful_set();
    parallel["spec"]["podManagementPolicy"] = json!("Parallel");
    assert_eq!(with(parallel).operations.len(), 1);
}

#[test]
fn raising_a_limit_of_an_ordered_stateful_set_deletes_the_pod_that_fails_and_waits_for_others() {
    let of = |name: &str| {
        let mut pod = own(pod(name, 3));
        pod["metadata"]["labels"]["controller-revision-hash"] = json!("ledger-api-rev2");
        pod
    };
    let mut starting = of("ledger-api-1");
    starting["status"]["containerStatuses"][1] = json!({"name": "app", "restartCount": 0,
        "state": {"waiting": {"reason": "ContainerCreating"}}});
    let with = |set: Value| {
        let objects = [set, of("ledger-api-0"), starting.clone()];
        let params = json!({"container": "app", "memory_limit": "1Gi"});
        try_it(Action::SetResources, params, &objects).unwrap()
    };
    let compiled = with(stateful_set());
    let [Operation::Patch { .. }, Operation::Delete { object, guards, .. }] =
        compiled.operations.as_slice()
    else {
        panic!("{compiled:?}")
    };
    assert_eq!(object.key.name, "ledger-api-0");
    assert_eq!(guards[0].before, Some(json!("ledger-api-rev2")));
    assert!(compiled.notes.iter().any(|note| note.contains("ledger-api-1 is not ready")));
    let mut kept = stateful_set();
    kept["spec"]["updateStrategy"]["rollingUpdate"] = json!({"partition": 1});
    assert_eq!(with(kept).operations.len(), 1, "pod 0 would come back as it was");
    let mut parallel = stateful_set();
    parallel["spec"]["podManagementPolicy"] = json!("Parallel");
    assert_eq!(with(parallel).operations.len(), 1);
}

#[test]
fn restart_is_the_same_change_however_often_it_is_planned() {
    let first = try_it(Action::RestartWorkload, json!({}), &[deployment()]).unwrap();
    let mut later = deployment();
    later["metadata"]["resourceVersion"] = json!("999");
    later["status"] = json!({});
    assert_eq!(first, try_it(Action::RestartWorkload, json!({}), &[later]).unwrap());
    let lines = changes(&first);
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0]
            .starts_with("spec.template.metadata.annotations[\"pilothouse.dev/restart-of\"]: - → "),
        "{lines:?}"
    );
    // Restarting what was restarted is another change.
    let Operation::Patch { changes: made, .. } = &first.operations[0] else { panic!("a patch") };
    let mut restarted = deployment();
    restarted["spec"]["template"]["metadata"]["annotations"] =
        json!({"pilothouse.dev/restart-of": made[0].after});
    let second = try_it(Action::RestartWorkload, json!({}), &[restarted]).unwrap();
    assert_ne!(changes(&first)[0].split(" → ").last(), changes(&second)[0].split(" → ").last());
    assert!(!Action::RestartWorkload.undoable);
}

#[test]
fn collecting_reads_the_worst_pods_and_both_logs_of_what_restarted() {
    let mut well = pod("ledger-api-well", 3);
    well["status"]["conditions"][0]["status"] = json!("True");
    well["status"]["containerStatuses"][1]["restartCount"] = json!(0);
    let objects = [
        vec![deployment(), replica_set(3, template("ledger:2.4.1", "512Mi"))],
        vec![well, pod("ledger-api-a", 3), pod("ledger-api-b", 3), pod("ledger-api-c", 3)],
        vec![pod("foreign", 9)],
    ]
    .concat();
    let compiled = try_it(Action::CollectDiagnostics, json!({}), &objects).unwrap();
    let Operation::Collect { reads, .. } = &compiled.operations[0] else { panic!("reads") };
    let logs = reads
        .iter()
        .filter_map(|read| {
            if let Read::Logs { pod, container, previous, .. } = read {
                Some(format!("{pod} {container} {previous}"))
            } else {
                None
            }
        })
        .collect::<Vec<_>>();
    assert_eq!(
        logs,
        [
            "ledger-api-a app false",
            "ledger-api-a app true",
            "ledger-api-b app false",
            "ledger-api-b app true",
            "ledger-api-c app false",
            "ledger-api-c app true",
        ]
    );
    assert!(!compiled.operations[0].mutates());
}

#[test]
fn every_action_says_what_it_is() {
    for action in Action::ALL {
        assert!(action.describe.ends_with('.'), "{action}");
        assert!(!action.undone_by.is_empty(), "{action}");
        assert_eq!(Action::from_word(action.word()), Some(*action));
        assert!(action.mutates || action.risk == crate::domain::workflow::plan::Risk::Low);
        assert!(!action.undoable || action.mutates, "{action}");
    }
}
