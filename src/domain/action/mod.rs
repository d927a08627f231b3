//! The catalogue of actions: the knowledge of which operations each comes down to.
//!
//! An action never sends anything. It reads what it needs (`Progress::Need`), and answers with operations on named
//! objects, each with its undo, or with a sentence why it can't be done safely.
//!
//! ```text
//! catalogue (names, parameters, class, risk) ─► collect │ resources │ restart │ roll_back
//!                                                     └──── workload (the live object, what rolling it means)
//! ```

pub mod catalogue;
mod collect;
mod resources;
mod restart;
mod roll_back;
mod workload;

pub use catalogue::{Action, Compiled, Context, Effect, ParamKind, Parameter};
