//! `list`.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use crate::assemble::without_engine::now;
use crate::domain::remediation::State;
use crate::domain::report::Report;
use crate::domain::time::{Timestamp, countdown, seconds_between, spoken};
use crate::domain::workflow::left;
use crate::domain::workflow::tree::Counts;
use crate::engine::snapshot::{Row, Snapshot};

/// Remediations: open ones, those that need a person, and those of the last 24 h, in the order of the console.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Only those that need a person.
    #[arg(long)]
    pub needs_you: bool,
    /// Only those in this state: diagnosing, planning, awaiting_approval, blocked, running, …
    #[arg(long, value_name = "STATE", value_parser = state)]
    pub state: Option<State>,
}

fn state(word: &str) -> Result<State, String> {
    State::from_word(word).ok_or_else(|| {
        let words = State::ALL.iter().map(|state| state.word()).collect::<Vec<_>>();
        format!("one of {}", words.join(", "))
    })
}

impl List {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn run(&self, session: &Session) -> Outcome {
        session.wait(async {
            let log = session.log().await?;
            let snapshot = log.snapshot().await?;
            let rows = snapshot.rows.iter().filter(|row| self.wants(row)).collect::<Vec<_>>();
            if session.output.is_text() {
                head(session, &snapshot);
                for row in rows {
                    session.output.data(&line(row, &snapshot))?;
                }
                return Ok(Exit::Done);
            }
            let context = log.context(&snapshot).await?;
            let mut reports = Vec::with_capacity(rows.len());
            for row in rows {
                let (case, events) = log.case(&row.id).await?;
                reports.push(Report::of(&case, &events, &context));
            }
            session.output.list(&reports)?;
            Ok::<_, Failure>(Exit::Done)
        })
    }

    fn wants(&self, row: &Row) -> bool {
        (!self.needs_you || row.needs_person) && self.state.is_none_or(|state| state == row.state)
    }
}

fn head(session: &Session, snapshot: &Snapshot) {
    let simulated = if snapshot.simulated.is_some() { " (SIMULATED)" } else { "" };
    let stop = snapshot
        .stop
        .as_ref()
        .map_or_else(String::new, |stop| format!("; STOPPED by {}: {}", stop.by, stop.reason));
    session.output.say(&format!(
        "cluster {}{simulated}, log at event {}{stop}",
        snapshot.cluster, snapshot.seq
    ));
}

/// One line: `t4dx  awaiting_approval  high    payments/deploy/ledger-api  raise limit  9:58 left`.
fn line(row: &Row, snapshot: &Snapshot) -> String {
    let id = row.id.as_str();
    let short = id.get(..usize::from(row.short)).unwrap_or(id);
    let state = row.outcome.as_ref().map_or_else(
        || row.state.word().to_string(),
        |outcome| format!("closed:{}", outcome.word()),
    );
    let risk = row.plan.as_ref().map_or("-", |(_, risk)| risk.word());
    let plan = row.plan.as_ref().map_or("-", |(digest, _)| digest.short());
    let needs = if row.needs_person { "needs-you" } else { "-" };
    let moment = now();
    let when = match row.due {
        Some(due) if row.state != State::Closed => {
            format!("{} left", countdown(seconds_between(moment, due)))
        }
        Some(_) | None => format!("{} ago", spoken(seconds_between(row.updated_at, moment))),
    };
    format!(
        "{short:<5} {state:<19} {needs:<9} {risk:<8} {plan:<8} {}  {}{}  {when}\n",
        row.target,
        row.what,
        how_far(row, snapshot, moment)
    )
}

/// `, 3 of 6 steps, about 3:10 left, from 7 runs`, while it runs.
fn how_far(row: &Row, snapshot: &Snapshot, now: Timestamp) -> String {
    let Some(Counts { done, all }) = row.progress.filter(|_| row.state == State::Running) else {
        return String::new();
    };
    let left = snapshot
        .open
        .get(&row.id)
        .and_then(|case| left::of_case(case, &snapshot.history, now))
        .map_or_else(String::new, |left| format!(", {}", left.words()));
    format!(", {done} of {all} steps{left}")
}
