//! The facts that a picture holds: each one sentence, quoted from one place, under a stable id that rules weigh.

use super::container::{Run, Trouble};
use super::differ::Difference;
use super::fields::{int, moment, name, text, value};
use super::keepers::{last_writer, managers, writer_of};
use super::memory::{AT_LIMIT, SHORTEST_LIFE_S, Shape};
use super::picture::{Picture, last_lines, template_references, unschedulable};
use super::revisions::{Earlier, Health};
use super::workload::some_names;
use crate::domain::evidence::{Bearing, Fact};
use crate::domain::quantity::spoken_bytes;
use crate::domain::time::{Timestamp, seconds_between, spoken};

/// A run shorter than this, killed for memory, died while it started.
pub(crate) const START_S: i64 = 60;
const HOUR_S: i64 = 3_600;
/// Trouble that begins within this of a rollout began with it.
const WITH_ROLLOUT_S: i64 = 900;

/// Collects facts.
#[derive(Debug, Default)]
struct Facts(Vec<Fact>);

impl Facts {
    fn add(&mut self, id: &str, text: String, source: String) {
        self.add_at(id, text, source, None);
    }

    fn add_at(&mut self, id: &str, text: String, source: String, at: Option<Timestamp>) {
        let bearing = Bearing::Context;
        self.0.push(Fact { id: id.into(), text, source, bearing, at });
    }
}

/// All facts of a picture, those that could not be read last.
pub(crate) fn facts(picture: &Picture<'_>) -> Vec<Fact> {
    let mut out = Facts::default();
    alerts(picture, &mut out);
    runs(picture, &mut out);
    waiting(picture, &mut out);
    events(picture, &mut out);
    memory(picture, &mut out);
    rollout(picture, &mut out);
    configuration(picture, &mut out);
    workload(picture, &mut out);
    keepers(picture, &mut out);
    out.0.extend(picture.missing.iter().cloned());
    out.0
}

fn clock(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "at an unknown time".into(), |at| at.format("%H:%M:%SZ").to_string())
}

