//! Definition files as examples, inside the binary: `actions show NAME` prints them. None is enabled. To add one: a file
//! in `assets/actions`, a line here.

/// One file of `assets/actions`.
macro_rules! example {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../assets/actions/", $name, ".yaml")))
    };
}

/// (name, text)
pub const EXAMPLES: &[(&str, &str)] = &[
    example!("clean-up-files"),
    example!("etcd-defragment"),
    example!("mesh-restart"),
    example!("pg-amcheck"),
    example!("pg-dump"),
    example!("pg-reindex"),
    example!("pg-snapshot"),
    example!("pg-switchover-cnpg"),
    example!("pg-switchover-patroni"),
    example!("run-program"),
];
