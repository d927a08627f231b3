//! The console: a picture of the engine's snapshot, and the way to decide.
//!
//! ```text
//! key ─► Intent ─► Msg ─► update(model, msg) ─► Effect ─► Command, Query ─► engine
//!                          └─► model ─► view ─► terminal                     │
//!          Msg ◄─ receipts, answers, snapshots ◄─────────────────────────────┘
//! ```
//!
//! Promises: `update` is the only consumer of messages; model, update and view neither lock nor wait; nothing is drawn
//! when nothing changed; what a key may decide is checked in one place (`model::gate`) and again by the engine.
//! Absent on purpose: business rules, the store, the cluster, ambient wall time.
//!
//! Reading order: `msg`, `intent`, `keymap`, `model`, `update`, `facts`, `screens`, `run`.

pub mod facts;
pub mod format;
pub mod glyphs;
pub mod input;
pub mod intent;
pub mod keymap;
pub mod model;
pub mod msg;
pub mod palette;
pub mod pulse;
pub mod run;
pub mod screens;
pub mod signals;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod widgets;

pub use msg::{Leaving, Level, LogLine};
pub use run::{Console, Options, run};
pub use terminal::preflight_terminal;
pub use theme::{Depth, ThemeChoice};
