//! Assessing: samples of the target before the first step and after the settle time.

use super::drift::drift;
use super::job::JobFailure;
use super::outside::Outside;
use crate::domain::alert::Alert;
use crate::domain::approval::Drift;
use crate::domain::evidence::Gathered;
use crate::domain::resource::ObjectRef;
use crate::domain::time::Timestamp;
use crate::domain::verdict::{self, Sample};
use crate::domain::workflow::plan::{Plan, Verification};

/// What is counted as recent before an execution, in seconds.
const BEFORE_S: i64 = 1_800;

/// Takes one sample.
pub async fn sample(
    outside: &Outside,
    target: &ObjectRef,
    alerts: &[Alert],
    verification: &Verification,
    since: Timestamp,
) -> Result<Box<Sample>, JobFailure> {
    let mut gathered = Gathered::default();
    let now = outside.clock.now();
    let sampled = outside
        .until_ready(&mut gathered, |gathered| {
            Ok(verdict::sample(target, alerts, verification, gathered, since, now))
        })
        .await;
    if let Some(why) = super::outside::silence(&gathered) {
        return Err(JobFailure { why, retryable: true });
    }
    sampled.map(Box::new)
}

/// The last look before the first step: whether anything moved, and how things stand.
pub async fn begin(
    outside: &Outside,
    plan: &Plan,
    alerts: &[Alert],
) -> Result<(Vec<Drift>, Option<Box<Sample>>), JobFailure> {
    let moved = drift(outside, plan).await?;
    if !moved.is_empty() {
        return Ok((moved, None));
    }
    let Some(target) = &plan.target else { return Ok((moved, None)) };
    let since = outside.clock.now() - chrono::TimeDelta::seconds(BEFORE_S);
    let before = sample(outside, target, alerts, &plan.verification, since).await?;
    Ok((moved, Some(before)))
}
