//! The object that an alert's labels name.
//!
//! Label conventions of cAdvisor and the kubelet (`pod`, `container`, `namespace` are the object's), of
//! kube-state-metrics and of exporters in general. Where a scrape keeps its own labels, the object's are
//! `exported_pod` and `exported_namespace`, and those win. A `pod` label may also be the exporter's own pod; it is
//! taken as that when `job` and `container` both name a known exporter and another label names an object.
//!
//! Labels only propose: whether the object exists is looked up, and the first of several that exists is taken.

use super::guesses::by_kind;
use super::label_names::{CONTAINER, KINDS, NAMESPACE, NODE, POD, WIDE};
use crate::domain::alert::Alert;
use crate::domain::resource::ObjectKey;

/// Exporters that report about other objects than themselves.
const EXPORTERS: [&str; 4] =
    ["kube-state-metrics", "node-exporter", "prometheus-node-exporter", "prometheus-operator"];
/// Containers that stand before an exporter: scrapes through them carry their name.
const BEFORE_EXPORTERS: &str = "kube-rbac-proxy";
/// Scrape jobs whose `service` label is their own.
const SCRAPES: [&str; 4] = ["kubelet", "cadvisor", "resource", "apiserver"];

/// The object that an alert's labels name, if any.
#[must_use]
pub fn named_object(alert: &Alert) -> Option<ObjectKey> {
    candidates(alert).into_iter().next()
}

/// The namespace that an alert's labels name; empty: none.
#[must_use]
pub fn place_of(alert: &Alert) -> &str {
    alert.label(&NAMESPACE).unwrap_or("")
}

/// All objects that the labels may name, likeliest first. What can't be a name of Kubernetes is left out: it would
/// end up in request paths and queries.
pub(crate) fn candidates(alert: &Alert) -> Vec<ObjectKey> {
    let mut found = labelled(alert);
    found.retain(|key| is_name(&key.name) && (key.namespace.is_empty() || is_name(&key.namespace)));
    found
}

pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn labelled(alert: &Alert) -> Vec<ObjectKey> {
    let mut found = Vec::new();
    let namespace = alert.label(&NAMESPACE).unwrap_or("");
    let wide = WIDE.iter().filter_map(|(labels, api_version, kind)| {
        Some(ObjectKey::new(api_version, kind, "", alert.label(labels)?))
    });
    found.extend(by_kind(alert));
    found.extend(certificate(alert, namespace));
    if namespace.is_empty() {
        found.extend(wide);
        found.extend(node(alert));
        return found;
    }
    let job = alert.label(&["job"]).unwrap_or("");
    if let Some(pod) = alert.label(&["exported_pod"]) {
        found.push(ObjectKey::new("v1", "Pod", namespace, pod));
    }
    for (labels, api_version, kind) in KINDS {
        if let Some(name) = alert.label(labels) {
            found.push(ObjectKey::new(api_version, kind, namespace, name));
        }
    }
    found.extend(wide);
    found.extend(workload(alert, namespace));
    let own_node = node(alert);
    let scraped_node = is_exporter(job).then(|| own_node.clone()).flatten();
    let pods_own = found.is_empty() && scraped_node.is_none();
    if let Some(pod) = alert.label(&POD)
        && alert.label(&["exported_pod"]).is_none()
        && !exporters_own(alert, job, pods_own)
    {
        found.push(ObjectKey::new("v1", "Pod", namespace, pod));
    }
    found.extend(own_node);
    if let Some(service) = alert.label(&["service"])
        && !is_exporter(job)
        && !SCRAPES.contains(&job)
        && found.is_empty()
    {
        found.push(ObjectKey::new("v1", "Service", namespace, service));
    }
    found
}

/// The container that the labels name, when it is not the exporter's.
pub(crate) fn container(alert: &Alert) -> Option<&str> {
    if let Some(name) = alert.label(&["exported_container"]) {
        return Some(name);
    }
    let name = alert.label(&CONTAINER)?;
    (!of_exporter(name) && name != "POD").then_some(name)
}

/// Whether a container is an exporter's: its own, or the proxy in front of it.
fn of_exporter(container: &str) -> bool {
    EXPORTERS.contains(&container) || container.starts_with(BEFORE_EXPORTERS)
}

fn is_exporter(job: &str) -> bool {
    EXPORTERS.contains(&job)
}

