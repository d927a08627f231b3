//! What follows from every message: scrolling, the card's standing, questions that fall due.

use super::arrivals::{HOLD_MS, lists};
use super::intents::ask_case;
use super::turn::Turn;
use crate::domain::remediation::{Remediation, State};
use crate::domain::workflow::execution::StepState;
use crate::domain::workflow::plan::StepKind;
use crate::engine::query::Query;
use crate::ui::model::Model;
use crate::ui::model::card::{CHORD_MS, Card, Checks, DEAD_MS, Phase, RECHECK_MS, Standing};
use crate::ui::model::gate::{Gate, gate};
use crate::ui::model::place::Place;
use crate::ui::msg::{Effect, Millis, Ticket};
use crate::ui::screens::{card as card_screen, layout, tree as tree_screen};
use std::sync::Arc;

/// Events that the event log's screen shows.
const EVENTS: u32 = 1_000;
/// Checks that failed are tried again after this.
const RETRY_MS: Millis = 5_000;

/// Settles the model after a message.
pub fn settle(model: &mut Model, turn: &mut Turn) {
    if model.notice.as_ref().is_some_and(|notice| model.now_ms >= notice.until) {
        model.notice = None;
    }
    sort_in(model);
    standing(model);
    card_scroll(model);
    card_wake(model, turn);
    card_checks(model, turn);
    list_scroll(model);
    tree(model);
    questions(model, turn);
}

/// Rows that waited for the reader's hand take their places.
fn sort_in(model: &mut Model) {
    let still = model.now_ms.saturating_sub(model.last_key) >= HOLD_MS;
    if !still || model.frozen {
        return;
    }
    let snapshot = Arc::clone(&model.snapshot);
    for list in lists(model) {
        if list.newer > 0 {
            list.take(&snapshot, false);
        }
    }
}

fn standing(model: &mut Model) {
    let Some(card) = &model.card else { return };
    let now = model.snapshot.open.get(&card.id).cloned();
    let standing = judge(model, card, now.as_ref());
    let at = model.now_ms;
    let Some(card) = &mut model.card else { return };
    match (&card.standing, &standing) {
        (Standing::Stands, Standing::Stands) => {
            if let Some(now) = now.filter(|now| differs(&card.frozen, now)) {
                card.frozen = now;
                card.seen_end = false;
                card.changed(at);
            }
        }
        (before, after) if std::mem::discriminant(before) != std::mem::discriminant(after) => {
            card.changed(at);
        }
        (Standing::Void(before), Standing::Void(after))
            // A new plan came: its key is dead for a moment, too.
            if (before.plan.is_some() != after.plan.is_some()
                || before.request.is_some() != after.request.is_some())
            => {
                card.changed(at);
            }
        _ => {}
    }
    // What was answered stays on the card, whatever became of the case since.
    if matches!(card.phase, Phase::Recording(_) | Phase::Answered { .. }) {
        card.standing = Standing::Stands;
    } else {
        card.standing = standing;
    }
}

fn judge(model: &Model, card: &Card, now: Option<&Arc<Remediation>>) -> Standing {
    let Some(now) = now else {
        let how = model
            .row(&card.id)
            .and_then(|row| row.outcome.as_ref())
            .map_or("closed", |outcome| outcome.word());
        return Standing::Over(format!("it is over: {how}"));
    };
    let digest = now.plan.as_ref().map(|plan| &plan.digest);
    if digest != Some(&card.plan) {
        return Standing::Void(Arc::clone(now));
    }
    if let Some(asks) = &card.asks {
        let still = now.asking_step().is_some_and(|(step, _)| step.path == asks.path);
        return match now.decision_on_step(&asks.path) {
            None if still => Standing::Stands,
            None => Standing::Over(format!("step {} asks no more", asks.path)),
            Some(decision) => Standing::Over(format!(
                "decided already: {} by {}",
                decision.decision.word(),
                decision.by.os_user
            )),
        };
    }
    match now.state {
        State::AwaitingApproval => Standing::Stands,
        State::Expired => Standing::Over("expired: nobody decided in time".into()),
        _ => Standing::Over(match now.decision_on(&card.plan) {
            Some(decision) => {
                format!("decided already: {} by {}", decision.decision.word(), decision.by.os_user)
            }
            None => format!("it is {} now", now.state),
        }),
    }
}

/// Whether what the card shows differs, apart from what only grows older.
fn differs(shown: &Remediation, now: &Remediation) -> bool {
    shown.plan != now.plan
        || shown.request != now.request
        || shown.diagnosis != now.diagnosis
        || shown.withheld != now.withheld
}

fn card_scroll(model: &mut Model) {
    let Some(card) = &model.card else { return };
    let (lines, room) = card_screen::measure(model, card);
    let too_small = model.too_small();
    if let Some(card) = &mut model.card {
        card.offset = card.offset.min(lines.saturating_sub(room));
        if card.offset + room >= lines && !too_small {
            card.seen_end = true;
        }
    }
}

