//! Signs, each with its twin for terminals that show ASCII only.
//!
//! One sign is one class of meaning; the word beside it says which of the class. All are one column wide.

use super::theme::Role;
use crate::domain::event::Outcome;
use crate::domain::remediation::{Remediation, State};
use crate::domain::workflow::execution::StepState;
use crate::domain::workflow::tree::TreeRow;
use crate::engine::snapshot::Row;
use std::borrow::Cow;

/// A sign and its ASCII twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign(pub &'static str, pub &'static str);

impl Sign {
    /// The one for the glyph set.
    #[must_use]
    pub fn glyph(self, ascii: bool) -> &'static str {
        if ascii { self.1 } else { self.0 }
    }
}

/// Facts are being made.
pub const WAITS: Sign = Sign("◌", "o");
/// A person must decide.
pub const ASKS: Sign = Sign("?", "?");
/// Held by policy or a lock.
pub const BLOCKED: Sign = Sign("⊖", "#");
/// Acts on the cluster.
pub const ACTS: Sign = Sign("▸", ">");
/// Held by a person.
pub const PAUSED: Sign = Sign("¦", "=");
/// Undo.
pub const UNDO: Sign = Sign("«", "<");
/// Measures.
pub const CHECKS: Sign = Sign("◔", "%");
/// Unsure, or handed to a person.
pub const WARNS: Sign = Sign("⚠", "!");
/// Ended by a person, or forced.
pub const NO: Sign = Sign("⊗", "/");
/// Lapsed or void.
pub const VOID: Sign = Sign("∅", "0");
/// Bad.
pub const BAD: Sign = Sign("✗", "x");
/// Good.
pub const GOOD: Sign = Sign("✓", "+");
/// No effect.
pub const SAME: Sign = Sign("▪", "*");
/// Unclear.
pub const UNCLEAR: Sign = Sign("▫", ":");
/// Not yet.
pub const PENDING: Sign = Sign("◦", ".");
/// Goes on by itself.
pub const GOES_ON: Sign = Sign("⋯", "~");
/// Left out.
pub const SKIPPED: Sign = Sign("»", "^");
/// Will never start.
pub const NEVER: Sign = Sign("¬", "_");
/// The selected row.
pub const CURSOR: Sign = Sign("›", "]");
/// Unfolded.
pub const OPEN: Sign = Sign("▾", "v");
/// Folded.
pub const FOLDED: Sign = Sign("▹", "}");
/// Horizontal rule.
pub const RULE: Sign = Sign("─", "-");
/// Between panes.
pub const SEPARATOR: Sign = Sign("│", "|");
/// Something left out.
pub const ELISION: Sign = Sign("…", "$");

/// A state as screens show it: sign, word, role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Its sign.
    pub sign: Sign,
    /// Its word, at most 10 columns.
    pub word: &'static str,
    /// Its role.
    pub role: Role,
}

const fn shown(sign: Sign, word: &'static str, role: Role) -> Shown {
    Shown { sign, word, role }
}

/// The state of a row.
#[must_use]
pub fn row(row: &Row) -> Shown {
    if row.needs_person && matches!(row.state, State::Running | State::Undoing) {
        return needs_you(row.asks);
    }
    remediation(row.state, row.outcome.as_ref(), row.needs_person, row.claimed_by.is_some())
}

/// The state of a case, as its row has it.
#[must_use]
pub fn case(case: &Remediation) -> Shown {
    let needs_person = case.needs_person();
    if needs_person && matches!(case.state, State::Running | State::Undoing) {
        return needs_you(case.asking_step().is_some());
    }
    remediation(case.state, case.outcome.as_ref(), needs_person, case.claimed_by.is_some())
}

/// Why a run needs a person: a step asks, or what became of one can't be told.
fn needs_you(asks: bool) -> Shown {
    if asks {
        shown(ASKS, "approval", Role::Attention)
    } else {
        shown(WARNS, "unknown", Role::Attention)
    }
}

/// The state of a case.
#[must_use]
pub fn remediation(
    state: State,
    outcome: Option<&Outcome>,
    needs_person: bool,
    claimed: bool,
) -> Shown {
    match state {
        State::Diagnosing => shown(WAITS, "diagnosing", Role::Waiting),
        State::Planning => shown(WAITS, "planning", Role::Waiting),
        State::AwaitingApproval => shown(ASKS, "approval", Role::Attention),
        State::Blocked if needs_person => shown(WARNS, "blocked", Role::Attention),
        State::Blocked => shown(BLOCKED, "blocked", Role::Held),
        State::Running => shown(ACTS, "running", Role::Active),
        State::Paused => shown(PAUSED, "paused", Role::Held),
        State::Undoing => shown(UNDO, "undoing", Role::Active),
        State::Verifying => shown(CHECKS, "verifying", Role::Waiting),
        State::ByHand => shown(PAUSED, "by hand", Role::Held),
        State::Expired if needs_person => shown(VOID, "expired", Role::Attention),
        State::Expired => shown(VOID, "expired", Role::Off),
        State::Closed => {
            outcome.map_or(shown(GOOD, "closed", Role::TextDim), |outcome| ended(outcome, claimed))
        }
    }
}

