//! The breakers' screen: moving, looking at the history, and setting one after a reason was given.

use super::intents::{go, moved};
use super::keys::{say, warn};
use super::strips::edit;
use super::turn::Turn;
use crate::domain::breaker::{Destination, Setting};
use crate::engine::command::Command;
use crate::ui::intent::Intent;
use crate::ui::keymap::Press;
use crate::ui::model::Model;
use crate::ui::model::field::Field;
use crate::ui::model::overlay::Overlay;
use crate::ui::model::place::Place;
use crate::ui::msg::{Effect, Ticket};
use crossterm::event::KeyCode;

/// Moves the selection.
pub fn travel(model: &mut Model, by: isize) {
    let last = model.snapshot.breakers.len().saturating_sub(1);
    let at = model.selected_breaker().map_or(0, |(index, _)| index);
    let next = model.snapshot.breakers.get(moved(at, by, last)).map(|view| view.destination);
    model.breaker = next;
}

/// Shows what happened to the selected one: the event log, filtered.
pub fn history(model: &mut Model) {
    let Some((_, view)) = model.selected_breaker() else { return };
    let words = format!("breaker {}", view.destination);
    go(model, Place::Audit);
    model.audit_seq = 0;
    model.audit.filter = words;
}

/// Asks for the reason.
pub fn begin(model: &mut Model, intent: Intent) {
    let setting = match intent {
        Intent::ForceBreaker => Setting::ForcedOpen,
        Intent::DisableBreaker => Setting::Disabled,
        _ => Setting::Automatic,
    };
    let Some((_, view)) = model.selected_breaker() else {
        warn(model, "not now: no breaker is selected");
        return;
    };
    let destination = view.destination;
    let never = destination.declared().never_forced;
    if setting == Setting::ForcedOpen && !never.is_empty() {
        warn(model, &format!("{destination} can't be forced open: {never}"));
    } else if setting == Setting::Automatic && view.forced.is_none() {
        say(model, &format!("nobody set {destination}: it goes by itself"));
    } else {
        model.overlay = Some(Overlay::Breaker { destination, setting, reason: Field::default() });
    }
}

/// A key for the strip that asks for the reason.
pub fn key(
    model: &mut Model,
    (destination, setting, mut reason): (Destination, Setting, Field),
    press: Press,
    turn: &mut Turn,
) {
    match press.code {
        KeyCode::Esc => {
            say(model, "the breaker stays as it is");
            return;
        }
        KeyCode::Enter if reason.text().trim().is_empty() => warn(model, "say why"),
        KeyCode::Enter => {
            let reason = reason.text().trim().to_string();
            let command = Command::Breaker { destination, setting, reason, until: None };
            turn.want(Effect::Send(Ticket::Command(command.verb()), command));
            say(model, "setting the breaker\u{2026}");
            return;
        }
        _ => {
            edit(&mut reason, press);
        }
    }
    model.overlay = Some(Overlay::Breaker { destination, setting, reason });
}