/// Whenever the gesture becomes possible, its keys are dead for a moment first.
fn card_wake(model: &mut Model, turn: &mut Turn) {
    let Some(card) = &model.card else { return };
    let gate = gate(model, card);
    let at = model.now_ms;
    let Some(card) = &mut model.card else { return };
    let ready = !matches!(gate, Gate::Off(_));
    if ready && !card.was_ready {
        card.dead_until = card.dead_until.max(at + DEAD_MS);
    }
    card.was_ready = ready;
    if card.armed.is_some_and(|armed| at.saturating_sub(armed) > CHORD_MS) {
        card.armed = None;
    }
    if ready && at < card.dead_until {
        // The countdown is drawn by tenths.
        turn.want(Effect::WakeAt((at + 100).min(card.dead_until)));
    }
}

fn card_checks(model: &mut Model, turn: &mut Turn) {
    let now = model.now_ms;
    let Some(card) = &mut model.card else { return };
    let reading = matches!(card.phase, Phase::Reading | Phase::Rejecting(_));
    if card.asking || !reading || card.standing != Standing::Stands {
        return;
    }
    let due = match &card.checks {
        Checks::Asking => true,
        Checks::Done { at, .. } => now.saturating_sub(*at) >= RECHECK_MS,
        Checks::Failed { at, .. } => now.saturating_sub(*at) >= RETRY_MS,
    };
    if due {
        card.asking = true;
        turn.want(Effect::Ask(
            Ticket::Preflight(card.id.clone(), card.plan.clone()),
            Query::Preflight { remediation: card.id.clone() },
        ));
    }
}

fn list_scroll(model: &mut Model) {
    let parts = layout::parts(model);
    let height = layout::list_parts(model, parts.body).list.height;
    if let Some(list) = model.list_mut() {
        list.keep_in_view(usize::from(height));
    }
}

fn tree(model: &mut Model) {
    let Place::Case(id) = &model.place else { return };
    let Some(case) = model.remediation(id) else { return };
    let rows = tree_screen::visible(case, &model.tree.folded);
    let known = rows.iter().position(|row| Some(&row.step.path) == model.tree.selected.as_ref());
    // At first the step that is under way, or that went wrong; else the next one.
    let first = |wanted: fn(&StepState) -> bool| {
        rows.iter().position(|row| {
            !row.parent && !row.spare && row.run.is_some_and(|run| wanted(&run.state))
        })
    };
    // What a person was told is why they open a case that ended by telling them.
    let told = || {
        rows.iter().rposition(|row| {
            matches!(row.step.kind, StepKind::HandOver { .. } | StepKind::Notify { .. })
                && row.run.is_some_and(|run| run.state == StepState::Done)
        })
    };
    let at = known
        .or_else(|| first(|state| state.has_failed() || state.has_begun()))
        .or_else(|| if case.is_open() { None } else { told() })
        .or_else(|| first(|state| !state.is_final()));
    let at = at.unwrap_or(0);
    let path = rows.get(at).map(|row| row.step.path.clone());
    let parts = layout::parts(model);
    let height = usize::from(layout::tree_parts(model, parts.body).steps.height.saturating_sub(1));
    model.tree.selected = path;
    let top = &mut model.tree.top;
    if at < *top {
        *top = at;
    } else if height > 0 && at >= *top + height {
        *top = at + 1 - height;
    }
}

/// Questions that the screen needs answered.
fn questions(model: &mut Model, turn: &mut Turn) {
    if model.place == Place::Audit && model.audit_seq < model.snapshot.seq.max(1) {
        model.audit_seq = model.snapshot.seq.max(1);
        let query = Query::Log { limit: EVENTS, remediation: None };
        turn.want(Effect::Ask(Ticket::EventLog, query));
    }
    if model.asking_case {
        return;
    }
    let Some(id) = wanted_case(model) else { return };
    let updated = model.row(&id).map_or_else(|| model.snapshot.at, |row| row.updated_at);
    let known = model
        .case
        .as_ref()
        .is_some_and(|case| *case.id() == id && case.remediation.updated_at >= updated);
    // Asked once for each state of it: an answer that fails is not asked for again and again.
    let asked = Some((id, updated));
    if !known && model.asked_case != asked {
        if let Some((id, _)) = &asked {
            ask_case(id, turn);
        }
        model.asking_case = true;
        model.asked_case = asked;
    }
}

/// The case that the screen shows and that the picture does not hold whole.
fn wanted_case(model: &Model) -> Option<crate::domain::id::RemediationId> {
    match &model.place {
        Place::Case(id) => Some(id.clone()),
        Place::Overview | Place::Approvals | Place::Remediations => {
            let id = model.list()?.selected.clone()?;
            (!model.snapshot.open.contains_key(&id)).then_some(id)
        }
        _ => None,
    }
}