fn alerts(picture: &Picture<'_>, out: &mut Facts) {
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

fn runs(picture: &Picture<'_>, out: &mut Facts) {
    let Some(focus) = picture.focus.as_ref().filter(|focus| focus.trouble.is_some()) else {
        return;
    };
    let container = focus.container.name;
    let pods = focus.pods.iter().map(super::container::Pod::name).collect::<Vec<_>>();
    let source = |run: &Run| {
        let pod = focus.pod;
        format!("pod {}/{pod}: status of container {container}, {}", picture.namespace(), run.field)
    };
    let all = focus.pods.iter().flat_map(|pod| &pod.containers).filter(|one| one.name == container);
    let restarts = all.clone().map(|one| one.restarts).sum::<i64>();
    if restarts > 0 {
        out.add(
            "restarts",
            format!("container {container} restarted {restarts} times in {}", some_names(&pods)),
            format!("status.containerStatuses[{container}].restartCount"),
        );
    }
    let oom = all.clone().flat_map(|one| &one.runs).filter(|run| run.oom()).count();
    let ended = all.flat_map(|one| &one.runs).count();
    if let Some(run) = focus.container.runs.iter().find(|run| run.oom()).filter(|_| oom > 0) {
        out.add_at(
            "oom-killed",
            format!(
                "{oom} of the last {ended} runs of {container} OOMKilled; last {}",
                run_words(run)
            ),
            source(run),
            run.finished,
        );
        if oom > 1 {
            let text = format!("{oom} runs in a row ended the same way");
            out.add("oom-again", text, source(run));
        }
        match run.seconds() {
            Some(seconds) if seconds < START_S => out.add(
                "died-at-start",
                format!("killed {} after its start", spoken(seconds)),
                source(run),
            ),
            Some(seconds) if seconds >= super::container::RECENT_S => out.add(
                "died-late",
                format!("killed {} after its start", spoken(seconds)),
                source(run),
            ),
            Some(_) | None => {}
        }
        if picture.limit().is_none() {
            out.add(
                "no-limit",
                format!("container {container} has no memory limit: the node was short, not the container"),
                format!("spec.containers[{container}].resources"),
            );
        }
        return;
    }
    let Some(run) = focus.container.last_run() else { return };
    let (id, note) = match (run.exit_code, run.reason.as_str()) {
        (_, "StartError" | "ContainerCannotRun") => ("start-failed", String::new()),
        (137, _) => ("exit-code", " — SIGKILL, but not for memory".to_string()),
        _ => ("exit-code", String::new()),
    };
    let message =
        run.message.lines().next().unwrap_or_default().chars().take(200).collect::<String>();
    let message = if message.is_empty() { message } else { format!(": {message}") };
    out.add_at(
        id,
        format!("{container} ended {}{note}{message}", run_words(run)),
        source(run),
        run.finished,
    );
    if let Some(seconds) = run.seconds().filter(|seconds| *seconds >= super::container::RECENT_S) {
        out.add_at(
            "ran-long",
            format!("its last run went well for {}", spoken(seconds)),
            source(run),
            run.finished,
        );
    }
}

fn waiting(picture: &Picture<'_>, out: &mut Facts) {
    let Some(focus) = &picture.focus else { return };
    let (reason, message) = focus.container.waiting();
    let source = format!(
        "pod {}/{}: status of container {}, state.waiting",
        picture.namespace(),
        focus.pod,
        focus.container.name
    );
    let id = match focus.trouble {
        Some(Trouble::Image) => "image-pull-failed",
        Some(Trouble::Config) => "configuration-error",
        Some(Trouble::Start | Trouble::Crash) | None => "waiting",
    };
    if !reason.is_empty() && focus.trouble.is_some() {
        let message = message.chars().take(240).collect::<String>();
        let colon = if message.is_empty() { "" } else { ": " };
        let text = format!("{} waits in {reason}{colon}{message}", focus.container.name);
        out.add(id, text, source);
    }
    if !focus.others.is_empty() {
        out.add(
            "other-containers",
            format!("other containers fail too: {}", focus.others.join(", ")),
            "status.containerStatuses".into(),
        );
    }
}

fn events(picture: &Picture<'_>, out: &mut Facts) {
    let container = picture.focus.as_ref().map_or("", |focus| focus.container.name);
    let of_it = |event: &super::event::Event<'_>| {
        event.field().is_empty() || event.field().contains(&format!("{{{container}}}"))
    };
    let probe = |event: &&super::event::Event<'_>| {
        event.reason() == "Killing"
            && (event.message().contains("failed liveness probe")
                || event.message().contains("failed startup probe"))
    };
    let newest = |kept: &dyn Fn(&super::event::Event<'_>) -> bool| {
        picture
            .events
            .iter()
            .filter(|event| of_it(event) && kept(event))
            .max_by_key(|event| event.last())
            .copied()
    };
    if let Some(event) = newest(&|event| probe(&event)) {
        let text =
            format!("{} ({} times, last {})", event.message(), event.count(), clock(event.last()));
        out.add_at("probe-killed", text, event.source(), event.last());
    }
    if let Some(event) = newest(&|event| event.reason() == "Unhealthy") {
        let message = event.message().chars().take(200).collect::<String>();
        let text = format!("{} ({} times)", message.trim(), event.count());
        out.add_at("unhealthy", text, event.source(), event.last());
    }
    let mount = |event: &super::event::Event<'_>| {
        matches!(event.reason(), "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox")
    };
    if let Some(event) = newest(&mount).filter(|_| !picture.stuck.is_empty()) {
        let text = format!("{}: {} ({} times)", event.reason(), event.message(), event.count());
        out.add_at("mount-failed", text, event.source(), event.last());
    }
    if let Some((source, log)) = &picture.log {
        let words = last_lines(log, 3);
        if !words.is_empty() {
            out.add("previous-log", format!("its log ends: {words}"), source.clone());
        }
    }
}

