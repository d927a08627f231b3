//! What alerts, container statuses, events and logs say.

use super::gather::{Facts, START_S, clock};
use crate::domain::diagnose::container::{Container, Doing, Pod, RECENT_S, Run, Trouble};
use crate::domain::diagnose::event::Event;
use crate::domain::diagnose::fields::{text, uid};
use crate::domain::diagnose::focus::Focus;
use crate::domain::diagnose::hint;
use crate::domain::diagnose::picture::{Picture, last_lines};
use crate::domain::diagnose::pulling::Refusal;
use crate::domain::diagnose::workload::some_names;
use crate::domain::text::{redact, shorten};
use crate::domain::time::spoken;

pub(super) fn alerts(picture: &Picture<'_>, out: &mut Facts) {
    for (index, alert) in picture.alerts.iter().take(5).enumerate() {
        let id = if index == 0 { "alert".to_string() } else { format!("alert-{}", index + 1) };
        let state = match alert.status {
            crate::domain::alert::AlertStatus::Firing => "fires since",
            crate::domain::alert::AlertStatus::Resolved => "resolved; it fired since",
        };
        out.add_at(
            &id,
            format!("alert {} {state} {}", alert.name(), clock(Some(alert.starts_at))),
            format!("alert {}", alert.fingerprint.as_str()),
            Some(alert.starts_at),
        );
    }
    if let Some((words, source)) = &picture.chain.gone {
        out.add("pod-gone", words.clone(), source.clone());
    }
}

fn run_words(run: &Run) -> String {
    let lasted = run.seconds().map_or_else(String::new, |s| format!(" after {}", spoken(s)));
    format!("{} (exit {}){lasted}, {}", run.reason, run.exit_code, clock(run.finished))
}

pub(super) fn runs(picture: &Picture<'_>, out: &mut Facts) {
    let Some(focus) = picture.focus.as_ref().filter(|focus| focus.trouble.is_some()) else {
        return;
    };
    let name = focus.container.name;
    let same = focus.pods.iter().flat_map(|pod| &pod.containers).filter(|one| one.name == name);
    let same = same.collect::<Vec<_>>();
    let pods = focus.pods.iter().map(Pod::name).collect::<Vec<_>>();
    let restarts = same.iter().map(|one| one.restarts).sum::<i64>();
    if restarts > 0 {
        out.add(
            "restarts",
            format!("container {name} restarted {restarts} times in {}", some_names(&pods)),
            format!("status.containerStatuses[{name}].restartCount"),
        );
    }
    let newest = same.iter().filter_map(|one| one.last_run()).collect::<Vec<_>>();
    let killed = newest.iter().filter(|run| run.oom()).count();
    let of_memory = same.iter().filter_map(|one| one.last_run()).filter(|run| run.oom());
    match of_memory.max_by_key(|run| run.finished) {
        // What most pods died of last; a kill before that may be another story.
        Some(run) if 2 * killed >= newest.len() => {
            killed_for_memory(picture, focus, &same, run, out);
        }
        Some(_) | None => ended(picture, focus, out),
    }
}

fn status_of(picture: &Picture<'_>, focus: &Focus<'_>, run: &Run) -> String {
    let (namespace, pod, name) = (picture.namespace(), focus.pod, focus.container.name);
    format!("pod {namespace}/{pod}: status of container {name}, {}", run.field)
}

