//! What stands around the pods: nodes, evictions, quotas, policies, what they depend on.

use super::gather::{Facts, clock};
use super::status::quoted;
use crate::domain::diagnose::container::Pod;
use crate::domain::diagnose::denied::{Denial, Denied, bounds, used_up};
use crate::domain::diagnose::dependency::{Behind, How, Known};
use crate::domain::diagnose::fields::{int, items, moment, name, text, value};
use crate::domain::diagnose::keepers::writer_of;
use crate::domain::diagnose::node::{Readiness, cordoned, pressures, readiness};
use crate::domain::diagnose::picture::{Picture, last_lines};
use crate::domain::diagnose::pulling::PullSecret;
use crate::domain::diagnose::seats::{evicted, evicted_at, evicted_by, on_one_node};
use crate::domain::diagnose::workload::some_names;
use crate::domain::time::{seconds_between, spoken};
use serde_json::Value;

pub(super) fn nodes(picture: &Picture<'_>, out: &mut Facts) {
    for seat in &picture.seats {
        let Some(node) = seat.node() else { continue };
        let (name, source) = (name(node), seat.key.path());
        let pods = seat.pods.iter().map(String::as_str).collect::<Vec<_>>();
        let (state, since, message) = readiness(node);
        let ago = since.map_or_else(String::new, |at| {
            format!(" since {}", spoken(seconds_between(at, picture.now)))
        });
        let on_it = format!("on it: {}", some_names(&pods));
        let message = quoted(message, 160);
        match state {
            Readiness::Ready | Readiness::NotSaid => {}
            Readiness::NotReady => out.join(
                "node-not-ready",
                format!("{name} is not ready{ago}: {message}; {on_it}"),
                format!("{source}: condition Ready"),
            ),
            Readiness::Lost => out.join(
                "node-lost",
                format!("{name} does not report{ago}: {message}; {on_it}"),
                format!("{source}: condition Ready"),
            ),
        }
        let pressure = pressures(node).join(", ");
        if !pressure.is_empty() {
            let text = format!("{name} reports {pressure}; {on_it}");
            out.join("node-pressure", text, format!("{source}: conditions"));
        }
        if cordoned(node) {
            let text = format!("{name} is cordoned");
            out.join("node-is-cordoned", text, format!("{source}: spec.unschedulable"));
        }
    }
    if let Some((node, failing)) = on_one_node(picture) {
        let text = format!(
            "all {} failing pods are on {node}; pods of the same revision are ready on other nodes",
            failing.len()
        );
        out.add("fails-on-one-node", text, "spec.nodeName of its pods".into());
    }
}

pub(super) fn evictions(picture: &Picture<'_>, out: &mut Facts) {
    let pods = evicted(picture);
    let Some(last) = pods.iter().max_by_key(|pod| evicted_at(pod)) else { return };
    let (message, source) = match evicted_by(last, picture) {
        Some(event) => (event.message(), event.source()),
        None => (
            text(last.object, &["status", "message"]),
            format!("pod {}/{}: status", picture.namespace(), last.name()),
        ),
    };
    let all =
        if pods.len() == 1 { "1 pod was".into() } else { format!("{} pods were", pods.len()) };
    let text = format!(
        "{all} evicted, last {} from {} {}: {}",
        last.name(),
        last.node(),
        clock(evicted_at(last)),
        quoted(message, 240)
    );
    out.add_at("evicted", text, source.clone(), evicted_at(last));
    let own = [
        "exceeds the limit",
        "exceeds the total limit",
        "exceeded its local ephemeral storage limit",
    ];
    if own.iter().any(|words| message.contains(words)) {
        let text = "it went over a limit of its own: the node was not short";
        out.add("evicted-for-own-limit", text.into(), source);
    } else if ["was low on resource", "node had condition"].iter().any(|it| message.contains(it)) {
        let text = "the kubelet says that the node was short".to_string();
        out.add("evicted-for-node", text, source);
    }
}

