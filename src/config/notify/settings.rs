//! The channels as set: plain values.

use crate::config::secret::Secret;
use crate::domain::notify::{ChannelName, Routes};
use std::path::PathBuf;
use url::Url;

/// Channels and routes as set. Empty: nobody is told anything.
#[derive(Debug, Clone, Default)]
pub struct NotifySettings {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// The channels.
    pub channels: Vec<ChannelSettings>,
    /// Who hears of what.
    pub routes: Routes,
}

/// One channel.
#[derive(Debug, Clone)]
pub struct ChannelSettings {
    /// Its name.
    pub name: ChannelName,
    /// What it is, and where.
    pub way: Way,
    /// Slack: the address. Webhook: the key of the signature. ntfy: the bearer token. Mail: the password.
    pub secret: Secret,
}

/// What a channel is, and where it leads.
#[derive(Debug, Clone)]
pub enum Way {
    /// Slack or Mattermost; the address is the secret.
    Slack,
    /// JSON, signed.
    Webhook {
        /// Where.
        url: Url,
    },
    /// A topic of an ntfy server.
    Ntfy {
        /// Where, with the topic.
        url: Url,
        /// Where a tap on the message leads; `ssh://bastion`.
        click: Option<Url>,
    },
    /// Mail.
    Email(Box<MailSettings>),
}

/// A mail server, and who writes to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// Server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way is protected.
    pub tls: MailTls,
    /// Sender.
    pub from: String,
    /// Receivers.
    pub to: Vec<String>,
    /// Who logs in; empty: nobody.
    pub user: String,
    /// Certificate (PEM) that signed the server's; `None`: those of the system.
    pub ca_file: Option<PathBuf>,
}

/// How the way to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// Plain, then encrypted before anything is said; refused where the server can't.
    Starttls,
    /// From the first byte.
    Implicit,
    /// Not at all: only on this machine.
    Plain,
}
