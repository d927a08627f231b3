//! The examiner of Services.
//!
//! Values: `service`, `selector`, `endpoints_ready`, `endpoints`, `selected_pods`; `fitting_selector`, `workload`,
//! `workload_kind` (the one workload that was meant); `port`, `target_port`, `fitting_port`; `policy` (that keeps traffic
//! away).

use super::read::{Surroundings, called};
use super::{listens, policies, policy, ports, selector};
use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::fields::{items, moment, text, value};
use crate::domain::diagnose::keepers::writer_of;
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::{Examined, Findings, Well, ago};
use crate::domain::diagnose::subject::handing::{Handed, hand_over};
use crate::domain::diagnose::workload::some_names;
use crate::domain::diagnosis::{Cause, Diagnosis, Disposition, Pattern};
use crate::domain::evidence::Bearing;
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::time::seconds_between;
use serde_json::Value;

/// A change this fresh is worth a word.
const RECENT_S: i64 = 3_600;

pub(in crate::domain::diagnose::subject) fn examine<'a>(
    case: &Case<'a>,
    reader: &mut Reader<'a>,
) -> Examined {
    let Some(around) = Surroundings::read(case, reader) else { return Examined::Pending };
    let mut findings = Findings::new(case, Pattern::NetworkIssue);
    describe(case, &around, &mut findings);
    if text(case.object, &["spec", "type"]) == "ExternalName" {
        let words =
            format!("it stands for {}, outside", text(case.object, &["spec", "externalName"]));
        findings.add("external-name", words, format!("{}: spec.externalName", case.path()));
        findings.otherwise = findings.quote(&["external-name"]);
        return findings.sealed(reader).done();
    }
    let Some(wanted) = value(case.object, &["spec", "selector"]).filter(|one| !empty(one)) else {
        let words = "it has no selector: its endpoints are kept by somebody else".to_string();
        findings.add("no-selector", words, format!("{}: spec.selector", case.path()));
        findings.otherwise = findings.quote(&["no-selector", "endpoints"]);
        return findings.sealed(reader).done();
    };
    let selected = around.selected(case.object);
    let names = selected.iter().map(|pod| pod.name()).collect::<Vec<_>>();
    findings.put("selected_pods", names.clone());
    if around.pods.is_none() {
        findings.otherwise = findings.quote(&["endpoints"]);
        return findings.sealed(reader).done();
    }
    if selected.is_empty() {
        let makers = around.makers(wanted);
        let Some(maker) = makers.first() else {
            changed(case, "selector", &mut findings);
            selector::mismatch(case, &around, &mut findings);
            return weigh(findings.sealed(reader));
        };
        let words = format!("{} makes the pods that it selects, and there is none", called(maker));
        findings.add("no-pods", words, format!("{}: spec.selector", case.path()));
        return not_ready(case, maker, findings, reader);
    }
    let ready = selected.iter().filter(|pod| pod.ready()).copied().collect::<Vec<_>>();
    if ready.is_empty() {
        let words = format!(
            "none of the {} pods that it selects is ready: {}",
            names.len(),
            some_names(&names)
        );
        findings.add("none-ready", words, format!("{}: spec.selector", case.path()));
        return not_ready(case, selected[0].object, findings, reader);
    }
    ports::check(case, &ready, &mut findings);
    if listens::note(case, &ready, &mut findings, reader).is_none() {
        return Examined::Pending;
    }
    if findings.has("port-near") {
        changed(case, "ports", &mut findings);
    }
    let words = format!("{} of {} pods that it selects are ready", ready.len(), names.len());
    findings.add("some-ready", words, "pods of its namespace".into());
    if traffic(case, &around, &ready, &mut findings, reader).is_none() {
        return Examined::Pending;
    }
    let since =
        ready.iter().filter_map(|pod| moment(pod.condition("Ready")?, &["lastTransitionTime"]));
    let why = findings.quote(&["some-ready"]);
    findings.well = Some(Well { why, since: since.min() });
    weigh(findings.sealed(reader))
}

