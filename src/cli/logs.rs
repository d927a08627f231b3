//! `logs ID`: everything that was written about one remediation, and what its steps collected.

use super::exit::{Exit, Failure, Outcome};
use super::reading::Log;
use super::session::Session;
use crate::domain::event::{Event, Recorded};
use crate::domain::evidence::{Answer, Gathered};
use crate::domain::time::rfc3339;
use crate::domain::timeline::sentence;
use crate::domain::workflow::execution::AttemptOutcome;
use serde_json::json;

/// All that was written about one remediation, and what its steps collected.
#[derive(Debug, clap::Args)]
pub struct Logs {
    /// Remediation: id or unique prefix.
    pub id: String,
    /// Only what is written about it, without what was collected.
    #[arg(long)]
    pub brief: bool,
}

impl Logs {
    /// Runs the verb.
    ///
    /// # Errors
    /// When there is none, or it can't be read.
    pub fn run(&self, session: &Session) -> Outcome {
        session.wait(async {
            let log = session.log().await?;
            let (case, events) = log.find(&self.id).await?;
            let output = session.output;
            let mut items = Vec::new();
            for recorded in &events {
                let text = sentence(&recorded.event, Some(&case));
                let collected = if self.brief { None } else { collected(&log, recorded).await? };
                if output.is_text() {
                    let cause = if recorded.cause.is_empty() {
                        String::new()
                    } else {
                        format!("  <- {}", recorded.cause)
                    };
                    let at = rfc3339(recorded.at);
                    output.data(&format!("{at}  event {}  {text}{cause}\n", recorded.seq))?;
                    output.data(&collected.as_ref().map(shown).unwrap_or_default())?;
                } else {
                    items.push(json!({
                        "event": recorded.seq,
                        "at": rfc3339(recorded.at),
                        "by": recorded.by,
                        "cause": recorded.cause,
                        "kind": recorded.event.kind(),
                        "text": text,
                        "collected": collected,
                    }));
                }
            }
            if !output.is_text() {
                output.list(&items)?;
            }
            Ok::<_, Failure>(Exit::Done)
        })
    }
}

/// What a step collected, when the event says where it is kept.
async fn collected(log: &Log, recorded: &Recorded) -> Result<Option<Gathered>, Failure> {
    let Event::AttemptEnded { outcome: AttemptOutcome::Applied { note }, .. } = &recorded.event
    else {
        return Ok(None);
    };
    let is_digest =
        |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(digest) = note.split(' ').find(is_digest) else { return Ok(None) };
    let Some(bytes) = log.blob(digest).await? else { return Ok(None) };
    Ok(serde_json::from_slice(&bytes).ok())
}

fn shown(gathered: &Gathered) -> String {
    let mut out = String::new();
    for (read, answer) in &gathered.answers {
        let read = serde_json::to_string(read).unwrap_or_default();
        out.push_str("    -- ");
        out.push_str(&read);
        out.push('\n');
        let text = match answer {
            Answer::Text(text) => text.clone(),
            Answer::NotFound => "does not exist".into(),
            Answer::NotPermitted(why) => format!("not permitted: {why}"),
            Answer::Unavailable(why) => format!("unavailable: {why}"),
            Answer::Object(_) | Answer::Items { .. } | Answer::Series(_) | Answer::Alerts(_) => {
                serde_json::to_string_pretty(answer).unwrap_or_default()
            }
        };
        for line in text.lines() {
            out.push_str("    ");
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
