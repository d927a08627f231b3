//! More figures that templates use: of probes, images, placing, dependencies and controllers. See [`super`] for what
//! each means.

use super::event::Event;
use super::facts::refusal;
use super::fields::{int, items, name, text};
use super::node::spoken_amount;
use super::picture::Picture;
use super::placing::{Fit, Why};
use super::probe::{Probe, ProbeKind};
use super::seats::evicted;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All that are known.
pub(crate) fn figures(picture: &Picture<'_>) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    probe(picture, &mut out);
    image(picture, &mut out);
    placing(picture, &mut out);
    around(picture, &mut out);
    controllers(picture, &mut out);
    out.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

type Out = BTreeMap<&'static str, Value>;

/// The probe that failed last, by its events.
fn probe(picture: &Picture<'_>, out: &mut Out) {
    let Some(focus) = &picture.focus else { return };
    let Some(spec) = focus.container.spec else { return };
    let of_it = |event: &&Event<'_>| {
        event.field().contains(&format!("{{{}}}", focus.container.name))
            && matches!(event.reason(), "Killing" | "Unhealthy")
    };
    let newest = picture
        .events
        .iter()
        .filter(of_it)
        .filter_map(|event| {
            let kind = ProbeKind::told(event.message())?;
            Some((event.reason() == "Killing", event.last(), kind))
        })
        .max_by_key(|(killing, at, _)| (*killing, *at));
    let Some(probe) = newest.and_then(|(_, _, kind)| Probe::of(spec, kind)) else { return };
    out.insert("probe", json!(probe.kind.word()));
    out.insert("probe_asks", json!(probe.asks()));
    out.insert("initial_delay_seconds", json!(probe.initial_delay()));
    out.insert("probe_period_seconds", json!(probe.period()));
    out.insert("probe_timeout_seconds", json!(probe.timeout()));
    out.insert("probe_failures", json!(probe.failures()));
    out.insert("probe_patience_seconds", json!(probe.patience()));
    if let Some(path) = probe.path() {
        out.insert("probe_path", json!(path));
    }
}

fn image(picture: &Picture<'_>, out: &mut Out) {
    use super::container::Trouble;
    let Some(focus) = picture.focus.as_ref().filter(|one| one.trouble == Some(Trouble::Image))
    else {
        return;
    };
    let image = focus.container.spec.map_or("", |spec| text(spec, &["image"]));
    out.insert("image", json!(image));
    out.insert("pull_problem", json!(refusal(picture, focus).word()));
}

fn placing(picture: &Picture<'_>, out: &mut Out) {
    let Some(placing) = &picture.placing else { return };
    let asked = placing.requested.iter().filter(|(_, amount)| **amount > 0);
    let asked = asked
        .map(|(resource, amount)| (resource.clone(), json!(spoken_amount(resource, *amount))))
        .collect::<serde_json::Map<_, _>>();
    out.insert("requests", Value::Object(asked));
    let short = placing.parts.iter().filter_map(|part| match &part.why {
        Why::Short(resource) => Some(resource.clone()),
        Why::Cordoned
        | Why::Taint(_)
        | Why::Selector
        | Why::OtherPods
        | Why::Ports
        | Why::VolumeElsewhere
        | Why::Claim
        | Why::Other => None,
    });
    put_list("short_of", short.collect(), out);
    let taints = placing.nodes(Fit::but_for_taints);
    let taints = taints.iter().flat_map(|fit| &fit.taints).map(|taint| taint.words.clone());
    put_list("taint", taints.collect(), out);
    let labels = super::node::wanted_labels(placing.spec).into_iter().map(|(_, words)| words);
    put_list("wanted_labels", labels.collect(), out);
    if let Some(claim) = placing.claims.first() {
        out.insert("claim", json!(claim.key.name));
    }
    let unfit = placing.nodes(Fit::but_for_state);
    if let Some(fit) = unfit.first() {
        out.insert("node", json!(name(fit.node)));
    }
}

fn put_list(name: &'static str, mut all: Vec<String>, out: &mut Out) {
    all.sort();
    all.dedup();
    if !all.is_empty() {
        out.insert(name, json!(all));
    }
}

fn around(picture: &Picture<'_>, out: &mut Out) {
    if let Some(seat) = picture.seats.first() {
        out.insert("node", json!(seat.key.name));
    }
    if let Some(dependency) = &picture.dependency {
        out.insert("dependency", json!(dependency.words()));
        if let Some(behind) = dependency.culprit() {
            out.insert("dependency_object", json!(behind.reference.key.path()));
        }
        if let Some(words) = &picture.own_words {
            let log = words.log.as_ref().map_or("", |(_, log)| *log);
            let end = super::picture::last_lines(log, 3);
            let log = if end.is_empty() { end } else { format!("; its log ends: {end}") };
            let all = format!("pod {}: {}{log}", words.pod.name, words.state);
            let all = crate::domain::text::redact(&all);
            out.insert("dependency_says", json!(crate::domain::text::shorten(all.trim(), 500)));
        }
    }
    if let Some(denied) = &picture.denied {
        out.insert("denied", json!(crate::domain::text::shorten(denied.words, 400)));
        if let Some((reference, _)) = &denied.refuser {
            out.insert("quota", json!(reference.key.name));
        }
    }
    let overdue = picture.overdue();
    put_list("overdue_pods", overdue.iter().map(|pod| pod.name().to_string()).collect(), out);
    let held = overdue.first().map(|pod| items(pod.object, &["metadata", "finalizers"]));
    let held = held.into_iter().flatten().filter_map(Value::as_str).map(str::to_string);
    put_list("finalizers", held.collect(), out);
    let gone = evicted(picture).into_iter().map(|pod| pod.name().to_string());
    put_list("evicted_pods", gone.collect(), out);
}

fn controllers(picture: &Picture<'_>, out: &mut Out) {
    let stale = super::facts::broken_and_earlier(picture);
    if !stale.is_empty() {
        out.insert("stale_pods", json!(stale));
    }
    if let Some((job, _)) = picture.job() {
        out.insert("job", json!(job.key.name));
    }
    if let Some(cpu) = &picture.cpu {
        out.insert("cpu_limit_millis", json!(cpu.limit_milli));
        if let Some(share) = cpu.throttled {
            out.insert("throttled_share", json!((share * 100.0).round() / 100.0));
        }
        if let Some(used) = cpu.used {
            out.insert("cpu_used_millis", json!((used * 1_000.0).round()));
        }
    }
    if let [autoscaler] = picture.autoscalers.as_slice() {
        out.insert("autoscaler", json!(name(autoscaler)));
        if let Some(most) = int(autoscaler, &["spec", "maxReplicas"]) {
            out.insert("max_replicas", json!(most));
        }
    }
}
