//! The cluster.

use crate::domain::evidence::{Answer, Read};
use crate::domain::id::{AttemptId, ClusterId};
use crate::domain::operation::Operation;
use crate::domain::principal::KubeIdentity;
use crate::domain::time::Timestamp;
use crate::domain::workflow::execution::AttemptOutcome;
use std::time::Duration;

/// What is known of the cluster behind the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// uid of `kube-system`.
    pub cluster: ClusterId,
    /// Display name: the kubeconfig's context.
    pub name: String,
    /// API server's version.
    pub version: String,
    /// The credential's identity (SelfSubjectReview).
    pub user: KubeIdentity,
    /// Whether it is simulated.
    pub simulated: bool,
}

/// Why the cluster could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// No connection, timeout, 5xx, 429: ask again later.
    #[error("cluster unavailable: {0}")]
    Unavailable(String),
    /// 401 or 403.
    #[error("not permitted: {0}")]
    NotPermitted(String),
    /// The server said no for good: 404, 409, 422, …
    #[error("{0}")]
    Refused(String),
}

/// The right to send one operation once, until a deadline. Not cloneable; only `engine::executor` makes one, after
/// the intent is durable and the leases and the stop flag were checked.
#[derive(Debug)]
pub struct Permit {
    attempt: AttemptId,
    fence: u64,
    deadline: Duration,
}

impl Permit {
    /// Issues a permit. `deadline` is on the monotonic clock and lies before the end of the lease.
    pub(crate) fn issue(attempt: AttemptId, fence: u64, deadline: Duration) -> Self {
        Self { attempt, fence, deadline }
    }

    /// The attempt that it is for.
    #[must_use]
    pub fn attempt(&self) -> &AttemptId {
        &self.attempt
    }

    /// The fence of the lease it was issued under.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// When it ends, on the monotonic clock.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline
    }
}

/// What came of sending one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// What a program printed; empty: nothing, or there was none.
    pub output: Vec<u8>,
}

impl From<AttemptOutcome> for Sent {
    fn from(outcome: AttemptOutcome) -> Self {
        Self { outcome, output: Vec::new() }
    }
}

/// What a look at the object says about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It happened; where that is seen.
    Done(String),
    /// It did not happen; where that is seen.
    NotDone(String),
    /// It can't be told now (unreachable): ask again.
    Later(String),
    /// It can't be told at all.
    CantTell(String),
}

/// State of the Lease `pilothouse-engine` in namespace `pilothouse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseView {
    /// Who holds it; empty: nobody.
    pub holder: String,
    /// When the holder renewed it last (its own clock).
    pub renewed_at: Option<Timestamp>,
    /// How long it holds, in seconds.
    pub ttl_s: u64,
    /// Text of annotation `pilothouse.dev/stop`, if set: everything is stopped.
    pub stop: Option<String>,
    /// Changes with each write; to see, on one's own monotonic clock, whether the holder still renews.
    pub version: String,
}

/// Name of the Lease, and of the namespace it is in.
pub const LEASE_NAME: &str = "pilothouse-engine";
/// Namespace of the Lease.
pub const LEASE_NAMESPACE: &str = "pilothouse";
/// Annotation on the Lease that stops everything.
pub const STOP_ANNOTATION: &str = "pilothouse.dev/stop";

/// A Kubernetes cluster.
#[async_trait::async_trait]
pub trait Cluster: Send + Sync {
    /// Asks the cluster who it is and who we are.
    async fn identity(&self) -> Result<Identity, ClusterError>;
    /// Answers cluster reads (`Object`, `List`, `Events`, `Logs`). Objects come with `apiVersion` and `kind` set, and
    /// with Secret data and last-applied annotations taken out (keys stay, values become `<redacted>`).
    async fn read(&self, read: &Read) -> Answer;
    /// Server-side dry-run: the live object now, and the object as it would be; null where there is none. Both cleaned
    /// as in `read`. `None`: it can't be previewed.
    async fn preview(
        &self,
        operation: &Operation,
    ) -> Result<Option<(serde_json::Value, serde_json::Value)>, ClusterError>;
    /// Whether pods of this template would be admitted in that namespace (dry-run create): `Err(Refused)` with the
    /// server's words when not.
    async fn admits(
        &self,
        namespace: &str,
        pod_template: &serde_json::Value,
    ) -> Result<(), ClusterError>;
    /// Whether that person may do this operation (SubjectAccessReview): allowed, what was asked, the server's words.
    async fn can(
        &self,
        who: &KubeIdentity,
        operation: &Operation,
    ) -> Result<(bool, String, String), ClusterError>;
    /// Sends one operation. Re-reads the object, compares uid, touched fields and guards with the operation's `before`
    /// values, and patches under the read resourceVersion with the attempt's annotation in the same request. Deletes and
    /// evicts by uid; what is gone already is `SeenDone`. An eviction that a budget holds back is `Held`. Creates with the
    /// attempt's annotation, and takes back only what carries it.
    /// `NoAnswer` when the request may have reached the server and no answer came. Never sends after the permit's
    /// deadline.
    ///
    /// A program starts before the permit's deadline and runs on for its own time; one that ends with a code that is
    /// not success is `Failed`.
    async fn send(&self, permit: Permit, operation: &Operation) -> Sent;
    /// Looks whether an attempt happened.
    async fn probe(&self, attempt: &AttemptId, operation: &Operation) -> Probe;
    /// The Lease as it is; `None` when it does not exist.
    async fn lease(&self) -> Result<Option<LeaseView>, ClusterError>;
    /// Takes or renews the Lease for `holder` if it is free, ours, or `expected` is its version. Creates namespace and
    /// Lease when they don't exist. Keeps the stop annotation. `Refused` when somebody else was faster.
    async fn hold_lease(
        &self,
        holder: &str,
        ttl_s: u64,
        expected: Option<&str>,
    ) -> Result<LeaseView, ClusterError>;
    /// Gives the Lease back if `holder` holds it.
    async fn release_lease(&self, holder: &str) -> Result<(), ClusterError>;
    /// Sets (`Some(text)`) or lifts (`None`) the stop annotation, creating namespace and Lease when needed.
    async fn set_stop(&self, text: Option<&str>) -> Result<(), ClusterError>;
}
