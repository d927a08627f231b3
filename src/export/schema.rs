//! The JSON Schema documents (2020-12) of the reports' JSON forms.
//!
//! Promises: each member that a report has is in its document; members may be added within `pilothouse/v1`, none goes
//! away. Absent on purpose: validation, which is whoever reads a report's.

/// A document that there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// The report of one remediation.
    Remediation,
    /// The report of a period.
    Period,
}

impl Schema {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Remediation, Self::Period];

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Remediation => "remediation",
            Self::Period => "period",
        }
    }

    /// The document.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Remediation => include_str!("../../assets/schema/remediation.json"),
            Self::Period => include_str!("../../assets/schema/period.json"),
        }
    }
}