fn memory(picture: &Picture<'_>, out: &mut Facts) {
    let Some(focus) = &picture.focus else { return };
    let container = focus.container.name;
    let words =
        |class: &str| focus.container.resource(class, "memory").unwrap_or("none").to_string();
    out.add(
        "memory-limit",
        format!(
            "container {container}: memory limit {}, request {}",
            words("limits"),
            words("requests")
        ),
        format!("spec.containers[{container}].resources"),
    );
    let Some(usage) = &picture.usage else { return };
    let source = "Prometheus: container_memory_working_set_bytes".to_string();
    let bytes = |value: f64| {
        // Sizes of memory are whole and far below 2^53; negative ones don't occur.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let whole = value.max(0.0) as u64;
        spoken_bytes(whole)
    };
    if let Some(limit) = picture.limit() {
        #[allow(clippy::cast_precision_loss)]
        let share = usage.peak / (limit as f64).max(1.0);
        let text = format!(
            "working set up to {} of {} ({:.0} %)",
            bytes(usage.peak),
            spoken_bytes(limit),
            share * 100.0
        );
        let id = if share >= AT_LIMIT { "usage-at-limit" } else { "usage" };
        out.add(id, text, source.clone());
    }
    let Some(life) = &usage.longest else {
        let lives = usage.lives.len();
        let text = format!(
            "{lives} lives sampled, none longer than {SHORTEST_LIFE_S} s: growth can't be told"
        );
        out.add("usage-short", text, source);
        return;
    };
    let line = format!(
        "{} → {} in {}, {}/min, R² {:.2}",
        bytes(life.first),
        bytes(life.last),
        spoken(seconds_of(life.seconds)),
        bytes(life.slope.abs() * 60.0),
        life.r2
    );
    match usage.shape {
        Shape::Growing => {
            out.add(
                "usage-growing",
                format!("working set grows through the whole life: {line}"),
                source.clone(),
            );
            if usage.grew.0 > 1 {
                let text = format!("{} of {} lives grew to their end", usage.grew.0, usage.grew.1);
                out.add("usage-growing-again", text, source);
            }
        }
        Shape::Flat => {
            out.add("usage-flat", format!("working set is flat after its start: {line}"), source)
        }
        Shape::Uneven => {
            out.add("usage-uneven", format!("working set goes up and down: {line}"), source)
        }
        Shape::TooShort => out.add("usage-short", "no life was long enough".into(), source),
    }
}

/// Whole seconds, for words.
fn seconds_of(seconds: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation)]
    let whole = seconds as i64;
    whole
}

fn rollout(picture: &Picture<'_>, out: &mut Facts) {
    let Some(history) = &picture.history else { return };
    let current = &history.current;
    let source = format!("{} {}", current.holder.key.kind, current.holder.key.name);
    let age = current.created.map(|at| seconds_between(at, picture.now));
    let words = age.map_or_else(String::new, |age| format!(", made {} ago", spoken(age)));
    out.add_at(
        "rollout",
        format!("revision {}{words}", current.number),
        source.clone(),
        current.created,
    );
    let Some(best) = history.best() else {
        out.add("first-revision", "no earlier revision is kept".into(), source);
        return;
    };
    since_rollout(picture, current.created, &source, out);
    let troubled = picture.pods_in_trouble();
    if !troubled.is_empty() && troubled.iter().all(|pod| history.is_current(pod)) {
        let text =
            format!("all {} failing pods are of revision {}", troubled.len(), current.number);
        out.add("only-current-fails", text, source.clone());
    }
    differences(picture, best, &source, out);
    health(best, &source, out);
    for one in &history.earlier {
        if let Health::Failed(why) = &one.health
            && one.revision.number != best.revision.number
        {
            let text = format!("revision {} did not work either: {why}", one.revision.number);
            out.add(&format!("earlier-failed-{}", one.revision.number), text, source.clone());
        }
    }
}

fn since_rollout(picture: &Picture<'_>, created: Option<Timestamp>, source: &str, out: &mut Facts) {
    let (Some(created), Some(first)) = (created, picture.first_trouble()) else { return };
    let delay = seconds_between(created, first);
    // A little slack: Prometheus evaluates with its own clock, and an alert of the last episode may fire still.
    if delay <= WITH_ROLLOUT_S {
        let text = format!("the trouble began {} after the rollout", spoken(delay));
        out.add_at("trouble-since-rollout", text, source.into(), Some(first));
    } else if delay >= HOUR_S {
        let text =
            format!("the revision had been there for {} when the trouble began", spoken(delay));
        out.add_at("trouble-long-after-rollout", text, source.into(), Some(first));
    }
}

