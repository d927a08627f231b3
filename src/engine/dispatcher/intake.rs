//! Alerts: into the inbox, out of it, and from a source that is asked.

use super::jobs::{Done, FromInbox};
use super::run::{Dispatcher, Pending};
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::id::RemediationId;
use crate::engine::command::{Receipt, Refusal};
use crate::engine::diagnoser;
use crate::engine::job::{Input, Taken};
use crate::ports::store::{InboxItem, StoreError};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::oneshot;

/// Alerts taken from the inbox at once.
const INTAKE: u32 = 64;
/// Longest that finding an owner may hold an alert up.
const OWNER_TIMEOUT: Duration = Duration::from_secs(5);

impl Dispatcher {
    /// Puts alerts into the inbox. Their sender is answered when they are durable, or (`wait`) when a case has them.
    pub(super) fn put_alerts(
        &mut self,
        alerts: Vec<Alert>,
        reply: Option<oneshot::Sender<Receipt>>,
        wait: bool,
    ) {
        let store = self.outside.store.clone();
        let cluster = self.options.settings.cluster.clone();
        self.jobs.spawn(async move {
            let items = alerts.into_iter().map(InboxItem::Alert).collect();
            Done::Put(store.put(&cluster, items).await, reply, wait)
        });
    }

    pub(super) fn was_put(
        &mut self,
        result: Result<Vec<u64>, StoreError>,
        reply: Option<oneshot::Sender<Receipt>>,
        wait: bool,
    ) {
        self.intake_wanted = true;
        let Some(reply) = reply else {
            if let Err(error) = result {
                tracing::error!(%error, "alerts could not be put into the inbox");
            }
            return;
        };
        match result {
            Ok(numbers) if wait && !numbers.is_empty() && self.is_appending() => {
                self.waiting.push((numbers.into_iter().collect(), Vec::new(), reply));
            }
            Ok(numbers) => {
                let note = format!("{} alert(s) are in the inbox", numbers.len());
                let done = Receipt::Done { event: 0, note, remediations: Vec::new() };
                let _gone = reply.send(done);
            }
            Err(error) => {
                let refusal = match &error {
                    StoreError::Refused(_) => Refusal::Invalid,
                    StoreError::Held { .. }
                    | StoreError::Fenced
                    | StoreError::Conflict { .. }
                    | StoreError::Unavailable(_)
                    | StoreError::Unknown(_)
                    | StoreError::Corrupt(_) => Refusal::Unavailable,
                };
                let _gone = reply.send(Receipt::Refused { refusal, why: error.to_string() });
            }
        }
    }

    /// Takes what waits in the inbox, finding the owner of each named object first.
    pub(super) fn start_intake(&mut self) {
        self.intake_running = true;
        self.intake_wanted = false;
        let outside = self.outside.clone();
        let cluster = self.options.settings.cluster.clone();
        self.jobs.spawn(async move {
            let waiting = match outside.store.waiting(&cluster, INTAKE).await {
                Ok(waiting) => waiting,
                Err(error) => return Done::Intake(Err(error.to_string())),
            };
            let mut stops = Vec::new();
            let mut alerts = Vec::new();
            for delivered in waiting {
                match delivered.item {
                    InboxItem::Alert(alert) => alerts.push((delivered.number, alert)),
                    InboxItem::Stop { by, reason } => stops.push((delivered.number, by, reason)),
                }
            }
            let taken = futures::future::join_all(alerts.into_iter().map(|(number, alert)| {
                let outside = &outside;
                async move {
                    let clock = outside.clock.clone();
                    let owner = tokio::select! {
                        biased;
                        owner = diagnoser::owner(outside, &alert) => owner,
                        () = clock.sleep(OWNER_TIMEOUT) => None,
                    };
                    let fresh = RemediationId::from_random(outside.entropy.bytes());
                    Taken { number, alert, owner, fresh }
                }
            }))
            .await;
            Done::Intake(Ok((taken, stops)))
        });
    }

    pub(super) fn taken_in(&mut self, result: Result<FromInbox, String>) {
        self.intake_running = false;
        match result {
            Ok((taken, stops)) => {
                // More may wait behind a full page.
                self.intake_wanted = !taken.is_empty() || !stops.is_empty();
                for (number, by, reason) in stops {
                    self.pending.push(Pending {
                        input: Input::StopSeen { by, reason },
                        reply: None,
                        inbox: Some(number),
                        job: None,
                    });
                }
                for one in taken {
                    let number = one.number;
                    self.pending.push(Pending {
                        input: Input::Alert(Box::new(one)),
                        reply: None,
                        inbox: Some(number),
                        job: None,
                    });
                }
            }
            Err(why) => tracing::error!(why, "the inbox can't be read"),
        }
    }

    /// Asks the source of alerts, and looks into the inbox for what other processes put there.
    pub(super) fn start_poll(&mut self) {
        let pause = Duration::from_secs(self.options.poll_alerts_s.max(1));
        self.next_poll = self.outside.clock.monotonic() + pause;
        let Some(source) = self.outside.alerts.clone() else { return };
        self.jobs.spawn(async move { Done::Polled(source.firing().await) });
    }

    pub(super) fn polled(&mut self, result: Result<Vec<Alert>, String>) {
        let firing = match result {
            Ok(firing) => firing,
            Err(why) => {
                self.source("alertmanager", Err(why));
                return;
            }
        };
        self.source("alertmanager", Ok(format!("{} firing", firing.len())));
        let now = firing.iter().map(|alert| alert.fingerprint.as_str().to_string()).collect();
        let known = self.core.firing_alerts();
        let mut news =
            firing.into_iter().filter(|alert| !self.core.knows(alert)).collect::<Vec<_>>();
        // An alert is over when this source had it and has it no more. One that came another way is left alone.
        let now: BTreeSet<String> = now;
        for mut alert in known {
            let fingerprint = alert.fingerprint.as_str();
            if self.polled.contains(fingerprint) && !now.contains(fingerprint) {
                alert.status = AlertStatus::Resolved;
                alert.ends_at = Some(self.outside.clock.now());
                news.push(alert);
            }
        }
        self.polled = now;
        if !news.is_empty() {
            self.put_alerts(news, None, false);
        }
    }
}