fn empty(selector: &Value) -> bool {
    selector.as_object().is_none_or(serde_json::Map::is_empty)
}

fn describe(case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    findings.put("service", case.name());
    if let Some(selector) = value(case.object, &["spec", "selector"]) {
        findings.put("selector", selector.clone());
    }
    if let Some((ready, all)) = around.addresses {
        let words = match (ready, all) {
            (_, 0) => "it has no endpoints".to_string(),
            (ready, all) => format!("{ready} of {all} endpoints are ready"),
        };
        let source = format!("EndpointSlices of {}", case.path());
        findings.add("endpoints", words, source);
        findings.put("endpoints_ready", ready);
        findings.put("endpoints", all);
    }
}

/// Who changed a field of the spec lately.
fn changed(case: &Case<'_>, field: &str, findings: &mut Findings) {
    let Some(writer) = writer_of(case.object, field) else { return };
    let fresh = writer.at.is_some_and(|at| seconds_between(at, case.now) <= RECENT_S);
    if fresh {
        let words =
            format!("its {field} was written {} by {}", ago(writer.at, case.now), writer.manager);
        findings.add_at(
            &format!("{field}-changed"),
            words,
            format!("{}: {}", case.path(), writer.source),
            writer.at,
        );
    }
}

/// Policies that keep traffic from its pods. `None` while reads are due.
fn traffic<'a>(
    case: &Case<'a>,
    around: &Surroundings<'a>,
    ready: &[&Pod<'a>],
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) -> Option<()> {
    let (Some(all), Some(pod)) = (&around.policies, ready.first()) else { return Some(()) };
    let selecting = policies::ingress_policies(all, pod.object);
    if selecting.is_empty() {
        return Some(());
    }
    let ports = items(case.object, &["spec", "ports"]);
    let ports = ports.iter().filter_map(|port| resolved(port, pod.object)).collect::<Vec<_>>();
    let pods = around.pods.as_deref().unwrap_or_default();
    policy::note(case, &selecting, &ports, pods, findings, reader)
}

/// Number and name of the pod's port that a port of the Service goes to.
fn resolved(port: &Value, pod: &Value) -> Option<(i64, String)> {
    let declared =
        items(pod, &["spec", "containers"]).iter().flat_map(|one| items(one, &["ports"]));
    let target = value(port, &["targetPort"]).or_else(|| value(port, &["port"]))?;
    let mut declared = declared.filter_map(|one| {
        Some((value(one, &["containerPort"])?.as_i64()?, text(one, &["name"]).to_string()))
    });
    match (target.as_i64(), target.as_str()) {
        (Some(number), _) => {
            Some(declared.find(|(one, _)| *one == number).unwrap_or((number, String::new())))
        }
        (None, Some(wanted)) => declared.find(|(_, name)| name == wanted),
        (None, None) => None,
    }
}

/// Nobody is ready: what makes its pods is the culprit, and says why.
fn not_ready<'a>(
    case: &Case<'a>,
    maker: &Value,
    mut findings: Findings,
    reader: &mut Reader<'a>,
) -> Examined {
    let Some(maker) = ObjectRef::of(maker) else { return weigh(findings.sealed(reader)) };
    let led = ["no-pods", "none-ready", "endpoints"];
    let facts = findings.facts.iter().filter(|fact| led.contains(&fact.id.as_str())).cloned();
    let Some(trail) = case.trail.from(&case.reference.key, facts.collect()) else {
        return endpoints(case, findings, Some(maker), reader);
    };
    match hand_over(case.alerts, &maker.key, trail, case.now, reader) {
        Handed::Pending => Examined::Pending,
        Handed::Done(found) if explains(&found) => Examined::Elsewhere(found),
        Handed::Done(found) => {
            let culprit = found.target.clone();
            for mut fact in found.evidence {
                if findings.facts.iter().all(|one| one.id != fact.id) {
                    if fact.bearing != Bearing::Missing {
                        fact.bearing = Bearing::Context;
                    }
                    findings.facts.push(fact);
                }
            }
            for (name, value) in found.values {
                findings.values.entry(name).or_insert(value);
            }
            endpoints(case, findings, culprit, reader)
        }
        Handed::Not(why) => {
            findings.add("no-further", why, maker.key.path());
            endpoints(case, findings, Some(maker), reader)
        }
    }
}

