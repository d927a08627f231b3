//! `completions SHELL`.

use super::arguments::Arguments;
use super::exit::{Exit, Outcome};
use super::output::Output;
use clap::CommandFactory as _;

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// Which shell.
    pub shell: clap_complete::Shell,
}

impl Completions {
    /// Runs the verb.
    ///
    /// # Errors
    /// When nobody reads it.
    pub fn run(&self, output: Output) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "pilothouse", &mut script);
        output.bytes(&script)?;
        Ok(Exit::Done)
    }
}
