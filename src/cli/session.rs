//! What a verb works with: settings, printer, runtime.

use super::arguments::Global;
use super::exit::{Exit, Failure};
use super::output::Output;
use crate::assemble::running;
use crate::config::load::{Loaded, Sources, load};
use crate::config::settings::Settings;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a verb works with.
#[derive(Debug)]
pub struct Session {
    /// Settings with their origins.
    pub loaded: Loaded,
    /// The printer.
    pub output: Output,
    /// Where futures run.
    pub runtime: Arc<Runtime>,
}

impl Session {
    /// Reads the settings and makes a runtime.
    ///
    /// # Errors
    /// Every problem in the settings.
    pub fn open(global: &Global, output: Output) -> Result<Self, Failure> {
        let loaded = load(&sources(global)).map_err(|error| Failure::usage(error.to_string()))?;
        let runtime =
            running::runtime().map_err(|why| Failure::new(Exit::Failed, why)).map(Arc::new)?;
        Ok(Self { loaded, output, runtime })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.loaded.settings
    }

    /// Runs a future to its end.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

/// Where the settings come from.
#[must_use]
pub fn sources(global: &Global) -> Sources {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Sources {
        file: global.config.clone(),
        environment,
        flags: global.settings(),
        directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
    }
}
