//! Makes whole objects and takes them away: create, delete, evict.
//!
//! Promises: only the object of the planned uid goes; what was made is taken back only while it carries the stamp of the
//! attempt that made it; a disruption budget's no is *held*, with its words. That an object is gone already is seen and
//! said, and nothing is sent.
//! Absent on purpose: deleting by selector, Secrets from a plan (their values would be in the log).

use super::call::{BUDGET, Call, CallError, Verb};
use super::cluster::KubeCluster;
use super::compare::drift;
use super::objects::prepared;
use super::write::{
    FIELD_MANAGER, Stop, after_sending, not_read, refused, same_uid, stamp, unseen, version,
};
use crate::domain::id::AttemptId;
use crate::domain::operation::{ATTEMPT_ANNOTATION, FieldChange, Propagation};
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::text::{clean, is_marked};
use crate::domain::workflow::execution::AttemptOutcome;
use crate::ports::cluster::{ClusterError, Permit, Probe};
use serde_json::{Map, Value, json};

/// How an object ends: seconds that it has, and what becomes of what it owns.
type Ending = (Option<u64>, Propagation);

impl KubeCluster {
    pub(super) async fn dry_run_delete(
        &self,
        object: &ObjectRef,
        grace_s: Option<u64>,
        propagation: Propagation,
    ) -> Result<(Value, Value), ClusterError> {
        let path = self.kinds.path(&self.connection, &object.key).await?;
        let live = self.live(&object.key).await?;
        same_uid(&live, object).map_err(ClusterError::Refused)?;
        let mut options = delete_options(&object.uid, None, (grace_s, propagation));
        options.insert("dryRun".into(), json!(["All"]));
        let call = Call::new(Verb::Delete, path).body(Value::Object(options));
        self.connection.json(&call).await?;
        Ok((prepared(&live), Value::Null))
    }

    pub(super) async fn dry_run_evict(
        &self,
        pod: &ObjectRef,
        grace_s: Option<u64>,
    ) -> Result<(Value, Value), ClusterError> {
        let path = self.kinds.path(&self.connection, &pod.key).await?;
        let live = self.live(&pod.key).await?;
        same_uid(&live, pod).map_err(ClusterError::Refused)?;
        match self.connection.json(&eviction(&path, pod, grace_s, true)).await {
            // A budget that holds it back now may let it go later: the request itself is right.
            Err(CallError::Answered { code: 429, reason, .. }) if reason == BUDGET => {}
            Err(error) if never_evicted(&error) => {
                return Err(ClusterError::Refused(error.words()));
            }
            other => {
                other?;
            }
        }
        Ok((prepared(&live), Value::Null))
    }

    pub(super) async fn dry_run_create(
        &self,
        object: &ObjectKey,
        manifest: &Value,
    ) -> Result<(Value, Value), ClusterError> {
        let body = creatable(object, manifest, None).map_err(ClusterError::Refused)?;
        let call = self.creation(object, body).await?.with("dryRun", "All");
        let made = self.connection.json(&call).await?;
        Ok((Value::Null, prepared(&made)))
    }

    /// The request that creates an object.
    async fn creation(&self, object: &ObjectKey, body: Value) -> Result<Call, CallError> {
        let kind = self.kinds.find(&self.connection, &object.api_version, &object.kind).await?;
        // Also refuses a name that is none.
        kind.object(&object.namespace, &object.name)?;
        Ok(Call::new(Verb::Create, kind.collection(&object.namespace)?)
            .with("fieldManager", FIELD_MANAGER)
            .with("fieldValidation", "Strict")
            .body(body))
    }

    pub(super) async fn delete_once(
        &self,
        permit: &Permit,
        object: &ObjectRef,
        ending: Ending,
        guards: &[FieldChange],
    ) -> Result<AttemptOutcome, Stop> {
        let path = self.path_of(&object.key).await?;
        let Some(live) = self.still_there(object).await? else { return Ok(gone(&object.key)) };
        if let Some(since) = ends(&live).filter(|_| ending.0.is_none()) {
            return Ok(going(&object.key, since));
        }
        if let Some(why) = drift(&prepared(&live), guards) {
            return Ok(refused(&why, false));
        }
        // Guards were compared with this version; without them the uid is all that matters.
        let read = live.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let options = delete_options(&object.uid, read.filter(|_| !guards.is_empty()), ending);
        let left = self.time_left(permit)?;
        let call = Call::new(Verb::Delete, path).body(Value::Object(options)).within(left);
        self.deleted(object, &call).await
    }

