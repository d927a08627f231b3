//! What the engine can be asked to do, and what it answers.

use crate::domain::alert::Alert;
use crate::domain::approval::{Decision, Gesture};
use crate::domain::breaker::{Destination, Setting};
use crate::domain::id::{PlanDigest, RemediationId, StepPath};
use crate::domain::notify::ChannelName;
use crate::domain::principal::Principal;
use crate::domain::resource::ObjectKey;
use crate::domain::steering::Steering;
use crate::domain::time::{Timestamp, plus};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Seconds that a command is meant for, from when it was given.
pub const COMMAND_AGE_S: u64 = 30;

/// A command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Take alerts in. Answered once they are durable.
    Alerts {
        /// The alerts.
        alerts: Vec<Alert>,
    },
    /// Decide on a plan.
    Decide {
        /// Which case.
        remediation: RemediationId,
        /// The digest that was on the screen.
        plan: PlanDigest,
        /// Approve or reject.
        decision: Decision,
        /// How it was made.
        gesture: Gesture,
        /// Why (for a rejection).
        reason: String,
        /// The name as typed, for a typed gesture.
        typed: Option<String>,
        /// The step that asks, when it is not about the plan as a whole.
        #[serde(default)]
        step: Option<StepPath>,
    },
    /// Make a plan without an alert, and ask for a decision on it.
    Plan {
        /// Name of the template.
        template: String,
        /// The object that it is about.
        target: ObjectKey,
        /// Parameters, over the template's defaults and within its limits.
        params: BTreeMap<String, Value>,
        /// Why; may be empty.
        reason: String,
    },
    /// Make the plan that waits otherwise.
    Revise {
        /// Which case.
        remediation: RemediationId,
        /// Another template; `None`: as before.
        template: Option<String>,
        /// Parameters, over those that a person set before.
        params: BTreeMap<String, Value>,
        /// Why; may be empty.
        reason: String,
    },
    /// Pause, resume, cancel, skip, retry, undo, take over.
    Steer {
        /// Which case.
        remediation: RemediationId,
        /// How.
        steering: Steering,
        /// Why; may be empty.
        reason: String,
    },
    /// Look again at an expired or stuck case and plan anew.
    PlanAnew {
        /// Which case.
        remediation: RemediationId,
    },
    /// Take charge of what needs a person.
    Claim {
        /// Which case.
        remediation: RemediationId,
    },
    /// Stop everything.
    Stop {
        /// Why.
        reason: String,
    },
    /// Set a breaker.
    Breaker {
        /// In front of what.
        destination: Destination,
        /// How it goes from now on; `automatic` takes back what was set.
        setting: Setting,
        /// Why.
        reason: String,
        /// Until when; `None`: until somebody takes it back.
        #[serde(default)]
        until: Option<Timestamp>,
    },
    /// Have dead letters tried again.
    TellAgain {
        /// Those of this channel; `None`: of all.
        channel: Option<ChannelName>,
        /// The one with this number; `None`: all.
        notice: Option<u64>,
    },
    /// Lift the stop.
    Start {
        /// The cluster's name, typed.
        cluster: String,
        /// Why.
        reason: String,
    },
}

impl Command {
    /// The verb for it.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Alerts { .. } => "alert",
            Self::Decide { decision, .. } => decision.word(),
            Self::PlanAnew { .. } => "plan-anew",
            Self::Plan { .. } => "plan",
            Self::Revise { .. } => "revise",
            Self::Steer { steering, .. } => steering.verb(),
            Self::Claim { .. } => "claim",
            Self::Breaker { setting, .. } => match setting {
                Setting::Automatic => "breakers reset",
                Setting::ForcedOpen => "breakers force-open",
                Setting::Disabled => "breakers disable",
            },
            Self::TellAgain { .. } => "notifications retry",
            Self::Stop { .. } => "stop",
            Self::Start { .. } => "start",
        }
    }

    /// Whether it is void when it is taken up late. Alerts and stop never are.
    #[must_use]
    pub fn lapses(&self) -> bool {
        match self {
            Self::Alerts { .. } | Self::Stop { .. } => false,
            Self::Decide { .. }
            | Self::PlanAnew { .. }
            | Self::Claim { .. }
            | Self::Breaker { .. }
            | Self::TellAgain { .. }
            | Self::Plan { .. }
            | Self::Revise { .. }
            | Self::Steer { .. }
            | Self::Start { .. } => true,
        }
    }

    /// Until when it is meant, if it was given at that time; `None`: for ever.
    #[must_use]
    pub fn not_after(&self, given: Timestamp) -> Option<Timestamp> {
        self.lapses().then(|| plus(given, COMMAND_AGE_S))
    }
}

/// A command with who gave it and until when it is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What.
    pub command: Command,
    /// Who; stamped by the transport.
    pub by: Principal,
    /// After this it is too late; `None` for alerts and stop.
    pub not_after: Option<Timestamp>,
}

/// Why a command was refused; each has an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No such thing. Exit 3.
    NotFound,
    /// Role, permission, policy, mode or gesture don't allow it. Exit 4.
    NotPermitted,
    /// The digest is not the plan that stands, or the objects moved. Exit 5.
    Stale,
    /// Too late. Exit 5.
    Expired,
    /// It was decided already. Exit 5.
    Decided,
    /// It makes no sense in this state. Exit 4.
    WrongState,
    /// Something that it needs can't be reached. Exit 6.
    Unavailable,
    /// The text of the command is wrong. Exit 2.
    Invalid,
}

impl Refusal {
    /// Exit code of a verb that was refused so.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Invalid => 2,
            Self::NotFound => 3,
            Self::NotPermitted | Self::WrongState => 4,
            Self::Stale | Self::Expired | Self::Decided => 5,
            Self::Unavailable => 6,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NotPermitted => "not_permitted",
            Self::Stale => "stale",
            Self::Expired => "expired",
            Self::Decided => "decided",
            Self::WrongState => "wrong_state",
            Self::Unavailable => "unavailable",
            Self::Invalid => "invalid",
        }
    }
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "receipt", rename_all = "snake_case")]
pub enum Receipt {
    /// It is durable; `event` is the position in the log.
    Done {
        /// Position in the log of the last event that it made; 0 when it made none.
        event: u64,
        /// In a sentence.
        note: String,
        /// Remediations concerned.
        remediations: Vec<RemediationId>,
    },
    /// It was refused; nothing else happened (the refusal is in the log).
    Refused {
        /// Why, as a word.
        refusal: Refusal,
        /// Why, in a sentence.
        why: String,
    },
}
