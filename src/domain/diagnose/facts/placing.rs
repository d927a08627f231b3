//! What keeps a pod from every node.

use super::gather::Facts;
use crate::domain::diagnose::fields::{items, name, text, value};
use crate::domain::diagnose::node::{Taint, allocatable, pressures, spoken_amount, wanted_labels};
use crate::domain::diagnose::picture::Picture;
use crate::domain::diagnose::placing::{Fit, Placing, Why};
use crate::domain::diagnose::reader::Got;
use crate::domain::diagnose::workload::some_names;
use crate::domain::text::shorten;
use std::collections::BTreeSet;

pub(super) fn placing(picture: &Picture<'_>, out: &mut Facts) {
    let Some(placing) = &picture.placing else { return };
    let source = format!("pod {}/{}: condition PodScheduled", picture.namespace(), placing.pod);
    if placing.reason == "SchedulingGated" {
        let gates =
            items(placing.spec, &["schedulingGates"]).iter().map(|one| text(one, &["name"]));
        let gates = gates.collect::<Vec<_>>().join(", ");
        let text = format!("pod {} waits at its scheduling gates: {gates}", placing.pod);
        out.add("scheduling-gated", text, source);
        return;
    }
    let words = shorten(placing.words, 400);
    let all = picture.stuck.iter().filter(|pod| pod.node().is_empty()).count();
    let more = if all > 1 { format!(" (and {} more)", all - 1) } else { String::new() };
    let text = format!("pod {}{more} can't be placed: {words}", placing.pod);
    out.add("unschedulable", text, source.clone());
    let asked = placing.requested.iter().filter(|(_, amount)| **amount > 0);
    let asked =
        asked.map(|(resource, amount)| format!("{resource} {}", spoken_amount(resource, *amount)));
    let asked = asked.collect::<Vec<_>>().join(", ");
    if !asked.is_empty() {
        out.add("requests", format!("a pod requests {asked}"), format!("{source}: spec"));
    }
    claims(placing, out);
    resources(placing, &source, out);
    kept_off(placing, &source, out);
    states(placing, out);
    others(placing, &source, out);
    surge(picture, out);
}

fn claims(placing: &Placing<'_>, out: &mut Facts) {
    let said = !placing.because(|why| *why == Why::Claim).is_empty();
    for claim in &placing.claims {
        let path = claim.key.path();
        let (id, words) = match &claim.got {
            Got::Gone => ("claim-missing", format!("{path} does not exist")),
            Got::Have(object) => match text(object, &["status", "phase"]) {
                "Lost" => ("claim-lost", format!("{path} has lost its volume")),
                "Pending" if said => ("claim-pending", format!("{path} is not bound")),
                _ if value(object, &["metadata", "deletionTimestamp"]).is_some() => {
                    ("claim-going", format!("{path} is being deleted"))
                }
                _ => continue,
            },
            Got::Unreadable(_) if said => {
                ("claim-said-pending", format!("the scheduler says that {path} holds the pod"))
            }
            Got::Unreadable(_) | Got::Pending => continue,
        };
        out.join(id, words, path);
    }
}

fn resources(placing: &Placing<'_>, source: &str, out: &mut Facts) {
    let short = placing.because(|why| matches!(why, Why::Short(_)));
    let of = |why: &Why| match why {
        Why::Short(resource) => Some(resource.clone()),
        Why::Cordoned
        | Why::Taint(_)
        | Why::Selector
        | Why::OtherPods
        | Why::Ports
        | Why::VolumeElsewhere
        | Why::Claim
        | Why::Other => None,
    };
    let resources = short.iter().filter_map(|part| of(&part.why)).collect::<BTreeSet<_>>();
    if resources.is_empty() {
        return;
    }
    let counted = |resource: &str| {
        let same =
            |part: &&&super::super::placing::Part| of(&part.why).as_deref() == Some(resource);
        short.iter().find(same).map_or(0, |part| part.nodes)
    };
    let words = resources
        .iter()
        .map(|one| format!("{} of {} nodes lack {one}", counted(one), placing.counted));
    let text = words.collect::<Vec<_>>().join(", ");
    out.add("short-of-resources", text, source.into());
    for resource in &resources {
        let Some(wanted) = placing.requested.get(resource) else { continue };
        let sizes = placing.fits.iter().flatten().filter(|fit| fit.selected);
        let largest =
            sizes.filter_map(|fit| Some((allocatable(fit.node, resource)?, name(fit.node)))).max();
        if let Some((size, node)) = largest.filter(|(size, _)| size < wanted) {
            let text = format!(
                "a pod requests {} of {resource}; the largest node that it may use, {node}, has {} in all",
                spoken_amount(resource, *wanted),
                spoken_amount(resource, size)
            );
            out.join("larger-than-any-node", text, format!("Node {node}: status.allocatable"));
        }
    }
}

