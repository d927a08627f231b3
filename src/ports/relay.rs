//! Commands to the engine that drives, from one that follows.

use crate::domain::principal::Principal;

/// A way to the driving engine. Carries the JSON forms of the engine's `Command` and `Receipt`.
#[async_trait::async_trait]
pub trait Relay: Send + Sync {
    /// Sends one command and waits for its receipt.
    async fn send(&self, by: &Principal, command_json: &str) -> Result<String, String>;
}
