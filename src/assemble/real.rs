//! The engine on a real cluster.

use super::memory;
use super::running::Running;
use super::store::{open_database, open_store, owner, place, relay_to};
use crate::adapters::alertmanager::Alertmanager;
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::SystemEntropy;
use crate::adapters::kube::{KubeCluster, KubeOptions};
use crate::adapters::llm::{Llm, LlmOptions, Provider};
use crate::adapters::prometheus::Prometheus;
use crate::adapters::store::guarded::{GuardedDesk, GuardedStore};
use crate::config::settings::Settings;
use crate::domain::breaker::Destination;
use crate::domain::id::ClusterId;
use crate::domain::policy::{Grant, Policy};
use crate::domain::principal::KubeIdentity;
use crate::domain::workflow::template::Library;
use crate::engine::core::Settings as CoreSettings;
use crate::engine::dispatcher::{Dispatcher, Options};
use crate::engine::outside::Outside;
use crate::ports::advisor::Advisor;
use crate::ports::alerts::AlertSource;
use crate::ports::clock::Clock;
use crate::ports::cluster::{Cluster, Identity};
use crate::ports::desk::Desk;
use crate::ports::entropy::Entropy;
use crate::ports::line::Lines;
use crate::ports::metrics::Metrics;
use crate::ports::store::Store;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Longest wait for Prometheus and Alertmanager.
const HTTP_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest template file of a site.
const TEMPLATE_LIMIT: u64 = 256 * 1024;

/// Connects to the cluster of the settings. The API server is not asked yet.
///
/// # Errors
/// What is wrong with the kubeconfig.
pub async fn connect(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    lines: &Lines,
) -> Result<Arc<dyn Cluster>, String> {
    let options = KubeOptions {
        kubeconfig: settings.cluster.kubeconfig.clone(),
        context: settings.cluster.context.clone(),
        timeout: Duration::from_secs(settings.engine.request_timeout_s),
        lease_namespace: settings.engine.lease_namespace.clone(),
        lease_name: settings.engine.lease_name.clone(),
        ..KubeOptions::default()
    };
    let line = lines.to(Destination::Cluster);
    let kube = KubeCluster::connect(options, clock, line).await;
    Ok(Arc::new(kube.map_err(|error| error.to_string())?))
}

/// Who the cluster of the settings is, and who we are to it.
///
/// # Errors
/// Why it can't be asked.
pub async fn identity(settings: &Settings) -> Result<Identity, String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let lines = Lines::shipped(&clock);
    connect(settings, clock, &lines).await?.identity().await.map_err(|error| error.to_string())
}

/// The Kubernetes identity of the caller's own credential; `None` when it can't be asked.
pub async fn own_identity(settings: &Settings) -> Option<KubeIdentity> {
    identity(settings).await.ok().map(|identity| identity.user)
}

/// Prometheus of the settings.
///
/// # Errors
/// What is wrong with its address or token.
pub fn metrics(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    lines: &Lines,
) -> Result<Option<Arc<dyn Metrics>>, String> {
    let Some(url) = &settings.prometheus.url else { return Ok(None) };
    let token = settings.prometheus.token.read()?;
    let client =
        Prometheus::new(url, token, HTTP_TIMEOUT, clock, lines.to(Destination::Prometheus))?;
    Ok(Some(Arc::new(client)))
}

/// Alertmanager of the settings.
///
/// # Errors
/// What is wrong with its address or token.
pub fn alert_source(
    settings: &Settings,
    lines: &Lines,
) -> Result<Option<Arc<dyn AlertSource>>, String> {
    let Some(url) = &settings.alertmanager.url else { return Ok(None) };
    let token = settings.alertmanager.token.read()?;
    let line = lines.to(Destination::Alertmanager);
    Ok(Some(Arc::new(Alertmanager::new(url, token, HTTP_TIMEOUT, line)?)))
}

