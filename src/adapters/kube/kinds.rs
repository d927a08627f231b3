//! Where kinds live in the API: a table of the usual ones, discovery for all others.
//!
//! Promises: no text from outside becomes more than one segment of a path.

use super::call::{Call, CallError};
use super::connect::Connection;
use crate::domain::resource::ObjectKey;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// One kind in the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    /// `apps`; empty for the core group.
    pub(super) group: String,
    /// `v1`.
    version: String,
    /// `deployments`.
    pub(super) plural: String,
    /// Whether its objects are in namespaces.
    namespaced: bool,
}

/// Kinds that discovery found.
#[derive(Default)]
pub(super) struct Kinds {
    found: Mutex<BTreeMap<(String, String), Kind>>,
}

/// (API version, kind, plural, in namespaces)
const KNOWN: &[(&str, &str, &str, bool)] = &[
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Endpoints", "endpoints", true),
    ("v1", "Event", "events", true),
    ("v1", "LimitRange", "limitranges", true),
    ("v1", "Namespace", "namespaces", false),
    ("v1", "Node", "nodes", false),
    ("v1", "PersistentVolume", "persistentvolumes", false),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("v1", "Pod", "pods", true),
    ("v1", "ReplicationController", "replicationcontrollers", true),
    ("v1", "ResourceQuota", "resourcequotas", true),
    ("v1", "Secret", "secrets", true),
    ("v1", "Service", "services", true),
    ("v1", "ServiceAccount", "serviceaccounts", true),
    ("apps/v1", "ControllerRevision", "controllerrevisions", true),
    ("apps/v1", "DaemonSet", "daemonsets", true),
    ("apps/v1", "Deployment", "deployments", true),
    ("apps/v1", "ReplicaSet", "replicasets", true),
    ("apps/v1", "StatefulSet", "statefulsets", true),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    ("batch/v1", "CronJob", "cronjobs", true),
    ("batch/v1", "Job", "jobs", true),
    ("coordination.k8s.io/v1", "Lease", "leases", true),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", true),
    ("networking.k8s.io/v1", "Ingress", "ingresses", true),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", false),
];

impl Kind {
    fn new(api_version: &str, plural: &str, namespaced: bool) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.into(), version: version.into(), plural: plural.into(), namespaced }
    }

    /// The path of the collection, in a namespace or, where that is empty, in all.
    pub(super) fn collection(&self, namespace: &str) -> Result<String, CallError> {
        let root =
            if self.group.is_empty() { "/api".into() } else { format!("/apis/{}", self.group) };
        let (version, plural) = (&self.version, &self.plural);
        if namespace.is_empty() || !self.namespaced {
            return Ok(format!("{root}/{version}/{plural}"));
        }
        let namespace = segment(namespace)?;
        Ok(format!("{root}/{version}/namespaces/{namespace}/{plural}"))
    }

    /// The path of one object.
    pub(super) fn object(&self, namespace: &str, name: &str) -> Result<String, CallError> {
        if self.namespaced && namespace.is_empty() {
            return Err(not_found(format!("{} {name} is named without a namespace", self.plural)));
        }
        Ok(format!("{}/{}", self.collection(namespace)?, segment(name)?))
    }
}

impl Kinds {
    /// Finds a kind. `Answered` with 404 when the cluster does not serve it.
    pub(super) async fn find(
        &self,
        connection: &Connection,
        api_version: &str,
        kind: &str,
    ) -> Result<Kind, CallError> {
        if let Some((_, _, plural, namespaced)) =
            KNOWN.iter().find(|known| known.0 == api_version && known.1 == kind)
        {
            return Ok(Kind::new(api_version, plural, *namespaced));
        }
        let key = (api_version.to_owned(), kind.to_owned());
        if let Some(found) = self.found.lock().await.get(&key) {
            return Ok(found.clone());
        }
        let path = match api_version.split_once('/') {
            Some((group, version)) => format!("/apis/{}/{}", segment(group)?, segment(version)?),
            None => format!("/api/{}", segment(api_version)?),
        };
        let list = connection.json(&Call::get(path)).await?;
        let found = served(&list, api_version, kind)
            .ok_or_else(|| not_found(format!("the cluster serves no {kind} in {api_version}")))?;
        self.found.lock().await.insert(key, found.clone());
        Ok(found)
    }

    /// The path of the object that a key names.
    pub(super) async fn path(
        &self,
        connection: &Connection,
        key: &ObjectKey,
    ) -> Result<String, CallError> {
        let kind = self.find(connection, &key.api_version, &key.kind).await?;
        kind.object(&key.namespace, &key.name)
    }
}

/// Finds a kind in an `APIResourceList`; subresources (`deployments/scale`) are not kinds of their own.
fn served(list: &Value, api_version: &str, kind: &str) -> Option<Kind> {
    let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).map(String::from);
    list.get("resources")?.as_array()?.iter().find_map(|item| {
        let plural = text(item, "name").filter(|name| segment(name).is_ok())?;
        let namespaced = item.get("namespaced").and_then(Value::as_bool)?;
        (text(item, "kind")? == kind).then(|| Kind::new(api_version, &plural, namespaced))
    })
}

/// A name as one segment of a path. Labels of alerts end up here, so nothing is taken on trust.
pub(super) fn segment(name: &str) -> Result<&str, CallError> {
    let fits = !name.is_empty()
        && name.len() <= 253
        && name != "."
        && name != ".."
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':'));
    if fits {
        return Ok(name);
    }
    let shown = crate::domain::text::shorten(&crate::domain::text::clean(name), 80);
    Err(not_found(format!("`{shown}` can't be the name of an object")))
}

fn not_found(message: String) -> CallError {
    CallError::Answered { code: 404, reason: "NotFound".into(), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_those_of_the_kubernetes_api() {
        let deployment = Kind::new("apps/v1", "deployments", true);
        assert_eq!(
            deployment.object("payments", "api").unwrap(),
            "/apis/apps/v1/namespaces/payments/deployments/api"
        );
        assert_eq!(deployment.collection("").unwrap(), "/apis/apps/v1/deployments");
        let node = Kind::new("v1", "nodes", false);
        assert_eq!(node.object("ignored", "n1").unwrap(), "/api/v1/nodes/n1");
    }

    #[test]
    fn a_name_from_outside_can_not_lead_elsewhere() {
        let pod = Kind::new("v1", "pods", true);
        for name in
            ["../../../nodes/n1", "a/b", "a?watch=1", "a#b", "", ".", "..", "a%2fb", "ä", "a b"]
        {
            assert_eq!(pod.object("ns", name).unwrap_err().code(), Some(404), "{name}");
            assert_eq!(pod.object(name, "pod").unwrap_err().code(), Some(404), "{name}");
        }
    }

    #[test]
    fn a_subresource_is_not_taken_for_the_kind() {
        let list = json!({"resources": [
            {"name": "scales/status", "kind": "Scale", "namespaced": true},
            {"name": "scales", "kind": "Scale", "namespaced": true},
        ]});
        assert_eq!(served(&list, "x.io/v1", "Scale").unwrap().plural, "scales");
        assert_eq!(served(&list, "x.io/v1", "Other"), None);
    }
}
