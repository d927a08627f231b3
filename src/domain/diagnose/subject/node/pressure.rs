//! Pressure on a node: of what, who uses more than it asked for, and what nobody uses any more.

use super::examine::Surroundings;
use crate::domain::diagnose::fields::{controller, items, moment, name, namespace, text, value};
use crate::domain::diagnose::node::{allocatable, requested};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::{Findings, condition, quoted};
use crate::domain::diagnose::workload::some_names;
use crate::domain::evidence::{Read, Series};
use crate::domain::quantity::spoken_bytes;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const KINDS: [(&str, &str); 3] = [
    ("MemoryPressure", "memory-pressure"),
    ("DiskPressure", "disk-pressure"),
    ("PIDPressure", "pid-pressure"),
];
/// Pods whose usage is asked for in one query.
const MEASURED: usize = 60;
/// Pods that are over, from which on they count.
const LEFTOVERS: usize = 5;
/// What of a node's disk unused images have to take to count.
const IMAGES_SHARE: f64 = 0.1;
/// From this share of its pods on, in percent, a node is crowded (as the usual alert has it).
const CROWDED: u64 = 95;
/// A disk or a memory with less than this is low.
const LOW: f64 = 0.1;

/// Notes pressure and who is behind it. `None` while reads are due.
pub(super) fn note<'a>(
    case: &Case<'a>,
    around: &Surroundings<'a>,
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) -> Option<()> {
    for (kind, id) in KINDS {
        let found = condition(case.object, kind).filter(|one| text(one, &["status"]) == "True");
        if let Some(found) = found {
            let words = format!("{kind}: {}", quoted(text(found, &["message"]), 160));
            let at = moment(found, &["lastTransitionTime"]);
            findings.add_at(id, words, format!("{}: condition {kind}", case.path()), at);
        }
    }
    let known = if findings.has("memory-pressure") {
        greedy(case, around, "container_memory_working_set_bytes", "memory", findings, reader)
    } else if findings.has("disk-pressure") {
        greedy(case, around, "container_fs_usage_bytes", "ephemeral-storage", findings, reader)
    } else if findings.has("ready") {
        low(case, findings, reader)
    } else {
        Some(())
    };
    known?;
    seats(case, around, findings);
    leftovers(case, around, findings);
    Some(())
}

/// The pod that uses most beyond what it requested.
fn greedy<'a>(
    case: &Case<'a>,
    around: &Surroundings<'a>,
    metric: &str,
    resource: &str,
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) -> Option<()> {
    let running = |pod: &&Value| text(pod, &["status", "phase"]) == "Running";
    let pods = around.pods.unwrap_or_default().iter().filter(running).collect::<Vec<_>>();
    if pods.is_empty() {
        return Some(());
    }
    let names = pods.iter().take(MEASURED).map(|pod| name(pod).replace('.', "\\\\."));
    let names = names.collect::<Vec<_>>().join("|");
    let promql = format!(
        "topk(5, sum by (namespace, pod) (max by (namespace, pod, container) ({metric}{{pod=~\"{names}\",container!=\"\"}})))"
    );
    let got = reader.series(Read::Query { promql });
    if reader.pending() {
        return None;
    }
    let used = got.have().unwrap_or_default().iter().filter_map(usage);
    let over = used.filter_map(|(place, pod, bytes)| {
        let object = pods.iter().find(|one| name(one) == pod && namespace(one) == place)?;
        let wants = value(object, &["spec"]).map(requested).unwrap_or_default();
        let wants = wants.get(resource).copied().unwrap_or(0);
        (bytes > wants).then_some((*object, bytes, wants))
    });
    let Some((pod, bytes, wants)) = over.max_by_key(|(_, bytes, wants)| bytes - wants) else {
        return Some(());
    };
    let path = format!("{}/{}", namespace(pod), name(pod));
    let asked = if wants == 0 { "nothing".into() } else { spoken_bytes(wants) };
    let words = format!("{path} uses {} and requests {asked}", spoken_bytes(bytes));
    findings.add("greedy-pod", words, format!("Prometheus: {metric}; its spec"));
    findings.put("greedy_pod", path);
    findings.put("greedy_bytes", bytes);
    findings.put("greedy_request_bytes", wants);
    if let Some(owner) = controller(pod) {
        findings.put("greedy_owner", owner.key.path());
    }
    if let Some(all) = allocatable(case.object, resource).filter(|all| *all > 0)
        && bytes.saturating_mul(100) / all >= 40
    {
        let words = format!("that is {} % of what the node has for pods", bytes * 100 / all);
        findings.add("one-pod-dominates", words, format!("{}: status.allocatable", case.path()));
    }
    Some(())
}

fn usage(series: &Series) -> Option<(String, String, u64)> {
    let (_, bytes) = series.points.last()?;
    // Sizes are whole and far below 2^53; negative ones don't occur.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let bytes = bytes.max(0.0) as u64;
    Some((series.labels.get("namespace")?.clone(), series.labels.get("pod")?.clone(), bytes))
}

