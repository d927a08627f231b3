//! Waiting for what a command led to, for verbs with `--wait`.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use crate::domain::event::Outcome as Ending;
use crate::domain::id::{PlanDigest, RemediationId};
use crate::domain::remediation::{Remediation, State};
use crate::domain::time::parse_duration;
use crate::domain::workflow::execution::Attempt;
use std::time::Duration;

/// Pause between two looks at the log.
const PAUSE: Duration = Duration::from_millis(250);

/// Flags of verbs that may wait.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Waiting {
    /// Wait until it ended, or needs a person.
    #[arg(long)]
    pub wait: bool,
    /// Give up waiting after this long (30s, 5m, 2h), with exit code 7.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "wait")]
    pub timeout: Option<u64>,
}

impl Waiting {
    /// Waits, if that was asked for, until each of the remediations ended or needs a person. `decided` is the plan that
    /// was just decided on: that it still stands before a person is no end.
    ///
    /// # Errors
    /// When the log can't be read, or the time is up.
    pub async fn until_settled(
        self,
        session: &Session,
        ids: &[RemediationId],
        decided: Option<&PlanDigest>,
    ) -> Outcome {
        if !self.wait || ids.is_empty() {
            return Ok(Exit::Done);
        }
        let waiting = settle(session, ids, decided);
        match self.timeout {
            None => waiting.await,
            Some(seconds) => {
                let late = format!("it did not end within {seconds}s");
                tokio::time::timeout(Duration::from_secs(seconds), waiting)
                    .await
                    .unwrap_or_else(|_| Err(Failure::new(Exit::TimedOut, late)))
            }
        }
    }
}

impl Waiting {
    /// Waits until the remediation ended, needs a person, or is held with nothing in hand, and gives it.
    ///
    /// # Errors
    /// When the log can't be read, or the time is up.
    pub async fn until_quiet(
        self,
        session: &Session,
        id: &RemediationId,
    ) -> Result<Remediation, Failure> {
        let quiet = async {
            let log = session.log().await?;
            loop {
                let (case, _) = log.case(id).await?;
                if is_quiet(&case) {
                    session.output.say(&format!("{id}  {}: {}", case.state, case.last));
                    return Ok(case);
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        match self.timeout {
            None => quiet.await,
            Some(seconds) => {
                let late = format!("it did not get there within {seconds}s");
                tokio::time::timeout(Duration::from_secs(seconds), quiet)
                    .await
                    .unwrap_or_else(|_| Err(Failure::new(Exit::TimedOut, late)))
            }
        }
    }
}

fn is_quiet(case: &Remediation) -> bool {
    let held = matches!(case.state, State::Paused | State::ByHand);
    let steps = case.execution.iter().flat_map(|run| run.steps.values());
    let in_hand = steps.flat_map(|step| &step.attempts).any(Attempt::is_open);
    is_settled(case, None) || (held && !in_hand)
}

async fn settle(session: &Session, ids: &[RemediationId], decided: Option<&PlanDigest>) -> Outcome {
    let log = session.log().await?;
    let mut exit = Exit::Done;
    for id in ids {
        let case = loop {
            let (case, _) = log.case(id).await?;
            if is_settled(&case, decided) {
                break case;
            }
            tokio::time::sleep(PAUSE).await;
        };
        let outcome = case.outcome.as_ref().map_or("needs a person", Ending::word);
        session.output.say(&format!("{id}  {}  {outcome}: {}", case.state, case.last));
        if decided.is_some()
            && !matches!(case.outcome, Some(Ending::Effective | Ending::HandedOver))
        {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

fn is_settled(case: &Remediation, decided: Option<&PlanDigest>) -> bool {
    let same_plan = case.state == State::AwaitingApproval
        && decided.is_some()
        && case.plan.as_deref().map(|plan| &plan.digest) == decided;
    case.state == State::Closed || (case.needs_person() && !same_plan)
}