/// A pod that takes this long to end is worth a word, though it has its time.
const LONG_S: i64 = 30;

/// Pods that were told to end and may take their time, by what they ask for.
fn going(picture: &Picture<'_>, out: &mut Facts) {
    let late = |pod: &&Pod<'_>| {
        let grace = int(pod.object, &["metadata", "deletionGracePeriodSeconds"])?;
        let until = moment(pod.object, &["metadata", "deletionTimestamp"])?;
        let told = grace - seconds_between(picture.now, until);
        (told >= LONG_S).then_some((told, grace))
    };
    let found = picture.workload.going.iter().find_map(|pod| Some((pod, late(&pod)?)));
    let Some((pod, (told, grace))) = found else { return };
    let hook = |one: &Value| value(one, &["lifecycle", "preStop"]).is_some();
    let hooked = items(pod.object, &["spec", "containers"]).iter().any(hook);
    let by = if hooked { ", and has a preStop hook that has to end first" } else { "" };
    let words = format!(
        "pod {} was told to end {} ago; it has {} for that{by}",
        pod.name(),
        spoken(told),
        spoken(grace)
    );
    let source =
        format!("pod {}/{}: metadata.deletionGracePeriodSeconds", picture.namespace(), pod.name());
    out.add("pods-going", words, source);
}

pub(super) fn overdue(picture: &Picture<'_>, out: &mut Facts) {
    let pods = picture.overdue();
    let Some(first) = pods.first() else {
        going(picture, out);
        return;
    };
    let at = moment(first.object, &["metadata", "deletionTimestamp"]);
    let late = at.map_or_else(String::new, |at| spoken(seconds_between(at, picture.now)));
    let names = pods.iter().map(|pod| pod.name()).collect::<Vec<_>>();
    let source =
        format!("pod {}/{}: metadata.deletionTimestamp", picture.namespace(), first.name());
    let text = format!("{} should be gone for {late}", some_names(&names));
    out.add_at("pods-overdue", text, source.clone(), at);
    let finalizers = items(first.object, &["metadata", "finalizers"]);
    let finalizers = finalizers.iter().filter_map(|one| one.as_str()).collect::<Vec<_>>();
    if !finalizers.is_empty() {
        let text = format!("finalizers hold {}: {}", first.name(), finalizers.join(", "));
        out.add("finalizers-hold", text, source.replace("deletionTimestamp", "finalizers"));
    }
}

pub(super) fn denials(picture: &Picture<'_>, out: &mut Facts) {
    let Some(denied) = &picture.denied else { return };
    let words = quoted(denied.words, 300);
    let id = match &denied.denial {
        Denial::Quota(_) => "denied-by-quota",
        Denial::LimitRange => "denied-by-limit-range",
        Denial::Policy(_) => "denied-by-policy",
        Denial::WebhookDown(..) => "denied-webhook-down",
        Denial::Missing(..) => "denied-something-missing",
        Denial::NamespaceEnds => "denied-namespace-ends",
        Denial::Other => "denied",
    };
    out.add_at(id, format!("pods can't be made: {words}"), denied.source.clone(), denied.at);
    refuser(denied, out);
}

fn refuser(denied: &Denied<'_>, out: &mut Facts) {
    let Some((reference, object)) = &denied.refuser else { return };
    let (id, figures) = if reference.key.kind == "ResourceQuota" {
        ("quota", used_up(object))
    } else {
        ("limit-range", bounds(object))
    };
    if !figures.is_empty() {
        let text = format!("{}: {}", reference.key.path(), figures.join(", "));
        out.add(id, text, reference.key.path());
    }
}

