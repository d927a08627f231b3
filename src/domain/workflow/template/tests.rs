use super::*;
use crate::domain::action::fixtures::{deployment, diagnosis};
use crate::domain::diagnosis::{Cause, Diagnosis, Pattern};
use crate::domain::effectiveness::Past;
use crate::domain::expr;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn minimal(name: &str, rest: &str) -> String {
    format!("name: {name}\nversion: 1\nsummary: something\n{rest}")
}

const TELL: &str = "steps: [{id: tell, hand_over: look}]\n";

fn load(files: &[(&str, String)]) -> Library {
    let files = files.iter().map(|(file, text)| ((*file).to_string(), text.clone()));
    Library::load(&files.collect::<Vec<_>>())
}

fn said(library: &Library) -> Vec<String> {
    library.problems.iter().map(ToString::to_string).collect()
}

fn case(pattern: Pattern, cause: Cause, values: Value) -> Diagnosis {
    diagnosis(&deployment(), pattern, cause, values)
}

fn chosen(library: &Library, diagnosis: &Diagnosis) -> String {
    library.choose(diagnosis).map_or_else(|why| why, |template| template.reference.name.clone())
}

#[test]
fn every_shipped_template_loads_and_is_reachable() {
    let library = Library::load(&[]);
    assert_eq!(said(&library), Vec::<String>::new());
    assert_eq!(library.templates.len(), 56);
    let by_hand = ["debug-mode", "run-job"];
    let called = library.templates.values().flat_map(|t| t.calls()).map(|call| call.name.as_str());
    let called = called.collect::<std::collections::BTreeSet<_>>();
    for template in library.templates.values() {
        let name = template.reference.name.as_str();
        let used = template.matching.is_some() || called.contains(name) || by_hand.contains(&name);
        assert!(used, "{name} is never used");
        assert_eq!(template.reference.digest.len(), 64);
    }
}

#[test]
fn what_is_used_up_is_left_out_and_of_two_that_fit_alike_the_one_that_helped_comes_first() {
    let acts = "match: {pattern: high-memory, causes: [limit-too-small], when: size(target.name) > 0}\n\
        steps: [{id: go, action: restart_workload}]\nverify:\n  effective_when: [{describe: it is ready, cel: after.ready > 0}]\n";
    let library = load(&[("a.yaml", minimal("a", acts)), ("b.yaml", minimal("b", acts))]);
    assert_eq!(said(&library), Vec::<String>::new());
    let values = json!({"memory_limit_bytes": 67_108_864});
    let found = case(Pattern::HighMemory, Cause::LimitTooSmall, values);
    let by = |past: &Past| {
        let (template, left_out) = library.choose_after(&found, past).expect("one fits");
        (template.reference.name.clone(), left_out)
    };
    assert_eq!(by(&Past::default()), ("a".into(), vec![]));
    let helped = BTreeMap::from([("a".to_string(), 0.4), ("b".to_string(), 0.9)]);
    let mut past = Past { helped, ..Past::default() };
    assert_eq!(by(&past), ("b".into(), vec![]));
    for name in ["a", "b", "high-memory", "tell-limit-too-small"] {
        past.used_up.insert(name.into(), format!("{name} did not help"));
    }
    let (name, left_out) = by(&past);
    assert_eq!(name, "tell-limit-too-small", "what only tells is never used up");
    assert!(left_out.contains(&"b did not help".to_string()), "{left_out:?}");
}

#[test]
fn a_users_template_replaces_the_shipped_one_of_its_name() {
    let text = minimal("high-memory", TELL).replace("version: 1", "version: 9");
    let library = load(&[("mine.yaml", text)]);
    assert_eq!(said(&library), Vec::<String>::new());
    assert_eq!(library.templates["high-memory"].reference.version, 9);
    assert_eq!(library.templates["high-memory"].file, "mine.yaml");
}

#[test]
fn a_users_template_that_does_not_load_takes_the_shipped_one_out_and_leaves_the_rest() {
    for (file, text) in [
        ("mine.yaml", minimal("high-memory", "stepps: []\n")),
        ("dir/high-memory.yaml", "name: [".to_string()),
    ] {
        let library = load(&[(file, text), ("good.yaml", minimal("good", TELL))]);
        assert!(!library.templates.contains_key("high-memory"), "{file}");
        assert!(
            library.templates.contains_key("crash-loop") && library.templates.contains_key("good")
        );
        assert!(said(&library).iter().any(|p| p.contains("`high-memory` is not used at all")));
        assert!(library.problems.iter().all(|problem| problem.file == file));
    }
}

#[test]
fn two_files_of_one_name_are_a_problem_and_the_first_counts() {
    let other = minimal("mine", TELL).replace("something", "else");
    let library = load(&[("a.yaml", minimal("mine", TELL)), ("b.yaml", other)]);
    assert_eq!(library.templates["mine"].summary, "something");
    assert_eq!(said(&library), ["b.yaml:1:1: another file has a template `mine` already"]);
}

