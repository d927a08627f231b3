//! Brings the layers together: defaults ← file ← environment ← flags.

use super::breakers;
use super::document::{Problem, did_you_mean, read};
use super::keys::{ALERTS_MATCH, KEYS, Key, find};
use super::notify;
use super::secret::Secret;
use super::settings::{
    AlertmanagerSettings, ApprovalSettings, ClusterSettings, EngineSettings, LogSettings,
    PolicySettings, PrometheusSettings, ReportSettings, Settings, SlmSettings, StoreSettings,
    UiSettings, VectorDbSettings, WebhookSettings,
};
use super::value::{Kind, Value};
use crate::domain::effectiveness::RepeatLimits;
use crate::domain::policy::{Managed, Mode};
use crate::domain::workflow::plan::Risk;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Largest settings file.
const FILE_LIMIT: u64 = 1024 * 1024;

/// Where settings come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config`: must exist. Else `PILOTHOUSE_CONFIG`, else `pilothouse/config.toml` in the XDG directory, if there.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// Key, flag and text of each flag that sets a setting.
    pub flags: Vec<(&'static str, &'static str, String)>,
    /// Working directory, for relative paths of flags and environment.
    pub directory: PathBuf,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// File and line.
    File(PathBuf, usize),
    /// Variable.
    Environment(String),
    /// Flag.
    Flag(&'static str),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file, line) => write!(f, "{}:{line}", file.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// The settings with the origin of each.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// What each key is set to, and where. Secrets are `"(set)"` or empty.
    pub entries: BTreeMap<&'static str, (Value, Origin)>,
    /// The file that was read, if one.
    pub file: Option<PathBuf>,
    /// What looks like a mistake but is none for sure.
    pub warnings: Vec<String>,
}

/// What is wrong with the settings: all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<Problem>);

/// Reads all layers.
///
/// # Errors
/// Every problem found, each with its place.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let mut layers = Layers { entries: defaults(), secrets: BTreeMap::new(), problems: Vec::new() };
    let file = layers.file(sources);
    layers.environment(sources);
    layers.flags(sources);
    if layers.problems.is_empty() {
        layers.complete(sources);
        layers.cross_check();
    }
    let file_of_channels = layers.path("notify.file");
    let (channels, wrong) = notify::of(file_of_channels.as_deref(), &sources.environment);
    layers.problems.extend(wrong);
    if !layers.problems.is_empty() {
        return Err(ConfigError(layers.problems));
    }
    let settings = layers.settings(channels);
    Ok(Loaded { settings, entries: layers.entries, file, warnings: strange_variables(sources) })
}

/// What was read so far.
pub(super) struct Layers {
    entries: BTreeMap<&'static str, (Value, Origin)>,
    secrets: BTreeMap<&'static str, secrecy::SecretString>,
    problems: Vec<Problem>,
}

fn defaults() -> BTreeMap<&'static str, (Value, Origin)> {
    KEYS.iter()
        .filter_map(|key| {
            let value = key.kind.from_text(key.default).ok()?;
            Some((key.path, (value, Origin::Default)))
        })
        .collect()
}

/// The directory of kind `XDG_…_HOME`, or its default below the home directory.
fn xdg(environment: &BTreeMap<String, String>, variable: &str, below: &str) -> Option<PathBuf> {
    let absolute = |name: &str| {
        environment.get(name).map(PathBuf::from).filter(|directory| directory.is_absolute())
    };
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below)))
}

fn strange_variables(sources: &Sources) -> Vec<String> {
    let known = KEYS.iter().map(Key::variable).collect::<Vec<_>>();
    sources
        .environment
        .keys()
        .filter(|name| name.starts_with("PILOTHOUSE_"))
        .filter(|name| !name.starts_with("PILOTHOUSE_TEST_") && *name != "PILOTHOUSE_CONFIG")
        .filter(|name| !known.contains(name))
        .map(|name| {
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            format!("environment {name} sets nothing{hint}")
        })
        .collect()
}

impl Layers {
    pub(super) fn problem(&mut self, place: String, message: String) {
        self.problems.push(Problem { place, message });
    }

