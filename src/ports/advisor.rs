//! A model that advises.

use crate::domain::advice::{Question, Tokens};

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The whole answer; or why there is none, in a sentence.
    pub answer: Result<String, String>,
    /// What came, where that is no whole answer; may be empty.
    pub came: String,
    /// Milliseconds that it took.
    pub took_ms: u64,
    /// Tokens; `None`: nothing was sent.
    pub tokens: Option<Tokens>,
}

impl Heard {
    /// Nothing was sent, for this reason.
    #[must_use]
    pub fn not_asked(why: String) -> Self {
        Self { answer: Err(why), came: String::new(), took_ms: 0, tokens: None }
    }
}

/// A language model. Advice is all that it gives: nothing waits for it longer than its own deadline.
#[async_trait::async_trait]
pub trait Advisor: Send + Sync {
    /// The model's name.
    fn model(&self) -> String;
    /// Asks. Comes back within the deadline of its settings, whatever the endpoint does; the answer is bounded.
    async fn ask(&self, question: &Question) -> Heard;
    /// Whether the endpoint answers and has the model, in words.
    async fn probe(&self) -> Result<String, String>;
}
