//! What memory says about a new case.

use super::features::{Features, alike};
use super::past::PastCase;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::effectiveness::Fate;
use crate::domain::id::RemediationId;
use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// From this similarity on two cases are alike.
pub const LEAST: f64 = 0.5;
/// Past cases that are looked up for one plan.
pub const MOST: usize = 5;

/// A past case that is like a new one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Similar {
    /// Which.
    pub remediation: RemediationId,
    /// How alike, 0 to 1, to four digits.
    pub similarity: f64,
    /// In what, in words: `cause limit-too-small`, `a Deployment`, `facts oom-killed, usage-at-limit`.
    pub alike: Vec<String>,
    /// Its cause.
    pub cause: Cause,
    /// Its pattern.
    pub pattern: Pattern,
    /// What it was about.
    pub target: Option<ObjectKey>,
    /// Template and version of its last plan.
    pub template: Option<String>,
    /// What it counts as.
    pub fate: Fate,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl Similar {
    /// A past case beside the features of a new one.
    #[must_use]
    pub fn of(case: PastCase, similarity: f64, new: &Features) -> Self {
        Self {
            similarity: (similarity * 10_000.0).round() / 10_000.0,
            alike: alike(new, &case.features),
            remediation: case.id,
            cause: case.features.cause,
            pattern: case.features.pattern,
            target: case.target,
            template: case.template,
            fate: case.fate,
            ended_at: case.ended_at,
        }
    }

    /// In one line, without which case it is: `0.97 high-memory@3 on payments/deploy/api helped: cause …, a Deployment`.
    #[must_use]
    pub fn words(&self) -> String {
        let template = self.template.as_deref().unwrap_or("without a plan");
        let target = self.target.as_ref().map(ObjectKey::short_path);
        let target = target.map_or_else(String::new, |target| format!(" on {target}"));
        let alike = self.alike.join(", ");
        format!("{:.2} {template}{target} {}: {alike}", self.similarity, self.fate_words())
    }

    /// What came of it, in words.
    #[must_use]
    pub fn fate_words(&self) -> &'static str {
        match self.fate {
            Fate::Effective => "helped",
            Fate::NoEffect => "did not help",
            Fate::Regressed => "made it worse",
            Fate::Unclear => "unclear",
            Fate::Alone => "left alone",
        }
    }
}

/// What memory said when a plan was made. It decides nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recalled {
    /// Past cases that are alike, the most alike first, at most [`MOST`].
    pub similar: Vec<Similar>,
    /// How many past cases were compared.
    pub among: u64,
    /// Why memory could not be asked; `None`: it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<String>,
}

impl Recalled {
    /// In one line: `3 of 4 helped; 1 left alone`, `none among 12 past cases`, or why it is not known.
    #[must_use]
    pub fn words(&self) -> String {
        if let Some(why) = &self.away {
            return format!("not known: {why}");
        }
        let count = |fate: Fate| self.similar.iter().filter(|one| one.fate == fate).count();
        let helped = count(Fate::Effective);
        let told = helped + count(Fate::NoEffect) + count(Fate::Regressed);
        let mut parts = Vec::new();
        if told > 0 {
            parts.push(format!("{helped} of {told} helped"));
        }
        for (fate, words) in [
            (Fate::Regressed, "made it worse"),
            (Fate::Unclear, "unclear"),
            (Fate::Alone, "left alone"),
        ] {
            let count = count(fate);
            if count > 0 {
                parts.push(format!("{count} {words}"));
            }
        }
        if parts.is_empty() {
            return format!("none among {} past cases", self.among);
        }
        parts.join("; ")
    }
}