fn killed_for_memory(
    picture: &Picture<'_>,
    focus: &Focus<'_>,
    same: &[&Container<'_>],
    run: &Run,
    out: &mut Facts,
) {
    let name = focus.container.name;
    let source = status_of(picture, focus, run);
    let all = same.iter().flat_map(|one| &one.runs);
    let (killed, ended) = (all.clone().filter(|run| run.oom()).count(), all.count());
    let text =
        format!("{killed} of the last {ended} runs of {name} OOMKilled; last {}", run_words(run));
    out.add_at("oom-killed", text, source.clone(), run.finished);
    if killed > 1 {
        out.add("oom-again", format!("{killed} runs ended that way"), source.clone());
    }
    if let Some(seconds) = run.seconds() {
        let text = format!("killed {} after its start", spoken(seconds));
        if seconds < START_S {
            out.add("died-at-start", text, source);
        } else if seconds >= RECENT_S {
            out.add("died-late", text, source);
        }
    }
    if picture.limit().is_none() {
        out.add(
            "no-limit",
            format!(
                "container {name} has no memory limit: the node or the pod as a whole was short"
            ),
            format!("spec.containers[{name}].resources"),
        );
    }
}

fn ended(picture: &Picture<'_>, focus: &Focus<'_>, out: &mut Facts) {
    let Some(run) = focus.container.last_run() else { return };
    let source = status_of(picture, focus, run);
    let (id, note) = match (run.exit_code, run.reason.as_str()) {
        (_, "StartError" | "ContainerCannotRun") => ("start-failed", ""),
        (_, "OOMKilled") => ("killed-for-memory-once", ""),
        _ => ("exit-code", hint::of_exit(run.exit_code)),
    };
    let message = quoted(run.message.lines().next().unwrap_or_default(), 200);
    let message = if message.is_empty() { message } else { format!(": {message}") };
    let text = format!("{} ended {}{note}{message}", focus.container.name, run_words(run));
    out.add_at(id, text, source.clone(), run.finished);
    if let Some(seconds) = run.seconds().filter(|seconds| *seconds >= RECENT_S) {
        let text = format!("its last run went well for {}", spoken(seconds));
        out.add_at("ran-long", text, source, run.finished);
    }
}

/// Text of the cluster in a sentence of ours: without secrets, and short.
pub(super) fn quoted(text: &str, chars: usize) -> String {
    shorten(redact(text).trim(), chars)
}

pub(super) fn waiting(picture: &Picture<'_>, out: &mut Facts) {
    let Some(focus) = &picture.focus else { return };
    let (reason, message) = focus.container.waiting();
    let source = format!(
        "pod {}/{}: status of container {}, state.waiting",
        picture.namespace(),
        focus.pod,
        focus.container.name
    );
    if focus.trouble == Some(Trouble::Image) {
        let refusal = refusal(picture, focus);
        let image = focus.container.spec.map_or("", |spec| text(spec, &["image"]));
        let words = format!("image {}: {}", quoted(image, 160), refusal.words());
        out.add(&format!("image-{}", refusal.word()), words, source.clone());
    }
    let id = match focus.trouble {
        Some(Trouble::Image) => "image-pull-failed",
        Some(Trouble::Config) => "configuration-error",
        Some(Trouble::Start | Trouble::Crash) | None => "waiting",
    };
    if !reason.is_empty() && focus.trouble.is_some() {
        let message = quoted(message, 240);
        let colon = if message.is_empty() { "" } else { ": " };
        let text = format!("{} waits in {reason}{colon}{message}", focus.container.name);
        out.add(id, text, source);
    }
    if !focus.others.is_empty() {
        let others = focus.others.iter().map(|(name, how)| format!("{name}: {how}"));
        let text = format!("other containers fail too: {}", others.collect::<Vec<_>>().join(", "));
        out.add("other-containers", text, "status.containerStatuses".into());
    }
}

/// Why the image can't be had: the waiting message may only say *back-off*; then the newest event says more.
pub(crate) fn refusal(picture: &Picture<'_>, focus: &Focus<'_>) -> Refusal {
    let (reason, message) = focus.container.waiting();
    let first = Refusal::of(reason, message);
    if first != Refusal::Other {
        return first;
    }
    let told = picture
        .events
        .iter()
        .filter(|event| event.reason() == "Failed")
        .filter(|event| event.field().contains(&format!("{{{}}}", focus.container.name)))
        .map(|event| (event.last(), Refusal::of("", event.message())))
        .filter(|(_, refusal)| *refusal != Refusal::Other)
        .max_by_key(|(at, _)| *at);
    told.map_or(first, |(_, refusal)| refusal)
}

pub(super) fn events(picture: &Picture<'_>, out: &mut Facts) {
    let container = picture.focus.as_ref().map_or("", |focus| focus.container.name);
    let of_it = |event: &Event<'_>| {
        event.field().is_empty() || event.field().contains(&format!("{{{container}}}"))
    };
    let newest = |kept: &dyn Fn(&Event<'_>) -> bool| {
        picture
            .events
            .iter()
            .filter(|event| of_it(event) && kept(event))
            .max_by_key(|event| event.last())
            .copied()
    };
    let shown = [
        "probe-refused",
        "probe-timed-out",
        "probe-not-now",
        "probe-wrong",
        "probe-failed",
        "readiness-fails",
    ];
    let told = out.0.iter().any(|fact| shown.contains(&fact.id.as_str()));
    if let Some(event) = newest(&|event| event.reason() == "Unhealthy" && !told) {
        let text = format!("{} ({} times)", quoted(event.message(), 200), event.count());
        out.add_at("unhealthy", text, event.source(), event.last());
    }
    if let Some(event) = newest(&|event| event.reason() == "FailedPostStartHook") {
        let words = format!(
            "its postStart hook fails: {} ({} times)",
            quoted(event.message(), 200),
            event.count()
        );
        out.add_at("hook-failed", words, event.source(), event.last());
    }
    // A pod of which a container runs has its volumes and its network, whatever it took to get them.
    let runs = |about: &str| {
        let of_it = picture.workload.pods.iter().filter(|pod| uid(pod.object) == about);
        of_it.flat_map(|pod| &pod.containers).any(|one| matches!(one.doing, Doing::Running { .. }))
    };
    let mount = |event: &Event<'_>| {
        matches!(event.reason(), "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox")
            && !runs(event.about())
    };
    if let Some(event) = newest(&mount).filter(|_| !picture.stuck.is_empty()) {
        let message = quoted(event.message(), 240);
        let text = format!("{}: {message} ({} times)", event.reason(), event.count());
        out.add_at("mount-failed", text, event.source(), event.last());
        let (id, words) = if event.reason() == "FailedCreatePodSandBox" {
            ("network-not-set-up", "the node can't set up the pod's sandbox or its network")
        } else {
            ("volume-not-mounted", "a volume of the pod can't be attached or mounted")
        };
        out.add_at(id, words.into(), event.source(), event.last());
    }
    if let Some((source, log)) = &picture.log {
        let words = quoted(&last_lines(log, 3), 300);
        if !words.is_empty() {
            out.add("previous-log", format!("its log ends: {words}"), source.clone());
        }
        if let Some((what, line)) = hint::of_log(log) {
            let text = format!("its log points at {what}: {}", quoted(line, 200));
            out.add("log-hint", text, source.clone());
        }
    }
}
