//! `man`.

use super::arguments::Arguments;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;
use clap::CommandFactory as _;

/// Print the manual page: `pilothouse man | man -l -`.
#[derive(Debug, clap::Args)]
pub struct Man {}

impl Man {
    /// Runs the verb.
    ///
    /// # Errors
    /// When nobody reads it.
    pub fn run(&self, output: Output) -> Outcome {
        let mut page = Vec::new();
        let mut command = Arguments::command();
        command.build();
        let wrong = |error: std::io::Error| Failure::new(Exit::Failed, error.to_string());
        clap_mangen::Man::new(command.clone()).render(&mut page).map_err(wrong)?;
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            clap_mangen::Man::new(verb.clone()).render(&mut page).map_err(wrong)?;
        }
        output.bytes(&page)?;
        Ok(Exit::Done)
    }
}
