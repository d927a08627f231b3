//! New values for keys of a Secret, and the old ones back.
//!
//! ```text
//! read ─► values from before and new ones into a second Secret, named after the attempt ─► patch, with the stamp
//! back: only while the Secret holds what that attempt gave it; then the second Secret goes
//! ```
//!
//! Promises: no value leaves this file, in no answer, error or log. Random values have letters and digits only.

use super::call::{Call, CallError, Verb};
use super::cluster::KubeCluster;
use super::write::{
    FIELD_MANAGER, Stop, after_sending, not_read, refused, same_uid, stamp, version,
};
use crate::domain::id::AttemptId;
use crate::domain::operation::{ATTEMPT_ANNOTATION, NewValue, Rotation};
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::workflow::execution::AttemptOutcome;
use crate::ports::cluster::{Permit, Probe};
use k8s_openapi::ByteString;
use serde_json::{Map, Value, json};

/// Letters and digits of random values.
const SYMBOLS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl KubeCluster {
    pub(super) async fn rotate_once(
        &self,
        permit: &Permit,
        rotation: &Rotation,
    ) -> Result<AttemptOutcome, Stop> {
        let attempt = permit.attempt();
        let key = &rotation.secret.key;
        let live = self.live(key).await.map_err(|error| Stop::For(not_read(&error)))?;
        same_uid(&live, &rotation.secret).map_err(|why| Stop::For(refused(&why, false)))?;
        if stamp(&live) == Some(attempt.as_str()) {
            let note = format!("this attempt's stamp is already there, {}", version(&live));
            return Ok(AttemptOutcome::Applied { note });
        }
        if rotation.back {
            return self.rotate_back(permit, rotation, &live).await;
        }
        let kept = kept_in(key, attempt);
        let values = match self.kept(&kept).await? {
            // A conflict after the first half of this same attempt.
            Some(found) if stamp(&found) == Some(attempt.as_str()) => found,
            Some(_) => return Ok(refused(&format!("{} is there already", kept.path()), false)),
            None => self.keep(permit, rotation, &live, &kept).await?,
        };
        for name in rotation.keys.keys() {
            if datum(&values, &format!("before.{name}")) != datum(&live, name) {
                let why = format!("key {name} of {} was changed meanwhile", key.path());
                return Ok(refused(&why, false));
            }
        }
        let new = |name: &str| datum(&values, &format!("after.{name}"));
        let note = self.put(permit, rotation, &live, new).await?;
        Ok(AttemptOutcome::Applied {
            note: format!("{note}; the values from before are in Secret {}", kept.name),
        })
    }

    async fn rotate_back(
        &self,
        permit: &Permit,
        rotation: &Rotation,
        live: &Value,
    ) -> Result<AttemptOutcome, Stop> {
        let key = &rotation.secret.key;
        let mut found = None;
        for attempt in &rotation.made_by {
            found = found.or(self.kept(&kept_in(key, attempt)).await?);
        }
        let Some(kept) = found else {
            let why = format!("the values of {} from before are kept no more", key.path());
            return Ok(refused(&why, false));
        };
        for name in rotation.keys.keys() {
            if datum(&kept, &format!("after.{name}")) != datum(live, name) {
                let why = format!("key {name} of {} holds another value than ours", key.path());
                return Ok(refused(&why, false));
            }
        }
        let old = |name: &str| datum(&kept, &format!("before.{name}"));
        let mut note = self.put(permit, rotation, live, old).await?;
        if let Err(why) = self.forget(&kept).await {
            note = format!("{note}; what was kept could not be deleted: {why}");
        }
        Ok(AttemptOutcome::Applied { note })
    }

    /// The Secret with the values from before; `None` when there is none.
    async fn kept(&self, key: &ObjectKey) -> Result<Option<Value>, Stop> {
        match self.live(key).await {
            Ok(found) => Ok(Some(found)),
            Err(CallError::Answered { code: 404, .. }) => Ok(None),
            Err(error) => Err(Stop::For(not_read(&error))),
        }
    }

    /// Writes the values from before and the new ones down, before anything is changed.
    async fn keep(
        &self,
        permit: &Permit,
        rotation: &Rotation,
        live: &Value,
        kept: &ObjectKey,
    ) -> Result<Value, Stop> {
        let mut data = Map::new();
        for (name, new) in &rotation.keys {
            let Some(before) = datum(live, name) else {
                let why = format!("{} has no key {name} any more", rotation.secret.key.path());
                return Err(Stop::For(refused(&why, false)));
            };
            let after = match new {
                NewValue::Random { length } => encoded(&random(*length)),
                NewValue::Of { secret, key } => self.other(rotation, secret, key).await?,
            };
            data.insert(format!("before.{name}"), before);
            data.insert(format!("after.{name}"), after);
        }
        let object = &rotation.secret;
        let body = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
            "metadata": {"name": kept.name, "namespace": kept.namespace,
                "labels": {"app.kubernetes.io/managed-by": "pilothouse"},
                "annotations": {ATTEMPT_ANNOTATION: permit.attempt().as_str()},
                "ownerReferences": [{"apiVersion": "v1", "kind": "Secret",
                    "name": object.key.name, "uid": object.uid}]}});
        let path = format!("/api/v1/namespaces/{}/secrets", segment(&kept.namespace)?);
        let left = self.time_left(permit)?;
        let call = Call::new(Verb::Create, path)
            .with("fieldManager", FIELD_MANAGER)
            .body(body)
            .within(left);
        self.connection.json(&call).await.map_err(|error| match error {
            // Nothing of the Secret itself was touched: it is said to have been refused, whatever came of this.
            CallError::Lost(why) => {
                Stop::For(refused(&format!("nothing was changed: {why}"), true))
            }
            other => after_sending(&other),
        })
    }

    async fn other(&self, rotation: &Rotation, secret: &str, key: &str) -> Result<Value, Stop> {
        let namespace = &rotation.secret.key.namespace;
        let other = ObjectKey::new("v1", "Secret", namespace, secret);
        let live = self.live(&other).await.map_err(|error| Stop::For(not_read(&error)))?;
        datum(&live, key)
            .ok_or_else(|| Stop::For(refused(&format!("{} has no key {key}", other.path()), false)))
    }

    /// Sets the keys, under the version that was read, with the attempt's stamp.
    async fn put(
        &self,
        permit: &Permit,
        rotation: &Rotation,
        live: &Value,
        value: impl Fn(&str) -> Option<Value>,
    ) -> Result<String, Stop> {
        let meta = |name: &str| live.pointer(&format!("/metadata/{name}")).cloned();
        let mut steps = vec![
            json!({"op": "test", "path": "/metadata/uid", "value": meta("uid")}),
            json!({"op": "replace", "path": "/metadata/resourceVersion", "value": meta("resourceVersion")}),
        ];
        if meta("annotations").is_none() {
            steps.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
        }
        let mark = ATTEMPT_ANNOTATION.replace('~', "~0").replace('/', "~1");
        steps.push(json!({"op": "add", "path": format!("/metadata/annotations/{mark}"),
            "value": permit.attempt().as_str()}));
        for name in rotation.keys.keys() {
            let Some(value) = value(name) else {
                return Err(Stop::For(refused(&format!("key {name} was not kept"), false)));
            };
            // A key of a Secret has neither `/` nor `~`.
            steps.push(json!({"op": "replace", "path": format!("/data/{name}"), "value": value}));
        }
        let key = &rotation.secret.key;
        let path =
            self.kinds.path(&self.connection, key).await.map_err(|e| Stop::For(not_read(&e)))?;
        let left = self.time_left(permit)?;
        let call = Call::new(Verb::JsonPatch, path)
            .with("fieldManager", FIELD_MANAGER)
            .body(Value::Array(steps))
            .within(left);
        match self.connection.json(&call).await {
            Ok(done) => Ok(version(&done)),
            Err(error) => Err(after_sending(&error)),
        }
    }

    async fn forget(&self, kept: &Value) -> Result<(), String> {
        let object = ObjectRef::of(kept).ok_or("it came without a uid")?;
        let path = self.kinds.path(&self.connection, &object.key).await;
        let path = path.map_err(|error| error.words())?;
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions",
            "preconditions": {"uid": object.uid}});
        let call = Call::new(Verb::Delete, path).body(options);
        self.connection.json(&call).await.map(|_| ()).map_err(|error| error.words())
    }

    pub(super) async fn look_whether_rotated(
        &self,
        attempt: &AttemptId,
        rotation: &Rotation,
    ) -> Probe {
        let path = rotation.secret.key.path();
        match self.live(&rotation.secret.key).await {
            Ok(live) if stamp(&live) == Some(attempt.as_str()) => {
                Probe::Done(format!("{path} carries this attempt's stamp, {}", version(&live)))
            }
            Ok(live) => Probe::NotDone(format!(
                "{path} does not carry this attempt's stamp, {}",
                version(&live)
            )),
            Err(error) => super::write::unseen(&path, &error),
        }
    }
}

