use super::*;
use crate::domain::breaker::{Destination, Limits};
use crate::domain::id::ClusterId;
use crate::domain::notify::{ChannelName, Item, Notice, Topic};
use crate::ports::clock::Clock;
use std::sync::Arc;

fn message(title: &str) -> Message {
    let notice = Notice { title: title.into(), ..Notice::new(Topic::Failed, "") };
    Message {
        channel: ChannelName::parse("mail").unwrap(),
        cluster: ClusterId::new("c"),
        cluster_name: "prod".into(),
        head: (7, "aa".into()),
        items: vec![Item { number: 3, at: chrono::DateTime::UNIX_EPOCH, notice: Arc::new(notice) }],
        again: false,
    }
}

fn mail(from: &str) -> Result<Mail, String> {
    let name = Destination::Channel(ChannelName::parse("mail").unwrap());
    let clock: Arc<dyn Clock> = Arc::new(Still);
    let line = Line::new(name, Limits::shipped(name), "", 0, clock);
    let post = Post {
        host: "127.0.0.1".into(),
        port: 1,
        protection: Protection::Plain,
        ca_pem: None,
        login: None,
        from: from.into(),
        to: vec!["sre@example.org".into()],
    };
    Mail::new(post, Duration::from_secs(1), line)
}

struct Still;

#[async_trait::async_trait]
impl Clock for Still {
    fn now(&self) -> crate::domain::time::Timestamp {
        chrono::DateTime::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _length: Duration) {}
}

#[test]
fn no_text_becomes_a_header_and_the_id_stays() {
    let mail = mail("Pilothouse <p@example.org>").unwrap();
    let letter = mail.letter(&message("bad\r\nBcc: evil@example.org\r\n\r\nbody ü")).unwrap();
    let text = String::from_utf8(letter.formatted()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
    let id = message("x").id();
    assert!(head.contains(&format!("Message-ID: <{id}@example.org>")), "{head}");
    assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
    assert_eq!(letter.envelope().to().len(), 1);
}

#[test]
fn what_is_no_address_is_named() {
    let why = mail("nobody").map(|_| ()).unwrap_err();
    assert!(why.contains("`nobody` is no mail address"), "{why}");
}