/// How the workloads behind a Service are: `; deploy/db has 0 of 1 pods ready`.
fn standing(behind: &[Behind<'_>]) -> String {
    let words = behind.iter().map(|one| {
        let path = one.reference.key.short_path();
        let by = match writer_of(one.object, "replicas") {
            _ if one.wanted > 0 => String::new(),
            Some(by) => format!(" (scaled to zero by {})", by.manager),
            None => " (scaled to zero)".into(),
        };
        format!("; {path} has {} of {} pods ready{by}", one.ready, one.wanted)
    });
    words.collect()
}

/// What the workload behind the address says itself: no rule weighs it, and the person needs it.
fn own_words(picture: &Picture<'_>, out: &mut Facts) {
    let Some(words) = &picture.own_words else { return };
    let path = words.pod.path();
    let text = format!("pod {}: {}", words.pod.name, quoted(&words.state, 300));
    out.add("dependency-stands", text, format!("{path}: status"));
    let Some((source, log)) = &words.log else { return };
    let end = quoted(&last_lines(log, 3), 300);
    if !end.is_empty() {
        let text = format!("the log of pod {} ends: {end}", words.pod.name);
        out.add("dependency-says", text, source.clone());
    }
}

pub(super) fn dependency(picture: &Picture<'_>, out: &mut Facts) {
    let Some(dependency) = &picture.dependency else { return };
    let words = dependency.words();
    let line = quoted(&dependency.address.line, 200);
    let text = format!("its log says that {words} {}: {line}", dependency.address.how.words());
    out.add("dependency-complaint", text, dependency.source.clone());
    let service = dependency.service.as_ref().map(|(key, _)| key.path()).unwrap_or_default();
    let behind = standing(&dependency.behind);
    let source = if service.is_empty() { format!("looked up {words}") } else { service.clone() };
    match dependency.known {
        Known::NotReady => {
            let text = format!("{service} has no ready endpoint{behind}");
            out.add("dependency-not-ready", text, source);
        }
        Known::Ready(count) => {
            let text = format!("{service} has {count} ready endpoints{behind}");
            out.add("dependency-ready", text, source);
        }
        Known::Nowhere => {
            let text = format!("no Service is called {words}");
            out.add("dependency-nowhere", text, source);
        }
        Known::Outside => {
            let text = format!("{words} is outside the cluster, as far as can be told");
            out.add("dependency-outside", text, source);
        }
        Known::Unread => {}
    }
    own_words(picture, out);
    if dependency.address.how == How::Unanswered {
        let text = format!("the name server did not answer when {words} was looked up");
        out.add("dns-unanswered", text, dependency.source.clone());
    }
    if dependency.address.how.of_name() && dependency.service.is_some() {
        let text = format!("{service} exists: a DNS that works would resolve its name");
        out.add("name-is-known", text, service.clone());
    }
    if let Some(dns) = &dependency.dns {
        let (path, behind) = (dns.key.path(), standing(&dns.behind));
        let (id, text) = match dns.known {
            Known::NotReady => ("dns-not-ready", format!("{path} has no ready endpoint{behind}")),
            Known::Ready(count) => ("dns-ready", format!("{path} has {count} ready endpoints")),
            Known::Nowhere | Known::Outside | Known::Unread => {
                ("dns", format!("whether {path} works is not known"))
            }
        };
        out.add(id, text, path);
    }
    if let Some(refusing) = &picture.refusing {
        let source = format!("{}: spec", refusing.policy.key.path());
        out.add(refusing.way.fact(), refusing.words.clone(), source);
    }
    if dependency.has_port() == Some(false) {
        let text = format!("{service} has no such port");
        out.add("dependency-port", text, format!("{service}: spec.ports"));
    }
}

pub(super) fn pull_secrets(picture: &Picture<'_>, out: &mut Facts) {
    for (name, found) in &picture.pull_secrets {
        let path = format!("Secret {}/{name}", picture.namespace());
        let (id, text) = match found {
            PullSecret::Absent => {
                ("pull-secret-missing", format!("pull secret {name} does not exist"))
            }
            PullSecret::OtherType(kind) => (
                "pull-secret-wrong",
                format!("pull secret {name} is of type {kind}, which the kubelet does not take"),
            ),
            PullSecret::There => ("pull-secret", format!("pull secret {name} is there")),
            PullSecret::NotKnown => continue,
        };
        out.join(id, text, path);
    }
}
