//! `skip ID STEP --reason TEXT`.

use super::exit::{Failure, Outcome};
use super::session::Session;
use super::steering::Steer;
use crate::domain::id::StepPath;
use crate::domain::steering::Steering;

/// Leave a step out of a run: one that waits, or has not begun.
#[derive(Debug, clap::Args)]
pub struct Skip {
    /// Which, and why.
    #[command(flatten)]
    pub steer: Steer,
    /// The step: its number (2.1), or its id where no other step has it.
    pub step: String,
}

impl Skip {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused.
    pub fn run(&self, session: &Session) -> Outcome {
        if self.steer.reason.trim().is_empty() {
            return Err(Failure::usage("--reason must say why"));
        }
        self.steer.run(session, Steering::Skip { step: StepPath::new(self.step.trim()) }, &[])
    }
}
