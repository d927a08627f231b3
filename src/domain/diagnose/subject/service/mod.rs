//! A Service: whom it selects, on which port, whether anybody is ready, and which policies keep traffic away.
//!
//! A Service of type `ExternalName` and one without a selector select nobody on purpose.

mod examine;
mod ingress;
mod listens;
mod policies;
mod policy;
mod ports;
mod read;
mod selector;

pub(super) use examine::examine;
pub(super) use ingress::examine as examine_ingress;
pub(super) use policy::examine as examine_policy;
pub(crate) use ports::{has_port, protocol_of};
pub(super) use read::called;
