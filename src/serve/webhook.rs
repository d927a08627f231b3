//! `POST /alertmanager`: the webhook of Alertmanager.
//!
//! Promises: 200 only after the alerts are durable; 503 with `Retry-After` when they could not be made so, which makes
//! Alertmanager send them again; a body that can't be read is said to be so with line and column.

use super::http::{Edge, problem};
use crate::domain::alert::parse;
use crate::domain::principal::{Principal, Transport};
use crate::engine::command::{Command, Receipt, Refusal};
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Largest body.
pub const BODY_LIMIT: usize = 8 * 1024 * 1024;
/// What of a larger body is still read and thrown away, so that its sender gets to read the answer.
const DRAIN_LIMIT: usize = 64 * 1024 * 1024;
/// How long a whole body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the engine may take to make the alerts durable. Alertmanager gives up after its group interval at the
/// latest; an answer before that is better than none.
const DURABLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The handler.
pub async fn receive(
    State(edge): State<Arc<Edge>>,
    extensions: axum::http::Extensions,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Err(answer) = edge.admit(&headers) {
        return answer;
    }
    let from = extensions.get::<ConnectInfo<std::net::SocketAddr>>();
    let host = from.map_or_else(String::new, |info| info.0.ip().to_string());
    let bytes = match whole(&headers, body).await {
        Ok(bytes) => bytes,
        Err(answer) => {
            edge.counters.bad_requests.fetch_add(1, Relaxed);
            return answer;
        }
    };
    hand_in(&edge, host, &bytes).await
}

async fn hand_in(edge: &Edge, host: String, bytes: &[u8]) -> Response {
    let counters = &edge.counters;
    let bad = |answer: Response| {
        counters.bad_requests.fetch_add(1, Relaxed);
        answer
    };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(
        bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes),
    ) {
        return bad(problem(
            StatusCode::BAD_REQUEST,
            &format!("the body is no JSON: {error}"),
            &json!({ "line": error.line(), "column": error.column() }),
        ));
    }
    let parsed = match parse(bytes) {
        Ok(parsed) => parsed,
        Err(why) => return bad(problem(StatusCode::BAD_REQUEST, &why, &json!({}))),
    };
    let rejected = parsed.rejected;
    counters.rejected_alerts.fetch_add(rejected.len() as u64, Relaxed);
    if !rejected.is_empty() {
        tracing::warn!(?rejected, "alerts that can't be read");
    }
    if parsed.alerts.is_empty() && !rejected.is_empty() {
        let more = json!({ "accepted": 0, "rejected": rejected });
        return bad(problem(StatusCode::BAD_REQUEST, "no alert in it can be read", &more));
    }
    let accepted = parsed.alerts.len();
    if accepted == 0 {
        counters.accepted_requests.fetch_add(1, Relaxed);
        return taken(0, &rejected, &[]);
    }
    let by = Principal {
        os_user: "webhook".into(),
        uid: u32::MAX,
        kube: None,
        host,
        tty: String::new(),
        via: Transport::Webhook,
    };
    let command = Command::Alerts { alerts: parsed.alerts };
    match tokio::time::timeout(DURABLE_TIMEOUT, edge.handle.command(command, by, None)).await {
        Ok(Receipt::Done { remediations, .. }) => {
            counters.accepted_requests.fetch_add(1, Relaxed);
            counters.alerts.fetch_add(accepted as u64, Relaxed);
            let ids = remediations
                .iter()
                .map(super::super::domain::id::RemediationId::as_str)
                .collect::<Vec<_>>();
            taken(accepted, &rejected, &ids)
        }
        Ok(Receipt::Refused { refusal: Refusal::Unavailable, why }) => unavailable(edge, &why),
        Ok(Receipt::Refused { refusal, why }) => {
            let more = json!({ "refusal": refusal.word() });
            let status = if refusal == Refusal::Invalid {
                StatusCode::UNPROCESSABLE_ENTITY
            } else {
                StatusCode::FORBIDDEN
            };
            bad(problem(status, &why, &more))
        }
        Err(_) => unavailable(edge, "the alerts did not become durable in time"),
    }
}

fn taken(accepted: usize, rejected: &[String], remediations: &[&str]) -> Response {
    axum::Json(json!({
        "schema": "pilothouse/v1",
        "accepted": accepted,
        "rejected": rejected,
        "remediations": remediations,
    }))
    .into_response()
}

fn unavailable(edge: &Edge, why: &str) -> Response {
    edge.counters.unavailable.fetch_add(1, Relaxed);
    let error = format!("the alerts were not taken: {why}; send them again");
    let mut answer = problem(StatusCode::SERVICE_UNAVAILABLE, &error, &json!({}));
    answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("10"));
    answer
}

#[allow(clippy::result_large_err, reason = "the answer is what the caller gets")]
async fn whole(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Response> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok())
        .unwrap_or(0);
    if announced > BODY_LIMIT as u64 && headers.contains_key(header::EXPECT) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, read(body)).await {
        Ok(answer) => answer,
        Err(_) => {
            Err(problem(StatusCode::REQUEST_TIMEOUT, "the body did not come in time", &json!({})))
        }
    }
}

#[allow(clippy::result_large_err, reason = "the answer is what the caller gets")]
async fn read(body: Body) -> Result<Vec<u8>, Response> {
    let mut stream = body.into_data_stream();
    let (mut bytes, mut seen) = (Vec::new(), 0_usize);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            let error = format!("the body ended early: {error}");
            problem(StatusCode::BAD_REQUEST, &error, &json!({}))
        })?;
        seen = seen.saturating_add(chunk.len());
        if seen <= BODY_LIMIT {
            bytes.extend_from_slice(&chunk);
        } else {
            bytes = Vec::new();
        }
        if seen > DRAIN_LIMIT {
            break;
        }
    }
    if seen > BODY_LIMIT { Err(too_large()) } else { Ok(bytes) }
}

fn too_large() -> Response {
    let mut answer = problem(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the body is too large: set max_alerts in Alertmanager's webhook_config, or group less",
        &json!({ "limit_bytes": BODY_LIMIT }),
    );
    answer.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    answer
}
