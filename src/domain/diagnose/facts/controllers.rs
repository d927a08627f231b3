//! What Jobs, autoscalers and controllers say, and what was changed lately.

use super::gather::{Facts, HOUR_S};
use super::status::quoted;
use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::cpu::{AT_LIMIT, THROTTLED};
use crate::domain::diagnose::fields::{int, items, moment, name, text};
use crate::domain::diagnose::keepers::recent_writers;
use crate::domain::diagnose::picture::Picture;
use crate::domain::quantity::{format_milli, parse_milli};
use crate::domain::time::{Timestamp, seconds_between, spoken};
use serde_json::Value;

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    items(object, &["status", "conditions"]).iter().find(|one| text(one, &["type"]) == kind)
}

fn holds(condition: &Value) -> bool {
    text(condition, &["status"]) == "True"
}

fn text_of<'a>(condition: &'a Value, field: &str) -> &'a str {
    text(condition, &[field])
}

pub(super) fn job(picture: &Picture<'_>, out: &mut Facts) {
    let Some((reference, job)) = picture.job() else { return };
    let path = reference.key.path();
    let count = |field: &str| int(job, &["status", field]).unwrap_or(0);
    let text = format!(
        "{}: {} pods succeeded, {} failed, {} run; at most {} retries",
        reference.key.short_path(),
        count("succeeded"),
        count("failed"),
        count("active"),
        int(job, &["spec", "backoffLimit"]).unwrap_or(6)
    );
    out.add("job", text, format!("{path}: status"));
    if let Some(failed) = condition(job, "Failed").filter(|one| holds(one)) {
        let words =
            format!("{}: {}", text_of(failed, "reason"), quoted(text_of(failed, "message"), 160));
        let at = moment(failed, &["lastTransitionTime"]);
        out.add_at("job-failed", words, format!("{path}: condition Failed"), at);
    }
    if let Some(complete) = condition(job, "Complete").filter(|one| holds(one)) {
        let at = moment(complete, &["lastTransitionTime"]);
        let words = format!("{} is complete", reference.key.short_path());
        out.add_at("job-complete", words, format!("{path}: condition Complete"), at);
    }
    let later = picture.workload.jobs.iter().find(|one| {
        condition(one, "Complete").is_some_and(holds)
            && moment(one, &["metadata", "creationTimestamp"])
                > moment(job, &["metadata", "creationTimestamp"])
    });
    if let Some(later) = later {
        let at = moment(later, &["status", "completionTime"]);
        let words = format!("Job {}, which came later, succeeded", name(later));
        out.add_at("later-job-succeeded", words, format!("Job {}: status", name(later)), at);
    }
}

/// What the autoscalers of the workload say of themselves.
pub(super) fn autoscalers(picture: &Picture<'_>, out: &mut Facts) {
    for autoscaler in &picture.autoscalers {
        let source = format!("HorizontalPodAutoscaler {}: conditions", name(autoscaler));
        let says = |kind: &str, status: &str| {
            condition(autoscaler, kind).filter(|one| text(one, &["status"]) == status)
        };
        if let Some(inactive) = says("ScalingActive", "False")
            && text_of(inactive, "reason") != "ScalingDisabled"
        {
            let words = format!(
                "{}: {}",
                text_of(inactive, "reason"),
                quoted(text_of(inactive, "message"), 200)
            );
            out.join("autoscaler-blind", words, source.clone());
        }
        let most = int(autoscaler, &["spec", "maxReplicas"]).unwrap_or(i64::MAX);
        let wanted = int(autoscaler, &["status", "desiredReplicas"]).unwrap_or(0);
        let limited = says("ScalingLimited", "True")
            .is_some_and(|one| text_of(one, "reason") == "TooManyReplicas");
        if limited && wanted >= most {
            let words =
                format!("autoscaler {} would go beyond its {most} replicas", name(autoscaler));
            out.join("autoscaler-at-maximum", words, source);
        }
    }
}

/// A limit below this many thousandths of a CPU holds any program back: the kernel's own floor is 10.
const TINY_MILLI: u64 = 10;

pub(super) fn cpu(picture: &Picture<'_>, out: &mut Facts) {
    tiny(picture, out);
    let Some(cpu) = &picture.cpu else { return };
    let limit = format_milli(cpu.limit_milli);
    if let Some(share) = cpu.throttled {
        let source = "Prometheus: container_cpu_cfs_throttled_periods_total".to_string();
        let text = format!(
            "held back by its CPU limit of {limit} in {:.0} % of its periods",
            share * 100.0
        );
        let id = if share >= THROTTLED { "cpu-throttled" } else { "cpu-free" };
        out.add(id, text, source);
    }
    if let Some(used) = cpu.used {
        // Limits are far below 2^52 thousandths.
        #[allow(clippy::cast_precision_loss)]
        let share = used * 1_000.0 / (cpu.limit_milli as f64).max(1.0);
        let source = "Prometheus: container_cpu_usage_seconds_total".to_string();
        let text = format!("uses {used:.2} CPUs of {limit} ({:.0} %)", share * 100.0);
        let id = if share >= AT_LIMIT { "cpu-at-limit" } else { "cpu" };
        out.add(id, text, source);
    }
}

