//! `show ID`.

use super::exit::{Exit, Outcome};
use super::session::Session;
use crate::export::text;

/// One remediation, whole: the same content as its report.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Remediation: id or unique prefix.
    pub id: String,
}

impl Show {
    /// Runs the verb.
    ///
    /// # Errors
    /// When there is none, or it can't be read.
    pub fn run(&self, session: &Session) -> Outcome {
        let report = session.wait(async { session.log().await?.report(&self.id).await })?;
        if session.output.is_text() {
            session.output.data(&text::report(&report))?;
        } else {
            session.output.document(&report)?;
        }
        Ok(Exit::Done)
    }
}
