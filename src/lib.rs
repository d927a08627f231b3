//! Pilothouse: a terminal operations console, and the engine behind it, for supervised Kubernetes remediations.
//!
//! An alert arrives; the engine finds out what is wrong, makes a plan and shows it; a person approves exactly that
//! plan; the engine executes it, verifies whether it helped, undoes it when it made things worse, and reports.
//!
//! # Code map
//!
//! ```text
//! cli ─┬─► ui ─────┐
//!      ├─► serve ──┼─► engine ──► ports ──► domain
//!      └─► assemble ─► adapters ──► ports
//! ```
//!
//! | layer | is | never contains |
//! | --- | --- | --- |
//! | [`domain`] | what is true about remediation: pure functions and values | async, I/O, a clock, randomness |
//! | [`ports`] | what the engine needs from outside, as traits | implementations |
//! | [`engine`] | a pure core that decides, jobs that do, a dispatcher that linearises | SQL, Kubernetes types, a screen |
//! | [`adapters`] | ports made real: one outside system each, strangers to one another | the engine, a screen |
//! | [`export`] | reports to bytes | I/O |
//! | `ui` | the console: model, update, view (feature `ui`) | ports, adapters, waiting on the drawing thread |
//! | [`serve`] | HTTP endpoints and the command socket: clients of the engine | decisions |
//! | [`config`] | settings with their origins | what a setting does |
//! | [`telemetry`] | the program's own log | the terminal |
//! | [`assemble`] | the only place that names a port and its adapter together | anything else |
//! | [`cli`] | one verb per file | rules of the business |
//!
//! `tests/house.rs` reads the source and holds this table.
//!
//! # Invariants
//!
//! * Facts are durable before work starts or anyone is told; what is shown or exported is a fold of facts.
//! * The core never awaits, reads a clock or draws a random number. Jobs are a function of state: normal running and
//!   recovery after a crash are one path.
//! * Only a `Permit` reaches `Cluster::send`, and only `engine::executor` issues one, at one call site: after the
//!   intent is durable, under both leases, with no stop in force.
//! * A decision names a plan's digest. What was shown is what runs; when the objects drift the plan is void.
//! * A mutation with no answer is *unknown* and is looked at, never repeated blindly.
//! * Who acts is stamped by the transport, never taken from what the caller says.
//! * What is unknown is shown as unknown. Nothing simulated passes for real: every picture and report of it says so.
//! * Every channel has a named capacity, every task an owner, every command a receipt.
//!
//! # Words (each for one thing)
//!
//! *alert* → *remediation* (the case) → *diagnosis* (pattern, cause, target, evidence) → *plan* (a template made
//! concrete; its digest) → *approval* → *execution* (steps, attempts) → *verdict* → *report*. An *action* is only ever
//! an operation on the cluster from the closed catalogue. `Command` is what the engine is asked, `Receipt` what it
//! answers, `Event` what became true, `Snapshot` what lists show, `Query`/`Answer` detail, `Job` work that the core
//! finds due.
//!
//! # Reading order
//!
//! 1. [`domain`]: `id`, `alert`, `evidence`, `diagnosis`, `operation`, `workflow::plan`, `approval`, `policy`,
//!    `remediation`, `event`; then `diagnose`, `workflow::template`, `workflow::compile`, `verdict`, `report`.
//! 2. [`ports`]: `cluster` and `store` first.
//! 3. [`engine`]: `command`, `core`, `executor`, `dispatcher`, `handle`, `snapshot`, `reader`.
//! 4. [`adapters`]: `store`, `kube`, `sim`.
//! 5. The edges: [`serve`], `ui`, [`assemble`], [`cli`].
//!
//! Where to add an action, a screen, a verb or a template is in the README, under *Contributing*.

pub mod adapters;
pub mod assemble;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod export;
pub mod ports;
pub mod serve;
pub mod telemetry;
#[cfg(feature = "ui")]
pub mod ui;
