//! `retry ID [STEP]`.

use super::exit::Outcome;
use super::session::Session;
use super::steering::Steer;
use crate::domain::event::Outcome as Ending;
use crate::domain::id::StepPath;
use crate::domain::steering::Steering;

/// Try the failed steps of a run again, and go on from there. Not for one that was undone.
#[derive(Debug, clap::Args)]
pub struct Retry {
    /// Which, and why.
    #[command(flatten)]
    pub steer: Steer,
    /// Only this step: its number (2.1), or its id where no other step has it.
    pub step: Option<String>,
}

impl Retry {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused, or (with `--wait`) it did not work.
    pub fn run(&self, session: &Session) -> Outcome {
        let step = self.step.as_deref().map(|step| StepPath::new(step.trim()));
        let wanted = [Ending::Effective, Ending::HandedOver];
        self.steer.run(session, Steering::Retry { step }, &wanted)
    }
}
