//! Reports as files and on stdout: formats, names, signatures.

use super::exit::{Exit, Failure, Outcome};
use super::session::Session;
use crate::assemble::without_engine::{sign_report, write_report};
use crate::domain::report::Report;
use crate::domain::report::handover::Handover;
use crate::domain::report::period::{CaseRow, Period};
use crate::domain::time::Timestamp;
use crate::export::{csv, html, json, markdown};
use std::path::{Path, PathBuf};

/// Report formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// JSON, `pilothouse/v1`.
    Json,
    /// Markdown.
    Md,
    /// HTML in one file, with charts, for screens and paper.
    Html,
    /// CSV, a row for each remediation.
    Csv,
}

impl Kind {
    /// How names of its files end.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Md => "md",
            Self::Html => "html",
            Self::Csv => "csv",
        }
    }
}

/// Something that has forms.
pub enum Document {
    /// One remediation, and its row.
    Remediation(Box<Report>, Box<CaseRow>),
    /// A period.
    Period(Box<Period>),
    /// A handover.
    Handover(Box<Handover>),
}

impl Document {
    /// The name of its files, without the ending.
    #[must_use]
    pub fn name(&self) -> String {
        let plain = |at: Timestamp| at.format("%Y%m%dT%H%M%SZ").to_string();
        match self {
            Self::Remediation(report, _) => report.id.to_string(),
            Self::Period(period) => {
                format!("period-{}-{}", plain(period.since), plain(period.until))
            }
            Self::Handover(handover) => format!("handover-{}", plain(handover.until)),
        }
    }

    /// It in a format.
    ///
    /// # Errors
    /// When it has no such form.
    pub fn form(&self, kind: Kind) -> Result<String, Failure> {
        let no_form = |error: serde_json::Error| {
            Failure::new(Exit::Failed, format!("a report has no JSON form: {error}"))
        };
        match (self, kind) {
            (Self::Remediation(report, _), Kind::Json) => json::document(report).map_err(no_form),
            (Self::Period(period), Kind::Json) => json::document(period).map_err(no_form),
            (Self::Handover(handover), Kind::Json) => json::document(handover).map_err(no_form),
            (Self::Remediation(report, _), Kind::Md) => Ok(markdown::report(report)),
            (Self::Period(period), Kind::Md) => Ok(markdown::period(period)),
            (Self::Handover(handover), Kind::Md) => Ok(markdown::handover(handover)),
            (Self::Remediation(report, _), Kind::Html) => Ok(html::report(report)),
            (Self::Period(period), Kind::Html) => Ok(html::period(period)),
            (Self::Handover(handover), Kind::Html) => Ok(html::handover(handover)),
            (Self::Remediation(report, row), Kind::Csv) => {
                let place =
                    csv::Place { cluster: report.cluster.clone(), simulated: report.simulated };
                Ok(csv::rows([row.as_ref()], &place))
            }
            (Self::Period(period), Kind::Csv) => {
                let (cluster, simulated) = (period.cluster.clone(), period.simulated.is_some());
                Ok(csv::rows(&period.remediations, &csv::Place { cluster, simulated }))
            }
            (Self::Handover(_), Kind::Csv) => Err(Failure::usage(
                "a handover has no CSV form: take json, md or html, or `export --since` for rows",
            )),
        }
    }
}

/// Where reports go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Directory, or `-` for stdout; `None`: where the settings say.
    pub to: Option<String>,
    /// Key that signs each file.
    pub sign: Option<PathBuf>,
}

/// Writes documents in formats and says where.
///
/// # Errors
/// When a file can't be written or signed, or stdout is asked for what it can't hold.
pub fn hand_out(
    session: &Session,
    documents: &[Document],
    kinds: &[Kind],
    place: &Place,
) -> Outcome {
    if place.to.as_deref() == Some("-") {
        if place.sign.is_some() {
            let why = "a signature is a file beside the report: name a directory with --to";
            return Err(Failure::usage(why));
        }
        for document in documents {
            for kind in kinds {
                session.output.data(&document.form(*kind)?)?;
            }
        }
        return Ok(Exit::Done);
    }
    let directory = place.to.as_ref().map(PathBuf::from);
    let mut written = Vec::new();
    for document in documents {
        for kind in kinds {
            let text = document.form(*kind)?;
            let name = format!("{}.{}", document.name(), kind.ending());
            let (path, signature) =
                write(session, directory.as_deref(), &name, &text, place.sign.as_deref())?;
            if session.output.is_text() {
                for path in [Some(&path), signature.as_ref()].into_iter().flatten() {
                    session.output.data(&format!("{}\n", path.display()))?;
                }
            }
            let id = match document {
                Document::Remediation(report, _) => Some(&report.id),
                Document::Period(_) | Document::Handover(_) => None,
            };
            written.push(serde_json::json!({
                "id": id,
                "format": kind.ending(),
                "path": path,
                "signature": signature,
            }));
        }
    }
    if !session.output.is_text() {
        session.output.list(&written)?;
    }
    Ok(Exit::Done)
}

/// Signs first: a report that was to be signed is not there unsigned.
fn write(
    session: &Session,
    directory: Option<&Path>,
    name: &str,
    text: &str,
    key: Option<&Path>,
) -> Result<(PathBuf, Option<PathBuf>), Failure> {
    let failed = |why: String| Failure::new(Exit::Failed, why);
    let signature = key.map(|key| sign_report(key, text.as_bytes())).transpose().map_err(failed)?;
    let settings = session.settings();
    let path = write_report(settings, directory, name, text.as_bytes()).map_err(failed)?;
    let signature = signature
        .map(|bytes| write_report(settings, directory, &format!("{name}.sig"), &bytes))
        .transpose()
        .map_err(failed)?;
    Ok((path, signature))
}