    /// Sends a deletion and says what the answer means.
    async fn deleted(&self, object: &ObjectRef, call: &Call) -> Result<AttemptOutcome, Stop> {
        match self.connection.json(call).await {
            Ok(answer) => Ok(AttemptOutcome::Applied { note: accepted(&object.key, &answer) }),
            Err(CallError::Answered { code: 404, .. }) => Ok(gone(&object.key)),
            Err(error) => Err(after_sending(&error)),
        }
    }

    pub(super) async fn evict_once(
        &self,
        permit: &Permit,
        pod: &ObjectRef,
        grace_s: Option<u64>,
    ) -> Result<AttemptOutcome, Stop> {
        let path = self.path_of(&pod.key).await?;
        let Some(live) = self.still_there(pod).await? else { return Ok(gone(&pod.key)) };
        if let Some(since) = ends(&live) {
            return Ok(going(&pod.key, since));
        }
        let left = self.time_left(permit)?;
        let call = eviction(&path, pod, grace_s, false).within(left);
        match self.connection.json(&call).await {
            Ok(_) => {
                let note = format!("eviction of {} accepted", pod.key.path());
                Ok(AttemptOutcome::Applied { note })
            }
            Err(CallError::Answered { code: 404, .. }) => Ok(gone(&pod.key)),
            Err(CallError::Answered { code: 429, reason, message }) if reason == BUDGET => {
                Ok(AttemptOutcome::Held { why: message })
            }
            Err(error) if never_evicted(&error) => Ok(refused(&error.words(), false)),
            Err(error) => Err(after_sending(&error)),
        }
    }

    pub(super) async fn create_once(
        &self,
        permit: &Permit,
        object: &ObjectKey,
        manifest: &Value,
    ) -> Result<AttemptOutcome, Stop> {
        let attempt = permit.attempt();
        let body = creatable(object, manifest, Some(attempt))
            .map_err(|why| Stop::For(refused(&why, false)))?;
        let call = self.creation(object, body).await.map_err(|e| Stop::For(not_read(&e)))?;
        let left = self.time_left(permit)?;
        match self.connection.json(&call.within(left)).await {
            Ok(made) => {
                let uid = made.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or("?");
                let note = format!("created, uid {}, {}", clean(uid), version(&made));
                Ok(AttemptOutcome::Applied { note })
            }
            Err(error @ CallError::Answered { code: 409, .. }) => {
                match self.look_whether_made(attempt, object).await {
                    Probe::Done(note) => Ok(AttemptOutcome::SeenDone { note }),
                    Probe::NotDone(_) | Probe::Later(_) | Probe::CantTell(_) => {
                        Ok(refused(&error.words(), false))
                    }
                }
            }
            Err(error) => Err(after_sending(&error)),
        }
    }

    pub(super) async fn unmake_once(
        &self,
        permit: &Permit,
        key: &ObjectKey,
        made_by: &[AttemptId],
    ) -> Result<AttemptOutcome, Stop> {
        let path = self.path_of(key).await?;
        let live = match self.live(key).await {
            Ok(live) => live,
            Err(CallError::Answered { code: 404, .. }) => return Ok(gone(key)),
            Err(error) => return Err(Stop::For(not_read(&error))),
        };
        if !made(&live, made_by) {
            return Ok(refused(&foreign(key), false));
        }
        let Some(object) = ObjectRef::of(&live) else {
            return Ok(refused(&format!("{} came without a uid", key.path()), false));
        };
        if let Some(since) = ends(&live) {
            return Ok(going(key, since));
        }
        let options = delete_options(&object.uid, None, (None, Propagation::Background));
        let left = self.time_left(permit)?;
        let call = Call::new(Verb::Delete, path).body(Value::Object(options)).within(left);
        self.deleted(&object, &call).await
    }

    async fn path_of(&self, key: &ObjectKey) -> Result<String, Stop> {
        let found = self.kinds.path(&self.connection, key).await;
        found.map_err(|error| Stop::For(not_read(&error)))
    }

    /// The object, if it is still the one that was meant.
    async fn still_there(&self, object: &ObjectRef) -> Result<Option<Value>, Stop> {
        match self.live(&object.key).await {
            Ok(live) => Ok(Some(live).filter(|live| same_uid(live, object).is_ok())),
            Err(CallError::Answered { code: 404, .. }) => Ok(None),
            Err(error) => Err(Stop::For(not_read(&error))),
        }
    }

