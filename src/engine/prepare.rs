//! What a command needs before the core can take it: the case that is steered, the plan that is asked for.

use super::command::{Command, Refusal, Request};
use super::job::{Draft, Input};
use super::outside::Outside;
use super::reader::{self, ReadError};
use super::{drafter, drift};
use crate::domain::id::ClusterId;
use crate::domain::remediation::{Remediation, State};
use crate::domain::steering::Wish;
use std::sync::Arc;

/// What steering a case needs: the case as the log has it, and checks for what changes the cluster at once.
///
/// # Errors
/// When there is no such case, or it can't be read.
pub async fn steering(
    outside: &Outside,
    cluster: &ClusterId,
    known: Option<Arc<Remediation>>,
    request: Box<Request>,
) -> Result<Input, (Refusal, String)> {
    let Command::Steer { remediation, steering, .. } = &request.command else {
        return Err((Refusal::Invalid, "this command steers nothing".into()));
    };
    let (case, closed) = match known {
        Some(case) => (case, None),
        None => match reader::case(outside.store.as_ref(), cluster, remediation).await {
            Ok((case, _)) => (Arc::new(case.clone()), Some(Box::new(case))),
            Err(ReadError::NotFound(_)) => {
                return Err((Refusal::NotFound, format!("there is no remediation {remediation}")));
            }
            Err(error) => return Err((Refusal::Unavailable, error.to_string())),
        },
    };
    let checks = steering.reopens() && case.state == State::Closed;
    let preflight = if checks {
        Some(drift::preflight_again(outside, &case, steering, &request.by).await)
    } else {
        None
    };
    Ok(Input::Steer { request, closed, preflight })
}

/// The plan that a command asks for.
///
/// # Errors
/// Why there is none.
pub async fn drafted(
    outside: &Outside,
    cluster: &ClusterId,
    case: Option<Arc<Remediation>>,
    command: &Command,
) -> Result<Box<Draft>, (Refusal, String)> {
    if let Command::Plan { template, target, params, .. } = command {
        let wish = Wish { template: Some(template.clone()), params: params.clone() };
        return drafter::draft(outside, cluster, target, wish).await;
    }
    if let (Command::Revise { template, params, .. }, Some(case)) = (command, case) {
        return drafter::redraft(outside, cluster, &case, template.as_deref(), params).await;
    }
    Err((Refusal::NotFound, "there is no such remediation".into()))
}