/// A CPU limit that was written without its unit, or with one too many, of a container that does not get ready.
fn tiny(picture: &Picture<'_>, out: &mut Facts) {
    let Some(focus) = &picture.focus else { return };
    let limit = focus.container.resource("limits", "cpu").and_then(parse_milli);
    let Some(limit) = limit.filter(|limit| *limit < TINY_MILLI) else { return };
    if focus.trouble.is_none() && focus.container.ready {
        return;
    }
    let (name, limit) = (focus.container.name, format_milli(limit));
    let text = format!(
        "its CPU limit is {limit}, a hundredth of one CPU or less: no program gets on with that"
    );
    out.add("cpu-limit-tiny", text, format!("spec.containers[{name}].resources.limits.cpu"));
}

/// A rollout that does not get on, but for what its pods say.
pub(super) fn rollout(picture: &Picture<'_>, out: &mut Facts) {
    let workload = &picture.workload;
    let path = workload.reference.key.path();
    waits(picture, out);
    if workload.kind() != "StatefulSet" {
        return;
    }
    let newest = text(workload.object, &["status", "updateRevision"]);
    let ordered = text(workload.object, &["spec", "podManagementPolicy"]) != "Parallel";
    let rolling = text(workload.object, &["spec", "updateStrategy", "type"]) != "OnDelete";
    let behind = picture.pods_in_trouble().into_iter().find(|pod| of_earlier(pod, newest));
    let kept = int(workload.object, &["spec", "updateStrategy", "rollingUpdate", "partition"]);
    if let Some(pod) = behind.filter(|_| ordered && rolling && kept.unwrap_or(0) == 0) {
        let stale = broken_and_earlier(picture);
        let (pods, it) = match stale.as_slice() {
            [_, _, ..] => (format!("pods {} fail and are", stale.join(", ")), "them"),
            _ => (format!("pod {} fails and is", pod.name()), "it"),
        };
        let words = format!(
            "{pods} of an earlier revision: the StatefulSet waits for {it} before it replaces any"
        );
        out.add("broken-pod-holds-rollout", words, format!("{path}: status.updateRevision"));
    }
}

fn of_earlier(pod: &Pod<'_>, newest: &str) -> bool {
    let hash = text(pod.object, &["metadata", "labels", "controller-revision-hash"]);
    !hash.is_empty() && hash != newest
}

/// Pods of a StatefulSet that fail and are of an earlier revision, in the order in which it makes them: it waits for
/// each of them.
pub(crate) fn broken_and_earlier(picture: &Picture<'_>) -> Vec<String> {
    let workload = &picture.workload;
    if workload.kind() != "StatefulSet" {
        return Vec::new();
    }
    let newest = text(workload.object, &["status", "updateRevision"]);
    let fails = |pod: &&Pod<'_>| !pod.ready() || pod.troubled(picture.now).next().is_some();
    let pods = workload.pods.iter().filter(fails).filter(|pod| of_earlier(pod, newest));
    let mut names = pods.map(|pod| pod.name().to_string()).collect::<Vec<_>>();
    names.sort_by_key(|name| {
        let ordinal = name.rsplit('-').next().unwrap_or_default();
        (ordinal.parse::<u64>().unwrap_or(u64::MAX), name.clone())
    });
    names
}

/// An update that a person's own settings hold: pods of the earlier revision stay until somebody acts.
fn waits(picture: &Picture<'_>, out: &mut Facts) {
    let object = picture.workload.object;
    let count = |field: &str| int(object, &["status", field]).unwrap_or(0);
    let wanted = picture.workload.desired();
    let revision = |field: &str| text(object, &["status", field]);
    let (updated, differs) = match picture.workload.kind() {
        "StatefulSet" => {
            (count("updatedReplicas"), revision("updateRevision") != revision("currentRevision"))
        }
        "DaemonSet" => (count("updatedNumberScheduled"), true),
        _ => return,
    };
    if !differs || updated >= wanted {
        return;
    }
    let kept = int(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0);
    let why = if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        "it updates OnDelete, so that each pod stays until somebody deletes it".to_string()
    } else if kept > 0 {
        format!("partition {kept} keeps the pods below it as they are")
    } else {
        return;
    };
    let words = format!("{updated} of {wanted} pods are of the newest revision: {why}");
    let path = picture.workload.reference.key.path();
    out.add("update-waits", words, format!("{path}: spec.updateStrategy"));
}

/// A write this soon after an object was made belongs to its making.
const MAKING_S: i64 = 5;

/// What was changed in the workload within the last hour, and by whom.
pub(super) fn changes(picture: &Picture<'_>, out: &mut Facts) {
    let object = picture.workload.object;
    let made = moment(object, &["metadata", "creationTimestamp"]);
    let recent = |at: &Timestamp| (0..=HOUR_S).contains(&seconds_between(*at, picture.now));
    let mut words = Vec::new();
    let mut newest = None;
    for (writer, fields) in recent_writers(object) {
        let Some(at) = writer.at.filter(recent) else { continue };
        let ago = spoken(seconds_between(at, picture.now));
        newest = newest.max(Some(at));
        if made.is_some_and(|made| seconds_between(made, at) <= MAKING_S) {
            words.push(format!("{} made it {ago} ago", writer.manager));
        } else {
            words.push(format!("{} wrote {} {ago} ago", writer.manager, fields.join(", ")));
        }
    }
    if !words.is_empty() {
        let path = picture.workload.reference.key.path();
        let source = format!("{path}: metadata.managedFields");
        out.add_at("changed-recently", words.join("; "), source, newest);
    }
}
