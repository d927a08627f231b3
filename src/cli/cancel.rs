//! `cancel ID`.

use super::exit::Outcome;
use super::session::Session;
use super::steering::Steer;
use crate::domain::event::Outcome as Ending;
use crate::domain::steering::{Changes, Steering};

/// End a remediation: the operation in hand is finished, then what was done is undone where it can be.
#[derive(Debug, clap::Args)]
pub struct Cancel {
    /// Which, and why.
    #[command(flatten)]
    pub steer: Steer,
    /// Undo what was done; refused when nothing of it can be undone.
    #[arg(long, conflicts_with = "leave")]
    pub undo: bool,
    /// Leave what was done as it is.
    #[arg(long)]
    pub leave: bool,
}

impl Cancel {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused, or (with `--wait`) not everything could be undone.
    pub fn run(&self, session: &Session) -> Outcome {
        let changes = match (self.undo, self.leave) {
            (true, _) => Changes::Undo,
            (false, true) => Changes::Leave,
            (false, false) => Changes::WherePossible,
        };
        self.steer.run(session, Steering::Cancel { changes }, &[Ending::Cancelled])
    }
}
