//! A console without a terminal: messages in, effects and pictures out.

#![allow(dead_code, reason = "each test target uses its own part of it")]

use super::fixture;
use crossterm::event::KeyCode;
use pilothouse::engine::query::Answer;
use pilothouse::engine::snapshot::Snapshot;
use pilothouse::ui::keymap::{Keymap, Press, SHIPPED};
use pilothouse::ui::model::{Model, Setup};
use pilothouse::ui::msg::{Effect, Millis, Msg, Ticket};
use pilothouse::ui::screens::view::view;
use pilothouse::ui::theme::{Depth, Theme};
use pilothouse::ui::update::update;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use std::sync::Arc;

/// Milliseconds between two keys of a calm hand.
pub const CALM: Millis = 120;

pub struct Desk {
    pub model: Model,
    pub at: Millis,
    pub effects: Vec<Effect>,
}

pub fn setup(snapshot: Snapshot, size: (u16, u16), theme: &str, depth: Depth) -> Setup {
    Setup {
        snapshot: Arc::new(snapshot),
        principal: fixture::mira(),
        keymap: Keymap::load(SHIPPED).unwrap(),
        theme: Theme::load(theme, depth, &[]).unwrap(),
        depth,
        theme_files: Vec::new(),
        size,
        two_people: false,
        bell: true,
    }
}

impl Desk {
    pub fn new(snapshot: Snapshot, size: (u16, u16)) -> Self {
        Self::themed(snapshot, size, "dark", Depth::True)
    }

    pub fn themed(snapshot: Snapshot, size: (u16, u16), theme: &str, depth: Depth) -> Self {
        let model = Model::new(setup(snapshot, size, theme, depth), 1_000);
        let mut desk = Self { model, at: 1_000, effects: Vec::new() };
        desk.send(Msg::Tick(1_000));
        desk
    }

    /// The night at 80×24.
    pub fn night() -> Self {
        Self::new(fixture::night(), (80, 24))
    }

    pub fn send(&mut self, msg: Msg) -> &mut Self {
        self.effects.extend(update(&mut self.model, msg).effects);
        self
    }

    pub fn wait(&mut self, by: Millis) -> &mut Self {
        self.at += by;
        self.send(Msg::Tick(self.at))
    }

    /// One key, so long after the one before.
    pub fn after(&mut self, by: Millis, press: Press) -> &mut Self {
        self.at += by;
        self.send(Msg::Key(press, self.at))
    }

    pub fn key(&mut self, code: KeyCode) -> &mut Self {
        self.after(CALM, Press::key(code))
    }

    pub fn ctrl(&mut self, c: char) -> &mut Self {
        self.after(CALM, Press { code: KeyCode::Char(c), ctrl: true, alt: false })
    }

    /// Letters, typed calmly.
    pub fn typed(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.after(CALM, Press::char(c));
        }
        self
    }

    pub fn snapshot(&mut self, snapshot: Snapshot) -> &mut Self {
        let at = self.at;
        self.send(Msg::Snapshot(Arc::new(snapshot), at))
    }

    /// The engine answers the card's question.
    pub fn answer(&mut self, answer: Answer) -> &mut Self {
        let ticket = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Ask(ticket @ Ticket::Preflight(..), _) => Some(ticket.clone()),
            _ => None,
        });
        let ticket = ticket.expect("the card asked for checks");
        let at = self.at;
        self.send(Msg::Answer(ticket, Box::new(answer), at))
    }

    /// Opens the card of a case whose row is selected by name, lets it be checked, and waits until its keys are awake.
    pub fn card(&mut self, short: &str) -> &mut Self {
        self.select(short).typed(" a");
        self.answer(fixture::all_clear());
        self.typed_end().wait(600)
    }

    /// Scrolls a card to its end.
    pub fn typed_end(&mut self) -> &mut Self {
        self.key(KeyCode::End)
    }

    pub fn select(&mut self, short: &str) -> &mut Self {
        let id = fixture::id(short);
        self.model.overview.select(&id);
        self
    }

    /// Commands that were sent.
    pub fn commands(&self) -> Vec<&pilothouse::engine::command::Command> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Send(_, command) => Some(command),
                _ => None,
            })
            .collect()
    }

    pub fn draw(&self) -> Buffer {
        let backend = TestBackend::new(self.model.size.0, self.model.size.1);
        let mut terminal = Terminal::new(backend).unwrap();
        terminal.draw(|frame| view(&self.model, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    /// The picture as text.
    pub fn text(&self) -> String {
        lines(&self.draw()).join("\n")
    }
}

/// The lines of a picture.
pub fn lines(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    (area.top()..area.bottom())
        .map(|y| {
            (area.left()..area.right())
                .map(|x| buffer.cell((x, y)).map_or(" ", |cell| cell.symbol()))
                .collect::<String>()
        })
        .collect()
}
