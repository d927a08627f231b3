//! Executing: the one place that issues permits and sends.

use super::crash;
use super::job::{Looked, Sending};
use super::outside::Outside;
use crate::domain::evidence::{Answer, Gathered, Read, logs_of_listed, logs_said};
use crate::domain::expr;
use crate::domain::operation::{Operation, Silence};
use crate::domain::text::{redact, shorten};
use crate::domain::time::{Timestamp, rfc3339};
use crate::domain::workflow::execution::AttemptOutcome;
use crate::domain::workflow::plan::Condition;
use crate::ports::cluster::{ClusterError, Permit, Probe, Sent};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// By what right this engine sends: its leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Name under which it holds the Lease.
    pub holder: String,
    /// Fence of the store's lease.
    pub fence: u64,
    /// Until when both leases hold, on the monotonic clock.
    pub until: Duration,
}

/// Part of the lease that is kept as a margin: nothing is sent in it.
const MARGIN: Duration = Duration::from_millis(200);

const NO_ALERTMANAGER: &str = "no Alertmanager is configured (alertmanager.url)";

/// Sends one operation, or says why not. What needs no permit (collecting) is done at once.
pub async fn send(
    outside: &Outside,
    standing: Option<&Standing>,
    sending: &Sending,
) -> AttemptOutcome {
    if let Operation::Collect { reads, logs } = &sending.operation {
        return collect(outside, reads, *logs).await;
    }
    if let Operation::Await(condition) = &sending.operation {
        return awaited(outside, condition).await;
    }
    let refused = |why: String| AttemptOutcome::Refused { why, retryable: true, passing: None };
    let Some(standing) = standing else {
        return refused("this engine does not hold the leases".into());
    };
    match outside.cluster.lease().await {
        Ok(Some(lease)) if lease.stop.is_some() => return refused("everything is stopped".into()),
        Ok(Some(lease)) if lease.holder == standing.holder => {}
        Ok(Some(lease)) => {
            return refused(format!("the cluster's Lease is held by {}", lease.holder));
        }
        Ok(None) => return refused("the cluster's Lease is gone".into()),
        // Nothing was sent, and waiting uses up no try.
        Err(ClusterError::Unavailable(why)) => {
            return AttemptOutcome::Held { why: format!("the cluster does not answer: {why}") };
        }
        Err(error @ (ClusterError::NotPermitted(_) | ClusterError::Refused(_))) => {
            return refused(format!("the Lease can't be read: {error}"));
        }
    }
    let now = outside.clock.monotonic();
    let deadline = standing.until.saturating_sub(MARGIN).min(now + outside.request_timeout);
    if now >= deadline {
        return refused("the lease is about to lapse".into());
    }
    if let Operation::Silence(silence) = &sending.operation {
        return match &outside.alerts {
            Some(source) => {
                crash::point("before send");
                source.silence(silence, &sending.attempt, outside.clock.now()).await
            }
            None => AttemptOutcome::Refused {
                why: NO_ALERTMANAGER.into(),
                retryable: false,
                passing: None,
            },
        };
    }
    let permit = Permit::issue(sending.attempt.clone(), standing.fence, deadline);
    crash::point("before send");
    let sent = outside.cluster.send(permit, &sending.operation).await;
    crash::point("after send");
    keep(outside, sent).await
}

/// Keeps what a program printed. That it could not be kept changes nothing about how it ended.
async fn keep(outside: &Outside, sent: Sent) -> AttemptOutcome {
    if sent.output.is_empty() {
        return sent.outcome;
    }
    let words = match outside.store.put_blob(&sent.output).await {
        Ok(digest) => format!("output of {} bytes kept as blob {digest}", sent.output.len()),
        Err(error) => format!("its output could not be kept: {error}"),
    };
    let with = |text: String| {
        if text.is_empty() { words.clone() } else { format!("{text}; {words}") }
    };
    match sent.outcome {
        AttemptOutcome::Applied { note } => AttemptOutcome::Applied { note: with(note) },
        AttemptOutcome::Failed { why } => AttemptOutcome::Failed { why: with(why) },
        AttemptOutcome::NoAnswer { why } => AttemptOutcome::NoAnswer { why: with(why) },
        other @ (AttemptOutcome::SeenDone { .. }
        | AttemptOutcome::SeenNotDone { .. }
        | AttemptOutcome::Refused { .. }
        | AttemptOutcome::Held { .. }
        | AttemptOutcome::CantTell { .. }) => other,
    }
}

/// Looks whether an attempt happened. What changes nothing is simply done again.
pub async fn probe(outside: &Outside, sending: &Sending) -> Probe {
    match &sending.operation {
        Operation::Await(_) | Operation::Collect { .. } => {
            Probe::NotDone("reading may be done again".into())
        }
        Operation::Silence(silence) => probe_silence(outside, sending, silence).await,
        Operation::Patch { .. }
        | Operation::Delete { .. }
        | Operation::Evict { .. }
        | Operation::Create { .. }
        | Operation::Unmake { .. }
        | Operation::Rotate(_)
        | Operation::Exec(_) => outside.cluster.probe(&sending.attempt, &sending.operation).await,
    }
}

/// Looks at Alertmanager whether a silence was made, or those that were made have ended.
async fn probe_silence(outside: &Outside, sending: &Sending, silence: &Silence) -> Probe {
    let Some(source) = &outside.alerts else { return Probe::CantTell(NO_ALERTMANAGER.into()) };
    let own = std::slice::from_ref(&sending.attempt);
    let mut found = Vec::new();
    for attempt in if silence.ends { &silence.made_by } else { own } {
        match source.silences_of(attempt).await {
            Ok(some) => found.extend(some),
            Err(why) => return Probe::Later(why),
        }
    }
    match (found.first(), silence.ends) {
        (Some(id), false) => Probe::Done(format!("silence {id} carries this attempt's id")),
        (None, false) => Probe::NotDone("no silence carries this attempt's id".into()),
        (Some(id), true) => Probe::NotDone(format!("silence {id} is still in force")),
        (None, true) => Probe::Done("the silence has ended".into()),
    }
}