/// The model of the settings.
///
/// # Errors
/// What is wrong with its address or token.
pub fn advisor(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    lines: &Lines,
) -> Result<Option<Arc<dyn Advisor>>, String> {
    let Some(endpoint) = settings.slm.endpoint.clone() else { return Ok(None) };
    let slm = &settings.slm;
    let options = LlmOptions {
        endpoint,
        provider: Provider::from_word(&slm.provider),
        model: slm.model.clone(),
        token: slm.token.read()?,
        whole: Duration::from_secs(slm.timeout_s),
        first_word: Duration::from_secs(slm.first_word_s.min(slm.timeout_s)),
        max_tokens: slm.max_tokens,
        budget: slm.budget,
    };
    Ok(Some(Arc::new(Llm::new(options, clock, lines.to(Destination::Model))?)))
}

/// Lines to the destinations of the settings, each with its breaker.
fn lines(settings: &Settings, entropy: &dyn Entropy, clock: &Arc<dyn Clock>) -> Lines {
    let bytes = entropy.bytes();
    let seed = bytes.iter().fold(0_u64, |seed, byte| seed.rotate_left(8) ^ u64::from(*byte));
    let without_secrets = |url: &url::Url| {
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or("?"))
    };
    let mut used = BTreeMap::from([
        (Destination::Cluster, settings.cluster.context.clone().unwrap_or_default()),
        (Destination::Store, place(settings)),
    ]);
    let urls = [
        (Destination::Prometheus, &settings.prometheus.url),
        (Destination::Alertmanager, &settings.alertmanager.url),
        (Destination::Model, &settings.slm.endpoint),
    ];
    for (destination, url) in urls {
        used.extend(url.as_ref().map(|url| (destination, without_secrets(url))));
    }
    used.extend(memory::place(settings).map(|place| (Destination::VectorDb, place)));
    used.extend(super::notify::places(settings));
    Lines::new(|destination| settings.breaker(destination), &used, seed, clock)
}

/// Shipped templates, those of the site, and its definitions of actions.
///
/// # Errors
/// When a directory of the site can't be read. What does not load is in the library's problems.
pub fn library(settings: &Settings) -> Result<Library, String> {
    let templates = texts(settings.templates_directory.as_deref(), "templates")?;
    let definitions = texts(settings.actions_directory.as_deref(), "definitions of actions")?;
    Ok(Library::load_with(&templates, &definitions, &settings.actions_images))
}

/// File and text of each YAML file of a directory, in the order of their names.
fn texts(directory: Option<&Path>, what: &str) -> Result<Vec<(String, String)>, String> {
    let Some(directory) = directory else { return Ok(Vec::new()) };
    let wrong = |error: std::io::Error| format!("{what} in {}: {error}", directory.display());
    let mut files = std::fs::read_dir(directory)
        .map_err(wrong)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml"))
        .collect::<Vec<_>>();
    files.sort();
    let mut texts = Vec::new();
    for file in files {
        let length = std::fs::metadata(&file).map_err(wrong)?.len();
        if length > TEMPLATE_LIMIT {
            return Err(format!("{}: {length} bytes are too many for one file", file.display()));
        }
        let text = std::fs::read_to_string(&file).map_err(wrong)?;
        texts.push((file.display().to_string(), text));
    }
    Ok(texts)
}

