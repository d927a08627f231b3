//! `handover [--since T]`.

use super::exit::{Exit, Failure, Outcome};
use super::export::{Since, since};
use super::reading::Log;
use super::reports::{Document, Kind, Place, hand_out};
use super::session::Session;
use crate::assemble::without_engine::now;
use crate::domain::event::Recorded;
use crate::domain::report::handover::{Handover as Sheet, Sources, StopLine};
use crate::domain::time::{Timestamp, plus};
use crate::engine::snapshot::Stop;
use crate::export::handover;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Events that one read brings.
const PAGE: u32 = 2_000;
/// Events among which the caller's last deed is looked for.
const LOOK_BACK: u64 = 50_000;
/// Hours that are told of when the caller did nothing that is on record.
const HOURS: u64 = 12;

/// What happened, what waits, what is stopped, since you left.
#[derive(Debug, clap::Args)]
pub struct Handover {
    /// From when: a length of time (8h) or a moment (RFC 3339); without it since your own last command, or 12 h.
    #[arg(long, value_name = "T", value_parser = since)]
    pub since: Option<Since>,
    /// Formats, separated by commas: md, html, json; without it, lines for the terminal.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST")]
    pub format: Vec<Kind>,
    /// Directory for files; without it, stdout.
    #[arg(long, value_name = "DIR")]
    pub to: Option<String>,
    /// Sign each file with this SSH key, as `export` does.
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
}

/// A stop as reports tell it.
#[must_use]
pub fn stop_line(stop: &Stop) -> StopLine {
    StopLine { by: stop.by.clone(), reason: stop.reason.clone(), since: stop.since }
}

impl Handover {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn run(&self, session: &Session) -> Outcome {
        let sheet = session.wait(self.sheet(session))?;
        if !self.format.is_empty() || self.to.is_some() || self.sign.is_some() {
            let kinds = if self.format.is_empty() { vec![Kind::Md] } else { self.format.clone() };
            let to = self.to.clone().or_else(|| Some("-".into()));
            let place = Place { to, sign: self.sign.clone() };
            return hand_out(session, &[Document::Handover(Box::new(sheet))], &kinds, &place);
        }
        if session.output.is_text() {
            session.output.data(&handover::handover(&sheet))?;
        } else {
            session.output.document(&sheet)?;
        }
        Ok(Exit::Done)
    }

    async fn sheet(&self, session: &Session) -> Result<Sheet, Failure> {
        let log = session.log().await?;
        let snapshot = log.snapshot().await?;
        let until = now();
        let from = match self.since {
            Some(since) => (since.moment(until), "as asked".to_string()),
            None => left_at(session, &log, snapshot.seq, until).await?,
        };
        let events = events_since(&log, snapshot.seq, from.0).await?;
        let open = snapshot.rows.iter().filter(|row| row.outcome.is_none() || row.needs_person);
        let mut ids = open.map(|row| row.id.clone()).collect::<BTreeSet<_>>();
        ids.extend(events.iter().filter_map(|recorded| recorded.subject.clone()));
        let mut cases = Vec::with_capacity(ids.len());
        for id in &ids {
            cases.push(log.case(id).await?.0);
        }
        Ok(Sheet::of(Sources {
            cluster: snapshot.cluster.clone(),
            simulated: snapshot.simulated.clone(),
            since: from,
            until,
            stop: snapshot.stop.as_ref().map(stop_line),
            breakers: &snapshot.breakers,
            history: &snapshot.history,
            cases: &cases,
            events: &events,
        }))
    }
}

/// When the caller last did something, as the log has it.
async fn left_at(
    session: &Session,
    log: &Log,
    head: u64,
    until: Timestamp,
) -> Result<(Timestamp, String), Failure> {
    let user = super::caller::person(None, crate::domain::principal::Transport::Socket).os_user;
    let is_callers = |recorded: &Recorded| {
        recorded.by == user || recorded.by.strip_prefix(&user).is_some_and(|r| r.starts_with(' '))
    };
    let mut to = head;
    while to > 0 && head - to < LOOK_BACK {
        let from = to.saturating_sub(u64::from(PAGE));
        let page = log.after(from, PAGE).await?;
        let last = page.iter().rev().find(|recorded| recorded.seq <= to && is_callers(recorded));
        if let Some(last) = last {
            return Ok((last.at, format!("the last command of {user}")));
        }
        to = from;
    }
    session.output.say(&format!("{user} did nothing that is on record; the last {HOURS} h"));
    let from = until - (plus(until, HOURS * 3_600) - until);
    Ok((from, format!("the last {HOURS} h")))
}

/// All events since a moment.
async fn events_since(log: &Log, head: u64, from: Timestamp) -> Result<Vec<Recorded>, Failure> {
    let mut events = Vec::new();
    let mut after = log.position_at(from, head).await?;
    loop {
        let page = log.after(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(events) };
        after = last.seq;
        events.extend(page);
    }
}
