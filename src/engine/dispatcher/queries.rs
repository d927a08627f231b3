//! Requests from handles: commands, questions, the wish to end; and following another engine.

use super::jobs::Done;
use super::run::{Dispatcher, Pending};
use crate::domain::approval::Decision;
use crate::domain::event::Recorded;
use crate::domain::policy::Permission;
use crate::domain::principal::{Principal, Transport};
use crate::domain::remediation::Remediation;
use crate::engine::command::{Command, Receipt, Refusal, Request};
use crate::engine::handle::ToEngine;
use crate::engine::job::Input;
use crate::engine::query::{Answer, Query};
use crate::engine::reader::{self, ReadError};
use crate::engine::{drift, log};
use crate::ports::store::StopFlag;
use std::time::Duration;
use tokio::sync::oneshot;

/// Pause between two looks at the log of the engine that drives.
const FOLLOW: Duration = Duration::from_millis(500);

impl Dispatcher {
    pub(super) fn message(&mut self, message: ToEngine) {
        match message {
            ToEngine::Command(request, reply) => self.command(request, reply),
            ToEngine::Query(query, by, reply) => self.query(query, by, reply),
            ToEngine::HangUp(reply) => self.closing.push(reply),
        }
    }

    pub(super) fn command(&mut self, request: Request, reply: oneshot::Sender<Receipt>) {
        match &request.command {
            Command::Alerts { alerts } => {
                let wait = request.by.via != Transport::Webhook;
                self.put_alerts(alerts.clone(), Some(reply), wait);
            }
            Command::Stop { reason } => {
                let by = &request.by;
                if self.options.settings.policy.authorise(by, &Permission::Execute, "").is_ok() {
                    self.core.halt();
                    self.write_stop(by.describe(), reason.clone());
                }
                self.accept_command(request, reply);
            }
            Command::Decide { remediation, plan, decision: Decision::Approve, step, .. } => {
                let running = step.is_some();
                let standing = self
                    .core
                    .remediation(remediation)
                    .and_then(|case| case.plan.clone())
                    .filter(|own| own.digest == *plan && self.is_appending());
                match standing {
                    Some(plan) => {
                        let outside = self.outside.clone();
                        self.jobs.spawn(async move {
                            let checked = if running {
                                drift::authority(&outside, &plan, &request.by).await
                            } else {
                                drift::preflight(&outside, &plan, &request.by).await
                            };
                            Done::Preflighted(Box::new(request), checked, reply)
                        });
                    }
                    None => self.accept_command(request, reply),
                }
            }
            Command::Steer { remediation, .. } if self.is_appending() => {
                let id = remediation.clone();
                self.look_up_and_steer(&id, request, reply);
            }
            Command::Plan { .. } | Command::Revise { .. }
                if self.is_appending() && self.core.may_ask(&request).is_ok() =>
            {
                self.draft(request, reply);
            }
            Command::Start { .. }
            | Command::Plan { .. }
            | Command::Revise { .. }
            | Command::Steer { .. }
            | Command::Decide { .. }
            | Command::PlanAnew { .. }
            | Command::Claim { .. }
            | Command::Breaker { .. }
            | Command::TellAgain { .. } => self.accept_command(request, reply),
        }
    }

    fn accept_command(&mut self, request: Request, reply: oneshot::Sender<Receipt>) {
        self.pending.push(Pending {
            input: Input::Command { request: Box::new(request), preflight: None },
            reply: Some(reply),
            inbox: None,
            job: None,
        });
    }

    /// Sets the stop flags in the store and on the Lease: at once, besides the event in the log.
    fn write_stop(&mut self, by: String, reason: String) {
        let outside = self.outside.clone();
        let cluster = self.options.settings.cluster.clone();
        self.jobs.spawn(async move {
            let mut problems = Vec::new();
            let text = format!("{reason} ({by})");
            if let Err(error) = outside.cluster.set_stop(Some(&text)).await {
                problems.push(format!("on the Lease: {error}"));
            }
            let flag = StopFlag { by, reason, since: outside.clock.now() };
            if let Err(error) = outside.store.set_stop(&cluster, &flag).await {
                problems.push(format!("in the store: {error}"));
            }
            Done::StopFlags(problems)
        });
    }

    /// Lifts the stop flags after `start` became true.
    pub(super) fn lift_stop(&mut self) {
        self.stop_epoch += 1;
        let outside = self.outside.clone();
        let cluster = self.options.settings.cluster.clone();
        self.jobs.spawn(async move {
            let mut problems = Vec::new();
            if let Err(error) = outside.store.lift_stop(&cluster).await {
                problems.push(format!("in the store: {error}"));
            }
            if let Err(error) = outside.cluster.set_stop(None).await {
                problems.push(format!("on the Lease: {error}"));
            }
            Done::StopFlags(problems)
        });
    }

    /// Gives a command to the engine that drives; alerts and stop never come here.
    pub(super) fn pass_on(&mut self, request: Request, reply: oneshot::Sender<Receipt>) {
        let refused = |why: String| Receipt::Refused { refusal: Refusal::Unavailable, why };
        let Some(relay) = self.options.relay.clone() else {
            let why = match &self.store_down {
                Some((why, _)) => format!("the store can't be used: {why}"),
                None => "this engine does not write the log now".to_string(),
            };
            let _gone = reply.send(refused(why));
            return;
        };
        self.jobs.spawn(async move {
            let receipt = match serde_json::to_string(&request.command) {
                Err(error) => refused(format!("the command has no JSON form: {error}")),
                Ok(command) => match relay.send(&request.by, &command).await {
                    Err(why) => refused(format!("the engine that drives can't be reached: {why}")),
                    Ok(answer) => serde_json::from_str(&answer).unwrap_or_else(|error| {
                        refused(format!("the engine that drives answered nonsense: {error}"))
                    }),
                },
            };
            let _gone = reply.send(receipt);
            Done::Nothing
        });
    }

