//! A topic of an ntfy server.

use super::http::Post;
use crate::domain::notify::Message;
use crate::domain::text::shorten;
use crate::ports::channel::{Carried, Channel};
use crate::ports::line::Line;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;
use url::Url;

/// Longest body, in bytes: what is longer becomes an attachment there.
const LONGEST: usize = 4_000;
/// Longest title, in characters.
const LONGEST_TITLE: usize = 200;

/// A topic.
pub struct Ntfy {
    url: Url,
    click: Option<Url>,
    token: Option<SecretString>,
    post: Post,
}

impl Ntfy {
    /// A topic; a tap on a message opens `click`.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(
        url: Url,
        click: Option<Url>,
        token: Option<SecretString>,
        (timeout, line): (Duration, Line),
    ) -> Result<Self, String> {
        Ok(Self { url, click, token, post: Post::new(line, timeout)? })
    }
}

/// `urgent`, `high` for what waits for a decision, else `default`.
fn priority(message: &Message) -> &'static str {
    match (message.is_urgent(), message.asks()) {
        (true, _) => "urgent",
        (false, true) => "high",
        (false, false) => "default",
    }
}

fn body(message: &Message) -> String {
    let text = message.text();
    let mut most = text.chars().count().min(LONGEST);
    loop {
        let short = shorten(&text, most);
        if short.len() <= LONGEST || most == 0 {
            return short;
        }
        most = most.saturating_sub(100);
    }
}

#[async_trait::async_trait]
impl Channel for Ntfy {
    async fn carry(&self, message: &Message) -> Carried {
        let title = shorten(&message.title(), LONGEST_TITLE);
        // The title was cleaned: it has no line end. The server reads UTF-8 in headers.
        let Ok(title) = HeaderValue::from_bytes(title.as_bytes()) else {
            return Carried::Refused("its title can't stand in a header".into());
        };
        self.post
            .send(|http| {
                let mut request = http
                    .post(self.url.clone())
                    .header("Title", title)
                    .header("Priority", priority(message))
                    .header("Tags", "pilothouse")
                    .header("X-Pilothouse-Id", message.id())
                    .body(body(message));
                if let Some(click) = &self.click {
                    request = request.header("Click", click.as_str());
                }
                if let Some(token) = &self.token {
                    request = request.bearer_auth(token.expose_secret());
                }
                request
            })
            .await
    }

    async fn probe(&self) -> Result<String, String> {
        self.post.probe(&self.url).await
    }
}
