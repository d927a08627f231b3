//! What the kubelet says of probes that fail.

use super::gather::{Facts, clock};
use super::status::quoted;
use crate::domain::diagnose::container::{Pod, Run};
use crate::domain::diagnose::event::Event;
use crate::domain::diagnose::fields::{int, moment, text};
use crate::domain::diagnose::hint;
use crate::domain::diagnose::picture::Picture;
use crate::domain::diagnose::probe::{Complaint, Probe, ProbeKind};
use crate::domain::time::{seconds_between, spoken};

/// A container that outlived its probe's patience this many times over passed it for a time.
const OVER: i64 = 2;
/// A probe that gives up within this is tight.
const TIGHT_S: i64 = 10;

pub(super) fn probes(picture: &Picture<'_>, out: &mut Facts) {
    let Some(focus) = &picture.focus else { return };
    let Some(spec) = focus.container.spec else { return };
    let name = focus.container.name;
    let of_it = |event: &&Event<'_>| event.field().contains(&format!("{{{name}}}"));
    let events = picture.events.iter().filter(of_it).copied().collect::<Vec<_>>();
    if picture.troubled() {
        killed(picture, spec, &events, out);
    }
    readiness(picture, spec, &events, out);
}

/// The newest event about a probe of that kind with that reason.
pub(super) fn newest<'a>(
    events: &[Event<'a>],
    reason: &str,
    kinds: &[ProbeKind],
) -> Option<(Event<'a>, ProbeKind)> {
    let about = |event: &Event<'a>| {
        let kind = ProbeKind::told(event.message()).filter(|kind| kinds.contains(kind))?;
        (event.reason() == reason).then_some((*event, kind))
    };
    events.iter().filter_map(about).max_by_key(|(event, _)| event.last())
}

fn killed(picture: &Picture<'_>, spec: &serde_json::Value, events: &[Event<'_>], out: &mut Facts) {
    let killers = [ProbeKind::Liveness, ProbeKind::Startup];
    let Some((event, kind)) = newest(events, "Killing", &killers) else { return };
    let words =
        format!("{} ({} times, last {})", event.message(), event.count(), clock(event.last()));
    out.add_at("probe-killed", words, event.source(), event.last());
    if kind == ProbeKind::Startup {
        let words = "it is the startup probe that gave up: the container never finished starting";
        out.add_at("startup-probe-killed", words.into(), event.source(), event.last());
    }
    let Some(probe) = Probe::of(spec, kind) else { return };
    let field = format!("spec.containers[{}].{}", text(spec, &["name"]), kind.field());
    out.add("probe", probe.words(), field.clone());
    if lasted(picture, &probe, &field, out) {
        recovers(&probe, events, &field, out);
    }
    if probe.looks_for_a_file() && newest(events, "Unhealthy", &[kind]).is_some() {
        let text = "the probe looks for a file, which the program makes when it has come up";
        out.add("probe-looks-for-file", text.into(), field.clone());
    }
    if probe.patience() < TIGHT_S {
        let text = format!("the probe gives up {}s after the start", probe.patience());
        out.add("probe-tight", text, field);
    }
    let Some((unhealthy, _)) = newest(events, "Unhealthy", &[kind]) else { return };
    if let Complaint::Refused = Complaint::of(unhealthy.message())
        && let Some((asked, declared)) = probe.undeclared(spec)
    {
        let declared = declared.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        let text = format!(
            "it asks port {asked}, where nothing listens; the container declares {declared}"
        );
        out.add_at("probe-wrong", text, unhealthy.source(), unhealthy.last());
        return;
    }
    let id = match Complaint::of(unhealthy.message()) {
        Complaint::Refused => "probe-refused",
        Complaint::TimedOut => "probe-timed-out",
        Complaint::NotNow => "probe-not-now",
        Complaint::Wrong => "probe-wrong",
        Complaint::Failed => "probe-failed",
    };
    let text = format!("{} ({} times)", quoted(unhealthy.message(), 200), unhealthy.count());
    out.add_at(id, text, unhealthy.source(), unhealthy.last());
    explain(unhealthy, out);
}

