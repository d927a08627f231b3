//! Where the reader is.

use crate::domain::id::RemediationId;
use crate::ui::keymap::Context;

/// A screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// What needs you, what acts, what is held, what is done.
    Overview,
    /// What needs a decision.
    Approvals,
    /// All of it, also when nothing needs you.
    Remediations,
    /// One case as a tree.
    Case(RemediationId),
    /// The approval card of a case.
    Card(RemediationId),
    /// Breakers.
    Breakers,
    /// Effectiveness.
    Effectiveness,
    /// The engine's log.
    Logs,
    /// The event log.
    Audit,
    /// Help.
    Help,
}

impl Place {
    /// Its title.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Approvals => "approvals",
            Self::Remediations => "remediations",
            Self::Case(_) => "remediation",
            Self::Card(_) => "card",
            Self::Breakers => "breakers",
            Self::Effectiveness => "effectiveness",
            Self::Logs => "engine logs",
            Self::Audit => "event log",
            Self::Help => "help",
        }
    }

    /// Which keys hold there. A card whose plan is void has its own, see `Model::context`.
    #[must_use]
    pub fn context(&self) -> Context {
        match self {
            Self::Overview | Self::Approvals | Self::Remediations => Context::List,
            Self::Case(_) => Context::Tree,
            Self::Card(_) => Context::Card,
            Self::Breakers => Context::Breakers,
            Self::Effectiveness => Context::Effectiveness,
            Self::Logs | Self::Audit => Context::Log,
            Self::Help => Context::Help,
        }
    }
}
