//! The loop, and what it keeps.

use super::jobs::Done;
use super::leases::Leases;
use crate::domain::breaker::{Destination, Move};
use crate::domain::envelope::Head;
use crate::domain::id::RemediationId;
use crate::domain::notify::ChannelName;
use crate::domain::time::Timestamp;
use crate::engine::command::Receipt;
use crate::engine::core::{Core, Live, Settings};
use crate::engine::executor::Standing;
use crate::engine::handle::{Handle, REQUEST_CAPACITY, ToEngine};
use crate::engine::job::{Input, JobKey};
use crate::engine::outside::Outside;
use crate::engine::snapshot::{Role, Snapshot, Source};
use crate::ports::channel::Channel;
use crate::ports::desk::Desk;
use crate::ports::relay::Relay;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// Longest pause between two looks at the time, on the engine's clock.
const TICK: Duration = Duration::from_millis(200);
/// Pause between two looks into the inbox.
const INBOX: Duration = Duration::from_secs(1);
/// Requests and outcomes that one batch takes at most.
const BATCH: usize = 128;
/// Shortest pause between two snapshots: at most 30 a second.
const FRAME: Duration = Duration::from_millis(33);

/// What the dispatcher is told once.
#[derive(Clone)]
pub struct Options {
    /// Which cluster, rules, and so on.
    pub settings: Settings,
    /// Name under which leases are held: `host/pid/random`.
    pub holder: String,
    /// Version of the program.
    pub version: String,
    /// Leases' time to live in seconds.
    pub lease_ttl_s: u64,
    /// Seconds between polls of the alert source; 0: never.
    pub poll_alerts_s: u64,
    /// The way to an engine that drives, for following.
    pub relay: Option<Arc<dyn Relay>>,
    /// Where people leave commands in a store that several share.
    pub desk: Option<Arc<dyn Desk>>,
    /// The channels over which people are told.
    pub channels: BTreeMap<ChannelName, Arc<dyn Channel>>,
    /// Scenario and seed, if simulated.
    pub simulated: Option<String>,
    /// Clock's speed against the wall.
    pub speed: u32,
}

/// An input on its way into the core.
pub(super) struct Pending {
    pub input: Input,
    pub reply: Option<oneshot::Sender<Receipt>>,
    pub inbox: Option<u64>,
    pub job: Option<JobKey>,
}

/// Somebody who waits to hear what became of alerts: numbers left, cases so far, whom to tell.
pub(super) type Waiting = (BTreeSet<u64>, Vec<RemediationId>, oneshot::Sender<Receipt>);

/// The dispatcher.
#[allow(clippy::struct_excessive_bools, reason = "independent flags of one loop")]
pub struct Dispatcher {
    pub(super) outside: Outside,
    pub(super) options: Options,
    pub(super) core: Core,
    pub(super) head: Head,
    pub(super) leases: Leases,
    pub(super) folded: bool,
    pub(super) wants_fold: bool,
    /// The store refused a batch: until the culprit is found, so many inputs come alone.
    pub(super) alone: u32,
    pub(super) next_role: Option<Role>,
    pub(super) jobs: JoinSet<Done>,
    pub(super) running: BTreeSet<JobKey>,
    pub(super) pending: Vec<Pending>,
    pub(super) requests: mpsc::Receiver<ToEngine>,
    pub(super) out: watch::Sender<Arc<Snapshot>>,
    pub(super) sources: BTreeMap<&'static str, Source>,
    pub(super) store_down: Option<(String, Timestamp)>,
    pub(super) changed: bool,
    pub(super) last_frame: Duration,
    pub(super) next_round: Duration,
    pub(super) next_poll: Duration,
    pub(super) next_follow: Duration,
    next_inbox: Duration,
    pub(super) next_desk: Duration,
    pub(super) desk_running: bool,
    /// Memory follows the log: whether it is under way, when it goes on, and up to which event it came.
    pub(super) remembering: bool,
    pub(super) next_remembering: Duration,
    pub(super) remembered_to: u64,
    /// Receipts on their way to the desk.
    pub(super) answers: JoinSet<()>,
    pub(super) intake_wanted: bool,
    pub(super) intake_running: bool,
    pub(super) waiting: Vec<Waiting>,
    pub(super) polled: BTreeSet<String>,
    pub(super) stop_epoch: u64,
    pub(super) batches: u64,
    pub(super) closing: Vec<oneshot::Sender<()>>,
    /// Moves of breakers that are not in the log yet, oldest first; and how many of them are on their way into it.
    pub(super) moves: VecDeque<Move>,
    pub(super) moves_handed: usize,
    /// Destinations that are being probed.
    pub(super) probing: BTreeSet<Destination>,
    /// Channels over which a message is on its way.
    pub(super) telling: BTreeSet<ChannelName>,
}

