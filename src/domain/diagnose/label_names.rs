//! What exporters, agents and rule sets call the labels that name an object, most telling first.
//!
//! Prometheus writes label names with `_`, so that OpenTelemetry's `k8s.pod.name` is `k8s_pod_name`; Datadog says
//! `kube_deployment`; cAdvisor outside the kubelet `container_label_io_kubernetes_pod_name`; older scrape settings
//! `kubernetes_pod_name`. Names that applications use for their own things too (`app`, `service_name`) are guesses.

/// The namespace of the object.
pub(crate) const NAMESPACE: [&str; 8] = [
    "exported_namespace",
    "namespace",
    "kubernetes_namespace",
    "kube_namespace",
    "k8s_namespace_name",
    "namespace_name",
    "pod_namespace",
    "container_label_io_kubernetes_pod_namespace",
];

/// A pod, but for `exported_pod`, which wins over all.
pub(crate) const POD: [&str; 6] = [
    "pod",
    "pod_name",
    "kubernetes_pod_name",
    "k8s_pod_name",
    "kubernetes_pod",
    "container_label_io_kubernetes_pod_name",
];

/// A container of the pod, but for `exported_container`.
pub(crate) const CONTAINER: [&str; 5] = [
    "container",
    "container_name",
    "kube_container_name",
    "k8s_container_name",
    "container_label_io_kubernetes_container_name",
];

/// A node.
pub(crate) const NODE: [&str; 7] = [
    "exported_node",
    "node",
    "nodename",
    "kubernetes_node",
    "k8s_node_name",
    "kube_node",
    "kubernetes_io_hostname",
];

/// Label names and the kind that they name.
pub(crate) const KINDS: [(&[&str], &str, &str); 13] = [
    (&["deployment", "kube_deployment", "k8s_deployment_name"], "apps/v1", "Deployment"),
    (&["statefulset", "kube_stateful_set", "k8s_statefulset_name"], "apps/v1", "StatefulSet"),
    (&["daemonset", "kube_daemon_set", "k8s_daemonset_name"], "apps/v1", "DaemonSet"),
    (&["replicaset", "kube_replica_set", "k8s_replicaset_name"], "apps/v1", "ReplicaSet"),
    (&["job_name", "kube_job", "k8s_job_name"], "batch/v1", "Job"),
    (&["cronjob", "kube_cronjob", "k8s_cronjob_name"], "batch/v1", "CronJob"),
    (
        &[
            "persistentvolumeclaim",
            "exported_persistentvolumeclaim",
            "k8s_persistentvolumeclaim_name",
        ],
        "v1",
        "PersistentVolumeClaim",
    ),
    (
        &["horizontalpodautoscaler", "hpa", "k8s_hpa_name"],
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
    ),
    (&["poddisruptionbudget"], "policy/v1", "PodDisruptionBudget"),
    (&["resourcequota", "k8s_resourcequota_name"], "v1", "ResourceQuota"),
    (&["networkpolicy"], "networking.k8s.io/v1", "NetworkPolicy"),
    // A controller's metrics name the Service beside the Ingress that leads to it.
    (&["ingress", "exported_ingress"], "networking.k8s.io/v1", "Ingress"),
    (&["exported_service", "kube_service"], "v1", "Service"),
];

/// Cluster-scoped kinds, likewise.
pub(crate) const WIDE: [(&[&str], &str, &str); 2] = [
    (&["persistentvolume"], "v1", "PersistentVolume"),
    (&["apiservice"], "apiregistration.k8s.io/v1", "APIService"),
];

/// An application, by the name of its workload or the label of its pods: only a guess.
pub(crate) const APPLICATION: [&str; 12] = [
    "destination_workload",
    "workload",
    "deployment_name",
    "app_kubernetes_io_name",
    "label_app_kubernetes_io_name",
    "app",
    "label_app",
    "k8s_app",
    "app_kubernetes_io_instance",
    "service_name",
    "kubernetes_name",
    "application",
];

/// A Service by its plain name: only a guess.
pub(crate) const SERVICE: [&str; 4] =
    ["destination_service_name", "kubernetes_service_name", "service_name", "kubernetes_name"];

/// Something that is asked over the network, by its address.
pub(crate) const ADDRESS: [&str; 6] =
    ["instance", "target", "url", "host", "destination_service", "uri"];
