//! One request to the API server, and what its failure means.
//!
//! Promises: tells apart what never left, what was answered, and what may have arrived without an answer.

use super::connect::{Connection, words};
use crate::domain::text::{clean, redact, shorten};
use crate::ports::cluster::ClusterError;
use futures::AsyncReadExt;
use serde_json::Value;
use std::time::Duration;

/// Longest answer that is read.
const LONGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// GET.
    Get,
    /// POST.
    Create,
    /// DELETE.
    Delete,
    /// PATCH, as RFC 6902.
    JsonPatch,
    /// PATCH, as RFC 7386.
    MergePatch,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Call {
    verb: Verb,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    timeout: Option<Duration>,
}

impl Call {
    pub(super) fn new(verb: Verb, path: impl Into<String>) -> Self {
        Self { verb, path: path.into(), query: Vec::new(), body: None, timeout: None }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Verb::Get, path)
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Waits no longer than this, nor longer than the connection's own limit.
    pub(super) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    fn request(&self) -> Result<http::Request<Vec<u8>>, CallError> {
        let mut target = self.path.clone();
        if !self.query.is_empty() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&self.query);
            target.push('?');
            target.push_str(&query.finish());
        }
        let (method, kind) = match self.verb {
            Verb::Get => (http::Method::GET, "application/json"),
            Verb::Create => (http::Method::POST, "application/json"),
            Verb::Delete => (http::Method::DELETE, "application/json"),
            Verb::JsonPatch => (http::Method::PATCH, "application/json-patch+json"),
            Verb::MergePatch => (http::Method::PATCH, "application/merge-patch+json"),
        };
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        http::Request::builder()
            .method(method)
            .uri(target)
            .header(http::header::ACCEPT, "application/json, */*")
            .header(http::header::CONTENT_TYPE, kind)
            .body(body.into_bytes())
            .map_err(|error| CallError::NotSent(words(&error)))
    }
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallError {
    /// The request did not leave: nothing happened.
    NotSent(String),
    /// It may have arrived; no answer that makes sense came.
    Lost(String),
    /// The server answered no.
    Answered {
        /// HTTP status.
        code: u16,
        /// Kubernetes' reason, such as `NotFound`.
        reason: String,
        /// Its words, cleaned.
        message: String,
    },
}

impl CallError {
    /// The HTTP status, if there is one.
    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Self::Answered { code, .. } => Some(*code),
            Self::NotSent(_) | Self::Lost(_) => None,
        }
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::NotSent(why) | Self::Lost(why) => why.clone(),
            Self::Answered { code, message, .. } if message.is_empty() => format!("HTTP {code}"),
            Self::Answered { message, .. } => message.clone(),
        }
    }

    /// Whether the server's authorizer said no. Admission (quota, pod security) says 403 too, in other words.
    pub(super) fn is_denied(&self) -> bool {
        match self {
            Self::Answered { code: 401, .. } => true,
            Self::Answered { code: 403, message, .. } => message.contains(" cannot "),
            Self::Answered { .. } | Self::NotSent(_) | Self::Lost(_) => false,
        }
    }
}

impl From<CallError> for ClusterError {
    fn from(error: CallError) -> Self {
        let denied = error.is_denied();
        let words = error.words();
        match error {
            CallError::Answered { .. } if denied => Self::NotPermitted(words),
            CallError::NotSent(_)
            | CallError::Lost(_)
            | CallError::Answered { code: 408 | 429 | 500.., .. } => Self::Unavailable(words),
            CallError::Answered { .. } => Self::Refused(words),
        }
    }
}

impl Connection {
    /// Sends a request and reads its answer as JSON.
    pub(super) async fn json(&self, call: &Call) -> Result<Value, CallError> {
        let bytes = self.bytes(call).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| CallError::Lost(format!("the answer is not JSON: {error}")))
    }

    /// Sends a request and reads its answer.
    pub(super) async fn bytes(&self, call: &Call) -> Result<Vec<u8>, CallError> {
        let request = call.request()?;
        let limit = self.options().timeout;
        let timeout = call.timeout.map_or(limit, |own| own.min(limit));
        let answer = tokio::time::timeout(timeout, self.exchange(request)).await.map_err(|_| {
            CallError::Lost(format!("no answer within {:.1} s", timeout.as_secs_f32()))
        })?;
        if let Err(CallError::Answered { code: 401, .. }) = &answer {
            self.mark_stale().await;
        }
        answer
    }

    async fn exchange(&self, request: http::Request<Vec<u8>>) -> Result<Vec<u8>, CallError> {
        let client = self.client().await;
        let answer = client.request_stream(request).await.map_err(|error| sort_out(&error))?;
        let mut bytes = Vec::new();
        let mut limited = answer.take(LONGEST_ANSWER + 1);
        limited
            .read_to_end(&mut bytes)
            .await
            .map_err(|error| CallError::Lost(format!("the answer broke off: {}", words(&error))))?;
        if bytes.len() as u64 > LONGEST_ANSWER {
            return Err(CallError::Lost("the answer is longer than 64 MiB".into()));
        }
        Ok(bytes)
    }
}

/// What a failure of the client means for the request.
pub(super) fn sort_out(error: &kube::Error) -> CallError {
    match error {
        kube::Error::Api(status) => answered(status),
        kube::Error::BuildRequest(_)
        | kube::Error::HttpError(_)
        | kube::Error::Auth(_)
        | kube::Error::TlsRequired => CallError::NotSent(words(error)),
        other if never_connected(other) => CallError::NotSent(words(other)),
        other => CallError::Lost(words(other)),
    }
}

/// The cause that an eviction which a disruption budget holds back is answered with; taken for the reason then.
pub(super) const BUDGET: &str = "DisruptionBudget";

fn answered(status: &kube::core::Status) -> CallError {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let budget = causes.into_iter().find(|cause| cause.reason == BUDGET);
    let (reason, message) = match budget {
        Some(cause) => (BUDGET, format!("{} {}", status.message, cause.message)),
        None => (status.reason.as_str(), status.message.clone()),
    };
    CallError::Answered {
        code: status.code,
        reason: clean(reason),
        message: shorten(&redact(&clean(&message)), 1_000),
    }
}

/// Whether the failure was in making the connection, before any byte of the request.
fn never_connected(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(http) = inner.downcast_ref::<hyper_util::client::legacy::Error>() {
            return http.is_connect();
        }
        if inner.is::<kube::client::AuthError>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: u16, message: &str) -> CallError {
        CallError::Answered { code, reason: String::new(), message: message.into() }
    }

    #[test]
    fn each_answer_of_the_server_has_one_meaning() {
        let unavailable = [
            CallError::NotSent("x".into()),
            CallError::Lost("x".into()),
            answered(429, "slow down"),
            answered(500, ""),
            answered(503, ""),
            answered(504, ""),
        ];
        for error in unavailable {
            assert!(matches!(ClusterError::from(error), ClusterError::Unavailable(_)));
        }
        let denied = "pods is forbidden: User \"x\" cannot create resource \"pods\"";
        for error in [answered(401, "Unauthorized"), answered(403, denied)] {
            assert!(matches!(ClusterError::from(error), ClusterError::NotPermitted(_)));
        }
        let quota = "pods \"a\" is forbidden: exceeded quota: small, requested: memory=1Gi";
        for error in [answered(403, quota), answered(404, ""), answered(409, ""), answered(422, "")]
        {
            assert!(matches!(ClusterError::from(error), ClusterError::Refused(_)));
        }
    }
}