fn differences(picture: &Picture<'_>, best: &Earlier<'_>, source: &str, out: &mut Facts) {
    let number = best.revision.number;
    let material = best.differences.iter().filter(|one| one.material()).collect::<Vec<_>>();
    if material.is_empty() {
        let text = format!("revision {number} runs the same: only labels or annotations differ");
        out.add("nothing-differs", text, source.into());
        return;
    }
    let mut words = material
        .iter()
        .take(4)
        .map(|one| format!("{}: {}", one.path, one.words))
        .collect::<Vec<_>>();
    if material.len() > 4 {
        words.push(format!("and {} more", material.len() - 4));
    }
    out.add(
        "revision-differs",
        format!("since revision {number}: {}", words.join("; ")),
        source.into(),
    );
    let Some(focus) = &picture.focus else { return };
    let touches =
        |one: &&&Difference| one.container().is_none_or(|name| name == focus.container.name);
    let touching = material.iter().filter(touches).collect::<Vec<_>>();
    if touching.is_empty() {
        let text = format!("nothing of container {} differs", focus.container.name);
        out.add("container-unchanged", text, source.into());
    }
    if touching.iter().any(|one| one.ends(&["resources", "limits", "memory"]))
        && lowered(picture, best)
    {
        let text = format!("revision {number} had a higher memory limit");
        out.add("limit-lowered", text, source.into());
    }
    let image = |one: &&&&Difference| one.ends(&["image"]) || one.ends(&["imagePullSecrets"]);
    if !touching.iter().any(|one| image(&one)) && focus.trouble == Some(Trouble::Image) {
        out.add("image-unchanged", "its image did not change".into(), source.into());
    }
}

/// Whether the current limit is below that of the earlier revision.
fn lowered(picture: &Picture<'_>, best: &Earlier<'_>) -> bool {
    let Some(focus) = &picture.focus else { return false };
    let before = super::fields::items(best.revision.template, &["spec", "containers"])
        .iter()
        .find(|one| text(one, &["name"]) == focus.container.name)
        .map(|one| text(one, &["resources", "limits", "memory"]));
    match (before.map(crate::domain::quantity::parse_bytes), picture.limit()) {
        (Some(Some(before)), Some(now)) => now < before,
        (Some(None), Some(_)) => true,
        (_, None) | (None, _) => false,
    }
}

fn health(best: &Earlier<'_>, source: &str, out: &mut Facts) {
    let number = best.revision.number;
    let (id, text) = match &best.health {
        Health::Ready { pods } => {
            ("earlier-ready", format!("{pods} pods of revision {number} are ready now"))
        }
        Health::Ran { seconds, pod } => (
            "earlier-ran",
            format!("pod {pod} of revision {number} ran {} without a failure", spoken(*seconds)),
        ),
        Health::Stood { seconds } => (
            "earlier-stood",
            format!(
                "revision {number} was the newest for {}; whether it worked is not known",
                spoken(*seconds)
            ),
        ),
        Health::NotKnown => {
            ("earlier-not-known", format!("whether revision {number} worked is not known"))
        }
        Health::Failed(why) => {
            ("earlier-failed", format!("revision {number} did not work either: {why}"))
        }
    };
    let source =
        format!("{} {}; {source}", best.revision.holder.key.kind, best.revision.holder.key.name);
    out.add(id, text, source);
}

fn configuration(picture: &Picture<'_>, out: &mut Facts) {
    let namespace = picture.namespace();
    let mut said_so = 0;
    for absent in &picture.absent {
        let words = absent.reference.words(namespace);
        let places = absent.places.join(", ");
        let source = absent.said.clone().unwrap_or_else(|| format!("looked up {words}"));
        let (id, text) = match (absent.confirmed, absent.appeared, &absent.said) {
            (true, _, Some(_)) => {
                ("configuration-missing", format!("{words} does not exist; {places} needs it"))
            }
            (true, _, None) => (
                "reference-missing",
                format!("{words} does not exist, but nothing waits for it; {places} names it"),
            ),
            (false, true, _) => {
                ("configuration-appeared", format!("{words} was missing, and is there now"))
            }
            (false, false, _) => (
                "configuration-said-missing",
                format!("the kubelet can't find {words}; {places} needs it"),
            ),
        };
        if let Some(known) = out.0.iter_mut().find(|fact| fact.id == id) {
            known.text = format!("{}; {text}", known.text);
            continue;
        }
        said_so += usize::from(absent.said.is_some());
        out.add(id, text, source);
    }
    if said_so > 0
        && let Some(best) = picture.history.as_ref().and_then(|history| history.best())
    {
        let before = template_references(best.revision.template);
        let number = best.revision.number;
        if picture.absent.iter().all(|absent| !before.contains(&absent.reference)) {
            out.add(
                "earlier-needs-it-not",
                format!("revision {number} does not refer to it"),
                format!("{} {}", best.revision.holder.key.kind, best.revision.holder.key.name),
            );
        }
    }
    for object in &picture.configuration {
        let Some(writer) = last_writer(object) else { continue };
        let Some(at) = writer.at.filter(|at| seconds_between(*at, picture.now) <= HOUR_S) else {
            continue;
        };
        let what = format!("{} {}", text(object, &["kind"]), name(object));
        let ago = spoken(seconds_between(at, picture.now));
        let text = format!("{what} was written {ago} ago by {}", writer.manager);
        out.add_at(&format!("written-{}", name(object)), text, writer.source, Some(at));
    }
}

