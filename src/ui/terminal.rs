//! The terminal: taking it, drawing on it, giving it back.
//!
//! Promises: a frame is one write, between the marks of a synchronized update (DEC 2026); the terminal is given back
//! on every way out, a panic included; nothing here asks the terminal a question and waits for its answer.

use super::model::Model;
use super::screens::view::view;
use super::theme::{Depth, Theme, ThemeChoice, ThemeError};
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{Command as _, cursor, queue, style};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use rustix::termios::QueueSelector;
use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write};
use std::rc::Rc;

/// Largest frame that is gathered before it is written; a full one at 200×60 in 24-bit colour is about 30 KiB.
const FRAME_CAPACITY: usize = 128 * 1024;

/// Whether a console can be shown here.
///
/// # Errors
/// A sentence that says why not and what to use instead.
pub fn preflight_terminal() -> Result<(), String> {
    let instead = "use line mode: pilothouse list, watch, show, approve";
    if !io::stdout().is_terminal() {
        return Err(format!("stdout is not a terminal, so the console can't be shown; {instead}"));
    }
    match std::env::var("TERM").as_deref() {
        Ok("dumb") => Err(format!("TERM=dumb: this terminal can't show the console; {instead}")),
        Ok("") | Err(_) => Err(format!("TERM is not set: the terminal is not known; {instead}")),
        Ok(_) => Ok(()),
    }
}

/// The theme for this terminal, and what the terminal can show.
///
/// # Errors
/// When the chosen theme does not exist or is wrong.
pub fn theme_for(choice: &ThemeChoice) -> Result<(Theme, Depth), ThemeError> {
    let env = |name: &str| std::env::var(name).unwrap_or_default();
    let term = env("TERM");
    let no_color = !env("NO_COLOR").is_empty();
    let depth = choice.depth.unwrap_or_else(|| {
        let colorterm = env("COLORTERM");
        if no_color {
            Depth::Mono
        } else if colorterm == "truecolor" || colorterm == "24bit" {
            Depth::True
        } else if term.contains("256") || term.contains("kitty") || term.contains("alacritty") {
            Depth::Indexed
        } else {
            Depth::Ansi16
        }
    });
    let locale = [env("LC_ALL"), env("LC_CTYPE"), env("LANG")]
        .into_iter()
        .find(|value| !value.is_empty())
        .unwrap_or_default()
        .to_lowercase();
    let unicode = locale.contains("utf-8") || locale.contains("utf8");
    let ascii = choice.ascii.unwrap_or(term == "linux" || !unicode);
    let name = choice.name.clone().unwrap_or_else(|| "dark".into());
    let mut theme = Theme::load(&name, depth, &choice.files)?;
    theme.ascii |= ascii;
    Ok((theme, depth))
}

/// What is written, gathered until a frame is whole.
#[derive(Clone)]
pub struct Wire(Rc<RefCell<Gathered>>);

struct Gathered {
    bytes: Vec<u8>,
    out: Box<dyn Write>,
    written: u64,
}

impl Wire {
    /// A wire to `out`.
    #[must_use]
    pub fn new(out: Box<dyn Write>) -> Self {
        let bytes = Vec::with_capacity(FRAME_CAPACITY);
        Self(Rc::new(RefCell::new(Gathered { bytes, out, written: 0 })))
    }

    /// Writes what was gathered, at once.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn commit(&self) -> io::Result<()> {
        let mut gathered = self.0.borrow_mut();
        let bytes = std::mem::take(&mut gathered.bytes);
        gathered.written += bytes.len() as u64;
        let result = gathered.out.write_all(&bytes).and_then(|()| gathered.out.flush());
        gathered.bytes = bytes;
        gathered.bytes.clear();
        result
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.0.borrow().written
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().bytes.extend_from_slice(buf);
        Ok(buf.len())
    }

    /// A frame is whole when it is committed, not when somebody flushes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The screen.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Wire>>,
    wire: Wire,
    taken: bool,
}

impl Screen {
    /// A screen that writes to `out`, of a fixed size where one is given; nothing is taken from a terminal yet.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn new(out: Box<dyn Write>, fixed: Option<(u16, u16)>) -> io::Result<Self> {
        let wire = Wire::new(out);
        let backend = CrosstermBackend::new(wire.clone());
        let terminal = match fixed {
            None => Terminal::new(backend)?,
            Some((width, height)) => Terminal::with_options(
                backend,
                ratatui::TerminalOptions {
                    viewport: ratatui::Viewport::Fixed(Rect::new(0, 0, width, height)),
                },
            )?,
        };
        // NO_COLOR is honoured by the mono theme. Left to crossterm it would lose the modifiers, too.
        style::force_color_output(true);
        Ok(Self { terminal, wire, taken: false })
    }

    /// Takes the terminal: raw, other screen, bracketed paste.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        self.taken = true;
        // What was typed before the console was there was not meant for it.
        let _no_terminal = rustix::termios::tcflush(io::stdin(), QueueSelector::IFlush);
        queue!(self.wire, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        self.wire.commit()
    }

    /// Gives the terminal back.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn leave(&mut self) -> io::Result<()> {
        if !self.taken {
            return Ok(());
        }
        self.taken = false;
        let written = leave_sequence(&mut self.wire).and_then(|()| self.wire.commit());
        disable_raw_mode().and(written)
    }

    /// Draws the model: one write.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn draw(&mut self, model: &Model) -> io::Result<()> {
        queue!(self.wire, BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| view(model, frame))?;
        queue!(self.wire, EndSynchronizedUpdate)?;
        self.wire.commit()
    }

    /// Makes the next frame a whole one.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn redraw(&mut self, size: (u16, u16)) -> io::Result<()> {
        // Not `clear()`: that asks for the cursor's position, and waits 2 s where nobody answers.
        self.terminal.resize(Rect::new(0, 0, size.0, size.1))
    }

    /// Columns and lines.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Puts text into the terminal's clipboard: once plain, once wrapped for tmux.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let plain = osc52(text);
        let wrapped = format!("\u{1b}Ptmux;{}\u{1b}\\", plain.replace('\u{1b}', "\u{1b}\u{1b}"));
        self.wire.write_all(plain.as_bytes())?;
        self.wire.write_all(wrapped.as_bytes())?;
        self.wire.commit()
    }

    /// Rings.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn bell(&mut self) -> io::Result<()> {
        self.wire.write_all(b"\x07")?;
        self.wire.commit()
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.wire.written()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _gone = self.leave();
    }
}

fn osc52(text: &str) -> String {
    let mut out = String::new();
    let _infallible = CopyToClipboard::to_clipboard_from(text.as_bytes()).write_ansi(&mut out);
    out
}

fn leave_sequence(out: &mut impl Write) -> io::Result<()> {
    queue!(
        out,
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        style::ResetColor,
        style::SetAttribute(style::Attribute::Reset),
        LeaveAlternateScreen,
        cursor::Show
    )
}

/// Gives the terminal back before a panic of this thread is told. Panics of other threads leave the screen alone.
pub fn restore_on_panic() {
    let console = std::thread::current().id();
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == console {
            let mut out = io::stdout();
            let _gone = leave_sequence(&mut out).and_then(|()| out.flush());
            let _gone = disable_raw_mode();
        }
        previous(info);
    }));
}
