//! The deterministic driver: the same core and the same jobs, in virtual time, without threads.
//!
//! Time jumps to the earliest of: what happens on the stage, what the core waits for, what people decide. Between two
//! jumps everything is polled, in one order, until nothing moves. The same stage gives the same log, byte for byte.
//! Absent on purpose: tokio, real time, a second engine.

use super::command::{Command, Request};
use super::core::{Core, Settings};
use super::dispatcher::run_job;
use super::executor::Standing;
use super::job::{Input, Job, JobKey, Taken};
use super::outside::Outside;
use super::{diagnoser, drift, log, memory, prepare, probing};
use crate::domain::alert::Alert;
use crate::domain::approval::{ApprovalRequest, Decision, Preflight};
use crate::domain::breaker::Destination;
use crate::domain::envelope::Head;
use crate::domain::event::{Event, Recorded};
use crate::domain::id::{BatchId, RemediationId};
use crate::domain::principal::Principal;
use crate::domain::remediation::{Remediation, State};
use crate::domain::time::Timestamp;
use crate::ports::store::StoreLease;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Name under which the leases are held.
const HOLDER: &str = "lockstep";
/// Seconds that the leases hold: nobody else is there.
const TTL_S: u64 = 10 * 365 * 86_400;

/// What the engine plays on: a simulated world and its people.
pub trait Stage {
    /// When something happens next by itself.
    fn next_event_at(&self) -> Option<Timestamp>;
    /// Lets virtual time pass.
    fn run_until(&mut self, at: Timestamp);
    /// Alerts that arrived since the last call.
    fn deliveries(&mut self) -> Vec<Alert>;
    /// What people decide now about these requests.
    fn decisions(&mut self, now: Timestamp, open: &[Asked]) -> Vec<(Principal, Command)>;
    /// When somebody decides next about these requests.
    fn next_decision_at(&self, now: Timestamp, open: &[Asked]) -> Option<Timestamp>;
    /// Whether nothing more happens by itself.
    fn is_over(&self) -> bool;
}

/// An open request with its case.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The case.
    pub case: Arc<Remediation>,
    /// The request.
    pub request: ApprovalRequest,
}

/// What was played.
#[derive(Debug)]
pub struct Played {
    /// One line an event.
    pub lines: Vec<String>,
    /// The log's head.
    pub head: Head,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Cases that are still open.
    pub open: usize,
}

enum Outcome {
    Job(JobKey, Option<Input>),
    Alert(Box<Taken>),
    Command(Result<Input, String>),
    Tried(Destination),
}

type Task = Pin<Box<dyn Future<Output = Outcome>>>;

/// The driver.
pub struct Lockstep<S: Stage> {
    outside: Outside,
    core: Core,
    head: Head,
    lease: StoreLease,
    standing: Standing,
    stage: S,
    tasks: BTreeMap<u64, Task>,
    running: BTreeSet<JobKey>,
    next_task: u64,
    batches: u64,
    lines: Vec<String>,
    probing: BTreeSet<Destination>,
}

impl<S: Stage> Lockstep<S> {
    /// Takes the leases and is ready to play.
    ///
    /// # Errors
    /// When the store or the cluster of the stage does not give its lease at once.
    pub fn new(
        outside: Outside,
        settings: Settings,
        version: &str,
        stage: S,
    ) -> Result<Self, String> {
        let lease = now_or_never(outside.store.acquire(&settings.cluster, HOLDER, TTL_S))
            .ok_or("the store must answer at once")?
            .map_err(|error| error.to_string())?;
        now_or_never(outside.cluster.hold_lease(HOLDER, TTL_S, None))
            .ok_or("the cluster must give its Lease at once")?
            .map_err(|error| error.to_string())?;
        let until = outside.clock.monotonic() + Duration::from_secs(TTL_S);
        let standing = Standing { holder: HOLDER.into(), fence: lease.fence, until };
        let mut core = Core::new(settings);
        core.set_role(super::snapshot::Role::Driving);
        let mut driver = Self {
            outside,
            core,
            head: Head::empty(),
            lease,
            standing,
            stage,
            tasks: BTreeMap::new(),
            running: BTreeSet::new(),
            next_task: 0,
            batches: 0,
            lines: Vec::new(),
            probing: BTreeSet::new(),
        };
        let now = driver.outside.clock.now();
        let started = driver.core.engine_started(HOLDER, version, now);
        driver.append(&started.events)?;
        Ok(driver)
    }

