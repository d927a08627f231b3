//! Diagnosis on a real cluster: each fault is made with real objects, its pods fail under a real kubelet, and what
//! `kubectl` and Prometheus answer must lead to the right cause.
//!
//! Reads go through `kubectl proxy` and plain HTTP here, so that the knowledge is tested apart from the engine's own
//! adapters. Faults stand side by side, each in a namespace of its own: they mostly wait.
//! A fault that is not recognised is made once more from nothing, and that is said: with a hundred faults, each with its
//! own timing, one that a busy machine spoilt is no news, and one that is missed twice is.
//! `PILOTHOUSE_TEST_ONLY=NAME,…` takes some; with `PILOTHOUSE_TEST_RECORD=DIR` the answers are written as cases for
//! `diagnosis_cases`.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods
)]
#![allow(clippy::pedantic, reason = "not product code")]

mod fault;
mod faults;
mod world;

use fault::Fault;
use pilothouse::domain::alert::{Alert, AlertStatus, fingerprint};
use pilothouse::domain::diagnosis::Diagnosis;
use pilothouse::domain::evidence::{Bearing, Gathered};
use pilothouse::domain::time::Timestamp;
use serde_json::{Value, json};
use std::any::Any;
use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};
use world::{World, now};

/// A first revision has to have run for this long to be known to work.
const SETTLED: Duration = Duration::from_secs(22);
/// Faults that stand at the same time: more would be more than two small nodes can carry.
const AT_ONCE: usize = 14;
/// Evidence may be late on a busy machine: what is not recognised yet is looked at again, for this long.
const PATIENCE: Duration = Duration::from_secs(180);

/// More faults than this are not made a second time: then something else is wrong.
const AGAIN_AT_MOST: usize = 8;

/// The wording is misleading on purpose, the same for all: it must decide nothing.
fn alert(namespace: &str, labels: &[(&str, &str)], starts_at: Timestamp) -> Alert {
    let mut all = BTreeMap::from([
        ("alertname".to_string(), "ContainerOutOfMemoryOrSo".to_string()),
        ("namespace".to_string(), namespace.to_string()),
        ("severity".to_string(), "warning".to_string()),
    ]);
    all.extend(labels.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    Alert {
        fingerprint: fingerprint(&all),
        status: AlertStatus::Firing,
        labels: all,
        annotations: BTreeMap::new(),
        starts_at,
        ends_at: None,
    }
}

#[test]
fn each_real_fault_gets_its_cause() {
    let Some(world) = World::from_env() else {
        assert!(
            std::env::var("PILOTHOUSE_TEST_REQUIRE").is_err(),
            "PILOTHOUSE_TEST_* variables are missing"
        );
        println!("left out: diagnosis of real faults (no PILOTHOUSE_TEST_* variables)");
        return;
    };
    let only = std::env::var("PILOTHOUSE_TEST_ONLY").unwrap_or_default();
    let wanted = |fault: &Fault| only.is_empty() || only.split(',').any(|one| one == fault.name);
    let faults = faults::all(&world).into_iter().filter(wanted).collect::<Vec<_>>();
    assert!(!faults.is_empty(), "no fault is called {only}");
    let first = all_of(&world, faults.iter().collect(), "");
    if first.len() > AGAIN_AT_MOST {
        panic!("{} of {} faults\n{}", first.len(), faults.len(), told_of(&first));
    }
    for (fault, failure) in &first {
        // Not by a macro of the test harness, which would keep it to itself when all is well in the end.
        let line = format!("made again: {}\n{failure}\n", fault.name);
        std::io::stderr().write_all(line.as_bytes()).expect("standard error");
    }
    let second = all_of(&world, first.iter().map(|(fault, _)| *fault).collect(), "-again");
    assert!(second.is_empty(), "missed twice\n{}", told_of(&second));
}

/// Those of the faults that were not recognised, each with what was said of it.
fn all_of<'a>(world: &World, faults: Vec<&'a Fault>, suffix: &str) -> Vec<(&'a Fault, String)> {
    let failures = Mutex::new(Vec::new());
    let next = Mutex::new(faults.into_iter());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(fault) = next.lock().expect("no panic").next() else { return };
                    // A command that failed in the making is a miss of this fault, not of all.
                    let made = AssertUnwindSafe(|| stand(world, fault, suffix));
                    let failure = catch_unwind(made).unwrap_or_else(|panic| {
                        Some(format!("{}: not made: {}", fault.name, words_of(&*panic)))
                    });
                    if let Some(failure) = failure {
                        failures.lock().expect("no panic").push((fault, failure));
                    }
                }
            });
        }
    });
    failures.into_inner().expect("no panic")
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words")
}

