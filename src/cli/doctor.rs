//! `doctor`.

use super::exit::{Exit, Outcome};
use super::session::Session;
use crate::assemble::doctor;
use serde_json::json;

/// Try each connection and permission, and say what to do.
#[derive(Debug, clap::Args)]
pub struct Doctor {}

impl Doctor {
    /// Runs the verb. Exit code 6 when something that is configured does not work.
    ///
    /// # Errors
    /// When nobody reads the answer.
    pub fn run(&self, session: &Session) -> Outcome {
        let found = session.wait(doctor::doctor(session.settings()));
        let all_well = found.iter().all(|one| one.ok != Some(false));
        if session.output.is_text() {
            for one in &found {
                let word = match one.ok {
                    Some(true) => "ok",
                    Some(false) => "FAILED",
                    None => "absent",
                };
                session.output.data(&format!("{:<20} {word:<7} {}\n", one.name, one.seen))?;
                if !one.advice.is_empty() {
                    session.output.data(&format!("{:<20} {:<7} -> {}\n", "", "", one.advice))?;
                }
            }
        } else {
            let items = found
                .iter()
                .map(|one| {
                    json!({
                        "name": one.name,
                        "ok": one.ok,
                        "seen": one.seen,
                        "advice": one.advice,
                    })
                })
                .collect::<Vec<_>>();
            session.output.list(&items)?;
        }
        Ok(if all_well { Exit::Done } else { Exit::Unavailable })
    }
}
