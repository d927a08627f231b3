//! The file of a recorded case.

use crate::domain::alert::Alert;
use crate::domain::evidence::{Answer, Gathered, Read};
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A case, as its file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCase {
    /// What happened, and why it is a case.
    pub about: String,
    /// `recorded …` or `made from …`.
    pub origin: String,
    /// When the diagnosis was made.
    pub now: Timestamp,
    /// The alerts of the case.
    pub alerts: Vec<Alert>,
    /// Another case whose answers this one starts from: its file's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Changes to the answers of the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// What must come out.
    pub expected: Expected,
    /// What was read, each with its answer.
    #[serde(default)]
    pub gathered: Gathered,
}

/// Replaces answers whose read, written as JSON, holds this text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Text in the read.
    pub reads_with: String,
    /// The new answer …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// … or texts in the old one and what replaces each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replace: BTreeMap<String, String>,
}

/// What must come out. What is not said is not looked at, but for pattern, cause, disposition and target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Pattern.
    pub pattern: String,
    /// Cause.
    pub cause: String,
    /// `remediate`, `recovered`, `target_gone`, `heartbeat`, `on_purpose`.
    pub disposition: String,
    /// `namespace/Kind/name`; absent: none.
    #[serde(default)]
    pub target: Option<String>,
    /// Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Least confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Most confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// Facts that must be there, each with its bearing: `oom-killed: for`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// Values, by name; members of objects as `healthy_revision.number`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Value>,
    /// Values that must not be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub no_values: Vec<String>,
    /// Text that the summary must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The plan that must be made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<ExpectedPlan>,
}

/// The plan that must come out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedPlan {
    /// Text of the reason why there must be none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<String>,
    /// Name of the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
    /// Parameters, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// Every step, as `2 set_resources on shop/Deployment/web`; empty: not looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
}

/// Why a case can't be used: which one and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {why}")]
pub struct CaseError {
    /// The file.
    pub file: String,
    /// Why.
    pub why: String,
}

/// Bases of bases, at most.
const DEEP: usize = 4;

impl RecordedCase {
    /// Reads a case, with the answers of its base; `text_of` brings the text of another file of the folder.
    ///
    /// # Errors
    /// What is wrong with it, or with a case that it starts from.
    pub fn read(
        file: &str,
        text: &str,
        text_of: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, CaseError> {
        Self::read_below(file, text, text_of, DEEP)
    }

    fn read_below(
        file: &str,
        text: &str,
        text_of: &dyn Fn(&str) -> Result<String, String>,
        deep: usize,
    ) -> Result<Self, CaseError> {
        let wrong = |why: String| CaseError { file: file.into(), why };
        let mut case =
            serde_json::from_str::<Self>(text).map_err(|error| wrong(error.to_string()))?;
        if case.about.trim().is_empty() || case.origin.trim().is_empty() {
            return Err(wrong(
                "`about` and `origin` say what it is and where it comes from".into(),
            ));
        }
        let Some(base) = case.base.clone() else {
            if !case.changes.is_empty() {
                return Err(wrong("there are `changes`, but no `base`".into()));
            }
            return Ok(case);
        };
        if deep == 0 {
            return Err(wrong(format!(
                "more than {DEEP} cases stand on one another, or in a circle"
            )));
        }
        let below = text_of(&base).map_err(|why| wrong(format!("its base {base}: {why}")))?;
        let mut answers = Self::read_below(&base, &below, text_of, deep - 1)?.gathered.answers;
        answers.append(&mut case.gathered.answers);
        for change in &case.changes {
            change.apply(&mut answers).map_err(&wrong)?;
        }
        case.gathered.answers = answers;
        Ok(case)
    }
}

impl Change {
    fn apply(&self, answers: &mut BTreeMap<Read, Answer>) -> Result<(), String> {
        let (mut hits, mut replaced) = (0, 0);
        for (read, answer) in answers.iter_mut() {
            let key = serde_json::to_string(read).map_err(|error| error.to_string())?;
            if !key.contains(&self.reads_with) {
                continue;
            }
            hits += 1;
            if let Some(new) = &self.answer {
                *answer = new.clone();
            }
            if self.replace.is_empty() {
                continue;
            }
            let mut text = serde_json::to_string(answer).map_err(|error| error.to_string())?;
            for (from, to) in &self.replace {
                replaced += text.matches(from.as_str()).count();
                text = text.replace(from, to);
            }
            *answer = serde_json::from_str(&text)
                .map_err(|error| format!("after the change of `{key}` it is no answer: {error}"))?;
        }
        if hits == 0 {
            return Err(format!("no read holds `{}`", self.reads_with));
        }
        if replaced == 0 && !self.replace.is_empty() {
            let what = &self.reads_with;
            return Err(format!("there is nothing to replace in what `{what}` brought"));
        }
        Ok(())
    }
}
