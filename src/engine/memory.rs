//! Memory: letting it follow the log, and asking it about a new case.
//!
//! Promises: memory decides nothing and delays nothing: a plan waits for it [`PATIENCE`] at most and says why it was not
//! asked. What memory has not seen yet waits in the log, however long it is away. A memory of another log (a store that
//! was made anew, or set back) is found by the hash of the last event that it saw, forgotten and built again.

use super::log::events_of;
use super::outside::Outside;
use super::reader::fold;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::envelope::{Envelope, Head};
use crate::domain::id::{ClusterId, RemediationId};
use crate::domain::memory::{LEAST, MOST, Recalled, Remembered, Similar, picture};
use crate::ports::memory::{MemoryError, Reached};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest that a plan waits for what memory says.
pub const PATIENCE: Duration = Duration::from_millis(50);
/// Events that it follows at a time.
const PAGE: u32 = 500;
/// Kind of the event that closes a case.
const CLOSED: &str = "closed";

/// How far memory came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// How far.
    pub reached: Reached,
    /// Whether the log may have more.
    pub more: bool,
}

/// Lets memory follow the log by one page.
///
/// # Errors
/// Why it can't, in words. Nothing is lost: it goes on where it was.
pub async fn follow(outside: &Outside, cluster: &ClusterId) -> Result<Followed, String> {
    let wrong = |error: MemoryError| error.to_string();
    let memory = outside.memory.as_ref();
    let reached = memory.reached(cluster).await.map_err(wrong)?;
    let known = reached.head.seq;
    let page = outside.store.read(cluster, known.saturating_sub(1), PAGE, None).await;
    let mut page = page.map_err(|error| format!("the log can't be read for it: {error}"))?;
    let full = page.len() >= PAGE as usize;
    if known > 0 {
        // The last one that it saw comes first again: is it the same log?
        if page.first().is_none_or(|first| first.seq != known || first.hash != reached.head.hash) {
            tracing::warn!(event = known, "memory is of another log: it is built again");
            memory.forget(cluster).await.map_err(wrong)?;
            let reached = Reached { head: Head::empty(), cases: 0 };
            return Ok(Followed { reached, more: true });
        }
        page.remove(0);
    }
    let Some(last) = page.last() else { return Ok(Followed { reached, more: false }) };
    let head = Head { seq: last.seq, hash: last.hash.clone() };
    let cases = closed(outside, cluster, &page).await?;
    let reached = memory.remember(cluster, &cases, &head).await.map_err(wrong)?;
    Ok(Followed { reached, more: full })
}

/// The cases that closed within these events, each as it was when it closed last.
async fn closed(
    outside: &Outside,
    cluster: &ClusterId,
    page: &[Envelope],
) -> Result<Vec<Remembered>, String> {
    let ended = page.iter().filter(|envelope| envelope.kind == CLOSED);
    let ended = ended.filter_map(|envelope| Some((envelope.subject.as_ref()?, envelope.seq)));
    let mut cases = Vec::new();
    for (id, seq) in ended.collect::<BTreeMap<_, _>>() {
        match events_of(outside.store.as_ref(), cluster, id).await {
            Ok(mut events) => {
                events.retain(|recorded| recorded.seq <= seq);
                let case = fold(cluster, id, &events);
                cases.extend(case.as_ref().and_then(Remembered::of));
            }
            Err(super::reader::ReadError::Store(error)) => {
                return Err(format!("the log can't be read for it: {error}"));
            }
            // It would stay unreadable; the others are worth remembering.
            Err(error) => tracing::warn!(remediation = %id, %error, "a case is not remembered"),
        }
    }
    Ok(cases)
}

/// What memory says of cases like this one, `but` which is the case itself.
pub async fn recall(
    outside: &Outside,
    cluster: &ClusterId,
    diagnosis: &Diagnosis,
    but: Option<&RemediationId>,
) -> Recalled {
    let (features, vector) = picture(diagnosis);
    let clock = outside.clock.clone();
    let found = tokio::select! {
        biased;
        found = outside.memory.similar(cluster, &vector, MOST, but) => found,
        () = clock.sleep(PATIENCE) => {
            Err(MemoryError::Away(format!("it did not answer within {} ms", PATIENCE.as_millis())))
        }
    };
    match found {
        Ok(found) => {
            let alike = found.cases.into_iter().filter(|(_, similarity)| *similarity >= LEAST);
            let alike = alike.map(|(case, similarity)| Similar::of(case, similarity, &features));
            Recalled { similar: alike.collect(), among: found.among, away: None }
        }
        Err(error) => Recalled { away: Some(error.to_string()), ..Recalled::default() },
    }
}
