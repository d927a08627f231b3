//! JSON by POST to an address, signed, so that the receiver knows from whom it comes and that it is not a copy.
//!
//! ```text
//! X-Pilothouse-Id:        the same for every try of a message
//! X-Pilothouse-Timestamp: seconds since 1970, of this try
//! X-Pilothouse-Signature: v1=hex(HMAC-SHA-256(key, timestamp "." body))
//! ```

use super::http::Post;
use crate::domain::notify::Message;
use crate::ports::channel::{Carried, Channel};
use crate::ports::clock::Clock;
use crate::ports::line::Line;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// An address that takes signed JSON.
pub struct Webhook {
    url: Url,
    key: SecretString,
    post: Post,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// The address, and the key of the signature.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(
        url: Url,
        key: SecretString,
        timeout: Duration,
        (line, clock): (Line, Arc<dyn Clock>),
    ) -> Result<Self, String> {
        Ok(Self { url, key, post: Post::new(line, timeout)?, clock })
    }
}

/// The signature of a body at a time.
fn signature(key: &[u8], timestamp: &str, body: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|error| format!("the key of the signature is of no use: {error}"))?;
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    Ok(format!("v1={}", hex::encode(mac.finalize().into_bytes())))
}

#[async_trait::async_trait]
impl Channel for Webhook {
    async fn carry(&self, message: &Message) -> Carried {
        let body = message.json().to_string().into_bytes();
        let timestamp = self.clock.now().timestamp().to_string();
        let key = self.key.expose_secret().as_bytes();
        let signature = match signature(key, &timestamp, &body) {
            Ok(signature) => signature,
            Err(why) => return Carried::Refused(why),
        };
        self.post
            .send(|http| {
                http.post(self.url.clone())
                    .header(CONTENT_TYPE, "application/json")
                    .header("X-Pilothouse-Id", message.id())
                    .header("X-Pilothouse-Timestamp", timestamp)
                    .header("X-Pilothouse-Signature", signature)
                    .body(body)
            })
            .await
    }

    async fn probe(&self) -> Result<String, String> {
        self.post.probe(&self.url).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_openssl_makes() {
        // printf '1790000000.{"a":1}' | openssl dgst -sha256 -hmac 'key of the bus'
        let made = signature(b"key of the bus", "1790000000", b"{\"a\":1}").unwrap();
        assert_eq!(made, "v1=1afb6e7c6621fffd133cd7c58f2ca0e71913b0ae37469031fd943a8ec2d59ea1");
        let other = signature(b"key of the bus", "1790000001", b"{\"a\":1}").unwrap();
        assert_ne!(made, other, "the time is signed too");
    }
}
