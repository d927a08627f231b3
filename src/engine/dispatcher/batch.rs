//! One batch: accept all, append once, then tell.

use super::refused::ALONE;
use super::run::{Dispatcher, Pending};
use crate::domain::envelope::Head;
use crate::domain::event::{Event, Recorded};
use crate::domain::id::{BatchId, RemediationId};
use crate::engine::command::{Command, Receipt, Refusal};
use crate::engine::core::Core;
use crate::engine::job::Input;
use crate::engine::{crash, log};
use crate::ports::store::StoreError;
use tokio::sync::oneshot;

impl Dispatcher {
    /// Takes everything that is pending, in order of importance, and makes it durable.
    pub(super) async fn step(&mut self) {
        if !self.is_appending() {
            self.refuse_pending();
            return;
        }
        let mut inputs = std::mem::take(&mut self.pending);
        inputs.push(Pending { input: Input::Wake, reply: None, inbox: None, job: None });
        inputs.sort_by_key(|pending| order(&pending.input));
        let taken = if self.alone > 0 {
            self.one_by_one(inputs).await;
            Ok(())
        } else {
            self.take_batch(inputs).await
        };
        match taken {
            Ok(()) => {
                self.breakers_recorded();
                self.start_due();
                self.start_telling();
            }
            // Something in it can't be stored: which, shows when each comes alone.
            Err(StoreError::Refused(_)) => {
                self.breakers_unrecorded();
                self.alone = ALONE;
            }
            Err(_) => self.breakers_unrecorded(),
        }
    }

    /// Lets the core accept these inputs, appends once, and tells.
    ///
    /// # Errors
    /// Why nothing of it became true. The state is that of the log again, and whoever waits was told.
    pub(super) async fn take_batch(&mut self, inputs: Vec<Pending>) -> Result<(), StoreError> {
        let alone = inputs.len() == 1;
        let now = self.outside.clock.now();
        let mut events = Vec::new();
        let mut replies = Vec::new();
        let mut taken = Vec::new();
        let mut joined = Vec::new();
        for pending in inputs {
            if let Some(key) = &pending.job {
                self.running.remove(key);
            }
            let accepted = self.core.accept(pending.input, now);
            events.extend(accepted.events);
            if let Some(number) = pending.inbox {
                taken.push(number);
                joined.push((number, accepted.remediation));
            }
            if let (Some(reply), Some(receipt)) = (pending.reply, accepted.receipt) {
                replies.push((reply, receipt));
            }
        }
        if !events.is_empty() || !taken.is_empty() {
            crash::recording("before", &events);
            match self.append(&events, taken).await {
                Ok(()) => {
                    crash::recording("after", &events);
                    self.changed = true;
                }
                Err(error) => {
                    let invalid = alone && matches!(error, StoreError::Refused(_));
                    let refusal = if invalid { Refusal::Invalid } else { Refusal::Unavailable };
                    self.append_failed(&error, refusal, replies).await;
                    return Err(error);
                }
            }
        }
        if events.iter().any(|recorded| matches!(recorded.event, Event::Started { .. })) {
            self.lift_stop();
        }
        for (reply, receipt) in replies {
            let _gone = reply.send(receipt);
        }
        self.settle_waiting(joined);
        Ok(())
    }

    pub(super) async fn append(
        &mut self,
        events: &[Recorded],
        taken: Vec<u64>,
    ) -> Result<(), StoreError> {
        let Some(lease) = self.leases.store.clone() else { return Err(StoreError::Fenced) };
        let drafts = log::drafts(self.outside.store.as_ref(), events).await?;
        let index = self.core.index_rows(events);
        self.batches += 1;
        let batch =
            BatchId::new(format!("{}/{}/{}", self.leases.holder, lease.fence, self.batches));
        let store = self.outside.store.clone();
        let mut result = store
            .append(&lease, &self.head, &batch, drafts.clone(), index.clone(), taken.clone())
            .await;
        if let Err(StoreError::Unknown(_)) = &result {
            // The batch id makes it safe to ask once more: it is written at most once.
            result = store.append(&lease, &self.head, &batch, drafts, index, taken).await;
        }
        let stored = result?;
        if let Some(last) = stored.last() {
            self.head = Head { seq: last.seq, hash: last.hash.clone() };
        }
        self.store_down = None;
        Ok(())
    }

