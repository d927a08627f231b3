//! The table of all settings: name, kind, default, environment variables, what it is for. The file reader, the
//! environment, `config show` and the test of `config.example.toml` all use it.

use super::value::Kind;

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Name with its section: `store.path`.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Default, as text.
    pub default: &'static str,
    /// Variables that set it, besides `PILOTHOUSE_…` made of its name.
    pub variables: &'static [&'static str],
    /// What it is for.
    pub about: &'static str,
    /// Whether anything in this release uses it.
    pub used: bool,
}

impl Key {
    /// `PILOTHOUSE_STORE_PATH`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("PILOTHOUSE_{}", self.path.replace(['.', '-'], "_").to_ascii_uppercase())
    }
}

const fn key(path: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Key {
    Key { path, kind, default, variables: &[], about, used: true }
}

/// One that a variable with a name of its own sets too.
const fn named(
    path: &'static str,
    kind: Kind,
    default: &'static str,
    variables: &'static [&'static str],
    about: &'static str,
) -> Key {
    Key { path, kind, default, variables, about, used: true }
}

/// Seconds, at least so many.
const fn at_least(min: u64) -> Kind {
    Kind::Duration { min, optional: false }
}

/// Risks, and none.
pub const RISKS: &[&str] = &["none", "low", "medium", "high", "critical"];
/// Words of `policy.managed`.
pub const MANAGED: &[&str] = &["by-kind", "source", "suspend"];
/// Modes.
pub const MODES: &[&str] = &["observe", "suggest", "approve"];
/// Glyph sets.
pub const GLYPHS: &[&str] = &["auto", "unicode", "ascii"];
/// Protection of the way to a database.
pub const TLS: &[&str] = &["auto", "verify", "off"];
/// Log levels.
pub const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];
/// Model providers; empty: none.
pub const PROVIDERS: &[&str] = &["", "localai", "ollama", "vllm", "openai"];

/// Name of the section whose members are free: labels that an alert must carry.
pub const ALERTS_MATCH: &str = "alerts.match";

/// Per cent of the calls in a breaker's window.
const PERCENT: Kind = Kind::Number { min: 1, max: 100 };
/// Calls that a breaker's window must hold.
const MIN_CALLS: Kind = Kind::Number { min: 1, max: 10_000 };
/// Probes of a breaker.
const PROBES: Kind = Kind::Number { min: 1, max: 20 };
const WINDOW: &str = "breaker: calls so long ago don't count any more";
const MIN_CALLS_ABOUT: &str = "breaker: with fewer calls in the window it never opens";
const FAILURE_RATE: &str = "breaker: opens when so many per cent of the calls found it down";
const SLOW_RATE: &str = "breaker: opens when so many per cent of the calls were slow";
const SLOW_AFTER: &str = "breaker: from this length on a call is slow";
const OPEN: &str = "breaker: how long it stays open first; twice as long each time a probe fails";
const OPEN_MOST: &str = "breaker: how long at most; both vary by a fifth";
const PROBES_ABOUT: &str = "breaker: so many probes must come back well";
const PROBE_LEASE: &str = "breaker: a probe without an answer for so long gives its place back";

