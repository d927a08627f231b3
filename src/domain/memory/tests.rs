use super::*;
use crate::domain::diagnosis::{Cause, Diagnosis, Disposition, MadeBy, Pattern};
use crate::domain::effectiveness::Fate;
use crate::domain::evidence::{Bearing, Fact};
use crate::domain::id::RemediationId;
use crate::domain::resource::{ObjectKey, ObjectRef};
use serde_json::json;
use std::collections::BTreeMap;

fn fact(id: &str, text: &str, bearing: Bearing) -> Fact {
    Fact { id: id.into(), text: text.into(), source: "pod".into(), bearing, at: None }
}

fn diagnosis(cause: Cause, name: &str, limit: u64, facts: Vec<Fact>) -> Diagnosis {
    Diagnosis {
        pattern: Pattern::HighMemory,
        cause,
        target: Some(ObjectRef {
            key: ObjectKey::new("apps/v1", "Deployment", "payments", name),
            uid: format!("uid-{name}"),
        }),
        container: Some("app".into()),
        confidence: 0.9,
        made_by: MadeBy::Rules,
        evidence: facts,
        weighed: Vec::new(),
        values: BTreeMap::from([("memory_limit_bytes".to_string(), json!(limit))]),
        disposition: Disposition::Remediate,
        summary: String::new(),
        at: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        reads: None,
    }
}

fn oom(name: &str, count: u32) -> Vec<Fact> {
    let text = format!("{count} OOMKilled in 30m; last {name}-7d9f-2kx8p 03:09Z, exit 137");
    vec![
        fact("oom-killed", &text, Bearing::For),
        fact("usage-at-limit", "the working set reached the limit of app", Bearing::For),
        fact("node-short", "the node is not short of memory", Bearing::Against),
    ]
}

fn vector(diagnosis: &Diagnosis) -> Vector {
    picture(diagnosis).1
}

#[test]
fn the_same_fault_on_another_target_is_most_alike() {
    const MI: u64 = 1 << 20;
    let new = vector(&diagnosis(Cause::LimitTooSmall, "ledger", 512 * MI, oom("ledger", 4)));
    let same = vector(&diagnosis(Cause::LimitTooSmall, "web", 500 * MI, oom("web", 7)));
    let bigger = vector(&diagnosis(Cause::LimitTooSmall, "web", 8_192 * MI, oom("web", 7)));
    let leak = vector(&diagnosis(Cause::MemoryLeak, "web", 512 * MI, oom("web", 7)));
    let pull = fact("image-missing", "pull of image shop failed: manifest unknown", Bearing::For);
    let mut other = diagnosis(Cause::ImagePull, "web", 512 * MI, vec![pull]);
    other.pattern = Pattern::CrashLoop;
    other.values.clear();
    let other = vector(&other);
    let [same, bigger, leak, other] = [same, bigger, leak, other].map(|it| new.similarity(&it));
    assert!(same > 0.95, "{same}");
    assert!(same > bigger && bigger > leak && leak > other, "{same} {bigger} {leak} {other}");
    assert!(leak > LEAST, "the same facts with another cause: {leak}");
    assert!(other < 0.3, "{other}");
    assert!((new.similarity(&new) - 1.0).abs() < 1e-12);
}

#[test]
fn a_vector_is_the_same_everywhere_and_for_ever() {
    let one = diagnosis(Cause::LimitTooSmall, "ledger", 512 << 20, oom("ledger", 4));
    let numbers = vector(&one).numbers().map(i8::cast_unsigned);
    let digest = crate::domain::digest::sha256_hex(&numbers);
    // When this changes, VERSION grows.
    assert_eq!((VERSION, &digest[..16]), (1, "b031a9238e148176"));
}

#[test]
fn what_could_not_be_read_and_what_is_secret_changes_nothing() {
    let plain = diagnosis(Cause::LimitTooSmall, "ledger", 512 << 20, oom("ledger", 4));
    let mut hidden = plain.clone();
    hidden.evidence.push(fact("usage", "Prometheus does not answer", Bearing::Missing));
    assert_eq!(vector(&plain), vector(&hidden));
    let with = |secret: &str| {
        let mut one = plain.clone();
        let text = format!("refused: password={secret}");
        one.evidence.push(fact("log", &text, Bearing::Context));
        vector(&one)
    };
    assert_eq!(with("correct-horse"), with("battery-staple"));
}

#[test]
fn a_vector_has_a_direction_and_its_dimensions() {
    assert!(Vector::stored(&[1; 383]).unwrap_err().contains("383"));
    assert!(Vector::stored(&[0; DIMENSIONS]).is_err());
    assert!(Vector::stored(&[i8::MIN; DIMENSIONS]).is_err());
    assert!(Vector::stored(&[-127; DIMENSIONS]).is_ok());
    assert_eq!(Vector::towards(&[0.0; DIMENSIONS]), None);
    assert_eq!(Vector::towards(&[f64::NAN; DIMENSIONS]), None);
    let (least, most) = ([-127; DIMENSIONS], [127; DIMENSIONS]);
    assert_eq!((dot(&least, &most), dot(&least, &least)), (-127 * 127 * 384, 127 * 127 * 384));
    let up = Vector::towards(&[3.5; DIMENSIONS]).unwrap();
    let down = Vector::towards(&[-0.1; DIMENSIONS]).unwrap();
    assert!((up.similarity(&up) - 1.0).abs() < 1e-12);
    assert!(up.similarity(&down).abs() < 1e-12, "opposite is not alike");
}

#[test]
fn it_is_said_in_what_cases_are_alike_and_what_came_of_them() {
    let new = picture(&diagnosis(Cause::LimitTooSmall, "ledger", 512 << 20, oom("ledger", 4))).0;
    let old = picture(&diagnosis(Cause::LimitTooSmall, "web", 256 << 20, oom("web", 1))).0;
    let said = ["cause limit-too-small", "a Deployment"].map(String::from);
    assert_eq!(alike(&new, &old)[..2], said);
    assert_eq!(alike(&new, &old)[2], "facts node-short, oom-killed, usage-at-limit");
    let past = |id: &str, fate| PastCase {
        id: RemediationId::new(id),
        version: VERSION,
        features: old.clone(),
        target: None,
        template: Some("high-memory@3".into()),
        fate,
        ended_at: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
    };
    let fates = [Fate::Effective, Fate::NoEffect, Fate::Alone, Fate::Unclear];
    let similar = fates.map(|fate| Similar::of(past("r1", fate), 0.912_345, &new)).to_vec();
    assert!((similar[0].similarity - 0.9123).abs() < 1e-12);
    let recalled = Recalled { similar, among: 4, away: None };
    assert_eq!(recalled.words(), "1 of 2 helped; 1 unclear; 1 left alone");
    let away = Recalled { away: Some("memory is away".into()), ..Recalled::default() };
    assert_eq!(away.words(), "not known: memory is away");
    assert_eq!(Recalled { among: 7, ..away.clone() }.words(), away.words());
    assert_eq!(Recalled::default().words(), "none among 0 past cases");
    let line = recalled.similar[0].words();
    assert!(line.starts_with("0.91 high-memory@3 helped: cause limit-too-small, a"), "{line}");
    let text = serde_json::to_string(&recalled).unwrap();
    assert_eq!(serde_json::from_str::<Recalled>(&text).unwrap(), recalled);
}
