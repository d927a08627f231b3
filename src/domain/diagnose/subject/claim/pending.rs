//! A claim that is not bound: what it waits for.

use super::read::{Class, Surroundings, misfit, pod_key};
use crate::domain::diagnose::fields::{moment, name, text};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::{Examined, Findings, quoted};
use crate::domain::diagnose::subject::handing::{Handed, hand_over};
use crate::domain::diagnose::workload::some_names;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::time::{seconds_between, spoken};
use serde_json::Value;

const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";
/// A provisioner that said nothing for this long does not run.
const SILENT_S: i64 = 60;
/// What it may wait for, most telling first: fact, weight.
const REASONS: [(&str, f64); 8] = [
    ("class-missing", 0.9),
    ("no-default-class", 0.85),
    ("volume-missing", 0.9),
    ("volume-taken", 0.9),
    ("no-volume-fits", 0.85),
    ("provisioning-failed", 0.85),
    ("provisioner-missing", 0.85),
    ("provisioner-silent", 0.6),
];

pub(super) fn examine<'a>(
    case: &Case<'a>,
    around: &Surroundings<'a>,
    mut findings: Findings,
    reader: &mut Reader<'a>,
) -> Examined {
    let path = case.path();
    let class = Surroundings::wanted(case.object);
    if text(case.object, &["status", "phase"]) == "Lost" {
        let volume = text(case.object, &["spec", "volumeName"]);
        let words =
            format!("its volume {volume} is lost: it was deleted, or belongs to another claim now");
        findings.add("volume-missing", words, format!("{path}: status.phase Lost"));
    } else {
        named_volume(case, around, &mut findings);
    }
    if !findings.any(&["volume-missing", "volume-taken"]) {
        match class {
            Class::Named(wanted) => named_class(case, around, wanted, &mut findings),
            Class::None => volumes(case, around, "", &mut findings),
            Class::Default => match around.default_class() {
                None => no_default(case, around, &mut findings),
                Some(class) => {
                    let words = format!("it names no class; the default one is {}", name(class));
                    findings.add("default-class", words, format!("{path}: spec.storageClassName"));
                }
            },
        }
        if let Some(class) = around.class(case.object) {
            provisioner(case, around, class, &mut findings, reader);
        }
    }
    if reader.pending() {
        return Examined::Pending;
    }
    if let Some(elsewhere) = waiting(case, around, &mut findings, reader) {
        return elsewhere;
    }
    weigh(findings.sealed(reader))
}

/// What the volume that it asks for by name is.
fn named_volume(case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    let wanted = text(case.object, &["spec", "volumeName"]);
    if wanted.is_empty() || around.volumes.is_none() {
        return;
    }
    let source = format!("{}: spec.volumeName", case.path());
    let Some(volume) = around.volume(case.object) else {
        let words = format!("PersistentVolume {wanted}, which it asks for, does not exist");
        findings.add("volume-missing", words, source);
        return;
    };
    let class = text(case.object, &["spec", "storageClassName"]);
    let why = misfit(volume, case.object, class);
    if !why.is_empty() {
        let words = format!("PersistentVolume {wanted} can't be had: {}", why.join(", "));
        findings.add("volume-taken", words, source);
    }
}

fn named_class(case: &Case<'_>, around: &Surroundings<'_>, wanted: &str, findings: &mut Findings) {
    let Some(classes) = around.classes else { return };
    if classes.iter().any(|class| name(class) == wanted) {
        return;
    }
    // A class need not exist where volumes are made by hand under its name.
    let by_hand = around
        .volumes
        .unwrap_or_default()
        .iter()
        .any(|volume| text(volume, &["spec", "storageClassName"]) == wanted);
    if by_hand {
        volumes(case, around, wanted, findings);
        return;
    }
    let names = classes.iter().map(name).collect::<Vec<_>>();
    let there = match names.as_slice() {
        [] => "there is none at all".to_string(),
        names => format!("there is {}", some_names(names)),
    };
    let words = format!("StorageClass {wanted}, which it asks for, does not exist; {there}");
    findings.add("class-missing", words, format!("{}: spec.storageClassName", case.path()));
}

fn no_default(case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    if around.classes.is_none() {
        return;
    }
    let fits = around
        .volumes
        .unwrap_or_default()
        .iter()
        .any(|volume| misfit(volume, case.object, "").is_empty());
    if !fits {
        let words = "it names no StorageClass, and none is the default".to_string();
        findings.add("no-default-class", words, format!("{}: spec.storageClassName", case.path()));
    }
}

/// Volumes made by hand: whether one fits, and else what each lacks.
fn volumes(case: &Case<'_>, around: &Surroundings<'_>, class: &str, findings: &mut Findings) {
    let Some(all) = around.volumes else { return };
    let of_class = |volume: &&Value| text(volume, &["spec", "storageClassName"]) == class;
    let judged = all
        .iter()
        .filter(of_class)
        .map(|volume| (name(volume), misfit(volume, case.object, class)))
        .collect::<Vec<_>>();
    let source = "PersistentVolumes".to_string();
    let shown = if class.is_empty() { "without a class" } else { class };
    if let Some((volume, _)) = judged.iter().find(|(_, why)| why.is_empty()) {
        findings.add("volume-fits", format!("PersistentVolume {volume} would fit"), source);
        findings.put("fitting_volume", *volume);
        return;
    }
    let mut words = match judged.len() {
        0 => format!("volumes of class {shown} are made by hand, and there is none"),
        count => format!("none of {count} PersistentVolumes of class {shown} fits"),
    };
    for (volume, why) in judged.iter().take(3) {
        words = format!("{words}; {volume}: {}", why.join(", "));
    }
    findings.add("no-volume-fits", words, source);
}

