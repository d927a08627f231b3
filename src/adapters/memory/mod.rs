//! Memory of past cases: in this process, or in a PostgreSQL database of its own. Both give the same answers.

pub mod embedded;
pub mod postgres;
