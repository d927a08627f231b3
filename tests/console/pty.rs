//! A program in a real terminal: a pty, and vt100 to read its cells.

#![allow(dead_code, reason = "each test target uses its own part of it")]

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read as _, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn cells(count: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(count).unwrap()
}

pub struct Pty {
    pub child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    state: Arc<Mutex<State>>,
}

struct State {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    closed: bool,
}

impl Pty {
    pub fn spawn(mut command: CommandBuilder, size: (u16, u16)) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize { rows: size.1, cols: size.0, pixel_width: 0, pixel_height: 0 })
            .unwrap();
        if command.get_env("TERM").is_none() {
            command.env("TERM", "xterm-256color");
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let parser = vt100::Parser::new(cells(size.1), cells(size.0), 0);
        let state = Arc::new(Mutex::new(State { parser, bytes: Vec::new(), closed: false }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 {
                    return;
                }
                let mut state = shared.lock().unwrap();
                state.parser.process(&buffer[..count]);
                state.bytes.extend_from_slice(&buffer[..count]);
                if state.closed {
                    return;
                }
            }
        });
        Self { child, master: Some(pair.master), writer: Some(writer), state }
    }

    pub fn screen(&self) -> vt100::Screen {
        self.state.lock().unwrap().parser.screen().clone()
    }

    pub fn text(&self) -> String {
        self.screen().contents()
    }

    /// Everything that was written so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.state.lock().unwrap().bytes.clone()
    }

    /// Waits until the screen holds a text.
    pub fn until(&self, text: &str) {
        self.until_within(text, Duration::from_secs(20));
    }

    pub fn until_within(&self, text: &str, within: Duration) {
        self.wait(within, text, |screen| screen.contains(text));
    }

    pub fn until_gone(&self, text: &str) {
        self.wait(Duration::from_secs(20), text, |screen| !screen.contains(text));
    }

    /// Waits until the terminal is the shell's again.
    pub fn until_shell(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.screen().alternate_screen() {
            assert!(Instant::now() < end, "it keeps the terminal; there is:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn wait(&self, within: Duration, what: &str, mut seen: impl FnMut(&str) -> bool) {
        let end = Instant::now() + within;
        while !seen(&self.text()) {
            assert!(Instant::now() < end, "waited for `{what}`; there is:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends bytes at once.
    pub fn send(&mut self, bytes: &str) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(bytes.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Types like a person: one key after the other.
    pub fn typed(&mut self, keys: &str) {
        for c in keys.chars() {
            self.send(&c.to_string());
            std::thread::sleep(Duration::from_millis(60));
        }
    }

    pub fn resize(&self, size: (u16, u16)) {
        self.state.lock().unwrap().parser.screen_mut().set_size(cells(size.1), cells(size.0));
        let size = PtySize { rows: size.1, cols: size.0, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().unwrap().resize(size).unwrap();
    }

    /// The terminal goes away: all ends of it are closed (the reader's with the next thing that is written).
    pub fn hang_up(&mut self) {
        self.state.lock().unwrap().closed = true;
        self.writer = None;
        self.master = None;
    }

    /// Waits for the end; the exit code.
    pub fn ended(&mut self) -> u32 {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < end, "it does not end; there is:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ended = self.child.kill();
    }
}
