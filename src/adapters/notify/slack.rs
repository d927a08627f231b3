//! Incoming webhooks of Slack and Mattermost.

use super::http::Post;
use crate::domain::notify::Message;
use crate::domain::text::shorten;
use crate::ports::channel::{Carried, Channel};
use crate::ports::line::Line;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::time::Duration;

/// Longest text, in characters.
const LONGEST: usize = 3_500;

/// A chat.
pub struct Slack {
    url: SecretString,
    post: Post,
}

impl Slack {
    /// A chat behind an address that is a secret.
    ///
    /// # Errors
    /// The address is of no use; it is not repeated.
    pub fn new(url: SecretString, timeout: Duration, line: Line) -> Result<Self, String> {
        let parsed = reqwest::Url::parse(url.expose_secret()).ok();
        let fits = parsed.as_ref().is_some_and(|url| {
            let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
            url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && here)
        });
        if !fits {
            return Err("its secret is no https address of an incoming webhook".into());
        }
        Ok(Self { url, post: Post::new(line, timeout)? })
    }
}

/// The message in Slack's and Mattermost's format. All of it but the first line is a block in which neither knows links,
/// mentions or commands.
fn body(message: &Message) -> serde_json::Value {
    let text = format!(
        "{}\n```\n{}\n```",
        first_line(&message.title()),
        escaped(&shorten(&message.text(), LONGEST)).replace('`', "'")
    );
    json!({ "text": text })
}

/// `&`, `<` and `>`, with which mentions and links begin.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A line outside the block: it mentions nobody and links nowhere.
fn first_line(text: &str) -> String {
    let plain = text.replace('@', "@\u{200b}").replace('`', "'");
    escaped(&plain.replace('[', "(").replace(']', ")"))
}

#[async_trait::async_trait]
impl Channel for Slack {
    async fn carry(&self, message: &Message) -> Carried {
        self.post.send(|http| http.post(self.url.expose_secret()).json(&body(message))).await
    }

    async fn probe(&self) -> Result<String, String> {
        let url = reqwest::Url::parse(self.url.expose_secret());
        self.post.probe(&url.map_err(|_| "its secret is no address".to_string())?).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ClusterId;
    use crate::domain::notify::{ChannelName, Item, Notice, Topic};
    use std::sync::Arc;

    #[test]
    fn cluster_text_mentions_nobody_links_nowhere_and_leaves_no_block() {
        let notice = Notice::new(Topic::Stuck, "<!channel> @here [x](http://evil) `rm`")
            .line("```\n<!everyone> <http://evil|ok> & so");
        let message = Message {
            channel: ChannelName::parse("a").unwrap(),
            cluster: ClusterId::new("c"),
            cluster_name: "prod".into(),
            head: (1, "00".into()),
            items: vec![Item {
                number: 1,
                at: chrono::DateTime::UNIX_EPOCH,
                notice: Arc::new(notice),
            }],
            again: false,
        };
        let text = body(&message)["text"].as_str().unwrap().to_string();
        assert!(!text.contains('<'), "{text}");
        assert_eq!(text.matches("```").count(), 2, "{text}");
        let first = text.lines().next().unwrap();
        assert!(!first.contains("@here") && !first.contains(['`', '[']), "{first}");
        assert!(text.contains("&amp; so"), "{text}");
    }
}
