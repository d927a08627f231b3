//! Questions about rights and identity.

use super::call::{Call, CallError, Verb};
use super::cluster::KubeCluster;
use crate::domain::evidence::Read;
use crate::domain::id::ClusterId;
use crate::domain::operation::Operation;
use crate::domain::principal::KubeIdentity;
use crate::domain::resource::ObjectKey;
use crate::domain::text::{clean, redact};
use crate::ports::cluster::{ClusterError, Identity};
use serde_json::{Value, json};

/// One right on one resource.
struct Right {
    verb: &'static str,
    group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

impl Right {
    /// `patch deployments.apps payments/ledger-api`.
    fn words(&self) -> String {
        let mut words = format!("{} {}", self.verb, self.resource);
        if !self.group.is_empty() {
            words.push('.');
            words.push_str(&self.group);
        }
        if !self.subresource.is_empty() {
            words.push('/');
            words.push_str(&self.subresource);
        }
        let place = match (self.namespace.is_empty(), self.name.is_empty()) {
            (true, true) => return words,
            (true, false) => self.name.clone(),
            (false, true) => format!("in {}", self.namespace),
            (false, false) => format!("{}/{}", self.namespace, self.name),
        };
        words.push(' ');
        words.push_str(&clean(&place));
        words
    }
}

impl KubeCluster {
    pub(super) async fn who_is_there(&self) -> Result<Identity, ClusterError> {
        let system = self.connection.json(&Call::get("/api/v1/namespaces/kube-system")).await?;
        let uid = text(&system, "/metadata/uid");
        if uid.is_empty() {
            return Err(ClusterError::Unavailable(
                "the namespace kube-system came without a uid: this is no Kubernetes API".into(),
            ));
        }
        let version = self.connection.json(&Call::get("/version")).await?;
        Ok(Identity {
            cluster: ClusterId::new(uid),
            name: self.connection.context().into(),
            version: text(&version, "/gitVersion"),
            user: self.who_am_i().await?,
            simulated: false,
        })
    }

    async fn who_am_i(&self) -> Result<KubeIdentity, ClusterError> {
        let ask = |version: &str| {
            let api = format!("authentication.k8s.io/{version}");
            let path = format!("/apis/{api}/selfsubjectreviews");
            Call::new(Verb::Create, path)
                .body(json!({"apiVersion": api, "kind": "SelfSubjectReview"}))
        };
        let review = match self.connection.json(&ask("v1")).await {
            // Before Kubernetes 1.28.
            Err(error) if error.code() == Some(404) => {
                self.connection.json(&ask("v1beta1")).await?
            }
            other => other?,
        };
        let username = text(&review, "/status/userInfo/username");
        if username.is_empty() {
            return Err(ClusterError::Unavailable("the cluster did not say who we are".into()));
        }
        let groups = review.pointer("/status/userInfo/groups").and_then(Value::as_array);
        let groups =
            groups.into_iter().flatten().filter_map(Value::as_str).map(clean).collect::<Vec<_>>();
        Ok(KubeIdentity { username, groups })
    }

    pub(super) async fn may(
        &self,
        who: &KubeIdentity,
        operation: &Operation,
    ) -> Result<(bool, String, String), ClusterError> {
        let rights = self.rights(operation).await?;
        let mut asked = Vec::new();
        for right in &rights {
            let (allowed, said) = self.review(who, right).await?;
            if !allowed {
                return Ok((false, right.words(), said));
            }
            asked.push((right.words(), said));
        }
        let said = asked.first().map(|(_, said)| said.clone()).unwrap_or_default();
        let asked = asked.into_iter().map(|(words, _)| words).collect::<Vec<_>>().join(", ");
        Ok((true, asked, said))
    }

    /// The rights that an operation takes.
    async fn rights(&self, operation: &Operation) -> Result<Vec<Right>, CallError> {
        let mut rights = Vec::new();
        match operation {
            Operation::Patch { object, subresource, .. } => {
                rights.push(self.right_on("patch", &object.key, subresource).await?);
            }
            Operation::Delete { object, .. } => {
                rights.push(self.right_on("delete", &object.key, "").await?);
            }
            Operation::Evict { pod, .. } => {
                rights.push(self.right_on("create", &pod.key, "eviction").await?);
            }
            Operation::Create { object, .. } => {
                rights.push(self.right_on("create", object, "").await?);
            }
            Operation::Unmake { object, .. } => {
                rights.push(self.right_on("delete", object, "").await?);
            }
            Operation::Rotate(rotation) => {
                for verb in ["get", "patch", "create"] {
                    rights.push(self.right_on(verb, &rotation.secret.key, "").await?);
                }
            }
            // It is no matter of the cluster.
            Operation::Silence(_) => {}
            Operation::Exec(command) => {
                // Older servers ask for one verb, newer ones for the other.
                for verb in ["create", "get"] {
                    rights.push(self.right_on(verb, &command.pod.key, "exec").await?);
                }
            }
            Operation::Await(condition) => {
                rights.push(self.right_on("get", &condition.object, "").await?);
            }
            Operation::Collect { reads, .. } => {
                for read in reads {
                    rights.extend(self.right_to_read(read).await?);
                }
            }
        }
        Ok(rights)
    }

