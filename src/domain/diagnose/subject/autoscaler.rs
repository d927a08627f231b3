//! A HorizontalPodAutoscaler: out of replicas to give, or without the figures that it decides by.
//!
//! Values: `autoscaler`, `min_replicas`, `max_replicas`, `current_replicas`, `desired_replicas`, `scales` (path of its
//! target), `metrics_api` (name of the APIService that is missing or down), `container` (that lacks a request), `metric`.

use super::case::Case;
use super::findings::{Examined, Findings, Well, condition, quoted};
use super::handing::{Handed, hand_over};
use super::service::called;
use crate::domain::diagnose::fields::{int, items, moment, text};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::time::seconds_between;
use serde_json::Value;

/// A young autoscaler has no figures yet.
const YOUNG_S: i64 = 120;

/// The examiner of autoscalers.
pub(super) fn examine<'a>(case: &Case<'a>, reader: &mut Reader<'a>) -> Examined {
    let scaled = scaled(case);
    let target = reader.object("missing-scale-target", &scaled);
    let inactive = condition(case.object, "ScalingActive").filter(|found| {
        text(found, &["status"]) == "False" && text(found, &["reason"]) != "ScalingDisabled"
    });
    let api = inactive.map(|found| metrics_api(case.object, text(found, &["message"])));
    let service = api.map(|name| {
        let key = ObjectKey::new("apiregistration.k8s.io/v1", "APIService", "", name);
        (name, reader.object("missing-metrics-api", &key))
    });
    if reader.pending() {
        return Examined::Pending;
    }
    let mut findings = Findings::new(case, Pattern::Generic);
    describe(case, &scaled, &mut findings);
    if matches!(target, Got::Gone) {
        let words = format!("what it scales, {}, does not exist", scaled.path());
        findings.add(
            "scale-target-missing",
            words,
            format!("{}: spec.scaleTargetRef", case.path()),
        );
    }
    let target = target.have();
    disabled(case, &mut findings);
    maximum(case, &mut findings);
    if let Some(found) = inactive {
        without_metrics(case, found, service.as_ref(), &mut findings);
    }
    if findings.has("at-maximum")
        && let Some(object) = target
        && let Some(elsewhere) = behind(case, &scaled, object, &mut findings, reader)
    {
        return elsewhere;
    }
    if let Some(active) = condition(case.object, "ScalingActive")
        && text(active, &["status"]) == "True"
        && !findings.has("at-maximum")
    {
        let since = moment(active, &["lastTransitionTime"]);
        let limited = condition(case.object, "ScalingLimited");
        let since = since.max(limited.and_then(|one| moment(one, &["lastTransitionTime"])));
        let why = "it reads its metrics and has replicas left to give".to_string();
        findings.well = Some(Well { why, since });
    }
    weigh(findings.sealed(reader), target)
}

fn scaled(case: &Case<'_>) -> ObjectKey {
    let of = |field: &str| text(case.object, &["spec", "scaleTargetRef", field]);
    ObjectKey::new(of("apiVersion"), of("kind"), case.namespace(), of("name"))
}

fn describe(case: &Case<'_>, scaled: &ObjectKey, findings: &mut Findings) {
    let figure = |path: &[&str]| int(case.object, path);
    let most = figure(&["spec", "maxReplicas"]).unwrap_or(0);
    let least = figure(&["spec", "minReplicas"]).unwrap_or(1);
    let current = figure(&["status", "currentReplicas"]).unwrap_or(0);
    let desired = figure(&["status", "desiredReplicas"]).unwrap_or(0);
    let words = format!(
        "it keeps {} at {least} to {most} replicas; now {current}, wanted {desired}",
        scaled.path()
    );
    findings.add("autoscaler", words, format!("{}: spec, status", case.path()));
    findings.put("autoscaler", case.name());
    findings.put("scales", scaled.path());
    for (name, figure) in [
        ("min_replicas", least),
        ("max_replicas", most),
        ("current_replicas", current),
        ("desired_replicas", desired),
    ] {
        findings.put(name, figure);
    }
}

