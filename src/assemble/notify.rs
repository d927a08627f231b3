//! The channels of the settings, and a test message over one.

use crate::adapters::clock::SystemClock;
use crate::adapters::notify::mail::{Mail, Post, Protection};
use crate::adapters::notify::ntfy::Ntfy;
use crate::adapters::notify::slack::Slack;
use crate::adapters::notify::webhook::Webhook;
use crate::config::notify::{ChannelSettings, MailSettings, MailTls, Way};
use crate::config::settings::Settings;
use crate::domain::breaker::Destination;
use crate::domain::id::ClusterId;
use crate::domain::notify::{ChannelName, Message};
use crate::ports::channel::{Carried, Channel};
use crate::ports::clock::Clock;
use crate::ports::line::Lines;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Longest that one answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The channels of the settings.
///
/// # Errors
/// Which can't be used, and why.
pub fn channels(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    lines: &Lines,
) -> Result<BTreeMap<ChannelName, Arc<dyn Channel>>, String> {
    let made = settings.notify.channels.iter().map(|one| {
        let channel = channel(one, clock, lines);
        channel
            .map(|channel| (one.name, channel))
            .map_err(|why| format!("channel {}: {why}", one.name))
    });
    made.collect()
}

/// Where each leads, without what is secret.
#[must_use]
pub fn places(settings: &Settings) -> BTreeMap<Destination, String> {
    let place = |one: &ChannelSettings| match &one.way {
        Way::Slack => "slack".to_string(),
        Way::Webhook { url } => format!("webhook {}", url.host_str().unwrap_or("?")),
        Way::Ntfy { url, .. } => format!("ntfy {}", url.host_str().unwrap_or("?")),
        Way::Email(mail) => format!("mail {}:{}", mail.host, mail.port),
    };
    let channels = settings.notify.channels.iter();
    channels.map(|one| (Destination::Channel(one.name), place(one))).collect()
}

/// One channel.
///
/// # Errors
/// Why it can't be used.
pub fn channel(
    one: &ChannelSettings,
    clock: &Arc<dyn Clock>,
    lines: &Lines,
) -> Result<Arc<dyn Channel>, String> {
    let line = lines.to(Destination::Channel(one.name));
    let secret = one.secret.read()?;
    let needed = || secret.clone().ok_or_else(|| "it has no secret".to_string());
    Ok(match &one.way {
        Way::Slack => Arc::new(Slack::new(needed()?, TIMEOUT, line)?),
        Way::Webhook { url } => {
            let way = (line, Arc::clone(clock));
            Arc::new(Webhook::new(url.clone(), needed()?, TIMEOUT, way)?)
        }
        Way::Ntfy { url, click } => {
            Arc::new(Ntfy::new(url.clone(), click.clone(), secret, (TIMEOUT, line))?)
        }
        Way::Email(mail) => Arc::new(Mail::new(post(mail, secret)?, TIMEOUT, line)?),
    })
}

fn post(mail: &MailSettings, secret: Option<SecretString>) -> Result<Post, String> {
    let login = match (mail.user.is_empty(), secret) {
        (true, None) => None,
        (false, Some(password)) => Some((mail.user.clone(), password)),
        (true, Some(_)) => return Err("it has a password and no user".into()),
        (false, None) => return Err("it has a user and no password: set secret_file".into()),
    };
    let ca_pem = match &mail.ca_file {
        None => None,
        Some(file) => {
            let read = std::fs::read(file);
            Some(read.map_err(|error| format!("ca_file {}: {error}", file.display()))?)
        }
    };
    Ok(Post {
        host: mail.host.clone(),
        port: mail.port,
        protection: match mail.tls {
            MailTls::Starttls => Protection::Starttls,
            MailTls::Implicit => Protection::Implicit,
            MailTls::Plain => Protection::Plain,
        },
        ca_pem,
        login,
        from: mail.from.clone(),
        to: mail.to.clone(),
    })
}

/// Sends a test over one channel, whatever breaker an engine has in front of it, and says what came back.
///
/// # Errors
/// Why it was not taken.
pub async fn test(settings: &Settings, one: &ChannelSettings) -> Result<String, String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let channel = channel(one, &clock, &Lines::shipped(&clock))?;
    let name = settings.cluster.context.clone().unwrap_or_else(|| "pilothouse".into());
    let message = Message {
        channel: one.name,
        cluster: ClusterId::new(format!("test at {}", clock.now().timestamp_millis())),
        cluster_name: name,
        head: (0, "none".into()),
        items: Vec::new(),
        again: false,
    };
    match channel.carry(&message).await {
        Carried::Told(answer) => Ok(answer),
        Carried::Later { why, .. } | Carried::Refused(why) | Carried::NotLetThrough(why) => {
            Err(why)
        }
    }
}
