//! Changes fields of objects: dry-run, send, and the look whether it happened. Beside it `whole` makes objects and
//! takes them away; nothing else changes any.
//!
//! ```text
//! read ─► uid, prior values, guards ─► patch under resourceVersion, with the attempt's stamp
//!   ▲                                     │ 409: somebody else wrote in between, nothing changed
//!   └─────────────────────────────────────┘ (a few times, before the deadline)
//! ```
//!
//! Promises: nothing is sent after the permit's deadline, to another object, or over values that the plan was not
//! made on. An answer that was lost is `NoAnswer`, never refused.
//! Absent on purpose: repeating anything whose outcome is not known.

use super::call::{Call, CallError, Verb};
use super::cluster::KubeCluster;
use super::compare::{drift, holds_after, holds_before};
use super::objects::prepared;
use super::patch::json_patch;
use crate::domain::id::AttemptId;
use crate::domain::operation::{ATTEMPT_ANNOTATION, FieldChange, Operation};
use crate::domain::resource::{FieldPath, ObjectRef, Segment};
use crate::domain::text::{clean, shorten};
use crate::domain::workflow::execution::{AttemptOutcome, Passing};
use crate::ports::cluster::{ClusterError, Permit, Probe, Sent};
use serde_json::Value;
use std::time::Duration;

/// Who the server's managedFields name for our changes.
pub(super) const FIELD_MANAGER: &str = "pilothouse";
/// How often a conflict is answered by reading again.
const CONFLICTS: usize = 4;
/// With less time than this before the deadline nothing is sent: no answer could come.
const LEAST_TIME: Duration = Duration::from_millis(200);

impl KubeCluster {
    pub(super) async fn dry_run(
        &self,
        operation: &Operation,
    ) -> Result<Option<(Value, Value)>, ClusterError> {
        match operation {
            Operation::Patch { object, subresource, changes, .. } => {
                self.dry_run_patch(object, subresource, changes).await.map(Some)
            }
            Operation::Delete { object, grace_s, propagation, .. } => {
                self.dry_run_delete(object, *grace_s, *propagation).await.map(Some)
            }
            Operation::Evict { pod, grace_s } => self.dry_run_evict(pod, *grace_s).await.map(Some),
            Operation::Create { object, manifest } => {
                self.dry_run_create(object, manifest).await.map(Some)
            }
            Operation::Unmake { .. }
            | Operation::Rotate(_)
            | Operation::Silence(_)
            | Operation::Exec(_)
            | Operation::Await(_)
            | Operation::Collect { .. } => Ok(None),
        }
    }

