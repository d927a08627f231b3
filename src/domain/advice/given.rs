//! Advice as it is kept with the case.

use crate::domain::id::PlanDigest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who advised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Source {
    /// A language model.
    Model {
        /// Its name, as the settings have it.
        name: String,
        /// The prompt that it was asked with, and its version: `choose@1`.
        prompt: String,
    },
    /// Rules, and how often each template helped in cases like this one.
    Statistics {
        /// So many past cases.
        n: u32,
    },
}

impl Source {
    /// In words: `model qwen2.5 (choose@1)` or `statistics, n=12`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Model { name, prompt } => format!("model {name} ({prompt})"),
            Self::Statistics { n } => format!("statistics, n={n}"),
        }
    }
}

/// A template in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// Name of the template.
    pub template: String,
    /// 0 to 1.
    pub score: f64,
    /// Why, in a sentence.
    pub why: String,
}

/// A parameter of the first template that got a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filled {
    /// Its name.
    pub name: String,
    /// The value, as its type has it.
    pub value: Value,
    /// Why, in a sentence.
    pub why: String,
}

/// Tokens of one exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Of the question.
    pub asked: u64,
    /// Of the answer.
    pub answered: u64,
    /// Whether they are estimated from the length of the texts, since the endpoint did not say.
    pub estimated: bool,
}

/// What was said to a model and what it said, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The model's name.
    pub model: String,
    /// The prompt and its version.
    pub prompt: String,
    /// All that was sent to it.
    pub request: String,
    /// What came back, also where it is of no use; cut when it is too long.
    pub answer: String,
    /// Why the answer is of no use; `None`: it was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// Milliseconds from the question to the end of the answer.
    pub took_ms: u64,
    /// Tokens; `None`: nothing was sent.
    pub tokens: Option<Tokens>,
}

/// How the plan was made from it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The plan; `None`: it could not be made.
    pub plan: Option<PlanDigest>,
    /// What is otherwise than rules alone would have it, a sentence each; empty: nothing.
    pub changed: Vec<String>,
}

/// Advice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Who gave it.
    pub source: Source,
    /// Templates, best first.
    pub ranking: Vec<Ranked>,
    /// Values for parameters of the first of them.
    pub parameters: Vec<Filled>,
    /// What speaks against relying on it, a sentence each.
    pub caveats: Vec<String>,
    /// What was proposed and is not used, each with why.
    pub dropped: Vec<String>,
    /// What became of it.
    pub made: Made,
    /// What was said, where a model was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
}

impl Advice {
    /// In a sentence: who, what first and why, and what it changed.
    #[must_use]
    pub fn words(&self) -> String {
        let first = self.ranking.first().map_or_else(
            || "nothing".to_string(),
            |first| format!("{} {:.2}", first.template, first.score),
        );
        let changed = if self.made.changed.is_empty() {
            "as rules alone".to_string()
        } else {
            self.made.changed.join("; ")
        };
        format!("{}: {first}; {changed}", self.source.words())
    }
}
