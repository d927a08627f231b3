//! Plans made from recorded cases: what was read on a real cluster with a real fault on it, the template that is
//! chosen, and the plan that comes out, against `tests/plans/NAME.txt`. `PILOTHOUSE_TEST_WRITE=1` writes them anew: read
//! the difference before you commit it.
//!
//! Reads that the recording has not (Services, budgets, quotas, nodes) are answered with an empty list and two nodes.

#![allow(
    clippy::items_after_statements,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may end loudly"
)]

use pilothouse::domain::alert::Alert;
use pilothouse::domain::diagnose::diagnose;
use pilothouse::domain::diagnosis::{Diagnosis, Disposition};
use pilothouse::domain::evidence::{Answer, Gathered, Progress, Read};
use pilothouse::domain::id::ClusterId;
use pilothouse::domain::operation::Operation;
use pilothouse::domain::policy::Policy;
use pilothouse::domain::time::Timestamp;
use pilothouse::domain::workflow::compile::{PlanRequest, compile};
use pilothouse::domain::workflow::plan::{Plan, PlanStep, StepKind};
use pilothouse::domain::workflow::template::Library;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Case {
    now: Timestamp,
    alerts: Vec<Alert>,
    #[serde(default)]
    gathered: Gathered,
    #[serde(default)]
    base: Option<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The recorded cases (not those made from others), by name.
fn recorded() -> BTreeMap<String, Case> {
    let mut cases = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("cases")).expect("cases") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read(&path).expect("readable");
        let case: Case =
            serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        if case.base.is_none() {
            cases.insert(name, case);
        }
    }
    assert!(cases.len() >= 10, "only {} recorded cases", cases.len());
    cases
}

fn diagnosed(name: &str, case: &Case) -> Diagnosis {
    match diagnose(&case.alerts, &case.gathered, case.now) {
        Progress::Ready(diagnosis) => diagnosis,
        Progress::Need(reads) => panic!("{name}: the recording lacks {reads:?}"),
    }
}

fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name}, "spec": {},
        "status": {"allocatable": {"memory": "3Gi", "cpu": "2"},
            "conditions": [{"type": "Ready", "status": "True"}]}})
}

/// What a cluster with nothing else on it would answer. An object that was recorded in a list is there by itself too.
fn stock(read: &Read, gathered: &Gathered) -> Answer {
    let items = |items| Answer::Items { items, complete: true };
    match read {
        Read::Object(key) => {
            let lists = gathered.answers.values().filter_map(|answer| match answer {
                Answer::Items { items, .. } => Some(items),
                _ => None,
            });
            let named = |object: &&Value| {
                object["kind"] == key.kind.as_str()
                    && object["metadata"]["name"] == key.name.as_str()
                    && object["metadata"]["namespace"] == key.namespace.as_str()
            };
            let found = lists.flatten().find(named);
            found.map_or(Answer::NotFound, |object| Answer::Object(object.clone()))
        }
        Read::List { kind, .. } if kind == "Node" => items(vec![node("node1"), node("node2")]),
        Read::List { .. } | Read::PodsOn { .. } | Read::Events { .. } => items(Vec::new()),
        Read::Logs { .. } => Answer::Text(String::new()),
        Read::Query { .. } | Read::Range { .. } => Answer::Series(Vec::new()),
        Read::Alerts { .. } => Answer::Alerts(Vec::new()),
    }
}

fn plan(diagnosis: &Diagnosis, gathered: &Gathered, now: Timestamp) -> Result<Plan, String> {
    let library = Library::load(&[]);
    assert!(library.problems.is_empty(), "{:?}", library.problems);
    let template = library.choose(diagnosis)?;
    let (cluster, policy, overrides) =
        (ClusterId::new("recorded"), Policy::default(), BTreeMap::new());
    let request = PlanRequest {
        cluster: &cluster,
        diagnosis,
        library: &library,
        template,
        overrides: &overrides,
        policy: &policy,
        now,
    };
    let mut gathered = gathered.clone();
    for _ in 0..8 {
        match compile(&request, &gathered).map_err(|error| error.to_string())? {
            Progress::Ready(plan) => return Ok(plan),
            Progress::Need(reads) => {
                assert!(!reads.is_empty(), "it needs nothing and is not ready");
                for read in reads {
                    assert!(gathered.get(&read).is_none(), "asked twice: {read:?}");
                    let answer = stock(&read, &gathered);
                    gathered.answers.insert(read, answer);
                }
            }
        }
    }
    panic!("not ready after 8 rounds");
}

