//! Templates as written, plans made of them, and executions of plans.

pub mod bounded;
pub mod compile;
pub mod diff;
pub mod execution;
pub mod history;
pub mod left;
pub mod lint;
pub mod plan;
pub mod retry;
pub mod reversal;
pub mod step;
pub mod template;
pub mod tree;
