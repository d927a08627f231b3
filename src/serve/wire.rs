//! The lines that go over the Unix socket: one JSON object each way.

use crate::domain::principal::KubeIdentity;
use crate::engine::command::Command;
use serde::{Deserialize, Serialize};

/// Version of this form.
pub const WIRE_VERSION: u32 = 1;

/// Longest line, in bytes: alerts in bulk are the largest.
pub const LINE_LIMIT: usize = 1024 * 1024;

/// What a caller sends. The answer is a `Receipt`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// [`WIRE_VERSION`].
    pub version: u32,
    /// What it wants.
    pub command: Command,
    /// Who it says that it is to Kubernetes: a claim.
    #[serde(default)]
    pub kube: Option<KubeIdentity>,
    /// From which host: for the record only.
    #[serde(default)]
    pub host: String,
    /// On which terminal: for the record only.
    #[serde(default)]
    pub tty: String,
}
