//! Diagnosis of what is no workload: a node, a claim, a Service, an autoscaler, a budget, anything that can't go.
//!
//! ```text
//! Case (alerts, object, trail) ─► examiner of its kind ─► Findings (facts, values, opinions) ─► settle ─► Diagnosis
//!                                        └─► hand_over: another object is the culprit ─► its own diagnosis
//! ```
//!
//! One file or folder per kind: an *examiner* reads what it needs (and is called again until all of it is there), notes
//! facts, weighs the causes that it knows over these facts with the same scale as the rules for workloads, and says each
//! conclusion. Where the culprit is another object, the examiner hands over; a [`Trail`] keeps the facts that led there.
//! Workload rules hand over to a subject the same way, by [`hand_over`].
//!
//! To add a kind: its file with `examine`, and a line in `dispatch`.

mod autoscaler;
mod budget;
mod case;
mod certificate;
mod claim;
mod dispatch;
mod findings;
mod growth;
mod handing;
pub(crate) mod labels;
mod node;
mod quota;
mod service;
mod settle;
mod terminating;
#[cfg(test)]
mod tests;
mod volume;
mod webhook;

pub(crate) use case::{Case, Trail};
pub(crate) use dispatch::{examine, is_one};
pub(crate) use handing::{Handed, hand_over};
pub(crate) use service::{has_port, protocol_of};
