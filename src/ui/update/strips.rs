//! Keys for an open strip.

use super::intents;
use super::keys::{say, warn};
use super::turn::Turn;
use crate::engine::command::Command;
use crate::ui::keymap::Press;
use crate::ui::model::Model;
use crate::ui::model::field::Field;
use crate::ui::model::overlay::Overlay;
use crate::ui::model::place::Place;
use crate::ui::msg::{Effect, Leaving, Ticket};
use crate::ui::palette::{self, Choice};
use crossterm::event::KeyCode;

/// A key for the open strip.
pub fn key(model: &mut Model, press: Press, turn: &mut Turn) {
    let Some(overlay) = model.overlay.take() else { return };
    let leave = press.ctrl && press.code == KeyCode::Char('c');
    if leave && !matches!(overlay, Overlay::Quit { .. }) {
        return;
    }
    match overlay {
        Overlay::Filter(field) => filter(model, field, press),
        Overlay::Palette { field, cursor } => palette_key(model, field, cursor, press, turn),
        Overlay::Stop(field) => stop(model, field, press, turn),
        Overlay::Start { cluster, reason, at_reason } => {
            start(model, (cluster, reason, at_reason), press, turn);
        }
        Overlay::Steer(asked) => super::steer::key(model, asked, press, turn),
        Overlay::Breaker { destination, setting, reason } => {
            super::breakers::key(model, (destination, setting, reason), press, turn);
        }
        Overlay::Quit { why } => match press.code {
            KeyCode::Enter | KeyCode::Char('y') => turn.want(Effect::Leave(Leaving::HangUp)),
            KeyCode::Esc | KeyCode::Char('n') => {}
            _ => model.overlay = Some(Overlay::Quit { why }),
        },
    }
}

/// Edits a field. Returns whether the key was one for it.
pub(super) fn edit(field: &mut Field, press: Press) -> bool {
    match (press.code, press.ctrl) {
        (KeyCode::Backspace, _) => field.backspace(),
        (KeyCode::Char('w'), true) => field.erase_word(),
        (KeyCode::Char('u'), true) => field.clear(),
        _ => match press.printable() {
            Some(c) => field.push(c),
            None => return false,
        },
    }
    true
}

fn filter(model: &mut Model, mut field: Field, press: Press) {
    match press.code {
        KeyCode::Esc => apply_filter(model, ""),
        KeyCode::Enter => {}
        _ => {
            edit(&mut field, press);
            apply_filter(model, field.text());
            model.overlay = Some(Overlay::Filter(field));
        }
    }
}

/// Sets the filter of the screen.
pub fn apply_filter(model: &mut Model, text: &str) {
    match model.place {
        Place::Logs => model.logs.filter = text.into(),
        Place::Audit => model.audit.filter = text.into(),
        _ => {
            if let Some(list) = model.list_mut() {
                list.set_filter(text);
            }
        }
    }
}

fn palette_key(model: &mut Model, mut field: Field, cursor: usize, press: Press, turn: &mut Turn) {
    let found = palette::search(model, field.text());
    let last = found.len().saturating_sub(1);
    let mut cursor = cursor.min(last);
    match (press.code, press.ctrl) {
        (KeyCode::Esc, _) => return,
        (KeyCode::Enter, _) => {
            if let Some(entry) = found.get(cursor) {
                choose(model, entry.clone(), turn);
            } else {
                warn(model, &format!("nothing is called `{}`", field.text()));
            }
            return;
        }
        (KeyCode::Down, _) | (KeyCode::Char('n'), true) => cursor = (cursor + 1).min(last),
        (KeyCode::Up, _) | (KeyCode::Char('p'), true) => cursor = cursor.saturating_sub(1),
        (KeyCode::Tab, _) => {
            if let Some(entry) = found.get(cursor) {
                field = Field::filled(&entry.verb);
                cursor = 0;
            }
        }
        _ => {
            if edit(&mut field, press) {
                cursor = 0;
            }
        }
    }
    model.overlay = Some(Overlay::Palette { field, cursor });
}

fn choose(model: &mut Model, entry: palette::Entry, turn: &mut Turn) {
    if let Some(why) = entry.off {
        warn(model, &format!("{}: not now: {why}", entry.verb));
        return;
    }
    let at = model.now_ms;
    match entry.choice {
        Choice::Intent(intent, id) => {
            if let Some(id) = id {
                intents::about(model, intent, &id, turn);
            } else {
                intents::act(model, intent, at, turn);
            }
        }
        Choice::Show(id) => intents::show(model, &id),
        Choice::Theme(name) => intents::take_theme(model, &name),
    }
}

fn stop(model: &mut Model, mut field: Field, press: Press, turn: &mut Turn) {
    match press.code {
        KeyCode::Esc => say(model, "nothing was stopped"),
        KeyCode::Enter => {
            let typed = field.text().trim();
            let reason = if typed.is_empty() { "no reason given" } else { typed }.to_string();
            turn.want(Effect::Send(Ticket::Command("stop"), Command::Stop { reason }));
            say(model, "stopping everything…");
        }
        _ => {
            edit(&mut field, press);
            model.overlay = Some(Overlay::Stop(field));
        }
    }
}

fn start(
    model: &mut Model,
    (mut cluster, mut reason, mut at_reason): (Field, Field, bool),
    press: Press,
    turn: &mut Turn,
) {
    let right = cluster.text() == model.snapshot.cluster;
    match press.code {
        KeyCode::Esc => {
            say(model, "the stop stays");
            return;
        }
        KeyCode::Tab | KeyCode::BackTab => at_reason = !at_reason,
        KeyCode::Enter if !right => {
            warn(model, "that is not the cluster's name: the stop stays");
            at_reason = false;
        }
        KeyCode::Enter if !at_reason => at_reason = true,
        KeyCode::Enter if reason.text().trim().is_empty() => warn(model, "say why"),
        KeyCode::Enter => {
            let command = Command::Start {
                cluster: cluster.text().into(),
                reason: reason.text().trim().into(),
            };
            turn.want(Effect::Send(Ticket::Command("start"), command));
            say(model, "lifting the stop…");
            return;
        }
        _ => {
            edit(if at_reason { &mut reason } else { &mut cluster }, press);
        }
    }
    model.overlay = Some(Overlay::Start { cluster, reason, at_reason });
}

/// Pasted text for the open strip. The cluster's name is typed.
pub fn paste(model: &mut Model, text: &str) {
    let mut filter = None;
    let mut dropped = false;
    match &mut model.overlay {
        Some(Overlay::Filter(field)) => {
            field.paste(text);
            filter = Some(field.text().to_string());
        }
        Some(Overlay::Palette { field, cursor }) => {
            field.paste(text);
            *cursor = 0;
        }
        Some(Overlay::Stop(field)) => field.paste(text),
        Some(Overlay::Steer(asked)) => asked.reason.paste(text),
        Some(Overlay::Breaker { reason, .. }) => reason.paste(text),
        Some(Overlay::Start { reason, at_reason: true, .. }) => reason.paste(text),
        Some(Overlay::Start { .. }) => dropped = true,
        Some(Overlay::Quit { .. }) | None => {}
    }
    if let Some(text) = filter {
        apply_filter(model, &text);
    }
    if dropped {
        warn(model, "typed letters only: the paste was dropped");
    }
}
