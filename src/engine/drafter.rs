//! Plans that people ask for, made before anything is opened or voided: a wish that can't be had changes nothing.

use super::command::Refusal;
use super::job::{Draft, JobFailure};
use super::outside::Outside;
use super::{diagnoser, planner};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::id::{ClusterId, PlanDigest, RemediationId};
use crate::domain::remediation::Remediation;
use crate::domain::resource::ObjectKey;
use crate::domain::spelling::nearest;
use crate::domain::steering::Wish;
use serde_json::Value;
use std::collections::BTreeMap;

type Refused = (Refusal, String);

/// A plan of a template on an object, without an alert.
///
/// # Errors
/// The template or the object does not exist, the parameters don't fit, or the cluster does not answer.
pub async fn draft(
    outside: &Outside,
    cluster: &ClusterId,
    target: &ObjectKey,
    wish: Wish,
) -> Result<Box<Draft>, Refused> {
    check_template(outside, &wish)?;
    let diagnosis = diagnoser::diagnose_object(outside, target).await?;
    finish(outside, cluster, *diagnosis, wish, None, None).await
}

/// A plan for a case as a person wants it.
///
/// # Errors
/// As [`draft`].
pub async fn redraft(
    outside: &Outside,
    cluster: &ClusterId,
    case: &Remediation,
    template: Option<&str>,
    params: &BTreeMap<String, Value>,
) -> Result<Box<Draft>, Refused> {
    let Some(diagnosis) = case.diagnosis.clone() else {
        return Err((Refusal::WrongState, "it is not diagnosed yet".into()));
    };
    let mut wish = case.wish.clone().unwrap_or_default();
    let standing = case.plan.as_deref().map(|plan| plan.template.name.as_str());
    let before = wish.template.as_deref().or(standing);
    if template.is_some() && template != before {
        // Parameters of another template say nothing about this one.
        wish.params.clear();
    }
    wish.template = template.or(before).map(String::from);
    wish.params.extend(params.clone());
    check_template(outside, &wish)?;
    let instead_of = case.plan.as_deref().map(|plan| plan.digest.clone());
    finish(outside, cluster, diagnosis, wish, Some(&case.id), instead_of).await
}

async fn finish(
    outside: &Outside,
    cluster: &ClusterId,
    diagnosis: Diagnosis,
    wish: Wish,
    of: Option<&RemediationId>,
    instead_of: Option<PlanDigest>,
) -> Result<Box<Draft>, Refused> {
    let plan = planner::plan(outside, cluster, &diagnosis, &wish, (of, &[])).await;
    let plan = *plan.map_err(|failure| refusal(&failure))?;
    Ok(Box::new(Draft { diagnosis, plan, wish, instead_of }))
}

fn check_template(outside: &Outside, wish: &Wish) -> Result<(), Refused> {
    let Some(name) = &wish.template else { return Ok(()) };
    if outside.library.templates.contains_key(name) {
        return Ok(());
    }
    let known = outside.library.templates.keys().map(String::as_str);
    let hint = nearest(name, known).map(|near| format!("; did you mean `{near}`?"));
    let why = format!(
        "there is no template `{name}`{}",
        hint.unwrap_or_else(|| ": see `pilothouse templates list`".into())
    );
    Err((Refusal::NotFound, why))
}

fn refusal(failure: &JobFailure) -> Refused {
    let refusal = if failure.retryable { Refusal::Unavailable } else { Refusal::Invalid };
    (refusal, failure.why.clone())
}