    async fn dry_run_patch(
        &self,
        target: &ObjectRef,
        subresource: &str,
        changes: &[FieldChange],
    ) -> Result<(Value, Value), ClusterError> {
        allowed(target, changes).map_err(ClusterError::Refused)?;
        let path = self.door(target, subresource).await?;
        let mut last = None;
        for _ in 0..CONFLICTS {
            let live = self.through(target, &path).await?;
            same_uid(&live, target).map_err(ClusterError::Refused)?;
            let steps =
                json_patch(&live, (changes, subresource), None).map_err(ClusterError::Refused)?;
            let call = patch_call(&path, steps).with("dryRun", "All");
            match self.connection.json(&call).await {
                Ok(result) => return Ok((prepared(&live), prepared(&result))),
                Err(error) if error.code() == Some(409) => last = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Err(ClusterError::Unavailable(format!(
            "{} changes too fast to be previewed: {}",
            target.key.path(),
            last.map(|error| error.words()).unwrap_or_default()
        )))
    }

    pub(super) async fn apply(&self, permit: &Permit, operation: &Operation) -> Sent {
        if let Operation::Exec(command) = operation {
            return match self.run(permit, command).await {
                Ok(sent) => sent,
                Err(Stop::For(outcome)) => outcome.into(),
                Err(Stop::Conflict(why)) => refused_for_now(&why, Passing::Conflict).into(),
            };
        }
        let mut outcome = refused("it was never tried", true);
        for _ in 0..CONFLICTS {
            outcome = match self.apply_once(permit, operation).await {
                Ok(outcome) | Err(Stop::For(outcome)) => return outcome.into(),
                Err(Stop::Conflict(why)) => refused_for_now(&why, Passing::Conflict),
            };
        }
        outcome.into()
    }

    async fn apply_once(
        &self,
        permit: &Permit,
        operation: &Operation,
    ) -> Result<AttemptOutcome, Stop> {
        self.time_left(permit)?;
        match operation {
            Operation::Patch { object, subresource, changes, guards } => {
                self.patch_once(permit, (object, subresource), changes, guards).await
            }
            Operation::Delete { object, grace_s, propagation, guards } => {
                self.delete_once(permit, object, (*grace_s, *propagation), guards).await
            }
            Operation::Evict { pod, grace_s } => self.evict_once(permit, pod, *grace_s).await,
            Operation::Create { object, manifest } => {
                self.create_once(permit, object, manifest).await
            }
            Operation::Unmake { object, made_by } => {
                self.unmake_once(permit, object, made_by).await
            }
            Operation::Rotate(rotation) => self.rotate_once(permit, rotation).await,
            Operation::Silence(_)
            | Operation::Exec(_)
            | Operation::Await(_)
            | Operation::Collect { .. } => Ok(refused("this changes no object", false)),
        }
    }

    /// The path of an object or of one of its subresources.
    async fn door(&self, object: &ObjectRef, subresource: &str) -> Result<String, CallError> {
        let path = self.kinds.path(&self.connection, &object.key).await?;
        if subresource.is_empty() {
            return Ok(path);
        }
        Ok(format!("{path}/{}", super::kinds::segment(subresource)?))
    }

    /// What is read through that door: the object, or what the subresource shows of it.
    async fn through(&self, object: &ObjectRef, path: &str) -> Result<Value, CallError> {
        let mut live = self.connection.json(&Call::get(path)).await?;
        super::objects::name_kind(&mut live, &object.key.api_version, &object.key.kind);
        // A Scale of none comes without its replicas.
        if live.get("kind").and_then(Value::as_str) == Some("Scale")
            && let Some(Value::Object(spec)) = live.get_mut("spec")
        {
            spec.entry("replicas").or_insert_with(|| 0.into());
        }
        Ok(live)
    }

    async fn patch_once(
        &self,
        permit: &Permit,
        (object, subresource): (&ObjectRef, &str),
        changes: &[FieldChange],
        guards: &[FieldChange],
    ) -> Result<AttemptOutcome, Stop> {
        allowed(object, changes).map_err(|why| Stop::For(refused(&why, false)))?;
        let attempt = permit.attempt();
        let path =
            self.door(object, subresource).await.map_err(|error| Stop::For(not_read(&error)))?;
        let live =
            self.through(object, &path).await.map_err(|error| Stop::For(not_read(&error)))?;
        same_uid(&live, object).map_err(|why| Stop::For(refused(&why, false)))?;
        if stamp(&live) == Some(attempt.as_str()) {
            let note = format!("this attempt's stamp is already there, {}", version(&live));
            return Ok(AttemptOutcome::Applied { note });
        }
        let seen = prepared(&live);
        if let Some(why) = drift(&seen, changes.iter().chain(guards)) {
            return Err(Stop::For(refused(&why, false)));
        }
        // A subresource would take the annotation and drop it.
        let stamped = subresource.is_empty().then_some(attempt.as_str());
        let steps = json_patch(&live, (changes, subresource), stamped)
            .map_err(|why| Stop::For(refused(&why, false)))?;
        let left = self.time_left(permit)?;
        let call = patch_call(&path, steps).within(left);
        match self.connection.json(&call).await {
            Ok(result) => Ok(AttemptOutcome::Applied { note: confirmed(&result, changes) }),
            Err(error) => Err(after_sending(&error)),
        }
    }

    /// How long the permit still holds.
    pub(super) fn time_left(&self, permit: &Permit) -> Result<Duration, Stop> {
        let left = permit.deadline().saturating_sub(self.connection.clock().monotonic());
        if left >= LEAST_TIME {
            return Ok(left);
        }
        Err(Stop::For(refused("the permit ended before it could be sent; nothing was sent", true)))
    }

    pub(super) async fn look(&self, attempt: &AttemptId, operation: &Operation) -> Probe {
        match operation {
            Operation::Patch { object, subresource, changes, .. } => {
                self.look_at_fields(attempt, (object, subresource), changes).await
            }
            Operation::Delete { object, .. } | Operation::Evict { pod: object, .. } => {
                self.look_whether_gone(object).await
            }
            Operation::Create { object, .. } => self.look_whether_made(attempt, object).await,
            Operation::Unmake { object, made_by } => {
                self.look_whether_unmade(object, made_by).await
            }
            Operation::Exec(command) => Probe::CantTell(format!(
                "what {} did in {} leaves no trace that could be looked for",
                command
                    .argv
                    .first()
                    .map_or_else(|| "nothing".into(), |word| shorten(&clean(word), 120)),
                command.pod.key.path()
            )),
            Operation::Rotate(rotation) => self.look_whether_rotated(attempt, rotation).await,
            Operation::Silence(_) => Probe::CantTell("this is Alertmanager's to say".into()),
            Operation::Await(_) | Operation::Collect { .. } => {
                Probe::NotDone("it only reads, and may be done again".into())
            }
        }
    }

    async fn look_at_fields(
        &self,
        attempt: &AttemptId,
        (object, subresource): (&ObjectRef, &str),
        changes: &[FieldChange],
    ) -> Probe {
        let path = object.key.path();
        let read = async { self.through(object, &self.door(object, subresource).await?).await };
        let live = match read.await {
            Ok(live) => live,
            Err(error) => return unseen(&path, &error),
        };
        if let Err(why) = same_uid(&live, object) {
            return Probe::CantTell(why);
        }
        if stamp(&live) == Some(attempt.as_str()) {
            return Probe::Done(format!("{path} carries this attempt's stamp, {}", version(&live)));
        }
        // Only a later attempt of ours overwrites the stamp, and none starts while this one is open.
        let seen = prepared(&live);
        let effective = || changes.iter().filter(|change| change.before != change.after);
        if effective().all(|change| holds_before(&seen, change)) {
            return Probe::NotDone(format!(
                "{path} does not carry this attempt's stamp and holds the prior values, {}",
                version(&live)
            ));
        }
        if effective().all(|change| holds_after(&seen, change)) && !subresource.is_empty() {
            return Probe::Done(format!("{path} holds the new values, {}", version(&live)));
        }
        if effective().all(|change| holds_after(&seen, change)) {
            return Probe::CantTell(format!(
                "{path} holds the new values, but without this attempt's stamp: somebody else may have set them"
            ));
        }
        let other = drift(&seen, effective()).unwrap_or_default();
        Probe::CantTell(format!(
            "{path} carries no stamp of this attempt and holds neither the prior nor the new values: {other}"
        ))
    }
}

/// Why one try ends.
pub(super) enum Stop {
    /// With this outcome.
    For(AttemptOutcome),
    /// Nothing was changed; read again.
    Conflict(String),
}

pub(super) fn refused(why: &str, retryable: bool) -> AttemptOutcome {
    AttemptOutcome::Refused { why: why.into(), retryable, passing: None }
}

fn patch_call(path: &str, steps: Value) -> Call {
    Call::new(Verb::JsonPatch, path)
        .with("fieldManager", FIELD_MANAGER)
        .with("fieldValidation", "Strict")
        .body(steps)
}

/// Refused for a reason that may pass.
pub(super) fn refused_for_now(why: &str, passing: Passing) -> AttemptOutcome {
    AttemptOutcome::Refused { why: why.into(), retryable: true, passing: Some(passing) }
}

/// Nothing was sent yet: the object could not be read.
pub(super) fn not_read(error: &CallError) -> AttemptOutcome {
    match error.code() {
        Some(404) => refused(&format!("it is not there: {}", error.words()), false),
        Some(401 | 403) => refused(&format!("not permitted: {}", error.words()), false),
        Some(400..=428 | 430..=499) => refused(&error.words(), false),
        Some(_) | None => {
            let why = format!("it could not be read, and nothing was sent: {}", error.words());
            let passing = match error {
                CallError::Answered { code: 429, .. } => Passing::Throttled,
                CallError::Answered { code: 408 | 504, .. } | CallError::Lost(_) => {
                    Passing::Timeout
                }
                CallError::Answered { .. } | CallError::NotSent(_) => Passing::ServerError,
            };
            refused_for_now(&why, passing)
        }
    }
}

/// The change was sent.
pub(super) fn after_sending(error: &CallError) -> Stop {
    let words = error.words();
    Stop::For(match error {
        CallError::NotSent(_) => {
            refused_for_now(&format!("it was not sent: {words}"), Passing::ServerError)
        }
        CallError::Lost(_) => AttemptOutcome::NoAnswer { why: words },
        CallError::Answered { code: 409, .. } => return Stop::Conflict(words),
        CallError::Answered { code: 429, .. } => refused_for_now(&words, Passing::Throttled),
        // 408 is a proxy's or the server's own timeout: the change may have been made.
        CallError::Answered { code: status @ (408 | 500..), .. } => {
            AttemptOutcome::NoAnswer { why: format!("HTTP {status}: {words}") }
        }
        CallError::Answered { .. } => refused(&words, false),
    })
}

/// The object could not be looked at.
pub(super) fn unseen(path: &str, error: &CallError) -> Probe {
    match error.code() {
        Some(404) => Probe::CantTell(format!("{path} is gone: {}", error.words())),
        // A credential may be renewed; a right that is missing is a person's matter.
        Some(401 | 408 | 429 | 500..) | None => Probe::Later(error.words()),
        Some(_) => Probe::CantTell(format!("{path} can't be looked at: {}", error.words())),
    }
}

pub(super) fn same_uid(live: &Value, object: &ObjectRef) -> Result<(), String> {
    let uid = live.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or("");
    if uid == object.uid && !uid.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} is another object now (uid {}), not the one that the plan was made for (uid {})",
        object.key.path(),
        clean(uid),
        object.uid
    ))
}

