//! What samples hold, and what is judged from them.

use super::*;
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::evidence::{Answer, Gathered, Progress, Read, Series};
use crate::domain::id::Fingerprint;
use crate::domain::resource::ObjectRef;
use crate::domain::time::Timestamp;
use crate::domain::workflow::plan::{Check, Measure, Verification};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn time(text: &str) -> Timestamp {
    format!("2026-11-23T{text}Z").parse().expect("a time")
}

fn verification(effective: &[&str], regressed: &[&str]) -> Verification {
    let checks = |list: &[&str]| {
        list.iter().map(|cel| Check { describe: (*cel).into(), cel: (*cel).into() }).collect()
    };
    Verification {
        settle_s: 300,
        effective_when: checks(effective),
        regressed_when: checks(regressed),
        measures: Vec::new(),
        undo_on_regression: true,
    }
}

fn well() -> Sample {
    Sample {
        readable: true,
        alerts_firing: 0,
        workload: Some(WorkloadSample {
            desired: 2,
            ready: 2,
            updated_available: 2,
            rolled_out: true,
            restarts: 0,
            crashing: 0,
            oom_killed: 0,
            failed_runs: 0,
        }),
        ..Sample::nothing(time("10:00:00"))
    }
}

fn with(ready: i64, crashing: i64) -> Sample {
    let mut sample = well();
    if let Some(workload) = &mut sample.workload {
        (workload.ready, workload.crashing) = (ready, crashing);
    }
    sample
}

fn verdict(
    effective: &[&str],
    regressed: &[&str],
    before: Option<&Sample>,
    after: &Sample,
) -> Verdict {
    judge(&verification(effective, regressed), before, after).verdict
}

#[test]
fn all_checks_must_hold_and_any_regression_wins() {
    let before = with(1, 1);
    let checks = ["after.ready == after.desired", "after.crashing == 0"];
    let worse = ["after.ready < before.ready"];
    assert_eq!(verdict(&checks, &worse, Some(&before), &well()), Verdict::Effective);
    let same = with(1, 1);
    assert_eq!(verdict(&checks, &worse, Some(&before), &same), Verdict::Ineffective);
    let down = with(0, 0);
    assert_eq!(verdict(&checks, &worse, Some(&before), &down), Verdict::Regressed);
}

#[test]
fn what_was_not_measured_makes_the_verdict_inconclusive() {
    let silent = Sample { alerts_firing: -1, ..well() };
    for (effective, regressed, before, after) in [
        (vec!["after.ready == 2"], vec!["after.ready < before.ready"], None, well()),
        (vec!["after.alerts_firing == 0"], vec![], Some(well()), silent),
        (vec!["after.measures.p99 < 1.0"], vec![], Some(well()), well()),
        (vec!["after.ready == "], vec![], Some(well()), well()),
        (vec![], vec![], Some(well()), well()),
        (vec!["true"], vec![], Some(well()), Sample { readable: false, ..well() }),
    ] {
        let verdict = verdict(&effective, &regressed, before.as_ref(), &after);
        assert_eq!(verdict, Verdict::Inconclusive, "{effective:?} {regressed:?}");
    }
}

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "d", "generation": 3,
            "annotations": {"deployment.kubernetes.io/revision": "2"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}},
        "status": {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}})
}

fn set(name: &str, revision: &str, available: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "shop", "uid": name,
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d", "controller": true}]},
        "status": {"availableReplicas": available}})
}

fn pod(name: &str, owner: &str, ready: bool, status: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": name,
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner, "controller": true}]},
        "spec": {"containers": [{"name": "app"}]},
        "status": {"phase": "Running", "containerStatuses": [status],
            "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]}})
}

fn run(finished: &str, reason: &str) -> Value {
    json!({"terminated": {"exitCode": 137, "reason": reason, "startedAt": "2026-11-23T09:00:00Z",
        "finishedAt": format!("2026-11-23T{finished}Z")}})
}

fn alert(pod: &str) -> Alert {
    let labels = [("alertname", "Crash"), ("namespace", "shop"), ("pod", pod)];
    Alert {
        fingerprint: Fingerprint::new(pod),
        status: AlertStatus::Firing,
        labels: labels.into_iter().map(|(k, v)| (k.into(), v.into())).collect(),
        annotations: BTreeMap::new(),
        starts_at: time("09:00:00"),
        ends_at: None,
    }
}