fn explain(event: Event<'_>, out: &mut Facts) {
    let words = hint::of_probe(event.message());
    if !words.is_empty() && !out.0.iter().any(|fact| fact.id == "probe-hint") {
        out.add_at("probe-hint", words.into(), event.source(), event.last());
    }
}

/// How long the last runs lasted against the probe's patience; whether one of them must have passed it.
fn lasted(picture: &Picture<'_>, probe: &Probe<'_>, field: &str, out: &mut Facts) -> bool {
    let Some(focus) = &picture.focus else { return false };
    let same = focus.pods.iter().flat_map(|pod| &pod.containers);
    let runs = same.filter(|one| one.name == focus.container.name).flat_map(|one| &one.runs);
    let lasted = runs.filter_map(Run::seconds).collect::<Vec<_>>();
    let (Some(least), Some(most)) = (lasted.iter().min(), lasted.iter().max()) else {
        return false;
    };
    let grace = grace(focus.pods.first());
    if *most <= probe.latest_kill(grace) {
        let text = format!(
            "each known run ended {} to {} after its start, as soon as the probe may give up: it never passed",
            spoken(*least),
            spoken(*most)
        );
        out.add("killed-before-it-passed", text, field.into());
    } else if *most > OVER * probe.latest_kill(grace) {
        let text = format!("a run lasted {}: the probe passed for most of it", spoken(*most));
        out.add("ran-past-probe", text, field.into());
    }
    *most > probe.latest_kill(grace)
}

/// Whether a container that passed its probe for a time ever answers again once it has failed. One that is slow answers
/// now and then, so that more looks fail than it takes to kill it each time; one that hangs does not.
fn recovers(probe: &Probe<'_>, events: &[Event<'_>], field: &str, out: &mut Facts) {
    let count = |reason: &str| {
        let of_it = |event: &&Event<'_>| {
            event.reason() == reason && ProbeKind::told(event.message()) == Some(probe.kind)
        };
        events.iter().filter(of_it).map(|event| event.count()).sum::<i64>()
    };
    let (kills, failures) = (count("Killing"), count("Unhealthy"));
    if kills > 0 && failures < (kills + 1) * probe.failures() {
        let text = format!(
            "it passes after each start, and once it fails it fails to the end: {failures} looks failed for {kills} kills"
        );
        out.add("never-recovers", text, field.into());
    }
}

fn grace(pod: Option<&Pod<'_>>) -> i64 {
    pod.and_then(|pod| int(pod.object, &["spec", "terminationGracePeriodSeconds"])).unwrap_or(30)
}

/// Whether the pods were ever ready, where a readiness probe says so, and whether that is what fails now.
fn readiness(
    picture: &Picture<'_>,
    spec: &serde_json::Value,
    events: &[Event<'_>],
    out: &mut Facts,
) {
    let Some(probe) = Probe::of(spec, ProbeKind::Readiness) else { return };
    let field = format!("spec.containers[{}].{}", text(spec, &["name"]), probe.kind.field());
    let pods = picture.pods_in_trouble();
    let Some(pod) =
        pods.iter().find(|pod| picture.focus.as_ref().is_some_and(|focus| focus.pod == pod.name()))
    else {
        return;
    };
    let changed = pod
        .condition("Ready")
        .and_then(|condition| moment(condition, &["lastTransitionTime"]))
        .zip(moment(pod.object, &["metadata", "creationTimestamp"]));
    let was = changed.map(|(at, made)| seconds_between(made, at) > 2);
    let source = format!("pod {}/{}: condition Ready", picture.namespace(), pod.name());
    match was {
        Some(true) => {
            out.add("was-ready", format!("pod {} was ready for a time", pod.name()), source);
        }
        Some(false) => {
            out.add("never-ready", format!("pod {} was never ready", pod.name()), source);
        }
        None => {}
    }
    let unready = picture.stuck.iter().any(|stuck| stuck.name() == pod.name());
    if let Some((event, _)) = newest(events, "Unhealthy", &[ProbeKind::Readiness])
        && unready
    {
        let text = format!("{} ({} times)", quoted(event.message(), 200), event.count());
        out.add_at("readiness-fails", text, event.source(), event.last());
        explain(event, out);
        out.add("readiness-probe", probe.words(), field);
    }
}
