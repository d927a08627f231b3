//! `plan-anew ID`.

use super::exit::Outcome;
use super::session::Session;
use crate::engine::command::Command;

/// Look again at an expired or stuck remediation and plan anew.
#[derive(Debug, clap::Args)]
pub struct PlanAnew {
    /// Remediation: id or unique prefix.
    pub id: String,
}

impl PlanAnew {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused.
    pub fn run(&self, session: &Session) -> Outcome {
        session.wait(async {
            let (case, _) = session.log().await?.find(&self.id).await?;
            session.command(&Command::PlanAnew { remediation: case.id }).await
        })
    }
}
