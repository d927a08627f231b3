//! The rules, one cause per file. To add one: a file with its `RULE`, a line here, and its recorded cases in
//! `tests/cases`, both those that it must match and misleading twins that it must not.

mod admission_denied;
mod bad_rollout;
mod claim_pending;
mod cpu_throttling;
mod dependency_down;
mod dns_failing;
mod eviction;
mod hpa_at_maximum;
mod hpa_without_metrics;
mod image_pull;
mod job_failing;
mod limit_too_small;
mod memory_leak;
mod missing_config;
mod node_cordoned;
mod node_lost;
mod node_not_ready;
mod node_pressure;
mod policy_denies;
mod probe_too_strict;
mod quota_exceeded;
mod shared;
mod startup_too_slow;
mod stuck_rollout;
mod stuck_terminating;
mod unschedulable_affinity;
mod unschedulable_resources;
mod unschedulable_taint;
mod unschedulable_volume_zone;

use super::rule::Rule;
use shared::{autoscaler, earlier_works, seat, unfit_node};

/// All rules.
pub(crate) const ALL: &[&Rule] = &[
    &limit_too_small::RULE,
    &memory_leak::RULE,
    &bad_rollout::RULE,
    &missing_config::RULE,
    &image_pull::RULE,
    &probe_too_strict::RULE,
    &startup_too_slow::RULE,
    &dependency_down::RULE,
    &dns_failing::RULE,
    &policy_denies::RULE,
    &job_failing::RULE,
    &node_not_ready::RULE,
    &node_lost::RULE,
    &node_pressure::RULE,
    &node_cordoned::RULE,
    &eviction::RULE,
    &unschedulable_resources::RULE,
    &unschedulable_taint::RULE,
    &unschedulable_affinity::RULE,
    &claim_pending::RULE,
    &unschedulable_volume_zone::RULE,
    &quota_exceeded::RULE,
    &admission_denied::RULE,
    &stuck_rollout::RULE,
    &stuck_terminating::RULE,
    &hpa_at_maximum::RULE,
    &hpa_without_metrics::RULE,
    &cpu_throttling::RULE,
];
