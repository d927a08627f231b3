//! `engine`: without a screen.

use super::exit::{Exit, Failure, Outcome};
use super::serving::endpoints;
use super::session::{Session, VERSION};
use crate::assemble::real;
use crate::assemble::running::Running;
use crate::config::roles;
use crate::telemetry;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The engine without a screen. SIGTERM or SIGINT lets what runs come to its safe point and ends it; the same again ends
/// it at once.
#[derive(Debug, clap::Args)]
pub struct Engine {}

/// Starts the engine of the settings.
///
/// # Errors
/// What can't be had, and what to do.
pub fn begin(session: &Session) -> Result<Running, Failure> {
    let settings = session.settings();
    let grants = match &settings.policy.roles {
        None => None,
        Some(file) => Some(roles::read(file).map_err(|error| Failure::usage(error.to_string()))?),
    };
    real::engine(settings, grants, VERSION, session.runtime.clone()).map_err(Failure::unavailable)
}

/// Starts logging as the settings say.
///
/// # Errors
/// When the log file can't be written.
pub fn logging(session: &Session) -> Result<(telemetry::Ring, telemetry::Guard), Failure> {
    let log = &session.settings().log;
    telemetry::start(log.file.as_deref(), &log.level).map_err(|why| Failure::new(Exit::Failed, why))
}

impl Engine {
    /// Runs the verb.
    ///
    /// # Errors
    /// What can't be had, and what to do.
    pub fn run(&self, session: &Session) -> Outcome {
        let (_ring, _guard) = logging(session)?;
        let running = begin(session)?;
        for line in endpoints(session, &running)? {
            session.output.say(&line);
        }
        if let Some(file) = &session.settings().log.file {
            session.output.say(&format!("log in {}", file.display()));
        }
        let mut signals = session.wait(async { Signals::listen() })?;
        session.wait(signals.asked_to_end());
        session.output.say("ending at the safe point; the same signal again ends it at once");
        let output = session.output;
        session.runtime.spawn(async move {
            signals.asked_to_end().await;
            output.say("ended at once: what ran is looked at by the next engine");
            std::process::exit(i32::from(Exit::Failed as u8));
        });
        running.end();
        Ok(Exit::Done)
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let wrong = |error: std::io::Error| Failure::new(Exit::Failed, error.to_string());
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(wrong)?,
            interrupt: signal(SignalKind::interrupt()).map_err(wrong)?,
            hang_up: signal(SignalKind::hangup()).map_err(wrong)?,
        })
    }

    /// Waits for SIGTERM or SIGINT. A terminal that goes away is no reason to end.
    async fn asked_to_end(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => {
                    tracing::info!("SIGHUP: the terminal is gone, the engine goes on");
                }
            }
        }
    }
}