fn disabled(case: &Case<'_>, findings: &mut Findings) {
    let Some(active) = condition(case.object, "ScalingActive") else { return };
    if text(active, &["reason"]) == "ScalingDisabled" {
        let words = quoted(text(active, &["message"]), 200);
        let at = moment(active, &["lastTransitionTime"]);
        let source = format!("{}: condition ScalingActive", case.path());
        findings.add_at("scaling-disabled", words, source, at);
        findings.on_purpose =
            Some("what it scales is scaled to zero, and that is how scaling is turned off".into());
    }
}

fn maximum(case: &Case<'_>, findings: &mut Findings) {
    let most = int(case.object, &["spec", "maxReplicas"]);
    let current = int(case.object, &["status", "currentReplicas"]);
    let Some(limited) = condition(case.object, "ScalingLimited") else { return };
    let out =
        text(limited, &["status"]) == "True" && text(limited, &["reason"]) == "TooManyReplicas";
    let source = format!("{}: condition ScalingLimited", case.path());
    if out && most.zip(current).is_some_and(|(most, current)| current >= most) {
        let at = moment(limited, &["lastTransitionTime"]);
        findings.add_at("at-maximum", quoted(text(limited, &["message"]), 160), source, at);
        if int(case.object, &["spec", "minReplicas"]).unwrap_or(1) == most.unwrap_or(0) {
            let words = "its least and its most are the same: it can't scale at all".to_string();
            findings.add("no-range", words, format!("{}: spec", case.path()));
        }
    }
    for words in above(case.object) {
        findings.add("above-target", words, format!("{}: status.currentMetrics", case.path()));
    }
}

/// Metrics that are above what they should be: `cpu at 180 % of its request, target 80 %`.
fn above(object: &Value) -> Vec<String> {
    let current = items(object, &["status", "currentMetrics"]);
    let pairs = items(object, &["spec", "metrics"]).iter().filter_map(|wanted| {
        let name = text(wanted, &["resource", "name"]);
        let now = current.iter().find(|now| {
            text(now, &["type"]) == "Resource" && text(now, &["resource", "name"]) == name
        })?;
        let target = int(wanted, &["resource", "target", "averageUtilization"])?;
        let is = int(now, &["resource", "current", "averageUtilization"])?;
        (is > target).then(|| format!("{name} at {is} % of its request, target {target} %"))
    });
    pairs.collect()
}

/// The APIService that the autoscaler asks, by the kind of its metrics and the words of the failure.
fn metrics_api(object: &Value, message: &str) -> &'static str {
    let kinds = items(object, &["spec", "metrics"]).iter().map(|one| text(one, &["type"]));
    let kinds = kinds.collect::<Vec<_>>();
    if message.contains("external metric") || kinds == ["External"] {
        "v1beta1.external.metrics.k8s.io"
    } else if message.contains("custom metric")
        || kinds.iter().all(|k| matches!(*k, "Pods" | "Object")) && !kinds.is_empty()
    {
        "v1beta1.custom.metrics.k8s.io"
    } else {
        "v1beta1.metrics.k8s.io"
    }
}

