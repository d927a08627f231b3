//! `record ID`: a test case out of a real remediation.

use super::exit::{Exit, Failure, Outcome};
use super::reading::Log;
use super::session::Session;
use super::templates::loaded;
use crate::domain::diagnosis::{Diagnosis, Disposition};
use crate::domain::event::{Event, Recorded};
use crate::domain::evidence::Gathered;
use crate::domain::recorded::{Incident, RecordedCase, differences, make, replay};
use crate::domain::remediation::Remediation;
use crate::domain::workflow::plan::Plan;
use std::io::Write as _;
use std::path::PathBuf;

/// Make a test case out of a remediation: what was read, its alerts, the diagnosis and plan that came of it, without
/// secrets.
#[derive(Debug, clap::Args)]
pub struct Record {
    /// Remediation: id or unique prefix.
    pub id: String,
    /// File to write, which must not exist yet; without it the case goes to stdout.
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

impl Record {
    /// Runs the verb.
    ///
    /// # Errors
    /// When there is none, it was not diagnosed yet, or what was read for it is not kept any more.
    pub fn run(&self, session: &Session) -> Outcome {
        let case = session.wait(self.case(session))?;
        let text = serde_json::to_string_pretty(&case)
            .map_err(|error| Failure::new(Exit::Failed, format!("no JSON form: {error}")))?;
        self.write(session, &(text + "\n"))?;
        // Without its secrets, or with newer templates, it may come out otherwise: better said now than found later.
        let wrong = match replay(&case, &loaded(session)?) {
            Ok(replayed) => differences(&case.expected, &replayed),
            Err(why) => vec![format!("no diagnosis: {why}")],
        };
        for line in wrong.iter().flat_map(|text| text.lines()) {
            session.output.say(&format!("    {line}"));
        }
        let said = match wrong.as_slice() {
            [] => "`templates test` finds it as it must be",
            [..] => {
                "it does not come out as it did: see above, and correct `expected` or the answers"
            }
        };
        session.output.say(&format!("recorded; {said}. Read it before you give it away"));
        Ok(Exit::Done)
    }

    fn write(&self, session: &Session, text: &str) -> Result<(), Failure> {
        let Some(path) = &self.to else { return session.output.data(text) };
        let wrong = |error: std::io::Error| {
            let exit = match error.kind() {
                std::io::ErrorKind::AlreadyExists => Exit::Usage,
                _ => Exit::Failed,
            };
            Failure::new(exit, format!("{}: {error}", path.display()))
        };
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(wrong)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)
    }

    async fn case(&self, session: &Session) -> Result<RecordedCase, Failure> {
        let log = session.log().await?;
        let (case, events) = log.find(&self.id).await?;
        let Some((before, diagnosis, after)) = diagnosed(&events) else {
            let why = format!("{} was not diagnosed yet: there is nothing to record", case.id);
            return Err(Failure::new(Exit::Refused, why));
        };
        let first = kept(&log, diagnosis.reads.as_deref()).await?;
        let Some(first) = first else {
            let why = format!(
                "what was read for {} is not kept any more (only the newest few hundred readings are)",
                case.id
            );
            return Err(Failure::new(Exit::NotFound, why));
        };
        let plan = planned(after);
        let second = match plan {
            Some(Ok(plan)) => kept(&log, plan.reads.as_deref()).await?,
            Some(Err(_)) | None => None,
        };
        let at_that_time = log.fold(&case.id, before);
        let alerts = at_that_time.as_ref().unwrap_or(&case).alerts.values().cloned().collect();
        let asked = diagnosis.disposition == Disposition::Remediate;
        Ok(make(Incident {
            origin: origin(&case),
            alerts,
            diagnosis,
            plan: plan.filter(|_| asked),
            gathered: std::iter::once(first).chain(second).collect(),
        }))
    }
}

fn origin(case: &Remediation) -> String {
    format!("remediation {} of cluster {}", case.id, case.cluster)
}

type Split<'a> = (&'a [Recorded], &'a Diagnosis, &'a [Recorded]);

/// The newest diagnosis, with what happened before and after it.
fn diagnosed(events: &[Recorded]) -> Option<Split<'_>> {
    events.iter().enumerate().rev().find_map(|(at, recorded)| match &recorded.event {
        Event::Diagnosed { diagnosis } => {
            Some((events.get(..at)?, diagnosis, events.get(at + 1..)?))
        }
        _ => None,
    })
}

/// The first plan that was made of it, or why none could be.
fn planned(after: &[Recorded]) -> Option<Result<&Plan, String>> {
    after.iter().find_map(|recorded| match &recorded.event {
        Event::Planned { plan } => Some(Ok(plan.as_ref())),
        Event::Stuck { why, retry_at: None, .. } => Some(Err(why.clone())),
        _ => None,
    })
}

async fn kept(log: &Log, digest: Option<&str>) -> Result<Option<Gathered>, Failure> {
    let Some(digest) = digest else { return Ok(None) };
    let Some(bytes) = log.reads(digest).await? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        Failure::new(Exit::Failed, format!("what was read is unreadable now: {error}"))
    })
}
