//! Events as sentences: the one wording that the screen, the report, `watch` and the log use.
//!
//! Absent on purpose: times, ids and colours; whoever shows a line puts those around it.

use super::approval::Decision;
use super::breaker::{Destination, Move, Setting};
use super::event::Event;
use super::id::StepPath;
use super::operation::DiffLine;
use super::remediation::Remediation;
use super::steering::with_reason;
use super::workflow::execution::{AttemptOutcome, Direction, StepState};
use super::workflow::plan::Plan;

/// One sentence for an event, on one line whatever the texts in it hold: nothing quoted can look like a line of its
/// own. `case` gives step titles; without it steps are named by path only.
#[must_use]
pub fn sentence(event: &Event, case: Option<&Remediation>) -> String {
    let text = words(event, case);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" / ")
}

fn words(event: &Event, case: Option<&Remediation>) -> String {
    match event {
        Event::EngineStarted { holder, version, cluster_name, simulated } => format!(
            "engine {version} of {holder} drives {cluster_name}{}",
            if *simulated { " (simulated)" } else { "" }
        ),
        Event::Opened { alert, .. } => format!("opened for alert {}", alert.name()),
        Event::PlanAsked { .. } | Event::Revised { .. } | Event::Steered { .. } => {
            steered_sentence(event)
        }
        Event::AlertJoined { alert } => {
            format!(
                "alert {} {}",
                alert.name(),
                if alert.ends_at.is_some() { "resolved" } else { "joined" }
            )
        }
        Event::AlertIgnored { alert, why } => {
            format!("alert {} recorded only: {why}", alert.name())
        }
        Event::Diagnosed { diagnosis } => format!(
            "diagnosis {}, cause {}, confidence {:.2}: {}",
            diagnosis.pattern, diagnosis.cause, diagnosis.confidence, diagnosis.summary
        ),
        Event::Stuck { during, why, retry_at } => {
            let again = if retry_at.is_some() { "tried again" } else { "a person has to look" };
            format!("{during}: {why}; {again}")
        }
        Event::Advised { advice } => format!("advice of {}", advice.words()),
        Event::Planned { plan } => planned(plan),
        Event::Withheld { .. }
        | Event::ApprovalRequested { .. }
        | Event::PlanVoided { .. }
        | Event::Decided { .. }
        | Event::CommandRefused { .. }
        | Event::Expired { .. } => decision_sentence(event),
        Event::ExecutionStarted { plan, .. } => {
            format!("execution of plan {} started", plan.short())
        }
        Event::StepChanged { .. }
        | Event::ItemsFound { .. }
        | Event::StepDecided { .. }
        | Event::AttemptStarted { .. }
        | Event::AttemptEnded { .. } => step_sentence(event, case),
        Event::UndoStarted { why } => format!("undo started: {why}"),
        Event::Closing { outcome, why } => {
            format!(
                "taking back what ends with the case, before it is closed {}: {why}",
                outcome.word()
            )
        }
        Event::ExecutionEnded { undone, succeeded, why } => ended(*undone, *succeeded, why),
        Event::Judged { judgement } => format!("verdict {}: {}", judgement.verdict, judgement.why),
        Event::Closed { outcome, why } => format!("closed, {}: {why}", outcome.word()),
        Event::Claimed { by } => format!("claimed by {}", by.describe()),
        Event::Stopped { .. }
        | Event::Started { .. }
        | Event::BreakerMoved(_)
        | Event::BreakerSet { .. }
        | Event::Noticed { .. }
        | Event::Told { .. }
        | Event::PutBack { .. }
        | Event::IdentityMismatch { .. } => cluster_sentence(event).unwrap_or_default(),
    }
}

fn ended(undone: Option<bool>, succeeded: bool, why: &str) -> String {
    let how = match (undone, succeeded) {
        (Some(true), _) => "ended, undone",
        (Some(false), _) => "ended, not all undone",
        (None, true) => "ended, all steps done",
        (None, false) => "ended, failed",
    };
    format!("execution {how}: {why}")
}

