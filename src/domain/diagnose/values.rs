//! The figures that templates use, by name. See [`super`] for what each means.

use super::denied::Denial;
use super::picture::Picture;
use super::reader::Got;
use super::revisions::{Health, Revision};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All values that are known; what is not known is absent.
pub(crate) fn values(picture: &Picture<'_>) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(name.to_string(), value);
        }
    };
    let workload = &picture.workload;
    put("replicas", Some(json!(workload.desired())));
    put("ready", workload.pods_known.then(|| json!(workload.ready())));
    put(
        "restarts",
        Some(json!(workload.pods.iter().map(super::container::Pod::restarts).sum::<i64>())),
    );
    put("paused", Some(json!(workload.paused())));
    put("autoscaled", Some(json!(!picture.autoscalers.is_empty())));
    put("memory_limit_bytes", picture.limit().map(|bytes| json!(bytes)));
    put("memory_request_bytes", picture.request().map(|bytes| json!(bytes)));
    if let Some(usage) = &picture.usage {
        put("peak_working_set_bytes", Some(whole(usage.peak)));
        put("working_set_bytes", Some(whole(usage.now)));
        put("slope_bytes_per_s", usage.longest.as_ref().map(|life| json!(life.slope)));
    }
    if let Some(focus) = &picture.focus {
        put("container", Some(json!(focus.container.name)));
        put("pod", Some(json!(focus.pod)));
        let pods = focus.pods.iter().map(super::container::Pod::name).collect::<Vec<_>>();
        put("failing_pods", Some(json!(pods)));
        let runs = focus.pods.iter().flat_map(|pod| &pod.containers);
        let runs = runs.filter(|one| one.name == focus.container.name).flat_map(|one| &one.runs);
        put("oom_kills", Some(json!(runs.filter(|run| run.oom()).count())));
        let run = focus.container.last_run();
        put("run_seconds_last", run.and_then(super::container::Run::seconds).map(|s| json!(s)));
        put("exit_code_last", run.map(|run| json!(run.exit_code)));
    }
    if let Some(history) = &picture.history {
        put("current_revision", Some(revision(&history.current)));
        if let Some(best) = history.best() {
            let works = match best.health {
                Health::Ready { .. } | Health::Ran { .. } | Health::Stood { .. } => true,
                Health::NotKnown | Health::Failed(_) => false,
            };
            let material = best.differences.iter().filter(|one| one.material());
            let changed = material.map(|one| one.path.to_string()).collect::<Vec<_>>();
            if works && !changed.is_empty() {
                put("healthy_revision", Some(revision(&best.revision)));
            }
            put("changed", Some(json!(changed)));
        }
    }
    let namespace = picture.namespace();
    let missing = picture.absent.iter().filter(|absent| absent.said.is_some() && !absent.appeared);
    let missing = missing.map(|absent| absent.reference.words(namespace)).collect::<Vec<_>>();
    let denied = picture.denied.as_ref().and_then(|denied| match &denied.denial {
        Denial::Missing(kind, name) => Some(format!("{kind} {namespace}/{name}")),
        Denial::Quota(_)
        | Denial::LimitRange
        | Denial::Policy(_)
        | Denial::WebhookDown(..)
        | Denial::NamespaceEnds
        | Denial::Other => None,
    });
    let gone = picture.placing.iter().flat_map(|placing| &placing.claims);
    let gone = gone.filter(|claim| claim.got == Got::Gone);
    let gone = gone.map(|claim| format!("PersistentVolumeClaim {namespace}/{}", claim.key.name));
    let missing = missing.into_iter().chain(denied).chain(gone).collect::<Vec<_>>();
    put("missing", (!missing.is_empty()).then(|| json!(missing.join(", "))));
    out.extend(super::figures::figures(picture));
    out
}

fn whole(bytes: f64) -> Value {
    // Sizes of memory are whole and far below 2^53; negative ones don't occur.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let bytes = bytes.max(0.0) as u64;
    json!(bytes)
}

fn revision(revision: &Revision<'_>) -> Value {
    json!({
        "number": revision.number,
        "kind": revision.holder.key.kind,
        "name": revision.holder.key.name,
        "uid": revision.holder.uid,
    })
}
