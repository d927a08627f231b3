//! From alerts to a diagnosis: find the target, read the picture, weigh all rules, choose.
//!
//! Fails closed: below the threshold, or where two causes with different cures come out close, the cause is *unknown*.

use super::chain::{Chain, Located, locate};
use super::disposition::{all_resolved, disposition, heartbeat};
use super::facts::facts;
use super::picture::Picture;
use super::reader::Reader;
use super::rule::{Seen, likeliest};
use super::subject::{self, Case, Trail};
use super::{culprit, nearby, rules, values};
use crate::domain::alert::Alert;
use crate::domain::diagnosis::{Cause, Diagnosis, Disposition, MadeBy, Pattern, Weighed};
use crate::domain::evidence::{Bearing, Fact, Gathered, Progress};
use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// Makes a diagnosis, or says what still has to be read.
#[must_use]
pub fn diagnose(alerts: &[Alert], gathered: &Gathered, now: Timestamp) -> Progress<Diagnosis> {
    if heartbeat(alerts) {
        let why = "the alert is a heartbeat: it fires when all is well".to_string();
        return Progress::Ready(without_target(alerts, Disposition::Heartbeat, why, now));
    }
    let mut reader = Reader::new(gathered);
    let located = find(alerts, &mut reader);
    if reader.pending() {
        return Progress::Need(reader.needs());
    }
    match located {
        Located::Found(chain) => match examine(alerts, chain, Trail::default(), now, &mut reader) {
            Some(diagnosis) => Progress::Ready(diagnosis),
            None => Progress::Need(reader.needs()),
        },
        Located::Gone(key) => {
            let why =
                format!("{} does not exist any more, and nothing says whose it was", key.path());
            let mut diagnosis = without_target(alerts, Disposition::TargetGone, why.clone(), now);
            diagnosis.evidence.push(fact("gone", why, &key, Bearing::Context));
            diagnosis.evidence.extend(reader.into_missing());
            Progress::Ready(diagnosis)
        }
        Located::Unreadable(key, why) => {
            let text = format!("{} can't be read: {why}", key.path());
            let mut diagnosis = nameless(alerts, text.clone(), now);
            diagnosis.evidence.push(fact("missing-target", text, &key, Bearing::Missing));
            diagnosis.evidence.extend(reader.into_missing());
            Progress::Ready(diagnosis)
        }
        Located::Nameless | Located::Pending => {
            let mut why = "the alert names no object that could be looked at".to_string();
            let around = nearby::unwell(alerts, &mut reader);
            if reader.pending() {
                return Progress::Need(reader.needs());
            }
            if let Some(fact) = &around {
                why = format!("{why}; {}", fact.text);
            }
            let mut diagnosis = nameless(alerts, why, now);
            diagnosis.evidence.extend(around);
            diagnosis.evidence.extend(reader.into_missing());
            Progress::Ready(diagnosis)
        }
    }
}

/// The diagnosis of the object at the chain's top, by its kind; the facts that led to it are kept. `None` while reads
/// are due.
pub(crate) fn examine<'a>(
    alerts: &'a [Alert],
    chain: Chain<'a>,
    trail: Trail,
    now: Timestamp,
    reader: &mut Reader<'a>,
) -> Option<Diagnosis> {
    let (reference, object) = chain.top()?.clone();
    if subject::is_one(&reference.key, object, now) {
        return subject::examine(Case { alerts, reference, object, trail, now }, reader);
    }
    let picture = Picture::read(alerts, chain, now, reader)?;
    let mine = conclude(&picture);
    let workload = picture.workload.reference;
    let mut diagnosis = culprit::hand_over(alerts, &workload, mine, &trail, now, reader)?;
    trail.leave_in(&mut diagnosis);
    Some(diagnosis)
}

fn fact(id: &str, text: String, key: &ObjectKey, bearing: Bearing) -> Fact {
    Fact { id: id.into(), text, source: key.path(), bearing, at: None }
}

/// The first alert whose object is found; firing ones before resolved ones.
fn find<'a>(alerts: &[Alert], reader: &mut Reader<'a>) -> Located<'a> {
    let mut order = alerts.iter().collect::<Vec<_>>();
    order.sort_by_key(|alert| (alert.status, alert.starts_at, alert.fingerprint.clone()));
    let mut second = Located::Nameless;
    for alert in order {
        match locate(alert, reader) {
            found @ (Located::Found(_) | Located::Pending) => return found,
            other @ Located::Unreadable(..) => second = other,
            other @ Located::Gone(_) => {
                if matches!(second, Located::Nameless) {
                    second = other;
                }
            }
            Located::Nameless => {}
        }
    }
    second
}