fn told_of(failures: &[(&Fault, String)]) -> String {
    failures.iter().map(|(_, failure)| failure.as_str()).collect::<Vec<_>>().join("\n")
}

/// Takes the namespace away, also after a panic.
struct Place<'a> {
    world: &'a World,
    namespace: String,
    leaves: Vec<[String; 2]>,
    at_last: Vec<Vec<String>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // Finalizers of our own would hold the namespace.
        let patch = r#"{"metadata":{"finalizers":null}}"#;
        let pods = self.world.kubectl(&["get", "pods", "-n", &self.namespace, "-o", "name"], None);
        for pod in pods.unwrap_or_default().lines().filter(|_| self.namespace.contains("held")) {
            let args = ["patch", pod, "-n", &self.namespace, "--type=merge", "-p", patch];
            let _ = self.world.kubectl(&args, None);
        }
        for command in &self.at_last {
            let command = command.iter().map(String::as_str).collect::<Vec<_>>();
            let _ = self.world.kubectl(&command, None);
        }
        for [kind, name] in &self.leaves {
            let _ = self.world.kubectl(&["delete", kind, name, "--wait=false"], None);
        }
        let args = ["delete", "namespace", &self.namespace, "--wait=false"];
        let _ = self.world.kubectl(&args, None);
    }
}

/// Makes one fault and looks at it; what is wrong with the diagnosis.
fn stand(world: &World, fault: &Fault, suffix: &str) -> Option<String> {
    let namespace = format!("diag-{}-{}{suffix}", std::process::id(), fault.name);
    let named = |text: &str| text.replace("NAMESPACE", &namespace);
    world.kubectl(&["create", "namespace", &namespace], None).expect("a namespace");
    let leaves = fault.leaves.iter().map(|[kind, name]| [named(kind), named(name)]).collect();
    let at_last = fault.at_last.iter().map(|all| all.iter().map(|one| named(one)).collect());
    let place = Place { world, namespace: namespace.clone(), leaves, at_last: at_last.collect() };
    let mut first_pod = String::new();
    for (index, stage) in fault.stages.iter().enumerate() {
        if index > 0 {
            world.until_begun(&namespace);
            thread::sleep(SETTLED);
            first_pod = world.suspect(&namespace).unwrap_or_default();
        }
        let stage = named(&Value::Array(stage.clone()).to_string());
        let stage = serde_json::from_str::<Vec<Value>>(&stage).expect("still objects");
        world.apply(&namespace, &stage);
    }
    if !fault.then.is_empty() {
        thread::sleep(Duration::from_secs(8));
    }
    for command in &fault.then {
        let command = command.iter().map(|one| named(one)).collect::<Vec<_>>();
        let command = command.iter().map(String::as_str).collect::<Vec<_>>();
        world.kubectl(&command, None).expect("the command does");
    }
    let alert_at = now();
    thread::sleep(Duration::from_secs(fault.ripe_s));
    let since = Instant::now();
    loop {
        let failure = examine(world, fault, &namespace, &first_pod, alert_at);
        if failure.is_none() || since.elapsed() > PATIENCE {
            drop(place);
            return failure;
        }
        thread::sleep(Duration::from_secs(5));
    }
}

