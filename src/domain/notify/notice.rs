//! What is told.

use super::channel::ChannelName;
use crate::domain::diagnosis::{Pattern, words};
use crate::domain::id::{PlanDigest, RemediationId};
use crate::domain::remediation::Remediation;
use crate::domain::resource::ObjectKey;
use crate::domain::text::{clean, redact, shorten};
use crate::domain::time::Timestamp;
use crate::domain::workflow::plan::Risk;
use serde::{Deserialize, Serialize};

/// Longest title and line, in characters.
const LONGEST_TITLE: usize = 160;
const LONGEST_LINE: usize = 600;
/// Lines of one notice.
const MOST_LINES: usize = 12;

words!(
    /// What a notice is about. Routes choose by it.
    Topic {
        /// A plan, or a step of a run, waits for a decision.
        NeedsApproval = "needs-approval",
        /// A request that nobody has decided is about to lapse.
        Expiring = "expiring",
        /// Nobody decided in time.
        Expired = "expired",
        /// A case goes to a person, with the facts.
        HandedOver = "handed-over",
        /// A run failed.
        Failed = "failed",
        /// A run made it worse.
        Regressed = "regressed",
        /// Something can't go on without a person: withheld, not known, stuck.
        Stuck = "stuck",
        /// A case ended with another verdict: effective, ineffective, inconclusive.
        Ended = "ended",
        /// A `notify` step of a template.
        Step = "step",
        /// Everything was stopped, or another cluster answers.
        Stopped = "stopped",
        /// The stop was lifted.
        Started = "started",
        /// A breaker opened, closed again, or was set by a person.
        Breaker = "breaker",
        /// A channel could not be told something: said over the others.
        DeadLetter = "dead-letter",
    }
);

impl Topic {
    /// Whether it passes quiet hours whatever the risk.
    #[must_use]
    pub fn is_urgent(self) -> bool {
        match self {
            Self::Regressed | Self::Stopped => true,
            Self::NeedsApproval
            | Self::Expiring
            | Self::Expired
            | Self::HandedOver
            | Self::Failed
            | Self::Stuck
            | Self::Ended
            | Self::Step
            | Self::Started
            | Self::Breaker
            | Self::DeadLetter => false,
        }
    }
}

/// The case that a notice is about, as far as routes and words need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Which.
    pub id: RemediationId,
    /// `payments/deploy/ledger-api`.
    pub target: String,
    /// Its namespace; empty: none.
    pub namespace: String,
    /// `crash-loop, bad-rollout`; empty: not known yet.
    pub cause: String,
    /// Once known.
    pub pattern: Option<Pattern>,
    /// Risk of the plan that stands.
    pub risk: Option<Risk>,
    /// That plan.
    pub plan: Option<PlanDigest>,
}

impl Subject {
    /// That of a case.
    #[must_use]
    pub fn of(case: &Remediation) -> Self {
        let key = case.target_key();
        let found = case.diagnosis.as_ref();
        Self {
            id: case.id.clone(),
            target: key.as_ref().map_or_else(|| "(no object)".into(), ObjectKey::short_path),
            namespace: key.map_or_else(String::new, |key| key.namespace),
            cause: found.map_or_else(String::new, |one| format!("{}, {}", one.pattern, one.cause)),
            pattern: found.map(|one| one.pattern),
            risk: case.plan.as_deref().map(|plan| plan.risk),
            plan: case.plan.as_deref().map(|plan| plan.digest.clone()),
        }
    }
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// About what.
    pub topic: Topic,
    /// In one line.
    pub title: String,
    /// More, a line each.
    pub lines: Vec<String>,
    /// Commands that show it, or decide.
    pub commands: Vec<String>,
    /// The case, if it is about one.
    pub remediation: Option<RemediationId>,
    /// Its namespace; empty: none.
    pub namespace: String,
    /// Its pattern, once known.
    pub pattern: Option<Pattern>,
    /// Risk of its plan.
    pub risk: Option<Risk>,
    /// The channel that it is about: it is not told over that one.
    pub channel: Option<ChannelName>,
}

impl Notice {
    /// A notice with this title.
    #[must_use]
    pub fn new(topic: Topic, title: &str) -> Self {
        Self {
            topic,
            title: safe(title, LONGEST_TITLE),
            lines: Vec::new(),
            commands: Vec::new(),
            remediation: None,
            namespace: String::new(),
            pattern: None,
            risk: None,
            channel: None,
        }
    }

    /// It is about that case.
    #[must_use]
    pub fn about(mut self, subject: &Subject) -> Self {
        self.remediation = Some(subject.id.clone());
        self.namespace = safe(&subject.namespace, LONGEST_TITLE);
        self.pattern = subject.pattern;
        self.risk = subject.risk;
        self
    }

    /// With one more line; an empty one is left out.
    #[must_use]
    pub fn line(mut self, text: &str) -> Self {
        let text = safe(text, LONGEST_LINE);
        if !text.is_empty() && self.lines.len() < MOST_LINES {
            self.lines.push(text);
        }
        self
    }

    /// With a command that people can type.
    #[must_use]
    pub fn command(mut self, text: String) -> Self {
        self.commands.push(text);
        self
    }

    /// Whether it passes quiet hours.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.topic.is_urgent() || self.risk == Some(Risk::Critical)
    }
}

/// One line that may leave: no control characters, no secret, not too long.
fn safe(text: &str, most: usize) -> String {
    shorten(redact(&clean(text)).trim(), most)
}

/// To which channel a notice goes, and from when on it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressed {
    /// Channel.
    pub channel: ChannelName,
    /// Later than the notice itself in quiet hours, and where notices are grouped.
    pub not_before: Timestamp,
}

/// What became of one try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Telling {
    /// The other side took it; its words.
    Told {
        /// `HTTP 200: ok`.
        answer: String,
    },
    /// It did not; it is tried again.
    Failed {
        /// Why.
        why: String,
        /// When.
        again_at: Timestamp,
    },
    /// It did not, and is not tried again by itself: a dead letter.
    Dead {
        /// Why.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_and_no_control_character_leaves_and_nothing_is_endless() {
        let notice = Notice::new(Topic::Step, "a\r\nBcc: x@example.org\u{202e}")
            .line("password=hunter2hunter2")
            .line(&"x".repeat(10_000))
            .line("  ");
        assert_eq!(notice.title, "a Bcc: x@example.org");
        assert!(!notice.lines[0].contains("hunter2"), "{}", notice.lines[0]);
        assert_eq!(notice.lines[1].chars().count(), LONGEST_LINE);
        assert_eq!(notice.lines.len(), 2);
    }
}