fn take(alerts: &[Alert], answer: impl Fn(&Read) -> Answer) -> Sample {
    let target = ObjectRef::of(&deployment()).expect("a reference");
    let mut wanted = verification(&["true"], &[]);
    wanted.measures = vec![Measure { name: "p99".into(), promql: "p99".into(), unit: "s".into() }];
    let mut gathered = Gathered::default();
    for _ in 0..8 {
        let (since, now) = (time("09:50:00"), time("10:00:00"));
        match sample(&target, alerts, &wanted, &gathered, since, now) {
            Progress::Ready(sample) => return sample,
            Progress::Need(reads) => {
                assert!(!reads.is_empty());
                for read in reads {
                    let answer = answer(&read);
                    assert!(gathered.answers.insert(read, answer).is_none());
                }
            }
        }
    }
    panic!("not ready after 8 rounds");
}

fn answers(read: &Read) -> Answer {
    let items = |items| Answer::Items { items, complete: true };
    match read {
        Read::Object(_) => Answer::Object(deployment()),
        Read::List { kind, labels, .. } if kind == "Pod" => {
            assert_eq!(labels, "app=web");
            let failed = json!({"name": "app", "restartCount": 3, "state": {"running": {}},
                "lastState": run("09:59:30", "OOMKilled")});
            let old = json!({"name": "app", "restartCount": 1, "state": {"running": {}},
                "lastState": run("09:10:00", "OOMKilled")});
            items(vec![
                pod("a", "new", true, &failed),
                pod("b", "new", false, &old),
                pod("stranger", "other", true, &json!({"name": "app", "restartCount": 9})),
            ])
        }
        Read::List { .. } => items(vec![set("old", "1", 5), set("new", "2", 1)]),
        Read::Query { .. } => Answer::Series(
            [0.2, 0.7]
                .map(|value| Series { labels: BTreeMap::new(), points: vec![(0.0, value)] })
                .to_vec(),
        ),
        // The alert's own pod is gone; an alert of the same name fires for a pod of now, another for a stranger.
        Read::Alerts { .. } => Answer::Alerts(vec![alert("a"), alert("stranger")]),
        Read::PodsOn { .. } | Read::Events { .. } | Read::Logs { .. } | Read::Range { .. } => {
            Answer::NotFound
        }
    }
}

#[test]
fn a_sample_counts_only_the_owners_pods_and_what_is_new() {
    let sample = take(&[alert("gone")], answers);
    assert!(sample.readable && sample.exists);
    let pods = sample.workload.expect("a workload");
    assert!(pods.rolled_out);
    assert_eq!((pods.desired, pods.ready, pods.updated_available), (2, 1, 1));
    assert_eq!((pods.restarts, pods.crashing), (4, 1));
    assert_eq!((pods.oom_killed, pods.failed_runs), (1, 1));
    assert_eq!(sample.alerts_firing, 1);
    assert_eq!(sample.measures.get("p99"), Some(&0.7));
    assert_eq!(sample.missing, Vec::<String>::new());
}

#[test]
fn what_could_not_be_read_is_said_and_never_zero() {
    let sample = take(&[alert("gone")], |read| match read {
        Read::Object(_) => Answer::Object(deployment()),
        Read::List { kind, .. } if kind == "Pod" => Answer::NotPermitted("pods".into()),
        Read::List { .. } => Answer::Items { items: Vec::new(), complete: true },
        Read::Query { .. } | Read::Alerts { .. } => Answer::Unavailable("down".into()),
        Read::PodsOn { .. } | Read::Events { .. } | Read::Logs { .. } | Read::Range { .. } => {
            Answer::NotFound
        }
    });
    assert!(!sample.readable);
    assert_eq!(sample.alerts_firing, -1);
    assert!(sample.measures.is_empty());
    assert_eq!(sample.missing.len(), 3, "{:?}", sample.missing);
}

#[test]
fn another_object_of_the_same_name_is_not_the_target() {
    let sample = take(&[], |read| match read {
        Read::Object(_) => {
            let mut other = deployment();
            other["metadata"]["uid"] = json!("e");
            Answer::Object(other)
        }
        Read::List { .. }
        | Read::PodsOn { .. }
        | Read::Events { .. }
        | Read::Logs { .. }
        | Read::Query { .. }
        | Read::Range { .. }
        | Read::Alerts { .. } => answers(read),
    });
    assert!(!sample.exists && sample.workload.is_none() && sample.object.is_none());
    assert!(sample.missing[0].contains("another object"), "{:?}", sample.missing);
    let judged = judge(&verification(&["true"], &[]), Some(&well()), &sample);
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{}", judged.why);
}

