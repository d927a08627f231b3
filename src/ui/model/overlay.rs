//! Strips above the footer that take the keys while they are open.

use super::field::Field;
use crate::domain::breaker::{Destination, Setting};
use crate::domain::id::RemediationId;
use crate::domain::steering::Steering;

/// What is open over a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// The filter of a list or log.
    Filter(Field),
    /// The command palette.
    Palette {
        /// What was typed.
        field: Field,
        /// Which line is selected.
        cursor: usize,
    },
    /// Stop everything, with the reason.
    Stop(Field),
    /// Lift the stop.
    Start {
        /// The cluster's name, typed.
        cluster: Field,
        /// Why.
        reason: Field,
        /// Whether the reason is being typed.
        at_reason: bool,
    },
    /// A breaker is set, with the reason.
    Breaker {
        /// In front of what.
        destination: Destination,
        /// How it goes from then on.
        setting: Setting,
        /// Why.
        reason: Field,
    },
    /// A question before a case is steered.
    Steer(Box<Asked>),
    /// Leaving while something is under way.
    Quit {
        /// What is under way.
        why: String,
    },
}

/// What is asked before a case is steered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Which case.
    pub id: RemediationId,
    /// How.
    pub steering: Steering,
    /// What follows, in two lines.
    pub lines: [String; 2],
    /// Why.
    pub reason: Field,
}
