//! The settings, as plain values. Made by [`super::load`], which has checked them.

use super::notify::NotifySettings;
use super::secret::Secret;
use crate::domain::breaker::{Destination, Limits};
use crate::domain::effectiveness::RepeatLimits;
use crate::domain::policy::{Grant, Managed, Mode, Policy};
use crate::domain::workflow::plan::Risk;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

/// All settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[cluster]`.
    pub cluster: ClusterSettings,
    /// `[store]`.
    pub store: StoreSettings,
    /// `[engine]`.
    pub engine: EngineSettings,
    /// `[policy]`.
    pub policy: PolicySettings,
    /// `[approval]`.
    pub approval: ApprovalSettings,
    /// `[alerts]`: labels that an alert must carry to belong to this cluster.
    pub alerts_match: BTreeMap<String, String>,
    /// `[alertmanager]`.
    pub alertmanager: AlertmanagerSettings,
    /// `[prometheus]`.
    pub prometheus: PrometheusSettings,
    /// `[webhook]`.
    pub webhook: WebhookSettings,
    /// `[templates]`: directory with the site's own; `None`: shipped ones only.
    pub templates_directory: Option<PathBuf>,
    /// `[actions]`: directory with the site's definitions; `None`: there are none.
    pub actions_directory: Option<PathBuf>,
    /// `[actions]`: images that Jobs of definitions may run, letter by letter.
    pub actions_images: BTreeSet<String>,
    /// `[report_export]`.
    pub report_export: ReportSettings,
    /// `[slm]`.
    pub slm: SlmSettings,
    /// `[vector_db.postgresql]`.
    pub vector_db: VectorDbSettings,
    /// `[breakers]`: when each opens and closes.
    pub breakers: BTreeMap<Destination, Limits>,
    /// `[notify]`: channels over which people are told, and what.
    pub notify: NotifySettings,
    /// `[ui]`. Also there in a headless build.
    pub ui: UiSettings,
    /// `[log]`.
    pub log: LogSettings,
}

/// Which cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSettings {
    /// Kubeconfig; `None`: where kubectl looks (`KUBECONFIG`, `~/.kube/config`, in a pod its service account).
    pub kubeconfig: Option<PathBuf>,
    /// Context in it; `None`: the current one.
    pub context: Option<String>,
    /// Namespaces that are looked at; empty: all.
    pub namespaces: BTreeSet<String>,
}

/// Where the log lives.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// SQLite file. Empty only when neither the setting nor a home directory says where. The engine's socket and log
    /// lie beside it, also when there is a database instead.
    pub path: PathBuf,
    /// PostgreSQL database instead of the file; holds no password.
    pub url: Option<url::Url>,
    /// Password of its role.
    pub password: Secret,
    /// `auto`, `verify` or `off`.
    pub tls: String,
    /// Certificate that signed the server's; `None`: the system's.
    pub ca_file: Option<PathBuf>,
}

/// The engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// How much it may do.
    pub mode: Mode,
    /// Seconds that both leases hold without renewal.
    pub lease_ttl_s: u64,
    /// Namespace of the Lease in the cluster.
    pub lease_namespace: String,
    /// Name of that Lease.
    pub lease_name: String,
    /// Seconds that one request to the cluster may take.
    pub request_timeout_s: u64,
    /// Executions at once.
    pub max_running: usize,
}

/// Rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySettings {
    /// Roles file; `None`: the store's owner is admin, nobody else may do anything.
    pub roles: Option<PathBuf>,
    /// Namespaces that raise the risk by one level.
    pub protected: BTreeSet<String>,
    /// Namespaces in which nothing is changed.
    pub denied: BTreeSet<String>,
    /// Most pods that one plan may touch.
    pub max_pods: u32,
    /// What becomes of changes that a keeper would put back.
    pub managed: Managed,
    /// After how many repeats a template is used up for a target and cause.
    pub repeats: RepeatLimits,
    /// Seconds for which a case whose cause can't be told is looked at again.
    pub patience_s: u64,
    /// Settle time in seconds for all templates; `None`: as each says.
    pub settle_s: Option<u64>,
}

/// Decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalSettings {
    /// Highest risk that may be approved without a terminal; `None`: none.
    pub without_terminal: Option<Risk>,
    /// Seconds that requests stay open: low, medium, high, critical.
    pub expires_s: [u64; 4],
}

/// Alertmanager's API.
#[derive(Debug, Clone)]
pub struct AlertmanagerSettings {
    /// Its address; `None`: it is not asked.
    pub url: Option<url::Url>,
    /// Seconds between two polls.
    pub poll_s: u64,
    /// Bearer token.
    pub token: Secret,
}

/// Prometheus.
#[derive(Debug, Clone)]
pub struct PrometheusSettings {
    /// Its address; `None`: there are no metrics.
    pub url: Option<url::Url>,
    /// Bearer token.
    pub token: Secret,
}

