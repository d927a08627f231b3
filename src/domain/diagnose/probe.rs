//! Probes: their figures, and what the kubelet says of one that fails.

use super::fields::{int, items, text, value};
use serde_json::Value;

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeKind {
    Liveness,
    Startup,
    Readiness,
}

impl ProbeKind {
    /// The field of a container.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Liveness => "livenessProbe",
            Self::Startup => "startupProbe",
            Self::Readiness => "readinessProbe",
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Liveness => "liveness",
            Self::Startup => "startup",
            Self::Readiness => "readiness",
        }
    }

    /// The kind whose failure an event's message tells: `Liveness probe failed: …`, `Container app failed liveness
    /// probe, will be restarted`.
    pub(crate) fn told(message: &str) -> Option<Self> {
        let lower = message.to_ascii_lowercase();
        [Self::Liveness, Self::Startup, Self::Readiness]
            .into_iter()
            .find(|kind| lower.contains(&format!("{} probe", kind.word())))
    }
}

/// One probe of a container.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe<'a> {
    pub(crate) kind: ProbeKind,
    spec: &'a Value,
}

impl<'a> Probe<'a> {
    /// The probe of that kind, if the container has one.
    pub(crate) fn of(container: &'a Value, kind: ProbeKind) -> Option<Self> {
        value(container, &[kind.field()]).map(|spec| Self { kind, spec })
    }

    fn figure(&self, name: &str, default: i64) -> i64 {
        int(self.spec, &[name]).unwrap_or(default)
    }

    pub(crate) fn initial_delay(&self) -> i64 {
        self.figure("initialDelaySeconds", 0)
    }

    pub(crate) fn period(&self) -> i64 {
        self.figure("periodSeconds", 10)
    }

    pub(crate) fn timeout(&self) -> i64 {
        self.figure("timeoutSeconds", 1)
    }

    pub(crate) fn failures(&self) -> i64 {
        self.figure("failureThreshold", 3)
    }

    /// Seconds that a container has, at the least, until this probe has failed often enough.
    pub(crate) fn patience(&self) -> i64 {
        self.initial_delay() + self.period() * (self.failures() - 1).max(0)
    }

    /// Seconds after which a container that never passed it is dead for certain: the first probe may come a period
    /// late, each may take its timeout, and the container may take its grace period to end.
    pub(crate) fn latest_kill(&self, grace: i64) -> i64 {
        let grace = self.figure("terminationGracePeriodSeconds", grace);
        self.initial_delay()
            + self.period() * (self.failures() + 1)
            + self.timeout()
            + grace.min(60)
            + 5
    }

    /// What it asks: `GET :8080/healthz`, `TCP :5432`, `exec cat`. Arguments of a command are left out: people put
    /// secrets there.
    pub(crate) fn asks(&self) -> String {
        if let Some(http) = value(self.spec, &["httpGet"]) {
            return format!("GET :{}{}", port(http), text(http, &["path"]));
        }
        if let Some(tcp) = value(self.spec, &["tcpSocket"]) {
            return format!("TCP :{}", port(tcp));
        }
        if let Some(grpc) = value(self.spec, &["grpc"]) {
            return format!("gRPC :{}", port(grpc));
        }
        format!("exec {}", self.command().first().copied().unwrap_or_default())
    }

    /// The port that it asks, where the container declares ports and this is none of them; with those that it declares.
    pub(crate) fn undeclared(&self, container: &Value) -> Option<(i64, Vec<i64>)> {
        let declared = items(container, &["ports"]);
        let numbers = declared.iter().filter_map(|one| int(one, &["containerPort"]));
        let numbers = numbers.collect::<Vec<_>>();
        let asked = ["httpGet", "tcpSocket", "grpc"]
            .iter()
            .find_map(|way| value(self.spec, &[way, "port"])?.as_i64())?;
        (!numbers.is_empty() && !numbers.contains(&asked)).then_some((asked, numbers))
    }

