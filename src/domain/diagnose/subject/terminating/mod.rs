//! An object that was deleted and does not go: what holds it.

mod controller;
mod examine;
mod namespace;

pub(super) use examine::{examine, lately, stuck};