impl Dispatcher {
    /// A dispatcher and the handle to it. Nothing runs until [`Dispatcher::run`].
    #[must_use]
    pub fn new(outside: Outside, options: Options) -> (Self, Handle) {
        let (to, requests) = mpsc::channel(REQUEST_CAPACITY);
        let core = Core::new(options.settings.clone());
        let live = Live {
            sources: Vec::new(),
            store_down: None,
            simulated: options.simulated.clone(),
            speed: options.speed,
            breakers: outside.lines.views(),
        };
        let first = Arc::new(core.snapshot(outside.clock.now(), live));
        let (out, snapshots) = watch::channel(first);
        let leases = Leases {
            holder: options.holder.clone(),
            ttl_s: options.lease_ttl_s,
            store: None,
            store_until: Duration::ZERO,
            cluster_until: Duration::ZERO,
            watched: None,
        };
        let dispatcher = Self {
            outside,
            options,
            core,
            head: Head::empty(),
            leases,
            folded: false,
            wants_fold: false,
            alone: 0,
            next_role: None,
            jobs: JoinSet::new(),
            running: BTreeSet::new(),
            pending: Vec::new(),
            requests,
            out,
            sources: BTreeMap::new(),
            store_down: None,
            changed: true,
            last_frame: Duration::ZERO,
            next_round: Duration::ZERO,
            next_poll: Duration::ZERO,
            next_follow: Duration::ZERO,
            next_inbox: Duration::ZERO,
            next_desk: Duration::ZERO,
            desk_running: false,
            remembering: false,
            next_remembering: Duration::ZERO,
            remembered_to: 0,
            answers: JoinSet::new(),
            intake_wanted: true,
            intake_running: false,
            waiting: Vec::new(),
            polled: BTreeSet::new(),
            stop_epoch: 0,
            batches: 0,
            closing: Vec::new(),
            moves: VecDeque::new(),
            moves_handed: 0,
            probing: BTreeSet::new(),
            telling: BTreeSet::new(),
        };
        (dispatcher, Handle::new(to, snapshots))
    }

    /// Runs until it is asked to end and nothing is under way, or all handles are gone.
    pub async fn run(mut self) {
        let mut open = true;
        loop {
            self.timed();
            let clock = self.outside.clock.clone();
            let pause = self.pause();
            tokio::select! {
                biased;
                message = self.requests.recv(), if open => match message {
                    Some(message) => self.message(message),
                    None => open = false,
                },
                Some(done) = self.jobs.join_next(), if !self.jobs.is_empty() => self.joined(done),
                () = clock.sleep(pause) => {}
            }
            while let Ok(message) = self.requests.try_recv() {
                self.message(message);
                if self.pending.len() >= BATCH {
                    break;
                }
            }
            while let Some(done) = self.jobs.try_join_next() {
                self.joined(done);
                if self.pending.len() >= BATCH {
                    break;
                }
            }
            self.take_role().await;
            self.hear_breakers();
            self.step().await;
            self.outside.lines.set(self.core.forced());
            self.start_probes();
            self.publish();
            if self.may_end(open) {
                break;
            }
        }
        self.end().await;
    }

