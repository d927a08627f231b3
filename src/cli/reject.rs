//! `reject ID --reason TEXT`.

use super::exit::{Failure, Outcome};
use super::session::Session;
use crate::domain::approval::{Decision, Gesture};
use crate::domain::id::StepPath;
use crate::engine::command::Command;

/// Reject a plan: it is not raised again for this episode.
#[derive(Debug, clap::Args)]
pub struct Reject {
    /// Remediation: id or unique prefix.
    pub id: String,
    /// Digest of the plan; without it the one that stands now.
    #[arg(long, value_name = "DIGEST")]
    pub plan: Option<String>,
    /// The step that asks, when it is not about the plan as a whole: its path, as in `show`.
    #[arg(long, value_name = "PATH")]
    pub step: Option<String>,
    /// Why. It is in the log and in the report.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

impl Reject {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused.
    pub fn run(&self, session: &Session) -> Outcome {
        if self.reason.trim().is_empty() {
            return Err(Failure::usage("--reason must say why"));
        }
        session.wait(async {
            let (case, _) = session.log().await?.find(&self.id).await?;
            let standing = case.plan.as_deref().map(|plan| plan.digest.clone());
            let plan = match (&self.plan, standing) {
                (Some(given), _) => super::approve::whole_digest(&case, given),
                (None, Some(standing)) => standing,
                (None, None) => {
                    let why = format!("{} has no plan to reject: it is {}", case.id, case.state);
                    return Err(Failure::new(super::exit::Exit::Refused, why));
                }
            };
            let gesture =
                if session.output.has_terminal() { Gesture::Key } else { Gesture::WithoutTerminal };
            let command = Command::Decide {
                remediation: case.id,
                plan,
                decision: Decision::Reject,
                gesture,
                reason: self.reason.trim().to_string(),
                typed: None,
                step: self.step.clone().map(StepPath::new),
            };
            session.command(&command).await
        })
    }
}
