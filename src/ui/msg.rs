//! What enters `update`, and what comes out of it.

use super::keymap::Press;
use crate::domain::id::{PlanDigest, RemediationId};
use crate::domain::time::Timestamp;
use crate::engine::command::{Command, Receipt};
use crate::engine::query::{Answer, Query};
use crate::engine::snapshot::Snapshot;
use std::sync::Arc;

/// Milliseconds on the console's own monotonic clock.
pub type Millis = u64;

/// How bad a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// What happens.
    Info,
    /// Detail.
    Debug,
}

impl Level {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// One line of the engine's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// How bad.
    pub level: Level,
    /// Where from.
    pub target: String,
    /// What.
    pub text: String,
}

/// What an answer or a receipt belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ticket {
    /// Checks for a card.
    Preflight(RemediationId, PlanDigest),
    /// One whole case with its events.
    Case(RemediationId),
    /// The event log.
    EventLog,
    /// A decision on a card.
    Decide(RemediationId, PlanDigest),
    /// Any other command, by its verb.
    Command(&'static str),
}

/// What the outside told the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The terminal is gone, or the process is asked to end.
    HangUp,
    /// The process was asked to stop (not by the Ctrl-Z key).
    Suspend,
    /// The process goes on after it was stopped.
    Continue,
}

/// Anything that enters the console.
#[derive(Debug, Clone)]
pub enum Msg {
    /// A key.
    Key(Press, Millis),
    /// Pasted text. Never a key, never a decision.
    Paste(String, Millis),
    /// The terminal has another size.
    Resize(u16, u16),
    /// A new picture.
    Snapshot(Arc<Snapshot>, Millis),
    /// An answer.
    Answer(Ticket, Box<Answer>, Millis),
    /// A receipt.
    Receipt(Ticket, Receipt, Millis),
    /// Lines of the engine's log.
    Logs(Vec<LogLine>),
    /// Time went on.
    Tick(Millis),
    /// From outside.
    Signal(Signal),
}

/// How the console was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// Nothing was under way.
    Quit,
    /// Work may be under way: the engine goes on to its safe point without a screen.
    HangUp,
}

/// What `update` wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a command.
    Send(Ticket, Command),
    /// Ask a question.
    Ask(Ticket, Query),
    /// Read the engine's log.
    ReadLogs,
    /// Put text into the clipboard of the terminal.
    Copy(String),
    /// Ring.
    Bell,
    /// Come back at this time.
    WakeAt(Millis),
    /// Draw everything anew.
    Redraw,
    /// Give the terminal back and stop the process until it is continued.
    Suspend,
    /// End.
    Leave(Leaving),
}
