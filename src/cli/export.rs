//! `export ID` and `export --since T`.

use super::exit::{Exit, Failure, Outcome};
use super::reading::Log;
use super::reports::{Document, Kind, Place, hand_out};
use super::session::Session;
use crate::assemble::without_engine::now;
use crate::domain::report::period::{CaseRow, Filter, Period, Sources};
use crate::domain::report::{Context, Report};
use crate::domain::time::{Timestamp, parse_duration};
use crate::export::schema::Schema;
use clap::ValueEnum as _;
use std::path::PathBuf;

/// Write reports: of one remediation, or of a period.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["id", "since", "schema"])))]
pub struct Export {
    /// Remediation: id or unique prefix.
    pub id: Option<String>,
    /// The period's start: a length of time (24h) or a moment (RFC 3339).
    #[arg(long, value_name = "T", value_parser = since)]
    pub since: Option<Since>,
    /// The period's end; without it, now.
    #[arg(long, value_name = "T", value_parser = since, requires = "since")]
    pub until: Option<Since>,
    /// Only remediations of what is in this namespace.
    #[arg(long, short = 'n', value_name = "NAME", requires = "since")]
    pub namespace: Option<String>,
    /// Only remediations with a plan of this template: NAME or NAME@VERSION.
    #[arg(long, value_name = "NAME", requires = "since")]
    pub template: Option<String>,
    /// Also write the report of each remediation of the period.
    #[arg(long, requires = "since")]
    pub each: bool,
    /// Print the JSON Schema (2020-12) of a report's JSON: remediation or period.
    #[arg(long, value_name = "NAME", value_parser = schema)]
    pub schema: Option<Schema>,
    /// Formats, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "json,md", value_name = "LIST")]
    pub format: Vec<Kind>,
    /// Directory, or `-` for stdout; without it report_export.base_directory.
    #[arg(long, value_name = "DIR")]
    pub to: Option<String>,
    /// Sign each file with this SSH key (a private key, or a public one whose private half is in the agent): NAME.sig
    /// beside it, for `ssh-keygen -Y verify -n pilothouse-report`.
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
}

fn schema(text: &str) -> Result<Schema, String> {
    let words = Schema::ALL.iter().map(|schema| schema.word()).collect::<Vec<_>>();
    let found = Schema::ALL.iter().copied().find(|schema| schema.word() == text);
    found.ok_or_else(|| format!("`{text}` is none of {}", words.join(", ")))
}

/// A moment, or so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Seconds ago.
    Ago(u64),
    /// Then.
    At(Timestamp),
}

impl Since {
    /// The moment that is meant.
    #[must_use]
    pub fn moment(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(seconds) => {
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                chrono::TimeDelta::try_seconds(seconds)
                    .and_then(|length| now.checked_sub_signed(length))
                    .unwrap_or(Timestamp::MIN_UTC)
            }
        }
    }
}

/// Reads a length of time or a moment.
///
/// # Errors
/// When it is neither.
pub fn since(text: &str) -> Result<Since, String> {
    if let Ok(seconds) = parse_duration(text) {
        return Ok(Since::Ago(seconds));
    }
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|at| Since::At(at.to_utc()))
        .map_err(|_| format!("`{text}` is neither a length of time (24h) nor RFC 3339"))
}

impl Export {
    /// Runs the verb.
    ///
    /// # Errors
    /// When there is nothing to report, or a file can't be written.
    pub fn run(&self, session: &Session) -> Outcome {
        if let Some(schema) = self.schema {
            session.output.data(schema.text())?;
            return Ok(Exit::Done);
        }
        if self.each && self.to.as_deref() == Some("-") {
            return Err(Failure::usage("--each writes many reports: name a directory with --to"));
        }
        let documents = session.wait(self.documents(session))?;
        let place = Place { to: self.to.clone(), sign: self.sign.clone() };
        hand_out(session, &documents, &self.format, &place)
    }

    async fn documents(&self, session: &Session) -> Result<Vec<Document>, Failure> {
        let log = session.log().await?;
        let made_at = now();
        let Some(since) = self.since else {
            let (case, events) = log.find(self.id.as_deref().unwrap_or_default()).await?;
            let snapshot = log.snapshot().await?;
            let record = snapshot.records.iter().rev().find(|record| record.id == case.id);
            let row = CaseRow::of(&case, record);
            let report = Report::of(&case, &events, &log.context(&snapshot).await?);
            return Ok(vec![Document::Remediation(Box::new(report), Box::new(row))]);
        };
        let since = since.moment(made_at);
        let until = self.until.map_or(made_at, |until| until.moment(made_at)).min(made_at);
        if since >= until {
            let why = format!("the period is empty: it starts at {since} and ends at {until}");
            return Err(Failure::usage(why));
        }
        let filter = Filter { namespace: self.namespace.clone(), template: self.template.clone() };
        let period = period(&log, (since, until), made_at, filter).await?;
        let mut documents = Vec::new();
        if self.each {
            let context = log.context(&log.snapshot().await?).await?;
            for row in &period.remediations {
                documents.push(one(&log, row.clone(), &context).await?);
            }
        }
        documents.insert(0, Document::Period(Box::new(period)));
        Ok(documents)
    }
}

async fn one(log: &Log, row: CaseRow, context: &Context) -> Result<Document, Failure> {
    let (case, events) = log.case(&row.id).await?;
    let report = Report::of(&case, &events, context);
    Ok(Document::Remediation(Box::new(report), Box::new(row)))
}

/// The report of a period.
///
/// # Errors
/// When the log can't be read.
pub async fn period(
    log: &Log,
    period: (Timestamp, Timestamp),
    made_at: Timestamp,
    filter: Filter,
) -> Result<Period, Failure> {
    let snapshot = log.snapshot_at(made_at).await?;
    let context = log.context(&snapshot).await?;
    let mut cases = Vec::new();
    for id in log.ids_within(period, snapshot.seq).await? {
        let (case, mut events) = log.case(&id).await?;
        if events.last().is_some_and(|last| last.at >= period.1) {
            // As it stood then.
            events.retain(|recorded| recorded.at < period.1);
            cases.extend(log.fold(&id, &events));
        } else {
            cases.push(case);
        }
    }
    Ok(Period::of(Sources {
        cluster: snapshot.cluster.clone(),
        cluster_uid: log.cluster(),
        simulated: context.simulated,
        period,
        made_at,
        filter,
        stop: snapshot.stop.as_ref().map(super::handover::stop_line),
        breakers: &snapshot.breakers,
        cases: &cases,
        records: &snapshot.records,
        head: context.head.unwrap_or_default(),
    }))
}

/// The reports of all cases of a simulated log and of all its time, in every format: name and text.
///
/// # Errors
/// When the log can't be read.
pub async fn every(
    log: &Log,
    until: Timestamp,
    simulated: String,
) -> Result<Vec<(String, String)>, Failure> {
    let mut context = log.context(&log.snapshot_at(until).await?).await?;
    context.simulated = Some(simulated.clone());
    let from = log.after(0, 1).await?.first().map_or(until, |first| first.at);
    let mut whole = period(log, (from, until), until, Filter::default()).await?;
    whole.simulated = Some(simulated);
    let mut documents = Vec::new();
    for row in &whole.remediations {
        documents.push(one(log, row.clone(), &context).await?);
    }
    documents.push(Document::Period(Box::new(whole)));
    let mut files = Vec::new();
    for document in &documents {
        for kind in Kind::value_variants() {
            let name = format!("{}.{}", document.name(), kind.ending());
            files.push((name, document.form(*kind)?));
        }
    }
    Ok(files)
}
