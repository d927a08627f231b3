//! `logs ID`: everything that was written about one remediation, and what its steps collected or their programs printed.

use super::exit::{Exit, Failure, Outcome};
use super::reading::Log;
use super::session::Session;
use crate::domain::event::{Event, Recorded};
use crate::domain::evidence::{Answer, Gathered};
use crate::domain::text::clean_lines;
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
    /// Only what was kept under this digest (or the start of it), byte for byte: a heap dump, a program's output.
    #[arg(long, value_name = "DIGEST", conflicts_with = "brief")]
    pub kept: Option<String>,
}

/// Most bytes of a program's output that are shown among the rest.
const SHOWN: usize = 64 * 1024;

/// What a step kept.
enum Kept {
    /// What it read.
    Gathered(Gathered),
    /// What its program printed.
    Printed(String),
    /// Bytes, so many.
    Bytes(usize),
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
            if let Some(wanted) = &self.kept {
                let mut digests = events.iter().filter_map(|recorded| digest(&recorded.event));
                let found = digests.rfind(|digest| digest.starts_with(wanted.as_str()));
                let none =
                    || Failure::new(Exit::NotFound, format!("nothing is kept under {wanted}"));
                let bytes = log.blob(found.ok_or_else(none)?).await?.ok_or_else(none)?;
                output.bytes(&bytes)?;
                return Ok(Exit::Done);
            }
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
                    output.data(&collected.as_ref().map(text_of).unwrap_or_default())?;
                } else {
                    items.push(json!({
                        "event": recorded.seq,
                        "at": rfc3339(recorded.at),
                        "by": recorded.by,
                        "cause": recorded.cause,
                        "kind": recorded.event.kind(),
                        "text": text,
                        "collected": collected.as_ref().map(json_of),
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

/// Where the event says that something is kept.
fn digest(event: &Event) -> Option<&str> {
    let Event::AttemptEnded { outcome, .. } = event else { return None };
    let (AttemptOutcome::Applied { note: words }
    | AttemptOutcome::Failed { why: words }
    | AttemptOutcome::NoAnswer { why: words }) = outcome
    else {
        return None;
    };
    words
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What a step kept, when the event says where.
async fn collected(log: &Log, recorded: &Recorded) -> Result<Option<Kept>, Failure> {
    let Some(digest) = digest(&recorded.event) else { return Ok(None) };
    let Some(bytes) = log.blob(digest).await? else { return Ok(None) };
    if let Ok(gathered) = serde_json::from_slice(&bytes) {
        return Ok(Some(Kept::Gathered(gathered)));
    }
    let printed = std::str::from_utf8(&bytes).ok().filter(|text| text.len() <= SHOWN);
    Ok(Some(match printed {
        Some(text) => Kept::Printed(clean_lines(text)),
        None => Kept::Bytes(bytes.len()),
    }))
}

fn json_of(kept: &Kept) -> serde_json::Value {
    match kept {
        Kept::Gathered(gathered) => json!(gathered),
        Kept::Printed(text) => json!({ "printed": text }),
        Kept::Bytes(bytes) => json!({ "bytes": bytes }),
    }
}

fn text_of(kept: &Kept) -> String {
    match kept {
        Kept::Gathered(gathered) => shown(gathered),
        Kept::Printed(text) => text.lines().flat_map(|line| ["    ", line, "\n"]).collect(),
        Kept::Bytes(bytes) => {
            format!("    {bytes} bytes: `logs ID --kept DIGEST` gives them out\n")
        }
    }
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