#[test]
fn circles_depth_and_missing_subflows_take_out_what_depends_on_them_only() {
    let call = |name: &str, called: &str| {
        minimal(name, &format!("steps: [{{id: call, subflow: {called}}}]\n"))
    };
    let library = load(&[
        ("a.yaml", call("a", "b")),
        ("b.yaml", call("b", "a")),
        ("c.yaml", call("c", "missing")),
        ("d.yaml", call("d", "c")),
        ("e.yaml", call("e", "collect-diagnostics")),
    ]);
    for gone in ["a", "b", "c", "d"] {
        assert!(!library.templates.contains_key(gone), "{gone}");
    }
    assert!(library.templates.contains_key("e"));
    let said = said(&library);
    assert!(
        said.iter().any(|p| p.starts_with("a.yaml:4:29: ") && p.contains("a → b → a")),
        "{said:#?}"
    );
    assert!(said.iter().any(|p| p.contains("there is no template `missing`")), "{said:#?}");
    assert!(said.iter().any(|p| p.contains("there is no template `c`")), "{said:#?}");

    let chain = (0..12)
        .map(|n| {
            let text = if n == 11 {
                minimal("t11", TELL)
            } else {
                call(&format!("t{n}"), &format!("t{}", n + 1))
            };
            (format!("t{n}.yaml"), text)
        })
        .collect::<Vec<_>>();
    let library = Library::load(&chain);
    assert!(!library.templates.contains_key("t0"));
    assert!(library.templates.contains_key("t4"), "8 levels below it are allowed");
    assert!(library.problems.iter().any(|p| p.message == "subflows nest deeper than 8"));
}

#[test]
fn the_template_for_each_recognised_cause_is_chosen() {
    let library = Library::load(&[]);
    let limit = json!({"memory_limit_bytes": 536_870_912});
    let revision = json!({"healthy_revision": {"kind": "ReplicaSet", "name": "a", "uid": "u"}});
    for (pattern, cause, values, expected) in [
        (Pattern::HighMemory, Cause::LimitTooSmall, limit.clone(), "high-memory"),
        (Pattern::HighMemory, Cause::MemoryLeak, json!({"oom_kills": 0}), "memory-leak"),
        (Pattern::HighMemory, Cause::MemoryLeak, json!({"oom_kills": 2}), "memory-leak-hand-over"),
        (Pattern::HighMemory, Cause::Unknown, limit, "generic"),
        (Pattern::CrashLoop, Cause::BadRollout, revision, "crash-loop"),
        (Pattern::CrashLoop, Cause::BadRollout, json!({}), "crash-loop-hand-over"),
        (Pattern::CrashLoop, Cause::MissingConfig, json!({}), "crash-loop-hand-over"),
        (Pattern::CrashLoop, Cause::ImagePull, json!({}), "crash-loop-hand-over"),
        (Pattern::CrashLoop, Cause::Unknown, json!({}), "crash-loop-hand-over"),
        (Pattern::NodeIssue, Cause::Unknown, json!({}), "generic"),
        (Pattern::Generic, Cause::Unknown, json!({}), "generic"),
    ] {
        assert_eq!(chosen(&library, &case(pattern, cause, values)), expected, "{pattern}/{cause}");
    }
    // A limit that is large already, a paused rollout, a kind whose pods can't be rolled: a person.
    let high = |values| case(Pattern::HighMemory, Cause::LimitTooSmall, values);
    assert_eq!(
        chosen(&library, &high(json!({"memory_limit_bytes": 17_179_869_184_i64}))),
        "tell-limit-too-small"
    );
    assert_eq!(
        chosen(&library, &high(json!({"memory_limit_bytes": 1_048_576, "paused": true}))),
        "tell-limit-too-small"
    );
    let mut job = high(json!({"memory_limit_bytes": 1_048_576}));
    if let Some(target) = &mut job.target {
        target.key.kind = "Job".into();
    }
    assert_eq!(chosen(&library, &job), "tell-limit-too-small");
    let mut nothing = high(json!({"memory_limit_bytes": 1_048_576}));
    nothing.target = None;
    assert_eq!(chosen(&library, &nothing), "tell-limit-too-small");
}

#[test]
fn what_names_the_cause_comes_before_what_takes_any_and_why_none_fits_is_said() {
    let matching = |name: &str, more: &str| {
        let text = minimal(name, TELL) + &format!("match: {{pattern: node-issue{more}}}\n");
        Box::leak(text.into_boxed_str()) as &str
    };
    let library = Library::of(&[
        ("a", matching("any", "")),
        ("b", matching("exact", ", causes: [unknown]")),
        ("c", matching("never", ", when: \"diagnosis.values.gone == 1\"")),
    ]);
    assert_eq!(said(&library), Vec::<String>::new());
    let node = case(Pattern::NodeIssue, Cause::Unknown, json!({}));
    assert_eq!(chosen(&library, &node), "exact");
    let leak = case(Pattern::NodeIssue, Cause::MemoryLeak, json!({}));
    assert_eq!(chosen(&library, &leak), "any");
    let library = Library::of(&[
        ("b", matching("exact", ", causes: [unknown]")),
        ("c", matching("never", ", when: \"diagnosis.values.gone == 1\"")),
        ("d", matching("not", ", not_when: [{cel: \"true\", why: it is night}]")),
    ]);
    assert_eq!(
        chosen(&library, &leak),
        "no template fits node-issue, cause memory-leak: exact (only for unknown); never (its condition can't be \
         told: there is no `gone`; guard it with has(…) or write `.?gone`); not (it is night)"
    );
    let crash = case(Pattern::CrashLoop, Cause::Unknown, json!({}));
    assert_eq!(chosen(&library, &crash), "no template is for crash-loop");
}