/// Taints for a purpose, and labels that no node has.
fn kept_off(placing: &Placing<'_>, source: &str, out: &mut Facts) {
    let tainted = placing.nodes(Fit::but_for_taints);
    let by_purpose = tainted.iter().filter(|fit| !fit.taints.iter().any(Taint::of_role));
    let by_purpose = by_purpose.copied().collect::<Vec<_>>();
    let said = placing.because(|why| matches!(why, Why::Taint(_)));
    // Where the control plane's own nodes are the only ones that it may use, their taint is what is in the way.
    let all = placing.nodes(|fit| fit.selected).len() == tainted.len();
    let in_the_way = if by_purpose.is_empty() && all { &tainted } else { &by_purpose };
    if !in_the_way.is_empty() && !said.is_empty() {
        let words = in_the_way.iter().take(3).map(|fit| {
            let taints = fit.taints.iter().map(|taint| taint.words.as_str());
            format!("{} has taint {}", name(fit.node), taints.collect::<Vec<_>>().join(", "))
        });
        let words = words.collect::<Vec<_>>().join("; ");
        let text = format!("{words}: the pod does not tolerate it, and would fit otherwise");
        out.add("taint-keeps-off", text, "Node objects: spec.taints".into());
    } else if placing.fits.is_none() && !said.is_empty() {
        let words = said.iter().map(|part| format!("{} {}", part.nodes, part.words));
        let words = words.collect::<Vec<_>>().join("; ");
        out.add("taint-said", words, source.into());
    }
    let wanted = wanted_labels(placing.spec);
    let none = placing.fits.as_ref().map_or_else(
        || placing.because(|why| *why == Why::Selector).iter().any(|p| p.nodes == placing.counted),
        |fits| !fits.is_empty() && !fits.iter().any(|fit| fit.selected),
    );
    if none && !wanted.is_empty() {
        let words = wanted.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>().join(", ");
        let held = wanted.iter().filter_map(|(key, _)| held(placing, key)).collect::<Vec<_>>();
        let held = if held.is_empty() {
            String::new()
        } else {
            format!("; nodes have {}", held.join(", "))
        };
        let text = format!("no node has the labels that the pod asks for: {words}{held}");
        out.add("no-node-matches", text, "Node objects: metadata.labels".into());
    }
}

/// Values that nodes have of a label: `disk=hdd (node1, node2)`.
fn held(placing: &Placing<'_>, key: &str) -> Option<String> {
    let nodes = placing.fits.iter().flatten().filter_map(|fit| {
        let held = value(fit.node, &["metadata", "labels"])?.get(key)?.as_str()?;
        Some(format!("{key}={held} ({})", name(fit.node)))
    });
    let all = nodes.take(4).collect::<Vec<_>>();
    (!all.is_empty()).then(|| all.join(", "))
}

/// Nodes that would do but for their state.
fn states(placing: &Placing<'_>, out: &mut Facts) {
    for fit in placing.nodes(Fit::but_for_state) {
        let node = name(fit.node);
        let (id, words) = if fit.cordoned {
            (
                "node-cordoned",
                format!(
                    "{node} is cordoned; the pod would fit there as far as labels, taints and size go"
                ),
            )
        } else {
            let taints = fit.taints.iter().map(|taint| taint.key.as_str()).collect::<Vec<_>>();
            let pressure = pressures(fit.node).join(", ");
            let pressure = if pressure.is_empty() { pressure } else { format!(" ({pressure})") };
            (
                "node-unfit",
                format!(
                    "{node} takes no pods: {}{pressure}; the pod would fit there otherwise",
                    taints.join(", ")
                ),
            )
        };
        out.join(id, words, format!("Node {node}"));
    }
}

/// What other pods and volumes leave.
fn others(placing: &Placing<'_>, source: &str, out: &mut Facts) {
    for (id, wanted) in [
        ("pods-keep-apart", Why::OtherPods),
        ("ports-taken", Why::Ports),
        ("volume-elsewhere", Why::VolumeElsewhere),
    ] {
        let found = placing.because(|why| *why == wanted);
        if !found.is_empty() {
            let words = found.iter().map(|part| format!("{} {}", part.nodes, part.words));
            out.add(id, words.collect::<Vec<_>>().join("; "), source.into());
        }
    }
    let named = placing.claims.iter().filter_map(|claim| {
        let object = claim.got.clone().have()?;
        let volume = text(object, &["spec", "volumeName"]);
        (!volume.is_empty()).then(|| format!("{} (volume {volume})", claim.key.name))
    });
    let named = named.collect::<Vec<_>>();
    if !named.is_empty() {
        let names = named.iter().map(String::as_str).collect::<Vec<_>>();
        let text = format!("its claims are bound: {}", some_names(&names));
        out.add("claims", text, source.into());
    }
}

/// Whether only the pod more that a rollout needs has no place, while all that are wanted are ready.
fn surge(picture: &Picture<'_>, out: &mut Facts) {
    let workload = &picture.workload;
    let ready = workload.ready();
    if workload.kind() == "Deployment" && workload.desired() > 0 && ready >= workload.desired() {
        let text = format!(
            "all {ready} pods that are wanted are ready; only a further one, for the rollout, has no place"
        );
        out.add("surge-only", text, format!("{}: its pods", workload.reference.key.path()));
    }
}
