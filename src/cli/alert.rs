//! `alert FILE` and `alert -`: through the engine; when none answers, into the store's inbox.

use super::caller::person;
use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use super::waiting::Waiting;
use crate::assemble::without_engine;
use crate::domain::alert::{self, Parsed};
use crate::domain::principal::Transport;
use crate::engine::command::{Command, Receipt};
use std::io::Read;
use std::path::Path;

/// Largest payload: the same as the webhook's.
const LIMIT: u64 = 8 * 1024 * 1024;
/// Alerts sent with one command, so that a command's line stays small enough.
const AT_ONCE: usize = 100;

/// Hand in alerts: Alertmanager webhook v4 payload or API v2 list.
#[derive(Debug, clap::Args)]
pub struct Alert {
    /// File with the payload; `-` is stdin.
    pub file: String,
    /// Whether to wait.
    #[command(flatten)]
    pub waiting: Waiting,
}

impl Alert {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the payload can't be read, or can't be made durable.
    pub fn run(&self, session: &Session) -> Outcome {
        let parsed = self.parse()?;
        for why in &parsed.rejected {
            session.output.say(&format!("left out: {why}"));
        }
        if parsed.alerts.is_empty() {
            return if parsed.rejected.is_empty() {
                session.finish(&done("no alerts in it"))
            } else {
                Err(Failure::usage("no alert in it can be read"))
            };
        }
        let left_out = !parsed.rejected.is_empty();
        let exit = session.wait(hand_in(session, parsed, self.waiting))?;
        // Some were taken and some were not: a script must not take that for done.
        Ok(if exit == Exit::Done && left_out { Exit::Failed } else { exit })
    }

    fn parse(&self) -> Result<Parsed, Failure> {
        let wrong = |error: std::io::Error| {
            let exit = match error.kind() {
                std::io::ErrorKind::NotFound => Exit::NotFound,
                _ => Exit::Usage,
            };
            Failure::new(exit, format!("{}: {error}", self.file))
        };
        let mut bytes = Vec::new();
        let read = if self.file == "-" {
            std::io::stdin().lock().take(LIMIT + 1).read_to_end(&mut bytes)
        } else {
            let file = std::fs::File::open(Path::new(&self.file)).map_err(wrong)?;
            file.take(LIMIT + 1).read_to_end(&mut bytes)
        };
        read.map_err(wrong)?;
        if bytes.len() as u64 > LIMIT {
            let why = format!("{}: more than {LIMIT} bytes; hand in fewer at once", self.file);
            return Err(Failure::usage(why));
        }
        alert::parse(&bytes).map_err(|why| Failure::usage(format!("{}: {why}", self.file)))
    }
}

async fn hand_in(session: &Session, parsed: Parsed, waiting: Waiting) -> Outcome {
    let by = person(None, Transport::Socket);
    let (mut event, mut ids) = (0, Vec::new());
    let total = parsed.alerts.len();
    for batch in parsed.alerts.chunks(AT_ONCE) {
        let command = Command::Alerts { alerts: batch.to_vec() };
        match session.ask(&by, &command).await {
            Ok(Receipt::Done { event: at, remediations, .. }) => {
                event = event.max(at);
                for id in remediations {
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                }
            }
            Ok(refused @ Receipt::Refused { .. }) => return session.finish(&refused),
            Err(why) => {
                // The same alert twice is one alert: putting all of them into the inbox loses and doubles nothing.
                session.output.say(&format!("{why}; putting the alerts into the store's inbox"));
                without_engine::hand_in(session.settings(), parsed.alerts)
                    .await
                    .map_err(Failure::unavailable)?;
                let note = format!("{total} alerts lie in the inbox; the next engine takes them");
                return session.finish(&done(&note));
            }
        }
    }
    let note = format!("{total} alerts taken");
    session.finish(&Receipt::Done { event, note, remediations: ids.clone() })?;
    waiting.until_settled(session, &ids, None).await
}

fn done(note: &str) -> Receipt {
    Receipt::Done { event: 0, note: note.into(), remediations: Vec::new() }
}