/// Starts the engine of the settings. `grants` are those of the roles file.
///
/// # Errors
/// What can't be had, and what to do.
pub fn engine(
    settings: &Settings,
    grants: Option<BTreeMap<String, Vec<Grant>>>,
    version: &str,
    runtime: Arc<Runtime>,
) -> Result<Running, String> {
    #[cfg(debug_assertions)]
    if let Ok(point) = std::env::var("PILOTHOUSE_TEST_CRASH") {
        crate::engine::crash::arm(&point);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (dispatcher, handle) = runtime.block_on(prepare(settings, grants, version, clock))?;
    Ok(Running::start(runtime, dispatcher, handle))
}

async fn prepare(
    settings: &Settings,
    grants: Option<BTreeMap<String, Vec<Grant>>>,
    version: &str,
    clock: Arc<dyn Clock>,
) -> Result<(Dispatcher, crate::engine::handle::Handle), String> {
    let lines = Arc::new(lines(settings, &SystemEntropy, &clock));
    let database = open_database(settings, false).await?;
    let inner: Arc<dyn Store> = match &database {
        Some(database) => database.clone(),
        None => open_store(settings, false).await?,
    };
    let store: Arc<dyn Store> = Arc::new(GuardedStore::new(inner, lines.to(Destination::Store)));
    let cluster = connect(settings, clock.clone(), &lines).await?;
    let (id, name) = pinned(settings, cluster.as_ref(), store.as_ref()).await?;
    let policy = Arc::new(settings.policy(grants, owner(settings)?));
    let desk = database.clone().map(|database| {
        Arc::new(GuardedDesk::new(database, lines.to(Destination::Store))) as Arc<dyn Desk>
    });
    let relay = relay_to(settings, database.map(|database| (database, id.clone())));
    let kind = if desk.is_some() { Kind::Shared } else { Kind::Own };
    let telling = super::notify::channels(settings, &clock, &lines)?;
    let outside = Outside {
        metrics: metrics(settings, clock.clone(), &lines)?,
        alerts: alert_source(settings, &lines)?,
        advisor: advisor(settings, clock.clone(), &lines)?,
        memory: memory::memory(settings, &lines)?,
        library: Arc::new(library(settings)?),
        entropy: Arc::new(SystemEntropy),
        request_timeout: Duration::from_secs(settings.engine.request_timeout_s),
        policy: policy.clone(),
        clock,
        cluster,
        store,
        lines,
    };
    let routes = Arc::new(settings.notify.routes.clone());
    let options = Options {
        channels: telling,
        settings: CoreSettings { routes, ..core_settings(id, name, policy, kind) },
        holder: holder(outside.entropy.as_ref()),
        version: version.into(),
        lease_ttl_s: settings.engine.lease_ttl_s,
        poll_alerts_s: settings
            .alertmanager
            .url
            .as_ref()
            .map_or(0, |_| settings.alertmanager.poll_s),
        relay: Some(relay),
        desk,
        simulated: None,
        speed: 1,
    };
    Ok(Dispatcher::new(outside, options))
}

/// What an engine's log and cluster are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A real cluster, and a store that one person can write.
    Own,
    /// A real cluster, and a store that proves people apart.
    Shared,
    /// A simulated cluster.
    Simulated,
}

pub(super) fn core_settings(
    cluster: ClusterId,
    name: String,
    policy: Arc<Policy>,
    kind: Kind,
) -> CoreSettings {
    let (two_people, simulated) = (kind == Kind::Shared, kind == Kind::Simulated);
    CoreSettings { cluster, name, policy, two_people, simulated, routes: Arc::default() }
}

/// The cluster that this process is for. When it does not answer, the only one that the store knows is meant: the
/// console opens on its log, and the engine drives once that same cluster answers.
async fn pinned(
    settings: &Settings,
    cluster: &dyn Cluster,
    store: &dyn Store,
) -> Result<(ClusterId, String), String> {
    match cluster.identity().await {
        Ok(identity) => Ok((identity.cluster, identity.name)),
        Err(error) => {
            let known = store.clusters().await.map_err(|error| error.to_string())?;
            let name = settings.cluster.context.clone().unwrap_or_else(|| "(unreachable)".into());
            match known.as_slice() {
                [only] => Ok((only.clone(), name)),
                [] | [..] => Err(format!(
                    "the cluster does not answer ({error}), and the store does not say which one is meant: \
                     try `pilothouse doctor`"
                )),
            }
        }
    }
}

/// Host, process and something random: no two engines have the same name, not even after a reboot.
fn holder(entropy: &dyn Entropy) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let random = crate::domain::id::RemediationId::from_random(entropy.bytes());
    let tail = random.as_str().get(..6).unwrap_or_default();
    format!("{host}/{}/{tail}", std::process::id())
}