/// How a case ended.
#[must_use]
pub fn ended(outcome: &Outcome, claimed: bool) -> Shown {
    match outcome {
        Outcome::Effective => shown(GOOD, "effective", Role::Good),
        Outcome::Ineffective => shown(SAME, "no effect", Role::Text),
        Outcome::Regressed => shown(BAD, "regressed", Role::Bad),
        Outcome::Inconclusive => shown(UNCLEAR, "unclear", Role::Off),
        Outcome::HandedOver if claimed => shown(PAUSED, "by hand", Role::Held),
        Outcome::HandedOver => shown(WARNS, "escalated", Role::Attention),
        Outcome::Rejected => shown(NO, "rejected", Role::Off),
        Outcome::Cancelled => shown(NO, "cancelled", Role::Off),
        Outcome::Failed => shown(BAD, "failed", Role::Bad),
        Outcome::Recovered => shown(GOOD, "recovered", Role::TextDim),
        Outcome::Merged { .. } => shown(SKIPPED, "merged", Role::Off),
    }
}

/// The state of a step.
#[must_use]
pub fn step(state: &StepState) -> Shown {
    match state {
        StepState::Pending => shown(PENDING, "pending", Role::TextDim),
        StepState::Running => shown(ACTS, "running", Role::Active),
        StepState::Waiting { .. } => shown(GOES_ON, "waiting", Role::Waiting),
        StepState::Asked { .. } => shown(ASKS, "approval", Role::Attention),
        StepState::Done => shown(GOOD, "done", Role::Good),
        StepState::Failed { .. } => shown(BAD, "failed", Role::Bad),
        StepState::TimedOut { .. } => shown(BAD, "timed out", Role::Bad),
        StepState::Unknown { .. } => shown(WARNS, "unknown", Role::Unsure),
        StepState::Skipped { .. } => shown(SKIPPED, "skipped", Role::Off),
        StepState::WillNotBeRun { .. } => shown(NEVER, "won't run", Role::Off),
        StepState::Undoing => shown(UNDO, "undoing", Role::Active),
        StepState::Undone => shown(UNDO, "undone", Role::Text),
        StepState::UndoFailed { .. } => shown(BAD, "undo failed", Role::Bad),
    }
}

/// The state of a row of the tree: what is only for a failure says so.
#[must_use]
pub fn tree_row(row: &TreeRow<'_>) -> Shown {
    match row.run.map(|run| &run.state) {
        None if row.step.skipped.is_some() => shown(SKIPPED, "skipped", Role::Off),
        None | Some(StepState::Pending) if row.spare => shown(PENDING, "on failure", Role::TextDim),
        Some(StepState::WillNotBeRun { .. }) if row.spare => {
            shown(PENDING, "unused", Role::TextDim)
        }
        None => shown(PENDING, "pending", Role::TextDim),
        Some(state) => step(state),
    }
}

/// Text with every character that ASCII lacks replaced by its twin, or `?` where it has none.
#[must_use]
pub fn to_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            '→' => out.push_str("->"),
            '…' => out.push('$'),
            '─' => out.push('-'),
            '│' => out.push('|'),
            '·' => out.push('.'),
            '–' | '—' => out.push('-'),
            '“' | '”' => out.push('"'),
            '‘' | '’' => out.push('\''),
            '×' => out.push('x'),
            '≥' => out.push_str(">="),
            '≤' => out.push_str("<="),
            '▁' => out.push('_'),
            '▂' | '▃' => out.push('.'),
            '▄' | '▅' => out.push('-'),
            '▆' | '▇' | '█' => out.push('#'),
            c => out.push_str(twin(c)),
        }
    }
    Cow::Owned(out)
}

fn twin(c: char) -> &'static str {
    const ALL: [Sign; 24] = [
        WAITS, ASKS, BLOCKED, ACTS, PAUSED, UNDO, CHECKS, WARNS, NO, VOID, BAD, GOOD, SAME,
        UNCLEAR, PENDING, GOES_ON, SKIPPED, NEVER, CURSOR, OPEN, FOLDED, RULE, SEPARATOR, ELISION,
    ];
    ALL.iter().find(|sign| sign.0.starts_with(c)).map_or("?", |sign| sign.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::format::width;

    #[test]
    fn every_sign_and_its_twin_take_one_column() {
        for sign in [WAITS, CHECKS, WARNS, NO, VOID, GOES_ON, CURSOR, FOLDED, RULE, NEVER] {
            assert_eq!((width(sign.0), width(sign.1)), (1, 1), "{sign:?}");
        }
    }

    #[test]
    fn text_from_plans_survives_ascii() {
        assert_eq!(to_ascii("512Mi → 768Mi ✓ é"), "512Mi -> 768Mi + ?");
    }
}
