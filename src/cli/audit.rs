//! `audit verify` and `audit show`.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use crate::domain::text::redact_value;
use crate::domain::time::rfc3339;
use crate::domain::timeline::sentence;
use serde_json::json;

/// Events read at once.
const PAGE: u32 = 1_000;

/// The event log.
#[derive(Debug, clap::Args)]
pub struct Audit {
    /// What to do with it.
    #[command(subcommand)]
    pub what: What,
}

/// What to do with the log.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Check the hash chain from the first event to the head. Exit code 1 when it is broken.
    Verify,
    /// Print events.
    Show {
        /// Only those after this position.
        #[arg(long, default_value_t = 0, value_name = "EVENT")]
        after: u64,
        /// At most so many.
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
    },
}

impl Audit {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the log can't be read, or its chain is broken.
    pub fn run(&self, session: &Session) -> Outcome {
        match &self.what {
            What::Verify => verify(session),
            What::Show { after, limit } => {
                session.wait(show(session, *after, limit.unwrap_or(u64::MAX)))
            }
        }
    }
}

fn verify(session: &Session) -> Outcome {
    let found = session.wait(async { session.log().await?.audit().await })?;
    let output = session.output;
    if !output.is_text() {
        output.document(&json!({
            "ok": found.broken.is_none(),
            "events": found.events,
            "head": found.head,
            "broken": found.broken,
        }))?;
    }
    if let Some(why) = found.broken {
        let why = format!("the chain is broken after event {}: {why}", found.events);
        return Err(Failure::new(Exit::Failed, why));
    }
    if output.is_text() {
        let (events, head) = (found.events, &found.head);
        output.data(&format!("chain whole: {events} events, head {head}\n"))?;
    }
    Ok(Exit::Done)
}

async fn show(session: &Session, after: u64, limit: u64) -> Outcome {
    let log = session.log().await?;
    let (mut seq, mut left) = (after, limit);
    let mut items = Vec::new();
    while left > 0 {
        let page = log.after(seq, PAGE.min(u32::try_from(left).unwrap_or(PAGE))).await?;
        let Some(last) = page.last() else { break };
        seq = last.seq;
        left -= page.len() as u64;
        for recorded in &page {
            let text = sentence(&recorded.event, None);
            if session.output.is_text() {
                let id = recorded.subject.as_ref().map_or("-", |id| id.as_str());
                let line = format!(
                    "{:>8}  {}  {:<16}  {text}  [{}]\n",
                    recorded.seq,
                    rfc3339(recorded.at),
                    id,
                    recorded.by
                );
                session.output.data(&line)?;
            } else {
                let event = serde_json::to_value(&recorded.event).ok();
                let mut payload = event.and_then(|event| event.get("payload").cloned());
                payload.as_mut().map(redact_value);
                items.push(json!({
                    "event": recorded.seq,
                    "at": rfc3339(recorded.at),
                    "by": recorded.by,
                    "cause": recorded.cause,
                    "remediation": recorded.subject,
                    "kind": recorded.event.kind(),
                    "payload": payload,
                    "text": text,
                }));
            }
        }
    }
    if !session.output.is_text() {
        session.output.list(&items)?;
    }
    Ok(Exit::Done)
}
