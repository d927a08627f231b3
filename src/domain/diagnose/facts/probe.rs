//! What the kubelet says of probes that fail.

use super::gather::{Facts, clock};
use super::status::quoted;
use crate::domain::diagnose::container::{Pod, Run};
use crate::domain::diagnose::event::Event;
use crate::domain::diagnose::fields::{int, moment, text};
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
    lasted(picture, &probe, &field, out);
    if probe.looks_for_a_file() && newest(events, "Unhealthy", &[kind]).is_some() {
        let text = "the probe looks for a file, which the program makes when it has come up";
        out.add("probe-looks-for-file", text.into(), field.clone());
    }
    if probe.patience() < TIGHT_S {
        let text = format!("the probe gives up {}s after the start", probe.patience());
        out.add("probe-tight", text, field);
    }
    let Some((unhealthy, _)) = newest(events, "Unhealthy", &[kind]) else { return };
    let id = match Complaint::of(unhealthy.message()) {
        Complaint::Refused => "probe-refused",
        Complaint::TimedOut => "probe-timed-out",
        Complaint::NotNow => "probe-not-now",
        Complaint::Wrong => "probe-wrong",
        Complaint::Failed => "probe-failed",
    };
    let text = format!("{} ({} times)", quoted(unhealthy.message(), 200), unhealthy.count());
    out.add_at(id, text, unhealthy.source(), unhealthy.last());
}

/// How long the last runs lasted against the probe's patience.
fn lasted(picture: &Picture<'_>, probe: &Probe<'_>, field: &str, out: &mut Facts) {
    let Some(focus) = &picture.focus else { return };
    let same = focus.pods.iter().flat_map(|pod| &pod.containers);
    let runs = same.filter(|one| one.name == focus.container.name).flat_map(|one| &one.runs);
    let lasted = runs.filter_map(Run::seconds).collect::<Vec<_>>();
    let (Some(least), Some(most)) = (lasted.iter().min(), lasted.iter().max()) else { return };
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
        out.add("readiness-probe", probe.words(), field);
    }
}
