//! The core: decides, and nothing else. It never awaits, reads a clock, draws a random number or does I/O.
//!
//! `accept(input, now)` → events (already folded in) and a receipt; `due(now)` → jobs; `wake_at(now)`.
//! Jobs are a function of state: normal running and recovery after a crash are the same path. What is kept besides
//! the fold (attempts that this process sent, back-off) may be lost at any time.

mod advance;
mod asked;
mod breakers;
#[cfg(test)]
mod breakers_tests;
mod decide;
mod decide_step;
mod due;
mod episodes;
mod flow;
mod fold;
mod intake;
mod outcome;
mod rows;
mod steer;
#[cfg(test)]
mod steering_tests;
mod steps;
#[cfg(test)]
mod steps_tests;
mod telling;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod time_left_tests;
mod undo;

pub use fold::{Accepted, Core, Settings};
pub use rows::Live;
pub use telling::Due;
