//! The Lease that lets one engine drive the cluster, and the stop annotation on it.
//!
//! Promises: every write is under the resourceVersion that was read, except the stop annotation, which must get through
//! whoever holds the Lease; renewing never touches annotations.
//! Absent on purpose: judging by wall clocks whether a holder is alive; the caller watches `version` on its own clock.

use super::call::{Call, CallError, Verb};
use super::cluster::KubeCluster;
use crate::domain::text::{clean, shorten};
use crate::domain::time::Timestamp;
use crate::ports::cluster::{ClusterError, LeaseView, STOP_ANNOTATION};
use chrono::SecondsFormat;
use serde_json::{Value, json};

/// How often a conflict is answered by reading again.
const CONFLICTS: usize = 5;
/// Longest reason for a stop, in characters.
const LONGEST_REASON: usize = 1_000;

impl KubeCluster {
    pub(super) async fn see_lease(&self) -> Result<Option<LeaseView>, ClusterError> {
        Ok(self.raw_lease().await?.as_ref().map(view))
    }

    async fn raw_lease(&self) -> Result<Option<Value>, ClusterError> {
        match self.connection.json(&Call::get(self.lease_path())).await {
            Ok(lease) => Ok(Some(lease)),
            Err(error) if error.code() == Some(404) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn take_lease(
        &self,
        holder: &str,
        ttl_s: u64,
        expected: Option<&str>,
    ) -> Result<LeaseView, ClusterError> {
        if holder.is_empty() || ttl_s == 0 {
            return Err(ClusterError::Refused("a Lease needs a holder and a time to live".into()));
        }
        for _ in 0..CONFLICTS {
            let now = micro_time(self.connection.clock().now());
            let answer = match self.raw_lease().await? {
                None => {
                    let spec = json!({
                        "holderIdentity": holder, "leaseDurationSeconds": ttl_s,
                        "acquireTime": now, "renewTime": now, "leaseTransitions": 0,
                    });
                    self.create_lease(json!({}), spec).await
                }
                Some(lease) => {
                    if !may_take(&lease, holder, expected) {
                        let held = view(&lease);
                        return Err(ClusterError::Refused(format!(
                            "{} holds the Lease",
                            held.holder
                        )));
                    }
                    self.patch_lease(&held_by(&lease, holder, ttl_s, &now)).await
                }
            };
            match answer {
                Ok(lease) => return Ok(view(&lease)),
                // Somebody wrote in between: perhaps a stop, perhaps another holder. The next look tells.
                Err(error) if error.code() == Some(409) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ClusterError::Refused("the Lease changes too fast: somebody else was faster".into()))
    }

    pub(super) async fn give_lease_back(&self, holder: &str) -> Result<(), ClusterError> {
        for _ in 0..CONFLICTS {
            let Some(lease) = self.raw_lease().await? else { return Ok(()) };
            if raw_holder(&lease) != holder {
                return Ok(());
            }
            let patch = json!({
                "metadata": {"resourceVersion": resource_version(&lease)},
                "spec": {"holderIdentity": null},
            });
            match self.patch_lease(&patch).await {
                Ok(_) => return Ok(()),
                Err(error) if error.code() == Some(409) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ClusterError::Unavailable("the Lease changes too fast to be given back".into()))
    }

    pub(super) async fn write_stop(&self, text: Option<&str>) -> Result<(), ClusterError> {
        let text = text.map(|text| shorten(&clean(text), LONGEST_REASON));
        let annotations = json!({STOP_ANNOTATION: text});
        for _ in 0..CONFLICTS {
            let patch = json!({"metadata": {"annotations": annotations}});
            let call = Call::new(Verb::MergePatch, self.lease_path()).body(patch);
            let call = if text.is_some() { call.urgent() } else { call };
            match self.connection.json(&call).await {
                Ok(_) => return Ok(()),
                Err(error) if error.code() == Some(404) && text.is_none() => return Ok(()),
                Err(error) if error.code() == Some(404) => {}
                Err(error) => return Err(error.into()),
            }
            match self.create_lease(annotations.clone(), json!({})).await {
                Ok(_) => return Ok(()),
                // Somebody made it in between: set the annotation on theirs.
                Err(error) if error.code() == Some(409) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ClusterError::Unavailable("the stop annotation could not be set".into()))
    }

    async fn patch_lease(&self, patch: &Value) -> Result<Value, CallError> {
        let call = Call::new(Verb::MergePatch, self.lease_path()).body(patch.clone());
        self.connection.json(&call).await
    }

    /// Creates the Lease, and its namespace when there is none.
    async fn create_lease(&self, annotations: Value, spec: Value) -> Result<Value, CallError> {
        let options = self.connection.options();
        let (namespace, name) = (&options.lease_namespace, &options.lease_name);
        let body = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
            "spec": spec,
        });
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
        let create = Call::new(Verb::Create, path).body(body);
        match self.connection.json(&create).await {
            Err(error) if error.code() == Some(404) => {
                let body = json!({
                    "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace},
                });
                let call = Call::new(Verb::Create, "/api/v1/namespaces").body(body);
                match self.connection.json(&call).await {
                    Ok(_) => {}
                    Err(error) if error.code() == Some(409) => {}
                    Err(error) => return Err(error),
                }
                self.connection.json(&create).await
            }
            other => other,
        }
    }

    fn lease_path(&self) -> String {
        let options = self.connection.options();
        format!(
            "/apis/coordination.k8s.io/v1/namespaces/{}/leases/{}",
            options.lease_namespace, options.lease_name
        )
    }
}

/// Whether the Lease is free, ours, or exactly as the caller saw it when it began to wait.
fn may_take(lease: &Value, holder: &str, expected: Option<&str>) -> bool {
    let held = raw_holder(lease);
    held.is_empty()
        || held == holder
        || expected.is_some_and(|version| !version.is_empty() && version == resource_version(lease))
}

/// The patch that makes it ours. A new holder counts as a transition.
fn held_by(lease: &Value, holder: &str, ttl_s: u64, now: &str) -> Value {
    let mut spec = json!({
        "holderIdentity": holder, "leaseDurationSeconds": ttl_s, "renewTime": now,
    });
    if raw_holder(lease) != holder {
        let before = lease.pointer("/spec/leaseTransitions").and_then(Value::as_u64).unwrap_or(0);
        spec["acquireTime"] = now.into();
        spec["leaseTransitions"] = before.saturating_add(1).into();
    }
    json!({"metadata": {"resourceVersion": resource_version(lease)}, "spec": spec})
}

fn raw_holder(lease: &Value) -> &str {
    lease.pointer("/spec/holderIdentity").and_then(Value::as_str).unwrap_or("")
}

fn resource_version(lease: &Value) -> &str {
    lease.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or("")
}

fn view(lease: &Value) -> LeaseView {
    let renewed = lease.pointer("/spec/renewTime").and_then(Value::as_str);
    let stop = lease
        .get("metadata")
        .and_then(|meta| meta.get("annotations"))
        .and_then(|annotations| annotations.get(STOP_ANNOTATION));
    LeaseView {
        holder: clean(raw_holder(lease)),
        renewed_at: renewed
            .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
            .map(|at| at.to_utc()),
        ttl_s: lease.pointer("/spec/leaseDurationSeconds").and_then(Value::as_u64).unwrap_or(0),
        stop: stop.and_then(Value::as_str).map(|text| shorten(&clean(text), LONGEST_REASON)),
        version: resource_version(lease).into(),
    }
}

/// As Kubernetes' MicroTime is written.
fn micro_time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Value {
        json!({"metadata": {"resourceVersion": "7", "annotations": {STOP_ANNOTATION: "why\u{1b}"}},
            "spec": {"holderIdentity": "a", "leaseTransitions": 2, "leaseDurationSeconds": 15,
                "renewTime": "2026-11-22T10:00:00.000000Z"}})
    }

    #[test]
    fn the_lease_is_taken_only_when_free_ours_or_unchanged_since_it_was_seen() {
        assert!(may_take(&lease(), "a", None));
        assert!(!may_take(&lease(), "b", None));
        assert!(may_take(&lease(), "b", Some("7")));
        assert!(!may_take(&lease(), "b", Some("6")));
        assert!(may_take(&json!({"spec": {}}), "b", None));
        assert!(!may_take(&json!({"spec": {"holderIdentity": "a"}}), "b", Some("")));
    }

    #[test]
    fn a_new_holder_is_a_transition_and_a_renewal_is_not() {
        let taken = held_by(&lease(), "b", 15, "now");
        assert_eq!(taken["spec"]["leaseTransitions"], 3);
        assert_eq!(taken["spec"]["acquireTime"], "now");
        let renewed = held_by(&lease(), "a", 15, "now");
        assert_eq!(renewed["spec"].get("leaseTransitions"), None);
        assert_eq!(renewed["metadata"], json!({"resourceVersion": "7"}));
    }

    #[test]
    fn an_empty_stop_annotation_stops_too() {
        assert_eq!(view(&lease()).stop.as_deref(), Some("why"));
        let mut empty = lease();
        empty["metadata"]["annotations"][STOP_ANNOTATION] = "".into();
        assert_eq!(view(&empty).stop.as_deref(), Some(""));
        assert_eq!(view(&json!({})).stop, None);
    }
}