/// Whether a condition of `wait-for-rollout` holds for an object.
fn rollout(kind: &str, fails: bool, object: &Value) -> bool {
    let library = Library::load(&[]);
    let steps = &library.templates["wait-for-rollout"].steps;
    let wanted = format!("target.kind == '{kind}'");
    let step = steps.iter().find(|step| step.when == wanted).expect("a step for the kind");
    let Does::WaitFor(wait) = &step.does else { panic!("a wait") };
    let source = if fails { &wait.fails_when } else { &wait.until };
    let variables = BTreeMap::from([
        ("object".to_string(), object.clone()),
        ("since".to_string(), json!("2026-11-23T03:14:00.000Z")),
    ]);
    expr::holds(source, &variables).unwrap_or_else(|error| panic!("{kind}: {error}"))
}

#[test]
fn a_deployment_is_rolled_out_when_the_newest_template_is_everywhere_and_nothing_older_is_left() {
    let object = |status: Value| json!({"metadata": {"generation": 8}, "spec": {"replicas": 3}, "status": status});
    let done = json!({"observedGeneration": 8, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3});
    assert!(rollout("Deployment", false, &object(done.clone())));
    let mut none = object(json!({"observedGeneration": 8}));
    assert!(!rollout("Deployment", false, &none));
    none["spec"]["replicas"] = json!(0);
    assert!(rollout("Deployment", false, &none), "scaled to zero: counts are left out");
    for (field, value) in [
        ("observedGeneration", 7),
        ("replicas", 4),
        ("updatedReplicas", 2),
        ("availableReplicas", 2),
    ] {
        let mut status = done.clone();
        status[field] = json!(value);
        assert!(!rollout("Deployment", false, &object(status)), "{field}");
    }
    assert!(!rollout(
        "Deployment",
        false,
        &json!({"metadata": {"generation": 1}, "spec": {"replicas": 1}})
    ));
}

#[test]
fn only_a_deadline_exceeded_after_the_change_fails_the_wait() {
    let object = |observed: i64, updated: &str| {
        json!({"metadata": {"generation": 8}, "spec": {"replicas": 3}, "status": {
            "observedGeneration": observed, "conditions": [
                {"type": "Available", "status": "True"},
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
                    "lastUpdateTime": updated}]}})
    };
    assert!(
        !rollout("Deployment", true, &object(8, "2026-11-23T03:10:00Z")),
        "of an earlier rollout"
    );
    assert!(!rollout("Deployment", true, &object(7, "2026-11-23T03:24:00Z")), "not observed yet");
    assert!(rollout("Deployment", true, &object(8, "2026-11-23T03:24:00Z")));
    assert!(!rollout("Deployment", true, &json!({"metadata": {"generation": 8}, "status": {}})));
}

#[test]
fn a_stateful_set_and_a_daemon_set_are_rolled_out_as_their_controllers_count() {
    let set = |status: Value| json!({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status});
    let done = json!({"observedGeneration": 2, "readyReplicas": 2, "availableReplicas": 2,
        "currentRevision": "b", "updateRevision": "b"});
    assert!(rollout("StatefulSet", false, &set(done.clone())));
    let mut halfway = done.clone();
    halfway["currentRevision"] = json!("a");
    assert!(!rollout("StatefulSet", false, &set(halfway.clone())));
    let mut parted = set(halfway);
    parted["spec"]["updateStrategy"] = json!({"rollingUpdate": {"partition": 1}});
    parted["status"]["updatedReplicas"] = json!(1);
    assert!(rollout("StatefulSet", false, &parted), "as far as the partition lets it");
    let mut unready = done;
    unready["readyReplicas"] = json!(1);
    assert!(!rollout("StatefulSet", false, &set(unready)));
    assert!(!rollout("StatefulSet", false, &set(json!({}))));

    let daemon = |updated: i64, available: i64| {
        json!({"metadata": {"generation": 2}, "spec": {}, "status": {"observedGeneration": 2,
            "desiredNumberScheduled": 2, "updatedNumberScheduled": updated, "numberAvailable": available}})
    };
    assert!(rollout("DaemonSet", false, &daemon(2, 2)));
    assert!(!rollout("DaemonSet", false, &daemon(1, 2)));
    assert!(!rollout("DaemonSet", false, &daemon(2, 1)));
}
