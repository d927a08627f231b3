//! A PersistentVolumeClaim: why it is not bound, how full its volume is, whether it can grow.

mod bound;
mod examine;
mod pending;
mod read;

pub(super) use examine::examine;
pub(super) use read::uses;
