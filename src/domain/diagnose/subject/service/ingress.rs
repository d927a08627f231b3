//! An Ingress: whether the Services that it sends to are there. What is wrong behind one of them is that Service's case.
//!
//! Values: `missing_services`, `missing_secrets` (of TLS).

use crate::domain::diagnose::fields::{items, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::{Examined, Findings};
use crate::domain::diagnose::subject::handing::{Handed, hand_over};
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::resource::ObjectKey;
use serde_json::Value;
use std::collections::BTreeSet;

/// Backends that are looked at.
const MOST: usize = 8;

pub(in crate::domain::diagnose::subject) fn examine<'a>(
    case: &Case<'a>,
    reader: &mut Reader<'a>,
) -> Examined {
    let path = case.path();
    let mut findings = Findings::new(case, Pattern::NetworkIssue);
    let services = backends(case.object);
    let words = match services.len() {
        0 => "it sends to no Service".to_string(),
        count => format!("it sends to {count} Services"),
    };
    findings.add("backends", words, format!("{path}: spec.rules"));
    let mut gone = Vec::new();
    let mut there = Vec::new();
    for service in services.iter().take(MOST) {
        let key = ObjectKey::new("v1", "Service", case.namespace(), service);
        match reader.object("missing-services", &key) {
            Got::Have(_) => there.push(key),
            Got::Gone => gone.push(service.as_str()),
            Got::Unreadable(_) | Got::Pending => {}
        }
    }
    let (mut unlocked, mut locked) = (Vec::new(), Vec::new());
    for tls in items(case.object, &["spec", "tls"]) {
        let secret = text(tls, &["secretName"]);
        let key = ObjectKey::new("v1", "Secret", case.namespace(), secret);
        if secret.is_empty() {
            continue;
        }
        match reader.object("missing-secrets", &key) {
            Got::Have(_) => locked.push(key),
            Got::Gone => unlocked.push(secret),
            Got::Unreadable(_) | Got::Pending => {}
        }
    }
    if reader.pending() {
        return Examined::Pending;
    }
    if !gone.is_empty() {
        let words = format!("Service {} does not exist", gone.join(", "));
        findings.add("backend-missing", words, format!("{path}: spec.rules"));
        findings.put("missing_services", gone);
    }
    if !unlocked.is_empty() {
        let words = format!("Secret {}, its certificate, does not exist", unlocked.join(", "));
        findings.add("certificate-missing", words, format!("{path}: spec.tls"));
        findings.put("missing_secrets", unlocked);
    }
    // Its certificates last: a backend that is down is seen by everybody, also before it expires.
    for key in there.iter().chain(&locked) {
        let facts = findings.facts.iter().filter(|fact| fact.id == "backends").cloned().collect();
        let Some(trail) = case.trail.from(&case.reference.key, facts) else { break };
        match hand_over(case.alerts, key, trail, case.now, reader) {
            Handed::Done(found) if found.cause != Cause::Unknown => {
                return Examined::Elsewhere(found);
            }
            Handed::Done(_) | Handed::Pending => {}
            Handed::Not(why) => findings.add("no-further", why, key.path()),
        }
    }
    if reader.pending() {
        return Examined::Pending;
    }
    findings.otherwise = findings.quote(&["backend-missing", "certificate-missing", "backends"]);
    findings.sealed(reader).done()
}

fn backends(ingress: &Value) -> BTreeSet<String> {
    let rules = items(ingress, &["spec", "rules"]).iter();
    let paths = rules.flat_map(|rule| items(rule, &["http", "paths"]));
    let backends = paths.filter_map(|path| value(path, &["backend"]));
    backends
        .chain(value(ingress, &["spec", "defaultBackend"]))
        .map(|backend| text(backend, &["service", "name"]).to_string())
        .filter(|name| !name.is_empty())
        .collect()
}
