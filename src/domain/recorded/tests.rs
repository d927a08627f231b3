//! Cases are read strictly, replayed without anything outside, compared in words, and made without secrets.

use super::*;
use crate::domain::evidence::{Answer, Gathered, Read};
use crate::domain::resource::ObjectKey;
use crate::domain::workflow::template::Library;
use serde_json::{Value, json};

fn file(more: &Value) -> String {
    let mut case = json!({"about": "nothing", "origin": "made here", "now": "2026-11-23T10:00:00Z",
        "alerts": [{"fingerprint": "f", "status": "firing", "labels": {"alertname": "A"},
            "annotations": {}, "starts_at": "2026-11-23T09:00:00Z", "ends_at": null}],
        "expected": {"pattern": "generic", "cause": "unknown", "disposition": "remediate",
            "plan": {"template": "generic", "risk": "low"}}});
    for (key, value) in more.as_object().into_iter().flatten() {
        case[key] = value.clone();
    }
    case.to_string()
}

fn read(more: &Value) -> Result<RecordedCase, CaseError> {
    let none = |name: &str| Err(format!("there is no {name}"));
    RecordedCase::read("one.json", &file(more), &none)
}

#[test]
fn a_case_that_comes_out_as_it_must_has_no_differences() {
    let case = read(&json!({})).expect("a case");
    let replayed = replay(&case, &Library::load(&[])).expect("a diagnosis");
    assert_eq!(differences(&case.expected, &replayed), Vec::<String>::new());
    assert_eq!(replayed.unrecorded, Vec::<String>::new());
}

#[test]
fn every_difference_is_a_line_that_says_what_was_wanted_and_what_is() {
    let expected = json!({"expected": {"pattern": "crash-loop", "cause": "unknown",
        "disposition": "remediate", "target": "shop/Deployment/web", "at_least": 0.9,
        "values": {"replicas": 3}, "facts": {"oom-killed": "for"},
        "plan": {"template": "crash-loop", "steps": ["1 roll_back on shop/Deployment/web"]}}});
    let case = read(&expected).expect("a case");
    let replayed = replay(&case, &Library::load(&[])).expect("a diagnosis");
    let text = differences(&case.expected, &replayed).join("\n");
    for line in [
        "pattern: wanted crash-loop, is generic",
        "target: wanted shop/Deployment/web, is none",
        "fact oom-killed: wanted for, is absent",
        "value replicas: wanted 3, is absent",
        "confidence: wanted 0.9 to 1, is ",
        "template: wanted crash-loop, is generic",
        "- 1 roll_back on shop/Deployment/web",
        "+ 2 hand over",
    ] {
        assert!(text.contains(line), "`{line}` in\n{text}");
    }
}

#[test]
fn bad_cases_say_what_is_wrong() {
    for (more, wanted) in [
        (json!({"sonst": 1}), "unknown field `sonst`"),
        (json!({"about": " "}), "`about`"),
        (json!({"base": "two.json"}), "its base two.json: there is no two.json"),
        (json!({"changes": [{"reads_with": "x"}]}), "no `base`"),
    ] {
        let error = read(&more).expect_err("it is bad").to_string();
        assert!(error.contains("one.json") && error.contains(wanted), "{wanted}: {error}");
    }
    let circle = |_: &str| Ok(file(&json!({"base": "one.json"})));
    let error = RecordedCase::read("one.json", &file(&json!({"base": "one.json"})), &circle);
    assert!(error.expect_err("a circle").why.contains("circle"));
}

#[test]
fn what_the_recording_lacks_is_said_and_unavailable() {
    let alerts = json!({"alerts": [{"fingerprint": "f", "status": "firing", "labels":
        {"alertname": "A", "namespace": "shop", "pod": "web-1"}, "annotations": {},
        "starts_at": "2026-11-23T09:00:00Z", "ends_at": null}]});
    let case = read(&alerts).expect("a case");
    let replayed = replay(&case, &Library::load(&[])).expect("a diagnosis");
    assert!(replayed.unrecorded[0].contains("web-1"), "{:?}", replayed.unrecorded);
    let missing =
        replayed.diagnosis.evidence.iter().any(|fact| fact.text.contains("not in the recording"));
    assert!(missing, "{:?}", replayed.diagnosis.evidence);
}

#[test]
fn a_case_made_of_a_remediation_holds_no_secrets_and_comes_out_the_same() {
    let case = read(&json!({})).expect("a case");
    let library = Library::load(&[]);
    let replayed = replay(&case, &library).expect("a diagnosis");
    let key = |kind: &str| ObjectKey::new("v1", kind, "shop", "x");
    let mut gathered = Gathered::default();
    let map = json!({"kind": "ConfigMap", "data": {"motd": "hello"}});
    gathered.answers.insert(Read::Object(key("ConfigMap")), Answer::Object(map));
    let pod = json!({"kind": "Pod", "spec": {"containers": [
        {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}]}});
    gathered.answers.insert(Read::Object(key("Pod")), Answer::Object(pod));
    let mut alerts = case.alerts.clone();
    alerts[0]
        .annotations
        .insert("note".into(), "token: ghp_abcdefghijklmnopqrstuvwxyz0123456789".into());
    let made = make(Incident {
        origin: "case 1 on test".into(),
        alerts,
        diagnosis: &replayed.diagnosis,
        plan: replayed.plan.as_ref().map(|plan| plan.as_ref().map_err(String::clone)),
        gathered: vec![gathered],
    });
    let text = serde_json::to_string(&made).expect("JSON");
    for secret in ["hello", "hunter2", "ghp_abc"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let none = |_: &str| Err("none".to_string());
    let again = RecordedCase::read("made.json", &text, &none).expect("a case");
    let replayed = replay(&again, &library).expect("a diagnosis");
    assert_eq!(differences(&again.expected, &replayed), Vec::<String>::new());
}
