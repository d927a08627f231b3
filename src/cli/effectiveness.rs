//! `effectiveness [--by WHAT] [--since T] [--group NAME]`.

use super::exit::{Exit, Failure, Outcome};
use super::export::{Since, since};
use super::session::Session;
use crate::assemble::without_engine::now;
use crate::domain::effectiveness::{Assessment, By, Record, assess};
use crate::export::effectiveness;

/// How well remediations worked: rates with intervals, against those left alone.
#[derive(Debug, clap::Args)]
pub struct Effectiveness {
    /// What is grouped by: template, pattern, cause, action or namespace.
    #[arg(long, value_name = "WHAT", default_value = "template", value_parser = by)]
    pub by: By,
    /// Cases that ended since then: a length of time (8w, 30d) or a moment (RFC 3339); without it all.
    #[arg(long, value_name = "T", value_parser = since)]
    pub since: Option<Since>,
    /// Only cases in this namespace.
    #[arg(long, short = 'n', value_name = "NAME")]
    pub namespace: Option<String>,
    /// One group, with all its figures and the remediations that they are made of.
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
}

fn by(text: &str) -> Result<By, String> {
    let words = By::ALL.iter().map(|by| by.word()).collect::<Vec<_>>();
    By::from_word(text).ok_or_else(|| format!("`{text}` is none of {}", words.join(", ")))
}

impl Effectiveness {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the log can't be read, or there is no such group.
    pub fn run(&self, session: &Session) -> Outcome {
        let (cluster, simulated, assessment) = session.wait(self.assessment(session))?;
        if let Some(name) = &self.group {
            let group = assessment.groups.iter().find(|group| group.key == *name);
            let group = group.ok_or_else(|| no_group(name, &assessment))?;
            if session.output.is_text() {
                session.output.data(&effectiveness::group(group, &assessment))?;
            } else {
                session.output.document(group)?;
            }
        } else if session.output.is_text() {
            session.output.data(&effectiveness::table(&cluster, simulated, &assessment))?;
        } else {
            session.output.document(&serde_json::json!({
                "cluster": cluster,
                "simulated": simulated,
                "assessment": assessment,
            }))?;
        }
        Ok(Exit::Done)
    }

    async fn assessment(&self, session: &Session) -> Result<(String, bool, Assessment), Failure> {
        let snapshot = session.log().await?.snapshot().await?;
        let until = now();
        let since = self.since.map(|since| since.moment(until));
        let fits = |record: &Record| {
            self.namespace.as_ref().is_none_or(|wanted| {
                record.target.as_ref().is_some_and(|target| target.namespace == *wanted)
            })
        };
        let assessment = assess(&snapshot.records, self.by, since, until, fits);
        Ok((snapshot.cluster, snapshot.simulated.is_some(), assessment))
    }
}

fn no_group(name: &str, assessment: &Assessment) -> Failure {
    let known = assessment.groups.iter().map(|group| group.key.as_str()).collect::<Vec<_>>();
    let by = assessment.by;
    let why = if known.is_empty() {
        format!("there is no {by} `{name}` in these records: there are no records")
    } else {
        format!("there is no {by} `{name}` in these records; there are: {}", known.join(", "))
    };
    Failure::new(Exit::NotFound, why)
}
