//! `stop --reason TEXT`: through the engine; when none answers, in the store and on the Lease.

use super::caller::person;
use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use crate::assemble::without_engine;
use crate::domain::principal::Transport;
use crate::engine::command::{Command, Receipt};

/// Stop everything: nothing more is sent to the cluster, by any engine, until `start`.
#[derive(Debug, clap::Args)]
pub struct Stop {
    /// Why. It is in the log.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

impl Stop {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the stop could be set nowhere, or the engine refuses it.
    pub fn run(&self, session: &Session) -> Outcome {
        let reason = self.reason.trim();
        if reason.is_empty() {
            return Err(Failure::usage("--reason must say why"));
        }
        // Without asking the cluster first who we are: nothing may delay a stop.
        let by = person(None, Transport::Socket);
        let command = Command::Stop { reason: reason.into() };
        session.wait(async {
            match session.ask(&by, &command).await {
                Ok(receipt) => session.finish(&receipt),
                Err(why) => {
                    session.output.say(&format!("{why}; setting the stop without an engine"));
                    let line = by.describe();
                    let set = without_engine::stop(session.settings(), &line, reason).await;
                    report(session, &set)
                }
            }
        })
    }
}

fn report(session: &Session, set: &without_engine::StopSet) -> Outcome {
    let places = [("store", &set.store), ("lease", &set.lease)];
    let mut done = Vec::new();
    for (place, result) in places {
        match result {
            Ok(()) => done.push(place),
            Err(why) => session.output.say(&format!("not set in the {place}: {why}")),
        }
    }
    if done.is_empty() {
        let engine = &session.settings().engine;
        return Err(Failure::unavailable(format!(
            "the stop could be set nowhere; with kubectl: kubectl -n {} annotate --overwrite lease {} \
             pilothouse.dev/stop=REASON",
            engine.lease_namespace, engine.lease_name
        )));
    }
    let note = format!("everything is stopped, set in: {}", done.join(", "));
    session.finish(&Receipt::Done { event: 0, note, remediations: Vec::new() })?;
    // Half a stop is a stop for some engines only: scripts must see that.
    Ok(if done.len() == places.len() { Exit::Done } else { Exit::Unavailable })
}
