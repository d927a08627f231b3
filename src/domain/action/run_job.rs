//! `run_job`: a CronJob's Job now instead of at its time, a Job that has ended once more, or a program of the site's (see
//! `site`).
//!
//! Promises: exactly the pod template that the CronJob or Job has; none beside one that still runs where the CronJob
//! forbids that, or where it is a Job's own rerun.

use super::request::{ActionError, ActionRequest, Compiled};
use super::site;
use super::spec::ActionSpec;
use super::workload::live;
use crate::domain::diagnose::fields::{flag, items, name, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::digest::canonical_sha256;
use crate::domain::evidence::Progress;
use crate::domain::operation::Operation;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::{Map, Value, json};

/// Label that tells which Jobs were run by hand of which object.
const RUN_OF: &str = "pilothouse.dev/run-of";
/// Characters of the object's name that are kept in the new Job's.
const LONGEST: usize = 45;
/// What the Job controller puts on each Job for itself.
const OWN_LABELS: &[&str] = &[
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
];

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Storage,
    risk: Risk::Medium,
    mutates: true,
    undoable: false,
    timeout_s: 60,
    describe: "Runs a CronJob's Job now, a Job that ended once more, or a program that the site defines.",
    undone_by: "can't be undone: what its program did stays",
    needs: "a CronJob or Job as its target; else a definition file of the site",
    parameters: &[],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    if request.params.contains_key("definition") {
        return site::compile(request);
    }
    let mut reader = Reader::new(request.gathered);
    let Some(object) = live(request.target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let key = &request.target.key;
    let mut notes = Vec::new();
    let mut blockers = Vec::new();
    let (mut spec, owner) = match key.kind.as_str() {
        "CronJob" => {
            of_cron_job(object, &mut notes, &mut blockers);
            (value(object, &["spec", "jobTemplate", "spec"]).cloned(), true)
        }
        "Job" => {
            if !ended(object) {
                blockers.push(format!("{} still runs", key.path()));
            }
            (value(object, &["spec"]).cloned(), false)
        }
        other => {
            return Err(ActionError(format!(
                "a {other} can't be run: the target is a CronJob or a Job; a program of your own needs a definition file"
            )));
        }
    };
    let Some(spec) = spec.as_mut().and_then(Value::as_object_mut) else {
        return Err(ActionError(format!("{} has no Job in its spec", key.path())));
    };
    bare(spec);
    let labels = format!("{RUN_OF}={}", request.target.uid);
    let known = match reader.whole_list("jobs", "batch/v1", "Job", &key.namespace, &labels) {
        Got::Pending => return Ok(Progress::Need(reader.needs())),
        Got::Gone => &[],
        Got::Have(known) => known,
        Got::Unreadable(why) => return Err(ActionError(format!("earlier runs: {why}"))),
    };
    let called = fresh_name(&key.name, spec, known)?;
    let mut metadata = json!({"name": called, "namespace": key.namespace,
        "labels": {RUN_OF: request.target.uid},
        "annotations": {"cronjob.kubernetes.io/instantiate": "manual"}});
    if let (true, Some(metadata)) = (owner, metadata.as_object_mut()) {
        let owner = json!([{"apiVersion": key.api_version, "kind": "CronJob", "name": key.name,
            "uid": request.target.uid, "controller": true}]);
        metadata.insert("ownerReferences".into(), owner);
    }
    let manifest =
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec});
    let operation =
        Operation::create(manifest).ok_or_else(|| ActionError("the Job has no name".into()))?;
    let mut ready = Compiled::new(
        format!("run {} {} as Job {called}", key.kind, key.name),
        vec![operation],
        "what the Job's program did can't be undone".into(),
    );
    ready.notes = notes;
    ready.blockers = blockers;
    Ok(Progress::Ready(ready))
}

fn of_cron_job(object: &Value, notes: &mut Vec<String>, blockers: &mut Vec<String>) {
    let active = items(object, &["status", "active"]);
    let names = active.iter().map(|job| text(job, &["name"])).collect::<Vec<_>>().join(", ");
    if !active.is_empty() && text(object, &["spec", "concurrencyPolicy"]) != "Allow" {
        blockers.push(format!("it allows no second Job, and {names} still runs"));
    } else if !active.is_empty() {
        notes.push(format!("beside {names}, which still runs"));
    }
    if flag(object, &["spec", "suspend"]) {
        notes.push("the CronJob is suspended; this runs it once all the same".into());
    }
}

/// Whether a Job is over, well or not.
fn ended(job: &Value) -> bool {
    items(job, &["status", "conditions"]).iter().any(|condition| {
        matches!(text(condition, &["type"]), "Complete" | "Failed")
            && text(condition, &["status"]) == "True"
    })
}

/// A Job's spec without what the server and its controller put there.
fn bare(spec: &mut Map<String, Value>) {
    if !spec.get("manualSelector").and_then(Value::as_bool).unwrap_or(false) {
        spec.remove("selector");
    }
    spec.remove("suspend");
    let labels = spec
        .get_mut("template")
        .and_then(|template| template.get_mut("metadata"))
        .and_then(|metadata| metadata.get_mut("labels"))
        .and_then(Value::as_object_mut);
    if let Some(labels) = labels {
        for own in OWN_LABELS {
            labels.remove(*own);
        }
    }
}

/// The first name that no earlier run has: the same plan gets the same name until it was run.
fn fresh_name(of: &str, spec: &Map<String, Value>, known: &[Value]) -> Result<String, ActionError> {
    let digest = canonical_sha256(spec)
        .map_err(|error| ActionError(format!("its spec has no digest: {error}")))?;
    let short = of.chars().take(LONGEST).collect::<String>();
    let base = format!("{}-{}", short.trim_end_matches(['-', '.']), digest.get(..6).unwrap_or(""));
    let mut number = 1;
    while known.iter().any(|job| name(job) == format!("{base}-{number}")) {
        number += 1;
    }
    Ok(format!("{base}-{number}"))
}
