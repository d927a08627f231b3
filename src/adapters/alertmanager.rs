//! Firing alerts from Alertmanager's API v2, for hosts that no webhook can reach.
//!
//! Promises: what it can't read is an error, never an empty list; silenced and inhibited alerts are not asked for;
//! nothing is asked past the breaker. A silence carries the id of the attempt that made it.

mod silence;

use crate::domain::alert::{Alert, parse};
use crate::domain::breaker::{Answer, Down};
use crate::domain::id::AttemptId;
use crate::domain::operation::Silence;
use crate::domain::text::{clean, error_line, redact, shorten};
use crate::domain::time::Timestamp;
use crate::domain::workflow::execution::AttemptOutcome;
use crate::ports::alerts::AlertSource;
use crate::ports::line::Line;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use url::Url;

/// Longest answer that is read.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// An Alertmanager.
pub struct Alertmanager {
    base: Url,
    token: Option<SecretString>,
    http: reqwest::Client,
    line: Line,
}

impl Alertmanager {
    /// A client for the Alertmanager at `base` (`http://alertmanager:9093`, or with a path prefix).
    ///
    /// # Errors
    /// The address is of no use, or the system's certificates can't be read.
    pub fn new(
        base: &Url,
        token: Option<SecretString>,
        timeout: Duration,
        line: Line,
    ) -> Result<Self, String> {
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(format!("{} is no http address of Alertmanager", redact(base.as_str())));
        }
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            // A token must not follow a redirect to another place.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("no HTTP client: {}", error_line(&error, 400)))?;
        Ok(Self { base: base.clone(), token, http, line })
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, String> {
        let calling = self.line.begin().map_err(|refused| refused.to_string())?;
        match self.exchange(path, query).await {
            Ok((status, body)) if (200..300).contains(&status) => {
                calling.end(&Answer::Good);
                Ok(body)
            }
            Ok((status, body)) => {
                let words = shorten(&redact(&clean(&String::from_utf8_lossy(&body))), 200);
                let why = format!("HTTP {status}: {words}");
                calling.end(&match status {
                    500.. => Answer::Down(Down::SaysDown, why.clone()),
                    _ => Answer::No(format!("HTTP {status}")),
                });
                Err(why)
            }
            Err((heard, why)) => {
                calling.end(&heard);
                Err(why)
            }
        }
    }

    /// Status and body of the answer; or what its lack says, in both forms.
    async fn exchange(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<(u16, Vec<u8>), (Answer, String)> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        let mut request = self.http.get(url).query(query);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let mut answer = request.send().await.map_err(|error| no_answer(&error))?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| no_answer(&error))? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                let why = "the answer is longer than 16 MiB".to_string();
                return Err((Answer::No("too long".into()), why));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }
}

#[async_trait::async_trait]
impl AlertSource for Alertmanager {
    async fn firing(&self) -> Result<Vec<Alert>, String> {
        let query = [("active", "true"), ("silenced", "false"), ("inhibited", "false")];
        let parsed = self
            .get("api/v2/alerts", &query)
            .await
            .and_then(|body| parse(&body))
            .map_err(|why| format!("Alertmanager: {why}"))?;
        for rejected in &parsed.rejected {
            tracing::warn!(%rejected, "an alert of Alertmanager was left out");
        }
        Ok(parsed.alerts)
    }

    async fn silence(
        &self,
        silence: &Silence,
        attempt: &AttemptId,
        now: Timestamp,
    ) -> AttemptOutcome {
        if silence.ends {
            self.end_silences(&silence.made_by).await
        } else {
            self.make_silence(silence, attempt, now).await
        }
    }

    async fn silences_of(&self, attempt: &AttemptId) -> Result<Vec<String>, String> {
        self.active_silences(attempt).await.map_err(|why| format!("Alertmanager: {why}"))
    }

    async fn probe(&self) -> Result<String, String> {
        let body = self.get("api/v2/status", &[]).await;
        let body = body.map_err(|why| format!("Alertmanager: {why}"))?;
        let status = serde_json::from_slice::<serde_json::Value>(&body)
            .map_err(|_| "Alertmanager: the status is not JSON".to_owned())?;
        match status.pointer("/versionInfo/version").and_then(serde_json::Value::as_str) {
            Some(version) => Ok(format!("version {}", shorten(&clean(version), 40))),
            None => Err("Alertmanager: what answers there is no Alertmanager".into()),
        }
    }
}

/// What the lack of an answer says of the server, and in words.
fn no_answer(error: &reqwest::Error) -> (Answer, String) {
    let words = error_line(error, 400);
    let down = if error.is_connect() {
        Down::NoConnection
    } else if error.is_timeout() {
        Down::NoAnswer
    } else if error.is_builder() {
        return (Answer::Untold, words);
    } else {
        Down::BrokeOff
    };
    (Answer::Down(down, words.clone()), words)
}