fn without_metrics(
    case: &Case<'_>,
    found: &Value,
    service: Option<&(&str, Got<&Value>)>,
    findings: &mut Findings,
) {
    let message = text(found, &["message"]);
    let source = format!("{}: condition ScalingActive", case.path());
    let at = moment(found, &["lastTransitionTime"]);
    let words = format!("{}: {}", text(found, &["reason"]), quoted(message, 240));
    findings.add_at("no-metrics", words, source.clone(), at);
    if let Some(rest) = message.split("missing request for ").nth(1) {
        let metric = rest.split_whitespace().next().unwrap_or_default();
        let container =
            rest.split(" in container ").nth(1).and_then(|it| it.split_whitespace().next());
        let container = container.unwrap_or_default();
        let words = format!(
            "container {container} requests no {metric}, so that there is nothing to compare with"
        );
        findings.add("request-missing", words, source);
        findings.put("metric", metric);
        findings.put("container", container);
        return;
    }
    let Some((name, got)) = service else { return };
    let path = format!("APIService {name}");
    match got {
        Got::Gone => {
            findings.add("metrics-api-missing", format!("{path} is not installed"), path);
            findings.put("metrics_api", *name);
        }
        Got::Have(object) => {
            if let Some(available) = condition(object, "Available")
                && text(available, &["status"]) != "True"
            {
                let words = format!(
                    "{path} is not available: {}",
                    quoted(text(available, &["message"]), 160)
                );
                findings.add("metrics-api-down", words, path);
                findings.put("metrics_api", *name);
            }
        }
        Got::Unreadable(_) | Got::Pending => {}
    }
    let age = moment(case.object, &["metadata", "creationTimestamp"]);
    if age.is_some_and(|made| seconds_between(made, case.now) < YOUNG_S) {
        let words = "it was only just made: its first figures may still come".to_string();
        findings.add("autoscaler-young", words, format!("{}: metadata", case.path()));
    }
}

/// At the maximum, but with pods that are not ready: more of them would not help.
fn behind<'a>(
    case: &Case<'a>,
    scaled: &ObjectKey,
    object: &Value,
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) -> Option<Examined> {
    let ready = int(object, &["status", "readyReplicas"]).unwrap_or(0);
    let has = int(object, &["status", "replicas"]).unwrap_or(0);
    if ready >= has {
        return None;
    }
    let words = format!("only {ready} of {has} pods of {} are ready", called(object));
    findings.add("scale-target-not-ready", words, format!("{}: status", scaled.path()));
    let led = ["at-maximum", "scale-target-not-ready"];
    let facts = findings.facts.iter().filter(|fact| led.contains(&fact.id.as_str()));
    let trail = case.trail.from(&case.reference.key, facts.cloned().collect())?;
    match hand_over(case.alerts, scaled, trail, case.now, reader) {
        Handed::Pending => Some(Examined::Pending),
        Handed::Done(found) if found.cause != Cause::Unknown => Some(Examined::Elsewhere(found)),
        Handed::Done(_) | Handed::Not(_) => None,
    }
}

fn weigh(mut findings: Findings, target: Option<&Value>) -> Examined {
    let maximum = findings
        .weigh(Pattern::Generic, Cause::HpaAtMaximum)
        .speaks_for("at-maximum", 0.65)
        .speaks_for("above-target", if findings.has("at-maximum") { 0.2 } else { 0.0 })
        .speaks_for("no-range", 0.05)
        .speaks_against("no-metrics", 0.4)
        .speaks_against("scale-target-not-ready", 0.15)
        .relies_on(&["missing-scale-target"])
        .done();
    let say = format!(
        "it has no more replicas to give: {}",
        findings.quote(&["above-target", "autoscaler"])
    );
    if findings.has("at-maximum") {
        findings.judge(maximum, say);
    }
    let mut blind = findings
        .weigh(Pattern::Generic, Cause::HpaWithoutMetrics)
        .speaks_for("no-metrics", 0.55)
        .first_for(&[
            ("request-missing", 0.35),
            ("metrics-api-missing", 0.35),
            ("metrics-api-down", 0.35),
        ])
        .speaks_against("autoscaler-young", 0.15)
        .speaks_against("scale-target-missing", 0.3)
        .relies_on(&["missing-metrics-api"])
        .done();
    if findings.has("request-missing") {
        blind.culprit = target.and_then(ObjectRef::of).filter(|one| !one.uid.is_empty());
    }
    let ids = ["request-missing", "metrics-api-missing", "metrics-api-down", "no-metrics"];
    let say = format!("it can't read its metrics: {}", findings.quote(&ids));
    findings.judge(blind, say);
    findings.otherwise =
        findings.quote(&["scale-target-missing", "scaling-disabled", "autoscaler"]);
    findings.done()
}
