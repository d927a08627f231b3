//! Which cause the facts of a node speak for.

use crate::domain::diagnose::subject::findings::{Examined, Findings};
use crate::domain::diagnosis::{Cause, Pattern};

const PRESSURE: [(&str, f64); 6] = [
    ("memory-pressure", 0.75),
    ("disk-pressure", 0.75),
    ("pid-pressure", 0.75),
    ("disk-low", 0.55),
    ("memory-low", 0.55),
    ("pods-crowded", 0.65),
];
/// What stands behind each conclusion: whether its pods could go elsewhere.
const ROOM: [&str; 4] = ["nowhere-to-go", "room-elsewhere", "held-by-budget", "guests"];

pub(super) fn weigh(mut findings: Findings) -> Examined {
    silent(&mut findings);
    pressed(&mut findings);
    cordoned(&mut findings);
    findings.otherwise = findings.quote(&["never-ready", "node-event", "ready"]);
    findings.done()
}

fn silent(findings: &mut Findings) {
    let lost = findings
        .weigh(Pattern::NodeIssue, Cause::NodeLost)
        .speaks_for("lost", 0.75)
        .speaks_for("lease-old", if findings.has("lost") { 0.15 } else { 0.0 })
        .speaks_against("lease-fresh", 0.35)
        .speaks_against("others-lost", 0.1)
        .relies_on(&["missing-lease"])
        .done();
    let room = findings.quote(&ROOM);
    if findings.has("lost") {
        let say = format!("{}; {room}", findings.quote(&["lost", "lease-old"]));
        findings.judge(lost, say);
    }
    let not_ready = findings
        .weigh(Pattern::NodeIssue, Cause::NodeNotReady)
        .first_for(&[("not-ready", 0.8), ("flapping", 0.55), ("network-unavailable", 0.55)])
        .speaks_for("lease-fresh", if findings.has("not-ready") { 0.1 } else { 0.0 })
        .speaks_against("lost", 0.6)
        .relies_on(&["missing-events"])
        .done();
    if findings.any(&["not-ready", "flapping", "network-unavailable"]) {
        let ids = ["not-ready", "flapping", "network-unavailable"];
        let say = format!("{}; {room}", findings.quote(&ids));
        findings.judge(not_ready, say);
    }
}

fn pressed(findings: &mut Findings) {
    let orphans = findings.any(&["leftover-pods", "unused-images"]);
    let of_disk = findings.any(&["disk-pressure", "disk-low"]);
    let ids = PRESSURE.map(|(id, _)| id);
    let scale = findings
        .weigh(Pattern::NodeIssue, Cause::NodePressure)
        .first_for(&PRESSURE)
        .speaks_for("greedy-pod", 0.1)
        .speaks_for("one-pod-dominates", 0.05)
        .speaks_against("lost", 0.4)
        .speaks_against("not-ready", 0.2)
        .relies_on(&["missing-metrics", "pods-on-node"]);
    let scale = if of_disk && !findings.has("one-pod-dominates") {
        scale.speaks_against("leftover-pods", 0.15).speaks_against("unused-images", 0.15)
    } else {
        scale
    };
    let pressure = scale.done();
    if findings.any(&ids) {
        let say = format!(
            "it is short: {}",
            findings.quote(&[
                "memory-pressure",
                "disk-pressure",
                "pid-pressure",
                "disk-low",
                "memory-low",
                "pods-crowded",
                "greedy-pod",
            ])
        );
        findings.judge(pressure, say);
    }
    if of_disk && orphans {
        let weighed = findings
            .weigh(Pattern::StorageIssue, Cause::DiskPressureByOrphans)
            .first_for(&[("disk-pressure", 0.5), ("disk-low", 0.4)])
            .speaks_for("leftover-pods", 0.3)
            .speaks_for("unused-images", 0.25)
            .speaks_against("one-pod-dominates", 0.4)
            .done();
        let say = format!(
            "its disk fills with what nobody uses: {}",
            findings.quote(&["leftover-pods", "unused-images"])
        );
        findings.judge(weighed, say);
    }
}

fn cordoned(findings: &mut Findings) {
    if !findings.has("cordoned") {
        return;
    }
    let weighed = findings
        .weigh(Pattern::NodeIssue, Cause::NodeCordoned)
        .speaks_for("cordoned", 0.3)
        .speaks_for("pods-wait", 0.4)
        .speaks_for("cordon-old", 0.25)
        .speaks_for("drained", 0.05)
        .speaks_against("cordon-fresh", 0.1)
        .speaks_against("cordon-explained", 0.7)
        .speaks_against("drain-under-way", 0.3)
        .speaks_against("lost", 0.4)
        .speaks_against("not-ready", 0.4)
        .relies_on(&["missing-all-pods"])
        .done();
    let say = format!(
        "{}, and nothing says why; {}",
        findings.quote(&["cordoned"]),
        findings.quote(&["pods-wait", "drained", "guests"])
    );
    findings.judge(weighed, say);
}
