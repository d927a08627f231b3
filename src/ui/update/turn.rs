//! One message in, effects out.

use super::{arrivals, keys, settle};
use crate::ui::model::Model;
use crate::ui::model::place::Place;
use crate::ui::msg::{Effect, Leaving, Millis, Msg, Signal};

/// What one message led to.
#[derive(Debug, Default, PartialEq)]
pub struct Turn {
    /// What is wanted.
    pub effects: Vec<Effect>,
    /// Whether the picture may have changed.
    pub draw: bool,
}

impl Turn {
    /// Wants something.
    pub fn want(&mut self, effect: Effect) {
        self.effects.push(effect);
    }
}

/// Takes a message in.
pub fn update(model: &mut Model, msg: Msg) -> Turn {
    let mut turn = Turn { effects: Vec::new(), draw: true };
    match msg {
        Msg::Key(press, at) => {
            pass(model, at);
            keys::key(model, press, at, &mut turn);
        }
        Msg::Paste(text, at) => {
            pass(model, at);
            keys::paste(model, &text, &mut turn);
        }
        Msg::Resize(columns, lines) => {
            model.size = (columns, lines);
            turn.want(Effect::Redraw);
        }
        Msg::Snapshot(snapshot, at) => {
            pass(model, at);
            arrivals::snapshot(model, &snapshot, at, &mut turn);
        }
        Msg::Answer(ticket, answer, at) => {
            pass(model, at);
            arrivals::answer(model, &ticket, *answer, at);
        }
        Msg::Receipt(ticket, receipt, at) => {
            pass(model, at);
            arrivals::receipt(model, &ticket, receipt, at);
        }
        Msg::Logs(lines) => {
            turn.draw = model.log_lines != lines;
            model.log_lines = lines;
        }
        Msg::Tick(at) => {
            pass(model, at);
            if model.place == Place::Logs {
                turn.want(Effect::ReadLogs);
            }
        }
        Msg::Signal(signal) => signalled(signal, model, &mut turn),
    }
    settle::settle(model, &mut turn);
    turn
}

fn pass(model: &mut Model, at: Millis) {
    model.now_ms = model.now_ms.max(at);
}

fn signalled(signal: Signal, model: &Model, turn: &mut Turn) {
    match signal {
        // Nobody can be asked any more: what runs goes on to its safe point without a screen.
        Signal::HangUp => turn.want(Effect::Leave(Leaving::HangUp)),
        Signal::Suspend if keys::recording(model) => {}
        Signal::Suspend => turn.want(Effect::Suspend),
        Signal::Continue => turn.want(Effect::Redraw),
    }
}