/// All settings, by section.
pub const KEYS: &[Key] = &[
    key("cluster.kubeconfig", Kind::Path, "", "kubeconfig; empty: where kubectl looks"),
    key("cluster.context", Kind::Text, "", "context in it; empty: the current one"),
    key("cluster.namespaces", Kind::List, "", "namespaces that are looked at; empty: all"),
    key(
        "store.path",
        Kind::Path,
        "",
        "SQLite file; empty: pilothouse/pilothouse.db in the XDG state directory",
    ),
    key(
        "store.url",
        Kind::Database,
        "",
        "PostgreSQL database of a team, instead of the file; empty: the file",
    ),
    key("store.password_file", Kind::Path, "", "file with the password of its role"),
    key("store.password", Kind::Secret, "", "the password itself, from the environment only"),
    key("store.tls", Kind::Choice(TLS), "auto", "whether the way to it is encrypted and verified"),
    key(
        "store.ca_file",
        Kind::Path,
        "",
        "certificate (PEM) that signed the server's; empty: the system's",
    ),
    key("engine.mode", Kind::Choice(MODES), "approve", "how much the engine may do"),
    key("engine.lease_ttl", at_least(5), "15s", "how long both leases hold without renewal"),
    key(
        "engine.request_timeout",
        at_least(1),
        "10s",
        "how long one request to the cluster may take",
    ),
    key(
        "engine.lease_namespace",
        Kind::Text,
        "pilothouse",
        "namespace of the Lease that excludes other engines and carries the stop",
    ),
    key("engine.lease_name", Kind::Text, "pilothouse-engine", "its name"),
    key("engine.max_running", Kind::Number { min: 1, max: 1_000 }, "10", "executions at once"),
    key(
        "policy.roles",
        Kind::Path,
        "",
        "roles file; empty: the store's owner is admin, nobody else may do anything",
    ),
    key(
        "policy.protected",
        Kind::List,
        "kube-system,pilothouse",
        "namespaces that raise the risk by one level",
    ),
    key("policy.denied", Kind::List, "", "namespaces in which nothing is changed"),
    key(
        "policy.max_pods",
        Kind::Number { min: 1, max: 100_000 },
        "50",
        "most pods that one plan may touch",
    ),
    key(
        "policy.managed",
        Kind::Choice(MANAGED),
        "by-kind",
        "what becomes of changes that Argo CD, Flux or another keeper would put back",
    ),
    key(
        "policy.repeat_window",
        at_least(1),
        "24h",
        "how far back repeats on the same target for the same cause count",
    ),
    key(
        "policy.useless_repeats",
        Kind::Number { min: 1, max: 1_000 },
        "2",
        "times that a template may not help there before the case goes to a person instead",
    ),
    key(
        "policy.helped_repeats",
        Kind::Number { min: 1, max: 1_000 },
        "3",
        "times that it may help there and the cause come back, before the case goes to a person instead",
    ),
    key(
        "policy.patience",
        at_least(0),
        "1m",
        "how long a cause that can't be told yet is looked for before a person is asked",
    ),
    key(
        "policy.settle",
        Kind::Duration { min: 0, optional: true },
        "",
        "settle time of all templates; empty: as each says",
    ),
    key(
        "approval.without_terminal",
        Kind::Choice(RISKS),
        "low",
        "highest risk that may be approved without a terminal",
    ),
    key("approval.expires_low", at_least(1), "60m", "how long requests stay open, low risk"),
    key("approval.expires_medium", at_least(1), "30m", "the same, medium risk"),
    key("approval.expires_high", at_least(1), "15m", "the same, high risk"),
    key("approval.expires_critical", at_least(1), "15m", "the same, critical risk"),
    key(ALERTS_MATCH, Kind::Map, "", "labels that an alert must carry to belong to this cluster"),
    key("alertmanager.url", Kind::Url, "", "Alertmanager's address; empty: it is not asked"),
    key("alertmanager.poll", at_least(1), "30s", "how often it is asked for firing alerts"),
    key("alertmanager.token_file", Kind::Path, "", "file with a bearer token for it"),
    key("alertmanager.token", Kind::Secret, "", "the token itself, from the environment only"),
    key("prometheus.url", Kind::Url, "", "Prometheus' address; empty: there are no metrics"),
    key("prometheus.token_file", Kind::Path, "", "file with a bearer token for it"),
    key("prometheus.token", Kind::Secret, "", "the token itself, from the environment only"),
    key(
        "webhook.listen",
        Kind::Listen,
        "127.0.0.1:9765",
        "where alerts, health and metrics are served; `off`: nowhere",
    ),
    key(
        "webhook.token_file",
        Kind::Path,
        "",
        "file with the bearer token that callers must send; needed beyond loopback",
    ),
    key("webhook.token", Kind::Secret, "", "the token itself, from the environment only"),
    key(
        "actions.directory",
        Kind::Path,
        "",
        "directory with definitions of the site's own actions; empty: none",
    ),
    key("actions.images", Kind::List, "", "images that Jobs of definitions may run"),
    key(
        "templates.directory",
        Kind::Path,
        "",
        "directory with templates of your own; empty: the shipped ones only",
    ),
    key(
        "report_export.base_directory",
        Kind::Path,
        "",
        "where reports go; empty: pilothouse/reports in the XDG state directory",
    ),
    key(
        "report_export.create_directories",
        Kind::Flag,
        "true",
        "whether missing directories are made",
    ),
    key(
        "report_export.dir_mode",
        Kind::FileMode,
        "0755",
        "permissions of directories that are made",
    ),
    key("report_export.file_mode", Kind::FileMode, "0644", "permissions of report files"),
    named(
        "slm.endpoint",
        Kind::Url,
        "",
        &["SLM_ENDPOINT"],
        "OpenAI-compatible endpoint of a model that advises; empty: none",
    ),
    named("slm.provider", Kind::Choice(PROVIDERS), "", &["SLM_PROVIDER"], "what serves it"),
    named("slm.model", Kind::Text, "", &["SLM_MODEL"], "model name"),
    key("slm.token_file", Kind::Path, "", "file with a bearer token for it"),
    key("slm.token", Kind::Secret, "", "the token itself, from the environment only"),
    key("slm.timeout", at_least(1), "20s", "a plan waits so long for its advice at most"),
    key("slm.first_word", at_least(1), "10s", "it is given up when no word came by then"),
    key(
        "slm.max_tokens",
        Kind::Number { min: 64, max: 32_768 },
        "1000",
        "tokens that an answer may have at most",
    ),
    key(
        "slm.tokens_per_hour",
        Kind::Number { min: 0, max: 1_000_000_000 },
        "200000",
        "tokens of questions and answers in an hour; it is not asked beyond them; 0: no limit",
    ),
    key(
        "slm.tokens_per_day",
        Kind::Number { min: 0, max: 1_000_000_000 },
        "2000000",
        "the same in 24 hours",
    ),
    key(
        "vector_db.postgresql.use_main_db",
        Kind::Flag,
        "false",
        "past cases in the main database (store.url), with connections of their own",
    ),
    named(
        "vector_db.postgresql.host",
        Kind::Text,
        "",
        &["VECTOR_DB_HOST"],
        "host of a database for past cases, or its socket's folder; empty: in the engine",
    ),
    named(
        "vector_db.postgresql.port",
        Kind::Number { min: 1, max: 65_535 },
        "5432",
        &["VECTOR_DB_PORT"],
        "its port",
    ),
    named("vector_db.postgresql.database", Kind::Text, "", &["VECTOR_DB_DATABASE"], "its name"),
    named("vector_db.postgresql.user", Kind::Text, "", &["VECTOR_DB_USER"], "the role"),
    key("vector_db.postgresql.password_file", Kind::Path, "", "file with the password"),
    named(
        "vector_db.postgresql.password",
        Kind::Secret,
        "",
        &["VECTOR_DB_PASSWORD"],
        "the password itself, from the environment only",
    ),
    key(
        "vector_db.postgresql.tls",
        Kind::Choice(TLS),
        "auto",
        "auto: verified, but for a server on this machine; verify; off",
    ),
    key(
        "vector_db.postgresql.ca_file",
        Kind::Path,
        "",
        "certificates that sign the server's; empty: those of the system",
    ),
    key("breakers.cluster.window", at_least(10), "1m", WINDOW),
    key("breakers.cluster.min_calls", MIN_CALLS, "5", MIN_CALLS_ABOUT),
    key("breakers.cluster.failure_rate", PERCENT, "50", FAILURE_RATE),
    key("breakers.cluster.slow_rate", PERCENT, "80", SLOW_RATE),
    key("breakers.cluster.slow_after", at_least(1), "5s", SLOW_AFTER),
    key("breakers.cluster.open", at_least(1), "2s", OPEN),
    key("breakers.cluster.open_most", at_least(1), "30s", OPEN_MOST),
    key("breakers.cluster.probes", PROBES, "2", PROBES_ABOUT),
    key("breakers.cluster.probe_lease", at_least(1), "30s", PROBE_LEASE),
    key("breakers.store.window", at_least(10), "30s", WINDOW),
    key("breakers.store.min_calls", MIN_CALLS, "5", MIN_CALLS_ABOUT),
    key("breakers.store.failure_rate", PERCENT, "50", FAILURE_RATE),
    key("breakers.store.slow_rate", PERCENT, "80", SLOW_RATE),
    key("breakers.store.slow_after", at_least(1), "5s", SLOW_AFTER),
    key("breakers.store.open", at_least(1), "1s", OPEN),
    key("breakers.store.open_most", at_least(1), "5s", OPEN_MOST),
    key("breakers.store.probes", PROBES, "2", PROBES_ABOUT),
    key("breakers.store.probe_lease", at_least(1), "30s", PROBE_LEASE),
    key("breakers.prometheus.window", at_least(10), "2m", WINDOW),
    key("breakers.prometheus.min_calls", MIN_CALLS, "5", MIN_CALLS_ABOUT),
    key("breakers.prometheus.failure_rate", PERCENT, "50", FAILURE_RATE),
    key("breakers.prometheus.slow_rate", PERCENT, "80", SLOW_RATE),
    key("breakers.prometheus.slow_after", at_least(1), "5s", SLOW_AFTER),
    key("breakers.prometheus.open", at_least(1), "10s", OPEN),
    key("breakers.prometheus.open_most", at_least(1), "5m", OPEN_MOST),
    key("breakers.prometheus.probes", PROBES, "2", PROBES_ABOUT),
    key("breakers.prometheus.probe_lease", at_least(1), "30s", PROBE_LEASE),
    key("breakers.alertmanager.window", at_least(10), "5m", WINDOW),
    key("breakers.alertmanager.min_calls", MIN_CALLS, "4", MIN_CALLS_ABOUT),
    key("breakers.alertmanager.failure_rate", PERCENT, "50", FAILURE_RATE),
    key("breakers.alertmanager.slow_rate", PERCENT, "80", SLOW_RATE),
    key("breakers.alertmanager.slow_after", at_least(1), "5s", SLOW_AFTER),
    key("breakers.alertmanager.open", at_least(1), "15s", OPEN),
    key("breakers.alertmanager.open_most", at_least(1), "5m", OPEN_MOST),
    key("breakers.alertmanager.probes", PROBES, "2", PROBES_ABOUT),
    key("breakers.alertmanager.probe_lease", at_least(1), "30s", PROBE_LEASE),
    key("breakers.model.window", at_least(10), "10m", WINDOW),
    key("breakers.model.min_calls", MIN_CALLS, "3", MIN_CALLS_ABOUT),
    key("breakers.model.failure_rate", PERCENT, "50", FAILURE_RATE),
    key("breakers.model.slow_rate", PERCENT, "80", SLOW_RATE),
    key("breakers.model.slow_after", at_least(1), "15s", SLOW_AFTER),
    key("breakers.model.open", at_least(1), "30s", OPEN),
    key("breakers.model.open_most", at_least(1), "10m", OPEN_MOST),
    key("breakers.model.probes", PROBES, "2", PROBES_ABOUT),
    key("breakers.model.probe_lease", at_least(1), "30s", PROBE_LEASE),
    key("breakers.vector-db.window", at_least(10), "1m", WINDOW),
    key("breakers.vector-db.min_calls", MIN_CALLS, "3", MIN_CALLS_ABOUT),
    key("breakers.vector-db.failure_rate", PERCENT, "50", FAILURE_RATE),
    key("breakers.vector-db.slow_rate", PERCENT, "80", SLOW_RATE),
    key("breakers.vector-db.slow_after", at_least(1), "2s", SLOW_AFTER),
    key("breakers.vector-db.open", at_least(1), "5s", OPEN),
    key("breakers.vector-db.open_most", at_least(1), "1m", OPEN_MOST),
    key("breakers.vector-db.probes", PROBES, "2", PROBES_ABOUT),
    key("breakers.vector-db.probe_lease", at_least(1), "30s", PROBE_LEASE),
    key(
        "notify.file",
        Kind::Path,
        "",
        "channels file: over which channels people are told, and what; empty: nobody is told",
    ),
    key("ui.theme", Kind::Text, "dark", "theme: a shipped name or a file"),
    key("ui.glyphs", Kind::Choice(GLYPHS), "auto", "signs and borders"),
    key("log.file", Kind::Path, "", "log file; empty: pilothouse.log beside the store"),
    key("log.level", Kind::Choice(LEVELS), "info", "what is logged"),
];

/// The setting of that name.
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}
