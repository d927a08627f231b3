//! The templates inside the binary. To add one: a file in `assets/templates`, a line here.

/// One file of `assets/templates`.
macro_rules! shipped {
    ($name:literal) => {
        (
            concat!($name, ".yaml (shipped)"),
            include_str!(concat!("../../../../assets/templates/", $name, ".yaml")),
        )
    };
}

/// (file, text)
pub(super) const SHIPPED: &[(&str, &str)] = &[
    shipped!("allow-slow-start"),
    shipped!("clear-ended-pods"),
    shipped!("collect-diagnostics"),
    shipped!("cpu-throttling"),
    shipped!("crash-loop"),
    shipped!("crash-loop-hand-over"),
    shipped!("drain-node"),
    shipped!("expand-and-wait"),
    shipped!("expand-claim"),
    shipped!("free-rollout"),
    shipped!("generic"),
    shipped!("high-memory"),
    shipped!("hpa-at-maximum"),
    shipped!("memory-leak"),
    shipped!("memory-leak-hand-over"),
    shipped!("node-issue"),
    shipped!("relax-budget"),
    shipped!("relax-probe"),
    shipped!("repair-service"),
    shipped!("repair-service-port"),
    shipped!("tell-admission-denied"),
    shipped!("tell-budget-never-met"),
    shipped!("tell-certificate-expiring"),
    shipped!("tell-claim-pending"),
    shipped!("tell-cpu-throttling"),
    shipped!("tell-dependency-down"),
    shipped!("tell-disk-pressure-by-orphans"),
    shipped!("tell-dns-failing"),
    shipped!("tell-endpoints-not-ready"),
    shipped!("tell-eviction"),
    shipped!("tell-hpa-at-maximum"),
    shipped!("tell-hpa-without-metrics"),
    shipped!("tell-job-failing"),
    shipped!("tell-limit-too-small"),
    shipped!("tell-node-cordoned"),
    shipped!("tell-node-lost"),
    shipped!("tell-node-not-ready"),
    shipped!("tell-node-pressure"),
    shipped!("tell-policy-denies"),
    shipped!("tell-port-mismatch"),
    shipped!("tell-probe-too-strict"),
    shipped!("tell-quota-exceeded"),
    shipped!("tell-selector-mismatch"),
    shipped!("tell-startup-too-slow"),
    shipped!("tell-stuck-rollout"),
    shipped!("tell-stuck-terminating"),
    shipped!("tell-unschedulable-affinity"),
    shipped!("tell-unschedulable-resources"),
    shipped!("tell-unschedulable-taint"),
    shipped!("tell-unschedulable-volume-zone"),
    shipped!("tell-volume-filling"),
    shipped!("tell-volume-full"),
    shipped!("uncordon-node"),
    shipped!("wait-for-rollout"),
];
