//! The store of the settings.

use crate::adapters::database::address::{Address, Tls};
use crate::adapters::relay::SocketRelay;
use crate::adapters::store::memory::MemoryStore;
use crate::adapters::store::postgres::PostgresStore;
use crate::adapters::store::postgres::orders::DatabaseRelay;
use crate::adapters::store::sqlite::SqliteStore;
use crate::config::settings::Settings;
use crate::domain::id::ClusterId;
use crate::ports::clock::Clock;
use crate::ports::relay::Relay;
use crate::ports::store::Store;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;

/// Opens the store.
///
/// # Errors
/// Why it can't be used, and what to do.
pub async fn open_store(settings: &Settings, read_only: bool) -> Result<Arc<dyn Store>, String> {
    if let Some(database) = open_database(settings, read_only).await? {
        return Ok(database);
    }
    let path = &settings.store.path;
    if path.as_os_str().is_empty() {
        return Err("no place for the store: set store.path, XDG_STATE_HOME or HOME".into());
    }
    let opened = if read_only {
        SqliteStore::open_read_only(path).await
    } else {
        SqliteStore::open(path).await
    };
    opened.map(|store| Arc::new(store) as Arc<dyn Store>).map_err(|error| error.to_string())
}

/// Connects to the database of the settings; `None` when the store is a file.
///
/// # Errors
/// Why it can't be used, and what to do.
pub async fn open_database(
    settings: &Settings,
    existing: bool,
) -> Result<Option<Arc<PostgresStore>>, String> {
    let Some(address) = address(settings)? else { return Ok(None) };
    if !existing {
        // The engine's socket and log have their place there.
        beside(&settings.store.path)?;
    }
    let opened = if existing {
        PostgresStore::open_existing(&address).await
    } else {
        PostgresStore::open(&address).await
    };
    opened.map(|store| Some(Arc::new(store))).map_err(|error| error.to_string())
}

fn beside(path: &Path) -> Result<(), String> {
    match path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        Some(directory) => DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| format!("{} can't be made: {error}", directory.display())),
        None => Ok(()),
    }
}

pub(super) fn tls(word: &str) -> Tls {
    match word {
        "off" => Tls::Off,
        "auto" => Tls::Auto,
        // The word was checked; an unknown one is the safe one.
        _ => Tls::Verify,
    }
}

pub(super) fn address(settings: &Settings) -> Result<Option<Address>, String> {
    let store = &settings.store;
    let Some(url) = &store.url else { return Ok(None) };
    let tls = tls(&store.tls);
    Address::new(url, store.password.read()?.as_ref(), tls, store.ca_file.as_deref()).map(Some)
}

/// Where the store is, without secrets.
#[must_use]
pub fn place(settings: &Settings) -> String {
    match &settings.store.url {
        Some(url) => {
            let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
            format!("PostgreSQL {}{port}{}", url.host_str().unwrap_or("?"), url.path())
        }
        None => settings.store.path.display().to_string(),
    }
}

/// The OS user who owns the store: of a file its owner, of a database the user whose engine drives with it.
///
/// # Errors
/// When the file can't be looked at.
pub fn owner(settings: &Settings) -> Result<u32, String> {
    if settings.store.url.is_some() {
        return Ok(rustix::process::geteuid().as_raw());
    }
    let path = &settings.store.path;
    std::fs::metadata(path)
        .map(|found| found.uid())
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// A store in memory, for plays that leave nothing behind.
#[must_use]
pub fn memory_store(clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(clock))
}

/// The way to the engine that writes this store: through the database, else through the socket beside the file.
///
/// # Errors
/// When the database can't be reached, or it can't be told which cluster is meant.
pub async fn relay(settings: &Settings) -> Result<Arc<dyn Relay>, String> {
    let database = match open_database(settings, true).await? {
        Some(database) => {
            let cluster = cluster_of(settings, database.as_ref()).await?;
            Some((database, cluster))
        }
        None => None,
    };
    Ok(relay_to(settings, database))
}

pub(super) fn relay_to(
    settings: &Settings,
    database: Option<(Arc<PostgresStore>, ClusterId)>,
) -> Arc<dyn Relay> {
    match database {
        Some((database, cluster)) => Arc::new(DatabaseRelay::new(database, cluster)),
        None => Arc::new(SocketRelay { path: settings.socket_path() }),
    }
}

/// The cluster whose log is meant: the only one in the store, else the one that the kubeconfig names.
///
/// # Errors
/// When that can't be told.
pub async fn cluster_of(settings: &Settings, store: &dyn Store) -> Result<ClusterId, String> {
    let known = store.clusters().await.map_err(|error| error.to_string())?;
    match known.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err("the store holds nothing yet: no engine has written to it".into()),
        several => {
            let identity = super::real::identity(settings).await?;
            several.iter().find(|cluster| **cluster == identity.cluster).cloned().ok_or_else(|| {
                let name = &identity.name;
                format!(
                    "the store holds {} clusters, none is that of context {name}",
                    several.len()
                )
            })
        }
    }
}
