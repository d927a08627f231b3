//! `export ID` and `export --since T`.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use crate::assemble::without_engine::{now, write_report};
use crate::domain::report::Report;
use crate::domain::time::{Timestamp, parse_duration};
use crate::export::{json, markdown};
use std::path::PathBuf;

/// Report formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// JSON, `pilothouse/v1`.
    Json,
    /// Markdown.
    Md,
}

impl Kind {
    fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Md => "md",
        }
    }
}

/// Write reports: of one remediation, or of all that changed since a time.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["id", "since"])))]
pub struct Export {
    /// Remediation: id or unique prefix.
    pub id: Option<String>,
    /// All that changed since then: a length of time (24h) or a moment (RFC 3339). At most the last 24 h of closed
    /// ones, and all open ones.
    #[arg(long, value_name = "T", value_parser = since)]
    pub since: Option<Since>,
    /// Formats, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "json,md", value_name = "LIST")]
    pub format: Vec<Kind>,
    /// Directory, or `-` for stdout; without it report_export.base_directory.
    #[arg(long, value_name = "DIR")]
    pub to: Option<String>,
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
        let reports = session.wait(self.reports(session))?;
        if self.to.as_deref() == Some("-") {
            return self.print(session, &reports);
        }
        let directory = self.to.as_ref().map(PathBuf::from);
        let mut written = Vec::new();
        for report in &reports {
            for kind in &self.format {
                let name = format!("{}.{}", report.id, kind.ending());
                let text = one(report, *kind)?;
                let settings = session.settings();
                let path = write_report(settings, directory.as_deref(), &name, text.as_bytes())
                    .map_err(|why| Failure::new(Exit::Failed, why))?;
                if session.output.is_text() {
                    session.output.data(&format!("{}\n", path.display()))?;
                }
                written.push(serde_json::json!({
                    "id": report.id,
                    "format": kind.ending(),
                    "path": path,
                }));
            }
        }
        if !session.output.is_text() {
            session.output.list(&written)?;
        }
        Ok(Exit::Done)
    }

    async fn reports(&self, session: &Session) -> Result<Vec<Report>, Failure> {
        let log = session.log().await?;
        if let Some(id) = &self.id {
            return Ok(vec![log.report(id).await?]);
        }
        let from = self.since.map_or(Timestamp::MIN_UTC, |since| since.moment(now()));
        let snapshot = log.snapshot().await?;
        let context = log.context(&snapshot).await?;
        let mut reports = Vec::new();
        for row in snapshot.rows.iter().filter(|row| row.updated_at >= from) {
            let (case, events) = log.case(&row.id).await?;
            reports.push(Report::of(&case, &events, &context));
        }
        Ok(reports)
    }

    fn print(&self, session: &Session, reports: &[Report]) -> Outcome {
        for kind in &self.format {
            let text = match (kind, self.id.is_some(), reports) {
                (Kind::Json, true, [report]) => one(report, Kind::Json)?,
                (Kind::Json, _, reports) => json::list(reports).map_err(|error| no_form(&error))?,
                (Kind::Md, _, reports) => {
                    reports.iter().map(markdown::report).collect::<Vec<_>>().join("\n---\n\n")
                }
            };
            session.output.data(&text)?;
        }
        Ok(Exit::Done)
    }
}

fn one(report: &Report, kind: Kind) -> Result<String, Failure> {
    match kind {
        Kind::Json => json::report(report).map_err(|error| no_form(&error)),
        Kind::Md => Ok(markdown::report(report)),
    }
}

fn no_form(error: &serde_json::Error) -> Failure {
    Failure::new(Exit::Failed, format!("a report has no JSON form: {error}"))
}