/// What is wrong with the diagnosis.
fn examine(
    world: &World,
    fault: &Fault,
    namespace: &str,
    first_pod: &str,
    alert_at: Timestamp,
) -> Option<String> {
    let suspect = world.suspect(namespace).unwrap_or_default();
    let labels = match fault.labels.as_slice() {
        [] => vec![("pod", suspect.as_str()), ("node", "node1")],
        [("pod", _)] => vec![("pod", first_pod), ("node", "node1")],
        named => named.to_vec(),
    };
    let labels =
        labels.iter().map(|(label, object)| (*label, object.replace("NAMESPACE", namespace)));
    let labels = labels.collect::<Vec<_>>();
    let labels = labels.iter().map(|(label, object)| (*label, object.as_str())).collect::<Vec<_>>();
    let began = if fault.began_while_well { now() } else { alert_at + Duration::from_secs(15) };
    let alerts = [alert(namespace, &labels, began)];
    let (found, gathered, at) = world.investigate(&alerts);
    let disposition = serde_json::to_value(found.disposition).expect("JSON");
    let target = found
        .target
        .as_ref()
        .map_or_else(String::new, |target| format!("{}/{}", target.key.kind, target.key.name));
    let is =
        [found.pattern.word(), found.cause.word(), disposition.as_str().expect("a word"), &target];
    let [pattern, cause, wanted, object] = fault.expected;
    // A pod's name is not known beforehand.
    let object = object.replace("NAMESPACE", namespace);
    let same_target =
        if object.ends_with('/') { target.starts_with(&object) } else { target == object };
    let right = is[..3] == [pattern, cause, wanted] && same_target;
    let lacks = fault.facts.iter().filter(|id| {
        !found.evidence.iter().any(|fact| fact.id == **id && fact.bearing != Bearing::Missing)
    });
    let lacks = lacks.collect::<Vec<_>>();
    if right && lacks.is_empty() {
        // Only those asked for by name: a list of a hundred hides the one that failed.
        if std::env::var("PILOTHOUSE_TEST_ONLY").is_ok() {
            println!("{}: {} {:.2}: {}", fault.name, is.join(" "), found.confidence, found.summary);
        }
        if let Ok(folder) = std::env::var("PILOTHOUSE_TEST_RECORD") {
            record(PathBuf::from(folder), fault, &alerts, &gathered, at, namespace, &found);
        }
        return None;
    }
    Some(told(fault, &is, &lacks, &found))
}

fn told(fault: &Fault, is: &[&str; 4], lacks: &[&&str], found: &Diagnosis) -> String {
    let weighed = found.weighed.iter().map(|w| {
        format!("{} {:.2} +{:?} -{:?}", w.cause, w.confidence, w.speaks_for, w.speaks_against)
    });
    let facts = found
        .evidence
        .iter()
        .map(|fact| format!("  {:?} {}: {}", fact.bearing, fact.id, fact.text));
    format!(
        "{}: wanted {:?}, is {is:?}, lacks {lacks:?}\n  {}\n{}",
        fault.name,
        fault.expected,
        weighed.collect::<Vec<_>>().join("\n  "),
        facts.collect::<Vec<_>>().join("\n")
    )
}

/// Writes a case. Namespaces lose the number of the test process.
fn record(
    folder: PathBuf,
    fault: &Fault,
    alerts: &[Alert],
    gathered: &Gathered,
    at: Timestamp,
    namespace: &str,
    found: &Diagnosis,
) {
    let [pattern, cause, disposition, _] = fault.expected;
    let shown = found.evidence.iter().filter(|fact| fault.facts.contains(&fact.id.as_str()));
    let shown = shown.map(|fact| (fact.id.clone(), json!(fact.bearing)));
    let shown = shown.collect::<serde_json::Map<_, _>>();
    let target = found.target.as_ref().map(|target| target.key.path());
    let case = json!({
        "about": fault.about,
        "origin": "recorded on a real cluster (Kubernetes 1.34, containerd, Prometheus) by real_diagnosis",
        "now": at,
        "alerts": alerts,
        "gathered": gathered,
        "expected": {"pattern": pattern, "cause": cause, "disposition": disposition,
            "target": target, "facts": shown},
    });
    let text = serde_json::to_string(&case).expect("JSON").replace(namespace, fault.name);
    std::fs::create_dir_all(&folder).expect("the folder is made");
    std::fs::write(folder.join(format!("{}.json", fault.name)), text + "\n").expect("written");
}
