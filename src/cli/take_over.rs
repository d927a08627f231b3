//! `take-over ID`.

use super::exit::Outcome;
use super::session::Session;
use super::steering::Steer;
use crate::domain::steering::Steering;

/// Do it by hand: the engine sends nothing more for it until `resume` hands it back.
#[derive(Debug, clap::Args)]
pub struct TakeOver {
    /// Which, and why.
    #[command(flatten)]
    pub steer: Steer,
}

impl TakeOver {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused.
    pub fn run(&self, session: &Session) -> Outcome {
        self.steer.run(session, Steering::TakeOver, &[])
    }
}
