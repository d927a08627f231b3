//! What a verb may do when no engine answers: read the log, put alerts into the inbox, stop everything, write reports.

use super::real::connect;
use super::store::{cluster_of, open_store};
use crate::adapters::clock::SystemClock;
use crate::adapters::sink::DirectorySink;
use crate::adapters::ssh_keygen::SshKeygen;
use crate::config::settings::Settings;
use crate::domain::alert::Alert;
use crate::domain::id::ClusterId;
use crate::ports::clock::Clock;
use crate::ports::cluster::Cluster;
use crate::ports::line::Lines;
use crate::ports::signer::Signer as _;
use crate::ports::sink::Sink;
use crate::ports::store::{InboxItem, StopFlag, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log open for reading.
pub struct OpenLog {
    /// Its store.
    pub store: Arc<dyn Store>,
    /// Whose log.
    pub cluster: ClusterId,
}

/// Opens the log for reading.
///
/// # Errors
/// When the store can't be read, or it can't be told which cluster is meant.
pub async fn open_log(settings: &Settings) -> Result<OpenLog, String> {
    let store = open_store(settings, true).await?;
    let cluster = cluster_of(settings, store.as_ref()).await?;
    Ok(OpenLog { store, cluster })
}

/// The log of a store that holds one cluster's only.
///
/// # Errors
/// When the store can't be read, or holds the logs of none or of several.
pub async fn only_log(store: Arc<dyn Store>) -> Result<OpenLog, String> {
    let clusters = store.clusters().await.map_err(|error| error.to_string())?;
    match clusters.as_slice() {
        [cluster] => Ok(OpenLog { cluster: cluster.clone(), store }),
        others => Err(format!("the store holds the logs of {} clusters, not of one", others.len())),
    }
}

/// The cluster that is meant, also when the store has no log of it yet.
async fn meant(settings: &Settings, store: &dyn Store) -> Result<ClusterId, String> {
    match cluster_of(settings, store).await {
        Ok(cluster) => Ok(cluster),
        Err(unknown) => match super::real::identity(settings).await {
            Ok(identity) => Ok(identity.cluster),
            Err(why) => Err(format!("{unknown}; and the cluster can't be asked: {why}")),
        },
    }
}

/// Puts alerts into the inbox, durably: the next engine on this store takes them.
///
/// # Errors
/// When the store can't be written, or it can't be told which cluster is meant.
pub async fn hand_in(settings: &Settings, alerts: Vec<Alert>) -> Result<(), String> {
    let store = open_store(settings, false).await?;
    let cluster = meant(settings, store.as_ref()).await?;
    let items = alerts.into_iter().map(InboxItem::Alert).collect();
    store.put(&cluster, items).await.map(|_| ()).map_err(|error| error.to_string())
}

/// What became of a stop at each of the two places that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopSet {
    /// The flag in the store: every engine on it stops.
    pub store: Result<(), String>,
    /// The annotation on the Lease: every engine of the cluster stops, whatever its store.
    pub lease: Result<(), String>,
}

/// Sets the stop in the store and on the Lease, each whatever becomes of the other.
pub async fn stop(settings: &Settings, by: &str, reason: &str) -> StopSet {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let since = clock.now();
    let store = async {
        let store = open_store(settings, false).await?;
        let cluster = meant(settings, store.as_ref()).await?;
        let flag = StopFlag { by: by.into(), reason: reason.into(), since };
        store.set_stop(&cluster, &flag).await.map_err(|error| error.to_string())
    };
    let lease = stop_lease(settings, clock.clone(), by, reason);
    let (store, lease) = tokio::join!(store, lease);
    StopSet { store, lease }
}

async fn stop_lease(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    by: &str,
    reason: &str,
) -> Result<(), String> {
    let cluster: Arc<dyn Cluster> = {
        let lines = Lines::shipped(&clock);
        connect(settings, clock, &lines).await?
    };
    let text = format!("{by}: {reason}");
    cluster.set_stop(Some(&text)).await.map_err(|error| error.to_string())
}

/// Writes one report file, below `directory` or where the settings say.
///
/// # Errors
/// What failed, where, and what to do.
pub fn write_report(
    settings: &Settings,
    directory: Option<&Path>,
    name: &str,
    bytes: &[u8],
) -> Result<PathBuf, String> {
    let export = &settings.report_export;
    let base = directory.unwrap_or(&export.base_directory);
    if base.as_os_str().is_empty() {
        return Err(
            "no place for reports: give --to DIR or set report_export.base_directory".into()
        );
    }
    let sink = DirectorySink {
        base: base.to_path_buf(),
        create: export.create_directories,
        dir_mode: export.dir_mode,
        file_mode: export.file_mode,
    };
    sink.write(name, bytes)
}

/// Signs a report with an SSH key, and returns the signature's file.
///
/// # Errors
/// What failed, and what to do.
pub fn sign_report(key: &Path, bytes: &[u8]) -> Result<Vec<u8>, String> {
    SshKeygen { program: "ssh-keygen".into(), key: key.to_path_buf() }.sign(bytes)
}

/// The wall clock, for what names a time at the edge.
#[must_use]
pub fn now() -> crate::domain::time::Timestamp {
    SystemClock::start().now()
}
