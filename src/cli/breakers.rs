//! `breakers list|show NAME|force-open NAME|disable NAME|reset NAME`.
//!
//! Looking reads the log, so it works without an engine; setting goes through the engine, which checks who may.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use crate::assemble::without_engine::now;
use crate::domain::breaker::{Declaration, Destination, Setting, View};
use crate::domain::event::{Event, Recorded};
use crate::domain::time::{Timestamp, countdown, parse_duration, plus, rfc3339, seconds_between};
use crate::domain::timeline::sentence;
use crate::engine::command::Command;
use crate::engine::snapshot::Snapshot;
use serde::Serialize;

/// Events that are looked through for the history of one breaker.
const LOOK_BACK: u64 = 20_000;
/// Events that one read brings.
const PAGE: u32 = 2_000;
/// Lines of history.
const HISTORY: usize = 20;

/// Circuit breakers in front of the cluster, the store, Prometheus, Alertmanager and each channel.
#[derive(Debug, clap::Args)]
pub struct Breakers {
    /// What to do; nothing: list them.
    #[command(subcommand)]
    pub what: Option<What>,
}

/// What to do with breakers.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// All of them, those that are not closed first, with what happens instead.
    List,
    /// One: what counts, what its failure means for running and waiting work, its history.
    Show {
        /// cluster, store, prometheus, alertmanager, or notify.NAME of a channel.
        name: String,
    },
    /// Hold it open: nothing is asked of the destination until `reset`.
    ForceOpen(Set),
    /// Take it out of the way: everything is asked, whatever becomes of it, until `reset`.
    Disable(Set),
    /// Take back what was set: it opens and closes by itself again.
    Reset {
        /// cluster, store, prometheus, alertmanager, or notify.NAME of a channel.
        name: String,
        /// Why. It is in the log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// What is set, why and for how long.
#[derive(Debug, clap::Args)]
pub struct Set {
    /// cluster, store, prometheus, alertmanager, or notify.NAME of a channel.
    pub name: String,
    /// Why. It is in the log.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// For how long: 30m, 2h. Else until `reset`.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub lasts: Option<u64>,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    declaration: Declaration,
    history: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    event: u64,
    at: Timestamp,
    text: String,
}

impl Breakers {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the log can't be read, no engine answers, or it refuses.
    pub fn run(&self, session: &Session) -> Outcome {
        match self.what.as_ref().unwrap_or(&What::List) {
            What::List => list(session),
            What::Show { name } => show(session, named(name)?),
            What::ForceOpen(set) => send(session, set, Setting::ForcedOpen),
            What::Disable(set) => send(session, set, Setting::Disabled),
            What::Reset { name, reason } => {
                let set = Set { name: name.clone(), reason: reason.clone(), lasts: None };
                send(session, &set, Setting::Automatic)
            }
        }
    }
}

fn named(name: &str) -> Result<Destination, Failure> {
    Destination::named(name).map_err(|why| Failure::new(Exit::NotFound, why))
}

fn send(session: &Session, set: &Set, setting: Setting) -> Outcome {
    let destination = named(&set.name)?;
    let reason = set.reason.trim().to_string();
    if reason.is_empty() {
        return Err(Failure::usage("--reason must say why"));
    }
    let until = set.lasts.map(|seconds| plus(now(), seconds));
    session.wait(session.command(&Command::Breaker { destination, setting, reason, until }))
}

/// Breakers as the log has them, with the limits of the settings.
fn views(session: &Session, snapshot: &Snapshot) -> Vec<View> {
    let limits = |view: &View| session.settings().breaker(view.destination);
    snapshot.breakers.iter().map(|view| View { limits: limits(view), ..view.clone() }).collect()
}

fn list(session: &Session) -> Outcome {
    session.wait(async {
        let snapshot = session.log().await?.snapshot().await?;
        let views = views(session, &snapshot);
        if !session.output.is_text() {
            let all = views.iter().map(View::declaration).collect::<Vec<_>>();
            session.output.list(&all)?;
            return Ok(Exit::Done);
        }
        for view in &views {
            for line in lines(view) {
                session.output.data(&format!("{line}\n"))?;
            }
        }
        session
            .output
            .say("as the log has it; calls are counted in the engine: see its console or /metrics");
        Ok::<_, Failure>(Exit::Done)
    })
}

/// One breaker: a line, and while it is not closed what happens instead.
fn lines(view: &View) -> Vec<String> {
    let moment = now();
    let ago = countdown(seconds_between(view.since, moment));
    let mut out = vec![format!(
        "{:<13} {:<10} since {} ({ago})  {}",
        view.destination,
        view.state.word(),
        rfc3339(view.since),
        view.cause
    )];
    if let Some(until) = view.until {
        out.push(format!("{:<13} next probe in {}", "", countdown(seconds_between(moment, until))));
    }
    if let Some(until) = view.forced.as_ref().and_then(|forced| forced.until) {
        out.push(format!("{:<13} until {}", "", rfc3339(until)));
    }
    if !view.state.passes() {
        out.push(format!("{:<13} instead: {}", "", view.destination.declared().instead));
    }
    out
}

fn show(session: &Session, destination: Destination) -> Outcome {
    session.wait(async {
        let log = session.log().await?;
        let snapshot = log.snapshot().await?;
        let views = views(session, &snapshot);
        let Some(view) = views.iter().find(|view| view.destination == destination) else {
            return Err(Failure::new(Exit::NotFound, format!("{destination} is not configured")));
        };
        let mut history = Vec::new();
        let mut after = snapshot.seq.saturating_sub(LOOK_BACK);
        loop {
            let page = log.after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            history.extend(page.iter().filter(|one| is_about(one, destination)).map(|one| Line {
                event: one.seq,
                at: one.at,
                text: sentence(&one.event, None),
            }));
        }
        history.drain(..history.len().saturating_sub(HISTORY));
        if !session.output.is_text() {
            session.output.document(&Shown { declaration: view.declaration(), history })?;
            return Ok(Exit::Done);
        }
        let declared = destination.declared();
        for line in lines(view) {
            session.output.data(&format!("{line}\n"))?;
        }
        let limits = view.limits.describe();
        for (label, text) in [
            ("opens", limits.trim_start_matches("opens ")),
            ("down is", declared.down),
            ("no is not", declared.answers),
            ("running", declared.running),
            ("waiting", declared.waiting),
            ("instead", declared.instead),
        ] {
            session.output.data(&format!("  {label:<11} {text}\n"))?;
        }
        for line in &history {
            session.output.data(&format!("  {} {}\n", rfc3339(line.at), line.text))?;
        }
        Ok(Exit::Done)
    })
}

fn is_about(recorded: &Recorded, of: Destination) -> bool {
    match &recorded.event {
        Event::BreakerMoved(one) => one.destination == of,
        Event::BreakerSet { destination, .. } => *destination == of,
        _ => false,
    }
}