    fn query(&mut self, query: Query, by: Principal, reply: oneshot::Sender<Answer>) {
        let outside = self.outside.clone();
        let cluster = self.options.settings.cluster.clone();
        match query {
            Query::Remediation { prefix } => {
                self.jobs.spawn(async move {
                    let answer = match reader::remediation(
                        outside.store.as_ref(),
                        &cluster,
                        &prefix,
                    )
                    .await
                    {
                        Ok((remediation, events)) => {
                            Answer::Remediation { remediation: Box::new(remediation), events }
                        }
                        Err(error @ (ReadError::NotFound(_) | ReadError::Ambiguous { .. })) => {
                            Answer::NotFound(error.to_string())
                        }
                        Err(error @ (ReadError::Store(_) | ReadError::Event { .. })) => {
                            Answer::Unavailable(error.to_string())
                        }
                    };
                    let _gone = reply.send(answer);
                    Done::Nothing
                });
            }
            Query::Log { limit, remediation } => {
                let after = if remediation.is_some() {
                    0
                } else {
                    self.core.seq().saturating_sub(u64::from(limit))
                };
                self.jobs.spawn(async move {
                    let answer = tail(&outside, &cluster, after, limit, remediation.as_ref()).await;
                    let _gone = reply.send(answer);
                    Done::Nothing
                });
            }
            Query::Preflight { remediation } => {
                let case = self.core.remediation(&remediation);
                let running = case.is_some_and(|case| case.asking_step().is_some());
                let Some(plan) = case.and_then(|case| case.plan.clone()) else {
                    let why = format!("remediation {remediation} has no plan");
                    let _gone = reply.send(Answer::NotFound(why));
                    return;
                };
                let role = self.core.may_decide(&by, &plan).map(|()| "allowed".to_string());
                self.jobs.spawn(async move {
                    let preflight = if running {
                        drift::authority(&outside, &plan, &by).await
                    } else {
                        drift::preflight(&outside, &plan, &by).await
                    };
                    let _gone = reply.send(Answer::Preflight { preflight, role });
                    Done::Nothing
                });
            }
            Query::Templates => {
                let _gone = reply.send(Answer::Templates(self.templates()));
            }
        }
    }

    fn templates(&self) -> Vec<(crate::domain::workflow::plan::TemplateRef, Option<String>)> {
        self.outside
            .library
            .templates
            .values()
            .map(|template| (template.reference.clone(), None))
            .collect()
    }

    pub(super) fn start_follow(&mut self) {
        self.next_follow = self.outside.clock.monotonic() + FOLLOW;
        let outside = self.outside.clone();
        let cluster = self.options.settings.cluster.clone();
        let after = self.core.seq();
        self.jobs.spawn(async move {
            let store = outside.store.as_ref();
            let page = match store.read(&cluster, after, 2_000, None).await {
                Ok(page) => page,
                Err(error) => return Done::Followed(Err(error.into())),
            };
            let mut events = Vec::new();
            for envelope in &page {
                let one = async {
                    let recorded = log::recorded(store, envelope).await?;
                    let reopened = log::reopened(store, &cluster, &recorded).await?;
                    Ok((recorded, reopened))
                };
                match one.await {
                    Ok(one) => events.push(one),
                    Err(error) => return Done::Followed(Err(error)),
                }
            }
            Done::Followed(Ok(events))
        });
    }

    pub(super) fn followed(
        &mut self,
        result: Result<Vec<(Recorded, Option<Remediation>)>, ReadError>,
    ) {
        match result {
            Ok(events) => {
                for (recorded, reopened) in events {
                    if recorded.seq > 0 && recorded.seq == self.core.seq() + 1 {
                        if let Some(case) = reopened {
                            self.core.restore(case);
                        }
                        self.core.fold(&recorded);
                        self.changed = true;
                    }
                }
            }
            Err(error) => self.source("store", Err(error.to_string())),
        }
    }

    /// Writes that this engine drives from now on.
    pub(super) async fn announce(&mut self, holder: &str, version: &str) {
        let now = self.outside.clock.now();
        let accepted = self.core.engine_started(holder, version, now);
        if let Err(error) = self.append(&accepted.events, Vec::new()).await {
            self.append_failed(&error, Refusal::Unavailable, Vec::new()).await;
        }
    }
}

async fn tail(
    outside: &crate::engine::outside::Outside,
    cluster: &crate::domain::id::ClusterId,
    after: u64,
    limit: u32,
    remediation: Option<&crate::domain::id::RemediationId>,
) -> Answer {
    let store = outside.store.as_ref();
    let page = match store.read(cluster, after, limit.max(1), remediation).await {
        Ok(page) => page,
        Err(error) => return Answer::Unavailable(error.to_string()),
    };
    let mut events = Vec::new();
    for envelope in &page {
        match log::recorded(store, envelope).await {
            Ok(recorded) => events.push(recorded),
            Err(error) => return Answer::Unavailable(error.to_string()),
        }
    }
    Answer::Log(events)
}
