//! A PodDisruptionBudget that lets nobody go: because it never can, or because its pods are not well.
//!
//! Values: `budget`, `min_available`, `max_unavailable` (as written), `expected_pods`, `current_healthy`,
//! `desired_healthy`, `disruptions_allowed`, `drain_waits` (a cordoned node still has pods of it), `drain_nodes`,
//! `fitting_min_available` or `fitting_max_unavailable` (would let one pod go).

use super::case::Case;
use super::findings::{Examined, Findings, Well, condition, quoted};
use super::handing::{Handed, hand_over};
use super::labels::matches;
use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::fields::{controller, flag, int, moment, name, text, uid, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::workload::some_names;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::resource::ObjectKey;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The examiner of disruption budgets.
pub(super) fn examine<'a>(case: &Case<'a>, reader: &mut Reader<'a>) -> Examined {
    let namespace = case.namespace();
    let pods = reader.list("missing-pods", "v1", "Pod", namespace, "");
    let budgets = reader.list("missing-budgets", "policy/v1", "PodDisruptionBudget", namespace, "");
    let nodes = reader.list("missing-nodes", "v1", "Node", "", "");
    let sets = reader.list("missing-controllers", "apps/v1", "ReplicaSet", namespace, "");
    if reader.pending() {
        return Examined::Pending;
    }
    let mut findings = Findings::new(case, Pattern::Generic);
    let selector = value(case.object, &["spec", "selector"]);
    let alive = |pod: &&Value| !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
    let known = matches!(pods, Got::Have(_));
    let pods = pods.have().unwrap_or_default().iter().filter(alive);
    let pods = pods.filter(|pod| selector.is_some_and(|one| matches(one, pod))).map(Pod::of);
    let pods = pods.collect::<Vec<_>>();
    describe(case, &mut findings);
    never(case, &mut findings);
    if known && pods.is_empty() {
        let words = "it selects no pod".to_string();
        findings.add("selects-nobody", words, format!("{}: spec.selector", case.path()));
    }
    controllers(case, &pods, sets.have().unwrap_or_default(), &mut findings);
    overlaps(case, &pods, budgets.have().unwrap_or_default(), &mut findings);
    drains(&pods, nodes.have().unwrap_or_default(), &mut findings);
    if !findings.any(&["never-allows", "budgets-overlap"])
        && let Some(elsewhere) = unwell(case, &pods, &mut findings, reader)
    {
        return elsewhere;
    }
    if int(case.object, &["status", "disruptionsAllowed"]).unwrap_or(0) > 0 {
        let found = condition(case.object, "DisruptionAllowed");
        let since = found.and_then(|one| moment(one, &["lastTransitionTime"]));
        findings.well = Some(Well { why: "it lets pods go".into(), since });
    }
    weigh(findings.sealed(reader))
}

fn describe(case: &Case<'_>, findings: &mut Findings) {
    let status = |field: &str| int(case.object, &["status", field]).unwrap_or(0);
    let (healthy, wanted) = (status("currentHealthy"), status("desiredHealthy"));
    let (allowed, pods) = (status("disruptionsAllowed"), status("expectedPods"));
    let words =
        format!("{healthy} of {pods} pods are healthy, {wanted} have to be; {allowed} may go");
    findings.add("budget", words, format!("{}: status", case.path()));
    findings.put("budget", case.name());
    for (name, figure) in [
        ("expected_pods", pods),
        ("current_healthy", healthy),
        ("desired_healthy", wanted),
        ("disruptions_allowed", allowed),
    ] {
        findings.put(name, figure);
    }
    for (name, field) in [("min_available", "minAvailable"), ("max_unavailable", "maxUnavailable")]
    {
        if let Some(written) = value(case.object, &["spec", field]) {
            findings.put(name, written.clone());
        }
    }
    if let Some(found) = condition(case.object, "DisruptionAllowed")
        && text(found, &["reason"]) == "SyncFailed"
    {
        let words =
            format!("its controller can't count: {}", quoted(text(found, &["message"]), 200));
        findings.add("sync-failed", words, format!("{}: condition DisruptionAllowed", case.path()));
    }
}

/// Whether it could ever let a pod go, were all pods well.
fn never(case: &Case<'_>, findings: &mut Findings) {
    let pods = int(case.object, &["status", "expectedPods"]).unwrap_or(0);
    if pods == 0 {
        return;
    }
    let percent = |text: &str| text.trim_end_matches('%').parse::<i64>().ok();
    let path = case.path();
    if let Some(most) = value(case.object, &["spec", "maxUnavailable"]) {
        let none = most.as_i64() == Some(0) || most.as_str().and_then(percent) == Some(0);
        if none {
            let words = "maxUnavailable is 0: it never lets a pod go".to_string();
            findings.add("never-allows", words, format!("{path}: spec.maxUnavailable"));
            findings.put("fitting_max_unavailable", 1);
        }
    }
    if let Some(least) = value(case.object, &["spec", "minAvailable"]) {
        let wanted = match (least.as_i64(), least.as_str().and_then(percent)) {
            (Some(count), _) => count,
            // A share is rounded up.
            (None, Some(share)) => (share * pods + 99) / 100,
            (None, None) => 0,
        };
        if wanted >= pods {
            let written = least.as_str().map_or_else(|| least.to_string(), Into::into);
            let words = format!(
                "minAvailable is {written}, and there are {pods} pods: it never lets one go"
            );
            findings.add("never-allows", words, format!("{path}: spec.minAvailable"));
            findings.put("fitting_min_available", json!(pods - 1));
        }
    }
}

