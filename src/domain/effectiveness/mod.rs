//! Effectiveness: figures about what remediations did, each computed from its records, none entered by hand.
//!
//! [`Ledger`] keeps a [`Record`] of each case that ended and counts; [`assess`] groups them and computes [`Figures`]:
//! success rate with Wilson's interval, the same alerts left alone as the baseline with Newcombe's interval of the
//! difference, signed effect, time to recovery (Kaplan–Meier), recurrence, trend (Cochran–Armitage), and calibration of
//! confidence. Formulae name their source; `tests.rs` holds them against a reference implementation's numbers.
//!
//! [`Past`] feeds it back: which templates are used up for a target, and which of two that fit alike is tried first.
//!
//! Promises: below [`ENOUGH`] cases there is no rate and no verdict, only counts; what is unclear is counted apart and is
//! in no rate; what has not recovered counts in the time to recovery.
//! Absent on purpose: causal claims. Cases that were left alone were not chosen at random, and the screen says `alone`.

mod calibration;
mod figures;
mod ledger;
mod normal;
mod proportion;
mod record;
mod repeats;
mod survival;
#[cfg(test)]
mod tests;
mod trend;
mod words;

pub use calibration::{Bin, Calibration};
pub use figures::{
    Assessment, By, Counts, ENOUGH, Figures, Returns, Shown, WEEKS, Week, assess, of_template,
};
pub use ledger::Ledger;
pub use proportion::{Interval, Share};
pub use record::{Fate, Record};
pub use repeats::{Past, RepeatLimits};
pub use survival::Survival;
pub use trend::Trend;
