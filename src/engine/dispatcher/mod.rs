//! The dispatcher: a thin shell around the core, and the only place that names tokio's tasks.
//!
//! One loop: take requests, outcomes of jobs and time; let the core accept the whole batch tentatively; append once;
//! only then send receipts, publish, and start what is due. After a failed append the state is dropped and folded
//! again from the log; what was lost that way becomes due again, or is looked at.

mod batch;
mod breakers;
mod desk;
mod intake;
mod jobs;
mod leases;
mod memory;
mod queries;
mod refused;
mod run;
mod steering;
mod telling;

pub use jobs::run_job;
pub use run::{Dispatcher, Options};