/// What its class does about it.
fn provisioner<'a>(
    case: &Case<'a>,
    around: &Surroundings<'a>,
    class: &Value,
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) {
    let provisioner = text(class, &["provisioner"]);
    let path = format!("StorageClass {}", name(class));
    if text(class, &["volumeBindingMode"]) == "WaitForFirstConsumer" {
        let words =
            format!("class {} binds a claim only once a pod that uses it is placed", name(class));
        findings.add("binds-late", words, format!("{path}: volumeBindingMode"));
        if around.pods.as_ref().is_some_and(Vec::is_empty) {
            return;
        }
    }
    if provisioner == NO_PROVISIONER {
        volumes(case, around, name(class), findings);
        return;
    }
    if let Some(event) = around.newest(&["ProvisioningFailed"]) {
        let words = format!(
            "provisioning failed: {} ({} times)",
            quoted(event.message(), 240),
            event.count()
        );
        findings.add_at("provisioning-failed", words, event.source(), event.last());
        return;
    }
    let asked = around.newest(&["ExternalProvisioning"]);
    let age = moment(case.object, &["metadata", "creationTimestamp"])
        .map_or(0, |made| seconds_between(made, case.now));
    if let Some(event) = asked.filter(|_| age >= SILENT_S) {
        let heard = around.newest(&["Provisioning"]).is_some();
        let drivers = reader.list("missing-drivers", "storage.k8s.io/v1", "CSIDriver", "", "");
        let known = drivers.have().map(|all| all.iter().any(|one| name(one) == provisioner));
        let words = format!("provisioner {provisioner} was asked {} ago and", spoken(age));
        match (heard, known) {
            (false, Some(false)) => findings.add_at(
                "provisioner-missing",
                format!("{words} said nothing; no CSI driver of that name is installed"),
                event.source(),
                event.last(),
            ),
            (false, Some(true) | None) => findings.add_at(
                "provisioner-silent",
                format!("{words} said nothing"),
                event.source(),
                event.last(),
            ),
            (true, Some(_) | None) => findings.add_at(
                "provisioner-at-work",
                format!("{words} is at work"),
                event.source(),
                event.last(),
            ),
        }
    }
}

/// A class that binds late: without a pod all is as it should be; a pod that can't be placed is the culprit itself.
fn waiting<'a>(
    case: &Case<'a>,
    around: &Surroundings<'a>,
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) -> Option<Examined> {
    let pods = around.pods.as_ref().filter(|_| findings.has("binds-late"))?;
    if REASONS.iter().any(|(id, _)| findings.has(id)) {
        return None;
    }
    let Some(pod) = pods.iter().find(|pod| text(pod.object, &["spec", "nodeName"]).is_empty())
    else {
        if pods.is_empty() {
            findings.on_purpose =
                Some(format!("{}, and no pod uses it yet", findings.quote(&["binds-late"])));
        }
        return None;
    };
    let key = pod_key(case, pod.name());
    let words = format!("claim {} waits until pod {} is placed", case.name(), pod.name());
    findings.add("waits-for-pod", words, format!("{}: condition PodScheduled", key.path()));
    let facts = findings.facts.iter().filter(|fact| fact.id == "waits-for-pod").cloned().collect();
    let trail = case.trail.from(&case.reference.key, facts)?;
    match hand_over(case.alerts, &key, trail, case.now, reader) {
        Handed::Done(diagnosis) => Some(Examined::Elsewhere(diagnosis)),
        Handed::Pending => Some(Examined::Pending),
        Handed::Not(why) => {
            findings.add("no-further", why, key.path());
            None
        }
    }
}

fn weigh(mut findings: Findings) -> Examined {
    let why = REASONS.iter().find(|(id, _)| findings.has(id)).map(|(id, _)| *id);
    if let Some(why) = why {
        findings.put("why_pending", why);
    }
    let weighed = findings
        .weigh(Pattern::StorageIssue, Cause::ClaimPending)
        .first_for(&REASONS)
        .speaks_for("claim", 0.05)
        .speaks_against("volume-fits", 0.3)
        .speaks_against("provisioner-at-work", 0.3)
        .relies_on(&["missing-classes", "missing-volumes", "missing-events", "missing-pods"])
        .done();
    let say = format!("it is not bound: {}", findings.quote(&REASONS.map(|(id, _)| id)));
    if why.is_some() {
        findings.judge(weighed, say);
    }
    findings.otherwise =
        findings.quote(&["waits-for-pod", "volume-fits", "provisioner-at-work", "claim"]);
    findings.done()
}
