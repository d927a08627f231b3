//! `pause ID`.

use super::exit::Outcome;
use super::session::Session;
use super::steering::Steer;
use crate::domain::steering::Steering;

/// Pause: the operation in hand is finished, no other is started until `resume`.
#[derive(Debug, clap::Args)]
pub struct Pause {
    /// Which, and why.
    #[command(flatten)]
    pub steer: Steer,
}

impl Pause {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused.
    pub fn run(&self, session: &Session) -> Outcome {
        self.steer.run(session, Steering::Pause, &[])
    }
}