/// What happened to the cluster as a whole.
fn cluster_sentence(event: &Event) -> Option<String> {
    if let Event::Stopped { by, reason } = event {
        return Some(format!("everything stopped by {by}: {reason}"));
    }
    if let Event::Started { by, reason } = event {
        return Some(format!("stop lifted by {by}: {reason}"));
    }
    if let Event::BreakerMoved(one) = event {
        return Some(moved_words(one));
    }
    if let Event::BreakerSet { destination, setting, by, reason, .. } = event {
        return Some(set_words(*destination, *setting, by, reason));
    }
    if let Some(words) = super::notify::words(event) {
        return Some(words);
    }
    if let Event::IdentityMismatch { found } = event {
        let place = "another cluster is behind the connection";
        return Some(format!("{place} ({found}): nothing is written"));
    }
    None
}

/// A change of a breaker's state, in a sentence.
#[must_use]
fn moved_words(one: &Move) -> String {
    format!("breaker {} {} → {}: {}", one.destination, one.from, one.to, one.cause)
}

/// What a person made of a breaker, in a sentence.
#[must_use]
fn set_words(destination: Destination, setting: Setting, by: &str, reason: &str) -> String {
    let done = match setting {
        Setting::Automatic => "is back to normal",
        Setting::ForcedOpen => "is forced open",
        Setting::Disabled => "is disabled",
    };
    format!("breaker {destination} {done} by {by}: {reason}")
}

/// `approved` or `rejected`.
#[must_use]
pub fn decided(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "approved",
        Decision::Reject => "rejected",
    }
}

fn steered_sentence(event: &Event) -> String {
    match event {
        Event::PlanAsked { by, target, wish, reason } => {
            let text =
                format!("{} asks for a plan on {}: {}", by.describe(), target.path(), wish.words());
            with_reason(text, reason)
        }
        Event::Revised { by, wish, reason } => {
            let text = format!("plan revised by {}: {}", by.describe(), wish.words());
            with_reason(text, reason)
        }
        Event::Steered { by, steering, reason } => {
            with_reason(steering.said(&by.describe()), reason)
        }
        Event::EngineStarted { .. }
        | Event::Opened { .. }
        | Event::AlertJoined { .. }
        | Event::AlertIgnored { .. }
        | Event::Diagnosed { .. }
        | Event::Stuck { .. }
        | Event::Advised { .. }
        | Event::Planned { .. }
        | Event::Withheld { .. }
        | Event::ApprovalRequested { .. }
        | Event::PlanVoided { .. }
        | Event::Decided { .. }
        | Event::CommandRefused { .. }
        | Event::Expired { .. }
        | Event::ExecutionStarted { .. }
        | Event::StepChanged { .. }
        | Event::ItemsFound { .. }
        | Event::StepDecided { .. }
        | Event::AttemptStarted { .. }
        | Event::AttemptEnded { .. }
        | Event::UndoStarted { .. }
        | Event::ExecutionEnded { .. }
        | Event::Judged { .. }
        | Event::Closed { .. }
        | Event::Claimed { .. }
        | Event::Stopped { .. }
        | Event::Started { .. }
        | Event::Closing { .. }
        | Event::BreakerMoved(_)
        | Event::BreakerSet { .. }
        | Event::Noticed { .. }
        | Event::Told { .. }
        | Event::PutBack { .. }
        | Event::IdentityMismatch { .. } => String::new(),
    }
}

fn planned(plan: &Plan) -> String {
    let changes = plan.operations().filter(|(_, planned)| planned.operation.mutates()).count();
    let changes = match changes {
        0 => "no change to the cluster".to_string(),
        1 => "1 change".to_string(),
        many => format!("{many} changes"),
    };
    format!("plan {}: {}; {changes}, risk {}", plan.digest.short(), plan.title, plan.risk)
}

