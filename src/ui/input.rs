//! Reads the terminal on its own thread.
//!
//! Promises: it ends when the terminal is gone (crossterm alone would spin on it) and when it is told to; each event
//! carries the time at which it was read. Absent on purpose: signals, which come by `signals`.

use super::keymap::Press;
use super::msg::{Msg, Signal};
use super::pulse::Pulse;
use crossterm::event::{self, Event, KeyEventKind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// How often it looks whether it should end.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// The reader.
pub struct Reader {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Starts it. It sends with back-pressure: a terminal that types faster than is drawn waits.
    ///
    /// # Errors
    /// When no thread can be made.
    pub fn start(to: Sender<Msg>, pulse: Pulse) -> std::io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ended);
        let thread = std::thread::Builder::new()
            .name("console-input".into())
            .spawn(move || read(&to, pulse, &flag))?;
        Ok(Self { ended, thread: Some(thread) })
    }

    /// Tells it to end, and waits for it (it looks five times a second).
    pub fn end(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A reader inside a broken sequence of a terminal that is gone can't be waited for.
            for _ in 0..50 {
                if thread.is_finished() {
                    let _ended = thread.join();
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

fn read(to: &Sender<Msg>, pulse: Pulse, ended: &AtomicBool) {
    let gone = Msg::Signal(Signal::HangUp);
    // The same terminal that crossterm reads.
    let tty = if std::io::stdin().is_terminal() { None } else { File::open("/dev/tty").ok() };
    let stdin = std::io::stdin();
    while !ended.load(Ordering::Relaxed) {
        let waited = match &tty {
            Some(tty) => wait(&mut [PollFd::new(tty, PollFlags::IN)]),
            None => wait(&mut [PollFd::new(&stdin, PollFlags::IN)]),
        };
        match waited {
            Waited::Nothing => {}
            Waited::Gone => {
                let _full = to.blocking_send(gone);
                return;
            }
            Waited::Input => {
                if !forward(to, pulse) {
                    let _full = to.blocking_send(gone);
                    return;
                }
            }
        }
    }
}

enum Waited {
    Nothing,
    Input,
    Gone,
}

fn wait(fds: &mut [PollFd<'_>]) -> Waited {
    match poll(fds, Some(&LOOK)) {
        Ok(0) => Waited::Nothing,
        Ok(_) => {
            let seen = fds.iter().fold(PollFlags::empty(), |seen, fd| seen | fd.revents());
            if seen.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                Waited::Gone
            } else {
                Waited::Input
            }
        }
        Err(rustix::io::Errno::INTR) => Waited::Nothing,
        Err(_) => Waited::Gone,
    }
}

/// Reads what is there; false when the terminal or the console is gone.
fn forward(to: &Sender<Msg>, pulse: Pulse) -> bool {
    loop {
        match event::poll(Duration::ZERO) {
            Ok(false) => return true,
            Ok(true) => {}
            Err(_) => return false,
        }
        let Ok(event) = event::read() else { return false };
        let at = pulse.now();
        let msg = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => Msg::Key(Press::of(&key), at),
            Event::Paste(text) => Msg::Paste(text, at),
            Event::Resize(columns, lines) => Msg::Resize(columns, lines),
            Event::Key(_) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) => continue,
        };
        if to.blocking_send(msg).is_err() {
            return false;
        }
    }
}