    pub(super) async fn look_whether_gone(&self, object: &ObjectRef) -> Probe {
        let path = object.key.path();
        match self.live(&object.key).await {
            Ok(live) if same_uid(&live, object).is_err() => {
                Probe::Done(format!("{path} with uid {} is gone", object.uid))
            }
            Ok(live) => match ends(&live) {
                Some(since) => Probe::Done(format!("{path} is being deleted since {since}")),
                None => Probe::NotDone(format!("{path} is there and not being deleted")),
            },
            Err(CallError::Answered { code: 404, .. }) => Probe::Done(format!("{path} is gone")),
            Err(error) => unseen(&path, &error),
        }
    }

    pub(super) async fn look_whether_made(&self, attempt: &AttemptId, key: &ObjectKey) -> Probe {
        let path = key.path();
        match self.live(key).await {
            Ok(live) if stamp(&live) == Some(attempt.as_str()) => {
                Probe::Done(format!("{path} carries this attempt's stamp, {}", version(&live)))
            }
            Ok(_) => Probe::NotDone(format!("{path} is there, made by somebody else")),
            Err(CallError::Answered { code: 404, .. }) => {
                Probe::NotDone(format!("{path} does not exist"))
            }
            Err(error) => unseen(&path, &error),
        }
    }

    pub(super) async fn look_whether_unmade(
        &self,
        key: &ObjectKey,
        made_by: &[AttemptId],
    ) -> Probe {
        let path = key.path();
        match self.live(key).await {
            Ok(live) if !made(&live, made_by) => {
                Probe::Done(format!("{path} is another object now; ours is gone"))
            }
            Ok(live) => match ends(&live) {
                Some(since) => Probe::Done(format!("{path} is being deleted since {since}")),
                None => Probe::NotDone(format!("{path} is there and not being deleted")),
            },
            Err(CallError::Answered { code: 404, .. }) => Probe::Done(format!("{path} is gone")),
            Err(error) => unseen(&path, &error),
        }
    }
}

fn delete_options(uid: &str, version: Option<&str>, ending: Ending) -> Map<String, Value> {
    let (grace_s, propagation) = ending;
    let mut preconditions = Map::from_iter([("uid".to_string(), json!(uid))]);
    preconditions.extend(version.map(|text| ("resourceVersion".to_string(), json!(text))));
    let mut options = Map::from_iter([
        ("apiVersion".to_string(), json!("v1")),
        ("kind".to_string(), json!("DeleteOptions")),
        ("preconditions".to_string(), Value::Object(preconditions)),
        ("propagationPolicy".to_string(), json!(propagation.word())),
    ]);
    options.extend(grace_s.map(|seconds| ("gracePeriodSeconds".to_string(), json!(seconds))));
    options
}

fn eviction(path: &str, pod: &ObjectRef, grace_s: Option<u64>, dry_run: bool) -> Call {
    let mut options = Map::from_iter([("preconditions".to_string(), json!({"uid": pod.uid}))]);
    options.extend(grace_s.map(|seconds| ("gracePeriodSeconds".to_string(), json!(seconds))));
    if dry_run {
        options.insert("dryRun".into(), json!(["All"]));
    }
    let body = json!({
        "apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": pod.key.name, "namespace": pod.key.namespace},
        "deleteOptions": options,
    });
    let call = Call::new(Verb::Create, format!("{path}/eviction")).body(body);
    if dry_run { call.with("dryRun", "All") } else { call }
}

/// Two budgets over one pod: the server says 500, and would always.
fn never_evicted(error: &CallError) -> bool {
    matches!(error, CallError::Answered { code: 500, message, .. }
        if message.contains("more than one PodDisruptionBudget"))
}

