//! Commands to the engine that drives, and what they come to.

use super::caller::person;
use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use crate::assemble::real::own_identity;
use crate::assemble::store::relay;
use crate::domain::principal::{KubeIdentity, Principal, Transport};
use crate::engine::command::{Command, Receipt};
use std::time::Duration;

/// How long the cluster may take to say who the caller is.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(5);

impl Session {
    /// The caller's Kubernetes identity, from the caller's own credential; `None` when it can't be asked.
    pub async fn identity(&self) -> Option<KubeIdentity> {
        tokio::time::timeout(IDENTITY_TIMEOUT, own_identity(self.settings())).await.ok().flatten()
    }

    /// The caller, with the Kubernetes identity.
    pub async fn caller(&self) -> Principal {
        person(self.identity().await, Transport::Socket)
    }

    /// Sends a command to the engine of this store.
    ///
    /// # Errors
    /// When no engine answers: whether it took the command is then not known, unless the text says so.
    pub async fn ask(&self, by: &Principal, command: &Command) -> Result<Receipt, String> {
        let text = serde_json::to_string(command).map_err(|error| error.to_string())?;
        let relay = relay(self.settings()).await?;
        let answer = relay.send(by, &text).await?;
        serde_json::from_str(&answer)
            .map_err(|error| format!("the engine's answer makes no sense: {error}"))
    }

    /// Prints a receipt, and gives the exit code for it.
    ///
    /// # Errors
    /// For a refusal.
    pub fn finish(&self, receipt: &Receipt) -> Outcome {
        if !self.output.is_text() {
            self.output.document(receipt)?;
        }
        match receipt {
            Receipt::Done { event, note, remediations } => {
                if self.output.is_text() {
                    for id in remediations {
                        self.output.data(&format!("{id}\n"))?;
                    }
                    self.output.say(&format!("{note} (event {event})"));
                }
                Ok(Exit::Done)
            }
            Receipt::Refused { refusal, why } => Err(Failure::new(
                Exit::of_code(refusal.exit_code()),
                format!("refused ({}): {why}", refusal.word()),
            )),
        }
    }

    /// Sends a command as the caller and prints the receipt.
    ///
    /// # Errors
    /// When no engine answers, or it refuses.
    pub async fn command(&self, command: &Command) -> Outcome {
        let by = self.caller().await;
        let receipt = self.ask(&by, command).await.map_err(Failure::unavailable)?;
        self.finish(&receipt)
    }
}
