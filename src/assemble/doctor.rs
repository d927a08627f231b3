//! `doctor`: each connection and permission tried, with what to do about it.

use super::memory::memory;
use super::notify::channel;
use super::real::{advisor, alert_source, connect, library, metrics};
use super::store::open_store;
use crate::adapters::clock::SystemClock;
use crate::config::settings::Settings;
use crate::domain::evidence::{Answer, Read};
use crate::ports::clock::Clock;
use crate::ports::line::Lines;
use std::sync::Arc;

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub name: String,
    /// Whether it works; `None`: not configured.
    pub ok: Option<bool>,
    /// What was seen.
    pub seen: String,
    /// What to do, when it does not work.
    pub advice: String,
}

fn finding(name: &str, result: Result<String, String>, advice: &str) -> Finding {
    let ok = Some(result.is_ok());
    let advice = if result.is_ok() { String::new() } else { advice.to_string() };
    let seen = result.unwrap_or_else(|why| why);
    Finding { name: name.into(), ok, seen, advice }
}

fn missing(name: &str, advice: &str) -> Finding {
    Finding { name: name.into(), ok: None, seen: "not configured".into(), advice: advice.into() }
}

/// Tries everything that the engine needs.
pub async fn doctor(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let store = match open_store(settings, false).await {
        Ok(store) => store.probe().await.map_err(|error| error.to_string()),
        Err(why) => Err(why),
    };
    findings.push(finding(
        "store",
        store,
        match &settings.store.url {
            None => "see store.path; the directory must be yours, local and not full",
            Some(_) => {
                "see store.url, store.password_file and store.tls; the README says how a team's database is set up"
            }
        },
    ));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let lines = Lines::shipped(&clock);
    cluster(settings, clock.clone(), &lines, &mut findings).await;
    findings.push(match metrics(settings, clock.clone(), &lines) {
        Ok(Some(client)) => finding("prometheus", client.probe().await, "see prometheus.url"),
        Ok(None) => {
            missing("prometheus", "set prometheus.url: without it usage and trends are unknown")
        }
        Err(why) => finding("prometheus", Err(why), "see prometheus.url"),
    });
    findings.push(match alert_source(settings, &lines) {
        Ok(Some(client)) => finding("alertmanager", client.probe().await, "see alertmanager.url"),
        Ok(None) => missing("alertmanager", "set alertmanager.url, or let it send to the webhook"),
        Err(why) => finding("alertmanager", Err(why), "see alertmanager.url"),
    });
    for one in &settings.notify.channels {
        let seen = match channel(one, &clock, &lines) {
            Ok(channel) => channel.probe().await,
            Err(why) => Err(why),
        };
        let name = format!("channel {}", one.name);
        let advice = "see notify.file; `pilothouse notifications test NAME` sends a test over it";
        findings.push(finding(&name, seen, advice));
    }
    if settings.notify.channels.is_empty() {
        findings.push(missing("channels", "set notify.file: without it nobody is told anything"));
    }
    findings.push(match advisor(settings, clock, &lines) {
        Ok(Some(client)) => {
            let advice = "see slm.endpoint, slm.model and slm.token_file: without it rules and statistics decide";
            finding("model", client.probe().await, advice)
        }
        Ok(None) => missing("model", "none is needed; slm.endpoint and slm.model name one that advises"),
        Err(why) => finding("model", Err(why), "see slm.endpoint and slm.token_file"),
    });
    findings.push(memory_finding(settings, &lines).await);
    let templates = library(settings).and_then(|library| match library.problems.first() {
        None => {
            let on = library.definitions.values().filter(|one| one.enabled).count();
            let all = library.definitions.len();
            Ok(format!("{} templates, {on} of {all} definitions enabled", library.templates.len()))
        }
        Some(first) => Err(first.to_string()),
    });
    findings.push(finding("templates", templates, "run `pilothouse templates lint`"));
    findings
}

async fn memory_finding(settings: &Settings, lines: &Lines) -> Finding {
    let advice = "see vector_db.postgresql; the engine goes on without it, and the log keeps what is to be remembered";
    match memory(settings, lines) {
        Ok(memory) if settings.vector_db.is_set() => {
            let health = memory.health().await.map_err(|error| error.to_string());
            finding("memory", health, advice)
        }
        Ok(_) => {
            let why =
                "past cases lie in the engine; set vector_db.postgresql to keep them in a database";
            missing("memory", why)
        }
        Err(why) => finding("memory", Err(why), advice),
    }
}

async fn cluster(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    lines: &Lines,
    findings: &mut Vec<Finding>,
) {
    let cluster = match connect(settings, clock, lines).await {
        Ok(cluster) => cluster,
        Err(why) => {
            findings.push(finding(
                "cluster",
                Err(why),
                "see cluster.kubeconfig and cluster.context",
            ));
            return;
        }
    };
    let identity = cluster.identity().await.map_err(|error| error.to_string()).map(|found| {
        format!(
            "{} {} as {} (kube-system {})",
            found.name, found.version, found.user.username, found.cluster
        )
    });
    let reachable = identity.is_ok();
    let advice = "is the API server reachable from here, and the credential valid? try `kubectl auth whoami`";
    findings.push(finding("cluster", identity, advice));
    if !reachable {
        return;
    }
    for (kind, api_version) in [
        ("Pod", "v1"),
        ("Event", "v1"),
        ("Node", "v1"),
        ("ReplicaSet", "apps/v1"),
        ("Deployment", "apps/v1"),
        ("PodDisruptionBudget", "policy/v1"),
    ] {
        let read = Read::List {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: String::new(),
            labels: String::new(),
        };
        let result = match cluster.read(&read).await {
            Answer::Items { items, complete } => {
                Ok(format!("{}{}", items.len(), if complete { "" } else { " or more" }))
            }
            Answer::NotPermitted(why) | Answer::Unavailable(why) => Err(why),
            Answer::Object(_)
            | Answer::Text(_)
            | Answer::Series(_)
            | Answer::Alerts(_)
            | Answer::NotFound => Err("the server does not know this kind".into()),
        };
        let advice = "grant `list` on it; without it diagnoses are less sure";
        findings.push(finding(&format!("list {kind}"), result, advice));
    }
    let lease = match cluster.lease().await {
        Ok(Some(lease)) if lease.holder.is_empty() => Ok("free".to_string()),
        Ok(Some(lease)) => Ok(format!("held by {}", lease.holder)),
        Ok(None) => Ok("not there yet".to_string()),
        Err(error) => Err(error.to_string()),
    };
    let advice = "grant get, create, update on leases in that namespace; without it the engine only observes";
    findings.push(finding("lease", lease, advice));
}