    async fn right_on(
        &self,
        verb: &'static str,
        key: &ObjectKey,
        subresource: &str,
    ) -> Result<Right, CallError> {
        let kind = self.kinds.find(&self.connection, &key.api_version, &key.kind).await?;
        let right = right(verb, &kind.group, &kind.plural, &key.namespace, &key.name);
        Ok(Right { subresource: subresource.into(), ..right })
    }

    async fn right_to_read(&self, read: &Read) -> Result<Option<Right>, CallError> {
        Ok(match read {
            Read::Object(key) => {
                let kind = self.kinds.find(&self.connection, &key.api_version, &key.kind).await?;
                Some(right("get", &kind.group, &kind.plural, &key.namespace, &key.name))
            }
            Read::List { api_version, kind, namespace, .. } => {
                let kind = self.kinds.find(&self.connection, api_version, kind).await?;
                Some(right("list", &kind.group, &kind.plural, namespace, ""))
            }
            Read::PodsOn { .. } => Some(right("list", "", "pods", "", "")),
            Read::Events { namespace, .. } => {
                let place = if namespace.is_empty() { "default" } else { namespace };
                Some(right("list", "", "events", place, ""))
            }
            Read::Logs { namespace, pod, .. } => Some(Right {
                subresource: "log".into(),
                ..right("get", "", "pods", namespace, pod)
            }),
            Read::Query { .. } | Read::Range { .. } | Read::Alerts { .. } => None,
        })
    }

    async fn review(
        &self,
        who: &KubeIdentity,
        right: &Right,
    ) -> Result<(bool, String), ClusterError> {
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": who.username,
                "groups": who.groups,
                "resourceAttributes": {
                    "verb": right.verb,
                    "group": right.group,
                    "resource": right.resource,
                    "subresource": right.subresource,
                    "namespace": right.namespace,
                    "name": right.name,
                },
            },
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let answer = self.connection.json(&Call::new(Verb::Create, path).body(body)).await?;
        let flag = |name: &str| answer.pointer(name).and_then(Value::as_bool).unwrap_or(false);
        let allowed = flag("/status/allowed") && !flag("/status/denied");
        let words = [text(&answer, "/status/reason"), text(&answer, "/status/evaluationError")];
        let words = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
        Ok((allowed, redact(&words.join("; "))))
    }

    pub(super) async fn would_admit(
        &self,
        namespace: &str,
        template: &Value,
    ) -> Result<(), ClusterError> {
        let part = |pointer: &str| template.pointer(pointer).cloned().unwrap_or_else(|| json!({}));
        let body = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "generateName": "pilothouse-dry-run-",
                "namespace": namespace,
                "labels": part("/metadata/labels"),
                "annotations": part("/metadata/annotations"),
            },
            "spec": part("/spec"),
        });
        let namespace = super::kinds::segment(namespace)?;
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let call = Call::new(Verb::Create, path).with("dryRun", "All").body(body);
        match self.connection.json(&call).await {
            Ok(_) => Ok(()),
            Err(CallError::Answered { message, .. }) if message.contains("support dry run") => Err(
                ClusterError::Unavailable(format!("it can't be told without trying: {message}")),
            ),
            Err(error) => Err(error.into()),
        }
    }
}

fn right(verb: &'static str, group: &str, resource: &str, namespace: &str, name: &str) -> Right {
    Right {
        verb,
        group: group.into(),
        resource: resource.into(),
        subresource: String::new(),
        namespace: namespace.into(),
        name: name.into(),
    }
}

/// A text in an answer, cleaned; empty when it is not there.
fn text(value: &Value, pointer: &str) -> String {
    clean(value.pointer(pointer).and_then(Value::as_str).unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_written_as_kubectl_writes_it() {
        let patch = right("patch", "apps", "deployments", "payments", "api");
        assert_eq!(patch.words(), "patch deployments.apps payments/api");
        let log =
            Right { subresource: "log".into(), ..right("get", "", "pods", "payments", "api-1") };
        assert_eq!(log.words(), "get pods/log payments/api-1");
        assert_eq!(right("patch", "", "nodes", "", "n1").words(), "patch nodes n1");
        assert_eq!(right("list", "", "events", "a", "").words(), "list events in a");
    }
}
