//! Settings: defaults ← file ← environment ← flags, each value with its origin.
//!
//! Promises: a key that is not known is an error with its line and a suggestion; secrets come from files or the
//! environment only and appear in no debug output; nothing is connected or created here.
//! Absent on purpose: what a setting does. That is said once, in [`keys`], and done by whoever is given the setting.

mod breakers;
mod checks;
pub mod document;
pub mod keys;
pub mod load;
pub mod notify;
pub mod roles;
pub mod secret;
pub mod settings;
pub mod value;
