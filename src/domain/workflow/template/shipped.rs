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
    shipped!("collect-diagnostics"),
    shipped!("crash-loop"),
    shipped!("crash-loop-hand-over"),
    shipped!("generic"),
    shipped!("high-memory"),
    shipped!("memory-leak"),
    shipped!("memory-leak-hand-over"),
    shipped!("wait-for-rollout"),
];
