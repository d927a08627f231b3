//! The memory of the settings.

use super::store::address as main_address;
use crate::adapters::database::address::{Address, Place};
use crate::adapters::memory::embedded::EmbeddedMemory;
use crate::adapters::memory::postgres::PostgresMemory;
use crate::config::settings::Settings;
use crate::domain::breaker::Destination;
use crate::ports::line::Lines;
use crate::ports::memory::Memory;
use std::sync::Arc;

/// Memory in the database of the settings, else in this process. Nothing is connected yet.
///
/// # Errors
/// When its password can't be read.
pub fn memory(settings: &Settings, lines: &Lines) -> Result<Arc<dyn Memory>, String> {
    let Some(address) = address(settings)? else {
        return Ok(Arc::new(EmbeddedMemory::default()));
    };
    Ok(Arc::new(PostgresMemory::new(&address, lines.to(Destination::VectorDb))))
}

/// Where it lies, without secrets; `None`: in this process.
#[must_use]
pub fn place(settings: &Settings) -> Option<String> {
    let set = &settings.vector_db;
    if !set.is_set() {
        return None;
    }
    if set.use_main_db {
        return Some(super::store::place(settings));
    }
    Some(format!("PostgreSQL {}:{}/{}", set.host, set.port, set.database))
}

fn address(settings: &Settings) -> Result<Option<Address>, String> {
    let set = &settings.vector_db;
    if !set.is_set() {
        return Ok(None);
    }
    if set.use_main_db {
        return main_address(settings);
    }
    let place = Place { host: &set.host, port: set.port, role: &set.user, database: &set.database };
    let tls = super::store::tls(&set.tls);
    let password = set.password.read()?;
    Ok(Some(Address::at(&place, password.as_ref(), tls, set.ca_file.as_deref())))
}
