//! `watch [ID]`: one line per event.

use super::exit::{Exit, Failure, Outcome};
use super::reading::Log;
use super::session::Session;
use crate::domain::event::{Event, Recorded};
use crate::domain::id::RemediationId;
use crate::domain::remediation::Remediation;
use crate::domain::time::{parse_duration, rfc3339};
use crate::domain::timeline::sentence;
use crate::domain::workflow::execution::StepState;
use crate::domain::workflow::history::History;
use crate::domain::workflow::left;
use crate::domain::workflow::tree::{self, Counts};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Pause between two looks at the log.
const PAUSE: Duration = Duration::from_millis(250);
/// Events read at once.
const PAGE: u32 = 500;

/// Events as they happen: of one remediation from its beginning until it is closed, or of all from now on.
#[derive(Debug, clap::Args)]
pub struct Watch {
    /// Remediation: id or unique prefix; without it all.
    pub id: Option<String>,
    /// Give up after this long (30s, 5m, 2h), with exit code 7.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<u64>,
}

impl Watch {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the log can't be read, or the time is up.
    pub fn run(&self, session: &Session) -> Outcome {
        session.wait(async {
            let watching = self.watch(session);
            match self.timeout {
                None => watching.await,
                Some(seconds) => tokio::time::timeout(Duration::from_secs(seconds), watching)
                    .await
                    .unwrap_or_else(|_| {
                        let why = format!("it did not end within {seconds}s");
                        Err(Failure::new(Exit::TimedOut, why))
                    }),
            }
        })
    }

    async fn watch(&self, session: &Session) -> Outcome {
        let log = session.log().await?;
        let snapshot = log.snapshot().await?;
        let history = Arc::unwrap_or_clone(snapshot.history);
        let known = snapshot.seq;
        let mut view = View { log: &log, session, cases: BTreeMap::new(), history, known };
        let (only, mut seq) = match &self.id {
            None => (None, snapshot.seq),
            Some(prefix) => {
                let (case, events) = log.find(prefix).await?;
                let id = case.id.clone();
                let last = case.events.1;
                for recorded in &events {
                    if view.print(recorded).await? {
                        return Ok(Exit::Done);
                    }
                }
                (Some(id), last)
            }
        };
        loop {
            let events = log.after(seq, PAGE).await?;
            for recorded in &events {
                seq = recorded.seq;
                let wanted = only.is_none() || recorded.subject == only;
                if wanted && view.print(recorded).await? && only.is_some() {
                    return Ok(Exit::Done);
                }
            }
            if events.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

struct View<'a> {
    log: &'a Log,
    session: &'a Session,
    /// As they were after the event printed last: for the titles of steps, and how far they are.
    cases: BTreeMap<RemediationId, Remediation>,
    /// How long steps usually take.
    history: History,
    /// The last event that the history knows.
    known: u64,
}

impl View<'_> {
    /// Prints one event; whether it closed its remediation.
    async fn print(&mut self, recorded: &Recorded) -> Result<bool, Failure> {
        if let Some(id) = &recorded.subject {
            self.fold(id, recorded).await?;
        }
        let case = recorded.subject.as_ref().and_then(|id| self.cases.get(id));
        let text = sentence(&recorded.event, case) + &self.how_far(case, recorded);
        let output = self.session.output;
        if output.is_text() {
            let id = recorded.subject.as_ref().map_or("-", |id| id.as_str());
            let short = id.get(..4).unwrap_or(id);
            let at = recorded.at.format("%Y-%m-%dT%H:%M:%SZ");
            output.data(&format!("{at}  {short:<4}  {text}\n"))?;
        } else {
            let line = serde_json::json!({
                "schema": "pilothouse/v1",
                "event": recorded.seq,
                "at": rfc3339(recorded.at),
                "by": recorded.by,
                "kind": recorded.event.kind(),
                "remediation": recorded.subject,
                "text": text,
            });
            // A stream is one object a line, whatever was asked: a document would have no end.
            output.data(&format!("{line}\n"))?;
        }
        let closed = matches!(recorded.event, Event::Closed { .. });
        if let Some(id) = recorded.subject.as_ref().filter(|_| closed) {
            self.cases.remove(id);
        }
        Ok(closed)
    }

    /// Brings a case to where it was after this event.
    async fn fold(&mut self, id: &RemediationId, recorded: &Recorded) -> Result<(), Failure> {
        if let Some(case) = self.cases.get_mut(id) {
            case.apply(recorded);
        } else {
            let (_, mut events) = self.log.case(id).await?;
            events.retain(|earlier| earlier.seq <= recorded.seq);
            let Some(case) = self.log.fold(id, &events) else { return Ok(()) };
            self.cases.insert(id.clone(), case);
        }
        let Some(case) = self.cases.get(id) else { return Ok(()) };
        if let Event::StepChanged { path, state: StepState::Done, .. } = &recorded.event
            && recorded.seq > self.known
        {
            self.history.learn(case, path);
        }
        Ok(())
    }

    /// ` [3 of 6 steps; about 3:10 left, from 7 runs]` where a step ends.
    fn how_far(&self, case: Option<&Remediation>, recorded: &Recorded) -> String {
        let (Some(case), Event::StepChanged { path, state, .. }) = (case, &recorded.event) else {
            return String::new();
        };
        let leaf = case.planned_step(path).is_some_and(|step| !step.is_block());
        if !leaf || !state.is_final() {
            return String::new();
        }
        let Counts { done, all } = tree::progress(case);
        let left = left::of_case(case, &self.history, recorded.at);
        let left = left.map_or_else(String::new, |left| format!("; {}", left.words()));
        format!(" [{done} of {all} steps{left}]")
    }
}
