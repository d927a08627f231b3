//! Whether its pods have the ports that a Service sends to.
//!
//! A named target port that no container declares reaches nobody. A number need not be declared: then what the pods
//! declare instead, and the port that their own probes ask, tell whether it is meant.

use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::fields::{int, items, text, value};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::Findings;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A port that a container declares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Declared {
    name: String,
    number: i64,
    protocol: String,
}

/// Notes each port of the Service that its pods don't have.
pub(super) fn check(case: &Case<'_>, pods: &[&Pod<'_>], findings: &mut Findings) {
    let Some(pod) = pods.first() else { return };
    let declared = declared(pod.object);
    let probed = probed(pod.object, &declared);
    let path = case.path();
    for port in items(case.object, &["spec", "ports"]) {
        let shown = int(port, &["port"]).unwrap_or(0);
        let protocol = protocol_of(port);
        let target = value(port, &["targetPort"]).cloned().unwrap_or_else(|| json!(shown));
        let source = format!("{path}: spec.ports[{shown}].targetPort; pod {}", pod.name());
        let wrong = if let Some(wanted) = target.as_str() {
            let there = declared.iter().any(|one| one.name == wanted && one.protocol == protocol);
            let words =
                format!("port {shown} goes to the port named {wanted}, and no container has one");
            (!there).then_some(("named-port-missing", words))
        } else {
            let wanted = target.as_i64();
            wanted.and_then(|wanted| number(wanted, protocol, shown, &declared, &probed))
        };
        let Some((id, words)) = wrong else { continue };
        let has = declared.iter().map(said).collect::<Vec<_>>().join(", ");
        let has = if has.is_empty() { "none declared".into() } else { has };
        findings.add(id, format!("{words}; they have {has}"), source.clone());
        findings.put("port", shown);
        findings.put("target_port", target.clone());
        let named = text(port, &["name"]);
        if let Some(same) = declared.iter().find(|one| !named.is_empty() && one.name == named) {
            let words = format!("their own port of that name, {named}, is {}", same.number);
            findings.add("port-same-name", words, source.clone());
        }
        if let Some(fits) = fitting(port, &declared, &probed) {
            let words = format!("targetPort {} would reach them", text_of(&fits));
            findings.add("port-near", words, source);
            findings.put("fitting_port", fits);
        }
    }
}

fn number(
    wanted: i64,
    protocol: &str,
    shown: i64,
    declared: &BTreeSet<Declared>,
    probed: &BTreeSet<i64>,
) -> Option<(&'static str, String)> {
    let same = declared.iter().find(|one| one.number == wanted);
    match same {
        Some(one) if one.protocol == protocol => None,
        Some(one) => {
            let words = format!(
                "port {shown} goes to {wanted}/{protocol}, which they have as {}",
                one.protocol
            );
            Some(("protocol-differs", words))
        }
        // They answer there, though nobody declared it.
        None if probed.contains(&wanted) => None,
        None if !probed.is_empty() => {
            let asked = probed.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
            let words = format!(
                "port {shown} goes to {wanted}; its pods are ready and answer their probes on {asked}"
            );
            Some(("port-not-probed", words))
        }
        None if !declared.is_empty() => Some((
            "port-undeclared",
            format!("port {shown} goes to {wanted}, which no container declares"),
        )),
        None => None,
    }
}

/// Whether a ready pod has a port: a container declares it, or its probes are answered there. `None` where it says
/// nothing about ports at all.
pub(crate) fn has_port(pod: &Value, number: i64, protocol: &str) -> Option<bool> {
    let declared = declared(pod);
    let probed = probed(pod, &declared);
    let has = probed.contains(&number)
        || declared.iter().any(|one| one.number == number && one.protocol == protocol);
    (has || !declared.is_empty() || !probed.is_empty()).then_some(has)
}

/// The protocol of a port of a Service or of a container.
pub(crate) fn protocol_of(port: &Value) -> &str {
    match text(port, &["protocol"]) {
        "" => "TCP",
        protocol => protocol,
    }
}

/// All containers that serve: init containers only where they stay.
fn serving(pod: &Value) -> impl Iterator<Item = &Value> {
    let sidecar = |one: &&Value| text(one, &["restartPolicy"]) == "Always";
    let sidecars = items(pod, &["spec", "initContainers"]).iter().filter(sidecar);
    items(pod, &["spec", "containers"]).iter().chain(sidecars)
}

fn declared(pod: &Value) -> BTreeSet<Declared> {
    serving(pod)
        .flat_map(|container| items(container, &["ports"]))
        .filter_map(|port| {
            Some(Declared {
                name: text(port, &["name"]).into(),
                number: int(port, &["containerPort"])?,
                protocol: protocol_of(port).into(),
            })
        })
        .collect()
}

/// Ports that probes of ready containers ask.
fn probed(pod: &Value, declared: &BTreeSet<Declared>) -> BTreeSet<i64> {
    let ready = |name: &str| {
        ["containerStatuses", "initContainerStatuses"].iter().any(|list| {
            items(pod, &["status", list]).iter().any(|status| {
                text(status, &["name"]) == name
                    && value(status, &["ready"]).and_then(Value::as_bool) == Some(true)
            })
        })
    };
    let asked = |container: &Value| {
        let mut found = Vec::new();
        for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
            for way in ["httpGet", "tcpSocket", "grpc"] {
                let Some(port) = value(container, &[probe, way, "port"]) else { continue };
                let number = port.as_i64().or_else(|| {
                    let named =
                        declared.iter().find(|one| Some(one.name.as_str()) == port.as_str());
                    named.map(|one| one.number)
                });
                found.extend(number);
            }
        }
        found
    };
    serving(pod).filter(|one| ready(text(one, &["name"]))).flat_map(asked).collect()
}

/// The one port that is meant: of the same name as the Service's port, else the only one that is probed, else the only
/// one that is declared, with the same protocol.
fn fitting(port: &Value, declared: &BTreeSet<Declared>, probed: &BTreeSet<i64>) -> Option<Value> {
    let protocol = protocol_of(port);
    let same = declared.iter().filter(|one| one.protocol == protocol).collect::<Vec<_>>();
    let only = |of: Vec<i64>| match of.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let shown = text(port, &["name"]);
    let named = same.iter().filter(|one| !shown.is_empty() && one.name == shown);
    let number = only(named.map(|one| one.number).collect())
        .or_else(|| only(probed.iter().copied().collect()))
        .or_else(|| only(same.iter().map(|one| one.number).collect()))
        .or_else(|| {
            int(port, &["port"]).filter(|shown| same.iter().any(|one| one.number == *shown))
        })?;
    let name = same.iter().find(|one| one.number == number && !one.name.is_empty());
    let by_name = value(port, &["targetPort"]).is_some_and(Value::is_string);
    Some(match name.filter(|_| by_name) {
        Some(one) => json!(one.name),
        None => json!(number),
    })
}

fn said(one: &Declared) -> String {
    let name = if one.name.is_empty() { String::new() } else { format!("{} ", one.name) };
    let protocol = if one.protocol == "TCP" { String::new() } else { format!("/{}", one.protocol) };
    format!("{name}{}{protocol}", one.number)
}

fn text_of(port: &Value) -> String {
    port.as_str().map_or_else(|| port.to_string(), Into::into)
}
