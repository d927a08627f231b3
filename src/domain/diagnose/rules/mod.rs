//! The rules, one cause per file. To add one: a file with its `RULE`, a line here, and its recorded cases in
//! `tests/cases`, both those that it must match and misleading twins that it must not.

mod bad_rollout;
mod image_pull;
mod limit_too_small;
mod memory_leak;
mod missing_config;

use super::rule::Rule;

/// All rules.
pub(crate) const ALL: &[&Rule] = &[
    &limit_too_small::RULE,
    &memory_leak::RULE,
    &bad_rollout::RULE,
    &missing_config::RULE,
    &image_pull::RULE,
];