/// A Secret's values are never read, so they can be neither compared nor put back.
fn allowed(object: &ObjectRef, changes: &[FieldChange]) -> Result<(), String> {
    let data = |path: &FieldPath| match path.0.first() {
        Some(Segment::Key(key)) => key == "data" || key == "stringData",
        Some(Segment::Named(_)) | None => false,
    };
    if object.key.kind == "Secret" && changes.iter().any(|change| data(&change.path)) {
        return Err("the data of a Secret is not changed field by field".into());
    }
    Ok(())
}

pub(super) fn stamp(live: &Value) -> Option<&str> {
    live.get("metadata")?.get("annotations")?.get(ATTEMPT_ANNOTATION)?.as_str()
}

pub(super) fn version(object: &Value) -> String {
    let text = object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or("?");
    format!("resourceVersion {}", clean(text))
}

/// What the server answered, and what it made of the fields if that is not what was sent.
fn confirmed(result: &Value, changes: &[FieldChange]) -> String {
    let seen = prepared(result);
    let mut note = version(result);
    for change in changes.iter().filter(|change| !holds_after(&seen, change)) {
        let held = super::compare::held(&seen, change);
        note = format!("{note}; the server set {} to {held} instead", change.path);
    }
    note
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::resource::ObjectKey;
    use serde_json::json;

    fn answered(code: u16) -> CallError {
        CallError::Answered { code, reason: String::new(), message: "words".into() }
    }

    #[test]
    fn an_answer_after_sending_is_refused_only_when_nothing_can_have_changed() {
        for code in [400, 401, 403, 404, 405, 410, 413, 415, 422] {
            let Stop::For(AttemptOutcome::Refused { retryable, .. }) =
                after_sending(&answered(code))
            else {
                panic!("{code}")
            };
            assert!(!retryable, "{code}");
        }
        assert!(matches!(
            after_sending(&answered(429)),
            Stop::For(AttemptOutcome::Refused { passing: Some(Passing::Throttled), .. })
        ));
        for (error, kind) in [
            (answered(429), Passing::Throttled),
            (answered(503), Passing::ServerError),
            (answered(504), Passing::Timeout),
            (CallError::NotSent("x".into()), Passing::ServerError),
            (CallError::Lost("x".into()), Passing::Timeout),
        ] {
            let AttemptOutcome::Refused { retryable: true, passing, .. } = not_read(&error) else {
                panic!("{kind}")
            };
            assert_eq!(passing, Some(kind));
        }
        assert!(matches!(after_sending(&answered(409)), Stop::Conflict(_)));
        for code in [408, 500, 502, 503, 504, 599] {
            assert!(
                matches!(
                    after_sending(&answered(code)),
                    Stop::For(AttemptOutcome::NoAnswer { .. })
                ),
                "{code}"
            );
        }
        assert!(matches!(
            after_sending(&CallError::Lost("x".into())),
            Stop::For(AttemptOutcome::NoAnswer { .. })
        ));
        assert!(matches!(
            after_sending(&CallError::NotSent("x".into())),
            Stop::For(AttemptOutcome::Refused { retryable: true, .. })
        ));
    }

    #[test]
    fn a_secrets_data_and_another_uid_are_refused() {
        let object = ObjectRef { key: ObjectKey::new("v1", "Secret", "a", "b"), uid: "u1".into() };
        let change = |path| FieldChange { path, before: None, after: Some(json!("x")) };
        assert!(allowed(&object, &[change(FieldPath::keys(&["data", "k"]))]).is_err());
        assert!(allowed(&object, &[change(FieldPath::keys(&["metadata", "labels", "k"]))]).is_ok());
        assert!(same_uid(&json!({"metadata": {"uid": "u1"}}), &object).is_ok());
        assert!(same_uid(&json!({"metadata": {"uid": "u2"}}), &object).is_err());
        assert!(same_uid(&json!({}), &object).is_err());
    }

    #[test]
    fn the_note_says_when_the_server_made_something_else_of_a_field() {
        let change = FieldChange {
            path: FieldPath::keys(&["spec", "replicas"]),
            before: Some(json!(1)),
            after: Some(json!(3)),
        };
        let result = json!({"metadata": {"resourceVersion": "9"}, "spec": {"replicas": 2}});
        assert_eq!(
            confirmed(&result, &[change]),
            "resourceVersion 9; the server set spec.replicas to 2 instead"
        );
    }
}
