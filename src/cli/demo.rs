//! `demo`: the simulated cluster.

use super::exit::{Exit, Failure, Outcome};
use super::export::every;
use super::output::Output;
use super::reading::Log;
use super::session::{Session, VERSION};
use crate::assemble::demo::{DemoOptions, Play, demo, play, scenarios};
use crate::assemble::without_engine::{only_log, write_report};
use crate::telemetry;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The console on the simulated cluster: incidents unfold by themselves; nothing outside is touched or needed.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// What happens: a shipped scenario; without it, a busy `shift` on the screen, and a whole `night` without one.
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
    /// Virtual seconds that pass in one.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub speed: u32,
    /// Seed of everything random: the same seed plays the same.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Play it to the end without a screen, with simulated people, and print the transcript.
    #[arg(long)]
    pub headless: bool,
    /// Also write the report of each remediation there, in every format.
    #[arg(long, value_name = "DIR", requires = "headless")]
    pub reports: Option<PathBuf>,
}

impl Demo {
    fn options(&self) -> Result<DemoOptions, Failure> {
        let usual = if self.headless { "night" } else { "shift" };
        let name = self.scenario.as_deref().unwrap_or(usual);
        if !scenarios().contains(&name) {
            let known = scenarios().join(", ");
            let why = format!("there is no scenario `{name}`; there are: {known}");
            return Err(Failure::new(Exit::NotFound, why));
        }
        let scenario = Play::Named(name.to_string());
        Ok(DemoOptions { scenario, seed: self.seed, speed: self.speed })
    }

    /// Runs the verb.
    ///
    /// # Errors
    /// An unknown scenario, a play that breaks off, or a terminal that can't be used.
    pub fn run(&self, session: &Session) -> Outcome {
        let options = self.options()?;
        if self.headless {
            return headless(session, &options, self.reports.as_deref());
        }
        super::console::needs_terminal()?;
        // The log of a play is in the ring only: it leaves nothing behind.
        let (ring, _guard) = telemetry::start(None, &session.settings().log.level)
            .map_err(|why| Failure::new(Exit::Failed, why))?;
        let uid = rustix::process::getuid().as_raw();
        let (running, _directory) = demo(&options, VERSION, session.runtime.clone(), uid)
            .map_err(|why| Failure::new(Exit::Failed, why))?;
        super::console::show(session, running, ring, super::console::Cluster::Simulated)
    }
}

fn headless(session: &Session, options: &DemoOptions, reports: Option<&Path>) -> Outcome {
    let (played, store) =
        play(options, VERSION, &session.runtime).map_err(|why| Failure::new(Exit::Failed, why))?;
    if let Some(directory) = reports {
        let log = session.wait(only_log(store)).map_err(Failure::unavailable)?;
        let words = format!("{}, seed {}", options.scenario.words(), options.seed);
        let files = session.wait(every(&Log::over(log), played.ended_at, words))?;
        for (name, text) in &files {
            write_report(session.settings(), Some(directory), name, text.as_bytes())
                .map_err(|why| Failure::new(Exit::Failed, why))?;
        }
        session.output.say(&format!("{} files in {}", files.len(), directory.display()));
    }
    let output: Output = session.output;
    if output.is_text() {
        for line in &played.lines {
            output.data(&format!("{line}\n"))?;
        }
        output.say(&format!(
            "SIMULATED: {} events, {} remediations still open, head {}",
            played.head.seq, played.open, played.head.hash
        ));
    } else {
        output.document(&json!({
            "simulated": true,
            "seed": options.seed,
            "lines": played.lines,
            "events": played.head.seq,
            "head": played.head.hash,
            "open": played.open,
            "ended_at": played.ended_at,
        }))?;
    }
    Ok(Exit::Done)
}
