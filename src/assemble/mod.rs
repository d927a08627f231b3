//! Ports and adapters put together: the only place that names both.
//!
//! Promises: no decisions here, only construction from settings; nothing is started but what `Running` owns.

pub mod demo;
pub mod doctor;
pub mod memory;
pub mod notify;
pub mod real;
pub mod running;
mod stage;
pub mod store;
pub mod without_engine;
