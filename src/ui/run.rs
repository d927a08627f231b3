//! The console's loop, on the main thread: waits for messages, updates, does what is wanted, draws.

use super::input::Reader;
use super::keymap::{Keymap, SHIPPED};
use super::model::{Model, Setup};
use super::msg::{Effect, Leaving, LogLine, Millis, Msg, Ticket};
use super::pulse::Pulse;
use super::terminal::{Screen, preflight_terminal, restore_on_panic, theme_for};
use super::theme::ThemeChoice;
use super::update::update;
use crate::domain::principal::Principal;
use crate::domain::time::plus;
use crate::engine::command::{COMMAND_AGE_S, Command, Receipt, Refusal};
use crate::engine::handle::Handle;
use crate::engine::query::{Answer, Query};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Messages waiting for `update`. The reader and the tasks wait when it is full: the terminal and the engine hold what
/// comes meanwhile, and only the newest picture counts.
const MESSAGES: usize = 256;
/// Ages are rewritten this often.
const TICK_MS: Millis = 1_000;
/// An answer that takes longer is not waited for.
const ANSWER: Duration = Duration::from_secs(35);
/// How long leaving waits for commands that are on their way.
const FAREWELL: Duration = Duration::from_secs(5);

/// The console.
pub struct Console {
    /// The way to the engine.
    pub handle: Handle,
    /// The engine's runtime, for what waits.
    pub runtime: tokio::runtime::Handle,
    /// Who sits there.
    pub principal: Principal,
    /// The engine's log.
    pub logs: Arc<dyn Fn() -> Vec<LogLine> + Send + Sync>,
    /// Colours and signs.
    pub theme: ThemeChoice,
    /// Everything else.
    pub options: Options,
}

/// Settings of the console.
#[derive(Debug, Clone)]
pub struct Options {
    /// A keymap in place of the shipped one, as text.
    pub keymap: Option<String>,
    /// Whether the store can carry a decision of two people.
    pub two_people: bool,
    /// Ring when something new needs a person.
    pub bell: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { keymap: None, two_people: false, bell: true }
    }
}

/// Shows the console until it is left. Call it on the main thread.
///
/// # Errors
/// When the terminal can't be used, or the keymap or theme is wrong.
pub fn run(console: Console) -> io::Result<Leaving> {
    preflight_terminal().map_err(io::Error::other)?;
    let keymap = Keymap::load(console.options.keymap.as_deref().unwrap_or(SHIPPED))
        .map_err(io::Error::other)?;
    let (theme, depth) = theme_for(&console.theme).map_err(io::Error::other)?;
    let pulse = Pulse::start();
    let mut screen = Screen::new(Box::new(io::stdout()), None)?;
    let model = Model::new(
        Setup {
            snapshot: console.handle.snapshot(),
            principal: console.principal.clone(),
            keymap,
            theme,
            depth,
            theme_files: console.theme.files.clone(),
            size: screen.size()?,
            two_people: console.options.two_people,
            bell: console.options.bell,
        },
        pulse.now(),
    );
    restore_on_panic();
    screen.enter()?;
    let (to, from) = mpsc::channel(MESSAGES);
    let mut reader = Reader::start(to.clone(), pulse)?;
    let mut worker = Worker {
        console,
        pulse,
        to,
        tasks: TaskTracker::new(),
        end: CancellationToken::new(),
        wakes: BTreeSet::new(),
    };
    worker.listen();
    let left = worker.turns(model, &mut screen, from);
    // Also after an error: what runs goes on without a screen.
    let gone = screen.leave();
    reader.end();
    worker.farewell();
    match (left, gone) {
        (Ok(leaving), Ok(())) => Ok(leaving),
        // The terminal is gone: that is a hang-up, not a failure.
        (Ok(_) | Err(_), _) => Ok(Leaving::HangUp),
    }
}

struct Worker {
    console: Console,
    pulse: Pulse,
    to: Sender<Msg>,
    tasks: TaskTracker,
    end: CancellationToken,
    wakes: BTreeSet<Millis>,
}

impl Worker {
    /// Starts the tasks that listen: pictures and signals.
    fn listen(&self) {
        let runtime = &self.console.runtime;
        let (to, end, pulse) = (self.to.clone(), self.end.clone(), self.pulse);
        let mut pictures = self.console.handle.snapshots();
        self.tasks.spawn_on(
            async move {
                loop {
                    tokio::select! {
                        () = end.cancelled() => return,
                        changed = pictures.changed() => if changed.is_err() { return },
                    }
                    let picture = pictures.borrow_and_update().clone();
                    if to.send(Msg::Snapshot(picture, pulse.now())).await.is_err() {
                        return;
                    }
                }
            },
            runtime,
        );
        let (to, end) = (self.to.clone(), self.end.clone());
        self.tasks.spawn_on(
            async move {
                if let Err(error) = super::signals::watch(to, end).await {
                    tracing::warn!(%error, "the console can't listen to signals");
                }
            },
            runtime,
        );
    }

