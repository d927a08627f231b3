//! A past case.

use super::features::{Features, VERSION, picture};
use super::vector::Vector;
use crate::domain::effectiveness::{Fate, Record};
use crate::domain::id::RemediationId;
use crate::domain::remediation::Remediation;
use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A case that ended, as memory keeps it beside its vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastCase {
    /// Which.
    pub id: RemediationId,
    /// How its vector was made.
    pub version: u16,
    /// What was found.
    pub features: Features,
    /// What it was about, where that was known.
    pub target: Option<ObjectKey>,
    /// Template and version of its last plan, if one was made: `high-memory@3`.
    pub template: Option<String>,
    /// What it counts as.
    pub fate: Fate,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// A past case with its vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// It.
    pub case: PastCase,
    /// Its vector.
    pub vector: Vector,
}

impl Remembered {
    /// Of a case that closed; `None` when it says nothing about remediations (see [`Record::of`]).
    #[must_use]
    pub fn of(case: &Remediation) -> Option<Self> {
        let record = Record::of(case)?;
        let (features, vector) = picture(case.diagnosis.as_ref()?);
        let case = PastCase {
            id: record.id,
            version: VERSION,
            features,
            target: record.target,
            template: record.template,
            fate: record.fate,
            ended_at: record.ended_at,
        };
        Some(Self { case, vector })
    }
}
