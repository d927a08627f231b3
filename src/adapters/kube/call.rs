//! One request to the API server, and what its failure means.
//!
//! Promises: tells apart what never left, what was answered, and what may have arrived without an answer. Nothing is
//! sent past the breaker but a stop. What the breaker hears is about the API server only: what lies behind it (kubelets,
//! aggregated APIs, admission webhooks) is no reason to stop asking.

use super::connect::Connection;
use crate::domain::breaker::{Answer, Down};
use crate::domain::text::{clean, error_line, redact, shorten};
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
    urgent: bool,
}

/// API groups that the API server serves itself.
const OWN_GROUPS: [&str; 16] = [
    "apps",
    "batch",
    "autoscaling",
    "policy",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

impl Call {
    pub(super) fn new(verb: Verb, path: impl Into<String>) -> Self {
        Self {
            verb,
            path: path.into(),
            query: Vec::new(),
            body: None,
            timeout: None,
            urgent: false,
        }
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

    /// Is sent whatever the breaker says: nothing may delay a stop.
    pub(super) fn urgent(mut self) -> Self {
        self.urgent = true;
        self
    }

    /// Whether the answer, and how long it takes, says something of the API server itself: reads of what it serves, and
    /// reviews. A write may be held up by an admission webhook, a log by a kubelet.
    fn tells_of_the_server(&self) -> bool {
        let group = self.path.strip_prefix("/apis/").and_then(|rest| rest.split('/').next());
        let own = match group {
            Some(group) => OWN_GROUPS.contains(&group),
            None => true,
        };
        let reads = match self.verb {
            Verb::Get => !self.path.ends_with("/log") && !self.path.contains("/proxy"),
            Verb::Create => {
                matches!(group, Some("authentication.k8s.io" | "authorization.k8s.io"))
            }
            Verb::Delete | Verb::JsonPatch | Verb::MergePatch => false,
        };
        own && reads
    }

    /// What an exchange says of the API server.
    fn heard(&self, heard: Answer) -> Answer {
        let unreachable = matches!(heard, Answer::Down(Down::NoConnection, _));
        if unreachable || self.tells_of_the_server() { heard } else { Answer::Untold }
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
            .map_err(|error| CallError::NotSent(error_line(&error, 600)))
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
        let own = call.timeout.map_or(limit, |own| own.min(limit));
        let calling = match self.line().begin() {
            Ok(calling) => Some(calling),
            Err(_) if call.urgent => None,
            Err(refused) => return Err(CallError::NotSent(refused.to_string())),
        };
        let in_time = tokio::time::timeout(own, self.exchange(request)).await;
        let answer = in_time.unwrap_or_else(|_| {
            let why = format!("no answer within {:.1} s", own.as_secs_f32());
            // A call that had less time than is usual says nothing by running out of it.
            let heard = if own < limit {
                Answer::Untold
            } else {
                Answer::Down(Down::NoAnswer, why.clone())
            };
            Err((CallError::Lost(why), heard))
        });
        if let Some(calling) = calling {
            let heard = answer.as_ref().map_or_else(|(_, heard)| heard.clone(), |_| Answer::Good);
            calling.end(&call.heard(heard));
        }
        let answer = answer.map_err(|(error, _)| error);
        if let Err(CallError::Answered { code: 401, .. }) = &answer {
            self.mark_stale().await;
        }
        answer
    }

    /// The answer; or what its lack means for the request, and what it says of the server.
    async fn exchange(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<Vec<u8>, (CallError, Answer)> {
        let client = self.client().await;
        let answer = client
            .request_stream(request)
            .await
            .map_err(|error| (sort_out(&error), says_of_server(&error)))?;
        let mut bytes = Vec::new();
        let mut limited = answer.take(LONGEST_ANSWER + 1);
        limited.read_to_end(&mut bytes).await.map_err(|error| {
            let why = format!("the answer broke off: {}", error_line(&error, 600));
            (CallError::Lost(why.clone()), Answer::Down(Down::BrokeOff, why))
        })?;
        if bytes.len() as u64 > LONGEST_ANSWER {
            let why = "the answer is longer than 64 MiB".to_string();
            return Err((CallError::Lost(why), Answer::No("too long".into())));
        }
        Ok(bytes)
    }
}

/// What a failure of the client says of the API server.
pub(super) fn says_of_server(error: &kube::Error) -> Answer {
    match (error, sort_out(error)) {
        (
            kube::Error::BuildRequest(_)
            | kube::Error::HttpError(_)
            | kube::Error::Auth(_)
            | kube::Error::TlsRequired,
            _,
        ) => Answer::Untold,
        (_, CallError::NotSent(why)) => Answer::Down(Down::NoConnection, why),
        (_, CallError::Lost(why)) => Answer::Down(Down::BrokeOff, why),
        (_, CallError::Answered { code: 502..=504, message, .. }) => {
            Answer::Down(Down::SaysDown, message)
        }
        (_, CallError::Answered { code, .. }) => Answer::No(format!("HTTP {code}")),
    }
}

/// What a failure of the client means for the request.
pub(super) fn sort_out(error: &kube::Error) -> CallError {
    match error {
        kube::Error::Api(status) => answered(status),
        kube::Error::BuildRequest(_)
        | kube::Error::HttpError(_)
        | kube::Error::Auth(_)
        | kube::Error::TlsRequired => CallError::NotSent(error_line(error, 600)),
        other if never_connected(other) => CallError::NotSent(error_line(other, 600)),
        other => CallError::Lost(error_line(other, 600)),
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
    fn only_what_the_api_server_serves_itself_tells_of_it() {
        let get = |path: &str| Call::get(path).tells_of_the_server();
        assert!(get("/version"));
        assert!(get("/api/v1/namespaces/a/pods/b"));
        assert!(get("/apis/apps/v1/namespaces/a/deployments"));
        assert!(!get("/api/v1/namespaces/a/pods/b/log"), "a kubelet answers");
        assert!(!get("/apis/metrics.k8s.io/v1beta1/pods"), "an aggregated API answers");
        let write = |path: &str, verb| Call::new(verb, path).tells_of_the_server();
        assert!(write("/apis/authorization.k8s.io/v1/subjectaccessreviews", Verb::Create));
        assert!(!write("/apis/apps/v1/namespaces/a/deployments/b", Verb::JsonPatch));
        assert!(!write("/api/v1/namespaces/a/pods/b/eviction", Verb::Create));
    }

    #[test]
    fn a_write_without_an_answer_says_nothing_and_one_without_a_connection_does() {
        let patch = Call::new(Verb::JsonPatch, "/apis/apps/v1/namespaces/a/deployments/b");
        let lost = Answer::Down(Down::NoAnswer, String::new());
        assert_eq!(patch.heard(lost.clone()), Answer::Untold);
        let gone = Answer::Down(Down::NoConnection, String::new());
        assert_eq!(patch.heard(gone.clone()), gone);
        assert_eq!(Call::get("/version").heard(lost.clone()), lost);
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
