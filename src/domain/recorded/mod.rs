//! Recorded cases: what was read in a real incident, its alerts, and the diagnosis and plan that must come of it.
//!
//! ```text
//! DIR/NAME.json ─► case (base, changes) ─► replay (answers the rules' reads from the recording) ─► compare ─► differences
//! remediation + what was read ─► make ─► DIR/NAME.json
//! ```
//!
//! Promises: rules and templates run as in the engine, round by round, and nothing outside is asked; what the recording
//! has not is said in the notes, and is *unavailable* to a diagnosis. A plan starts from what was recorded; beside that,
//! from a quiet cluster: no other objects, two ready nodes. A case that is made of a remediation has its secrets taken
//! out, and is refused when nothing of what was read is kept any more.
//!
//! Reading order: `case`, `replay`, `quiet`, `compare`, `lines`, `shown`, `make`.

mod case;
mod compare;
mod lines;
mod make;
mod quiet;
mod replay;
mod shown;

pub use case::{CaseError, Change, Expected, ExpectedPlan, RecordedCase};
pub use compare::{differences, text_differences};
pub use make::{Incident, make};
pub use replay::{Replayed, plan, replay};
pub use shown::shown;

#[cfg(test)]
mod tests;
