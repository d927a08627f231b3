//! `remove_finalizer`: one named finalizer of an object that is being deleted.
//!
//! A finalizer is somebody's promise to clean up. Taking it off means that this is done by hand or never; what still is
//! in use, or what the cluster itself takes off in time, is refused.

use super::parameter::{ActionParameter, ActionParameterKind::Text};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use crate::domain::diagnose::fields::{items, name, terminating, text, uid, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::FieldPath;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Storage,
    risk: Risk::High,
    mutates: true,
    undoable: false,
    timeout_s: 60,
    describe: "Takes one named finalizer off an object that is being deleted and does not go.",
    undone_by: "can't be undone: the object goes, and what the finalizer guarded is not cleaned up",
    needs: "",
    parameters: &[ActionParameter::required("finalizer", Text, "its name, whole")],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let path = target.key.path();
    let finalizer = request.text("finalizer").unwrap_or_default();
    if finalizer == "kubernetes" {
        return Err(ActionError(format!(
            "finalizer kubernetes of {path} is the cluster's own: it goes when everything in the namespace is gone; \
             look what is left there"
        )));
    }
    let object = match reader.look(&target.key) {
        Got::Pending => return Ok(Progress::Need(reader.needs())),
        Got::Have(object) if uid(object) == target.uid => object,
        Got::Have(_) => {
            return Err(ActionError(format!("{path} was deleted and made anew (another uid)")));
        }
        Got::Gone => return Err(ActionError(format!("{path} does not exist any more"))),
        Got::Unreadable(why) => return Err(ActionError(format!("{path} can't be read: {why}"))),
    };
    if !terminating(object) {
        return Err(ActionError(format!(
            "{path} is not being deleted: its finalizers guard it, and stay"
        )));
    }
    let all = items(object, &["metadata", "finalizers"]);
    let names = all.iter().filter_map(Value::as_str).collect::<Vec<_>>();
    if !names.contains(&finalizer) {
        let names = if names.is_empty() { "none".into() } else { names.join(", ") };
        return Err(ActionError(format!("{path} has no finalizer {finalizer}; it has {names}")));
    }
    if let Some(uses) = in_use(request, finalizer, &mut reader)? {
        return Err(ActionError(format!("{path} is still in use by {uses}: end that first")));
    }
    if reader.pending() {
        return Ok(Progress::Need(reader.needs()));
    }
    let rest = all.iter().filter(|one| one.as_str() != Some(finalizer)).cloned();
    let rest = rest.collect::<Vec<_>>();
    let last = rest.is_empty();
    let after = (!last).then_some(Value::Array(rest));
    let change = FieldChange::of(object, FieldPath::keys(&["metadata", "finalizers"]), after);
    let mut compiled = Compiled::new(
        format!("take finalizer {finalizer} off {}", target.key.name),
        vec![Operation::patch(target.clone(), vec![change], Vec::new())],
        "can't be undone: the object goes, and what the finalizer guarded is not cleaned up".into(),
    );
    compiled.notes.push(format!(
        "whoever set {finalizer} meant to clean something up first: look whether that is done"
    ));
    if finalizer == "foregroundDeletion" {
        compiled.notes.push("what it owns is not waited for any more".into());
    }
    compiled.notes.push(if last {
        "it is the last finalizer: the object is gone at once".into()
    } else {
        "other finalizers still hold it".to_string()
    });
    Ok(Progress::Ready(compiled))
}

/// What still uses a claim or a volume, where the finalizer protects against just that.
fn in_use(
    request: &ActionRequest<'_>,
    finalizer: &str,
    reader: &mut Reader<'_>,
) -> Result<Option<String>, ActionError> {
    let key = &request.target.key;
    match (finalizer, key.kind.as_str()) {
        ("kubernetes.io/pvc-protection", _) | (_, "PersistentVolumeClaim") => {
            match reader.whole_list("claim-pods", "v1", "Pod", &key.namespace, "") {
                Got::Have(pods) => Ok(pods
                    .iter()
                    .filter(|pod| {
                        !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed")
                    })
                    .find(|pod| mounts(pod, &key.name))
                    .map(|pod| format!("pod {}", name(pod)))),
                Got::Unreadable(why) => {
                    Err(ActionError(format!("whether pods use {}: {why}", key.path())))
                }
                Got::Gone | Got::Pending => Ok(None),
            }
        }
        ("kubernetes.io/pv-protection", _) | (_, "PersistentVolume") => match reader.look(key) {
            Got::Have(volume) if text(volume, &["status", "phase"]) == "Bound" => {
                let claim = |field| text(volume, &["spec", "claimRef", field]);
                Ok(Some(format!("claim {}/{}", claim("namespace"), claim("name"))))
            }
            Got::Have(_) | Got::Gone | Got::Unreadable(_) | Got::Pending => Ok(None),
        },
        _ => Ok(None),
    }
}

fn mounts(pod: &Value, claim: &str) -> bool {
    items(pod, &["spec", "volumes"]).iter().any(|volume| {
        value(volume, &["persistentVolumeClaim"])
            .is_some_and(|used| text(used, &["claimName"]) == claim)
    })
}