/// Whether the `pod` label is the exporter's own pod.
fn exporters_own(alert: &Alert, job: &str, nothing_else: bool) -> bool {
    if alert.label(&["exported_namespace"]).is_some() {
        return true;
    }
    match job {
        // What a node exporter measures is its node, never its pod.
        "node-exporter" | "prometheus-node-exporter" => true,
        _ if is_exporter(job) => {
            !nothing_else && alert.label(&["container"]).is_none_or(of_exporter)
        }
        _ => false,
    }
}

fn node(alert: &Alert) -> Option<ObjectKey> {
    let name = alert.label(&NODE)?;
    Some(ObjectKey::new("v1", "Node", "", name))
}

/// cert-manager's metrics name a Certificate by `name` beside its issuer; exporters of certificates name the Secret.
fn certificate(alert: &Alert, namespace: &str) -> Option<ObjectKey> {
    if let (Some(secret), Some(place)) =
        (alert.label(&["secret_name"]), alert.label(&["secret_namespace"]))
    {
        return Some(ObjectKey::new("v1", "Secret", place, secret));
    }
    let issued = alert.label(&["issuer_name", "issuer_kind", "issuer_group"]).is_some()
        || alert.label(&["job"]).is_some_and(|job| job.contains("cert-manager"));
    let name = alert.label(&["certificate", "exported_name", "name"]).filter(|_| issued)?;
    (!namespace.is_empty())
        .then(|| ObjectKey::new("cert-manager.io/v1", "Certificate", namespace, name))
}

