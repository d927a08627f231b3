//! A channel over which people are told.

use crate::domain::notify::Message;

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// The other side took it; its words.
    Told(String),
    /// It did not, and may another time.
    Later {
        /// Why.
        why: String,
        /// After how many seconds, where the other side says it.
        after_s: Option<u64>,
    },
    /// It refuses it, and will the next time too.
    Refused(String),
    /// The breaker let nothing through: why.
    NotLetThrough(String),
}

/// A channel. It escapes what it carries for its own format, and lets out nothing else.
#[async_trait::async_trait]
pub trait Channel: Send + Sync {
    /// Carries a message. It ends in bounded time, and never says `Told` without the other side's word.
    async fn carry(&self, message: &Message) -> Carried;
    /// Whether it could be used, without telling anybody anything; what was seen.
    ///
    /// # Errors
    /// Why not.
    async fn probe(&self) -> Result<String, String>;
}
