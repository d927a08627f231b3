//! Firing alerts from Alertmanager's API v2, for hosts that no webhook can reach.
//!
//! Promises: what it can't read is an error, never an empty list; silenced and inhibited alerts are not asked for.
//! Absent on purpose: creating silences.

use crate::domain::alert::{Alert, parse};
use crate::domain::text::{clean, redact, shorten};
use crate::ports::alerts::AlertSource;
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
}

impl Alertmanager {
    /// A client for the Alertmanager at `base` (`http://alertmanager:9093`, or with a path prefix).
    ///
    /// # Errors
    /// The address is of no use, or the system's certificates can't be read.
    pub fn new(base: &Url, token: Option<SecretString>, timeout: Duration) -> Result<Self, String> {
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(format!("{} is no http address of Alertmanager", redact(base.as_str())));
        }
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            // A token must not follow a redirect to another place.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("no HTTP client: {}", sentence(&error)))?;
        Ok(Self { base: base.clone(), token, http })
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, String> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        let mut request = self.http.get(url).query(query);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let mut answer = request.send().await.map_err(|error| sentence(&error))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| sentence(&error))? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err("the answer is longer than 16 MiB".into());
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(body);
        }
        let words = shorten(&redact(&clean(&String::from_utf8_lossy(&body))), 200);
        Err(format!("HTTP {}: {words}", status.as_u16()))
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

/// An error and its causes in one line.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        line.push_str(": ");
        line.push_str(&inner.to_string());
        cause = inner.source();
    }
    shorten(&redact(&clean(&line)), 400)
}
