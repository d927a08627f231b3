//! Reading the log without an engine.

use super::exit::{Exit, Failure};
use super::session::Session;
use crate::assemble::without_engine::{OpenLog, now, open_log};
use crate::domain::event::Recorded;
use crate::domain::id::{ClusterId, RemediationId};
use crate::domain::remediation::Remediation;
use crate::domain::report::{Context, Report};
use crate::domain::time::Timestamp;
use crate::engine::reader::{self, ReadError};
use crate::engine::snapshot::Snapshot;
use std::sync::Arc;

/// A store open for reading, and the cluster whose log is meant.
pub struct Log(OpenLog);

impl Session {
    /// Opens the log for reading.
    ///
    /// # Errors
    /// When there is none, or it can't be read.
    pub async fn log(&self) -> Result<Log, Failure> {
        let path = &self.settings().store.path;
        let is_file = self.settings().store.url.is_none();
        if is_file && !path.as_os_str().is_empty() && !path.exists() {
            return Err(Failure::unavailable(format!(
                "there is no store at {}: start `pilothouse` or `pilothouse engine`, or name it with --store",
                path.display()
            )));
        }
        open_log(self.settings()).await.map(Log).map_err(Failure::unavailable)
    }
}

impl Log {
    /// A log that is open.
    #[must_use]
    pub fn over(log: OpenLog) -> Self {
        Self(log)
    }

    /// The picture of the log.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn snapshot(&self) -> Result<Snapshot, Failure> {
        self.snapshot_at(now()).await
    }

    /// The picture of the log as seen at a moment.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn snapshot_at(&self, now: Timestamp) -> Result<Snapshot, Failure> {
        reader::snapshot(self.0.store.as_ref(), &self.0.cluster, now).await.map_err(failure)
    }

    /// Whose log it is.
    #[must_use]
    pub fn cluster(&self) -> ClusterId {
        self.0.cluster.clone()
    }

    /// Ids of all cases that were opened before the period's end, and are open or of which something happened since
    /// its start.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn ids_within(
        &self,
        (since, until): (Timestamp, Timestamp),
        head: u64,
    ) -> Result<Vec<RemediationId>, Failure> {
        let start = self.position_at(since, head).await?;
        let rows = reader::cases(self.0.store.as_ref(), &self.0.cluster).await.map_err(failure)?;
        let within = rows
            .into_iter()
            .filter(|row| row.opened_at < until && (row.live || row.last_seq > start));
        Ok(within.map(|row| row.id).collect())
    }

    /// Position of the last event before a moment. Times never go backwards in a log, so it is found by halving.
    ///
    /// # Errors
    /// When the log can't be read.
    pub async fn position_at(&self, moment: Timestamp, head: u64) -> Result<u64, Failure> {
        let (mut low, mut high) = (0, head);
        while low < high {
            let middle = low + (high - low) / 2;
            let earlier = match self.after(middle, 1).await?.first() {
                Some(recorded) => recorded.at < moment,
                None => false,
            };
            if earlier {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// One case by id or unique prefix.
    ///
    /// # Errors
    /// When there is none, or several.
    pub async fn find(&self, prefix: &str) -> Result<(Remediation, Vec<Recorded>), Failure> {
        reader::remediation(self.0.store.as_ref(), &self.0.cluster, prefix).await.map_err(failure)
    }

    /// One case by its whole id.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn case(&self, id: &RemediationId) -> Result<(Remediation, Vec<Recorded>), Failure> {
        reader::case(self.0.store.as_ref(), &self.0.cluster, id).await.map_err(failure)
    }

    /// Events after a position.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn after(&self, seq: u64, limit: u32) -> Result<Vec<Recorded>, Failure> {
        reader::after(self.0.store.as_ref(), &self.0.cluster, seq, limit).await.map_err(failure)
    }

    /// What was kept under a digest.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn blob(&self, digest: &str) -> Result<Option<Vec<u8>>, Failure> {
        reader::blob(self.0.store.as_ref(), digest).await.map_err(failure)
    }

    /// What was read for a diagnosis or a plan; `None` when it is kept no more.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn reads(&self, digest: &str) -> Result<Option<Vec<u8>>, Failure> {
        reader::reads(self.0.store.as_ref(), digest).await.map_err(failure)
    }

    /// One case as it was after these events of it.
    #[must_use]
    pub fn fold(&self, id: &RemediationId, events: &[Recorded]) -> Option<Remediation> {
        reader::fold(&self.0.cluster, id, events)
    }

    /// Walks the whole chain.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn audit(&self) -> Result<reader::Audit, Failure> {
        reader::audit(self.0.store.as_ref(), &self.0.cluster).await.map_err(failure)
    }

    /// What reports say beside the case.
    ///
    /// # Errors
    /// When the log can't be read.
    pub async fn context(&self, snapshot: &Snapshot) -> Result<Context, Failure> {
        let head = reader::head(self.0.store.as_ref(), &self.0.cluster).await.map_err(failure)?;
        Ok(Context {
            cluster_name: snapshot.cluster.clone(),
            simulated: snapshot.simulated.clone(),
            head: Some((head.seq, head.hash)),
            history: Arc::clone(&snapshot.history),
        })
    }

    /// The report of one case by id or unique prefix.
    ///
    /// # Errors
    /// When there is none, or it can't be read.
    pub async fn report(&self, prefix: &str) -> Result<Report, Failure> {
        let (case, events) = self.find(prefix).await?;
        let context = self.context(&self.snapshot().await?).await?;
        Ok(Report::of(&case, &events, &context))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn failure(error: ReadError) -> Failure {
    let exit = match &error {
        ReadError::NotFound(_) => Exit::NotFound,
        ReadError::Ambiguous { .. } => Exit::Usage,
        ReadError::Store(_) => Exit::Unavailable,
        ReadError::Event { .. } => Exit::Failed,
    };
    Failure::new(exit, error.to_string())
}