    fn turns(
        &mut self,
        mut model: Model,
        screen: &mut Screen,
        mut from: Receiver<Msg>,
    ) -> io::Result<Leaving> {
        let mut next_tick = self.pulse.now() + TICK_MS;
        // The first turn settles the model: what the first screen needs is asked for.
        let mut waiting = Some(Msg::Tick(self.pulse.now()));
        loop {
            let mut draw = false;
            while let Some(msg) = waiting.take() {
                let turn = update(&mut model, msg);
                draw |= turn.draw;
                for effect in turn.effects {
                    if let Some(leaving) = self.perform(effect, &model, screen)? {
                        return Ok(leaving);
                    }
                }
                waiting = from.try_recv().ok();
            }
            if draw {
                screen.draw(&model)?;
            }
            let now = self.pulse.now();
            if now >= next_tick {
                next_tick = now + TICK_MS;
            }
            self.wakes = self.wakes.split_off(&now);
            let until = self.wakes.first().copied().map_or(next_tick, |wake| wake.min(next_tick));
            let pause = Duration::from_millis(until.saturating_sub(now));
            let received = self
                .console
                .runtime
                .block_on(async { tokio::time::timeout(pause, from.recv()).await });
            waiting = match received {
                Ok(Some(msg)) => Some(msg),
                Ok(None) => return Ok(Leaving::HangUp),
                Err(_) => Some(Msg::Tick(self.pulse.now())),
            };
        }
    }

    fn perform(
        &mut self,
        effect: Effect,
        model: &Model,
        screen: &mut Screen,
    ) -> io::Result<Option<Leaving>> {
        match effect {
            Effect::Send(ticket, command) => self.send(ticket, command, model),
            Effect::Ask(ticket, query) => self.ask(ticket, query),
            Effect::ReadLogs => self.read_logs(),
            Effect::Copy(text) => screen.copy(&text)?,
            Effect::Bell => screen.bell()?,
            Effect::WakeAt(at) => {
                self.wakes.insert(at);
            }
            Effect::Redraw => screen.redraw(model.size)?,
            Effect::Suspend => self.suspend(screen)?,
            Effect::Leave(leaving) => return Ok(Some(leaving)),
        }
        Ok(None)
    }

    fn send(&self, ticket: Ticket, command: Command, model: &Model) {
        // The engine's clock may run faster than the wall: in the simulation a minute passes in seconds.
        let age = COMMAND_AGE_S * u64::from(model.snapshot.speed.max(1));
        let not_after = command.lapses().then(|| plus(model.now(), age));
        let (handle, to, pulse) = (self.console.handle.clone(), self.to.clone(), self.pulse);
        let by = self.console.principal.clone();
        self.tasks.spawn_on(
            async move {
                let asked = handle.command(command, by, not_after);
                let receipt = tokio::time::timeout(ANSWER, asked).await.unwrap_or_else(|_| {
                    Receipt::Refused {
                        refusal: Refusal::Unavailable,
                        why: "no answer; it is not known whether it was taken: look at its log"
                            .into(),
                    }
                });
                let _left = to.send(Msg::Receipt(ticket, receipt, pulse.now())).await;
            },
            &self.console.runtime,
        );
    }

    fn ask(&self, ticket: Ticket, query: Query) {
        let (handle, to, pulse) = (self.console.handle.clone(), self.to.clone(), self.pulse);
        let (by, end) = (self.console.principal.clone(), self.end.clone());
        self.tasks.spawn_on(
            async move {
                let answer = tokio::select! {
                    () = end.cancelled() => return,
                    answer = handle.query(query, by) => answer,
                    () = tokio::time::sleep(ANSWER) => Answer::Unavailable("no answer".into()),
                };
                let _left = to.send(Msg::Answer(ticket, Box::new(answer), pulse.now())).await;
            },
            &self.console.runtime,
        );
    }

    fn read_logs(&self) {
        let (logs, to) = (Arc::clone(&self.console.logs), self.to.clone());
        // The ring has a lock: it is not taken on the drawing thread.
        self.tasks.spawn_blocking_on(
            move || {
                let _full = to.blocking_send(Msg::Logs(logs()));
            },
            &self.console.runtime,
        );
    }

    /// Gives the terminal back, stops the process, and takes the terminal again once it is continued.
    fn suspend(&self, screen: &mut Screen) -> io::Result<()> {
        screen.leave()?;
        // The stop reaches this thread a moment after it is sent: only what continues it may take the terminal again.
        self.console.runtime.block_on(super::signals::stopped_until_continued())?;
        screen.enter()?;
        let size = screen.size()?;
        let _full = self.to.try_send(Msg::Resize(size.0, size.1));
        screen.redraw(size)
    }

    /// Ends the tasks; commands that are on their way get a moment.
    fn farewell(&self) {
        self.end.cancel();
        self.tasks.close();
        let waited = self
            .console
            .runtime
            .block_on(async { tokio::time::timeout(FAREWELL, self.tasks.wait()).await });
        if waited.is_err() {
            tracing::warn!("a command of the console was not answered before it was left");
        }
    }
}