fn shown(plan: &Plan) -> String {
    let mut out = String::new();
    let target = plan.target.as_ref().map_or("none".into(), |target| target.key.path());
    let name = &plan.template.name;
    writeln!(out, "{}\n  {} / {} on {target}", plan.title, plan.pattern, plan.cause).unwrap();
    writeln!(out, "  template {name}, risk {} ({})", plan.risk, plan.risk_why.join("; ")).unwrap();
    writeln!(out, "  undo: {}\n  left if stopped: {}", plan.undo, plan.left_if_stopped).unwrap();
    for (name, value) in &plan.params {
        writeln!(out, "  {name} = {value}").unwrap();
    }
    for step in &plan.steps {
        write_step(&mut out, step, 1);
    }
    let blast = &plan.blast;
    writeln!(out, "  touches {} pods of {:?}", blast.pods, blast.owners).unwrap();
    for (word, lines) in [
        ("service", &blast.services),
        ("budget", &blast.budgets),
        ("note", &blast.notes),
        ("unknown", &blast.unknown),
        ("blocker", &blast.blockers),
    ] {
        for line in lines {
            writeln!(out, "  {word}: {line}").unwrap();
        }
    }
    for manager in &plan.managers {
        writeln!(out, "  manager: {} {} ({})", manager.kind, manager.name, manager.reverts)
            .unwrap();
    }
    for measure in &plan.verification.measures {
        writeln!(out, "  measure {}: {}", measure.name, measure.promql).unwrap();
    }
    out
}

fn write_step(out: &mut String, step: &PlanStep, depth: usize) {
    let indent = "  ".repeat(depth);
    let (path, title) = (&step.path, &step.title);
    let skipped = step.skipped.as_deref().map(|why| format!(" [{why}]")).unwrap_or_default();
    writeln!(
        out,
        "{indent}{path} {title} ({}s, else {}){skipped}",
        step.timeout_s, step.on_failure
    )
    .unwrap();
    match &step.kind {
        StepKind::Action { operations, .. } => {
            for planned in operations {
                if let Operation::Collect { reads } = &planned.operation {
                    for read in reads {
                        writeln!(out, "{indent}    read {}", json!(read)).unwrap();
                    }
                }
                for line in &planned.diff {
                    let (before, after) = (line.before.as_deref(), line.after.as_deref());
                    let words = format!("{} → {}", before.unwrap_or("-"), after.unwrap_or("-"));
                    writeln!(out, "{indent}    {}: {words}", line.path).unwrap();
                }
                let undo = if planned.undo.is_some() { "can be undone" } else { "no undo" };
                writeln!(out, "{indent}    {undo}").unwrap();
            }
        }
        StepKind::WaitFor { condition } => {
            writeln!(out, "{indent}    waits for {}", condition.object.path()).unwrap();
        }
        StepKind::HandOver { message } => {
            for line in message.lines() {
                writeln!(out, "{indent}    > {line}").unwrap();
            }
        }
        StepKind::Parallel { lanes, .. } => {
            writeln!(out, "{indent}    at once: {}", lanes.at_most).unwrap();
        }
        StepKind::ForEach { lanes, .. } => {
            writeln!(out, "{indent}    at once: {}", lanes.at_most).unwrap();
        }
        StepKind::Approval { message, .. } | StepKind::Notify { message } => {
            writeln!(out, "{indent}    > {message}").unwrap();
        }
        StepKind::Subflow { .. } | StepKind::Steps { .. } | StepKind::Branch { .. } => {}
    }
    for below in step.children() {
        write_step(out, below, depth + 1);
    }
    if let Some(rescue) = &step.rescue {
        writeln!(out, "{indent}  if it fails:").unwrap();
        write_step(out, rescue, depth + 2);
    }
}

