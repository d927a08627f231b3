//! `rotate_secret`: keys of a Secret get new values, and the workloads that use it start anew with them.
//!
//! The values are never read into a plan, a log, a record or a screen: the adapter makes or copies them, and the values
//! from before lie in a second Secret beside the first, from which the undo takes them.
//!
//! ```text
//! hold each workload's rollout ─► rotate ─► for each workload, one after the other:
//!                                           change its pod template and let go ─► wait until it is rolled out
//! undo: the same backwards, so that pods start only once the old value is back
//! ```
//!
//! The first workload is the canary: where its pods don't get well with the new value, the step fails, and the others
//! have not begun.

use super::parameter::{
    ActionParameter,
    ActionParameterKind::{Flag, Text, Whole},
};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::{live, rolls, template_path};
use crate::domain::diagnose::fields::{controller, flag, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::references::required;
use crate::domain::digest::canonical_sha256;
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, NewValue, Operation, Rotation};
use crate::domain::resource::{FieldPath, ObjectKey, ObjectRef};
use crate::domain::workflow::plan::{ActionClass, Condition, Risk};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Set on the pod template of those that use it.
const MARK: &str = "pilothouse.dev/rotated";
/// Characters of a random value when nobody says.
const LENGTH: i64 = 32;
/// What a random value would break: these are made by somebody who knows how.
const MADE: &[&str] = &[
    "kubernetes.io/service-account-token",
    "kubernetes.io/tls",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/dockercfg",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
];
const KINDS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet"];

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Secrets,
    risk: Risk::Critical,
    mutates: true,
    undoable: true,
    // All rollouts, one after the other.
    timeout_s: 3_600,
    describe: "Gives keys of a Secret new random values, or those of another Secret, and restarts the workloads that use it, one after the other.",
    undone_by: "the values from before, while nobody changed them since; its users start anew again",
    needs: "a Secret that nobody else keeps; what checks the value (a database) must learn it by itself",
    parameters: &[
        ActionParameter::required("keys", Text, "which keys, separated by commas"),
        ActionParameter::optional(
            "from",
            Text,
            "another Secret there, whose keys of these names are copied",
        ),
        ActionParameter::optional("length", Whole { least: 16, most: 128 }, "characters (32)"),
        ActionParameter::optional("keep_running", Flag, "restart nobody"),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let Some(secret) = live(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let path = target.key.path();
    suits(request, secret)?;
    let keys = keys(request, secret)?;
    if let Some(from) = request.text("from")
        && !holds(request, from, &keys, &mut reader)?
    {
        return Ok(Progress::Need(reader.needs()));
    }
    let mut notes = Vec::new();
    let users = if request.flag("keep_running") {
        notes.push(
            "nobody is restarted: those that use it keep the old value until they are".into(),
        );
        Vec::new()
    } else {
        match users(request, &mut reader, &mut notes)? {
            Some(users) => users,
            None => return Ok(Progress::Need(reader.needs())),
        }
    };
    let names = users.iter().map(|(user, _)| user.key.short_path()).collect::<Vec<_>>();
    let all = keys.keys().cloned().collect::<Vec<_>>().join(", ");
    let rotation = Rotation { secret: target.clone(), keys, back: false, made_by: Vec::new() };
    let mark = canonical_sha256(&json!([target.uid, all, request.params]))
        .map_err(|error| ActionError(format!("its parameters have no digest: {error}")))?;
    let mark = mark.get(..16).unwrap_or_default();
    let mut operations = Vec::new();
    for (user, object) in &users {
        operations.push(Operation::patch(user.clone(), vec![hold(object)], Vec::new()));
    }
    operations.push(Operation::Rotate(rotation));
    for (user, object) in &users {
        let at = template_path().key("metadata").key("annotations").key(MARK);
        let held = hold(object);
        let let_go = FieldChange { path: held.path, before: held.after, after: held.before };
        let before = at.get(object).cloned();
        let again = before.as_ref().and_then(Value::as_str) == Some(mark);
        let after = if again { format!("{mark}-again") } else { mark.to_string() };
        let change = FieldChange { path: at, before, after: Some(after.into()) };
        operations.push(Operation::patch(user.clone(), vec![change, let_go], Vec::new()));
        operations.push(Operation::Await(rolled_out(&user.key)));
    }
    if let [first, _, ..] = names.as_slice() {
        notes.push(format!("{first} goes first; the others wait until it is well with it"));
    }
    notes.push(format!("the values from before lie in a Secret named after {} and the attempt, until that is deleted", target.key.name));
    notes.push(
        "whoever checks the value must learn the new one: nothing here tells a database".into(),
    );
    let restarted =
        if names.is_empty() { String::new() } else { format!(", restart {}", names.join(", ")) };
    let mut ready = Compiled::new(
        format!("rotate {all} of Secret {}{restarted}", target.key.name),
        operations,
        format!(
            "{path} gets its values from before, while it still holds ours; its users start anew"
        ),
    );
    ready.notes = notes;
    if let Some(owner) = controller(secret) {
        ready.blockers.push(format!("{path} is made by {}: rotate it there", owner.key.path()));
    }
    Ok(Progress::Ready(ready))
}

/// Whether the other Secret has all the keys; `false` while it has to be read.
fn holds(
    request: &ActionRequest<'_>,
    from: &str,
    keys: &BTreeMap<String, NewValue>,
    reader: &mut Reader<'_>,
) -> Result<bool, ActionError> {
    let key = ObjectKey::new("v1", "Secret", &request.target.key.namespace, from);
    match reader.look(&key) {
        Got::Pending => Ok(false),
        Got::Have(other) => {
            match keys.keys().find(|name| value(other, &["data", name]).is_none()) {
                Some(name) => Err(ActionError(format!("Secret {from} has no key {name}"))),
                None => Ok(true),
            }
        }
        Got::Gone => Err(ActionError(format!("there is no Secret {from}"))),
        Got::Unreadable(why) => Err(ActionError(format!("Secret {from}: {why}"))),
    }
}

/// Why it can't be rotated.
fn suits(request: &ActionRequest<'_>, secret: &Value) -> Result<(), ActionError> {
    let path = request.target.key.path();
    if request.target.key.kind != "Secret" {
        return Err(ActionError(format!("{path} is no Secret")));
    }
    if flag(secret, &["immutable"]) {
        return Err(ActionError(format!("{path} is immutable: it can only be replaced")));
    }
    let kind = text(secret, &["type"]);
    if MADE.contains(&kind) && request.text("from").is_none() {
        return Err(ActionError(format!(
            "{path} is of type {kind}: a random value would break it"
        )));
    }
    Ok(())
}

fn keys(
    request: &ActionRequest<'_>,
    secret: &Value,
) -> Result<BTreeMap<String, NewValue>, ActionError> {
    let length = request.whole("length").unwrap_or(LENGTH);
    let length = u32::try_from(length).unwrap_or(32);
    let mut keys = BTreeMap::new();
    for key in request.text("keys").unwrap_or_default().split(',').map(str::trim) {
        if value(secret, &["data", key]).is_none() {
            let path = request.target.key.path();
            return Err(ActionError(format!("{path} has no key `{key}`")));
        }
        let new = match request.text("from") {
            Some(from) => NewValue::Of { secret: from.to_string(), key: key.to_string() },
            None => NewValue::Random { length },
        };
        keys.insert(key.to_string(), new);
    }
    Ok(keys)
}

/// Workloads there whose pods need the Secret and that can be rolled; `None` while they have to be read.
fn users<'a>(
    request: &ActionRequest<'_>,
    reader: &mut Reader<'a>,
    notes: &mut Vec<String>,
) -> Result<Option<Vec<(ObjectRef, &'a Value)>>, ActionError> {
    let key = &request.target.key;
    let mut found = Vec::new();
    for kind in KINDS {
        match reader.whole_list("users", "apps/v1", kind, &key.namespace, "") {
            Got::Have(objects) => found.extend(objects.iter()),
            Got::Unreadable(why) => {
                let why = format!("who uses {} can't be told, {kind}s: {why}", key.path());
                return Err(ActionError(why));
            }
            Got::Gone | Got::Pending => {}
        }
    }
    let uses = |object: &&Value| {
        value(object, &["spec", "template", "spec"]).is_some_and(|spec| {
            required(spec).keys().any(|one| one.kind == "Secret" && one.name == key.name)
        })
    };
    let mut users = Vec::new();
    for object in found.into_iter().filter(uses) {
        let Some(user) = ObjectRef::of(object) else { continue };
        if let Err(why) = rolls(&user, object) {
            notes.push(format!("{} uses it and is not restarted: {why}", user.key.path()));
            continue;
        }
        // The object itself, since it is changed.
        match reader.look(&user.key) {
            Got::Have(object) => users.push((user, object)),
            Got::Gone | Got::Unreadable(_) | Got::Pending => {}
        }
    }
    Ok((!reader.pending()).then_some(users))
}

