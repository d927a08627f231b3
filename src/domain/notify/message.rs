//! One message: what a channel carries. Text here is plain; a channel escapes it for its own format.

use super::channel::ChannelName;
use super::notice::{Notice, Topic};
use crate::domain::digest::sha256_hex;
use crate::domain::id::ClusterId;
use crate::domain::time::{Timestamp, rfc3339};
use serde_json::{Value, json};
use std::sync::Arc;

/// One notice in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number: the position of its event in the log.
    pub number: u64,
    /// When it became true.
    pub at: Timestamp,
    /// What.
    pub notice: Arc<Notice>,
}

/// What goes over a channel in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Over which.
    pub channel: ChannelName,
    /// Whose log.
    pub cluster: ClusterId,
    /// The cluster's display name.
    pub cluster_name: String,
    /// Position and hash of the log's head: noted outside the log, it shows when something was cut off.
    pub head: (u64, String),
    /// What is told, oldest first; empty: only whether the channel works.
    pub items: Vec<Item>,
    /// Whether an earlier try may have arrived.
    pub again: bool,
}

impl Message {
    /// The same however often this is tried, on whichever engine: who got it twice sees that it is one.
    #[must_use]
    pub fn id(&self) -> String {
        let numbers = self.items.iter().map(|item| item.number.to_string()).collect::<Vec<_>>();
        let text = format!("{}/{}/{}", self.cluster, self.channel, numbers.join(","));
        sha256_hex(text.as_bytes()).chars().take(32).collect()
    }

    /// In one line.
    #[must_use]
    pub fn title(&self) -> String {
        let what = match self.items.as_slice() {
            [] => "test of this channel: it works".to_string(),
            [one] => one.notice.title.clone(),
            [first, rest @ ..] => format!("{} (and {} more)", first.notice.title, rest.len()),
        };
        format!("[{}] {what}", self.cluster_name)
    }

    /// Whether something in it is urgent.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.items.iter().any(|item| item.notice.is_urgent())
    }

    /// Whether something in it waits for a decision.
    #[must_use]
    pub fn asks(&self) -> bool {
        let asks = |topic| matches!(topic, Topic::NeedsApproval | Topic::Expiring);
        self.items.iter().any(|item| asks(item.notice.topic))
    }

    /// What stands at the end of each message.
    #[must_use]
    pub fn foot(&self) -> String {
        let again = if self.again { "; may have come before" } else { "" };
        format!("log head: event {} {}; message {}{again}", self.head.0, self.head.1, self.id())
    }

    /// All of it as plain text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = Vec::new();
        if self.items.is_empty() {
            out.push(self.title());
        }
        for item in &self.items {
            let notice = &item.notice;
            out.push(format!("{} ({}, {})", notice.title, notice.topic, rfc3339(item.at)));
            out.extend(notice.lines.iter().map(|line| format!("  {line}")));
            out.extend(notice.commands.iter().map(|command| format!("  $ {command}")));
            out.push(String::new());
        }
        out.push(self.foot());
        out.join("\n")
    }

    /// All of it as JSON, for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let item = |item: &Item| {
            let notice = &item.notice;
            json!({
                "number": item.number,
                "at": rfc3339(item.at),
                "topic": notice.topic,
                "title": notice.title,
                "lines": notice.lines,
                "commands": notice.commands,
                "remediation": notice.remediation,
                "namespace": notice.namespace,
                "pattern": notice.pattern,
                "risk": notice.risk,
            })
        };
        json!({
            "schema": "pilothouse/v1",
            "kind": "notification",
            "id": self.id(),
            "again": self.again,
            "channel": self.channel,
            "cluster": { "id": self.cluster, "name": self.cluster_name },
            "title": self.title(),
            "notices": self.items.iter().map(item).collect::<Vec<_>>(),
            "audit": { "head_event": self.head.0, "head_hash": self.head.1 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_its_id_over_tries_and_names_the_head_of_the_log() {
        let notice = Notice::new(Topic::NeedsApproval, "approval needed")
            .command("pilothouse approve abcd --plan 0123".into());
        let at = "2026-07-01T00:00:00Z".parse().unwrap();
        let message = Message {
            channel: ChannelName::parse("oncall").unwrap(),
            cluster: ClusterId::new("c-1"),
            cluster_name: "prod-eu1".into(),
            head: (812, "abcdef".into()),
            items: vec![Item { number: 810, at, notice: Arc::new(notice) }],
            again: false,
        };
        let later = Message { head: (900, "ff".into()), again: true, ..message.clone() };
        assert_eq!(message.id(), later.id());
        let other = Message { channel: ChannelName::parse("mail").unwrap(), ..message.clone() };
        assert_ne!(message.id(), other.id());
        let text = message.text();
        assert!(text.contains("$ pilothouse approve abcd --plan 0123"), "{text}");
        assert!(text.contains("log head: event 812 abcdef"), "{text}");
        assert_eq!(message.json()["audit"]["head_hash"], "abcdef");
        assert!(later.text().contains("may have come before"));
    }
}