/// Whether the culprit's own diagnosis says why nobody is ready.
fn explains(found: &Diagnosis) -> bool {
    match found.disposition {
        Disposition::Remediate => found.cause != Cause::Unknown,
        Disposition::OnPurpose => true,
        Disposition::Recovered | Disposition::TargetGone | Disposition::Heartbeat => false,
    }
}

fn endpoints(
    case: &Case<'_>,
    findings: Findings,
    culprit: Option<ObjectRef>,
    reader: &Reader<'_>,
) -> Examined {
    let mut findings = sealed_once(findings, reader);
    let dns = is_dns(&case.reference.key, case.object);
    let cause = if dns { Cause::DnsFailing } else { Cause::EndpointsNotReady };
    let mut weighed = findings
        .weigh(Pattern::NetworkIssue, cause)
        .first_for(&[("none-ready", 0.7), ("no-pods", 0.7)])
        .speaks_for("endpoints", 0.1)
        .relies_on(&["missing-pods"])
        .done();
    weighed.culprit = culprit;
    let nobody = findings.quote(&["none-ready", "no-pods"]);
    let say = if dns { format!("names are not resolved: {nobody}") } else { nobody };
    findings.judge(weighed, say);
    findings.done()
}

/// Adds what could not be read, where the culprit's evidence did not bring it.
fn sealed_once(mut findings: Findings, reader: &Reader<'_>) -> Findings {
    for fact in reader.missing() {
        if findings.facts.iter().all(|one| one.id != fact.id) {
            findings.facts.push(fact.clone());
        }
    }
    findings
}

/// The cluster's name service, by the label that every distribution gives it.
fn is_dns(key: &ObjectKey, service: &Value) -> bool {
    key.namespace == "kube-system"
        && (text(service, &["metadata", "labels", "k8s-app"]) == "kube-dns"
            || key.name == "kube-dns")
}

fn weigh(mut findings: Findings) -> Examined {
    let selector = findings
        .weigh(Pattern::NetworkIssue, Cause::SelectorMismatch)
        .speaks_for("selects-nothing", 0.5)
        .first_for(&[("workload-near", 0.35), ("several-near", 0.15), ("label-lacking", 0.2)])
        .speaks_for("selector-changed", 0.05)
        .speaks_against("nobody-near", 0.1)
        .relies_on(&["missing-workloads"])
        .done();
    let say = format!(
        "it sends to nobody: {}",
        findings.quote(&["selects-nothing", "workload-near", "several-near", "label-lacking"])
    );
    findings.judge(selector, say);
    let port = findings
        .weigh(Pattern::NetworkIssue, Cause::PortMismatch)
        .first_for(&[
            ("named-port-missing", 0.8),
            ("protocol-differs", 0.7),
            ("port-not-probed", 0.65),
            ("port-not-listened", 0.55),
            ("port-undeclared", 0.5),
        ])
        .speaks_for("port-near", 0.1)
        .speaks_for("port-same-name", 0.15)
        .speaks_for("ports-changed", 0.05)
        .done();
    let say = format!(
        "it sends to a port that its pods don't have: {}",
        findings.quote(&[
            "named-port-missing",
            "protocol-differs",
            "port-not-probed",
            "port-not-listened",
            "port-undeclared",
            "port-near"
        ])
    );
    findings.judge(port, say);
    policy::judge(&mut findings);
    findings.otherwise = findings.quote(&[
        "some-ready",
        "port-not-known",
        "selects-nothing",
        "nobody-near",
        "endpoints",
    ]);
    findings.done()
}
