//! Recorded cases: what was read, the alerts, and the diagnosis that must come out.
//!
//! Each file under `tests/cases` is one, in the format of `pilothouse templates test` and run by the same code. Those
//! that say `recorded` are answers of a real cluster with a real fault on it (made by `real_diagnosis` with
//! `PILOTHOUSE_TEST_RECORD=DIR`, or by `pilothouse record`); the others are such a one with a part changed, as they
//! say. With `PILOTHOUSE_TEST_SHOW=1` each diagnosis is printed.

#![allow(clippy::pedantic, reason = "not product code")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_stack_arrays,
    clippy::duration_suboptimal_units,
    clippy::format_collect,
    reason = "not product code"
)]
use pilothouse::domain::alert::Alert;
use pilothouse::domain::diagnose::diagnose;
use pilothouse::domain::diagnosis::{Cause, Diagnosis, Disposition};
use pilothouse::domain::evidence::{Answer, Bearing, Gathered, Progress, Read};
use pilothouse::domain::recorded::{RecordedCase, differences, replay};
use pilothouse::domain::time::Timestamp;
use pilothouse::domain::workflow::template::Library;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn load(name: &str) -> RecordedCase {
    let text_of =
        |name: &str| std::fs::read_to_string(folder().join(name)).map_err(|e| e.to_string());
    let text = text_of(name).expect("a case");
    RecordedCase::read(name, &text, &text_of).unwrap_or_else(|error| panic!("{error}"))
}

fn names() -> Vec<String> {
    let mut names = std::fs::read_dir(folder())
        .expect("tests/cases")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".json"))
        .collect::<Vec<_>>();
    names.sort();
    names
}

/// What must hold for any diagnosis.
fn invariants(found: &Diagnosis) -> Vec<String> {
    let mut wrong = Vec::new();
    let ids = found.evidence.iter().map(|fact| fact.id.as_str()).collect::<Vec<_>>();
    let unique = ids.iter().collect::<BTreeSet<_>>();
    if unique.len() != ids.len() {
        wrong.push(format!("fact ids repeat: {ids:?}"));
    }
    for weighed in &found.weighed {
        for id in weighed.speaks_for.iter().chain(&weighed.speaks_against) {
            if !ids.contains(&id.as_str()) {
                wrong.push(format!("{} weighs {id}, which is not shown", weighed.cause));
            }
        }
    }
    if !found.weighed.iter().any(|one| one.cause == found.cause && one.pattern == found.pattern) {
        wrong.push("the chosen cause was not weighed".into());
    }
    if found.weighed.windows(2).any(|two| two[0].confidence < two[1].confidence) {
        wrong.push("what was weighed is not in order".into());
    }
    if found.evidence.iter().any(|fact| fact.text.is_empty() || fact.source.is_empty()) {
        wrong.push("a fact has no text or no source".into());
    }
    if found.cause != Cause::Unknown && found.confidence < 0.5 {
        wrong.push("a cause is named below the threshold".into());
    }
    if found.summary.is_empty() {
        wrong.push("no summary".into());
    }
    wrong
}

#[test]
fn every_recorded_case_gets_the_diagnosis_that_it_must() {
    let mut failures = Vec::new();
    let names = names();
    assert!(names.len() >= 20, "only {} cases", names.len());
    let library = Library::load(&[]);
    for name in &names {
        let case = load(name);
        let found = replay(&case, &library).unwrap_or_else(|why| panic!("{name}: {why}"));
        if std::env::var_os("PILOTHOUSE_TEST_SHOW").is_some() {
            show(name, &found.diagnosis);
        }
        let mut wrong = differences(&case.expected, &found);
        wrong.extend(invariants(&found.diagnosis));
        let lacks = |read: &String| format!("the recording lacks {read}");
        wrong.extend(found.unrecorded.iter().map(lacks));
        failures.extend(wrong.into_iter().map(|one| format!("{name}: {one}")));
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn what_may_not_be_read_is_missing_and_never_makes_a_cause_surer() {
    let library = Library::load(&[]);
    for name in names() {
        let case = load(&name);
        let whole = replay(&case, &library).unwrap_or_else(|why| panic!("{name}: {why}")).diagnosis;
        let targets = case.gathered.answers.keys().filter(|read| !matches!(read, Read::Object(_)));
        for read in targets.filter(|read| is_asked(&case, read)) {
            let mut gathered = case.gathered.clone();
            let denied = Answer::NotPermitted("forbidden".into());
            gathered.answers.insert(read.clone(), denied);
            let found = loop_with_denials(&case.alerts, gathered, case.now);
            assert!(
                found.cause == Cause::Unknown
                    || found.cause != whole.cause
                    || found.confidence <= whole.confidence + 0.2,
                "{name}: without {read:?} it is surer: {} instead of {}",
                found.confidence,
                whole.confidence
            );
            let said = found.evidence.iter().any(|fact| fact.bearing == Bearing::Missing);
            let asked = matches!(read, Read::Logs { .. } | Read::Range { .. } | Read::List { .. });
            let dealt = found.disposition == Disposition::Remediate;
            assert!(said || !asked || !dealt, "{name}: {read:?} is not shown as missing");
        }
    }
}

/// Whether the diagnosis needs that read: a case made from another one holds what only that other one asks for.
fn is_asked(case: &RecordedCase, read: &Read) -> bool {
    let mut gathered = case.gathered.clone();
    gathered.answers.remove(read);
    matches!(diagnose(&case.alerts, &gathered, case.now), Progress::Need(reads) if reads.contains(read))
}

/// Runs with what there is; what was not recorded may not be read.
fn loop_with_denials(alerts: &[Alert], mut gathered: Gathered, now: Timestamp) -> Diagnosis {
    for _ in 0..=8 {
        match diagnose(alerts, &gathered, now) {
            Progress::Ready(diagnosis) => return diagnosis,
            Progress::Need(reads) => {
                for read in reads {
                    gathered.answers.insert(read, Answer::NotPermitted("forbidden".into()));
                }
            }
        }
    }
    panic!("not ready after 8 rounds");
}

fn show(name: &str, found: &Diagnosis) {
    println!(
        "\n== {name}: {}/{} {:.2} {:?}",
        found.pattern, found.cause, found.confidence, found.disposition
    );
    println!("   {}", found.summary);
    for weighed in &found.weighed {
        println!(
            "   {:16} {:.2}  + {:?}  - {:?}",
            weighed.cause.word(),
            weighed.confidence,
            weighed.speaks_for,
            weighed.speaks_against
        );
    }
    for fact in &found.evidence {
        println!("   {:?} {}: {}   [{}]", fact.bearing, fact.id, fact.text, fact.source);
    }
    println!("   {}", serde_json::to_string(&found.values).expect("JSON"));
}
