//! Recorded cases: what was read, the alerts, and the diagnosis that must come out.
//!
//! Each file under `tests/cases` is one. Those that say `recorded` are answers of a real cluster with a real fault on it
//! (made by `real_diagnosis` with `PILOTHOUSE_TEST_RECORD=DIR`); the others are such a one with a part changed, as they
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
use pilothouse::domain::diagnosis::{Cause, Diagnosis};
use pilothouse::domain::evidence::{Answer, Gathered, Progress, Read};
use pilothouse::domain::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What happened, and why it is a case.
    about: String,
    /// `recorded …` or `made from …`.
    origin: String,
    now: Timestamp,
    alerts: Vec<Alert>,
    #[serde(default)]
    gathered: Gathered,
    /// Another case whose answers this one starts from.
    #[serde(default)]
    base: Option<String>,
    /// Answers that replace those of the base.
    #[serde(default)]
    changes: Vec<Change>,
    expected: Expected,
}

/// Replaces answers whose read, written as JSON, holds this text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    reads_with: String,
    /// The new answer …
    #[serde(default)]
    answer: Option<Answer>,
    /// … or texts in the old one and what replaces each.
    #[serde(default)]
    replace: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    pattern: String,
    cause: String,
    disposition: String,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    container: Option<String>,
    #[serde(default)]
    at_least: f64,
    #[serde(default = "one")]
    at_most: f64,
    /// Facts that must be there, each with its bearing: `oom-killed: for`.
    #[serde(default)]
    facts: BTreeMap<String, String>,
    /// Values, by name; members of objects as `healthy_revision.number`.
    #[serde(default)]
    values: BTreeMap<String, Value>,
    /// Values that must not be there.
    #[serde(default)]
    no_values: Vec<String>,
    /// Text that the summary must hold.
    #[serde(default)]
    summary: Option<String>,
}

fn one() -> f64 {
    1.0
}

fn load(name: &str) -> Case {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut case: Case =
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(
        !case.about.is_empty() && !case.origin.is_empty(),
        "{name}: it must say what it is and where it comes from"
    );
    if let Some(base) = &case.base {
        let mut answers = load(base).gathered.answers;
        answers.extend(std::mem::take(&mut case.gathered.answers));
        for change in &case.changes {
            apply(change, &mut answers, name);
        }
        case.gathered.answers = answers;
    }
    case
}

fn apply(change: &Change, answers: &mut BTreeMap<Read, Answer>, name: &str) {
    let (mut hits, mut replaced) = (0, 0);
    for (read, answer) in answers.iter_mut() {
        let key = serde_json::to_string(read).expect("a read is JSON");
        if !key.contains(&change.reads_with) {
            continue;
        }
        if let Some(new) = &change.answer {
            *answer = new.clone();
        }
        let mut text = serde_json::to_string(answer).expect("an answer is JSON");
        for (from, to) in &change.replace {
            replaced += text.matches(from.as_str()).count();
            text = text.replace(from, to);
        }
        *answer = serde_json::from_str(&text).expect("still an answer");
        hits += 1;
    }
    assert!(hits > 0, "{name}: no read holds `{}`", change.reads_with);
    let done = replaced > 0 || change.replace.is_empty();
    assert!(done, "{name}: nothing to replace in what `{}` brought", change.reads_with);
}

/// Answers round by round, as the engine does, so that the number of rounds is checked too.
fn run(case: &Case, name: &str) -> Diagnosis {
    let mut gathered = Gathered::default();
    for _ in 0..=8 {
        match diagnose(&case.alerts, &gathered, case.now) {
            Progress::Ready(diagnosis) => return diagnosis,
            Progress::Need(reads) => {
                assert!(!reads.is_empty(), "{name}: needs nothing and is not ready");
                for read in reads {
                    assert!(gathered.get(&read).is_none(), "{name}: asks again for {read:?}");
                    let answer = recorded(case, &read).unwrap_or_else(|| {
                        let text = serde_json::to_string(&read).expect("a read is JSON");
                        panic!("{name}: asks for what was not recorded: {text}")
                    });
                    gathered.answers.insert(read, answer);
                }
            }
        }
    }
    panic!("{name}: not ready after 8 rounds");
}

