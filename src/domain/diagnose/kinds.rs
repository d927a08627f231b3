//! Kinds of Kubernetes itself, by the words that people and exporters use for them.

/// One kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) api_version: &'static str,
    pub(crate) kind: &'static str,
    /// As paths of the API and a namespace's conditions write it.
    pub(crate) plural: &'static str,
    pub(crate) namespaced: bool,
}

const fn known(
    api_version: &'static str,
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
) -> Known {
    Known { api_version, kind, plural, namespaced }
}

const HOOKS: &str = "admissionregistration.k8s.io/v1";
const KINDS: [Known; 26] = [
    known("v1", "Pod", "pods", true),
    known("v1", "Node", "nodes", false),
    known("v1", "Namespace", "namespaces", false),
    known("v1", "Service", "services", true),
    known("v1", "ConfigMap", "configmaps", true),
    known("v1", "Secret", "secrets", true),
    known("v1", "ServiceAccount", "serviceaccounts", true),
    known("v1", "PersistentVolume", "persistentvolumes", false),
    known("v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    known("v1", "ResourceQuota", "resourcequotas", true),
    known("v1", "LimitRange", "limitranges", true),
    known("apps/v1", "Deployment", "deployments", true),
    known("apps/v1", "StatefulSet", "statefulsets", true),
    known("apps/v1", "DaemonSet", "daemonsets", true),
    known("apps/v1", "ReplicaSet", "replicasets", true),
    known("batch/v1", "Job", "jobs", true),
    known("batch/v1", "CronJob", "cronjobs", true),
    known("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    known("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
    known("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true),
    known("networking.k8s.io/v1", "Ingress", "ingresses", true),
    known("storage.k8s.io/v1", "StorageClass", "storageclasses", false),
    known("cert-manager.io/v1", "Certificate", "certificates", true),
    known(HOOKS, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false),
    known(HOOKS, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", false),
    known("apiregistration.k8s.io/v1", "APIService", "apiservices", false),
];

/// Short names that kubectl knows.
const SHORT: [(&str, &str); 14] = [
    ("po", "Pod"),
    ("no", "Node"),
    ("ns", "Namespace"),
    ("svc", "Service"),
    ("cm", "ConfigMap"),
    ("pv", "PersistentVolume"),
    ("pvc", "PersistentVolumeClaim"),
    ("deploy", "Deployment"),
    ("sts", "StatefulSet"),
    ("ds", "DaemonSet"),
    ("rs", "ReplicaSet"),
    ("hpa", "HorizontalPodAutoscaler"),
    ("pdb", "PodDisruptionBudget"),
    ("netpol", "NetworkPolicy"),
];

/// The kind of that word: `Deployment`, `deployment`, `deployments` or `deploy`.
pub(crate) fn known_kind(word: &str) -> Option<Known> {
    let long = SHORT.iter().find(|(short, _)| short.eq_ignore_ascii_case(word));
    let word = long.map_or(word, |(_, long)| *long);
    KINDS
        .iter()
        .find(|known| {
            known.kind.eq_ignore_ascii_case(word) || known.plural.eq_ignore_ascii_case(word)
        })
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_all_their_words() {
        for word in ["Deployment", "deployment", "deployments", "deploy"] {
            assert_eq!(known_kind(word).map(|known| known.kind), Some("Deployment"));
        }
        assert_eq!(known_kind("Widget"), None);
        assert!(SHORT.iter().all(|(_, kind)| KINDS.iter().any(|known| known.kind == *kind)));
    }
}