fn decision_sentence(event: &Event) -> String {
    match event {
        Event::Withheld { plan, why } => {
            format!("plan {} withheld: {}", plan.short(), why.join("; "))
        }
        Event::ApprovalRequested { request } => {
            let people = if request.people == 1 {
                String::new()
            } else {
                format!(" of {} people", request.people)
            };
            format!("approval{people} asked for plan {}", request.plan.short())
        }
        Event::PlanVoided { plan, drift } => {
            let moved = drift.iter().map(|one| one.object.as_str()).collect::<Vec<_>>().join(", ");
            format!("plan {} void: {moved} is no longer as planned", plan.short())
        }
        Event::Decided { approval, .. } => {
            let reason = if approval.reason.is_empty() {
                String::new()
            } else {
                format!(": {}", approval.reason)
            };
            format!(
                "plan {} {} by {}{reason}",
                approval.plan.short(),
                decided(approval.decision),
                approval.by.describe()
            )
        }
        Event::CommandRefused { command, by, refusal, why, .. } => {
            format!("{command} by {} refused ({refusal}): {why}", by.describe())
        }
        Event::Expired { plan } => format!("plan {} expired: nobody decided", plan.short()),
        Event::EngineStarted { .. }
        | Event::Opened { .. }
        | Event::PlanAsked { .. }
        | Event::Revised { .. }
        | Event::Steered { .. }
        | Event::AlertJoined { .. }
        | Event::AlertIgnored { .. }
        | Event::Diagnosed { .. }
        | Event::Stuck { .. }
        | Event::Advised { .. }
        | Event::Planned { .. }
        | Event::ExecutionStarted { .. }
        | Event::StepChanged { .. }
        | Event::ItemsFound { .. }
        | Event::StepDecided { .. }
        | Event::AttemptStarted { .. }
        | Event::AttemptEnded { .. }
        | Event::UndoStarted { .. }
        | Event::Closing { .. }
        | Event::ExecutionEnded { .. }
        | Event::Judged { .. }
        | Event::Closed { .. }
        | Event::Claimed { .. }
        | Event::Stopped { .. }
        | Event::Started { .. }
        | Event::BreakerMoved(_)
        | Event::BreakerSet { .. }
        | Event::Noticed { .. }
        | Event::Told { .. }
        | Event::PutBack { .. }
        | Event::IdentityMismatch { .. } => String::new(),
    }
}

fn step_sentence(event: &Event, case: Option<&Remediation>) -> String {
    match event {
        Event::StepChanged { path, state, note } => {
            let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
            format!("step {}{}{note}", titled(path, case), state_words(state))
        }
        Event::ItemsFound { path, steps } => {
            let gone = steps.iter().filter(|step| step.skipped.is_some()).count();
            let (there, gone) = (
                steps.len() - gone,
                match gone {
                    0 => String::new(),
                    gone => format!(", {gone} of the plan are gone"),
                },
            );
            format!("step {}{there} items found{gone}", titled(path, case))
        }
        Event::StepDecided { path, approval, .. } => {
            let reason = if approval.reason.is_empty() {
                String::new()
            } else {
                format!(": {}", approval.reason)
            };
            let (what, who) = (decided(approval.decision), approval.by.describe());
            format!("step {}{what} by {who}{reason}", titled(path, case))
        }
        Event::AttemptStarted { path, attempt, direction, .. } => {
            format!("step {}{}attempt {attempt} begins", titled(path, case), way(*direction))
        }
        Event::AttemptEnded { path, attempt, outcome } => {
            format!("step {}attempt {attempt}: {}", titled(path, case), outcome_words(outcome))
        }
        Event::EngineStarted { .. }
        | Event::Opened { .. }
        | Event::PlanAsked { .. }
        | Event::Revised { .. }
        | Event::Steered { .. }
        | Event::AlertJoined { .. }
        | Event::AlertIgnored { .. }
        | Event::Diagnosed { .. }
        | Event::Stuck { .. }
        | Event::Advised { .. }
        | Event::Planned { .. }
        | Event::Withheld { .. }
        | Event::ApprovalRequested { .. }
        | Event::PlanVoided { .. }
        | Event::Decided { .. }
        | Event::CommandRefused { .. }
        | Event::Expired { .. }
        | Event::ExecutionStarted { .. }
        | Event::UndoStarted { .. }
        | Event::Closing { .. }
        | Event::ExecutionEnded { .. }
        | Event::Judged { .. }
        | Event::Closed { .. }
        | Event::Claimed { .. }
        | Event::Stopped { .. }
        | Event::Started { .. }
        | Event::BreakerMoved(_)
        | Event::BreakerSet { .. }
        | Event::Noticed { .. }
        | Event::Told { .. }
        | Event::PutBack { .. }
        | Event::IdentityMismatch { .. } => String::new(),
    }
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "",
        Direction::Undo => "undo ",
    }
}