/// `workload` and `workload_type`, as the kubernetes-mixin's recording rules write them.
fn workload(alert: &Alert, namespace: &str) -> Option<ObjectKey> {
    let name = alert.label(&["workload"])?;
    let kind = match alert.label(&["workload_type"])? {
        "deployment" | "Deployment" => "Deployment",
        "statefulset" | "StatefulSet" => "StatefulSet",
        "daemonset" | "DaemonSet" => "DaemonSet",
        _ => return None,
    };
    Some(ObjectKey::new("apps/v1", kind, namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::AlertStatus;
    use crate::domain::id::Fingerprint;

    fn alert(labels: &[(&str, &str)]) -> Alert {
        Alert {
            fingerprint: Fingerprint::new("f"),
            status: AlertStatus::Firing,
            labels: labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            annotations: std::collections::BTreeMap::new(),
            starts_at: chrono::DateTime::UNIX_EPOCH,
            ends_at: None,
        }
    }

    fn path(labels: &[(&str, &str)]) -> String {
        named_object(&alert(labels)).map_or_else(|| "-".into(), |key| key.path())
    }

    #[test]
    fn a_cadvisor_alert_names_its_pod_and_not_the_node_it_runs_on() {
        assert_eq!(
            path(&[("namespace", "pay"), ("pod", "a-1"), ("node", "n1"), ("job", "cadvisor")]),
            "pay/Pod/a-1"
        );
    }

    #[test]
    fn exported_labels_win_over_those_of_the_scrape() {
        assert_eq!(
            path(&[
                ("namespace", "monitoring"),
                ("pod", "ksm-0"),
                ("exported_namespace", "pay"),
                ("exported_pod", "a-1"),
                ("job", "kube-state-metrics"),
            ]),
            "pay/Pod/a-1"
        );
    }

    #[test]
    fn labels_of_all_kinds_name_their_object() {
        let in_pay = |extra: &[(&str, &str)]| path(&[&[("namespace", "pay")], extra].concat());
        assert_eq!(
            in_pay(&[("persistentvolumeclaim", "data"), ("node", "n1")]),
            "pay/PersistentVolumeClaim/data"
        );
        assert_eq!(in_pay(&[("resourcequota", "q"), ("resource", "pods")]), "pay/ResourceQuota/q");
        assert_eq!(in_pay(&[("networkpolicy", "deny")]), "pay/NetworkPolicy/deny");
        assert_eq!(in_pay(&[("ingress", "front"), ("service", "x")]), "pay/Ingress/front");
        assert_eq!(in_pay(&[("kind", "deploy"), ("name", "web")]), "pay/Deployment/web");
        assert_eq!(in_pay(&[("object", "StatefulSet/db")]), "pay/StatefulSet/db");
        assert_eq!(in_pay(&[("object", "shop/deployment.apps/web")]), "shop/Deployment/web");
        assert_eq!(
            in_pay(&[("kind", "Widget"), ("name", "w"), ("api_version", "x.io/v1")]),
            "pay/Widget/w"
        );
        assert_eq!(in_pay(&[("kind", "Widget"), ("name", "w")]), "-", "a kind without a place");
        assert_eq!(path(&[("kind", "Node"), ("name", "n1"), ("namespace", "pay")]), "Node/n1");
        assert_eq!(path(&[("kind", "Pod"), ("name", "p")]), "-", "a pod without a namespace");
        assert_eq!(
            path(&[("persistentvolume", "pv-1"), ("phase", "Failed")]),
            "PersistentVolume/pv-1"
        );
        assert_eq!(
            path(&[
                ("exported_namespace", "shop"),
                ("namespace", "cert-manager"),
                ("name", "front-tls"),
                ("issuer_name", "le"),
            ]),
            "shop/Certificate/front-tls"
        );
        assert_eq!(
            path(&[("secret_name", "tls"), ("secret_namespace", "shop"), ("namespace", "mon")]),
            "shop/Secret/tls"
        );
    }

    #[test]
    fn the_exporters_own_pod_is_not_the_object_of_a_deployment_or_node_alert() {
        let own = [
            ("namespace", "pay"),
            ("pod", "ksm-0"),
            ("container", "kube-state-metrics"),
            ("job", "kube-state-metrics"),
            ("service", "ksm"),
        ];
        let with = |extra: (&'static str, &'static str)| path(&[own.as_slice(), &[extra]].concat());
        assert_eq!(with(("deployment", "web")), "pay/Deployment/web");
        assert_eq!(with(("node", "n1")), "Node/n1");
        assert_eq!(with(("job_name", "batch-1")), "pay/Job/batch-1");
        let all = candidates(&alert(&[own.as_slice(), &[("deployment", "web")]].concat()));
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(path(&own), "pay/Pod/ksm-0", "kube-state-metrics may report about itself");
    }

    #[test]
    fn the_words_of_other_agents_for_the_same_things_are_known() {
        assert_eq!(
            path(&[("kube_namespace", "pay"), ("kube_deployment", "web")]),
            "pay/Deployment/web"
        );
        assert_eq!(
            path(&[("k8s_namespace_name", "pay"), ("k8s_statefulset_name", "db")]),
            "pay/StatefulSet/db"
        );
        let otel = [("k8s_namespace_name", "pay"), ("k8s_pod_name", "a-1"), ("k8s_node_name", "n")];
        assert_eq!(path(&otel), "pay/Pod/a-1");
        assert_eq!(path(&[("namespace_name", "pay"), ("pod_name", "a-1")]), "pay/Pod/a-1");
        assert_eq!(path(&[("k8s_node_name", "n1")]), "Node/n1");
    }

    #[test]
    fn a_pod_metric_of_kube_state_metrics_names_the_pod() {
        assert_eq!(
            path(&[
                ("namespace", "pay"),
                ("pod", "a-1"),
                ("container", "app"),
                ("job", "kube-state-metrics"),
                ("service", "ksm"),
            ]),
            "pay/Pod/a-1"
        );
    }

    #[test]
    fn a_node_exporter_alert_without_a_node_label_names_nothing() {
        assert_eq!(
            path(&[
                ("namespace", "monitoring"),
                ("pod", "ne-x"),
                ("container", "node-exporter"),
                ("job", "node-exporter"),
                ("instance", "10.0.0.1:9100"),
            ]),
            "-"
        );
    }

    #[test]
    fn an_exporters_pod_in_another_namespace_than_the_exported_one_is_not_taken() {
        assert_eq!(
            path(&[
                ("exported_namespace", "pay"),
                ("namespace", "mon"),
                ("pod", "x"),
                ("job", "y")
            ]),
            "-"
        );
    }

    #[test]
    fn what_can_be_no_name_is_left_out() {
        for name in ["--all", "a\"} or vector(1)", "../x", "A", "", &"x".repeat(300)] {
            assert_eq!(path(&[("namespace", "pay"), ("pod", name)]), "-", "{name}");
        }
    }

    #[test]
    fn nodes_claims_services_and_nothing() {
        assert_eq!(path(&[("node", "n1")]), "Node/n1");
        assert_eq!(
            path(&[
                ("namespace", "pay"),
                ("persistentvolumeclaim", "data"),
                ("node", "n1"),
                ("job", "kubelet"),
                ("service", "kubelet"),
            ]),
            "pay/PersistentVolumeClaim/data"
        );
        assert_eq!(
            path(&[("namespace", "shop"), ("service", "checkout")]),
            "shop/Service/checkout"
        );
        assert_eq!(path(&[("severity", "page")]), "-");
    }
}
