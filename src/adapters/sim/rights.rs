//! Who may do what: a small RBAC table.

use crate::domain::principal::KubeIdentity;
use serde::Deserialize;

/// One rule. The first that fits decides; without one, everything is allowed to members of `system:masters` and to
/// the engine itself, and nothing to others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// User name, `group:NAME`, or `*`.
    pub who: String,
    /// Namespaces; empty: all.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// `resource.group` such as `deployments.apps`; empty: all.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Whether it allows or forbids.
    pub allow: bool,
}

/// The table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rights {
    /// Rules in order.
    pub(super) rules: Vec<Rule>,
}

/// User name of the engine's credential.
pub(super) const ENGINE_USER: &str = "system:serviceaccount:pilothouse:pilothouse";

impl Rights {
    /// Whether `who` may change that resource there, and the authoriser's words.
    pub(super) fn may(
        &self,
        who: &KubeIdentity,
        resource: &str,
        namespace: &str,
    ) -> (bool, String) {
        let fits = |rule: &&Rule| {
            let person = rule.who == "*"
                || rule.who == who.username
                || rule
                    .who
                    .strip_prefix("group:")
                    .is_some_and(|group| who.groups.iter().any(|has| has == group));
            person
                && (rule.namespaces.is_empty()
                    || rule.namespaces.iter().any(|one| one == namespace))
                && (rule.resources.is_empty() || rule.resources.iter().any(|one| one == resource))
        };
        match self.rules.iter().find(fits) {
            Some(rule) if rule.allow => (true, format!("RBAC: allowed by rule for {}", rule.who)),
            Some(rule) => (
                false,
                format!("RBAC: no rule allows it to {} (denied for {})", who.username, rule.who),
            ),
            None if who.groups.iter().any(|group| group == "system:masters") => {
                (true, "RBAC: allowed by group system:masters".into())
            }
            None if who.username == ENGINE_USER => {
                (true, "RBAC: allowed by ClusterRoleBinding pilothouse".into())
            }
            None => (false, format!("RBAC: no rule allows it to {}", who.username)),
        }
    }
}

/// (plural name, API group) of the kinds that the simulated server knows.
pub(super) fn resource_of(api_version: &str, kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match (api_version, kind) {
        ("v1", "Pod") => ("pods", ""),
        ("v1", "Node") => ("nodes", ""),
        ("v1", "Namespace") => ("namespaces", ""),
        ("v1", "Service") => ("services", ""),
        ("v1", "Endpoints") => ("endpoints", ""),
        ("v1", "Secret") => ("secrets", ""),
        ("v1", "ConfigMap") => ("configmaps", ""),
        ("v1", "Event") => ("events", ""),
        ("v1", "ResourceQuota") => ("resourcequotas", ""),
        ("v1", "LimitRange") => ("limitranges", ""),
        ("v1", "PersistentVolumeClaim") => ("persistentvolumeclaims", ""),
        ("v1", "PersistentVolume") => ("persistentvolumes", ""),
        ("v1", "ServiceAccount") => ("serviceaccounts", ""),
        ("apps/v1", "Deployment") => ("deployments", "apps"),
        ("apps/v1", "ReplicaSet") => ("replicasets", "apps"),
        ("apps/v1", "StatefulSet") => ("statefulsets", "apps"),
        ("apps/v1", "DaemonSet") => ("daemonsets", "apps"),
        ("apps/v1", "ControllerRevision") => ("controllerrevisions", "apps"),
        ("batch/v1", "Job") => ("jobs", "batch"),
        ("batch/v1", "CronJob") => ("cronjobs", "batch"),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => {
            ("horizontalpodautoscalers", "autoscaling")
        }
        ("policy/v1", "PodDisruptionBudget") => ("poddisruptionbudgets", "policy"),
        ("networking.k8s.io/v1", "NetworkPolicy") => ("networkpolicies", "networking.k8s.io"),
        ("networking.k8s.io/v1", "Ingress") => ("ingresses", "networking.k8s.io"),
        ("discovery.k8s.io/v1", "EndpointSlice") => ("endpointslices", "discovery.k8s.io"),
        ("coordination.k8s.io/v1", "Lease") => ("leases", "coordination.k8s.io"),
        ("storage.k8s.io/v1", "StorageClass") => ("storageclasses", "storage.k8s.io"),
        _ => return None,
    })
}
