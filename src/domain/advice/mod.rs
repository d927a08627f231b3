//! Advice: which of the fitting templates, with which values, and why. A model gives it, or statistics over past cases.
//!
//! ```text
//! fitting templates ─► Options ─► Question ─(a model)─► answer ─► checked ─┐
//!                         │                     nothing, or nonsense ─┐    ├─► Advice
//!                         └──────────── past cases ─► statistics ─────┴────┘
//! ```
//!
//! Promises: advice only ranks templates that fit the diagnosis anyway and fills parameters within their authors' limits;
//! where rules would only tell a person, it can't make them act; it never names the target, the risk, the policy or a
//! decision. What was proposed beyond that is dropped, and named. Text of the cluster is data: it stands between marks that
//! nobody can guess, without secrets, and bounded.
//! Absent on purpose: asking (`ports::advisor`), and when (`engine::advising`).
//!
//! Reading order: `given`, `options`, `question`, `answer`, `statistics`, `addressed`.

mod addressed;
mod answer;
mod given;
mod options;
mod question;
mod statistics;
#[cfg(test)]
mod tests;

pub use addressed::addressed;
pub use answer::{Checked, checked};
pub use given::{Advice, Exchange, Filled, Made, Ranked, Source, Tokens};
pub use options::{Candidate, Options};
pub use question::{Question, question};
pub use statistics::{Alike, alike, by_statistics};
