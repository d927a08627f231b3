//! Channels: their names and kinds.

use crate::domain::diagnosis::words;
use serde::{Deserialize, Serialize};

words!(
    /// How a channel carries a message.
    ChannelKind {
        /// An incoming webhook of Slack or Mattermost.
        Slack = "slack",
        /// JSON to an address, signed.
        Webhook = "webhook",
        /// A topic of an ntfy server.
        Ntfy = "ntfy",
        /// Mail over SMTP.
        Email = "email",
    }
);

/// Longest name.
const MOST: usize = 20;

/// The name of a channel: lower-case letters, digits and dashes. It is held in place, so that a destination with a name
/// is as light as one without.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelName {
    bytes: [u8; MOST],
    length: u8,
}

impl ChannelName {
    /// Reads a name.
    ///
    /// # Errors
    /// A sentence about what a name looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fits = !text.is_empty()
            && text.len() <= MOST
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        let length = u8::try_from(text.len()).ok().filter(|_| fits).ok_or_else(|| {
            format!(
                "`{text}` is no name of a channel: lower-case letters, digits and dashes, at most {MOST}"
            )
        })?;
        let mut bytes = [0; MOST];
        bytes.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
        Ok(Self { bytes, length })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let name = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }
}

impl TryFrom<String> for ChannelName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<ChannelName> for String {
    fn from(name: ChannelName) -> Self {
        name.as_str().into()
    }
}

impl std::fmt::Display for ChannelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_as_written_and_what_is_no_name_is_refused() {
        let name = ChannelName::parse("on-call-2").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"on-call-2\"");
        assert_eq!(serde_json::from_str::<ChannelName>("\"on-call-2\"").unwrap(), name);
        for wrong in ["", "On", "a b", "-a", "a-", "a.b", "abcdefghijklmnopqrstu", "ä"] {
            assert!(ChannelName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