/// The recorded answer; of a range of another length or resolution, if that is what was recorded.
fn recorded(case: &Case, read: &Read) -> Option<Answer> {
    let same_query = |other: &Read| match (read, other) {
        (Read::Range { promql: wanted, .. }, Read::Range { promql, .. }) => wanted == promql,
        _ => false,
    };
    let answers = &case.gathered.answers;
    answers
        .get(read)
        .or_else(|| answers.iter().find(|(other, _)| same_query(other)).map(|(_, answer)| answer))
        .cloned()
}

fn names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut names = std::fs::read_dir(folder)
        .expect("tests/cases")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".json"))
        .collect::<Vec<_>>();
    names.sort();
    names
}

fn differences(case: &Case, found: &Diagnosis) -> Vec<String> {
    let expected = &case.expected;
    let mut wrong = Vec::new();
    let mut same = |what: &str, wanted: String, is: String| {
        if wanted != is {
            wrong.push(format!("{what}: wanted {wanted}, is {is}"));
        }
    };
    let word = |value: &dyn std::fmt::Display| value.to_string();
    same("pattern", expected.pattern.clone(), word(&found.pattern));
    same("cause", expected.cause.clone(), word(&found.cause));
    let disposition = serde_json::to_value(found.disposition).expect("JSON");
    same("disposition", format!("\"{}\"", expected.disposition), disposition.to_string());
    let target = found.target.as_ref().map(|target| target.key.path());
    same("target", format!("{:?}", expected.target), format!("{target:?}"));
    if expected.container.is_some() {
        same("container", format!("{:?}", expected.container), format!("{:?}", found.container));
    }
    for (id, bearing) in &expected.facts {
        let fact = found.evidence.iter().find(|fact| fact.id == *id);
        let is = fact.map(|fact| serde_json::to_value(fact.bearing).expect("JSON").to_string());
        same(
            &format!("fact {id}"),
            format!("\"{bearing}\""),
            is.unwrap_or_else(|| "absent".into()),
        );
    }
    for (path, wanted) in &expected.values {
        let mut parts = path.split('.');
        let mut is = found.values.get(parts.next().unwrap_or_default());
        for part in parts {
            is = is.and_then(|value| value.get(part));
        }
        let is = is.map_or_else(|| "absent".to_string(), Value::to_string);
        same(&format!("value {path}"), wanted.to_string(), is);
    }
    for name in &expected.no_values {
        let is = found.values.get(name).map_or_else(|| "absent".to_string(), Value::to_string);
        same(&format!("value {name}"), "absent".into(), is);
    }
    if let Some(wanted) = expected.summary.as_ref().filter(|text| !found.summary.contains(*text)) {
        wrong.push(format!("summary: wanted … {wanted} …, is {}", found.summary));
    }
    if !(expected.at_least..=expected.at_most).contains(&found.confidence) {
        wrong.push(format!(
            "confidence: wanted {} to {}, is {}",
            expected.at_least, expected.at_most, found.confidence
        ));
    }
    wrong
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
    for name in &names {
        let case = load(name);
        let found = run(&case, name);
        if std::env::var_os("PILOTHOUSE_TEST_SHOW").is_some() {
            show(name, &found);
        }
        let mut wrong = differences(&case, &found);
        wrong.extend(invariants(&found));
        failures.extend(wrong.into_iter().map(|one| format!("{name}: {one}")));
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn what_may_not_be_read_is_missing_and_never_makes_a_cause_surer() {
    for name in names() {
        let case = load(&name);
        let whole = run(&case, &name);
        let targets = case.gathered.answers.keys().filter(|read| !matches!(read, Read::Object(_)));
        for read in targets {
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
            let said = found
                .evidence
                .iter()
                .any(|fact| fact.bearing == pilothouse::domain::evidence::Bearing::Missing);
            let asked = matches!(read, Read::Logs { .. } | Read::Range { .. } | Read::List { .. });
            let dealt = found.disposition == pilothouse::domain::diagnosis::Disposition::Remediate;
            assert!(
                said || !asked || !dealt,
                "{name}: {read:?} is not shown as missing: {found:#?}"
            );
        }
    }
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