/// The HTTP endpoints.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Where to listen; `None`: off.
    pub listen: Option<SocketAddr>,
    /// Bearer token that callers must send.
    pub token: Secret,
}

/// Where reports go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSettings {
    /// Directory under which all files are.
    pub base_directory: PathBuf,
    /// Whether missing directories are made.
    pub create_directories: bool,
    /// Permissions of directories that are made.
    pub dir_mode: u32,
    /// Permissions of files.
    pub file_mode: u32,
}

/// Model endpoint.
#[derive(Debug, Clone)]
pub struct SlmSettings {
    /// Address of an OpenAI-compatible endpoint; `None`: there is no model.
    pub endpoint: Option<url::Url>,
    /// `localai`, `ollama`, `vllm`, `openai`, or empty: nothing is taken for granted.
    pub provider: String,
    /// Model name.
    pub model: String,
    /// Bearer token.
    pub token: Secret,
    /// Seconds that a plan waits for it at most.
    pub timeout_s: u64,
    /// Seconds until its first word at most.
    pub first_word_s: u64,
    /// Tokens that an answer may have at most.
    pub max_tokens: u64,
    /// Tokens in an hour and in 24; 0: no limit.
    pub budget: (u64, u64),
}

/// Vector database.
#[derive(Debug, Clone)]
pub struct VectorDbSettings {
    /// Whether the main database is used for it.
    pub use_main_db: bool,
    /// Host, or the folder of its socket; empty: memory lies in the engine.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database.
    pub database: String,
    /// Role.
    pub user: String,
    /// Password.
    pub password: Secret,
    /// `auto`, `verify` or `off`.
    pub tls: String,
    /// Certificates that sign the server's; `None`: those of the system.
    pub ca_file: Option<PathBuf>,
}

impl VectorDbSettings {
    /// Whether memory lies in a database.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.use_main_db || !self.host.is_empty()
    }

    /// What does not fit together, as key and sentence. `shared`: the main database is one, not a file.
    #[must_use]
    pub(super) fn problem(&self, shared: bool) -> Option<(String, String)> {
        let named = [("host", &self.host), ("database", &self.database), ("user", &self.user)];
        let set = named.iter().find(|(_, text)| !text.is_empty()).map(|(key, _)| *key);
        let missing = named.iter().find(|(_, text)| text.is_empty()).map(|(key, _)| *key);
        let (key, why) = match (self.use_main_db, set, missing) {
            (true, _, _) if !shared => (
                "use_main_db",
                "the main store is a file, which holds no vectors: set store.url, or name a host here".into(),
            ),
            (true, Some(set), _) => {
                ("use_main_db", format!("the main database is used, and `{set}` names another one: leave one out"))
            }
            (false, Some(set), Some("host")) => {
                ("host", format!("`{set}` is set, and no host: name the server, or leave it all out"))
            }
            (false, Some(_), Some("database")) => ("database", "which one on that server?".into()),
            (false, Some(_), Some(_)) => ("user", "who connects? Name a role".into()),
            (true | false, None, _) | (false, Some(_), None) => return None,
        };
        let path = format!("vector_db.postgresql.{key}");
        Some((path.clone(), format!("{path}: {why}")))
    }
}

/// The console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiSettings {
    /// Theme: a shipped name or a file.
    pub theme: String,
    /// `auto`, `unicode` or `ascii`.
    pub glyphs: String,
}

/// The log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// File; `None`: beside the store.
    pub file: Option<PathBuf>,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
}

impl Settings {
    /// The rules that the engine works by. `grants` are those of the roles file (see [`super::roles`]), `owner_uid` is
    /// the OS user who owns the store.
    #[must_use]
    pub fn policy(&self, grants: Option<BTreeMap<String, Vec<Grant>>>, owner_uid: u32) -> Policy {
        Policy {
            mode: self.engine.mode,
            grants,
            owner_uid,
            protected: self.policy.protected.clone(),
            denied: self.policy.denied.clone(),
            without_terminal: self.approval.without_terminal,
            max_pods: self.policy.max_pods,
            managed: self.policy.managed,
            repeats: self.policy.repeats,
            alerts_match: self.alerts_match.clone(),
            max_running: self.engine.max_running,
            patience_s: self.policy.patience_s,
            settle_s: self.policy.settle_s,
            expires_s: self.approval.expires_s,
        }
    }

    /// When the breaker in front of a destination opens and closes.
    #[must_use]
    pub fn breaker(&self, destination: Destination) -> Limits {
        self.breakers.get(&destination).copied().unwrap_or_else(|| Limits::shipped(destination))
    }

    /// The Unix socket of the engine that writes this store.
    #[must_use]
    pub fn socket_path(&self) -> PathBuf {
        self.store.path.with_extension("sock")
    }
}
