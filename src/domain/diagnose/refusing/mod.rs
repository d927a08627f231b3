//! A NetworkPolicy that keeps a workload from what its log says it can't reach.
//!
//! Looked for only where the log complains of no answer, or of a name that is not resolved, and what stands behind the
//! Service is ready: a policy drops, it does not refuse. What leaves the pod is looked at first, then what may come in
//! where it goes. Fails closed: a rule that may let the traffic through counts as letting it through.

mod egress;
mod ingress;
mod peer;
mod policy;

pub(crate) use policy::{Refusing, read};
