//! Work under way: started when due, joined when done.

use super::leases::{LEASE_STOP, Round, round};
use super::run::{Dispatcher, Pending};
use crate::domain::alert::Alert;
use crate::domain::approval::Preflight;
use crate::domain::breaker::Destination;
use crate::domain::event::Recorded;
use crate::domain::id::ClusterId;
use crate::domain::notify::ChannelName;
use crate::domain::remediation::Remediation;
use crate::engine::command::{Receipt, Refusal, Request};
use crate::engine::executor::{self, Standing};
use crate::engine::job::{Heard, Input, Job, JobFailure, JobKey, JobKind, Taken};
use crate::engine::memory::Followed;
use crate::engine::outside::Outside;
use crate::engine::reader::ReadError;
use crate::engine::snapshot::Role;
use crate::engine::{assessor, diagnoser, drift, planner};
use crate::ports::desk::Left;
use crate::ports::store::StoreError;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinError;

/// What was taken from the inbox: alerts, and stops (number, who, why).
pub(super) type FromInbox = (Vec<Taken>, Vec<(u64, String, String)>);

/// What a task of the dispatcher brought.
pub(super) enum Done {
    /// A job of the core, with the epoch it was started in.
    Job(JobKey, Option<Input>),
    /// A round of leases, with the stop epoch it was started in.
    Round(Box<Round>, u64),
    /// Alerts from the inbox.
    Intake(Result<FromInbox, String>),
    /// Alerts that fire.
    Polled(Result<Vec<Alert>, String>),
    /// What an approval depends on.
    Preflighted(Box<Request>, Preflight, oneshot::Sender<Receipt>),
    /// A command, with what had to be looked up or made for it.
    Asked(Box<Input>, oneshot::Sender<Receipt>),
    /// New events, read while following, each with the case that it opens again.
    Followed(Result<Vec<(Recorded, Option<Remediation>)>, ReadError>),
    /// Alerts were put into the inbox; the sender waits, or not.
    Put(Result<Vec<u64>, StoreError>, Option<oneshot::Sender<Receipt>>, bool),
    /// The stop flags were set or lifted.
    StopFlags(Vec<String>),
    /// A destination was probed, for its breaker.
    Tried(Destination, Result<String, String>),
    /// Memory followed the log by a page.
    Remembered(Result<Followed, String>),
    /// A message went over a channel, or did not: numbers of its notices, and what was heard.
    Heard(ChannelName, Vec<u64>, Heard),
    /// Commands that people left in the store.
    Left(Result<Vec<Left>, StoreError>),
    /// Answered by itself.
    Nothing,
}

/// Runs one job of the core. The same function serves every dispatcher.
pub async fn run_job(
    outside: &Outside,
    cluster: &ClusterId,
    standing: Option<&Standing>,
    key: &JobKey,
    job: Job,
) -> Option<Input> {
    let id = key.remediation.clone();
    match job {
        Job::Diagnose { alerts, asked_for } => {
            let result = match asked_for {
                None => diagnoser::diagnose(outside, &alerts).await,
                Some(object) => {
                    let found = diagnoser::diagnose_object(outside, &object).await;
                    found.map_err(|(refusal, why)| JobFailure {
                        why,
                        retryable: refusal == Refusal::Unavailable,
                    })
                }
            };
            Some(Input::Diagnosed { id, result })
        }
        Job::Plan { diagnosis, wish, records } => {
            let past = (Some(&id), records.as_slice());
            let (result, advice) = match &wish {
                Some(wish) => (planner::plan(outside, cluster, &diagnosis, wish, past).await, None),
                None => planner::advised(outside, cluster, &diagnosis, past).await,
            };
            Some(Input::PlanMade { id, result, advice })
        }
        Job::WatchDrift { plan } => {
            let moved = drift::drift(outside, &plan).await.unwrap_or_default();
            Some(Input::DriftSeen { id, plan: plan.digest.clone(), drift: moved })
        }
        Job::Begin { plan, alerts } => {
            let result = assessor::begin(outside, &plan, &alerts).await;
            Some(Input::Begun { id, plan: plan.digest.clone(), result })
        }
        Job::Send(sending) => {
            let outcome = executor::send(outside, standing, &sending).await;
            Some(Input::Sent { id, path: sending.path, attempt: sending.attempt, outcome })
        }
        Job::Probe(sending) => {
            let probe = executor::probe(outside, &sending).await;
            Some(Input::Probed { id, path: sending.path, attempt: sending.attempt, probe })
        }
        Job::Look { path, condition, since } => {
            let looked = executor::look(outside, &condition, since).await;
            Some(Input::Looked { id, path, looked })
        }
        Job::FindItems { path, bounded, planned, diagnosis } => {
            let result =
                planner::items(outside, cluster, &path, &bounded, &planned, &diagnosis).await;
            Some(Input::ItemsFound { id, path, result })
        }
        Job::Assess { target, alerts, verification, since } => {
            let result = assessor::sample(outside, &target, &alerts, &verification, since).await;
            Some(Input::Assessed { id, result })
        }
    }
}

impl Dispatcher {
    /// Starts every job that is due and not under way.
    pub(super) fn start_due(&mut self) {
        let now = self.outside.clock.now();
        let closing = !self.closing.is_empty();
        for (key, job) in self.core.due(now) {
            let starts_work =
                matches!(key.kind, JobKind::Diagnose | JobKind::Plan | JobKind::Begin);
            if self.running.contains(&key) || closing && starts_work {
                continue;
            }
            self.running.insert(key.clone());
            let outside = self.outside.clone();
            let cluster = self.options.settings.cluster.clone();
            let standing = self.standing();
            self.jobs.spawn(async move {
                let input = run_job(&outside, &cluster, standing.as_ref(), &key, job).await;
                Done::Job(key, input)
            });
        }
    }

