//! What is true about remediation, without I/O.
//!
//! Promises: deterministic; no clock, no randomness, no async, no I/O; sorted collections only.
//! Absent on purpose: Kubernetes client types (objects are JSON), SQL, anything about a screen.
//!
//! Reading order: `id`, `time`, `principal`, `alert`, `resource`, `evidence`, `diagnosis`, `operation`,
//! `workflow`, `approval`, `policy`, `verdict`, `remediation`, `run`, `steering`, `event`,
//! `report`, `effectiveness`, `memory`, `advice`.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod action;
pub mod advice;
pub mod alert;
pub mod approval;
pub mod breaker;
pub mod certificate;
pub mod diagnose;
pub mod diagnosis;
pub mod digest;
pub mod effectiveness;
pub mod envelope;
pub mod event;
pub mod evidence;
pub mod expr;
pub mod id;
pub mod managed;
pub mod memory;
pub mod named;
pub mod notify;
pub mod operation;
pub mod policy;
pub mod principal;
pub mod quantity;
pub mod recorded;
pub mod redaction;
pub mod remediation;
pub mod report;
pub mod resource;
pub mod rotation;
pub mod run;
pub mod silence;
pub mod spelling;
pub mod steerable;
pub mod steering;
pub mod text;
pub mod time;
pub mod timeline;
pub mod verdict;
pub mod workflow;