/// A sample of an object that is no workload, with pods and slices as given.
fn of(object: &Value, pods: &[Value], slices: &[Value]) -> Sample {
    let target = ObjectRef::of(object).expect("a reference");
    let mut gathered = Gathered::default();
    for _ in 0..8 {
        let (since, now) = (time("09:50:00"), time("10:00:00"));
        match sample(&target, &[], &verification(&["true"], &[]), &gathered, since, now) {
            Progress::Ready(sample) => return sample,
            Progress::Need(reads) => {
                for read in reads {
                    let answer = match &read {
                        Read::Object(_) => Answer::Object(object.clone()),
                        Read::PodsOn { node } => {
                            let on = |pod: &&Value| pod["spec"]["nodeName"] == node.as_str();
                            let items = pods.iter().filter(on).cloned().collect::<Vec<_>>();
                            Answer::Items { complete: items.len() < 500, items }
                        }
                        Read::List { kind, .. } if kind == "Pod" => {
                            Answer::Items { items: pods.to_vec(), complete: pods.len() < 500 }
                        }
                        Read::List { .. } => {
                            Answer::Items { items: slices.to_vec(), complete: true }
                        }
                        Read::Events { .. }
                        | Read::Logs { .. }
                        | Read::Query { .. }
                        | Read::Range { .. }
                        | Read::Alerts { .. } => Answer::NotFound,
                    };
                    gathered.answers.insert(read, answer);
                }
            }
        }
    }
    panic!("not ready after 8 rounds");
}

fn on_node(name: &str, node: &str, owner: &str, phase: &str) -> Value {
    json!({"kind": "Pod", "metadata": {"name": name, "uid": name, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": owner, "name": "o", "uid": "o", "controller": true}]},
        "spec": {"nodeName": node}, "status": {"phase": phase, "conditions": [
            {"type": "Ready", "status": if phase == "Running" { "True" } else { "False" }}]}})
}

fn node() -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "wk-1", "uid": "n"},
        "spec": {"unschedulable": true}, "status": {"images": [{"names": ["a"]}],
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "MemoryPressure", "status": "False"}]}})
}

#[test]
fn a_node_is_measured_by_its_conditions_and_the_pods_on_it() {
    let pods = vec![
        on_node("a", "wk-1", "ReplicaSet", "Running"),
        on_node("b", "wk-1", "DaemonSet", "Running"),
        on_node("c", "wk-1", "ReplicaSet", "Failed"),
        on_node("d", "wk-2", "ReplicaSet", "Running"),
    ];
    let sample = of(&node(), &pods, &[]);
    let wanted = PodCounts { all: 2, movable: 1, ready: 2, unplaced: 0, terminating: 0, failed: 1 };
    assert_eq!(sample.pods, Some(wanted));
    assert!(sample.readable && sample.workload.is_none() && sample.endpoints.is_none());
    let judged = |cel: &str| judge(&verification(&[cel], &[]), None, &sample).verdict;
    assert_eq!(judged("after.object.spec.unschedulable"), Verdict::Effective);
    assert_eq!(judged("after.conditions.Ready == 'True'"), Verdict::Effective);
    assert_eq!(judged("after.pods.movable == 0"), Verdict::Ineffective);
    // A node has no replicas: zero of zero would be ready.
    assert_eq!(judged("after.ready >= after.desired"), Verdict::Inconclusive);
}

#[test]
fn pods_that_are_not_all_known_are_absent_and_not_few() {
    let pods = (0..500).map(|n| on_node(&format!("p{n}"), "wk-1", "ReplicaSet", "Running"));
    let sample = of(&node(), &pods.collect::<Vec<_>>(), &[]);
    assert_eq!(sample.pods, None);
    assert!(sample.missing.iter().any(|line| line.contains("only the first 500")));
}

