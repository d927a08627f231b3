//! What the verbs that steer have in common: find the case, send, wait.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use super::waiting::Waiting;
use crate::domain::event::Outcome as Ending;
use crate::domain::steering::Steering;
use crate::engine::command::Command;

/// The remediation, and why.
#[derive(Debug, clap::Args)]
pub struct Steer {
    /// Remediation: id or unique prefix.
    pub id: String,
    /// Why. It is in the log.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
    /// Whether to wait.
    #[command(flatten)]
    pub waiting: Waiting,
}

impl Steer {
    /// Steers, and waits if that was asked for until it ended, needs a person, or holds with nothing in hand.
    ///
    /// # Errors
    /// When it is refused, or it ended otherwise than `wanted`.
    pub fn run(&self, session: &Session, steering: Steering, wanted: &[Ending]) -> Outcome {
        session.wait(async {
            let (case, _) = session.log().await?.find(&self.id).await?;
            let remediation = case.id.clone();
            let reason = self.reason.trim().to_string();
            session.command(&Command::Steer { remediation, steering, reason }).await?;
            if !self.waiting.wait {
                return Ok(Exit::Done);
            }
            let case = self.waiting.until_quiet(session, &case.id).await?;
            match &case.outcome {
                Some(outcome) if !wanted.is_empty() && !wanted.contains(outcome) => {
                    Err(Failure::new(Exit::Failed, format!("it ended {}", outcome.word())))
                }
                Some(_) | None => Ok(Exit::Done),
            }
        })
    }
}
