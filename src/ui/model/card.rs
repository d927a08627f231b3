//! The approval card: a frozen picture of one plan, and what its reader has done so far.

use super::field::Field;
use crate::domain::approval::{Decision, Preflight};
use crate::domain::id::{PlanDigest, RemediationId, StepPath};
use crate::domain::remediation::Remediation;
use crate::domain::time::Timestamp;
use crate::domain::workflow::plan::{Risk, StepKind};
use crate::ui::msg::Millis;
use std::sync::Arc;

/// Keys are dead for so long after the card opened or its content changed.
pub const DEAD_MS: Millis = 500;
/// The second key of the chord must follow within this.
pub const CHORD_MS: Millis = 2_000;
/// A deciding key that follows another key this fast was not typed by a person.
pub const BURST_MS: Millis = 15;
/// Checks are repeated after this.
pub const RECHECK_MS: Millis = 25_000;
/// Checks older than this turn the gesture off.
pub const CHECKS_OLD_MS: Millis = 30_000;

/// Drift and permissions, as they were checked for this card.
#[derive(Debug, Clone, PartialEq)]
pub enum Checks {
    /// Asked, not answered yet.
    Asking,
    /// Answered.
    Done {
        /// Drift and the approver's cluster permissions.
        preflight: Preflight,
        /// What the role allows.
        role: Result<(), String>,
        /// In words: the role's name, where it is known.
        role_words: String,
        /// When.
        at: Millis,
    },
    /// They could not be made.
    Failed {
        /// Why.
        why: String,
        /// When.
        at: Millis,
    },
}

impl Checks {
    /// When they were answered.
    #[must_use]
    pub fn at(&self) -> Option<Millis> {
        match self {
            Self::Asking => None,
            Self::Done { at, .. } | Self::Failed { at, .. } => Some(*at),
        }
    }

    /// Whether they say the same, ages apart.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Done { preflight: a, role: x, .. },
                Self::Done { preflight: b, role: y, .. },
            ) => a == b && x == y,
            (Self::Failed { why: a, .. }, Self::Failed { why: b, .. }) => a == b,
            _ => false,
        }
    }
}

/// What happens on the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It is read.
    Reading,
    /// The reason for rejecting is typed.
    Rejecting(Field),
    /// A decision is on its way to the log.
    Recording(Decision),
    /// The engine answered.
    Answered {
        /// Whether it was taken.
        taken: bool,
        /// What it said.
        text: String,
    },
}

/// Whether the plan on the card still stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It does.
    Stands,
    /// It is void; the case as it is now.
    Void(Arc<Remediation>),
    /// It can't be decided any more, for this reason.
    Over(String),
}

/// A step that asks for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asks {
    /// Which.
    pub path: StepPath,
    /// What it asks.
    pub message: String,
    /// How strong the gesture must be.
    pub risk: Risk,
    /// When the question lapses.
    pub until: Timestamp,
}

impl Asks {
    /// The first step of a run that asks now.
    #[must_use]
    pub fn of(remediation: &Remediation) -> Option<Self> {
        let (step, until) = remediation.asking_step()?;
        let StepKind::Approval { message, risk } = &step.kind else { return None };
        let risk = remediation.plan.as_deref().map_or(*risk, |plan| plan.risk.max(*risk));
        Some(Self { path: step.path.clone(), message: message.clone(), risk, until })
    }
}

/// A card.
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each shown by itself")]
#[derive(Debug, Clone)]
pub struct Card {
    /// Which case.
    pub id: RemediationId,
    /// Which plan.
    pub plan: PlanDigest,
    /// The step that asks, when it is not about the plan as a whole.
    pub asks: Option<Asks>,
    /// The case as it was when the card opened (or last changed its content).
    pub frozen: Arc<Remediation>,
    /// Whether the plan still stands.
    pub standing: Standing,
    /// Deciding keys are dead until then.
    pub dead_until: Millis,
    /// Whether the gesture was possible at the last look (dead time apart).
    pub was_ready: bool,
    /// The name typed so far.
    pub typed: String,
    /// Whether letters go to the name's field.
    pub focused: bool,
    /// When the first key of the chord was pressed.
    pub armed: Option<Millis>,
    /// First line on screen.
    pub offset: usize,
    /// Whether the last line was on screen.
    pub seen_end: bool,
    /// All evidence is shown.
    pub evidence: bool,
    /// All steps and fields are shown.
    pub all: bool,
    /// Drift and permissions.
    pub checks: Checks,
    /// Whether checks are on their way.
    pub asking: bool,
    /// What happens.
    pub phase: Phase,
    /// A word to the reader in the gesture's place.
    pub said: Option<String>,
}

impl Card {
    /// A card for the standing plan of a case; `None` when it has none.
    #[must_use]
    pub fn open(remediation: &Arc<Remediation>, now: Millis) -> Option<Self> {
        let plan = remediation.plan.as_deref()?;
        Some(Self {
            id: remediation.id.clone(),
            plan: plan.digest.clone(),
            asks: Asks::of(remediation),
            frozen: Arc::clone(remediation),
            standing: Standing::Stands,
            dead_until: now + DEAD_MS,
            was_ready: false,
            typed: String::new(),
            focused: true,
            armed: None,
            offset: 0,
            seen_end: false,
            evidence: false,
            all: false,
            checks: Checks::Asking,
            asking: false,
            phase: Phase::Reading,
            said: None,
        })
    }

    /// Its content changed: keys are dead again, and what was typed is gone.
    pub fn changed(&mut self, now: Millis) {
        self.dead_until = now + DEAD_MS;
        self.typed.clear();
        self.armed = None;
        self.said = None;
        if matches!(self.phase, Phase::Rejecting(_)) {
            self.phase = Phase::Reading;
        }
    }

    /// The risk that the gesture has to match.
    #[must_use]
    pub fn risk(&self) -> Option<Risk> {
        let plan = self.frozen.plan.as_ref().map(|plan| plan.risk);
        self.asks.as_ref().map(|asks| asks.risk).or(plan)
    }

    /// When the question lapses; `None`: nothing is asked.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let request = self.frozen.request.as_ref().map(|request| request.expires_at);
        self.asks.as_ref().map(|asks| asks.until).or(request)
    }

    /// The name that a high risk asks for.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.frozen.plan.as_ref()?.target.as_ref().map(|target| target.key.name.as_str())
    }
}