    /// Starts what the clock says.
    fn timed(&mut self) {
        let now = self.outside.clock.monotonic();
        if now >= self.next_round {
            self.start_round();
        }
        if self.is_appending() && now >= self.next_poll && self.options.poll_alerts_s > 0 {
            self.start_poll();
        }
        if matches!(self.core.role(), Role::Following { .. }) && now >= self.next_follow {
            self.start_follow();
        }
        if self.is_appending() && now >= self.next_inbox {
            // Other processes may have put something there.
            self.next_inbox = now + INBOX;
            self.intake_wanted = true;
        }
        if self.options.desk.is_some()
            && self.is_appending()
            && !self.desk_running
            && now >= self.next_desk
        {
            self.start_desk();
        }
        if self.is_appending() && !self.remembering && now >= self.next_remembering {
            self.start_remembering();
        }
        while self.answers.try_join_next().is_some() {}
        if self.intake_wanted && !self.intake_running && self.is_appending() {
            self.start_intake();
        }
    }

    fn pause(&self) -> Duration {
        let now = self.outside.clock.now();
        let until = self
            .core
            .wake_at(now)
            .map(|at| (at - now).to_std().unwrap_or(Duration::ZERO).max(Duration::from_millis(1)));
        until.map_or(TICK, |until| until.min(TICK))
    }

    /// Whether this engine writes the log: it has the store's lease and has folded all of it.
    pub(super) fn is_appending(&self) -> bool {
        self.leases.store.is_some() && self.folded
    }

    /// By what right jobs send.
    pub(super) fn standing(&self) -> Option<Standing> {
        let lease = self.leases.store.as_ref()?;
        (*self.core.role() == Role::Driving).then(|| Standing {
            holder: self.leases.holder.clone(),
            fence: lease.fence,
            until: self.leases.until(),
        })
    }

    /// Notes that a source answered, or why not.
    pub(super) fn source(&mut self, name: &'static str, result: Result<String, String>) {
        let now = self.outside.clock.now();
        let known = self.sources.remove(name);
        let good_at = known.as_ref().and_then(|known| known.good_at);
        let source = match result {
            Ok(note) => Source { name, ok: Some(true), good_at: Some(now), note },
            Err(note) => Source { name, ok: Some(false), good_at, note },
        };
        self.changed = true;
        self.sources.insert(name, source);
    }

    fn publish(&mut self) {
        let now = self.outside.clock.monotonic();
        // A virtual clock may stand still between two events: then every change is shown.
        let soon = now < self.last_frame + FRAME && now > self.last_frame;
        if !self.changed || soon {
            return;
        }
        self.last_frame = now;
        self.changed = false;
        let snapshot = self.core.snapshot(self.outside.clock.now(), self.live());
        self.out.send_replace(Arc::new(snapshot));
    }

    pub(super) fn live(&self) -> Live {
        Live {
            sources: self.sources.values().cloned().collect(),
            store_down: self.store_down.clone(),
            simulated: self.options.simulated.clone(),
            speed: self.options.speed,
            breakers: self.outside.lines.views(),
        }
    }

    fn may_end(&self, open: bool) -> bool {
        let asked = !self.closing.is_empty() || !open;
        asked && !self.core.is_executing() && self.pending.is_empty()
    }

    /// Gives the leases back, so that the next engine need not wait.
    async fn end(mut self) {
        self.jobs.abort_all();
        while self.jobs.join_next().await.is_some() {}
        let _released = self.outside.cluster.release_lease(&self.leases.holder).await;
        if let Some(lease) = &self.leases.store {
            let _released = self.outside.store.release(lease).await;
        }
        for asked in self.closing.drain(..) {
            let _gone = asked.send(());
        }
    }
}
