//! What comes from the engine: pictures, answers, receipts.

use super::figures;
use super::keys::{NOTICE_MS, say, warn};
use super::turn::Turn;
use crate::domain::approval::Decision;
use crate::engine::command::{Receipt, Refusal};
use crate::engine::query::Answer;
use crate::engine::snapshot::Snapshot;
use crate::ui::model::Model;
use crate::ui::model::card::{Checks, Phase};
use crate::ui::model::list::List;
use crate::ui::model::tree::Case;
use crate::ui::model::{state::Notice, timeline};
use crate::ui::msg::{Effect, Millis, Ticket};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Rows keep their places so long after a key.
pub const HOLD_MS: Millis = 2_000;

/// A new picture.
pub fn snapshot(model: &mut Model, snapshot: &Arc<Snapshot>, at: Millis, turn: &mut Turn) {
    let hold = at.saturating_sub(model.last_key) < HOLD_MS && model.last_key > 0;
    let frozen = model.frozen;
    model.snapshot = Arc::clone(snapshot);
    model.received = at;
    if !frozen {
        figures::refresh(model);
    }
    for list in lists(model) {
        if !frozen {
            list.take(snapshot, hold);
        }
    }
    if hold && !frozen {
        turn.want(Effect::WakeAt(model.last_key + HOLD_MS));
    }
    let needs = snapshot.needing_you().map(|row| row.id.clone()).collect::<BTreeSet<_>>();
    if model.bell && needs.difference(&model.known_needs).next().is_some() {
        turn.want(Effect::Bell);
    }
    model.known_needs = needs;
}

/// The three lists.
pub fn lists(model: &mut Model) -> [&mut List; 3] {
    [&mut model.overview, &mut model.approvals, &mut model.remediations]
}

/// An answer.
pub fn answer(model: &mut Model, ticket: &Ticket, answer: Answer, at: Millis) {
    match ticket {
        Ticket::Preflight(id, plan) => {
            let current = model.card.as_mut().filter(|card| card.id == *id && card.plan == *plan);
            let Some(card) = current else { return };
            card.asking = false;
            let checks = match answer {
                Answer::Preflight { preflight, role } => Checks::Done {
                    preflight,
                    role_words: role.clone().unwrap_or_default(),
                    role: role.map(|_| ()),
                    at,
                },
                Answer::Unavailable(why) | Answer::NotFound(why) => Checks::Failed { why, at },
                Answer::Remediation { .. } | Answer::Log(_) | Answer::Templates(_) => {
                    Checks::Failed { why: "the engine answered something else".into(), at }
                }
            };
            let other = card.checks.at().is_some() && !card.checks.says_the_same(&checks);
            card.checks = checks;
            if other {
                card.changed(at);
            }
        }
        Ticket::Case(id) => {
            model.asking_case = false;
            match answer {
                Answer::Remediation { remediation, events } => {
                    model.case = Some(Case::new(remediation, &events));
                }
                Answer::NotFound(why) | Answer::Unavailable(why) => {
                    warn(model, &format!("{id} can't be read: {why}"));
                }
                Answer::Log(_) | Answer::Preflight { .. } | Answer::Templates(_) => {}
            }
        }
        Ticket::EventLog => {
            if let Answer::Log(events) = answer {
                model.event_lines = timeline::lines(&events);
            }
        }
        Ticket::Decide(..) | Ticket::Command(_) => {}
    }
}

/// A receipt.
pub fn receipt(model: &mut Model, ticket: &Ticket, receipt: Receipt, at: Millis) {
    if let Ticket::Decide(id, plan) = ticket {
        let current = model.card.as_mut().filter(|card| card.id == *id && card.plan == *plan);
        if let Some(card) = current
            && let Phase::Recording(decision) = card.phase
        {
            card.phase = answered(decision, receipt);
            return;
        }
    }
    let (bad, text) = match receipt {
        Receipt::Done { event, note, .. } => (false, with_event(&note, event)),
        Receipt::Refused { refusal, why } => (true, refused(refusal, &why)),
    };
    if bad {
        warn(model, &text);
    } else {
        say(model, &text);
    }
    if let Some(Notice { until, .. }) = &mut model.notice {
        *until = at + NOTICE_MS;
    }
}

fn answered(decision: Decision, receipt: Receipt) -> Phase {
    match receipt {
        Receipt::Done { event, note, .. } => {
            let word = match decision {
                Decision::Approve => "approved",
                Decision::Reject => "rejected",
            };
            let words = with_event(&note, event);
            let text = if words.starts_with(word) { words } else { format!("{word}: {words}") };
            Phase::Answered { taken: true, text }
        }
        Receipt::Refused { refusal, why } => {
            Phase::Answered { taken: false, text: refused(refusal, &why) }
        }
    }
}

fn with_event(note: &str, event: u64) -> String {
    if event == 0 { note.to_string() } else { format!("{note} (event {event})") }
}

fn refused(refusal: Refusal, why: &str) -> String {
    format!("{}: {why}", refusal.word().replace('_', " "))
}
