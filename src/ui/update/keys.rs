//! Keys: what is swallowed, what goes into a field, what becomes an intent.
//!
//! Promises: keys that follow a lone Esc within its burst are swallowed (a split escape sequence arrives as such);
//! pasted text is never a key; below 80×24 only leaving works.

use super::turn::Turn;
use super::{decide, intents, strips};
use crate::ui::intent::Intent;
use crate::ui::keymap::{Context, Lookup, Press};
use crate::ui::model::Model;
use crate::ui::model::card::{Phase, Standing};
use crate::ui::model::gate::{Gate, Way, gate};
use crate::ui::model::state::Notice;
use crate::ui::msg::{Effect, Leaving, Millis};
use crate::ui::screens::strip::WHICH_KEY_MS;
use crossterm::event::KeyCode;

/// Keys that follow a lone Esc this fast belong to its escape sequence.
pub const ESC_BURST_MS: Millis = 50;
/// How long a message to the reader stays.
pub const NOTICE_MS: Millis = 8_000;

/// Takes a key.
pub fn key(model: &mut Model, press: Press, at: Millis, turn: &mut Turn) {
    model.key_before = model.last_key;
    model.last_key = at;
    if press == Press::key(KeyCode::Esc) {
        model.escaped = Some(at);
    } else if let Some(escaped) = model.escaped {
        if at.saturating_sub(escaped) <= ESC_BURST_MS {
            // The burst goes on while its keys come this close together.
            model.escaped = Some(at);
            turn.draw = false;
            return;
        }
        model.escaped = None;
    }
    if model.too_small() {
        leave_small(model, press, turn);
        return;
    }
    model.notice = None;
    if model.overlay.is_some() {
        strips::key(model, press, turn);
        return;
    }
    if on_card(model, press, at, turn) {
        return;
    }
    sequence(model, press, at, turn);
}

fn leave_small(model: &Model, press: Press, turn: &mut Turn) {
    let context = model.context();
    if model.keymap.lookup(context, &[press]) != Lookup::Intent(Intent::Quit)
        && press != Press::char('q')
    {
        return;
    }
    let leaving = if model.under_way().is_empty() { Leaving::Quit } else { Leaving::HangUp };
    turn.want(Effect::Leave(leaving));
}

/// Keys that a card takes for its fields. Returns whether it took it.
fn on_card(model: &mut Model, press: Press, at: Millis, turn: &mut Turn) -> bool {
    if model.context() != Context::Card || !model.pending.0.is_empty() {
        return false;
    }
    let Some(card) = &model.card else { return false };
    if card.standing != Standing::Stands {
        return false;
    }
    match card.phase {
        Phase::Rejecting(_) => {
            decide::reason_key(model, press, at, turn);
            return true;
        }
        Phase::Recording(_) | Phase::Answered { .. } => return false,
        Phase::Reading => {}
    }
    let high = card.frozen.plan.as_ref().is_some_and(|plan| Way::of(plan.risk) == Way::Name);
    if !high || !card.focused {
        return false;
    }
    let letter = press.printable().filter(|c| *c != ' ');
    match (gate(model, card), letter, press.code) {
        (Gate::Off(_), ..) => false,
        // While keys are dead, letters do nothing at all: they were meant for something else.
        (Gate::Dead(_), Some(_), _) => true,
        (Gate::Dead(_), None, KeyCode::Enter | KeyCode::Backspace) => true,
        (Gate::Ready(_), Some(c), _) => {
            decide::type_letter(model, c);
            true
        }
        (Gate::Ready(_), None, KeyCode::Backspace) => {
            decide::erase(model);
            true
        }
        (Gate::Ready(_), None, KeyCode::Enter) => {
            decide::by_name(model, at, turn);
            true
        }
        (Gate::Dead(_) | Gate::Ready(_), ..) => false,
    }
}

fn sequence(model: &mut Model, press: Press, at: Millis, turn: &mut Turn) {
    let context = model.context();
    if press == Press::key(KeyCode::Esc) && !model.pending.0.is_empty() {
        model.pending.0.clear();
        return;
    }
    let mut pressed = model.pending.0.clone();
    pressed.push(press);
    match model.keymap.lookup(context, &pressed) {
        Lookup::Intent(intent) => {
            model.pending.0.clear();
            intents::act(model, intent, at, turn);
        }
        Lookup::Prefix => {
            if model.pending.0.is_empty() {
                model.pending.1 = at;
            }
            model.pending.0 = pressed;
            turn.want(Effect::WakeAt(at + WHICH_KEY_MS));
        }
        Lookup::Nothing => {
            let shown = pressed.len() > 1;
            model.pending.0.clear();
            decide::disarm(model);
            if shown {
                let keys = crate::ui::keymap::sequence_name(&pressed);
                say(model, &format!("{keys}: no such key; nothing was done"));
            } else if matches!(press.code, KeyCode::Enter) {
                decide::enter_without_field(model, turn);
            } else {
                turn.draw = model.card.is_some();
            }
        }
    }
}

/// Pasted text: into fields that hold prose, nowhere else.
pub fn paste(model: &mut Model, text: &str, turn: &mut Turn) {
    model.escaped = None;
    if model.too_small() {
        return;
    }
    if model.overlay.is_some() {
        strips::paste(model, text);
        return;
    }
    decide::paste(model, text);
    turn.draw = true;
}

/// Shows a message to the reader.
pub fn say(model: &mut Model, text: &str) {
    model.notice = Some(Notice { text: text.into(), bad: false, until: model.now_ms + NOTICE_MS });
}

/// Shows a refusal or a failure.
pub fn warn(model: &mut Model, text: &str) {
    model.notice = Some(Notice { text: text.into(), bad: true, until: model.now_ms + NOTICE_MS });
}

/// Whether a decision is on its way to the log.
pub fn recording(model: &Model) -> bool {
    model.card.as_ref().is_some_and(|card| matches!(card.phase, Phase::Recording(_)))
}