/// That all pods of a workload run its newest template, and are available.
fn rolled_out(user: &ObjectKey) -> Condition {
    let seen = "object.?status.?observedGeneration.orValue(0) >= object.metadata.generation";
    let (until, fails_when) = match user.kind.as_str() {
        "DaemonSet" => (
            "object.?status.?updatedNumberScheduled.orValue(0) == \
             object.?status.?desiredNumberScheduled.orValue(-1) && \
             object.?status.?numberAvailable.orValue(0) == \
             object.?status.?desiredNumberScheduled.orValue(-1)",
            String::new(),
        ),
        "StatefulSet" => (
            "object.?status.?updatedReplicas.orValue(0) >= \
             object.spec.replicas - object.spec.?updateStrategy.?rollingUpdate.?partition.orValue(0) && \
             object.?status.?readyReplicas.orValue(0) == object.spec.replicas",
            String::new(),
        ),
        _ => (
            "object.?status.?updatedReplicas.orValue(0) == object.spec.replicas && \
             object.?status.?replicas.orValue(0) == object.spec.replicas && \
             object.?status.?availableReplicas.orValue(0) == object.spec.replicas",
            format!(
                "{seen} && object.?status.?conditions.orValue([]).exists(c, c.type == 'Progressing' && \
                 c.status == 'False' && c.reason == 'ProgressDeadlineExceeded')"
            ),
        ),
    };
    Condition {
        object: user.clone(),
        labels: None,
        until: format!("{seen} && {until}"),
        fails_when,
        describe: format!("{} runs with the new value and is available", user.short_path()),
    }
}

/// What keeps a changed pod template from reaching the pods.
fn hold(object: &Value) -> FieldChange {
    let strategy = FieldPath::keys(&["spec", "updateStrategy"]);
    let (path, after) = match text(object, &["kind"]) {
        "DaemonSet" => (strategy.key("type"), json!("OnDelete")),
        "StatefulSet" => {
            let replicas = value(object, &["spec", "replicas"]).cloned().unwrap_or(json!(1));
            (strategy.key("rollingUpdate").key("partition"), replicas)
        }
        _ => (FieldPath::keys(&["spec", "paused"]), json!(true)),
    };
    FieldChange::of(object, path, Some(after))
}
