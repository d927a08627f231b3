//! Memory: past cases as vectors, and which of them are like a new one.
//!
//! A case that ended and counts (see [`Record`](super::effectiveness::Record)) becomes a [`PastCase`]: what was found,
//! what was done, what came of it. Its [`Vector`] is made of the diagnosis alone, since a new case has no outcome to
//! compare: the outcome is what one wants to know of those that are alike, and stands beside it. The layout:
//!
//! | dimensions | of | share of the similarity |
//! | --- | --- | --- |
//! | 64 | the cause | 0.30 |
//! | 16 | the pattern | 0.05 |
//! | 24 | the target's kind | 0.05 |
//! | 96 | which facts speak for and against it | 0.25 |
//! | 24 | figures, by their magnitude | 0.10 |
//! | 160 | the words of the facts, of messages and log lines | 0.25 |
//!
//! Names, kinds and words fall into their part by a hash with signs (K. Weinberger and others, "Feature Hashing for Large
//! Scale Multitask Learning", ICML 2009), which is stable over machines and releases. Similarity is the cosine of two
//! vectors, 0 where it is negative; from [`LEAST`] on two cases count as alike.
//!
//! Promises: a pure function of the log, the same on every machine: a vector is whole numbers, so that nothing depends on
//! the order of a sum. Secrets are hidden before anything is hashed, and no text of the cluster but names stands in a
//! past case. [`VERSION`] says how vectors are made; those of two versions are never compared.
//! Absent on purpose: any decision. Past cases are shown to whoever decides.

mod features;
mod past;
mod recalled;
#[cfg(test)]
mod tests;
mod vector;
mod words;

pub use features::{Features, VERSION, alike, picture};
pub use past::{PastCase, Remembered};
pub use recalled::{LEAST, MOST, Recalled, Similar};
pub use vector::{DIMENSIONS, Vector, dot};
