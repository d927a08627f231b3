//! Controllers: each looks at objects and makes the world move towards what they ask for.

mod daemonset;
mod deployment;
mod endpoints;
mod kubelet;
mod nodes;
mod podmaker;
mod policies;
mod replicaset;
mod rollout;
mod scheduler;
mod statefulset;
mod status;

pub(super) use nodes::healthy_conditions;
pub(super) use scheduler::amount;
