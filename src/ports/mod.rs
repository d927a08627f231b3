//! What the engine needs from outside, as traits. No implementations here.

pub mod advisor;
pub mod alerts;
pub mod channel;
pub mod clock;
pub mod cluster;
pub mod desk;
pub mod entropy;
pub mod line;
pub mod memory;
pub mod metrics;
pub mod relay;
pub mod signer;
pub mod sink;
pub mod store;