    fn file(&mut self, sources: &Sources) -> Option<PathBuf> {
        let named = sources.file.clone().or_else(|| {
            let name = sources.environment.get("PILOTHOUSE_CONFIG")?;
            (!name.is_empty()).then(|| PathBuf::from(name))
        });
        let file = match &named {
            Some(file) => sources.directory.join(file),
            None => xdg(&sources.environment, "XDG_CONFIG_HOME", ".config")?
                .join("pilothouse/config.toml"),
        };
        let shown = file.display().to_string();
        match std::fs::metadata(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => {
                return None;
            }
            Err(error) => {
                self.problem(shown, format!("can't be read: {error}"));
                return None;
            }
            Ok(meta) if meta.len() > FILE_LIMIT => {
                self.problem(shown, format!("has {} bytes: this is no settings file", meta.len()));
                return None;
            }
            Ok(_) => {}
        }
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                self.problem(shown, format!("can't be read: {error}"));
                return None;
            }
        };
        match read(&shown, &text, &|path| path == ALERTS_MATCH) {
            Ok(items) => {
                for item in items {
                    let place = format!("{shown}:{}", item.line);
                    self.set_from_file(sources, &file, place, &item);
                }
            }
            Err(problem) => self.problems.push(problem),
        }
        Some(file)
    }

    fn set_from_file(
        &mut self,
        sources: &Sources,
        file: &Path,
        place: String,
        item: &super::document::Located,
    ) {
        let Some(key) = find(&item.path) else {
            let hint = did_you_mean(&item.path, KEYS.iter().map(|key| key.path));
            self.problem(place, format!("unknown key `{}`{hint}", item.path));
            return;
        };
        match key.kind.from_toml(&item.value) {
            Ok(value) => {
                let base = file.parent().unwrap_or(Path::new("/"));
                let value = rooted(key, value, base, sources);
                self.entries.insert(key.path, (value, Origin::File(file.to_path_buf(), item.line)));
            }
            Err(why) => self.problem(place, format!("{}: {why}", key.path)),
        }
    }

    fn environment(&mut self, sources: &Sources) {
        for key in KEYS {
            let own = key.variable();
            let names = key.variables.iter().copied().chain([own.as_str()]);
            for name in names {
                let Some(text) = sources.environment.get(name) else { continue };
                self.set_from_text(key, text, Origin::Environment(name.to_string()), sources);
            }
        }
    }

    fn flags(&mut self, sources: &Sources) {
        for (path, flag, text) in &sources.flags {
            if let Some(key) = find(path) {
                self.set_from_text(key, text, Origin::Flag(flag), sources);
            }
        }
    }

    fn set_from_text(&mut self, key: &'static Key, text: &str, origin: Origin, sources: &Sources) {
        if key.kind == Kind::Secret {
            let set = !text.trim().is_empty();
            if set {
                self.secrets.insert(key.path, secrecy::SecretString::from(text.trim()));
            }
            let shown = if set { "(set)" } else { "" };
            self.entries.insert(key.path, (Value::Text(shown.into()), origin));
            return;
        }
        match key.kind.from_text(text) {
            Ok(value) => {
                let value = rooted(key, value, &sources.directory, sources);
                self.entries.insert(key.path, (value, origin));
            }
            Err(why) => self.problem(origin.to_string(), format!("{}: {why}", key.path)),
        }
    }

    /// Fills in paths that depend on the environment.
    fn complete(&mut self, sources: &Sources) {
        let state = xdg(&sources.environment, "XDG_STATE_HOME", ".local/state");
        if let Some(state) = state.map(|state| state.join("pilothouse")) {
            self.fill("store.path", &state.join("pilothouse.db"));
            self.fill("report_export.base_directory", &state.join("reports"));
        }
        let store = PathBuf::from(self.text("store.path"));
        if let Some(directory) = store.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            self.fill("log.file", &directory.join("pilothouse.log"));
        }
    }

    fn fill(&mut self, path: &'static str, with: &Path) {
        if let Some((Value::Text(text), _)) = self.entries.get_mut(path)
            && text.is_empty()
        {
            *text = with.display().to_string();
        }
    }

    pub(super) fn origin(&self, path: &str) -> String {
        self.entries.get(path).map_or_else(String::new, |(_, origin)| origin.to_string())
    }

    pub(super) fn is_set(&self, path: &str) -> bool {
        self.entries.get(path).is_some_and(|(_, origin)| *origin != Origin::Default)
    }

    pub(super) fn breakers<T>(&self, read: impl FnOnce(&breakers::Read<'_>) -> T) -> T {
        let number = |path: &str| self.number(path);
        read(&breakers::Read { number: &number, is_set: &|path| self.is_set(path) })
    }

    pub(super) fn text(&self, path: &str) -> String {
        match self.entries.get(path) {
            Some((Value::Text(text), _)) => text.clone(),
            _ => String::new(),
        }
    }

    fn path(&self, path: &str) -> Option<PathBuf> {
        let text = self.text(path);
        (!text.is_empty()).then(|| PathBuf::from(text))
    }

    pub(super) fn number(&self, path: &str) -> u64 {
        match self.entries.get(path) {
            Some((Value::Number(number), _)) => *number,
            _ => 0,
        }
    }

    fn flag(&self, path: &str) -> bool {
        matches!(self.entries.get(path), Some((Value::Flag(true), _)))
    }

    fn set(&self, path: &str) -> BTreeSet<String> {
        match self.entries.get(path) {
            Some((Value::List(items), _)) => items.iter().cloned().collect(),
            _ => BTreeSet::new(),
        }
    }

    fn url(&self, path: &str) -> Option<url::Url> {
        url::Url::parse(&self.text(path)).ok()
    }

    pub(super) fn listen(&self) -> Option<std::net::SocketAddr> {
        self.text("webhook.listen").parse().ok()
    }

    pub(super) fn secret(&self, value: &str, file: &str) -> Secret {
        Secret { file: self.path(file), value: self.secrets.get(value).cloned() }
    }

    fn mode_bits(&self, path: &str) -> u32 {
        u32::try_from(self.number(path)).unwrap_or(0)
    }

    fn policy(&self) -> PolicySettings {
        PolicySettings {
            roles: self.path("policy.roles"),
            protected: self.set("policy.protected"),
            denied: self.set("policy.denied"),
            max_pods: u32::try_from(self.number("policy.max_pods")).unwrap_or(1),
            managed: Managed::from_word(&self.text("policy.managed")).unwrap_or(Managed::ByKind),
            repeats: RepeatLimits {
                window_s: self.number("policy.repeat_window"),
                useless: u32::try_from(self.number("policy.useless_repeats")).unwrap_or(1),
                helped: u32::try_from(self.number("policy.helped_repeats")).unwrap_or(1),
            },
            patience_s: self.number("policy.patience"),
            settle_s: match self.entries.get("policy.settle") {
                Some((Value::Number(seconds), _)) => Some(*seconds),
                _ => None,
            },
        }
    }

    fn settings(&self, notify: notify::NotifySettings) -> Settings {
        Settings {
            notify,
            cluster: ClusterSettings {
                kubeconfig: self.path("cluster.kubeconfig"),
                context: Some(self.text("cluster.context")).filter(|text| !text.is_empty()),
                namespaces: self.set("cluster.namespaces"),
            },
            store: self.store(),
            engine: EngineSettings {
                // The word was checked; an unknown one would only look, never act.
                mode: Mode::from_word(&self.text("engine.mode")).unwrap_or(Mode::Observe),
                lease_ttl_s: self.number("engine.lease_ttl"),
                lease_namespace: self.text("engine.lease_namespace"),
                lease_name: self.text("engine.lease_name"),
                request_timeout_s: self.number("engine.request_timeout"),
                max_running: usize::try_from(self.number("engine.max_running")).unwrap_or(1),
            },
            policy: self.policy(),
            approval: ApprovalSettings {
                without_terminal: Risk::from_word(&self.text("approval.without_terminal")),
                expires_s: ["low", "medium", "high", "critical"]
                    .map(|risk| self.number(&format!("approval.expires_{risk}"))),
            },
            alerts_match: match self.entries.get(ALERTS_MATCH) {
                Some((Value::Map(map), _)) => map.clone(),
                _ => BTreeMap::new(),
            },
            templates_directory: self.path("templates.directory"),
            actions_directory: self.path("actions.directory"),
            actions_images: self.set("actions.images"),
            report_export: ReportSettings {
                base_directory: PathBuf::from(self.text("report_export.base_directory")),
                create_directories: self.flag("report_export.create_directories"),
                dir_mode: self.mode_bits("report_export.dir_mode"),
                file_mode: self.mode_bits("report_export.file_mode"),
            },
            breakers: self.breakers(breakers::all),
            ui: UiSettings { theme: self.text("ui.theme"), glyphs: self.text("ui.glyphs") },
            log: LogSettings { file: self.path("log.file"), level: self.text("log.level") },
            alertmanager: AlertmanagerSettings {
                url: self.url("alertmanager.url"),
                poll_s: self.number("alertmanager.poll"),
                token: self.secret("alertmanager.token", "alertmanager.token_file"),
            },
            prometheus: PrometheusSettings {
                url: self.url("prometheus.url"),
                token: self.secret("prometheus.token", "prometheus.token_file"),
            },
            webhook: WebhookSettings {
                listen: self.listen(),
                token: self.secret("webhook.token", "webhook.token_file"),
            },
            slm: SlmSettings {
                endpoint: self.url("slm.endpoint"),
                provider: self.text("slm.provider"),
                model: self.text("slm.model"),
                token: self.secret("slm.token", "slm.token_file"),
                timeout_s: self.number("slm.timeout"),
                first_word_s: self.number("slm.first_word"),
                max_tokens: self.number("slm.max_tokens"),
                budget: (self.number("slm.tokens_per_hour"), self.number("slm.tokens_per_day")),
            },
            vector_db: self.vector_db(),
        }
    }

    fn store(&self) -> StoreSettings {
        StoreSettings {
            path: PathBuf::from(self.text("store.path")),
            url: self.url("store.url"),
            password: self.secret("store.password", "store.password_file"),
            tls: self.text("store.tls"),
            ca_file: self.path("store.ca_file"),
        }
    }

    pub(super) fn vector_db(&self) -> VectorDbSettings {
        VectorDbSettings {
            use_main_db: self.flag("vector_db.postgresql.use_main_db"),
            host: self.text("vector_db.postgresql.host"),
            port: u16::try_from(self.number("vector_db.postgresql.port")).unwrap_or(0),
            database: self.text("vector_db.postgresql.database"),
            user: self.text("vector_db.postgresql.user"),
            password: self
                .secret("vector_db.postgresql.password", "vector_db.postgresql.password_file"),
            tls: self.text("vector_db.postgresql.tls"),
            ca_file: self.path("vector_db.postgresql.ca_file"),
        }
    }
}

