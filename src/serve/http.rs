//! The HTTP server: routes, limits, shutdown.

use super::{health, webhook};
use crate::engine::handle::Handle;
use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the routes share.
#[derive(Debug)]
pub struct Edge {
    /// The engine.
    pub handle: Handle,
    /// Token that callers must send; `None`: none needed.
    pub token: Option<SecretString>,
    /// Counters of the webhook.
    pub counters: Counters,
}

/// What came to the webhook since this process started.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests that were acknowledged.
    pub accepted_requests: AtomicU64,
    /// Requests that were refused for what they held.
    pub bad_requests: AtomicU64,
    /// Requests that could not be taken because the engine or the store could not.
    pub unavailable: AtomicU64,
    /// Alerts that became durable.
    pub alerts: AtomicU64,
    /// Alerts in acknowledged or refused requests that could not be read.
    pub rejected_alerts: AtomicU64,
}

/// Serves until `stop`; requests under way are finished.
///
/// # Errors
/// When the listener fails.
pub async fn run(
    listener: TcpListener,
    handle: Handle,
    token: Option<SecretString>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let edge = Arc::new(Edge { handle, token, counters: Counters::default() });
    let service = router(edge).into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// The routes.
pub fn router(edge: Arc<Edge>) -> Router {
    Router::new()
        .route("/alertmanager", post(webhook::receive))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(nothing_here)
        .with_state(edge)
}

async fn nothing_here() -> Response {
    problem(
        StatusCode::NOT_FOUND,
        "nothing is here: POST /alertmanager, GET /healthz, /readyz, /metrics",
        &serde_json::json!({}),
    )
}

/// An answer that says what is wrong, as JSON.
pub fn problem(status: StatusCode, error: &str, more: &serde_json::Value) -> Response {
    let mut body = serde_json::json!({ "schema": "pilothouse/v1", "error": error });
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    (status, axum::Json(body)).into_response()
}

impl Edge {
    /// Whether the caller may go on; else the answer for it.
    ///
    /// A browser sends `Origin` with each cross-site request and Alertmanager never does: such requests are refused, so
    /// that a page somewhere can't hand in alerts through a person's browser.
    ///
    /// # Errors
    /// The answer.
    #[allow(clippy::result_large_err, reason = "the answer is what the caller gets")]
    pub fn admit(&self, headers: &HeaderMap) -> Result<(), Response> {
        if headers.contains_key(header::ORIGIN) {
            return Err(problem(
                StatusCode::FORBIDDEN,
                "requests of web pages are refused",
                &serde_json::json!({}),
            ));
        }
        let Some(token) = &self.token else { return Ok(()) };
        let sent = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        if sent.is_some_and(|sent| same(sent, token.expose_secret())) {
            return Ok(());
        }
        let mut answer = problem(
            StatusCode::UNAUTHORIZED,
            "a bearer token is needed (webhook.token_file), and this is not it",
            &serde_json::json!({}),
        );
        let scheme = header::HeaderValue::from_static("Bearer");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        Err(answer)
    }
}

/// Compares without telling by its time where the texts differ: digests are compared, and all of them.
fn same(a: &str, b: &str) -> bool {
    let (a, b) = (Sha256::digest(a.as_bytes()), Sha256::digest(b.as_bytes()));
    a.iter().zip(b.iter()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}
