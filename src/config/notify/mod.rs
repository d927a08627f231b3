//! The channels file: over which channels people are told, and which of them hears of what.
//!
//! ```toml
//! [[channel]]
//! name = "oncall"
//! kind = "slack"
//! secret_file = "/etc/pilothouse/slack-url"
//!
//! [[route]]
//! topics = ["needs-approval", "handed-over"]
//! channels = ["oncall"]
//! ```

mod reader;
mod sections;
mod settings;
#[cfg(test)]
mod tests;

pub(super) use reader::of;
pub use reader::{parse, read};
pub use settings::{ChannelSettings, MailSettings, MailTls, NotifySettings, Way};
