//! What a person sets, and what the log keeps of a breaker.

use crate::domain::diagnosis::words;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

words!(
    /// What a person wants of a breaker.
    Setting {
        /// It opens and closes by itself.
        Automatic = "automatic",
        /// Held open: nothing is called.
        ForcedOpen = "forced-open",
        /// Out of the way: everything is called.
        Disabled = "disabled",
    }
);

words!(
    /// How a breaker stands.
    State {
        /// Calls pass.
        Closed = "closed",
        /// No call passes until its time is over.
        Open = "open",
        /// A few calls pass, to see whether it is back.
        HalfOpen = "half-open",
        /// Held open by a person.
        Forced = "forced",
        /// Calls pass whatever becomes of them, because a person said so.
        Disabled = "disabled",
    }
);

impl State {
    /// Whether ordinary calls pass.
    #[must_use]
    pub fn passes(self) -> bool {
        match self {
            Self::Closed | Self::Disabled => true,
            Self::Open | Self::HalfOpen | Self::Forced => false,
        }
    }
}

/// What a person set, with who and why. Kept by the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forced {
    /// What.
    pub setting: Setting,
    /// Who, in one line.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None`: until somebody takes it back.
    pub until: Option<Timestamp>,
}

/// How a breaker stands, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub cause: String,
    /// When it is tried again, while it is open.
    pub until: Option<Timestamp>,
    /// Since when it has not been closed, over probes and openings; `None`: it is.
    pub down_since: Option<Timestamp>,
}
