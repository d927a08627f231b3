//! The way to the engine: for the console, for the endpoints, for the socket.

use super::command::{Command, Receipt, Refusal, Request};
use super::query::{Answer, Query};
use super::snapshot::Snapshot;
use crate::domain::principal::Principal;
use crate::domain::time::Timestamp;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// Requests waiting for the dispatcher. More are refused as `Unavailable`: a person's commands are few, and alerts
/// are durable before they get here.
pub const REQUEST_CAPACITY: usize = 256;

/// What goes to the dispatcher.
#[derive(Debug)]
pub enum ToEngine {
    /// A command.
    Command(Request, oneshot::Sender<Receipt>),
    /// A question, with who asks.
    Query(Query, Principal, oneshot::Sender<Answer>),
    /// Finish what is in hand to its safe point, give the leases back, end.
    HangUp(oneshot::Sender<()>),
}

/// A handle. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    to: mpsc::Sender<ToEngine>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Handle {
    /// Joins the two ends.
    #[must_use]
    pub fn new(to: mpsc::Sender<ToEngine>, snapshots: watch::Receiver<Arc<Snapshot>>) -> Self {
        Self { to, snapshots }
    }

    /// Snapshots as they come.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// The newest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// Sends a command and waits for its receipt.
    pub async fn command(
        &self,
        command: Command,
        by: Principal,
        not_after: Option<Timestamp>,
    ) -> Receipt {
        let (answer, receipt) = oneshot::channel();
        let request = Request { command, by, not_after };
        if self.to.try_send(ToEngine::Command(request, answer)).is_err() {
            return unavailable(
                "the engine takes no commands now (busy or ended); nothing was done",
            );
        }
        receipt.await.unwrap_or_else(|_| {
            unavailable(
                "the engine ended before it answered: look at the remediation to see what happened",
            )
        })
    }

    /// Asks a question.
    pub async fn query(&self, query: Query, by: Principal) -> Answer {
        let (answer, receiver) = oneshot::channel();
        if self.to.try_send(ToEngine::Query(query, by, answer)).is_err() {
            return Answer::Unavailable("the engine takes no questions now (busy or ended)".into());
        }
        receiver
            .await
            .unwrap_or_else(|_| Answer::Unavailable("the engine ended before it answered".into()))
    }

    /// Asks the engine to end at the safe point, and waits for it.
    pub async fn hang_up(&self) {
        let (answer, done) = oneshot::channel();
        if self.to.send(ToEngine::HangUp(answer)).await.is_ok() {
            let _ended = done.await;
        }
    }
}

fn unavailable(why: &str) -> Receipt {
    Receipt::Refused { refusal: Refusal::Unavailable, why: why.into() }
}