    /// Nothing was written: the state that was built on it is dropped.
    pub(super) async fn append_failed(
        &mut self,
        error: &StoreError,
        refusal: Refusal,
        replies: Vec<(oneshot::Sender<Receipt>, Receipt)>,
    ) {
        tracing::error!(%error, "the log could not be appended to; the state is folded again");
        let why = format!("nothing was recorded: {error}");
        for (reply, _) in replies {
            let refused = Receipt::Refused { refusal, why: why.clone() };
            let _gone = reply.send(refused);
        }
        match error {
            StoreError::Fenced | StoreError::Held { .. } | StoreError::Conflict { .. } => {
                self.leases.store = None;
            }
            StoreError::Unavailable(_)
            | StoreError::Unknown(_)
            | StoreError::Corrupt(_)
            | StoreError::Refused(_) => {
                let now = self.outside.clock.now();
                let since = self.store_down.as_ref().map_or(now, |(_, since)| *since);
                self.store_down = Some((error.to_string(), since));
            }
        }
        self.folded = false;
        self.running.clear();
        self.intake_wanted = true;
        self.refold().await;
        self.changed = true;
    }

    /// Folds the log from its beginning. What this process sent is forgotten, and so will be looked at.
    pub(super) async fn refold(&mut self) {
        let role = self.core.role().clone();
        let mut core = Core::new(self.options.settings.clone());
        let store = self.outside.store.clone();
        let cluster = self.options.settings.cluster.clone();
        match log::catch_up(store.as_ref(), &cluster, &mut core, Head::empty()).await {
            Ok(head) => {
                core.set_role(role);
                self.core = core;
                self.head = head;
                self.folded = true;
                // Jobs that still run belong to the state that was dropped.
                self.jobs_epoch();
            }
            Err(error) => {
                let now = self.outside.clock.now();
                let since = self.store_down.as_ref().map_or(now, |(_, since)| *since);
                self.store_down = Some((error.to_string(), since));
                tracing::error!(%error, "the log can't be folded");
            }
        }
        self.changed = true;
    }

    /// Without the store's lease nothing becomes true here: commands go to the engine that has it, or are refused.
    fn refuse_pending(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            if let Some(key) = &pending.job {
                self.running.remove(key);
            }
            if let (
                Some(reply),
                Input::Command { request, .. }
                | Input::Steer { request, .. }
                | Input::Drafted { request, .. },
            ) = (pending.reply, pending.input)
            {
                self.pass_on(*request, reply);
            }
        }
    }

    /// Alerts whose sender waits to hear what became of them.
    pub(super) fn settle_waiting(&mut self, joined: Vec<(u64, Option<RemediationId>)>) {
        for (number, remediation) in joined {
            for (numbers, found, _) in &mut self.waiting {
                if numbers.remove(&number) {
                    found.extend(remediation.clone());
                }
            }
        }
        let (done, rest) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(left, _, _)| left.is_empty());
        self.waiting = rest;
        let done: Vec<_> = done;
        for (_, mut remediations, reply) in done {
            remediations.sort();
            remediations.dedup();
            let note = format!("{} remediation(s)", remediations.len());
            let event = self.head.seq;
            let _gone = reply.send(Receipt::Done { event, note, remediations });
        }
    }
}

/// `stop` first, then decisions, then outcomes, then alerts; time last.
fn order(input: &Input) -> u8 {
    match input {
        Input::StopSeen { .. } | Input::IdentityMismatch { .. } => 0,
        Input::Command { request, .. } => match request.command {
            Command::Stop { .. } => 0,
            Command::Decide { .. }
            | Command::Alerts { .. }
            | Command::PlanAnew { .. }
            | Command::Plan { .. }
            | Command::Revise { .. }
            | Command::Steer { .. }
            | Command::Claim { .. }
            | Command::Breaker { .. }
            | Command::TellAgain { .. }
            | Command::Start { .. } => 1,
        },
        Input::Steer { .. } | Input::Drafted { .. } => 1,
        // What a breaker did comes before what failed because of it.
        Input::BreakerMoved(_) => 1,
        Input::Diagnosed { .. }
        | Input::PlanMade { .. }
        | Input::DriftSeen { .. }
        | Input::Begun { .. }
        | Input::Sent { .. }
        | Input::Probed { .. }
        | Input::Looked { .. }
        | Input::ItemsFound { .. }
        | Input::Heard { .. }
        | Input::Assessed { .. } => 2,
        Input::Alert(_) => 3,
        Input::Wake => 4,
    }
}
