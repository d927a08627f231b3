//! `expand_pvc`: more room for a claim. A claim never gets smaller again.

use super::parameter::{ActionParameter, ActionParameterKind::Memory, bytes};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::live;
use crate::domain::diagnose::fields::{flag, items, text};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::quantity;
use crate::domain::resource::{FieldPath, ObjectKey};
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::json;

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Storage,
    risk: Risk::Medium,
    mutates: true,
    undoable: false,
    timeout_s: 60,
    describe: "Asks for more room for a bound PersistentVolumeClaim whose class can expand it.",
    undone_by: "can't be undone: a claim never gets smaller",
    needs: "a storage class with allowVolumeExpansion",
    parameters: &[ActionParameter::required("size", Memory, "new size, larger than now: 20Gi")],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let path = target.key.path();
    if target.key.kind != "PersistentVolumeClaim" {
        return Err(ActionError(format!("{path} is no PersistentVolumeClaim")));
    }
    let Some(object) = live(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    if text(object, &["status", "phase"]) != "Bound" {
        return Err(ActionError(format!("{path} is not bound: there is no volume to expand")));
    }
    let class = text(object, &["spec", "storageClassName"]);
    if class.is_empty() {
        return Err(ActionError(format!("{path} has no storage class that could expand it")));
    }
    let storage = reader.look(&ObjectKey::new("storage.k8s.io/v1", "StorageClass", "", class));
    let mut unknown = Vec::new();
    match storage {
        Got::Pending => return Ok(Progress::Need(reader.needs())),
        Got::Have(class) if flag(class, &["allowVolumeExpansion"]) => {}
        Got::Have(_) => {
            return Err(ActionError(format!(
                "storage class {class} of {path} does not allow expansion (allowVolumeExpansion)"
            )));
        }
        Got::Gone => return Err(ActionError(format!("storage class {class} does not exist"))),
        Got::Unreadable(why) => {
            unknown.push(format!("whether storage class {class} can expand it: {why}"));
        }
    }
    let at = FieldPath::keys(&["spec", "resources", "requests", "storage"]);
    let now = at.get(object).and_then(bytes).unwrap_or(0);
    let wanted = request.param("size").and_then(bytes).unwrap_or(0);
    if wanted <= now {
        return Err(ActionError(format!(
            "{path} has {} now: {} is not larger, and a claim never gets smaller",
            quantity::format_bytes(now),
            quantity::format_bytes(wanted)
        )));
    }
    let (from, to) = (quantity::format_bytes(now), quantity::format_bytes(wanted));
    let change = FieldChange::of(object, at, Some(json!(to)));
    let mut compiled = Compiled::new(
        format!("expand {} {from} → {to}", target.key.name),
        vec![Operation::patch(target.clone(), vec![change], Vec::new())],
        "can't be undone: a claim never gets smaller".into(),
    );
    compiled.unknown = unknown;
    let waits = items(object, &["status", "conditions"])
        .iter()
        .any(|one| text(one, &["type"]) == "FileSystemResizePending");
    compiled.notes.push(if waits {
        "an earlier expansion waits for its pod to start anew".into()
    } else {
        "some drivers make the new room usable only when its pod starts anew".to_string()
    });
    compiled
        .notes
        .push("a StatefulSet's template keeps the old size for claims that it makes later".into());
    Ok(Progress::Ready(compiled))
}
