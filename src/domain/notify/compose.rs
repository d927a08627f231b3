//! From facts to notices: what is told of an event, and in which words.

use super::notice::{Notice, Subject, Telling, Topic};
use crate::domain::approval::ApprovalRequest;
use crate::domain::breaker::{Destination, State};
use crate::domain::event::{Event, Outcome};
use crate::domain::id::StepPath;
use crate::domain::remediation::Remediation;
use crate::domain::time::{Timestamp, rfc3339};
use crate::domain::timeline::sentence;
use crate::domain::workflow::execution::StepState;
use crate::domain::workflow::plan::StepKind;

/// What is told of an event; most are told to nobody. `case`: as it is after the event, while it is at hand.
#[must_use]
pub fn of_event(
    event: &Event,
    subject: Option<&Subject>,
    case: Option<&Remediation>,
) -> Option<Notice> {
    match event {
        Event::ApprovalRequested { request } => Some(of_request(request, subject?, case)),
        Event::StepChanged { path, state, note } => of_step(path, state, note, subject?, case?),
        Event::Stuck { during, why, retry_at: None } => {
            let title = format!("a person has to look: {during} on {}", subject?.target);
            Some(with_case(Topic::Stuck, &title, subject?, case).line(why))
        }
        Event::Withheld { why, .. } => {
            let title = format!("plan withheld on {}", subject?.target);
            let notice = with_case(Topic::Stuck, &title, subject?, case);
            Some(why.iter().fold(notice, |notice, why| notice.line(why)))
        }
        Event::Expired { .. } => {
            let title = format!("nobody decided in time on {}", subject?.target);
            let notice = with_case(Topic::Expired, &title, subject?, case);
            Some(notice.command(format!("pilothouse plan-anew {}", subject?.id)))
        }
        Event::Closed { outcome, why } => of_end(outcome, why, subject?, case),
        Event::Stopped { .. } | Event::IdentityMismatch { .. } => {
            let notice = Notice::new(Topic::Stopped, &sentence(event, None));
            Some(notice.command("pilothouse list".into()))
        }
        Event::Started { .. } => Some(Notice::new(Topic::Started, &sentence(event, None))),
        Event::BreakerMoved(one) => {
            // Probes and growing pauses in between are the screen's.
            let told = matches!(
                (one.from, one.to),
                (State::Closed | State::Disabled, State::Open) | (_, State::Closed)
            );
            told.then(|| of_breaker(one.destination, event))
        }
        Event::BreakerSet { destination, .. } => Some(of_breaker(*destination, event)),
        Event::Told { channel, notices, outcome: Telling::Dead { why } } => {
            let title = format!("not told over {channel}: {} given up", notices.len());
            let notice = Notice::new(Topic::DeadLetter, &title).line(why);
            let notice = notice.command("pilothouse notifications".into());
            Some(Notice { channel: Some(*channel), ..notice })
        }
        Event::Told { .. }
        | Event::Noticed { .. }
        | Event::PutBack { .. }
        | Event::Stuck { .. }
        | Event::EngineStarted { .. }
        | Event::Opened { .. }
        | Event::PlanAsked { .. }
        | Event::Revised { .. }
        | Event::Steered { .. }
        | Event::AlertJoined { .. }
        | Event::AlertIgnored { .. }
        | Event::Diagnosed { .. }
        | Event::Advised { .. }
        | Event::Planned { .. }
        | Event::PlanVoided { .. }
        | Event::Decided { .. }
        | Event::CommandRefused { .. }
        | Event::ExecutionStarted { .. }
        | Event::ItemsFound { .. }
        | Event::StepDecided { .. }
        | Event::AttemptStarted { .. }
        | Event::AttemptEnded { .. }
        | Event::UndoStarted { .. }
        | Event::Closing { .. }
        | Event::ExecutionEnded { .. }
        | Event::Judged { .. }
        | Event::Claimed { .. } => None,
    }
}

fn of_request(request: &ApprovalRequest, subject: &Subject, case: Option<&Remediation>) -> Notice {
    let people = if request.people > 1 {
        format!("{} different people must approve", request.people)
    } else {
        String::new()
    };
    let expires = format!("it lapses at {}", rfc3339(request.expires_at));
    let title = format!("approval needed: {} on {}", plan_title(case), subject.target);
    let asked = with_case(Topic::NeedsApproval, &title, subject, case);
    with_decision(asked.line(&people).line(&expires), subject, None)
}

