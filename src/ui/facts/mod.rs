//! What a decision depends on, as labelled rows: for the card, and in brief for the detail beside a list. One wording.
//!
//! The labels are fixed, always all there, in this order; an empty one says `none` or `unknown`. Only ADVICE stands there
//! no longer than there is some.

mod advice;
mod case;
mod layout;
mod plan;
mod you;

pub use layout::{Extent, LABEL, rows};
pub use plan::sides;
