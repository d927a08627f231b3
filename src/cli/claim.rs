//! `claim ID`.

use super::exit::Outcome;
use super::session::Session;
use crate::engine::command::Command;

/// Take charge of a remediation that needs a person.
#[derive(Debug, clap::Args)]
pub struct Claim {
    /// Remediation: id or unique prefix.
    pub id: String,
}

impl Claim {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused.
    pub fn run(&self, session: &Session) -> Outcome {
        session.wait(async {
            let (case, _) = session.log().await?.find(&self.id).await?;
            session.command(&Command::Claim { remediation: case.id }).await
        })
    }
}