    /// Outcomes of jobs of a state that was dropped must not enter the new one: the tasks are ended. A request that is
    /// on its way is looked at afterwards, like after a crash.
    pub(super) fn jobs_epoch(&mut self) {
        self.jobs.abort_all();
        self.jobs = tokio::task::JoinSet::new();
        self.running.clear();
        self.probing.clear();
        self.telling.clear();
        self.intake_running = false;
        self.desk_running = false;
        self.remembering = false;
        self.intake_wanted = true;
        self.next_round = Duration::ZERO;
    }

    pub(super) fn joined(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(Done::Job(key, Some(input))) => {
                self.pending.push(Pending { input, reply: None, inbox: None, job: Some(key) });
            }
            Ok(Done::Job(key, None)) => {
                self.running.remove(&key);
            }
            Ok(Done::Round(round, epoch)) => self.rounded(*round, epoch),
            Ok(Done::Intake(result)) => self.taken_in(result),
            Ok(Done::Polled(result)) => self.polled(result),
            Ok(Done::Preflighted(request, preflight, reply)) => {
                if let Some(reason) = preflight.stopped.clone() {
                    self.push(Input::StopSeen { by: LEASE_STOP.into(), reason });
                }
                self.pending.push(Pending {
                    input: Input::Command { request, preflight: Some(preflight) },
                    reply: Some(reply),
                    inbox: None,
                    job: None,
                });
            }
            Ok(Done::Asked(input, reply)) => {
                if let Input::Steer {
                    preflight: Some(Preflight { stopped: Some(reason), .. }),
                    ..
                } = &*input
                {
                    self.push(Input::StopSeen { by: LEASE_STOP.into(), reason: reason.clone() });
                }
                let input = *input;
                self.pending.push(Pending { input, reply: Some(reply), inbox: None, job: None });
            }
            Ok(Done::Followed(result)) => self.followed(result),
            Ok(Done::Put(result, reply, wait)) => self.was_put(result, reply, wait),
            Ok(Done::StopFlags(problems)) => {
                self.stop_epoch += 1;
                for problem in problems {
                    tracing::error!(problem, "a stop flag could not be written");
                }
                self.next_round = Duration::ZERO;
            }
            Ok(Done::Tried(destination, result)) => self.tried(destination, result),
            Ok(Done::Remembered(result)) => self.remembered(result),
            Ok(Done::Heard(channel, notices, heard)) => {
                self.telling.remove(&channel);
                self.push(Input::Heard { channel, notices, heard });
            }
            Ok(Done::Left(result)) => self.taken_from_desk(result),
            Ok(Done::Nothing) => {}
            Err(error) => {
                tracing::error!(%error, "a task of the engine ended badly");
                // Which one is not known: let everything that is due be started again.
                self.running.clear();
                self.intake_running = false;
                self.desk_running = false;
                self.remembering = false;
                self.probing.clear();
                self.telling.clear();
            }
        }
    }

    pub(super) fn start_round(&mut self) {
        let third = Duration::from_secs(self.options.lease_ttl_s) / 3;
        self.next_round = self.outside.clock.monotonic() + third + Duration::from_mins(1);
        let outside = self.outside.clone();
        let cluster = self.options.settings.cluster.clone();
        let leases = self.leases.clone();
        let epoch = self.stop_epoch;
        self.jobs.spawn(async move {
            Done::Round(Box::new(round(&outside, &cluster, leases).await), epoch)
        });
    }

    fn rounded(&mut self, round: Round, epoch: u64) {
        let third = Duration::from_secs(self.options.lease_ttl_s) / 3;
        self.next_round = self.outside.clock.monotonic() + third;
        let had = self.leases.store.as_ref().map(|lease| lease.fence);
        let has = round.leases.store.as_ref().map(|lease| lease.fence);
        self.leases = round.leases;
        let note = match &round.cluster_error {
            None => Ok(String::new()),
            Some(why) => Err(why.clone()),
        };
        self.source("cluster", note);
        match round.store_error {
            None => {
                self.store_down = None;
                self.source("store", Ok(format!("event {}", self.core.seq())));
            }
            Some(why) => {
                let now = self.outside.clock.now();
                let since = self.store_down.as_ref().map_or(now, |(_, since)| *since);
                self.store_down = Some((why.clone(), since));
                self.source("store", Err(why));
            }
        }
        if has.is_some() && (had != has || !self.folded) {
            self.folded = false;
            self.wants_fold = true;
        }
        self.next_role = Some(round.role);
        if let Some(found) = round.mismatch {
            self.push(Input::IdentityMismatch { found });
        }
        if let Some((by, reason)) = round.stop.filter(|_| epoch == self.stop_epoch) {
            self.push(Input::StopSeen { by, reason });
        }
    }

    pub(super) fn push(&mut self, input: Input) {
        self.pending.push(Pending { input, reply: None, inbox: None, job: None });
    }

    /// Takes the role that the last round found, folding the log first when the store's lease is new.
    pub(super) async fn take_role(&mut self) {
        if std::mem::take(&mut self.wants_fold) {
            self.refold().await;
        }
        let Some(role) = self.next_role.take() else { return };
        if *self.core.role() == role {
            return;
        }
        tracing::info!(?role, "this engine's role");
        let drives = role == Role::Driving;
        if !matches!(role, Role::Driving | Role::Observing { .. }) {
            self.folded = matches!(role, Role::Locked { .. }) && self.folded;
        }
        self.core.set_role(role);
        self.changed = true;
        if drives && self.is_appending() {
            let (holder, version) = (self.options.holder.clone(), self.options.version.clone());
            self.announce(&holder, &version).await;
        }
    }
}