/// The reminder of a request that nobody has decided.
#[must_use]
pub fn expiring(case: &Remediation, expires_at: Timestamp) -> Notice {
    let subject = Subject::of(case);
    let title = format!("still undecided: {} on {}", plan_title(Some(case)), subject.target);
    let notice = with_case(Topic::Expiring, &title, &subject, Some(case));
    let expires = format!("it lapses at {}", rfc3339(expires_at));
    with_decision(notice.line(&expires), &subject, None)
}

fn plan_title(case: Option<&Remediation>) -> String {
    let plan = case.and_then(|case| case.plan.as_deref());
    plan.map_or_else(|| "a plan".into(), |plan| plan.title.clone())
}

fn of_step(
    path: &StepPath,
    state: &StepState,
    note: &str,
    subject: &Subject,
    case: &Remediation,
) -> Option<Notice> {
    let step = case.planned_step(path)?;
    if let StepState::Asked { until } = state {
        let title = format!("step {path} asks on {}: {}", subject.target, step.asks());
        let notice = with_case(Topic::NeedsApproval, &title, subject, Some(case));
        let notice = notice.line(&format!("it waits until {}", rfc3339(*until)));
        return Some(with_decision(notice, subject, Some(path)));
    }
    if let StepState::Unknown { why } = state {
        let title = format!("step {path} on {}: not known what became of it", subject.target);
        return Some(with_case(Topic::Stuck, &title, subject, Some(case)).line(why));
    }
    let StepKind::Notify { message } = &step.kind else { return None };
    let title = format!("step {path} on {} tells: {message}", subject.target);
    let notice = with_case(Topic::Step, &title, subject, Some(case));
    (*state == StepState::Done).then(|| if note == message { notice } else { notice.line(note) })
}

fn of_end(
    outcome: &Outcome,
    why: &str,
    subject: &Subject,
    case: Option<&Remediation>,
) -> Option<Notice> {
    let topic = match outcome {
        Outcome::HandedOver => Topic::HandedOver,
        Outcome::Failed => Topic::Failed,
        Outcome::Regressed => Topic::Regressed,
        Outcome::Effective | Outcome::Ineffective | Outcome::Inconclusive => Topic::Ended,
        Outcome::Rejected | Outcome::Cancelled | Outcome::Recovered | Outcome::Merged { .. } => {
            return None;
        }
    };
    let words = outcome.word().replace('_', " ");
    let notice = with_case(topic, &format!("{words}: {}", subject.target), subject, case).line(why);
    Some(match outcome {
        Outcome::HandedOver | Outcome::Failed | Outcome::Regressed => {
            notice.command(format!("pilothouse claim {}", subject.id))
        }
        Outcome::Effective
        | Outcome::Ineffective
        | Outcome::Inconclusive
        | Outcome::Rejected
        | Outcome::Cancelled
        | Outcome::Recovered
        | Outcome::Merged { .. } => notice,
    })
}

fn of_breaker(destination: Destination, event: &Event) -> Notice {
    let notice = Notice::new(Topic::Breaker, &sentence(event, None));
    let notice = notice
        .line(&format!("while it is open: {}", destination.declared().instead))
        .command(format!("pilothouse breakers show {destination}"));
    Notice { channel: destination.channel(), ..notice }
}

/// A notice about a case, with what it is about and how to look at it.
fn with_case(topic: Topic, title: &str, subject: &Subject, case: Option<&Remediation>) -> Notice {
    let risk = subject.risk.map_or_else(String::new, |risk| format!("risk {risk}"));
    let summary = case.and_then(|case| case.diagnosis.as_ref());
    let summary = summary.map_or_else(String::new, |found| found.summary.clone());
    Notice::new(topic, title)
        .about(subject)
        .line(&subject.cause)
        .line(&summary)
        .line(&risk)
        .command(format!("pilothouse show {}", subject.id))
}

/// With the commands that decide.
fn with_decision(notice: Notice, subject: &Subject, step: Option<&StepPath>) -> Notice {
    let Some(plan) = &subject.plan else { return notice };
    let step = step.map_or_else(String::new, |path| format!(" --step {path}"));
    let (id, plan) = (&subject.id, plan.as_str());
    notice
        .command(format!("pilothouse approve {id} --plan {plan}{step}"))
        .command(format!("pilothouse reject {id} --plan {plan}{step} --reason TEXT"))
}
