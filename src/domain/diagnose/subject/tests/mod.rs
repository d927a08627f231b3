//! Subjects in small worlds of objects: what must be recognised, and the misleading twins of it.

#![allow(clippy::needless_pass_by_value)] // `json!` at the call

mod keepers;
mod nodes;
mod places;
mod world;
