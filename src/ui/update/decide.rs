//! Decisions. Every way to one goes through the gate here, at the moment of the key.

use super::keys::say;
use super::turn::Turn;
use crate::domain::approval::{Decision, Gesture};
use crate::engine::command::Command;
use crate::ui::keymap::Press;
use crate::ui::model::Model;
use crate::ui::model::card::{BURST_MS, CHORD_MS, Card, Phase, Standing};
use crate::ui::model::field::Field;
use crate::ui::model::gate::{Gate, Way, gate};
use crate::ui::model::place::Place;
use crate::ui::msg::{Effect, Millis, Ticket};
use crossterm::event::KeyCode;

/// Longest name that is taken; Kubernetes names have at most 253.
const NAME_LIMIT: usize = 253;

/// The key that approves low risk, and ends the chord.
pub fn approve(model: &mut Model, at: Millis, turn: &mut Turn) {
    let Some(way) = ready(model) else { return };
    let burst = in_burst(model, at);
    let Some(card) = &mut model.card else { return };
    let armed = card.armed.take();
    if burst {
        card.said = Some("keys came in one burst (a paste?): nothing decided".into());
        return;
    }
    match way {
        Way::Key => send(model, Gesture::Key, None, turn),
        Way::Chord => {
            if armed.is_some_and(|armed| at.saturating_sub(armed) <= CHORD_MS) {
                send(model, Gesture::Chord, None, turn);
            } else {
                let late = armed.is_some();
                let words = if late { "too late: both again" } else { "the first key first" };
                card.said = Some(words.into());
            }
        }
        Way::Name => card.said = Some("type the name (Tab)".into()),
    }
}

/// The key that begins the chord.
pub fn arm(model: &mut Model, at: Millis, turn: &mut Turn) {
    let Some(way) = ready(model) else { return };
    if in_burst(model, at) {
        return;
    }
    let Some(card) = &mut model.card else { return };
    card.said = None;
    if way == Way::Chord {
        card.armed = Some(at);
        turn.want(Effect::WakeAt(at + CHORD_MS + 1));
    }
}

/// Any other key takes the first key of the chord back.
pub fn disarm(model: &mut Model) {
    if let Some(card) = &mut model.card {
        card.armed = None;
    }
}

fn ready(model: &Model) -> Option<Way> {
    if model.too_small() {
        return None;
    }
    let card = model.card.as_ref()?;
    match gate(model, card) {
        Gate::Ready(way) => Some(way),
        Gate::Dead(_) | Gate::Off(_) => None,
    }
}

fn in_burst(model: &Model, at: Millis) -> bool {
    at.saturating_sub(model.key_before) < BURST_MS
}

/// A letter for the name's field.
pub fn type_letter(model: &mut Model, c: char) {
    if let Some(card) = &mut model.card {
        card.said = None;
        if card.typed.chars().count() < NAME_LIMIT {
            card.typed.push(c);
        }
    }
}

/// Takes the last letter of the name back.
pub fn erase(model: &mut Model) {
    if let Some(card) = &mut model.card {
        card.said = None;
        card.typed.pop();
    }
}

/// Enter on the name.
pub fn by_name(model: &mut Model, at: Millis, turn: &mut Turn) {
    if ready(model) != Some(Way::Name) {
        return;
    }
    let burst = in_burst(model, at);
    let Some(card) = &mut model.card else { return };
    let Some(name) = card.name().map(String::from) else { return };
    if card.typed.is_empty() {
        card.said = Some("type the name of the target first".into());
    } else if card.typed != name {
        card.said = Some("that is not its name: nothing was done".into());
    } else if burst {
        card.said = Some("Enter came in one burst with the name (a paste?): once more".into());
    } else {
        let typed = card.typed.clone();
        send(model, Gesture::TypedName, Some(typed), turn);
    }
}

fn send(model: &mut Model, gesture: Gesture, typed: Option<String>, turn: &mut Turn) {
    let Some(card) = &mut model.card else { return };
    card.phase = Phase::Recording(Decision::Approve);
    card.said = None;
    card.armed = None;
    let command = Command::Decide {
        remediation: card.id.clone(),
        plan: card.plan.clone(),
        decision: Decision::Approve,
        gesture,
        reason: String::new(),
        typed,
        step: card.asks.as_ref().map(|asks| asks.path.clone()),
    };
    turn.want(Effect::Send(Ticket::Decide(card.id.clone(), card.plan.clone()), command));
}

/// Opens the field for the reason. Rejecting is the safe way: it needs no gate, only a request that stands.
pub fn begin_reject(model: &mut Model) {
    let Some(card) = &mut model.card else { return };
    if card.phase != Phase::Reading {
        return;
    }
    if let Standing::Over(why) = &card.standing {
        card.said = Some(why.clone());
        return;
    }
    card.armed = None;
    card.said = None;
    card.typed.clear();
    card.phase = Phase::Rejecting(Field::default());
}

/// A key for the reason.
pub fn reason_key(model: &mut Model, press: Press, at: Millis, turn: &mut Turn) {
    let burst = in_burst(model, at);
    let too_early = model.card.as_ref().is_some_and(|card| model.now_ms < card.dead_until);
    let Some(card) = &mut model.card else { return };
    card.said = None;
    let Phase::Rejecting(field) = &mut card.phase else { return };
    match (press.code, press.ctrl) {
        (KeyCode::Esc, _) => card.phase = Phase::Reading,
        (KeyCode::Backspace, _) => field.backspace(),
        (KeyCode::Char('w'), true) => field.erase_word(),
        (KeyCode::Char('u'), true) => field.clear(),
        (KeyCode::Enter, _) if field.text().trim().is_empty() => {
            card.said = Some("say why: the reason is what the next person reads".into());
        }
        (KeyCode::Enter, _) if burst || too_early => {
            card.said = Some("Enter came too fast: once more".into());
        }
        (KeyCode::Enter, _) => {
            let reason = field.text().trim().to_string();
            send_reject(card, reason, turn);
        }
        _ => {
            if let Some(c) = press.printable() {
                field.push(c);
            }
        }
    }
}

fn send_reject(card: &mut Card, reason: String, turn: &mut Turn) {
    card.phase = Phase::Recording(Decision::Reject);
    let command = Command::Decide {
        remediation: card.id.clone(),
        plan: card.plan.clone(),
        decision: Decision::Reject,
        gesture: Gesture::Key,
        reason,
        typed: None,
        step: card.asks.as_ref().map(|asks| asks.path.clone()),
    };
    turn.want(Effect::Send(Ticket::Decide(card.id.clone(), card.plan.clone()), command));
}

/// Pasted text on a card: into a reason; a name is typed.
pub fn paste(model: &mut Model, text: &str) {
    let Some(card) = &mut model.card else { return };
    card.armed = None;
    match &mut card.phase {
        Phase::Rejecting(field) => field.paste(text),
        Phase::Reading => card.said = Some("typed letters only: the paste was dropped".into()),
        Phase::Recording(_) | Phase::Answered { .. } => {}
    }
}

/// Enter where no field takes it: follow what was decided.
pub fn enter_without_field(model: &mut Model, _turn: &mut Turn) {
    let Some(card) = &model.card else { return };
    if !matches!(model.place, Place::Card(_)) {
        return;
    }
    if matches!(card.phase, Phase::Answered { .. }) {
        let id = card.id.clone();
        model.card = None;
        model.history.pop();
        super::intents::show(model, &id);
    } else if card.frozen.plan.is_some() {
        say(model, "Enter decides nothing here");
    }
}