fn workload(picture: &Picture<'_>, out: &mut Facts) {
    let workload = &picture.workload;
    let path = workload.reference.key.path();
    if workload.pods_known && workload.keeps_pods() {
        let text = format!("{} of {} pods ready", workload.ready(), workload.desired());
        out.add("pods", text, format!("{path}: its pods"));
    }
    if let Some((pod, why)) = unschedulable(&picture.stuck) {
        let source = format!("pod {}/{pod}: condition PodScheduled", picture.namespace());
        out.add("unschedulable", format!("pod {pod} can't be placed: {why}"), source);
    }
    for kind in ["ReplicaFailure", "Progressing", "Failed"] {
        let Some(condition) = workload.condition(kind) else { continue };
        let holds = text(condition, &["status"]) == "True";
        if holds == (kind != "Progressing") {
            let words =
                format!("{}: {}", text(condition, &["reason"]), text(condition, &["message"]));
            let at = moment(condition, &["lastTransitionTime"]);
            let id = format!("condition-{}", kind.to_ascii_lowercase());
            out.add_at(&id, words, format!("{path}: condition {kind}"), at);
        }
    }
    let of = |field: &str| {
        writer_of(workload.object, field).map_or_else(
            || "by whom is not known".into(),
            |writer| {
                let ago = writer.at.map(|at| spoken(seconds_between(at, picture.now)));
                format!(
                    "by {}, {} ago",
                    writer.manager,
                    ago.unwrap_or_else(|| "unknown time".into())
                )
            },
        )
    };
    if workload.paused() {
        let field = if value(workload.object, &["spec", "paused"]).is_some() {
            "paused"
        } else {
            "suspend"
        };
        out.add(
            "paused",
            format!("its rollout is paused, {}", of(field)),
            format!("{path}: spec.{field}"),
        );
    }
    if workload.keeps_pods() && int(workload.object, &["spec", "replicas"]) == Some(0) {
        let text = format!("scaled to zero, {}", of("replicas"));
        out.add("scaled-to-zero", text, format!("{path}: spec.replicas"));
    }
    for (index, autoscaler) in picture.autoscalers.iter().enumerate() {
        let id = if index == 0 { "autoscaler".into() } else { format!("autoscaler-{}", index + 1) };
        let most = int(autoscaler, &["spec", "maxReplicas"]).unwrap_or(0);
        let least = int(autoscaler, &["spec", "minReplicas"]).unwrap_or(1);
        let text = format!("autoscaler {} keeps {least} to {most} replicas", name(autoscaler));
        out.add(&id, text, format!("HorizontalPodAutoscaler {}", name(autoscaler)));
    }
}

fn keepers(picture: &Picture<'_>, out: &mut Facts) {
    let object = picture.workload.object;
    let path = picture.workload.reference.key.path();
    if let Some(writer) = last_writer(object) {
        let ago = writer.at.map(|at| spoken(seconds_between(at, picture.now)));
        let text = format!(
            "last written by {}, {} ago",
            writer.manager,
            ago.unwrap_or_else(|| "unknown time".into())
        );
        out.add_at("last-writer", text, format!("{path}: {}", writer.source), writer.at);
    }
    for manager in managers(object) {
        let reverts = if manager.reverts { ", which reverts changes" } else { "" };
        let id = format!("manager-{}", manager.kind.to_ascii_lowercase().replace(' ', "-"));
        out.add(
            &id,
            format!("managed by {} {}{reverts}", manager.kind, manager.name),
            format!("{path}: {}", manager.source),
        );
    }
}
