//! What the store refuses: it works, but can't hold what it was handed, and never will.
//!
//! ```text
//! batch refused ─► nothing of it is true; its jobs become due again, its alerts are still in the inbox
//!              └─► then one input at a time ─► the one that is refused alone is left out, and that is recorded
//! ```
//!
//! So one alert or one answer that can't be stored holds nothing else up. An alert leaves the inbox only together
//! with the record of why; when not even that can be stored, the store counts as down.

use super::run::{Dispatcher, Pending};
use crate::domain::approval::Drift;
use crate::domain::workflow::execution::AttemptOutcome;
use crate::engine::command::Refusal;
use crate::engine::job::{Heard, Input, JobFailure, Looked};
use crate::ports::cluster::Probe;
use crate::ports::store::StoreError;

/// Inputs that come alone after a refusal, if none of them is the culprit.
pub(super) const ALONE: u32 = 1_000;

/// What stands in for the content that can't be stored.
const WHY: &str = "what came back can't be stored; the program's log says why";

/// What an input was, for leaving it out.
enum Suspect {
    /// An alert: its number in the inbox.
    Alert(u64),
    /// An outcome, and what stands in for it.
    Outcome(Input),
    /// Answered when the append failed.
    Other,
}

impl Dispatcher {
    /// Takes inputs each in a batch of its own, and leaves out those that the store refuses.
    pub(super) async fn one_by_one(&mut self, inputs: Vec<Pending>) {
        // Time first: what it brings must not be put down to an input.
        let (time, rest): (Vec<_>, Vec<_>) =
            inputs.into_iter().partition(|pending| matches!(pending.input, Input::Wake));
        if self.take_batch(time).await.is_err() {
            self.pending.extend(rest);
            return;
        }
        for pending in rest {
            if !self.is_appending() {
                self.pending.push(pending);
                continue;
            }
            self.alone = self.alone.saturating_sub(1);
            let suspect = suspect(&pending);
            if let Err(StoreError::Refused(why)) = self.take_batch(vec![pending]).await {
                self.leave_out(suspect, &why).await;
            }
        }
    }

    async fn leave_out(&mut self, suspect: Suspect, why: &str) {
        self.store_down = None;
        self.alone = 0;
        match suspect {
            Suspect::Alert(number) => {
                tracing::error!(number, why, "an alert can't be stored, and is left out");
                let now = self.outside.clock.now();
                let accepted = self.core.alert_unstorable(number, why, now);
                match self.append(&accepted.events, vec![number]).await {
                    Ok(()) => self.settle_waiting(vec![(number, None)]),
                    Err(error) => {
                        self.append_failed(&error, Refusal::Unavailable, Vec::new()).await;
                    }
                }
            }
            Suspect::Outcome(instead) => {
                tracing::error!(why, "the outcome of a job can't be stored");
                self.push(instead);
            }
            Suspect::Other => {}
        }
    }
}

fn suspect(pending: &Pending) -> Suspect {
    match (pending.inbox, &pending.input) {
        (Some(number), Input::Alert(_)) => Suspect::Alert(number),
        (_, input) => instead(input).map_or(Suspect::Other, Suspect::Outcome),
    }
}

/// The same outcome without its content, failing closed.
fn instead(input: &Input) -> Option<Input> {
    let failure = || JobFailure { why: WHY.into(), retryable: false };
    Some(match input {
        Input::Diagnosed { id, .. } => Input::Diagnosed { id: id.clone(), result: Err(failure()) },
        Input::PlanMade { id, .. } => {
            Input::PlanMade { id: id.clone(), result: Err(failure()), advice: None }
        }
        Input::Begun { id, plan, .. } => {
            Input::Begun { id: id.clone(), plan: plan.clone(), result: Err(failure()) }
        }
        Input::ItemsFound { id, path, .. } => {
            Input::ItemsFound { id: id.clone(), path: path.clone(), result: Err(failure()) }
        }
        Input::Assessed { id, .. } => Input::Assessed { id: id.clone(), result: Err(failure()) },
        Input::DriftSeen { id, plan, .. } => {
            let drift = Drift {
                object: String::new(),
                moved: Vec::new(),
                by: String::new(),
                note: WHY.into(),
            };
            Input::DriftSeen { id: id.clone(), plan: plan.clone(), drift: vec![drift] }
        }
        // It is looked at, as after any answer that was not understood.
        Input::Sent { id, path, attempt, .. } => Input::Sent {
            id: id.clone(),
            path: path.clone(),
            attempt: attempt.clone(),
            outcome: AttemptOutcome::NoAnswer { why: WHY.into() },
        },
        Input::Probed { id, path, attempt, .. } => Input::Probed {
            id: id.clone(),
            path: path.clone(),
            attempt: attempt.clone(),
            probe: Probe::CantTell(WHY.into()),
        },
        Input::Looked { id, path, .. } => Input::Looked {
            id: id.clone(),
            path: path.clone(),
            looked: Looked::Unavailable(WHY.into()),
        },
        // Else the same would go out for ever.
        Input::Heard { channel, notices, .. } => Input::Heard {
            channel: *channel,
            notices: notices.clone(),
            heard: Heard::Refused(WHY.into()),
        },
        Input::Alert(_)
        | Input::Command { .. }
        | Input::Steer { .. }
        | Input::Drafted { .. }
        | Input::StopSeen { .. }
        | Input::BreakerMoved(_)
        | Input::IdentityMismatch { .. }
        | Input::Wake => return None,
    })
}