#[test]
fn a_service_is_measured_by_its_endpoints_in_one_family() {
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "uid": "s"},
        "spec": {"selector": {"app": "web"}}});
    let slice = |family: &str| {
        json!({"addressType": family, "endpoints": [
        {"conditions": {"ready": true}}, {"conditions": {"ready": false}}, {"conditions": {}}]})
    };
    let sample = of(&service, &[], &[slice("IPv4"), slice("IPv6")]);
    let wanted = EndpointCounts { ready: 2, not_ready: 1, reached: Some(0) };
    assert_eq!(sample.endpoints, Some(wanted));
    assert_eq!(sample.pods, Some(PodCounts::default()));
}

#[test]
fn a_port_that_leads_to_none_that_its_pods_have_is_told_from_one_that_does() {
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "uid": "s"},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}});
    let slice = |port: &Value| json!({"addressType": "IPv4", "ports": port, "endpoints": [{"conditions": {"ready": true}}]});
    let mut web = on_node("web", "wk-1", "ReplicaSet", "Running");
    let reached = |web: &Value, port: &Value| {
        of(&service, std::slice::from_ref(web), &[slice(port)]).endpoints.and_then(|it| it.reached)
    };
    let leads = |number: u16| json!([{"name": "http", "port": number, "protocol": "TCP"}]);
    assert_eq!(reached(&web, &leads(8080)), None, "nothing is known of its ports");
    web["spec"]["containers"] = json!([{"name": "app", "ports": [{"containerPort": 8080}]}]);
    assert_eq!(reached(&web, &leads(8080)), Some(1));
    assert_eq!(reached(&web, &leads(9090)), Some(0), "ready as its endpoint is");
    assert_eq!(reached(&web, &json!([])), Some(0), "nothing was made of a name");
    // Nobody declared it, and its probe is answered there.
    web["spec"]["containers"][0]["readinessProbe"] = json!({"tcpSocket": {"port": 9090}});
    web["status"]["containerStatuses"] = json!([{"name": "app", "ready": true}]);
    assert_eq!(reached(&web, &leads(9090)), Some(1));
}

#[test]
fn a_target_that_was_meant_to_go_is_a_success_only_where_the_template_says_so() {
    let gone = Sample { exists: false, workload: None, ..well() };
    let run = |effective: &[&str]| verdict(effective, &[], Some(&well()), &gone);
    assert_eq!(run(&["!after.exists"]), Verdict::Effective);
    assert_eq!(run(&["after.exists && after.ready == 2"]), Verdict::Ineffective);
    assert_eq!(run(&["after.alerts_firing <= 0"]), Verdict::Inconclusive);
}

#[test]
fn samples_of_before_this_release_are_still_read() {
    let old = json!({"at": "2026-11-23T10:00:00Z", "readable": true, "desired": 2, "ready": 2,
        "updated_available": 2, "rolled_out": true, "restarts": 0, "crashing": 0, "oom_killed": 0,
        "failed_runs": 0, "alerts_firing": 0, "measures": {}, "missing": []});
    assert_eq!(serde_json::from_value::<Sample>(old).expect("a sample"), well());
    let node = Sample { readable: true, ..Sample::nothing(time("10:00:00")) };
    let text = serde_json::to_string(&node).expect("JSON");
    assert_eq!(serde_json::from_str::<Sample>(&text).expect("a sample"), node, "{text}");
}

#[test]
fn a_container_that_fails_seldom_or_ends_well_though_it_should_stay_still_crashes() {
    let crashing = |started: &str, finished: &str, exit: i64| {
        let ended = json!({"terminated": {"exitCode": exit, "reason": "Ended",
            "startedAt": format!("2026-11-23T{started}Z"), "finishedAt": format!("2026-11-23T{finished}Z")}});
        let status =
            json!({"name": "app", "restartCount": 1, "state": {"running": {}}, "lastState": ended});
        let sample = take(&[], |read| {
            let pods = matches!(read, Read::List { kind, .. } if kind == "Pod");
            let own = || vec![pod("a", "new", true, &status)];
            if pods { Answer::Items { items: own(), complete: true } } else { answers(read) }
        });
        sample.workload.expect("a workload").crashing
    };
    assert_eq!(crashing("09:55:50", "09:56:00", 1), 0, "once, four minutes ago, and well since");
    assert_eq!(crashing("09:51:00", "09:56:00", 1), 1, "the next one is due in a minute");
    assert_eq!(crashing("09:58:00", "09:59:30", 0), 1, "a probe's SIGTERM, taken in order");
    assert_eq!(crashing("09:20:00", "09:49:00", 1), 0, "before the change");
}