#[test]
fn recorded_cases_come_to_the_plans_that_were_read_and_approved() {
    let write = std::env::var_os("PILOTHOUSE_TEST_WRITE").is_some();
    let mut wrong = Vec::new();
    for (name, case) in recorded() {
        let diagnosis = diagnosed(&name, &case);
        if diagnosis.disposition != Disposition::Remediate {
            continue;
        }
        let text = match plan(&diagnosis, &case.gathered, case.now) {
            Ok(plan) => shown(&plan),
            Err(why) => format!("no plan: {why}\n"),
        };
        let path = root().join("plans").join(format!("{name}.txt"));
        if write {
            std::fs::write(&path, &text).expect("writable");
        }
        let wanted = std::fs::read_to_string(&path).unwrap_or_default();
        if wanted != text {
            wrong.push(format!("--- {name}: wanted\n{wanted}+++ got\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The answers with every object changed by `change`.
fn churned(gathered: &Gathered, change: &dyn Fn(&mut Value)) -> Gathered {
    let mut gathered = gathered.clone();
    for answer in gathered.answers.values_mut() {
        match answer {
            Answer::Object(object) => change(object),
            Answer::Items { items, .. } => items.iter_mut().for_each(change),
            Answer::Text(_)
            | Answer::Series(_)
            | Answer::Alerts(_)
            | Answer::NotFound
            | Answer::NotPermitted(_)
            | Answer::Unavailable(_) => {}
        }
    }
    gathered
}

fn set(object: &mut Value, kind: &str, pointer: &str, value: Value) {
    if object["kind"] == kind
        && let Some(place) = object.pointer_mut(pointer)
    {
        *place = value;
    }
}

#[test]
fn the_digest_stays_while_a_crashing_object_churns_and_moves_when_the_effects_do() {
    for name in ["limit-too-small", "bad-image"] {
        let case = recorded().remove(name).expect("that case");
        let diagnosis = diagnosed(name, &case);
        let digest = |gathered: &Gathered, diagnosis: &Diagnosis, later: i64| {
            let now = case.now + chrono::TimeDelta::seconds(later);
            plan(diagnosis, gathered, now).expect("a plan").digest
        };
        let first = digest(&case.gathered, &diagnosis, 0);
        assert_eq!(first, digest(&case.gathered, &diagnosis, 300), "{name}: time is no effect");

        type Change = (&'static str, fn(&mut Value));
        let harmless: &[Change] = &[
            ("resourceVersion", |o| set(o, "Deployment", "/metadata/resourceVersion", json!("9"))),
            ("generation", |o| set(o, "Deployment", "/metadata/generation", json!(99))),
            ("replicas", |o| set(o, "Deployment", "/spec/replicas", json!(7))),
            ("status", |o| set(o, "Deployment", "/status", json!({"observedGeneration": 1}))),
            ("annotations", |o| {
                set(o, "Deployment", "/metadata/annotations", json!({"a": "b"}));
            }),
            ("managedFields", |o| set(o, "Deployment", "/metadata/managedFields", json!([]))),
            ("restarts of pods", |o| {
                set(o, "Pod", "/status/containerStatuses/0/restartCount", json!(40));
            }),
            ("names of pods", |o| set(o, "Pod", "/metadata/name", json!("another"))),
        ];
        for (what, change) in harmless {
            let after = digest(&churned(&case.gathered, change), &diagnosis, 0);
            assert_eq!(first, after, "{name}: {what}");
        }
        let harmful: &[Change] = &[
            ("image", |o| {
                set(o, "Deployment", "/spec/template/spec/containers/0/image", json!("other:1"));
            }),
            ("environment", |o| {
                if o["kind"] == "Deployment" {
                    o["spec"]["template"]["spec"]["containers"][0]["env"] =
                        json!([{"name": "NEW", "value": "1"}]);
                }
            }),
            ("pod annotation", |o| {
                if o["kind"] == "Deployment" {
                    o["spec"]["template"]["metadata"]["annotations"] = json!({"x": "y"});
                }
            }),
        ];
        for (what, change) in harmful {
            let after = digest(&churned(&case.gathered, change), &diagnosis, 0);
            assert_ne!(first, after, "{name}: {what}");
        }
        let mut other = diagnosis.clone();
        other.target.as_mut().expect("a target").uid = "another".into();
        let moved = churned(&case.gathered, &|o| {
            let target = diagnosis.target.as_ref().expect("a target");
            if o["metadata"]["uid"] == target.uid.as_str() {
                o["metadata"]["uid"] = json!("another");
            }
            let owners = o.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut);
            for owner in owners.into_iter().flatten() {
                if owner["uid"] == target.uid.as_str() {
                    owner["uid"] = json!("another");
                }
            }
        });
        assert_ne!(first, digest(&moved, &other, 0), "{name}: uid");
    }
}

#[test]
fn a_limit_edited_since_the_diagnosis_makes_another_plan() {
    let case = recorded().remove("limit-too-small").expect("that case");
    let diagnosis = diagnosed("limit-too-small", &case);
    let first = plan(&diagnosis, &case.gathered, case.now).expect("a plan").digest;
    let edited = churned(&case.gathered, &|o| {
        let pointer = "/spec/template/spec/containers/0/resources/limits/memory";
        set(o, "Deployment", pointer, json!("65Mi"));
    });
    assert_ne!(first, plan(&diagnosis, &edited, case.now).expect("a plan").digest);
}
