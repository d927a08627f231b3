//! Questions for detail. Lists come from the snapshot.

use crate::domain::event::Recorded;
use crate::domain::id::RemediationId;
use crate::domain::remediation::Remediation;
use crate::domain::workflow::plan::TemplateRef;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// One case, whole, by id or unique prefix; with its events.
    Remediation {
        /// Id or prefix.
        prefix: String,
    },
    /// The last events of the log, newest last.
    Log {
        /// At most so many.
        limit: u32,
        /// Of one case only.
        remediation: Option<RemediationId>,
    },
    /// What the principal may do with the standing plan of a case: drift, permissions, checked now.
    Preflight {
        /// Which.
        remediation: RemediationId,
    },
    /// Templates.
    Templates,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The case and its events, oldest first.
    Remediation {
        /// The case.
        remediation: Box<Remediation>,
        /// Its events.
        events: Vec<Recorded>,
    },
    /// Events, oldest first.
    Log(Vec<Recorded>),
    /// What was checked, with the roles' answer.
    Preflight {
        /// Drift and cluster permissions.
        preflight: crate::domain::approval::Preflight,
        /// `Ok` or the sentence why the role does not allow it.
        role: Result<String, String>,
    },
    /// Templates, with the problem of each that did not load.
    Templates(Vec<(TemplateRef, Option<String>)>),
    /// Nothing or several things have that prefix.
    NotFound(String),
    /// It can't be answered now.
    Unavailable(String),
}
