//! Events as lines. Events that move a case say what its fold says after them, so that no sentence has two makers.

use super::tree::TimeLine;
use crate::domain::event::{Event, Recorded};
use crate::domain::id::{ClusterId, RemediationId, StepPath};
use crate::domain::remediation::Remediation;
use crate::domain::workflow::execution::AttemptOutcome;
use std::collections::BTreeMap;

/// The lines of some events, oldest first. Events of cases whose opening is not among them are told by themselves.
#[must_use]
pub fn lines(events: &[Recorded]) -> Vec<TimeLine> {
    let mut cases = BTreeMap::<RemediationId, Remediation>::new();
    events.iter().map(|recorded| line(recorded, &mut cases)).collect()
}

fn line(recorded: &Recorded, cases: &mut BTreeMap<RemediationId, Remediation>) -> TimeLine {
    let cluster = ClusterId::new(String::new());
    if let Some(id) = &recorded.subject
        && let Some(case) = Remediation::opened_by(id, &cluster, recorded)
    {
        cases.insert(id.clone(), case);
    }
    let folded = recorded.subject.as_ref().and_then(|id| cases.get_mut(id)).map(|case| {
        case.apply(recorded);
        case.last.clone()
    });
    let text = own_words(&recorded.event).or(folded).unwrap_or_else(|| spare_words(recorded));
    let path = path(&recorded.event);
    // The path has its own column.
    let prefix = path.as_ref().map(|path| format!("step {path} "));
    let text =
        prefix.and_then(|prefix| text.strip_prefix(&prefix).map(String::from)).unwrap_or(text);
    TimeLine { at: recorded.at, seq: recorded.seq, path, by: recorded.by.clone(), text }
}

fn path(event: &Event) -> Option<StepPath> {
    match event {
        Event::StepChanged { path, .. }
        | Event::AttemptStarted { path, .. }
        | Event::AttemptEnded { path, .. } => Some(path.clone()),
        _ => None,
    }
}

/// What the fold does not say.
fn own_words(event: &Event) -> Option<String> {
    match event {
        Event::AttemptEnded { attempt, outcome, .. } => {
            Some(format!("attempt {attempt} {}", outcome_words(outcome)))
        }
        Event::StepChanged { note, state, .. } if !note.is_empty() => {
            Some(format!("{}: {note}", state.word()))
        }
        Event::EngineStarted { holder, .. } => Some(format!("engine {holder} drives")),
        Event::Stopped { by, reason } => Some(format!("EVERYTHING STOPPED by {by}: {reason}")),
        Event::Started { by, reason } => Some(format!("stop lifted by {by}: {reason}")),
        Event::BreakerMoved(_) | Event::BreakerSet { .. } => {
            Some(crate::domain::timeline::sentence(event, None))
        }
        Event::IdentityMismatch { found } => {
            Some(format!("the cluster is not the pinned one (found {found}): writes are off"))
        }
        Event::AlertIgnored { alert, why } => {
            Some(format!("alert {} recorded, no case: {why}", alert.name()))
        }
        _ => None,
    }
}

/// For an event of a case that opened before the first one shown.
fn spare_words(recorded: &Recorded) -> String {
    recorded.event.kind().replace('_', " ")
}

/// How an attempt ended, in words.
#[must_use]
pub fn outcome_words(outcome: &AttemptOutcome) -> String {
    match outcome {
        AttemptOutcome::Applied { note } => format!("applied: {note}"),
        AttemptOutcome::SeenDone { note } => format!("seen done: {note}"),
        AttemptOutcome::SeenNotDone { note } => format!("seen not done: {note}"),
        AttemptOutcome::Refused { why, .. } => format!("refused: {why}"),
        AttemptOutcome::Held { why } => format!("held back: {why}"),
        AttemptOutcome::Failed { why } => format!("failed: {why}"),
        AttemptOutcome::NoAnswer { why } => format!("no answer: {why}"),
        AttemptOutcome::CantTell { why } => format!("can't be told: {why}"),
    }
}
