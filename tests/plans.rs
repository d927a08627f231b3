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

use pilothouse::domain::diagnosis::Diagnosis;
use pilothouse::domain::evidence::{Answer, Gathered};
use pilothouse::domain::recorded::{self, RecordedCase, replay, shown, text_differences};
use pilothouse::domain::time::Timestamp;
use pilothouse::domain::workflow::plan::Plan;
use pilothouse::domain::workflow::template::Library;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The recorded cases (not those made from others), by name.
fn recorded() -> BTreeMap<String, RecordedCase> {
    let mut cases = BTreeMap::new();
    let text_of = |name: &str| {
        std::fs::read_to_string(root().join("cases").join(name)).map_err(|e| e.to_string())
    };
    for entry in std::fs::read_dir(root().join("cases")).expect("cases") {
        let file = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let Some(name) = file.strip_suffix(".json") else { continue };
        let text = text_of(&file).expect("readable");
        let case = RecordedCase::read(&file, &text, &text_of);
        let case = case.unwrap_or_else(|error| panic!("{error}"));
        if case.base.is_none() {
            cases.insert(name.to_string(), case);
        }
    }
    assert!(cases.len() >= 10, "only {} recorded cases", cases.len());
    cases
}

fn library() -> Library {
    let library = Library::load(&[]);
    assert!(library.problems.is_empty(), "{:?}", library.problems);
    library
}

fn diagnosed(name: &str, case: &RecordedCase) -> Diagnosis {
    replay(case, &library()).unwrap_or_else(|why| panic!("{name}: {why}")).diagnosis
}

fn plan(diagnosis: &Diagnosis, gathered: &Gathered, now: Timestamp) -> Result<Plan, String> {
    recorded::plan(gathered, diagnosis, &library(), now)
}

#[test]
fn recorded_cases_come_to_the_plans_that_were_read_and_approved() {
    let write = std::env::var_os("PILOTHOUSE_TEST_WRITE").is_some();
    let mut wrong = Vec::new();
    let library = library();
    for (name, case) in recorded() {
        let replayed = replay(&case, &library).unwrap_or_else(|why| panic!("{name}: {why}"));
        let text = match replayed.plan {
            None => continue,
            Some(Ok(plan)) => shown(&plan),
            Some(Err(why)) => format!("no plan: {why}\n"),
        };
        let path = root().join("plans").join(format!("{name}.txt"));
        if write {
            std::fs::write(&path, &text).expect("writable");
        }
        let wanted = std::fs::read_to_string(&path).unwrap_or_default();
        if wanted != text {
            wrong.push(format!("--- {name}\n{}", text_differences(&wanted, &text).join("\n")));
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
