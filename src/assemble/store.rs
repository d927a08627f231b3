//! The store of the settings.

use crate::adapters::relay::SocketRelay;
use crate::adapters::store::memory::MemoryStore;
use crate::adapters::store::sqlite::SqliteStore;
use crate::config::settings::Settings;
use crate::domain::id::ClusterId;
use crate::ports::clock::Clock;
use crate::ports::relay::Relay;
use crate::ports::store::Store;
use std::sync::Arc;

/// Opens the store.
///
/// # Errors
/// Why it can't be used, and what to do.
pub async fn open_store(settings: &Settings, read_only: bool) -> Result<Arc<dyn Store>, String> {
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

/// A store in memory, for plays that leave nothing behind.
#[must_use]
pub fn memory_store(clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(clock))
}

/// The way to the engine that writes this store.
#[must_use]
pub fn relay(settings: &Settings) -> Arc<dyn Relay> {
    Arc::new(SocketRelay { path: settings.socket_path() })
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
