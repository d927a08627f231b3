//! `resume ID`.

use super::exit::Outcome;
use super::session::Session;
use super::steering::Steer;
use crate::domain::steering::Steering;

/// Go on after a pause, or hand back what was taken over: then it is diagnosed anew.
#[derive(Debug, clap::Args)]
pub struct Resume {
    /// Which, and why.
    #[command(flatten)]
    pub steer: Steer,
}

impl Resume {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused.
    pub fn run(&self, session: &Session) -> Outcome {
        self.steer.run(session, Steering::Resume, &[])
    }
}
