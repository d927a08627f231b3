//! `undo ID`.

use super::exit::Outcome;
use super::session::Session;
use super::steering::Steer;
use crate::domain::event::Outcome as Ending;
use crate::domain::steering::Steering;

/// Take back what a remediation that ended has changed.
///
/// Each field is restored only while it still holds what was set; otherwise nothing is done, and it says who changed it.
#[derive(Debug, clap::Args)]
pub struct Undo {
    /// Which, and why.
    #[command(flatten)]
    pub steer: Steer,
}

impl Undo {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused, or (with `--wait`) not everything could be undone.
    pub fn run(&self, session: &Session) -> Outcome {
        self.steer.run(session, Steering::Undo, &[Ending::Cancelled, Ending::Regressed])
    }
}