fn segment(name: &str) -> Result<&str, Stop> {
    super::kinds::segment(name).map_err(|error| Stop::For(not_read(&error)))
}

/// Where an attempt keeps the values from before.
fn kept_in(key: &ObjectKey, attempt: &AttemptId) -> ObjectKey {
    let name = format!("{}.{}", key.name, attempt.as_str().to_ascii_lowercase());
    ObjectKey::new("v1", "Secret", &key.namespace, &name)
}

/// A value of a Secret, encoded as the API has it.
fn datum(secret: &Value, key: &str) -> Option<Value> {
    secret.get("data")?.get(key).filter(|value| value.is_string()).cloned()
}

fn encoded(text: &str) -> Value {
    json!(ByteString(text.as_bytes().to_vec()))
}

#[allow(
    clippy::disallowed_methods,
    reason = "the value must be known to nobody, not even to the engine"
)]
fn random(length: u32) -> String {
    let mut text = String::new();
    while text.len() < length as usize {
        // Bytes 6 and 8 of a random UUID are not wholly random, and what would favour some symbols is left out.
        let bytes = uuid::Uuid::new_v4().into_bytes();
        let whole = bytes.iter().enumerate().filter(|(place, _)| *place != 6 && *place != 8);
        let fair =
            whole.map(|(_, byte)| usize::from(*byte)).filter(|byte| *byte < 4 * SYMBOLS.len());
        for byte in fair {
            if text.len() < length as usize
                && let Some(symbol) = SYMBOLS.get(byte % SYMBOLS.len())
            {
                text.push(char::from(*symbol));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_values_have_the_length_that_was_asked_for_and_never_repeat() {
        let (one, two) = (random(40), random(40));
        assert_eq!((one.len(), two.len()), (40, 40));
        assert_ne!(one, two);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric()));
        assert_eq!(encoded("hunter2"), json!("aHVudGVyMg=="));
    }
}
