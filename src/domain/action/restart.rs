//! `restart_workload`: a new pod template annotation, as `kubectl rollout restart` sets it.

use super::catalogue::{Compiled, Context, Effect};
use super::workload::{Live, live, rolls, template_guard};
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::FieldPath;
use crate::domain::time::rfc3339;
use serde_json::Value;

/// The annotation that kubectl uses.
const ANNOTATION: &str = "kubectl.kubernetes.io/restartedAt";

pub(super) fn compile(context: &Context<'_>) -> Result<Progress<Compiled>, String> {
    let object = match live(context)? {
        Live::Need(read) => return Ok(Progress::Need(vec![read])),
        Live::Object(object) => object,
    };
    let notes = rolls(context, object)?;
    let path = FieldPath::keys(&["spec", "template", "metadata", "annotations", ANNOTATION]);
    let before = path.get(object).cloned();
    let after = Some(Value::String(rfc3339(context.now)));
    let operation = Operation::Patch {
        object: context.target.clone(),
        changes: vec![FieldChange { path, before, after }],
        guards: template_guard(object),
    };
    Ok(Progress::Ready(Compiled {
        // Taking the annotation back would restart everything once more, for nothing.
        effects: vec![Effect { operation, undo: None }],
        title: format!("restart {}", context.target.key.short_path()),
        undo: "a restart can't be undone, and leaves nothing to undo".into(),
        notes,
        rolls_pods: true,
    }))
}
