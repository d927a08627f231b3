//! One case as a tree of steps: selection and fold by path, the log beside it.

use crate::domain::event::Recorded;
use crate::domain::id::{RemediationId, StepPath};
use crate::domain::remediation::Remediation;
use crate::domain::time::Timestamp;
use std::collections::BTreeSet;

/// Which part of the screen the movement keys move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// The steps.
    #[default]
    Steps,
    /// The log.
    Log,
}

/// The state of the tree screen.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Selected step.
    pub selected: Option<StepPath>,
    /// Folded steps.
    pub folded: BTreeSet<StepPath>,
    /// First row on screen.
    pub top: usize,
    /// Which part moves.
    pub pane: Pane,
    /// At 80 columns: the log is shown in place of the peek.
    pub log: bool,
    /// Lines that the log is scrolled back from its end; `None`: it follows.
    pub back: Option<usize>,
    /// Lines the log had when it was frozen.
    pub frozen_at: usize,
}

/// A case with its events, as the engine answered.
#[derive(Debug, Clone)]
pub struct Case {
    /// The case.
    pub remediation: Box<Remediation>,
    /// Its events as lines.
    pub lines: Vec<TimeLine>,
}

/// One line of a case's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeLine {
    /// When.
    pub at: Timestamp,
    /// Position in the log.
    pub seq: u64,
    /// Which step, if one.
    pub path: Option<StepPath>,
    /// Who, for what people did.
    pub by: String,
    /// What happened.
    pub text: String,
}

impl Case {
    /// Makes the lines out of the events: each is the sentence that the fold says after it.
    #[must_use]
    pub fn new(remediation: Box<Remediation>, events: &[Recorded]) -> Self {
        let lines = super::timeline::lines(events);
        Self { remediation, lines }
    }

    /// Whose case it is.
    #[must_use]
    pub fn id(&self) -> &RemediationId {
        &self.remediation.id
    }
}
