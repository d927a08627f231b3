//! An admission webhook's configuration: one whose Service does not answer refuses everything that it is asked about.
//!
//! Values: `webhooks` (that block), `webhook_service`, `failure_policy`.

use super::case::Case;
use super::findings::{Examined, Findings};
use super::handing::{Handed, hand_over};
use crate::domain::diagnose::fields::{items, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::resource::ObjectKey;
use serde_json::Value;

/// Webhooks of one configuration that are looked at.
const MOST: usize = 8;

/// The examiner of validating and mutating webhook configurations.
pub(super) fn examine<'a>(case: &Case<'a>, reader: &mut Reader<'a>) -> Examined {
    let path = case.path();
    let mut findings = Findings::new(case, Pattern::Generic);
    let mut blocking = Vec::new();
    let mut first = None;
    for webhook in items(case.object, &["webhooks"]).iter().take(MOST) {
        let Some(service) = value(webhook, &["clientConfig", "service"]) else { continue };
        let (place, name) = (text(service, &["namespace"]), text(service, &["name"]));
        let key = ObjectKey::new("v1", "Service", place, name);
        let labels = format!("kubernetes.io/service-name={name}");
        let there = reader.object("missing-services", &key);
        let slices = reader.list(
            "missing-endpoints",
            "discovery.k8s.io/v1",
            "EndpointSlice",
            place,
            &labels,
        );
        let silent = match (&there, &slices) {
            (Got::Gone, _) => Some("does not exist"),
            (Got::Have(_), Got::Have(slices)) if !anybody(slices) => Some("has no ready endpoint"),
            (_, _) => None,
        };
        let Some(why) = silent else { continue };
        // Without a word it is Fail.
        let fails = text(webhook, &["failurePolicy"]) != "Ignore";
        let hook = text(webhook, &["name"]);
        let words = format!("webhook {hook} asks Service {place}/{name}, which {why}");
        let source = format!("{path}: webhooks[{hook}]");
        if fails {
            findings.add("webhook-silent", words, source.clone());
            let words = "what it can't ask about is refused (failurePolicy Fail)".to_string();
            if blocking.is_empty() {
                findings.add("webhook-blocks", words, source);
                findings.put("webhook_service", format!("{place}/{name}"));
            }
            blocking.push(hook.to_string());
            first = first.or_else(|| matches!(there, Got::Have(_)).then_some(key));
        } else {
            findings.add("webhook-ignored", format!("{words}; its failures are ignored"), source);
        }
    }
    if reader.pending() {
        return Examined::Pending;
    }
    findings.put("webhooks", blocking);
    // Why nobody answers is the Service's case, where that says more.
    if let Some(key) = first {
        let led = ["webhook-silent", "webhook-blocks"];
        let facts = findings.facts.iter().filter(|fact| led.contains(&fact.id.as_str()));
        let trail = case.trail.from(&case.reference.key, facts.cloned().collect());
        match trail.map(|trail| hand_over(case.alerts, &key, trail, case.now, reader)) {
            Some(Handed::Done(found)) if found.cause != Cause::Unknown => {
                return Examined::Elsewhere(found);
            }
            Some(Handed::Pending) => return Examined::Pending,
            Some(Handed::Done(_) | Handed::Not(_)) | None => {}
        }
    }
    let mut findings = findings.sealed(reader);
    let weighed = findings
        .weigh(Pattern::Generic, Cause::AdmissionDenied)
        .speaks_for("webhook-silent", 0.5)
        .speaks_for("webhook-blocks", 0.3)
        .relies_on(&["missing-services", "missing-endpoints"])
        .done();
    let say = findings.quote(&["webhook-silent", "webhook-blocks"]);
    findings.judge(weighed, say);
    findings.otherwise = findings.quote(&["webhook-ignored"]);
    findings.done()
}

fn anybody(slices: &[Value]) -> bool {
    let mut endpoints = slices.iter().flat_map(|slice| items(slice, &["endpoints"]));
    endpoints.any(|endpoint| {
        value(endpoint, &["conditions", "ready"]).and_then(Value::as_bool).unwrap_or(true)
    })
}