/// Resolved alerts without an object are over; others go to a person.
fn nameless(alerts: &[Alert], why: String, now: Timestamp) -> Diagnosis {
    if all_resolved(alerts) {
        let why = format!("all alerts are resolved; {why}");
        return without_target(alerts, Disposition::Recovered, why, now);
    }
    without_target(alerts, Disposition::Remediate, why, now)
}

fn without_target(
    alerts: &[Alert],
    disposition: Disposition,
    why: String,
    now: Timestamp,
) -> Diagnosis {
    let evidence = alerts
        .iter()
        .take(5)
        .enumerate()
        .map(|(index, alert)| Fact {
            id: if index == 0 { "alert".into() } else { format!("alert-{}", index + 1) },
            text: format!("alert {}", alert.name()),
            source: format!("alert {}", alert.fingerprint.as_str()),
            bearing: Bearing::Context,
            at: Some(alert.starts_at),
        })
        .collect();
    Diagnosis {
        pattern: Pattern::Generic,
        cause: Cause::Unknown,
        target: None,
        container: None,
        confidence: 0.0,
        made_by: MadeBy::Rules,
        evidence,
        weighed: vec![unknown(Pattern::Generic)],
        values: BTreeMap::new(),
        disposition,
        summary: why,
        at: now,
        reads: None,
    }
}

/// No cause: nothing to be sure of.
pub(crate) fn unknown(pattern: Pattern) -> Weighed {
    Weighed {
        pattern,
        cause: Cause::Unknown,
        confidence: 0.0,
        speaks_for: Vec::new(),
        speaks_against: Vec::new(),
        culprit: None,
    }
}

fn conclude(picture: &Picture<'_>) -> Diagnosis {
    let mut facts = facts(picture);
    let seen = Seen { picture, facts: &facts };
    let mut weighed = rules::ALL.iter().filter_map(|rule| (rule.weigh)(&seen)).collect::<Vec<_>>();
    weighed.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let (disposition, why) = disposition(&seen);
    let (chosen, doubt) = choose(&seen, &weighed);
    if chosen.cause == Cause::Unknown {
        weighed.push(chosen.clone());
    }
    let summary = match disposition {
        Disposition::Remediate => super::summary::summary(&seen, &chosen, &doubt),
        Disposition::Recovered
        | Disposition::TargetGone
        | Disposition::Heartbeat
        | Disposition::OnPurpose => why,
    };
    for fact in facts.iter_mut().filter(|fact| fact.bearing != Bearing::Missing) {
        if chosen.speaks_for.contains(&fact.id) {
            fact.bearing = Bearing::For;
        } else if chosen.speaks_against.contains(&fact.id) {
            fact.bearing = Bearing::Against;
        }
    }
    facts.sort_by_key(|fact| fact.bearing);
    Diagnosis {
        pattern: chosen.pattern,
        cause: chosen.cause,
        target: chosen.culprit.clone().or_else(|| Some(picture.workload.reference.clone())),
        container: picture.focus.as_ref().map(|focus| focus.container.name.to_string()),
        confidence: chosen.confidence,
        made_by: MadeBy::Rules,
        evidence: facts,
        weighed,
        values: values::values(picture),
        disposition,
        summary,
        at: picture.now,
        reads: None,
    }
}

/// The likeliest cause, or *unknown* with the reason for the doubt.
fn choose(seen: &Seen<'_>, weighed: &[Weighed]) -> (Weighed, String) {
    let pattern = if seen.has("oom-killed") || seen.any(&["usage-at-limit", "usage-growing"]) {
        Pattern::HighMemory
    } else if seen.picture.troubled() {
        Pattern::CrashLoop
    } else if seen.any(&[
        "claim-missing",
        "claim-pending",
        "claim-lost",
        "volume-elsewhere",
        "volume-not-mounted",
    ]) {
        Pattern::StorageIssue
    } else if seen.has("network-not-set-up") {
        Pattern::NetworkIssue
    } else if seen.any(&["unschedulable", "node-lost", "node-not-ready", "evicted"]) {
        Pattern::NodeIssue
    } else {
        Pattern::Generic
    };
    match likeliest(weighed) {
        Err(doubt) => (unknown(pattern), doubt),
        Ok(best) if seen.picture.chain.broken => {
            let doubt = format!("{} is likeliest, but its owner can't be read", best.cause);
            (unknown(pattern), doubt)
        }
        Ok(best) => (best.clone(), String::new()),
    }
}