/// Where the kubelet sees no pressure yet: what a node exporter measures.
fn low<'a>(case: &Case<'a>, findings: &mut Findings, reader: &mut Reader<'a>) -> Option<()> {
    let addresses = items(case.object, &["status", "addresses"]).iter();
    let mut hosts = addresses.map(|one| text(one, &["address"]).replace('.', "\\\\."));
    let mut all = BTreeSet::from([case.name().replace('.', "\\\\.")]);
    all.extend(hosts.by_ref());
    let hosts = all.into_iter().collect::<Vec<_>>().join("|");
    let at = format!("instance=~\"({hosts})(:[0-9]+)?\"");
    let real = format!("{at},fstype!~\"tmpfs|overlay|squashfs|ramfs\"");
    let disk = reader.series(Read::Query {
        promql: format!(
            "node_filesystem_avail_bytes{{{real}}} / node_filesystem_size_bytes{{{real}}} < {LOW}"
        ),
    });
    let memory = reader.series(Read::Query {
        promql: format!(
            "node_memory_MemAvailable_bytes{{{at}}} / node_memory_MemTotal_bytes{{{at}}} < {LOW}"
        ),
    });
    if reader.pending() {
        return None;
    }
    for series in disk.have().unwrap_or_default() {
        if let Some((_, share)) = series.points.last() {
            let place = series.labels.get("mountpoint").map_or("?", String::as_str);
            let words = format!("{:.1} % of {place} is left", share * 100.0);
            findings.add("disk-low", words, "Prometheus: node_filesystem_avail_bytes".into());
        }
    }
    if let Some((_, share)) = memory.have().and_then(|all| all.first()?.points.last()) {
        let words = format!("{:.1} % of its memory is left", share * 100.0);
        findings.add("memory-low", words, "Prometheus: node_memory_MemAvailable_bytes".into());
    }
    Some(())
}

/// A kubelet takes so many pods and no more, whatever they use.
fn seats(case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    let most = allocatable(case.object, "pods").map(|milli| milli / 1_000);
    let (Some(pods), Some(most)) = (around.pods, most) else { return };
    let over = |pod: &&Value| matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
    let taken = pods.iter().filter(|pod| !over(pod)).count();
    findings.put("pods_taken", taken);
    findings.put("pods_most", most);
    let taken = u64::try_from(taken).unwrap_or(u64::MAX);
    if most > 0 && taken.saturating_mul(100) / most >= CROWDED {
        let words = format!("{taken} of the {most} pods that its kubelet takes are on it");
        findings.add("pods-crowded", words, format!("{}: status.allocatable.pods", case.path()));
    }
}

/// Pods that are over and images that no pod uses: both lie on the node's disk.
fn leftovers(case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    let Some(pods) = around.pods else { return };
    let over = |pod: &&Value| matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
    let over = pods.iter().filter(over).collect::<Vec<_>>();
    let evicted = over.iter().filter(|pod| text(pod, &["status", "reason"]) == "Evicted").count();
    findings.put("leftover_pods", over.len());
    if !over.is_empty() {
        let mut places = BTreeMap::<&str, usize>::new();
        for pod in &over {
            *places.entry(namespace(pod)).or_default() += 1;
        }
        let names = places.keys().copied().collect::<Vec<_>>();
        let words = format!(
            "{} pods that are over still lie on it ({evicted} evicted), in {}",
            over.len(),
            some_names(&names)
        );
        let id = if over.len() >= LEFTOVERS { "leftover-pods" } else { "few-leftovers" };
        findings.add(id, words, format!("pods on {}: status.phase", case.name()));
        findings.put("leftover_namespaces", names);
    }
    let used = pods
        .iter()
        .filter(|pod| !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed"))
        .flat_map(images)
        .collect::<BTreeSet<_>>();
    let unused = items(case.object, &["status", "images"])
        .iter()
        .filter(|image| {
            !items(image, &["names"])
                .iter()
                .filter_map(Value::as_str)
                .any(|name| used.contains(name))
        })
        .filter_map(|image| value(image, &["sizeBytes"])?.as_u64())
        .sum::<u64>();
    findings.put("unused_image_bytes", unused);
    let disk = allocatable(case.object, "ephemeral-storage").unwrap_or(0);
    #[allow(clippy::cast_precision_loss)]
    let share = if disk == 0 { 0.0 } else { unused as f64 / disk as f64 };
    if share >= IMAGES_SHARE {
        let words = format!("images of {} are on it that no pod uses", spoken_bytes(unused));
        findings.add("unused-images", words, format!("{}: status.images", case.path()));
    }
}

/// Names and ids of the images that a pod uses.
fn images(pod: &Value) -> Vec<&str> {
    let named =
        ["containers", "initContainers"].into_iter().flat_map(|list| items(pod, &["spec", list]));
    let running = ["containerStatuses", "initContainerStatuses"]
        .into_iter()
        .flat_map(|list| items(pod, &["status", list]));
    let mut found = named.map(|one| text(one, &["image"])).collect::<Vec<_>>();
    for status in running {
        found.push(text(status, &["image"]));
        found.push(text(status, &["imageID"]));
    }
    found
}