/// `2.1 raise memory limit, `; only the path when the title is not known.
fn titled(path: &StepPath, case: Option<&Remediation>) -> String {
    case.and_then(|case| case.planned_step(path))
        .map_or_else(|| format!("{path}, "), |step| format!("{path} {}, ", step.title))
}

/// A step's state with its reason.
#[must_use]
pub fn state_words(state: &StepState) -> String {
    match state {
        StepState::Waiting { seen, .. } => format!("waiting: {seen}"),
        StepState::Failed { why } => format!("failed: {why}"),
        StepState::TimedOut { why } => format!("timed out: {why}"),
        StepState::Unknown { why } => format!("unknown: {why}"),
        StepState::Skipped { why } => format!("skipped: {why}"),
        StepState::WillNotBeRun { reason } => format!("won't run: {reason}"),
        StepState::UndoFailed { why } => format!("could not be undone: {why}"),
        StepState::Pending
        | StepState::Running
        | StepState::Asked { .. }
        | StepState::Done
        | StepState::Undoing
        | StepState::Undone => state.word().to_string(),
    }
}

/// An attempt's outcome with its reason.
#[must_use]
pub fn outcome_words(outcome: &AttemptOutcome) -> String {
    match outcome {
        AttemptOutcome::Applied { note } => joined("applied", note),
        AttemptOutcome::SeenDone { note } => joined("seen done", note),
        AttemptOutcome::SeenNotDone { note } => joined("seen not done", note),
        AttemptOutcome::Refused { why, retryable: true, .. } => {
            joined("refused, may be tried again", why)
        }
        AttemptOutcome::Refused { why, retryable: false, .. } => joined("refused", why),
        AttemptOutcome::Held { why } => joined("held back, asked again later", why),
        AttemptOutcome::Failed { why } => joined("failed", why),
        AttemptOutcome::NoAnswer { why } => joined("no answer", why),
        AttemptOutcome::CantTell { why } => joined("can't be told", why),
    }
}

/// The word for an attempt's outcome, as in the JSON.
#[must_use]
pub fn outcome_word(outcome: Option<&AttemptOutcome>) -> &'static str {
    match outcome {
        None => "under_way",
        Some(AttemptOutcome::Applied { .. }) => "applied",
        Some(AttemptOutcome::SeenDone { .. }) => "seen_done",
        Some(AttemptOutcome::SeenNotDone { .. }) => "seen_not_done",
        Some(AttemptOutcome::Refused { .. }) => "refused",
        Some(AttemptOutcome::Held { .. }) => "held",
        Some(AttemptOutcome::Failed { .. }) => "failed",
        Some(AttemptOutcome::NoAnswer { .. }) => "no_answer",
        Some(AttemptOutcome::CantTell { .. }) => "cant_tell",
    }
}

fn joined(word: &str, more: &str) -> String {
    if more.is_empty() { word.to_string() } else { format!("{word}: {more}") }
}

/// A diff as lines of `- path: before` and `+ path: after`.
#[must_use]
pub fn diff_lines(diff: &[DiffLine]) -> Vec<String> {
    let mut lines = Vec::new();
    for line in diff {
        if let Some(before) = &line.before {
            lines.push(format!("- {}: {before}", line.path));
        }
        if let Some(after) = &line.after {
            lines.push(format!("+ {}: {after}", line.path));
        }
    }
    lines
}
