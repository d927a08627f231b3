//! `delete_failed_pods`: pods that have ended and are kept by nobody, each named and guarded by uid and phase.

use super::parameter::{
    ActionParameter,
    ActionParameterKind::{Choice, Flag, Whole},
};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use crate::domain::diagnose::fields::{controller, name, namespace, terminating, text};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation, Propagation};
use crate::domain::resource::{FieldPath, ObjectRef};
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;

/// Most pods of one step when nobody says.
const MOST: i64 = 20;

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Restart,
    risk: Risk::Medium,
    mutates: true,
    undoable: false,
    timeout_s: 120,
    describe: "Deletes pods that have ended (evicted, failed, completed) of a namespace or of a node, each by its uid.",
    undone_by: "can't be undone: their logs are gone",
    needs: "",
    parameters: &[
        ActionParameter::optional(
            "phase",
            Choice(&["Failed", "Succeeded", "Evicted"]),
            "which; Failed unless said, evicted ones among them",
        ),
        ActionParameter::optional(
            "of_jobs",
            Flag,
            "true: also those of Jobs, whose logs people read",
        ),
        ActionParameter::optional(
            "most",
            Whole { least: 1, most: 50 },
            "most pods; 20 unless said",
        ),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let key = &request.target.key;
    let (got, place) = match key.kind.as_str() {
        "Node" => (reader.pods_on(&key.name), format!("node {}", key.name)),
        "Namespace" => {
            (reader.list("pods", "v1", "Pod", &key.name, ""), format!("namespace {}", key.name))
        }
        _ if !key.namespace.is_empty() => (
            reader.list("pods", "v1", "Pod", &key.namespace, ""),
            format!("namespace {}", key.namespace),
        ),
        _ => {
            return Err(ActionError(format!("{} is neither a namespace nor a node", key.path())));
        }
    };
    let pods = match got {
        Got::Pending => return Ok(Progress::Need(reader.needs())),
        Got::Have(pods) => pods,
        Got::Gone => &[],
        Got::Unreadable(why) => return Err(ActionError(format!("pods of {place}: {why}"))),
    };
    let phase = request.text("phase").unwrap_or("Failed");
    let mut ended = pods.iter().filter(|pod| wanted(pod, phase, request)).collect::<Vec<_>>();
    ended.sort_by_key(|pod| (text(pod, &["status", "startTime"]), namespace(pod), name(pod)));
    let all = ended.len();
    let most = usize::try_from(request.whole("most").unwrap_or(MOST)).unwrap_or(usize::MAX);
    ended.truncate(most);
    if ended.is_empty() {
        let word = phase.to_lowercase();
        return Err(ActionError(format!("{place} has no {word} pods that may be deleted")));
    }
    let operations = ended.iter().filter_map(|pod| deletion(pod)).collect::<Vec<_>>();
    if operations.len() != ended.len() {
        return Err(ActionError(format!("some pods of {place} came without a uid")));
    }
    let mut compiled = Compiled::new(
        format!("delete {} {} pods of {place}", ended.len(), phase.to_lowercase()),
        operations,
        "can't be undone: the pods had ended, and their logs are gone".into(),
    );
    if all > ended.len() {
        compiled.notes.push(format!("the oldest {} of {all}", ended.len()));
    }
    let kept = "logs and status of these pods can't be read afterwards: collect them before";
    compiled.notes.push(kept.into());
    Ok(Progress::Ready(compiled))
}

fn wanted(pod: &Value, phase: &str, request: &ActionRequest<'_>) -> bool {
    let is = text(pod, &["status", "phase"]);
    let fits = match phase {
        "Evicted" => is == "Failed" && text(pod, &["status", "reason"]) == "Evicted",
        other => is == other,
    };
    let of_job = controller(pod).is_some_and(|owner| owner.key.kind == "Job");
    fits && !terminating(pod) && (!of_job || request.flag("of_jobs"))
}

/// Only while it still has ended: an object never leaves that phase, but another of its name may have come.
fn deletion(pod: &Value) -> Option<Operation> {
    let phase = FieldPath::keys(&["status", "phase"]);
    let held = phase.get(pod).cloned();
    Some(Operation::Delete {
        object: ObjectRef::of(pod)?,
        grace_s: None,
        propagation: Propagation::Background,
        guards: vec![FieldChange { path: phase, before: held.clone(), after: held }],
    })
}
