//! Diagnosing: reads facts until the rules are satisfied. Also finds owners at intake.

use super::command::Refusal;
use super::job::JobFailure;
use super::outside::{Outside, silence};
use crate::domain::alert::Alert;
use crate::domain::diagnose;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::evidence::Gathered;
use crate::domain::resource::ObjectKey;

/// Makes the diagnosis of a case from its alerts. A cluster that does not answer is no evidence: it fails, retryable.
pub async fn diagnose(outside: &Outside, alerts: &[Alert]) -> Result<Box<Diagnosis>, JobFailure> {
    let mut gathered = Gathered::default();
    let now = outside.clock.now();
    let diagnosis = outside
        .until_ready(&mut gathered, |gathered| Ok(diagnose::diagnose(alerts, gathered, now)))
        .await;
    if let Some(why) = silence(&gathered) {
        return Err(JobFailure { why, retryable: true });
    }
    let mut diagnosis = diagnosis?;
    diagnosis.reads = outside.keep(&gathered).await;
    Ok(Box::new(diagnosis))
}

/// What is known of an object that a person names.
pub async fn diagnose_object(
    outside: &Outside,
    key: &ObjectKey,
) -> Result<Box<Diagnosis>, (Refusal, String)> {
    let mut gathered = Gathered::default();
    let now = outside.clock.now();
    let found = outside
        .until_ready(&mut gathered, |gathered| Ok(diagnose::of_object(key, gathered, now)))
        .await;
    if let Some(why) = silence(&gathered) {
        return Err((Refusal::Unavailable, why));
    }
    match found {
        Ok(Ok(diagnosis)) => Ok(Box::new(diagnosis)),
        Ok(Err(diagnose::Unfit::Gone(why))) => Err((Refusal::NotFound, why)),
        Ok(Err(diagnose::Unfit::Unreadable(why))) => Err((Refusal::NotPermitted, why)),
        Err(failure) => Err((Refusal::Unavailable, failure.why)),
    }
}

/// The owner of the object that an alert names; `None` when it is not known now.
pub async fn owner(outside: &Outside, alert: &Alert) -> Option<ObjectKey> {
    let mut gathered = Gathered::default();
    outside
        .until_ready(&mut gathered, |gathered| Ok(diagnose::owner(alert, gathered)))
        .await
        .ok()
        .flatten()
}