/// Looks whether it holds. That it does not yet is no failure: it is looked at again until the step's time is over.
async fn awaited(outside: &Outside, condition: &Condition) -> AttemptOutcome {
    match look(outside, condition, outside.clock.now()).await {
        Looked::Holds(note) => AttemptOutcome::Applied { note },
        Looked::NotYet(seen) => AttemptOutcome::Held {
            why: format!("it is not so yet that {}: {seen}", condition.describe),
        },
        Looked::Unavailable(why) => AttemptOutcome::Held { why },
        Looked::Fails(why) => AttemptOutcome::Refused { why, retryable: false, passing: None },
    }
}

/// Reads and keeps as a blob, whatever can be read.
async fn collect(outside: &Outside, reads: &[Read], logs: u32) -> AttemptOutcome {
    let mut gathered = Gathered::default();
    outside.gather(reads.to_vec(), &mut gathered).await;
    if logs > 0 {
        outside.gather(logs_of_listed(&gathered, logs), &mut gathered).await;
    }
    let missing = gathered
        .answers
        .values()
        .filter(|answer| matches!(answer, Answer::NotPermitted(_) | Answer::Unavailable(_)))
        .count();
    let gathered = gathered.without_secrets();
    let bytes = match serde_json::to_vec(&gathered) {
        Ok(bytes) => bytes,
        Err(error) => {
            let why = format!("what was read has no JSON form: {error}");
            return AttemptOutcome::Refused { why, retryable: false, passing: None };
        }
    };
    match outside.store.put_blob(&bytes).await {
        Ok(digest) => {
            let all = gathered.answers.len();
            let mut note = format!("{} of {all} reads kept as blob {digest}", all - missing);
            note.extend(logs_said(&gathered).map(|words| format!("; {words}")));
            if let Some(words) = last_words(&gathered).filter(|_| logs > 0) {
                note = format!("{note}; it printed at the end: {words}");
            }
            AttemptOutcome::Applied { note }
        }
        Err(error) => {
            AttemptOutcome::Refused { why: error.to_string(), retryable: true, passing: None }
        }
    }
}

/// The last line of the logs that were read.
fn last_words(gathered: &Gathered) -> Option<String> {
    let mut texts = gathered.answers.values().filter_map(|answer| match answer {
        Answer::Text(text) => Some(text.as_str()),
        Answer::Object(_)
        | Answer::Items { .. }
        | Answer::Series(_)
        | Answer::Alerts(_)
        | Answer::NotFound
        | Answer::NotPermitted(_)
        | Answer::Unavailable(_) => None,
    });
    let line = texts.find_map(|text| text.lines().rev().find(|line| !line.trim().is_empty()))?;
    Some(shorten(&redact(line.trim()), 160))
}

/// Looks at a condition.
pub async fn look(outside: &Outside, condition: &Condition, since: Timestamp) -> Looked {
    crash::point("look");
    let key = &condition.object;
    let read = match &condition.labels {
        None => Read::Object(key.clone()),
        Some(labels) => Read::List {
            api_version: key.api_version.clone(),
            kind: key.kind.clone(),
            namespace: key.namespace.clone(),
            labels: labels.clone(),
        },
    };
    let (name, value, seen) = match outside.read(&read).await {
        Answer::Object(object) => {
            let seen = seen(&object);
            ("object", object, seen)
        }
        Answer::Items { items, complete: true } => {
            let seen = format!("{} {}s", items.len(), key.kind);
            ("objects", Value::Array(items), seen)
        }
        Answer::Items { items, complete: false } => {
            let why = format!("more than {} {}s have these labels", items.len(), key.kind);
            return Looked::Unavailable(why);
        }
        Answer::NotFound => return Looked::Fails(format!("{} is gone", key.path())),
        Answer::NotPermitted(why) => return Looked::Fails(why),
        Answer::Unavailable(why) => return Looked::Unavailable(why),
        Answer::Text(_) | Answer::Series(_) | Answer::Alerts(_) => {
            return Looked::Unavailable("something else than an object came back".into());
        }
    };
    let variables = BTreeMap::from([
        (name.to_string(), value),
        ("since".to_string(), rfc3339(since).into()),
        ("now".to_string(), rfc3339(outside.clock.now()).into()),
    ]);
    match expr::holds(&condition.until, &variables) {
        Ok(true) => return Looked::Holds(condition.describe.clone()),
        Ok(false) => {}
        Err(error) => return Looked::NotYet(format!("{seen} ({error})")),
    }
    if !condition.fails_when.is_empty()
        && matches!(expr::holds(&condition.fails_when, &variables), Ok(true))
    {
        return Looked::Fails(format!("{} can't come true any more: {seen}", condition.describe));
    }
    Looked::NotYet(seen)
}

/// What a workload says of its rollout, in a few words.
fn seen(object: &serde_json::Value) -> String {
    let number = |path: &str| object.pointer(path).and_then(serde_json::Value::as_i64);
    let wanted = number("/spec/replicas").or_else(|| number("/status/desiredNumberScheduled"));
    let updated = number("/status/updatedReplicas")
        .or_else(|| number("/status/updatedNumberScheduled"))
        .unwrap_or(0);
    let available = number("/status/availableReplicas")
        .or_else(|| number("/status/numberAvailable"))
        .unwrap_or(0);
    wanted.map_or_else(String::new, |wanted| {
        format!("{updated} of {wanted} updated, {available} available")
    })
}
