//! A PersistentVolume: a bound one is its claim's case; others say what became of them.
//!
//! Values: `volume`, `claim`, `reclaim_policy`, `phase`.

use super::case::Case;
use super::findings::{Examined, Findings, quoted};
use super::handing::{Handed, hand_over};
use crate::domain::diagnose::fields::{text, value};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnosis::Pattern;
use crate::domain::resource::ObjectKey;

/// The examiner of volumes.
pub(super) fn examine<'a>(case: &Case<'a>, reader: &mut Reader<'a>) -> Examined {
    let path = case.path();
    let mut findings = Findings::new(case, Pattern::StorageIssue);
    let phase = text(case.object, &["status", "phase"]);
    let policy = text(case.object, &["spec", "persistentVolumeReclaimPolicy"]);
    findings.put("volume", case.name());
    findings.put("phase", phase);
    findings.put("reclaim_policy", policy);
    let mut words = format!("it is {phase}; its reclaim policy is {policy}");
    let message = quoted(text(case.object, &["status", "message"]), 200);
    if !message.is_empty() {
        words = format!("{words}: {message}");
    }
    findings.add("volume", words, format!("{path}: status"));
    if let Some(claim) = value(case.object, &["spec", "claimRef"]).filter(|_| phase == "Bound") {
        let (place, name) = (text(claim, &["namespace"]), text(claim, &["name"]));
        let key = ObjectKey::new("v1", "PersistentVolumeClaim", place, name);
        findings.put("claim", key.path());
        let facts = findings.facts.iter().filter(|fact| fact.id == "volume").cloned().collect();
        if let Some(trail) = case.trail.from(&case.reference.key, facts) {
            match hand_over(case.alerts, &key, trail, case.now, reader) {
                Handed::Done(found) => return Examined::Elsewhere(found),
                Handed::Pending => return Examined::Pending,
                Handed::Not(why) => findings.add("no-further", why, key.path()),
            }
        }
    }
    if phase == "Available" {
        let why = "it is free for a claim".to_string();
        findings.well = Some(super::findings::Well { why, since: None });
    }
    findings.otherwise = findings.quote(&["volume"]);
    findings.sealed(reader).done()
}