    /// Plays until the stage is over and no case moves any more, or until `end`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn play(mut self, end: Timestamp) -> Result<Played, String> {
        loop {
            self.settle()?;
            let now = self.outside.clock.now();
            let idle = self.stage.is_over() && self.tasks.is_empty() && !self.core.is_busy();
            if now >= end || idle {
                break;
            }
            // What is due at this very moment first; a moment that does not pass must not hold time up.
            let overdue = self.stage.next_event_at().is_some_and(|at| at <= now);
            if overdue {
                self.stage.run_until(now);
                let stuck = self.stage.next_event_at().is_some_and(|at| at <= now);
                let step = chrono::TimeDelta::milliseconds(i64::from(stuck));
                self.stage.run_until(now + step);
                continue;
            }
            let asked = self.asked();
            let next = [
                self.stage.next_event_at(),
                self.core.wake_at(now),
                self.stage.next_decision_at(now, &asked),
            ];
            let next = next.into_iter().flatten().filter(|at| *at > now).min().unwrap_or(end);
            self.stage.run_until(next.min(end));
        }
        let ended_at = self.outside.clock.now();
        let open = self.core.remediations().filter(|case| case.is_open()).count();
        Ok(Played { lines: self.lines, head: self.head, ended_at, open })
    }

    /// Polls and accepts until nothing moves at this moment.
    fn settle(&mut self) -> Result<(), String> {
        loop {
            for alert in self.stage.deliveries() {
                self.spawn_intake(alert);
            }
            let now = self.outside.clock.now();
            let asked = self.asked();
            for (by, command) in self.stage.decisions(now, &asked) {
                self.spawn_decision(by, command);
            }
            let mut moved = self.poll_tasks()?;
            moved |= self.hear_breakers()?;
            moved |= self.accept(Input::Wake)?;
            for (key, job) in self.core.due(now) {
                if self.running.insert(key.clone()) {
                    self.spawn_job(key, job);
                    moved = true;
                }
            }
            if !moved {
                return Ok(());
            }
        }
    }

    fn asked(&self) -> Vec<Asked> {
        self.core
            .remediations()
            .filter(|case| case.state == State::AwaitingApproval)
            .filter_map(|case| {
                let request = case.request.clone()?;
                let undecided = case.decision_on(&request.plan).is_none();
                undecided.then(|| Asked { case: Arc::clone(case), request })
            })
            .collect()
    }

    fn spawn(&mut self, task: Task) {
        self.tasks.insert(self.next_task, task);
        self.next_task += 1;
    }

    fn spawn_job(&mut self, key: JobKey, job: Job) {
        let outside = self.outside.clone();
        let cluster = self.core.cluster().clone();
        let standing = self.standing.clone();
        self.spawn(Box::pin(async move {
            let input = run_job(&outside, &cluster, Some(&standing), &key, job).await;
            Outcome::Job(key, input)
        }));
    }

    fn spawn_intake(&mut self, alert: Alert) {
        let outside = self.outside.clone();
        let fresh = RemediationId::from_random(outside.entropy.bytes());
        self.spawn(Box::pin(async move {
            let owner = diagnoser::owner(&outside, &alert).await;
            Outcome::Alert(Box::new(Taken { number: 0, alert, owner, fresh }))
        }));
    }

    fn spawn_decision(&mut self, by: Principal, command: Command) {
        let outside = self.outside.clone();
        let cluster = self.core.cluster().clone();
        let case = match &command {
            Command::Decide { remediation, .. }
            | Command::Revise { remediation, .. }
            | Command::Steer { remediation, .. } => self.core.remediation(remediation).cloned(),
            Command::Alerts { .. }
            | Command::PlanAnew { .. }
            | Command::Claim { .. }
            | Command::Breaker { .. }
            | Command::TellAgain { .. }
            | Command::Plan { .. }
            | Command::Stop { .. }
            | Command::Start { .. } => None,
        };
        // Only a plan may open a case: nothing else draws from the seed.
        let fresh = if matches!(command, Command::Plan { .. }) {
            RemediationId::from_random(outside.entropy.bytes())
        } else {
            RemediationId::new("")
        };
        let request = Box::new(Request { command, by, not_after: None });
        self.spawn(Box::pin(async move {
            let input = match &request.command {
                Command::Decide { decision: Decision::Approve, .. } => {
                    let preflight = match case.as_ref().and_then(|case| case.plan.as_deref()) {
                        Some(plan) => drift::preflight(&outside, plan, &request.by).await,
                        None => Preflight::default(),
                    };
                    Ok(Input::Command { request, preflight: Some(preflight) })
                }
                Command::Steer { .. } => prepare::steering(&outside, &cluster, case, request).await,
                Command::Plan { .. } | Command::Revise { .. } => {
                    let result = prepare::drafted(&outside, &cluster, case, &request.command).await;
                    Ok(Input::Drafted { request, fresh, result })
                }
                Command::Decide { .. }
                | Command::Alerts { .. }
                | Command::PlanAnew { .. }
                | Command::Claim { .. }
                | Command::Breaker { .. }
                | Command::TellAgain { .. }
                | Command::Stop { .. }
                | Command::Start { .. } => {
                    Ok(Input::Command { request, preflight: Some(Preflight::default()) })
                }
            };
            Outcome::Command(input.map_err(|(_, why)| why))
        }));
    }

    fn poll_tasks(&mut self) -> Result<bool, String> {
        let mut done = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        let mut ready = Vec::new();
        for (number, task) in &mut self.tasks {
            if let Poll::Ready(outcome) = task.as_mut().poll(&mut context) {
                ready.push(*number);
                done.push(outcome);
            }
        }
        for number in ready {
            self.tasks.remove(&number);
        }
        let moved = !done.is_empty();
        for outcome in done {
            let input = match outcome {
                Outcome::Job(key, input) => {
                    self.running.remove(&key);
                    input
                }
                Outcome::Alert(taken) => Some(Input::Alert(taken)),
                Outcome::Command(input) => Some(input?),
                Outcome::Tried(destination) => {
                    self.probing.remove(&destination);
                    None
                }
            };
            if let Some(input) = input {
                self.accept(input)?;
            }
        }
        Ok(moved)
    }

    fn accept(&mut self, input: Input) -> Result<bool, String> {
        let now = self.outside.clock.now();
        let accepted = self.core.accept(input, now);
        let moved = !accepted.events.is_empty();
        self.append(&accepted.events)?;
        Ok(moved)
    }

    /// What breakers did becomes true, what people set of them holds, and those that are half-open are probed.
    fn hear_breakers(&mut self) -> Result<bool, String> {
        let mut moved = false;
        for one in self.outside.lines.take_moves() {
            moved |= self.accept(Input::BreakerMoved(one))?;
        }
        self.outside.lines.set(self.core.forced());
        for destination in self.outside.lines.wanting_probes() {
            if self.probing.insert(destination) {
                let outside = self.outside.clone();
                self.spawn(Box::pin(async move {
                    let _heard_on_the_line = probing::probe(&outside, destination).await;
                    Outcome::Tried(destination)
                }));
                moved = true;
            }
        }
        Ok(moved)
    }

    fn append(&mut self, events: &[Recorded]) -> Result<(), String> {
        if events.is_empty() {
            return Ok(());
        }
        for (at, id, line) in self.core.newest_lines(events.len()) {
            let id = id.map_or_else(|| "-".repeat(4), |id| id.as_str().chars().take(4).collect());
            self.lines.push(format!("{} {id} {line}", at.format("%H:%M:%S")));
        }
        self.batches += 1;
        let batch = BatchId::new(format!("{HOLDER}/{}", self.batches));
        let store = self.outside.store.clone();
        let appended = now_or_never(async {
            let drafts = log::drafts(store.as_ref(), events).await?;
            let index = self.core.index_rows(events);
            store.append(&self.lease, &self.head, &batch, drafts, index, Vec::new()).await
        });
        let stored =
            appended.ok_or("the store must answer at once")?.map_err(|error| error.to_string())?;
        if let Some(last) = stored.last() {
            self.head = Head { seq: last.seq, hash: last.hash.clone() };
        }
        let ended = events.iter().any(|recorded| matches!(recorded.event, Event::Closed { .. }));
        if ended { self.remember() } else { Ok(()) }
    }

    /// Memory follows at once.
    fn remember(&mut self) -> Result<(), String> {
        loop {
            let followed = now_or_never(memory::follow(&self.outside, self.core.cluster()));
            if !followed.ok_or("memory must answer at once")??.more {
                return Ok(());
            }
        }
    }
}

/// Polls a future once.
fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
