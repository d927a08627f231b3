//! A ResourceQuota: what is used up, and whether anybody was refused because of it.
//!
//! Values: `quota`, `used_up` (resources), `refused` (who was refused), `users` (pods that use most of it, by request).

use super::case::Case;
use super::findings::{Examined, Findings, Well, quoted};
use crate::domain::diagnose::event::Event;
use crate::domain::diagnose::fields::{name, text, value};
use crate::domain::diagnose::node::{requested, spoken_amount};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::quantity::{parse_bytes, parse_milli};
use crate::domain::time::seconds_between;
use serde_json::Value;

/// A refusal is news for this long.
const NEWS_S: i64 = 3_600;
/// Shares from which on a resource counts as used up, and as nearly so.
const FULL: u64 = 100;
const NEARLY: u64 = 90;

/// The examiner of quotas.
pub(super) fn examine<'a>(case: &Case<'a>, reader: &mut Reader<'a>) -> Examined {
    let events = reader.list("missing-events", "v1", "Event", case.namespace(), "");
    let pods = reader.list("missing-pods", "v1", "Pod", case.namespace(), "");
    if reader.pending() {
        return Examined::Pending;
    }
    let mut findings = Findings::new(case, Pattern::Generic);
    findings.put("quota", case.name());
    used(case, &mut findings);
    refused(case, events.have().unwrap_or_default(), &mut findings);
    users(pods.have().unwrap_or_default(), &mut findings);
    if !findings.any(&["quota-used-up", "quota-nearly", "quota-refused"]) {
        let why = "nothing of it is used up, and nobody was refused".to_string();
        findings.well = Some(Well { why, since: None });
    }
    let mut findings = findings.sealed(reader);
    let weighed = findings
        .weigh(Pattern::Generic, Cause::QuotaExceeded)
        .speaks_for("quota-refused", 0.75)
        .first_for(if findings.has("quota-refused") {
            &[("quota-used-up", 0.15), ("quota-nearly", 0.1)]
        } else {
            &[("quota-used-up", 0.45), ("quota-nearly", 0.2)]
        })
        .relies_on(&["missing-events"])
        .done();
    let ids = ["quota-refused", "quota-used-up", "quota-nearly"];
    let say = format!("it refuses more: {}", findings.quote(&ids));
    findings.judge(weighed, say);
    findings.otherwise = findings.quote(&["quota-used-up", "quota-nearly", "quota"]);
    findings.done()
}

/// An amount of a resource, in one unit for both sides.
fn amount(resource: &str, text: &str) -> Option<u64> {
    let plain = resource.rsplit('.').next().unwrap_or(resource);
    let bytes = matches!(plain, "memory" | "storage" | "ephemeral-storage");
    if bytes { parse_bytes(text) } else { parse_milli(text) }
}

fn used(case: &Case<'_>, findings: &mut Findings) {
    let source = format!("{}: status", case.path());
    let hard = value(case.object, &["status", "hard"]).and_then(Value::as_object);
    let mut up = Vec::new();
    let mut all = Vec::new();
    for (resource, most) in hard.into_iter().flatten() {
        let most = most.as_str().unwrap_or_default();
        let used = text(case.object, &["status", "used", resource]);
        let (Some(has), Some(of)) = (amount(resource, used), amount(resource, most)) else {
            continue;
        };
        let words = format!("{resource} {used} of {most}");
        let share = has.saturating_mul(100).checked_div(of).unwrap_or(FULL);
        if share >= FULL {
            findings.add("quota-used-up", format!("{words} is used"), source.clone());
            up.push(resource.clone());
        } else if share >= NEARLY {
            findings.add("quota-nearly", format!("{words} is used ({share} %)"), source.clone());
        }
        all.push(words);
    }
    if !all.is_empty() {
        findings.add("quota", format!("used: {}", all.join(", ")), source);
    }
    findings.put("used_up", up);
}

fn refused(case: &Case<'_>, events: &[Value], findings: &mut Findings) {
    let says = format!("exceeded quota: {},", case.name());
    let of_it = |event: &Event<'_>| {
        event.message().contains(&says)
            && event.last().is_some_and(|at| seconds_between(at, case.now) <= NEWS_S)
    };
    let events = events.iter().map(Event).filter(of_it).collect::<Vec<_>>();
    let Some(newest) = events.iter().max_by_key(|event| event.last()) else { return };
    let who = |event: &Event<'_>| {
        let object = value(event.0, &["involvedObject"])?;
        Some(format!("{} {}", text(object, &["kind"]), text(object, &["name"])))
    };
    let mut all = events.iter().filter_map(who).collect::<Vec<_>>();
    all.sort();
    all.dedup();
    let words = format!("{} was refused: {}", all.join(", "), quoted(newest.message(), 240));
    findings.add_at("quota-refused", words, newest.source(), newest.last());
    findings.put("refused", all);
}

/// Pods that request most memory: where there would be something to save.
fn users(pods: &[Value], findings: &mut Findings) {
    let alive = |pod: &&Value| !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
    let mut all = pods
        .iter()
        .filter(alive)
        .filter_map(|pod| {
            let memory = requested(value(pod, &["spec"])?).get("memory").copied()?;
            Some((memory, name(pod)))
        })
        .collect::<Vec<_>>();
    all.sort_by(|a, b| b.cmp(a));
    let most = all.iter().take(3);
    let most = most.map(|(memory, pod)| format!("{pod} {}", spoken_amount("memory", *memory)));
    let most = most.collect::<Vec<_>>();
    if !most.is_empty() {
        let words = format!("most memory is requested by {}", most.join(", "));
        findings.add("quota-users", words, "pods of its namespace: requests".into());
        findings.put("users", most);
    }
}
