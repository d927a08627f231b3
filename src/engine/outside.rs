//! Everything outside that jobs use, in one place; and reading until a pure function is satisfied.

use super::job::JobFailure;
use crate::domain::evidence::{Answer, Gathered, Progress, Read};
use crate::domain::policy::Policy;
use crate::domain::workflow::template::Library;
use crate::ports::advisor::Advisor;
use crate::ports::alerts::AlertSource;
use crate::ports::clock::Clock;
use crate::ports::cluster::Cluster;
use crate::ports::entropy::Entropy;
use crate::ports::line::Lines;
use crate::ports::memory::Memory;
use crate::ports::metrics::Metrics;
use crate::ports::store::{READS_LIMIT, Store};
use std::sync::Arc;
use std::time::Duration;

/// Rounds of reading that one diagnosis or plan may take.
pub const ROUNDS: usize = 12;
/// Reads under way at once for one job.
const READS_AT_ONCE: usize = 16;

/// The ports, and what does not change while the engine runs.
#[derive(Clone)]
pub struct Outside {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The cluster.
    pub cluster: Arc<dyn Cluster>,
    /// Metrics, where configured.
    pub metrics: Option<Arc<dyn Metrics>>,
    /// A source of alerts that is asked, where configured.
    pub alerts: Option<Arc<dyn AlertSource>>,
    /// A model that advises, where configured.
    pub advisor: Option<Arc<dyn Advisor>>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Past cases.
    pub memory: Arc<dyn Memory>,
    /// Templates.
    pub library: Arc<Library>,
    /// Rules.
    pub policy: Arc<Policy>,
    /// Longest that one request to the cluster may take.
    pub request_timeout: Duration,
    /// The lines on which the others are reached, each with its breaker.
    pub lines: Arc<Lines>,
}

impl Outside {
    /// Makes one read.
    pub async fn read(&self, read: &Read) -> Answer {
        match read {
            Read::Object(_)
            | Read::List { .. }
            | Read::PodsOn { .. }
            | Read::Events { .. }
            | Read::Logs { .. } => self.cluster.read(read).await,
            Read::Query { .. } | Read::Range { .. } => match &self.metrics {
                Some(metrics) => metrics.query(read).await,
                None => Answer::Unavailable("no Prometheus is configured".into()),
            },
            Read::Alerts { matching } => match &self.alerts {
                Some(source) => match source.firing().await {
                    Ok(alerts) => Answer::Alerts(
                        alerts
                            .into_iter()
                            .filter(|alert| {
                                matching
                                    .iter()
                                    .all(|(name, value)| alert.labels.get(name) == Some(value))
                            })
                            .collect(),
                    ),
                    Err(why) => Answer::Unavailable(why),
                },
                None => Answer::Unavailable("no Alertmanager is configured".into()),
            },
        }
    }

    /// Makes reads side by side and keeps the answers.
    pub async fn gather(&self, reads: Vec<Read>, gathered: &mut Gathered) {
        let mut rest = reads;
        while !rest.is_empty() {
            let tail = rest.split_off(rest.len().min(READS_AT_ONCE));
            let batch = std::mem::replace(&mut rest, tail);
            let answers = futures::future::join_all(batch.iter().map(|read| self.read(read))).await;
            gathered.answers.extend(batch.into_iter().zip(answers));
        }
    }

    /// Has the store keep what was read, so that the case can be recorded later. Where that fails, the work goes on
    /// without: nothing depends on it.
    pub async fn keep(&self, gathered: &Gathered) -> Option<String> {
        let bytes = serde_json::to_vec(&gathered.clone().without_secrets()).ok()?;
        if bytes.len() > READS_LIMIT {
            tracing::info!(bytes = bytes.len(), "what was read is too large to be kept");
            return None;
        }
        match self.store.put_reads(&bytes).await {
            Ok(digest) => Some(digest),
            Err(error) => {
                tracing::warn!(%error, "what was read is not kept");
                None
            }
        }
    }

    /// Reads what a pure function asks for until it is ready.
    ///
    /// # Errors
    /// What the function says, or that it was not satisfied after [`ROUNDS`] rounds.
    pub async fn until_ready<T>(
        &self,
        gathered: &mut Gathered,
        mut step: impl FnMut(&Gathered) -> Result<Progress<T>, JobFailure>,
    ) -> Result<T, JobFailure> {
        for _ in 0..=ROUNDS {
            match step(gathered)? {
                Progress::Ready(value) => return Ok(value),
                Progress::Need(reads) => {
                    let fresh = reads
                        .into_iter()
                        .filter(|read| !gathered.answers.contains_key(read))
                        .collect::<Vec<_>>();
                    if fresh.is_empty() {
                        break;
                    }
                    self.gather(fresh, gathered).await;
                }
            }
        }
        let why = format!("still not enough was read after {ROUNDS} rounds");
        Err(JobFailure { why, retryable: false })
    }
}

/// The first object or list that could not be had because the cluster did not answer.
#[must_use]
pub fn silence(gathered: &Gathered) -> Option<String> {
    gathered.answers.iter().find_map(|(read, answer)| match (read, answer) {
        (Read::Object(_) | Read::List { .. } | Read::PodsOn { .. }, Answer::Unavailable(why)) => {
            Some(format!("the cluster did not answer: {why}"))
        }
        (
            Read::Object(_)
            | Read::List { .. }
            | Read::PodsOn { .. }
            | Read::Events { .. }
            | Read::Logs { .. }
            | Read::Query { .. }
            | Read::Range { .. }
            | Read::Alerts { .. },
            _,
        ) => None,
    })
}
