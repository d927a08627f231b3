//! The shapes of what kubelets report, as a real 1.34 kubelet writes them.

use super::json::{items, stamp, text};
use super::pod::{ContainerRun, PodRun, Record, Records, Run, Stage};
use super::world::World;
use serde_json::{Value, json};

/// One entry of `status.containerStatuses`.
pub(super) fn container_status(
    run: &PodRun,
    state: &ContainerRun,
    container: &Value,
    records: &Records,
) -> Value {
    let record = records
        .get(&run.key.namespace, &run.key.name, &state.name)
        .filter(|record| record.runs.first().is_none_or(|first| first.started >= run.since));
    let image = text(container, &["image"]);
    let last = record.and_then(Record::last);
    let ended = record.and_then(Record::last_ended).map(|(run, end)| terminated(run, end));
    let (now, before) = match &state.stage {
        Stage::Running => {
            let since = last.map(|run| stamp(run.started)).unwrap_or_default();
            (json!({"running": {"startedAt": since}}), ended.clone())
        }
        Stage::Ended => (ended.clone().unwrap_or_else(|| json!({})), earlier(record)),
        waiting => (json!({ "waiting": waiting_state(run, state, waiting, image) }), ended.clone()),
    };
    let mut status = json!({
        "image": image,
        "imageID": last.map(|_| format!("sha256:{}", image_id(image))).unwrap_or_default(),
        "lastState": before.unwrap_or_else(|| json!({})),
        "name": state.name,
        "ready": state.ready && state.stage == Stage::Running,
        "restartCount": state.restarts,
        "started": state.stage == Stage::Running,
        "state": now,
    });
    if let Some(last) = last {
        super::json::set(&mut status, &["containerID"], Value::from(container_id(last)));
        let resources = container.get("resources").cloned().unwrap_or_else(|| json!({}));
        if let Some(requests) = resources.get("requests") {
            super::json::set(&mut status, &["allocatedResources"], requests.clone());
        }
        super::json::set(&mut status, &["resources"], resources);
    }
    status
}

/// The ending before the last one, while the last one is the current state.
fn earlier(record: Option<&Record>) -> Option<Value> {
    let mut ended =
        record?.runs.iter().rev().filter_map(|run| run.ended.as_ref().map(|end| (run, end)));
    ended.next();
    ended.next().map(|(run, end)| terminated(run, end))
}

fn terminated(run: &Run, end: &super::pod::Ending) -> Value {
    json!({"terminated": {
        "containerID": container_id(run), "exitCode": end.code, "finishedAt": stamp(end.at),
        "reason": end.reason, "startedAt": stamp(run.started),
    }})
}

fn container_id(run: &Run) -> String {
    format!("containerd://{}", run.id)
}

/// A digest that belongs to an image name.
pub(super) fn image_id(image: &str) -> String {
    crate::domain::digest::sha256_hex(image.as_bytes())
}

fn waiting_state(run: &PodRun, state: &ContainerRun, stage: &Stage, image: &str) -> Value {
    match stage {
        Stage::PullFailed => json!({
            "message": pull_error(image), "reason": "ErrImagePull"
        }),
        Stage::PullBackOff => json!({
            "message": format!("Back-off pulling image {image:?}: ErrImagePull: {}", pull_error(image)),
            "reason": "ImagePullBackOff",
        }),
        Stage::ConfigError(words) => {
            json!({"message": words, "reason": "CreateContainerConfigError"})
        }
        Stage::BackOff(seconds) => {
            let uid = &run.uid;
            json!({
                "message": format!(
                    "back-off {} restarting failed container={} pod={}_{}({uid})",
                    go_duration(*seconds), state.name, run.key.name, run.key.namespace
                ),
                "reason": "CrashLoopBackOff",
            })
        }
        Stage::Creating | Stage::Pulling | Stage::Running | Stage::Ended => {
            json!({"reason": "ContainerCreating"})
        }
    }
}

/// Why an image that does not exist can't be pulled.
pub(super) fn pull_error(image: &str) -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image {image:?}: failed to resolve reference \
         {image:?}: {image}: not found"
    )
}

/// Seconds as Go prints a duration: `10s`, `1m20s`, `5m0s`.
fn go_duration(seconds: u64) -> String {
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{}s", seconds / 60, seconds % 60) }
}

/// What a container's environment asks for and is not there, in the kubelet's words.
pub(super) fn missing_config(world: &World, container: &Value, namespace: &str) -> Option<String> {
    let optional = |one: &Value| one.get("optional").and_then(Value::as_bool) == Some(true);
    let look = |kind: &str, name: &str, key: Option<&str>| {
        let Some(object) = world.get("v1", kind, namespace, name) else {
            return Some(format!("{} {name:?} not found", kind.to_ascii_lowercase()));
        };
        let key = key?;
        let has = ["data", "stringData", "binaryData"]
            .iter()
            .any(|part| object.get(*part).is_some_and(|data| data.get(key).is_some()));
        (!has).then(|| format!("couldn't find key {key} in {kind} {namespace}/{name}"))
    };
    for variable in items(container, &["env"]) {
        for (field, kind) in [("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")] {
            let Some(from) = variable.pointer(&format!("/valueFrom/{field}")) else { continue };
            if !optional(from)
                && let Some(words) = look(kind, text(from, &["name"]), Some(text(from, &["key"])))
            {
                return Some(words);
            }
        }
    }
    for source in items(container, &["envFrom"]) {
        for (field, kind) in [("secretRef", "Secret"), ("configMapRef", "ConfigMap")] {
            let Some(from) = source.get(field) else { continue };
            if !optional(from)
                && let Some(words) = look(kind, text(from, &["name"]), None)
            {
                return Some(words);
            }
        }
    }
    None
}

/// A volume whose Secret or ConfigMap is not there, in the kubelet's words.
pub(super) fn missing_volume(world: &World, pod: &Value) -> Option<String> {
    let namespace = text(pod, &["metadata", "namespace"]);
    items(pod, &["spec", "volumes"]).iter().find_map(|volume| {
        let (kind, name, from) = if let Some(from) = volume.get("secret") {
            ("Secret", text(from, &["secretName"]), from)
        } else {
            let from = volume.get("configMap")?;
            ("ConfigMap", text(from, &["name"]), from)
        };
        let optional = from.get("optional").and_then(Value::as_bool) == Some(true);
        if optional || world.get("v1", kind, namespace, name).is_some() {
            return None;
        }
        Some(format!(
            "MountVolume.SetUp failed for volume {:?} : {} {name:?} not found",
            text(volume, &["name"]),
            kind.to_ascii_lowercase()
        ))
    })
}

/// Text of a container's log: of the newest run, or of the one before it.
pub(super) fn log_of(record: &Record, previous: bool) -> Option<String> {
    let run = if previous {
        let mut newest_first = record.runs.iter().rev();
        match newest_first.next() {
            // While a container waits, the run that ended last is the previous one, as for the real kubelet.
            Some(run) if run.ended.is_some() => Some(run),
            _ => newest_first.next(),
        }?
    } else {
        record.last()?
    };
    let mut lines =
        run.log.iter().map(|line| format!("{} {line}", stamp(run.started))).collect::<Vec<_>>();
    if let Some(end) = &run.ended {
        lines.extend(end.log.iter().map(|line| format!("{} {line}", stamp(end.at))));
    }
    Some(lines.join("\n"))
}
