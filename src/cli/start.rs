//! `start --cluster NAME --reason TEXT`.

use super::exit::{Failure, Outcome};
use super::session::Session;
use crate::engine::command::Command;

/// Lift the stop.
#[derive(Debug, clap::Args)]
pub struct Start {
    /// The cluster's name, as `list` and the console show it.
    #[arg(long, value_name = "NAME")]
    pub cluster: String,
    /// Why. It is in the log.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

impl Start {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused.
    pub fn run(&self, session: &Session) -> Outcome {
        if self.reason.trim().is_empty() {
            return Err(Failure::usage("--reason must say why"));
        }
        let command =
            Command::Start { cluster: self.cluster.clone(), reason: self.reason.trim().into() };
        session.wait(session.command(&command))
    }
}
