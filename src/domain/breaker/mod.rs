//! Circuit breakers: whether a destination may be called now, and what its being down means.
//!
//! ```text
//!            window full enough, and too many down or too many slow
//!   closed ────────────────────────────────────────────────────────► open
//!     ▲                                                               │ its time is over
//!     │ enough probes came back well                                  ▼
//!     └─────────────────────────────────────────────────────────── half-open
//!                                  a probe is down or slow: open again, for longer
//!
//!   forced (nobody calls) and disabled (everybody calls): set by a person, until a person takes it back or its time ends
//! ```
//!
//! Promises: a pure state machine on the caller's clock, jitter from a seed; only *down* counts, an answer that says no
//! is an answer; probes are bounded, and one that never answers gives its place back; what a destination's failure means
//! for running and waiting work stands in one table, [`Destination::declared`].
//! Absent on purpose: calling anything. `ports::line` puts a breaker in front of a destination.

mod destination;
mod limits;
mod machine;
mod set;
mod shown;
mod tally;
#[cfg(test)]
mod tests;

pub use destination::{Declared, Destination};
pub use limits::Limits;
pub use machine::{Breaker, Moment, Move, Refused, Ticket};
pub use set::{Forced, Setting, Standing, State};
pub use shown::{Counted, Declaration, View};
pub use tally::{Answer, Down};
