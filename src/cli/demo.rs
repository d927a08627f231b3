//! `demo`: the simulated cluster.

use super::exit::Outcome;
use super::session::Session;

/// The console on the simulated cluster: incidents unfold by themselves; nothing outside is touched or needed.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// What happens.
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
    /// Virtual seconds that pass in one.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub speed: u32,
    /// Seed of everything random: the same seed plays the same.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Play it to the end without a screen, with simulated people, and print the transcript.
    #[arg(long)]
    pub headless: bool,
}

impl Demo {
    /// Runs the verb.
    ///
    /// # Errors
    /// An unknown scenario, or a terminal that can't be used.
    pub fn run(&self, _session: &Session) -> Outcome {
        Err(super::exit::Failure::unavailable("the simulated world is not in this build yet"))
    }
}