/// Paths made absolute: `~/` at the home directory, others at `base`.
fn rooted(key: &Key, value: Value, base: &Path, sources: &Sources) -> Value {
    match (key.kind, value) {
        (Kind::Path, Value::Text(text)) if !text.is_empty() => {
            let home = sources.environment.get("HOME").map(PathBuf::from);
            let path = match (text.strip_prefix("~/"), home) {
                (Some(rest), Some(home)) => home.join(rest),
                _ => base.join(&text),
            };
            Value::Text(path.display().to_string())
        }
        (_, value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::breaker::{Destination, Limits};

    fn with(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.toml");
        std::fs::write(&file, text).unwrap();
        load(&Sources {
            file: Some(file),
            environment: environment.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            flags: Vec::new(),
            directory: directory.path().to_path_buf(),
        })
    }

    fn error(text: &str) -> String {
        with(text, &[]).unwrap_err().to_string()
    }

    #[test]
    fn without_any_source_the_defaults_hold() {
        let loaded = load(&Sources::default()).unwrap();
        assert_eq!(loaded.settings.engine.mode, Mode::Approve);
        assert_eq!(loaded.settings.approval.expires_s, [3_600, 1_800, 900, 900]);
        assert_eq!(loaded.settings.approval.without_terminal, Some(Risk::Low));
        assert_eq!(loaded.settings.report_export.dir_mode, 0o755);
        assert_eq!(loaded.settings.report_export.file_mode, 0o644);
        assert!(loaded.settings.policy.protected.contains("kube-system"));
        assert_eq!(loaded.file, None);
    }

    #[test]
    fn a_password_in_the_address_of_the_store_is_refused_and_not_repeated() {
        let why = error("[store]\nurl = \"postgres://mira:hunter2@db/ops\"\n");
        assert!(why.contains("store.password_file") && !why.contains("hunter2"), "{why}");
        let why = error("[store]\nurl = \"mysql://mira@db/hunter2\"\n");
        assert!(why.contains("postgres://") && !why.contains("hunter2"), "{why}");
        let loaded = with(
            "[store]\nurl = \"postgres://mira@db/ops\"\n",
            &[("PILOTHOUSE_STORE_PASSWORD", "hunter2")],
        )
        .unwrap();
        assert!(loaded.settings.store.password.is_set());
        assert!(!format!("{loaded:?}").contains("hunter2"));
    }

    #[test]
    fn every_default_in_the_table_is_a_value_of_its_kind() {
        for key in KEYS {
            assert!(key.kind.from_text(key.default).is_ok(), "{}", key.path);
        }
    }

    #[test]
    fn later_layers_win_and_each_value_knows_where_it_comes_from() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.toml");
        std::fs::write(
            &file,
            "[policy]\nmax_pods = 7\n[engine]\nmode = \"observe\"\nmax_running = 3\n",
        )
        .unwrap();
        let loaded = load(&Sources {
            file: Some(file.clone()),
            environment: BTreeMap::from([
                ("PILOTHOUSE_ENGINE_MODE".into(), "suggest".into()),
                ("PILOTHOUSE_ENGINE_MAX_RUNNING".into(), "4".into()),
            ]),
            flags: vec![("engine.mode", "--mode", "approve".into())],
            directory: directory.path().into(),
        })
        .unwrap();
        assert_eq!(loaded.settings.policy.max_pods, 7);
        assert_eq!(loaded.settings.engine.max_running, 4);
        assert_eq!(loaded.settings.engine.mode, Mode::Approve);
        assert_eq!(loaded.entries["policy.max_pods"].1, Origin::File(file, 2));
        assert_eq!(loaded.entries["engine.mode"].1, Origin::Flag("--mode"));
        assert_eq!(loaded.entries["policy.denied"].1, Origin::Default);
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line_and_a_suggestion() {
        let text = error("[engine]\nmode = \"approve\"\nmax_runing = 4\n");
        assert!(text.contains("config.toml:3: unknown key `engine.max_runing`"), "{text}");
        assert!(text.contains("did you mean `engine.max_running`?"), "{text}");
    }

    #[test]
    fn all_problems_are_told_at_once_each_with_its_line() {
        let text =
            error("[engine]\nmode = \"auto\"\n[webhook]\nlisten = \"nine\"\n[nonsense]\na = 1\n");
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(
            text.contains(":2: engine.mode: expected one of observe, suggest, approve"),
            "{text}"
        );
        assert!(text.contains(":4: webhook.listen: expected an address"), "{text}");
    }

    #[test]
    fn text_that_is_not_toml_is_an_error_with_its_line() {
        assert!(error("[engine]\nmode = \n").contains("config.toml:2: "));
    }

    #[test]
    fn a_secret_in_the_file_is_refused_and_one_from_the_environment_is_never_shown() {
        assert!(error("[webhook]\ntoken = \"hunter2\"\n").contains("does not belong in this file"));
        let loaded = with("", &[("PILOTHOUSE_WEBHOOK_TOKEN", "hunter2")]).unwrap();
        assert!(loaded.settings.webhook.token.is_set());
        assert!(!format!("{loaded:?}").contains("hunter2"));
    }

    #[test]
    fn listening_beyond_loopback_without_a_token_is_refused() {
        let open = "[webhook]\nlisten = \"0.0.0.0:9765\"\n";
        assert!(error(open).contains("callers need a token"));
        assert!(with(open, &[("PILOTHOUSE_WEBHOOK_TOKEN", "t")]).is_ok());
        assert!(with("[webhook]\nlisten = \"[::1]:9765\"\n", &[]).is_ok());
    }

    #[test]
    fn a_request_may_not_outlive_the_lease() {
        assert!(error("[engine]\nlease_ttl = \"10s\"\n").contains("must be less than"));
    }

    #[test]
    fn breakers_are_as_shipped_and_nonsense_in_them_is_named() {
        let loaded = with("", &[]).unwrap();
        for destination in Destination::ALL {
            let shipped = Limits::shipped(*destination);
            assert_eq!(loaded.settings.breaker(*destination), shipped, "{destination}");
        }
        let set = "[breakers.prometheus]\nfailure_rate = 30\nopen = \"4s\"\n";
        let limits = with(set, &[]).unwrap().settings.breaker(Destination::Prometheus);
        assert_eq!((limits.failure_percent, limits.open_s), (30, 4));
        let text = error("[breakers.cluster]\nopen = \"2m\"\nslow_after = \"10s\"\n");
        assert!(
            text.contains(":2: breakers.cluster.open: 120s is longer than open_most"),
            "{text}"
        );
        assert!(text.contains(":3: breakers.cluster.slow_after: no call takes 10s"), "{text}");
        assert!(error("[breakers.store]\nslow_rate = 0\n").contains("from 1 to 100"));
        let rare = "[alertmanager]\nurl = \"http://a:9093\"\npoll = \"5m\"\n";
        let stretched = with(rare, &[]).unwrap().settings.breaker(Destination::Alertmanager);
        assert_eq!(stretched.window_s, 4 * 300, "asked rarely, it looks back longer");
        let short = format!("{rare}[breakers.alertmanager]\nwindow = \"60s\"\n");
        assert!(error(&short).contains("it could never open"), "{}", error(&short));
        let quick = "[engine]\nrequest_timeout = \"4s\"\n";
        assert!(with(quick, &[]).is_ok(), "what is shipped is no mistake of the site");
    }

    #[test]
    fn the_variables_of_the_vector_database_and_the_model_work() {
        let loaded = with(
            "[vector_db.postgresql]\nhost = \"other\"\n",
            &[
                ("VECTOR_DB_HOST", "db"),
                ("VECTOR_DB_PORT", "6000"),
                ("VECTOR_DB_USER", "mira"),
                ("VECTOR_DB_DATABASE", "cases"),
                ("VECTOR_DB_PASSWORD", "s3cret"),
                ("SLM_ENDPOINT", "http://127.0.0.1:8080/v1"),
                ("SLM_PROVIDER", "ollama"),
                ("SLM_MODEL", "small"),
            ],
        )
        .unwrap();
        let vectors = &loaded.settings.vector_db;
        assert_eq!((vectors.host.as_str(), vectors.port), ("db", 6000));
        assert_eq!((vectors.user.as_str(), vectors.database.as_str()), ("mira", "cases"));
        assert!(vectors.password.is_set());
        assert_eq!(loaded.settings.slm.model, "small");
        assert!(!format!("{loaded:?}").contains("s3cret"));
        let text = error("[vector_db.postgresql]\nhost = \"db\"\ndatabase = \"cases\"\n");
        assert!(text.contains("vector_db.postgresql.user: who connects"), "{text}");
        let text = error("[vector_db.postgresql]\nuse_main_db = true\n");
        assert!(text.contains("is a file, which holds no vectors"), "{text}");
        let text = error("[vector_db.postgresql]\nuser = \"mira\"\n");
        assert!(text.contains("vector_db.postgresql.host: `user` is set, and no host"), "{text}");
        let bad = with("", &[("VECTOR_DB_PORT", "many")]).unwrap_err().to_string();
        assert!(bad.contains("environment VECTOR_DB_PORT"), "{bad}");
    }

    #[test]
    fn a_named_file_must_exist_and_an_unnamed_one_need_not() {
        let missing = Sources { file: Some("/nowhere/c.toml".into()), ..Sources::default() };
        assert!(load(&missing).unwrap_err().to_string().contains("/nowhere/c.toml: can't be read"));
        let home = tempfile::tempdir().unwrap();
        let environment = BTreeMap::from([("HOME".to_string(), home.path().display().to_string())]);
        let loaded = load(&Sources { environment, ..Sources::default() }).unwrap();
        let store = home.path().join(".local/state/pilothouse/pilothouse.db");
        assert_eq!(loaded.settings.store.path, store);
    }

    #[test]
    fn relative_paths_start_at_the_file_that_names_them() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.toml");
        std::fs::write(&file, "[templates]\ndirectory = \"mine\"\n").unwrap();
        let loaded = load(&Sources {
            file: Some(file),
            directory: "/elsewhere".into(),
            ..Sources::default()
        })
        .unwrap();
        assert_eq!(loaded.settings.templates_directory, Some(directory.path().join("mine")));
    }

    #[test]
    fn a_variable_that_sets_nothing_is_pointed_out() {
        let loaded = with("", &[("PILOTHOUSE_STORE_PAHT", "/x")]).unwrap();
        assert!(loaded.warnings[0].contains("PILOTHOUSE_STORE_PATH"), "{:?}", loaded.warnings);
    }

    #[test]
    fn the_example_file_holds_every_key_with_its_default() {
        let text = include_str!("../../config.example.toml");
        let items = read("config.example.toml", text, &|path| path == ALERTS_MATCH).unwrap();
        let written = items.iter().map(|item| item.path.as_str()).collect::<BTreeSet<_>>();
        let known = KEYS
            .iter()
            .filter(|key| key.kind != Kind::Secret)
            .map(|key| key.path)
            .collect::<BTreeSet<_>>();
        assert_eq!(written, known);
        for item in &items {
            let key = find(&item.path).unwrap();
            let default = key.kind.from_text(key.default).unwrap();
            assert_eq!(key.kind.from_toml(&item.value).unwrap(), default, "{}", item.path);
        }
    }
}