/// The manifest as it is sent; why it can't be.
fn creatable(
    key: &ObjectKey,
    manifest: &Value,
    attempt: Option<&AttemptId>,
) -> Result<Value, String> {
    if key.kind == "Secret" {
        return Err("a Secret is not created from a plan: its values would be in the log".into());
    }
    if is_marked(manifest) {
        return Err(format!(
            "{} would get text that held control or invisible characters",
            key.path()
        ));
    }
    let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    let named = ObjectKey::new(
        text("/apiVersion"),
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name"),
    );
    if named != *key {
        return Err(format!("the manifest is of {}, not of {}", named.path(), key.path()));
    }
    let mut body = manifest.clone();
    let Some(attempt) = attempt else { return Ok(body) };
    let metadata = body.get_mut("metadata").and_then(Value::as_object_mut);
    let annotations = metadata
        .map(|metadata| metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new())));
    let annotations = annotations.and_then(Value::as_object_mut);
    annotations
        .ok_or("its annotations are no object")?
        .insert(ATTEMPT_ANNOTATION.into(), attempt.as_str().into());
    Ok(body)
}

/// Whether one of these attempts made it.
fn made(live: &Value, made_by: &[AttemptId]) -> bool {
    stamp(live).is_some_and(|stamp| made_by.iter().any(|attempt| attempt.as_str() == stamp))
}

fn foreign(key: &ObjectKey) -> String {
    format!("{} does not carry the stamp of this execution: it is left alone", key.path())
}

/// Since when it is being deleted.
fn ends(live: &Value) -> Option<&str> {
    live.pointer("/metadata/deletionTimestamp").and_then(Value::as_str)
}

fn gone(key: &ObjectKey) -> AttemptOutcome {
    let note = format!("{} was gone already; nothing was sent", key.path());
    AttemptOutcome::SeenDone { note }
}

fn going(key: &ObjectKey, since: &str) -> AttemptOutcome {
    let note = format!("{} is being deleted already (due {})", key.path(), clean(since));
    AttemptOutcome::SeenDone { note }
}

/// What the server answered to a deletion.
fn accepted(key: &ObjectKey, answer: &Value) -> String {
    let left = answer.pointer("/metadata/finalizers").and_then(Value::as_array);
    match (ends(answer), left.filter(|left| !left.is_empty())) {
        (Some(_), Some(finalizers)) => {
            let names = finalizers.iter().filter_map(Value::as_str).map(clean).collect::<Vec<_>>();
            format!("deletion accepted; finalizers still hold {}: {}", key.path(), names.join(", "))
        }
        (Some(due), None) => format!("deletion accepted, due {}", clean(due)),
        (None, _) => format!("{} is deleted", key.path()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_names_the_uid_and_the_version_only_where_values_were_compared() {
        let options = delete_options("u1", None, (Some(0), Propagation::Foreground));
        assert_eq!(
            Value::Object(options),
            json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "u1"},
                "gracePeriodSeconds": 0, "propagationPolicy": "Foreground"})
        );
        let options = delete_options("u1", Some("7"), (None, Propagation::Background));
        assert_eq!(options["preconditions"], json!({"uid": "u1", "resourceVersion": "7"}));
        assert!(!options.contains_key("gracePeriodSeconds"));
    }

    #[test]
    fn what_is_created_carries_the_stamp_and_a_secret_or_another_name_is_refused() {
        let key = ObjectKey::new("v1", "ConfigMap", "a", "b");
        let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "b", "namespace": "a"}});
        let attempt = AttemptId::new("a-1");
        let body = creatable(&key, &manifest, Some(&attempt)).unwrap();
        assert_eq!(body["metadata"]["annotations"][ATTEMPT_ANNOTATION], "a-1");
        assert!(made(&body, &[attempt]) && !made(&body, &[]) && !made(&manifest, &[]));
        let other = ObjectKey::new("v1", "ConfigMap", "a", "c");
        assert!(creatable(&other, &manifest, None).unwrap_err().contains("not of a/ConfigMap/c"));
        let secret = ObjectKey::new("v1", "Secret", "a", "b");
        assert!(creatable(&secret, &manifest, None).unwrap_err().contains("Secret"));
        let hostile = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "b", "namespace": "a"}, "data": {"x": "a\u{FFFD}b"}});
        assert!(creatable(&key, &hostile, None).unwrap_err().contains("invisible"));
    }

    #[test]
    fn a_deletion_that_finalizers_hold_says_so() {
        let key = ObjectKey::new("v1", "ConfigMap", "a", "b");
        let held = json!({"metadata": {"deletionTimestamp": "2026-11-25T10:00:00Z", "finalizers": ["x/y"]}});
        assert!(accepted(&key, &held).contains("finalizers still hold a/ConfigMap/b: x/y"));
        assert!(accepted(&key, &json!({"status": "Success"})).ends_with("is deleted"));
    }
}
