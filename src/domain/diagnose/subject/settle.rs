//! From findings to a diagnosis: which cause, whether it is a fault, in what words.

use super::case::Case;
use super::findings::{Findings, Well};
use super::terminating::{lately, stuck};
use crate::domain::diagnose::conclude::unknown;
use crate::domain::diagnose::disposition::all_resolved;
use crate::domain::diagnose::fields::terminating;
use crate::domain::diagnose::rule::likeliest;
use crate::domain::diagnosis::{Diagnosis, Disposition, MadeBy, Weighed};
use crate::domain::evidence::Bearing;

/// The diagnosis of a case that stays with its object.
pub(super) fn settle(case: Case<'_>, mut findings: Findings) -> Diagnosis {
    findings.opinions.sort_by(|a, b| b.weighed.confidence.total_cmp(&a.weighed.confidence));
    let mut weighed = findings.opinions.iter().map(|one| one.weighed.clone()).collect::<Vec<_>>();
    let (chosen, doubt) = match likeliest(&weighed) {
        Ok(best) => (best.clone(), String::new()),
        Err(doubt) => (unknown(findings.pattern), doubt),
    };
    let (disposition, why) = disposition(&case, &findings, weighed.first());
    let summary = match disposition {
        Disposition::Remediate => summary(&case, &findings, &chosen, &doubt),
        Disposition::Recovered
        | Disposition::TargetGone
        | Disposition::Heartbeat
        | Disposition::OnPurpose => why,
    };
    if !weighed.contains(&chosen) {
        weighed.push(chosen.clone());
    }
    let mut facts = findings.facts;
    for fact in facts.iter_mut().filter(|fact| fact.bearing != Bearing::Missing) {
        if chosen.speaks_for.contains(&fact.id) {
            fact.bearing = Bearing::For;
        } else if chosen.speaks_against.contains(&fact.id) {
            fact.bearing = Bearing::Against;
        }
    }
    facts.sort_by_key(|fact| fact.bearing);
    let mut diagnosis = Diagnosis {
        pattern: chosen.pattern,
        cause: chosen.cause,
        target: Some(chosen.culprit.clone().unwrap_or(case.reference)),
        container: None,
        confidence: chosen.confidence,
        made_by: MadeBy::Rules,
        evidence: facts,
        weighed,
        values: findings.values,
        disposition,
        summary,
        at: case.now,
        reads: None,
    };
    case.trail.leave_in(&mut diagnosis);
    diagnosis
}

/// Whether it is a fault. When in doubt it is one: a case that is closed by mistake is one that nobody looks at. What
/// another object's trouble led to is never closed here: that object is still in trouble.
fn disposition(
    case: &Case<'_>,
    findings: &Findings,
    best: Option<&Weighed>,
) -> (Disposition, String) {
    let going = lately(case.object, case.now) && all_resolved(case.alerts);
    if terminating(case.object) && (going || !stuck(case.object, case.now)) {
        return (Disposition::TargetGone, "it is being deleted".into());
    }
    if let Some(why) = &findings.on_purpose {
        return (Disposition::OnPurpose, why.clone());
    }
    let clear = best.is_none_or(|best| best.confidence < 0.3);
    if let Some(Well { why, since }) = findings.well.as_ref().filter(|_| clear)
        && case.trail.is_empty()
    {
        if all_resolved(case.alerts) {
            return (Disposition::Recovered, format!("all alerts are resolved, and {why}"));
        }
        let later = since.zip(case.began()).is_some_and(|(since, began)| since >= began);
        if later {
            return (Disposition::Recovered, format!("{why}, since the alert began"));
        }
    }
    (Disposition::Remediate, String::new())
}

fn summary(case: &Case<'_>, findings: &Findings, chosen: &Weighed, doubt: &str) -> String {
    let path = case.reference.key.short_path();
    let said = findings
        .opinions
        .iter()
        .find(|one| one.weighed.cause == chosen.cause)
        .map(|one| one.say.as_str());
    if let Some(say) = said {
        return format!("{path}: {say}");
    }
    let doubt = if doubt.is_empty() { String::new() } else { format!(" ({doubt})") };
    let known = match (findings.otherwise.as_str(), &findings.well) {
        ("", Some(well)) => format!("{}; nothing of it shows what the alert tells of", well.why),
        ("", None) => "nothing that can be seen is wrong with it".into(),
        (known, _) => known.into(),
    };
    format!("{path}: the cause is not known{doubt}: {known}")
}
