//! The verbs: one file each. `output` is the only printer, `exit` the only list of exit codes.
//!
//! Promises: stdout is data and stderr is talk; no colour into a pipe; every verb but the console works without a
//! terminal; who acts is the kernel's word for this process, never an argument.
//! Absent on purpose: rules of the business. A verb asks the engine or reads its log.

pub mod actions;
pub mod alert;
pub mod approve;
pub mod arguments;
pub mod audit;
pub mod breakers;
pub mod caller;
pub mod cancel;
pub mod claim;
pub mod completions;
pub mod config;
pub mod console;
pub mod demo;
pub mod doctor;
pub mod effectiveness;
pub mod engine;
pub mod exit;
pub mod export;
pub mod gesture;
pub mod handover;
pub mod list;
pub mod logs;
pub mod man;
pub mod notifications;
pub mod output;
pub mod pause;
pub mod plan;
pub mod plan_anew;
pub mod reading;
pub mod receipt;
pub mod record;
pub mod reject;
pub mod reports;
pub mod resume;
pub mod retry;
pub mod revise;
pub mod run;
pub mod serving;
pub mod session;
pub mod show;
pub mod skip;
pub mod start;
pub mod steering;
pub mod stop;
pub mod take_over;
pub mod templates;
pub mod templates_test;
pub mod undo;
pub mod waiting;
pub mod watch;
