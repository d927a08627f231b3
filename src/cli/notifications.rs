//! `notifications list|retry|test`.
//!
//! Looking reads the log, so it works without an engine. `retry` goes through the engine, which sends. `test` sends by
//! itself, over a channel of the settings, and leaves nothing in the log.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use crate::assemble::notify;
use crate::domain::notify::{ChannelName, ChannelShown, Shown};
use crate::domain::time::rfc3339;
use crate::engine::command::Command;
use serde_json::json;

/// Channels over which people are told: what waits, what could not be told, and a test.
#[derive(Debug, clap::Args)]
pub struct Notifications {
    /// What to do; nothing: list.
    #[command(subcommand)]
    pub what: Option<What>,
}

/// What to do with notifications.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Each channel with what waits for it and what came of the last try, and all dead letters.
    List,
    /// Have dead letters tried again: of a channel, or one by its number, or all.
    Retry {
        /// Name of a channel, number of a notice, or `all`.
        what: String,
        /// With a number: only over this channel.
        #[arg(long, value_name = "NAME")]
        channel: Option<String>,
    },
    /// Send a test over a channel and say what came back.
    Test {
        /// Name of the channel.
        name: String,
    },
}

impl Notifications {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the log can't be read, no engine answers or it refuses, or a test was not taken (exit code 6).
    pub fn run(&self, session: &Session) -> Outcome {
        match self.what.as_ref().unwrap_or(&What::List) {
            What::List => list(session),
            What::Retry { what, channel } => {
                let command = again(what, channel.as_deref())?;
                session.wait(session.command(&command))
            }
            What::Test { name } => test(session, name),
        }
    }
}

fn named(name: &str) -> Result<ChannelName, Failure> {
    ChannelName::parse(name).map_err(Failure::usage)
}

fn again(what: &str, channel: Option<&str>) -> Result<Command, Failure> {
    let channel = channel.map(named).transpose()?;
    match (what, what.parse::<u64>()) {
        ("all", _) => Ok(Command::TellAgain { channel, notice: None }),
        (_, Ok(number)) => Ok(Command::TellAgain { channel, notice: Some(number) }),
        (name, Err(_)) => Ok(Command::TellAgain { channel: Some(named(name)?), notice: None }),
    }
}

/// What the log says, with the channels of the settings that it does not know yet.
fn whole(session: &Session, shown: &Shown) -> Shown {
    let mut shown = shown.clone();
    let rules = &session.settings().notify.routes.channels;
    for one in &mut shown.channels {
        one.kind = rules.get(&one.channel).map(|rules| rules.kind);
    }
    let unknown = rules.iter().filter(|(name, _)| shown.channel(**name).is_none());
    let unknown = unknown.map(|(name, rules)| ChannelShown {
        channel: *name,
        kind: Some(rules.kind),
        waiting: 0,
        next_at: None,
        dead: 0,
        told: 0,
        failed: 0,
        last_at: None,
        last: String::new(),
    });
    let unknown = unknown.collect::<Vec<_>>();
    shown.channels.extend(unknown);
    shown.channels.sort_by_key(|one| one.channel);
    shown
}

fn list(session: &Session) -> Outcome {
    session.wait(async {
        let snapshot = session.log().await?.snapshot().await?;
        let shown = whole(session, &snapshot.telling);
        if !session.output.is_text() {
            session.output.document(&shown)?;
            return Ok(Exit::Done);
        }
        for one in &shown.channels {
            session.output.data(&format!("{}\n", line(one)))?;
        }
        for one in &shown.dead {
            session.output.data(&format!(
                "dead letter {} for {}, {}, given up {} after {} tries: {}\n  {}\n",
                one.notice,
                one.channel,
                rfc3339(one.at),
                rfc3339(one.given_up_at),
                one.tries,
                one.why,
                one.title
            ))?;
        }
        if shown.channels.is_empty() {
            session.output.say("no channels: notify.file names none, and the log knows none");
        }
        Ok::<_, Failure>(Exit::Done)
    })
}

fn line(one: &ChannelShown) -> String {
    let kind = one.kind.map_or("not set", |kind| kind.word());
    let last = match one.last_at {
        Some(at) => format!("last {}: {}", rfc3339(at), one.last),
        None => "never tried".into(),
    };
    format!(
        "{:<20} {kind:<8} {} waiting, {} dead, {} told; {last}",
        one.channel, one.waiting, one.dead, one.told
    )
}

fn test(session: &Session, name: &str) -> Outcome {
    let wanted = named(name)?;
    let channels = &session.settings().notify.channels;
    let Some(channel) = channels.iter().find(|one| one.name == wanted) else {
        let all = channels.iter().map(|one| one.name.to_string()).collect::<Vec<_>>().join(", ");
        let why = if all.is_empty() {
            format!("there is no channel `{name}`: notify.file names none")
        } else {
            format!("there is no channel `{name}`: {all}")
        };
        return Err(Failure::new(Exit::NotFound, why));
    };
    match session.wait(notify::test(session.settings(), channel)) {
        Ok(answer) if session.output.is_text() => {
            session.output.data(&format!("{name} took it: {answer}\n"))?;
            Ok(Exit::Done)
        }
        Ok(answer) => {
            session.output.document(&json!({ "channel": name, "ok": true, "answer": answer }))?;
            Ok(Exit::Done)
        }
        Err(why) => Err(Failure::unavailable(format!("{name} did not take it: {why}"))),
    }
}