    /// Path of an HTTP probe.
    pub(crate) fn path(&self) -> Option<&'a str> {
        value(self.spec, &["httpGet", "path"]).and_then(Value::as_str)
    }

    fn command(&self) -> Vec<&'a str> {
        let all = value(self.spec, &["exec", "command"]).and_then(Value::as_array);
        all.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Whether it only looks for a file, which a program makes when it has come up.
    pub(crate) fn looks_for_a_file(&self) -> bool {
        let command = self.command().join(" ");
        let first = self.command().first().copied().unwrap_or_default();
        let first = first.rsplit('/').next().unwrap_or_default();
        matches!(first, "cat" | "test" | "[" | "stat" | "ls")
            || ["test -f ", "test -e ", "[ -f ", "[ -e ", "cat /", "ls /", "stat /"]
                .iter()
                .any(|looks| command.contains(looks))
    }

    /// Its figures in words.
    pub(crate) fn words(&self) -> String {
        format!(
            "{} probe {}: from {}s after the start every {}s, timeout {}s, {} failures: gives up after {}s",
            self.kind.word(),
            self.asks(),
            self.initial_delay(),
            self.period(),
            self.timeout(),
            self.failures(),
            self.patience()
        )
    }
}

fn port(handler: &Value) -> String {
    match value(handler, &["port"]) {
        Some(Value::String(name)) => name.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// How a probe failed, by the kubelet's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// Nothing listens.
    Refused,
    /// No answer in time.
    TimedOut,
    /// HTTP status that says: not now (5xx, 429).
    NotNow,
    /// The probe asks for what is not there: another 4xx, a command that does not exist.
    Wrong,
    /// It failed in other words.
    Failed,
}

impl Complaint {
    /// What the message of an `Unhealthy` event means.
    pub(crate) fn of(message: &str) -> Self {
        if let Some((_, rest)) = message.split_once("statuscode: ") {
            let code = rest.trim().split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
            return match code.parse::<u16>() {
                Ok(429 | 500..=599) => Self::NotNow,
                Ok(_) => Self::Wrong,
                Err(_) => Self::Failed,
            };
        }
        let has = |words: &[&str]| words.iter().any(|one| message.contains(one));
        if has(&["connection refused", "connection reset"]) {
            Self::Refused
        } else if has(&[
            "deadline exceeded",
            "timed out",
            "Client.Timeout",
            "i/o timeout",
            "timeout:",
        ]) {
            Self::TimedOut
        } else if has(&[
            "gave HTTP response to HTTPS client",
            "malformed HTTP response",
            "strconv.Atoi",
            "executable file not found",
            "exec: \"",
            "unknown service",
            "Unimplemented",
        ]) {
            Self::Wrong
        } else {
            Self::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_have_the_defaults_of_the_api() {
        let container = json!({"livenessProbe": {"httpGet": {"path": "/live", "port": "web"}}});
        let probe = Probe::of(&container, ProbeKind::Liveness).expect("a probe");
        assert_eq!(probe.asks(), "GET :web/live");
        assert_eq!(
            (probe.initial_delay(), probe.period(), probe.timeout(), probe.failures()),
            (0, 10, 1, 3)
        );
        assert_eq!(probe.patience(), 20);
        assert!(Probe::of(&container, ProbeKind::Startup).is_none());
    }

    #[test]
    fn a_probe_that_looks_for_a_file_is_known_by_its_command() {
        let looks = |command: Value| {
            let container = json!({"livenessProbe": {"exec": {"command": command}}});
            Probe::of(&container, ProbeKind::Liveness).expect("a probe").looks_for_a_file()
        };
        assert!(looks(json!(["cat", "/tmp/up"])));
        assert!(looks(json!(["sh", "-c", "test -f /tmp/up"])));
        assert!(!looks(json!(["false"])));
        assert!(!looks(json!(["sh", "-c", "curl localhost:8080"])));
    }

    #[test]
    fn the_kubelets_complaints_are_told_apart() {
        let of = Complaint::of;
        let dial = "Liveness probe failed: Get \"http://10.0.0.1:80/\": dial tcp 10.0.0.1:80: connect: connection refused";
        assert_eq!(of(dial), Complaint::Refused);
        let late = "Liveness probe failed: Get \"http://10.0.0.1:80/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
        assert_eq!(of(late), Complaint::TimedOut);
        assert_eq!(
            of("Liveness probe failed: HTTP probe failed with statuscode: 404"),
            Complaint::Wrong
        );
        assert_eq!(
            of("Liveness probe failed: HTTP probe failed with statuscode: 503"),
            Complaint::NotNow
        );
        assert_eq!(of("Liveness probe failed: "), Complaint::Failed);
        assert_eq!(
            ProbeKind::told("Container app failed startup probe, will be restarted"),
            Some(ProbeKind::Startup)
        );
    }
}
