//! Telling people: what is told, over which channel, what waits, what could not be told.
//!
//! ```text
//! event ─► Notice ─► routes ─► Noticed{to} ─► outbox ─► Message ─► Told{told | failed, again | dead}
//! ```
//!
//! Promises: what is to be told is in the log together with the fact itself, so nothing is told that is not durable,
//! and nothing is forgotten when a process dies; each notice has a number that stays the same however often it is
//! tried. All text is cleaned, redacted and bounded here, before any channel sees it.
//! Absent on purpose: answers. A message names the command that decides; nobody decides from a chat.

mod channel;
mod compose;
mod message;
mod notice;
mod outbox;
mod quiet;
mod routes;
mod shown;

pub use channel::{ChannelKind, ChannelName};
pub use compose::{expiring, of_event};
pub use message::{Item, Message};
pub use notice::{Addressed, Notice, Subject, Telling, Topic};
pub use outbox::{Dead, Outbox, Tally, Waiting, words};
pub use quiet::Quiet;
pub use routes::{Route, Routes, Rules};
pub use shown::{ChannelShown, DeadShown, Shown};
