//! `/healthz`: the process runs. `/readyz`: alerts can be taken and made durable. `/metrics`: figures of the snapshot.
//!
//! Absent on purpose: figures that are not known (such sources have no sample), and anything that names an object.

use super::http::Edge;
use crate::domain::breaker::View;
use crate::domain::notify::ChannelShown;
use crate::domain::remediation::State as CaseState;
use crate::engine::snapshot::{Role, Snapshot};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// `GET /healthz`.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 200 while alerts can be made durable, else 503 with the reason.
pub async fn ready(State(edge): State<Arc<Edge>>) -> Response {
    let snapshot = edge.handle.snapshot();
    let mut why = Vec::new();
    if matches!(snapshot.role, Role::Starting) {
        why.push("starting: leases are not decided yet".to_string());
    }
    if let Some((reason, _)) = &snapshot.store_down {
        why.push(format!("the store can't be written: {reason}"));
    }
    let status = if why.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({
        "schema": "pilothouse/v1",
        "ready": why.is_empty(),
        "why": why,
        "role": role_word(&snapshot.role),
        "stopped": snapshot.stop.is_some(),
    });
    (status, axum::Json(body)).into_response()
}

/// `GET /metrics`.
pub async fn metrics(State(edge): State<Arc<Edge>>, headers: HeaderMap) -> Response {
    if let Err(answer) = edge.admit(&headers) {
        return answer;
    }
    let mut out = Exposition::default();
    let snapshot = edge.handle.snapshot();
    of_snapshot(&mut out, &snapshot);
    of_breakers(&mut out, &snapshot);
    of_channels(&mut out, &snapshot);
    of_webhook(&mut out, &edge);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], out.0).into_response()
}

/// The word for a role.
#[must_use]
pub fn role_word(role: &Role) -> &'static str {
    match role {
        Role::Starting => "starting",
        Role::Driving => "driving",
        Role::Following { .. } => "following",
        Role::Observing { .. } => "observing",
        Role::Locked { .. } => "locked",
    }
}

#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _in_memory = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, label: Option<(&str, &str)>, value: u64) {
        let label = label.map_or_else(String::new, |(key, text)| {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("{{{key}=\"{text}\"}}")
        });
        let _in_memory = writeln!(self.0, "{name}{label} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.sample(name, None, value);
    }
}

fn of_snapshot(out: &mut Exposition, snapshot: &Snapshot) {
    out.family("pilothouse_build_info", "gauge", "Version of this program.");
    out.sample("pilothouse_build_info", Some(("version", env!("CARGO_PKG_VERSION"))), 1);
    out.family("pilothouse_engine_role", "gauge", "What this engine is to its cluster (1: this).");
    for word in ["starting", "driving", "following", "observing", "locked"] {
        let is = u64::from(word == role_word(&snapshot.role));
        out.sample("pilothouse_engine_role", Some(("role", word)), is);
    }
    let events = "Position of the last event that this engine knows.";
    out.single("pilothouse_log_events_total", "counter", events, snapshot.seq);
    let stopped = "Whether everything is stopped.";
    out.single("pilothouse_stopped", "gauge", stopped, u64::from(snapshot.stop.is_some()));
    let writable = u64::from(snapshot.store_down.is_none());
    out.single("pilothouse_store_writable", "gauge", "Whether the store can be written.", writable);
    let firing = "Alerts that fire now among open remediations.";
    out.single("pilothouse_alerts_firing", "gauge", firing, u64::from(snapshot.firing));
    let needing = snapshot.needing_you().count() as u64;
    let needs = "Remediations that need a person.";
    out.single("pilothouse_remediations_needing_person", "gauge", needs, needing);

    let mut states = CaseState::ALL
        .iter()
        .filter(|state| **state != CaseState::Closed)
        .map(|state| (*state, 0_u64))
        .collect::<BTreeMap<_, _>>();
    for row in snapshot.rows.iter() {
        if let Some(count) = states.get_mut(&row.state) {
            *count += 1;
        }
    }
    out.family("pilothouse_remediations", "gauge", "Open remediations by state.");
    for (state, count) in states {
        out.sample("pilothouse_remediations", Some(("state", state.word())), count);
    }
    out.family("pilothouse_source_up", "gauge", "Whether a source answered at the last try.");
    for source in &snapshot.sources {
        if let Some(ok) = source.ok {
            out.sample("pilothouse_source_up", Some(("source", source.name)), u64::from(ok));
        }
    }
}

/// Name, help, and how it is had of a breaker.
type Figure = (&'static str, &'static str, fn(&View) -> Option<u64>);

fn of_breakers(out: &mut Exposition, snapshot: &Snapshot) {
    let figures: [Figure; 4] = [
        ("pilothouse_breaker_passes", "Whether calls to a destination pass its breaker.", |one| {
            Some(u64::from(one.state.passes()))
        }),
        ("pilothouse_breaker_calls_last_hour", "Calls to a destination in the last hour.", |one| {
            one.counted.as_ref().map(|counted| u64::from(counted.calls))
        }),
        ("pilothouse_breaker_down_last_hour", "Of them, those that found it down.", |one| {
            one.counted.as_ref().map(|counted| u64::from(counted.down))
        }),
        ("pilothouse_breaker_slow_last_hour", "Of them, slow ones.", |one| {
            one.counted.as_ref().map(|counted| u64::from(counted.slow))
        }),
    ];
    for (name, help, of) in figures {
        out.family(name, "gauge", help);
        for view in snapshot.breakers.iter() {
            if let Some(value) = of(view) {
                let destination = view.destination.to_string();
                out.sample(name, Some(("breaker", &destination)), value);
            }
        }
    }
}

/// Name, kind, help, and how it is had of a channel.
type ChannelFigure = (&'static str, &'static str, &'static str, fn(&ChannelShown) -> u64);

fn of_channels(out: &mut Exposition, snapshot: &Snapshot) {
    let figures: [ChannelFigure; 4] = [
        ("pilothouse_notices_waiting", "gauge", "Notices that wait to be told.", |one| {
            one.waiting as u64
        }),
        ("pilothouse_notices_dead", "gauge", "Dead letters.", |one| one.dead as u64),
        ("pilothouse_notices_told_total", "counter", "Notices that were told.", |one| one.told),
        ("pilothouse_notices_failed_total", "counter", "Tries to tell that failed.", |one| {
            one.failed
        }),
    ];
    for (name, kind, help, of) in figures {
        out.family(name, kind, help);
        for channel in &snapshot.telling.channels {
            out.sample(name, Some(("channel", channel.channel.as_str())), of(channel));
        }
    }
}

fn of_webhook(out: &mut Exposition, edge: &Edge) {
    let counters = &edge.counters;
    out.family("pilothouse_webhook_requests_total", "counter", "Webhook requests by result.");
    for (result, count) in [
        ("accepted", &counters.accepted_requests),
        ("bad", &counters.bad_requests),
        ("unavailable", &counters.unavailable),
    ] {
        let name = "pilothouse_webhook_requests_total";
        out.sample(name, Some(("result", result)), count.load(Relaxed));
    }
    let taken = "Alerts that the webhook made durable.";
    out.single("pilothouse_webhook_alerts_total", "counter", taken, counters.alerts.load(Relaxed));
    let rejected = counters.rejected_alerts.load(Relaxed);
    let name = "pilothouse_webhook_alerts_rejected_total";
    out.single(name, "counter", "Alerts that could not be read.", rejected);
}