fn controllers(case: &Case<'_>, pods: &[Pod<'_>], sets: &[Value], findings: &mut Findings) {
    // The ReplicaSets of one Deployment are one controller.
    let top = |pod: &Pod<'_>| {
        let owner = controller(pod.object)?;
        let set = sets.iter().find(|set| uid(set) == owner.uid);
        Some(set.and_then(controller).unwrap_or(owner).key.path())
    };
    let owners = pods.iter().map(top);
    let owners = owners.collect::<BTreeSet<_>>();
    let named = owners.iter().flatten().map(String::as_str).collect::<Vec<_>>();
    if owners.len() > 1 {
        let words = format!("it selects pods of several controllers: {}", some_names(&named));
        findings.add("several-controllers", words, format!("{}: spec.selector", case.path()));
    }
    findings.put("owners", named);
}

/// Pods under two budgets can't be evicted at all.
fn overlaps(case: &Case<'_>, pods: &[Pod<'_>], budgets: &[Value], findings: &mut Findings) {
    let other = budgets.iter().filter(|one| name(one) != case.name()).find(|one| {
        value(one, &["spec", "selector"])
            .is_some_and(|selector| pods.iter().any(|pod| matches(selector, pod.object)))
    });
    if let Some(other) = other {
        let words = format!(
            "budget {} selects its pods too: pods under two can't be evicted at all",
            name(other)
        );
        findings.add("budgets-overlap", words, format!("{}: spec.selector", case.path()));
    }
}

fn drains(pods: &[Pod<'_>], nodes: &[Value], findings: &mut Findings) {
    let cordoned = nodes.iter().filter(|node| flag(node, &["spec", "unschedulable"])).map(name);
    let cordoned = cordoned.collect::<BTreeSet<_>>();
    let waiting = pods.iter().map(|pod| text(pod.object, &["spec", "nodeName"]));
    let waiting = waiting.filter(|node| cordoned.contains(node)).collect::<BTreeSet<_>>();
    findings.put("drain_waits", !waiting.is_empty());
    if !waiting.is_empty() {
        let names = waiting.into_iter().collect::<Vec<_>>();
        let words = format!("pods of it are on cordoned nodes: {}", some_names(&names));
        findings.add("drain-waits", words, "pods: spec.nodeName; nodes: spec.unschedulable".into());
        findings.put("drain_nodes", names);
    }
}

/// Too few of its pods are well: what makes them is the culprit.
fn unwell<'a>(
    case: &Case<'a>,
    pods: &[Pod<'a>],
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) -> Option<Examined> {
    let status = |field: &str| int(case.object, &["status", field]).unwrap_or(0);
    let pod = pods.iter().find(|pod| !pod.ready())?;
    if status("currentHealthy") > status("desiredHealthy") {
        return None;
    }
    let words = format!("pod {} is not ready, and holds it", pod.name());
    findings.add("unhealthy-pods", words, format!("{}: status", case.path()));
    let key = ObjectKey::new("v1", "Pod", case.namespace(), pod.name());
    let led = ["unhealthy-pods", "budget", "drain-waits"];
    let facts = findings.facts.iter().filter(|fact| led.contains(&fact.id.as_str()));
    let trail = case.trail.from(&case.reference.key, facts.cloned().collect())?;
    match hand_over(case.alerts, &key, trail, case.now, reader) {
        Handed::Pending => Some(Examined::Pending),
        // Its pods' owner is to blame, known cause or not.
        Handed::Done(found) => Some(Examined::Elsewhere(found)),
        Handed::Not(why) => {
            findings.add("no-further", why, key.path());
            None
        }
    }
}

fn weigh(mut findings: Findings) -> Examined {
    let weighed = findings
        .weigh(Pattern::Generic, Cause::BudgetNeverMet)
        .first_for(&[("never-allows", 0.75), ("budgets-overlap", 0.75), ("sync-failed", 0.55)])
        .speaks_for(
            "drain-waits",
            if findings.any(&["never-allows", "budgets-overlap"]) { 0.1 } else { 0.0 },
        )
        .speaks_for("several-controllers", if findings.has("sync-failed") { 0.15 } else { 0.0 })
        .relies_on(&["missing-pods", "missing-budgets"])
        .done();
    let ids = ["never-allows", "budgets-overlap", "sync-failed"];
    let say = format!("it can never let a pod go: {}", findings.quote(&ids));
    if findings.any(&ids) {
        findings.judge(weighed, say);
    }
    let known = ["unhealthy-pods", "selects-nobody", "several-controllers", "budget"];
    findings.otherwise = findings.quote(&known);
    findings.done()
}
