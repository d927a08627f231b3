//! What intents do.

use super::keys::{recording, say, warn};
use super::turn::Turn;
use super::{breakers, decide, figures, strips};
use crate::domain::id::RemediationId;
use crate::domain::remediation::State;
use crate::engine::command::Command;
use crate::engine::query::Query;
use crate::ui::intent::Intent;
use crate::ui::model::Model;
use crate::ui::model::card::{Card, Phase, Standing};
use crate::ui::model::field::Field;
use crate::ui::model::overlay::Overlay;
use crate::ui::model::place::Place;
use crate::ui::model::tree::{Pane, Tree};
use crate::ui::msg::{Effect, Leaving, Millis, Ticket};
use crate::ui::palette;
use crate::ui::screens::layout;
use crate::ui::screens::tree as tree_screen;
use crate::ui::theme::{SHIPPED, Theme};
use std::sync::Arc;

/// Screens that are remembered for going back.
const HISTORY_LIMIT: usize = 32;

/// Does what was meant.
pub fn act(model: &mut Model, intent: Intent, at: Millis, turn: &mut Turn) {
    if !matches!(intent, Intent::Approve | Intent::Arm) {
        decide::disarm(model);
    }
    match intent {
        Intent::Open => open(model),
        Intent::Down | Intent::NextMatch => travel(model, 1),
        Intent::Up | Intent::PreviousMatch => travel(model, -1),
        Intent::HalfDown => travel(model, half(model)),
        Intent::HalfUp => travel(model, -half(model)),
        Intent::First => to_end(model, false),
        Intent::Last => to_end(model, true),
        Intent::Back | Intent::NotNow => back(model),
        Intent::JumpBack => step_back(model),
        Intent::NextPane => next_pane(model),
        Intent::NextNeed | Intent::PreviousNeed => {
            if let Some(list) = model.list_mut() {
                list.step_need(intent == Intent::NextNeed);
            }
        }
        Intent::Detail => model.detail = !model.detail,
        Intent::Fold => fold(model),
        Intent::FoldAll => fold_all(model),
        Intent::LogPane => model.tree.log = !model.tree.log,
        Intent::Filter => begin_filter(model),
        Intent::Freeze => freeze(model),
        Intent::CopyId => copy_id(model, turn),
        Intent::Theme => next_theme(model),
        Intent::Evidence | Intent::AllDiffs => expand(model, intent),
        Intent::Redraw => turn.want(Effect::Redraw),
        Intent::Suspend if recording(model) => say(model, "a decision is being recorded: wait"),
        Intent::Suspend => turn.want(Effect::Suspend),
        Intent::Quit => quit(model, turn),
        Intent::Approve => decide::approve(model, at, turn),
        Intent::Arm => decide::arm(model, at, turn),
        Intent::Reject => reject(model),
        Intent::Stop => begin_stop(model),
        Intent::Start => begin_start(model),
        Intent::GoOverview => go(model, Place::Overview),
        Intent::GoApprovals => go(model, Place::Approvals),
        Intent::GoRemediations => go(model, Place::Remediations),
        Intent::GoBreakers => go(model, Place::Breakers),
        Intent::ForceBreaker | Intent::DisableBreaker | Intent::NormalBreaker => {
            breakers::begin(model, intent);
        }
        Intent::GoEffectiveness => figures::enter(model),
        Intent::FiguresBy | Intent::FiguresPeriod => figures::other(model, intent),
        Intent::GoAudit => {
            model.audit_seq = 0;
            go(model, Place::Audit);
        }
        Intent::GoLogs => {
            go(model, Place::Logs);
            turn.want(Effect::ReadLogs);
        }
        Intent::Palette => {
            model.overlay = Some(Overlay::Palette { field: Field::default(), cursor: 0 });
        }
        Intent::Help => help(model),
        // All others are about one case.
        _ => {
            if let Some(id) = model.subject() {
                about(model, intent, &id, turn);
            }
        }
    }
}

fn help(model: &mut Model) {
    if model.place == Place::Help {
        step_back(model);
    } else {
        model.help_top = 0;
        go(model, Place::Help);
    }
}

/// Does what was meant with one case.
pub fn about(model: &mut Model, intent: Intent, id: &RemediationId, turn: &mut Turn) {
    let off = palette::off_for(model, intent, Some(id));
    if let Some(why) = off {
        warn(model, &format!("not now: {why}"));
        return;
    }
    if intent.steers() {
        super::steer::begin(model, intent, id, turn);
        return;
    }
    let verb = |command: &Command| Ticket::Command(command.verb());
    match intent {
        Intent::OpenCard => open_card(model, id),
        Intent::OpenReject => {
            open_card(model, id);
            decide::begin_reject(model);
        }
        Intent::Claim => {
            let command = Command::Claim { remediation: id.clone() };
            turn.want(Effect::Send(verb(&command), command));
        }
        Intent::PlanAnew => {
            let command = Command::PlanAnew { remediation: id.clone() };
            turn.want(Effect::Send(verb(&command), command));
        }
        _ => {}
    }
}

/// Goes to a screen.
pub(super) fn go(model: &mut Model, place: Place) {
    if model.place == place {
        return;
    }
    if !matches!(model.place, Place::Card(_)) {
        model.history.push(model.place.clone());
    }
    if model.history.len() > HISTORY_LIMIT {
        model.history.remove(0);
    }
    if !matches!(place, Place::Card(_)) {
        model.card = None;
    }
    model.place = place;
}

fn step_back(model: &mut Model) {
    let place = model.history.pop().unwrap_or(Place::Overview);
    model.card = None;
    model.place = place;
}

/// Shows one case as a tree.
pub fn show(model: &mut Model, id: &RemediationId) {
    let same = model.case.as_ref().is_some_and(|case| case.id() == id);
    if !same {
        model.tree = Tree::default();
    }
    go(model, Place::Case(id.clone()));
}

fn open(model: &mut Model) {
    match &model.place {
        Place::Card(_) => read_new_plan(model),
        Place::Case(_) => fold(model),
        Place::Effectiveness => {
            if let Some(id) = figures::open(model) {
                show(model, &id);
            }
        }
        Place::Breakers => breakers::history(model),
        _ => {
            if model.calm() {
                let last = model.snapshot.rows.iter().find(|row| row.outcome.is_some());
                if let Some(id) = last.map(|row| row.id.clone()) {
                    show(model, &id);
                }
                return;
            }
            let Some(row) = model.list().and_then(|list| list.row()) else { return };
            let id = row.id.clone();
            if row.state == State::AwaitingApproval && model.snapshot.open.contains_key(&id) {
                open_card(model, &id);
            } else {
                show(model, &id);
            }
        }
    }
}

fn open_card(model: &mut Model, id: &RemediationId) {
    let card =
        model.snapshot.open.get(id).and_then(|remediation| Card::open(remediation, model.now_ms));
    match card {
        Some(card) => {
            model.card = Some(card);
            go(model, Place::Card(id.clone()));
        }
        None => warn(model, "there is no plan to decide on"),
    }
}

fn read_new_plan(model: &mut Model) {
    let Some(card) = &model.card else { return };
    let Standing::Void(now) = &card.standing else { return };
    let dead = model.now_ms < card.dead_until;
    let ready = now.plan.is_some() && now.request.is_some();
    if !dead && ready {
        let now = Arc::clone(now);
        model.card = Card::open(&now, model.now_ms);
    }
}

fn reject(model: &mut Model) {
    let void = model.card.as_ref().is_some_and(|card| matches!(card.standing, Standing::Void(_)));
    if void {
        // What is rejected is the plan that replaced it; its card opens at the reason.
        read_new_plan(model);
        let still =
            model.card.as_ref().is_some_and(|card| matches!(card.standing, Standing::Void(_)));
        if still {
            say(model, "there is no new plan to reject yet");
            return;
        }
    }
    decide::begin_reject(model);
}

fn back(model: &mut Model) {
    if figures::back(model) {
        return;
    }
    if let Place::Card(_) = model.place {
        if let Some(card) = &mut model.card
            && let Phase::Rejecting(_) = card.phase
        {
            card.phase = Phase::Reading;
            return;
        }
        if recording(model) {
            say(model, "being recorded; the answer is shown in the log");
        }
        step_back(model);
        return;
    }
    let filtered = match model.place {
        Place::Logs => !model.logs.filter.is_empty(),
        Place::Audit => !model.audit.filter.is_empty(),
        _ => model.list().is_some_and(|list| !list.filter.is_empty()),
    };
    if filtered {
        strips::apply_filter(model, "");
    } else if model.frozen {
        model.frozen = false;
    } else if model.place != Place::Overview {
        step_back(model);
    }
}

fn half(model: &Model) -> isize {
    isize::try_from(layout::parts(model).body.height / 2).unwrap_or(10)
}

pub(super) fn moved(at: usize, by: isize, last: usize) -> usize {
    at.saturating_add_signed(by).min(last)
}

fn travel(model: &mut Model, by: isize) {
    match model.place {
        Place::Card(_) => scroll_card(model, by),
        Place::Case(_) => travel_tree(model, by),
        Place::Effectiveness => figures::travel(model, by),
        Place::Breakers => breakers::travel(model, by),
        Place::Help => model.help_top = moved(model.help_top, by, 200),
        Place::Logs => scroll(&mut model.logs.back, by),
        Place::Audit => scroll(&mut model.audit.back, by),
        Place::Overview | Place::Approvals | Place::Remediations => {
            if let Some(list) = model.list_mut() {
                list.step(by);
            }
        }
    }
}

/// Scrolls a log that follows its end: back from it, and following again at it.
fn scroll(back: &mut Option<usize>, by: isize) {
    let now = moved(back.unwrap_or(0), -by, 100_000);
    *back = (now > 0).then_some(now);
}

fn scroll_card(model: &mut Model, by: isize) {
    let Some(card) = &model.card else { return };
    let (lines, room) = crate::ui::screens::card::measure(model, card);
    if let Some(card) = &mut model.card {
        card.offset = moved(card.offset, by, lines.saturating_sub(room));
    }
}

fn travel_tree(model: &mut Model, by: isize) {
    if model.tree.pane == Pane::Log {
        scroll(&mut model.tree.back, by);
        return;
    }
    let Place::Case(id) = &model.place else { return };
    let Some(case) = model.remediation(id) else { return };
    let rows = tree_screen::visible(case, &model.tree.folded);
    let at = rows
        .iter()
        .position(|row| Some(&row.step.path) == model.tree.selected.as_ref())
        .unwrap_or(0);
    let next = moved(at, by, rows.len().saturating_sub(1));
    let path = rows.get(next).map(|row| row.step.path.clone());
    model.tree.selected = path;
}

fn to_end(model: &mut Model, last: bool) {
    match model.place {
        Place::Card(_) => scroll_card(model, if last { 100_000 } else { -100_000 }),
        Place::Case(_) => travel_tree(model, if last { 100_000 } else { -100_000 }),
        Place::Effectiveness => figures::travel(model, if last { 100_000 } else { -100_000 }),
        Place::Breakers => breakers::travel(model, if last { 1_000 } else { -1_000 }),
        Place::Help => model.help_top = 0,
        Place::Logs => model.logs.back = if last { None } else { Some(100_000) },
        Place::Audit => model.audit.back = if last { None } else { Some(100_000) },
        _ => {
            if let Some(list) = model.list_mut() {
                list.end(last);
            }
        }
    }
}

fn next_pane(model: &mut Model) {
    match model.place {
        Place::Case(_) => {
            model.tree.pane = match model.tree.pane {
                Pane::Steps => Pane::Log,
                Pane::Log => Pane::Steps,
            };
        }
        Place::Card(_) => {
            if let Some(card) = &mut model.card {
                card.focused = !card.focused;
            }
        }
        _ => {}
    }
}

fn fold(model: &mut Model) {
    let Place::Case(id) = &model.place else { return };
    let Some(path) = model.tree.selected.clone() else { return };
    let parent = model.remediation(id).is_some_and(|case| {
        crate::domain::workflow::tree::rows(case)
            .iter()
            .any(|row| row.parent && row.step.path == path)
    });
    if parent && !model.tree.folded.remove(&path) {
        model.tree.folded.insert(path);
    }
}

fn fold_all(model: &mut Model) {
    let Place::Case(id) = &model.place else { return };
    if model.tree.folded.is_empty() {
        let parents = model.remediation(id).map_or_else(Vec::new, |case| {
            crate::domain::workflow::tree::rows(case)
                .iter()
                .filter(|row| row.parent)
                .map(|row| row.step.path.clone())
                .collect()
        });
        model.tree.folded.extend(parents);
    } else {
        model.tree.folded.clear();
    }
}

fn begin_filter(model: &mut Model) {
    let text = match model.place {
        Place::Logs => model.logs.filter.clone(),
        Place::Audit => model.audit.filter.clone(),
        _ => model.list().map_or(String::new(), |list| list.filter.clone()),
    };
    model.overlay = Some(Overlay::Filter(Field::filled(&text)));
}

fn freeze(model: &mut Model) {
    match model.place {
        Place::Case(_) => model.tree.back = model.tree.back.map_or(Some(0), |_| None),
        Place::Logs => model.logs.back = model.logs.back.map_or(Some(0), |_| None),
        Place::Audit => model.audit.back = model.audit.back.map_or(Some(0), |_| None),
        _ => model.frozen = !model.frozen,
    }
    if model.tree.back.is_some() {
        model.tree.frozen_at = model.case.as_ref().map_or(0, |case| case.lines.len());
    }
}

fn copy_id(model: &mut Model, turn: &mut Turn) {
    let Some(id) = model.subject() else { return };
    say(model, &format!("{id} sent to the terminal's clipboard"));
    turn.want(Effect::Copy(id.to_string()));
}

/// Takes another theme.
pub fn take_theme(model: &mut Model, name: &str) {
    match Theme::load(name, model.depth, &model.theme_files) {
        Ok(theme) => {
            say(model, &format!("theme {}", theme.name));
            model.theme = theme;
        }
        Err(why) => warn(model, &why.to_string()),
    }
}

fn next_theme(model: &mut Model) {
    let names = SHIPPED
        .iter()
        .map(|(name, _)| (*name).to_string())
        .chain(model.theme_files.iter().map(|(name, _)| name.clone()))
        .collect::<Vec<_>>();
    let at = names.iter().position(|name| *name == model.theme.name).unwrap_or(0);
    if let Some(next) = names.get((at + 1) % names.len()) {
        take_theme(model, &next.clone());
    }
}

fn expand(model: &mut Model, intent: Intent) {
    let Some(card) = &mut model.card else { return };
    if intent == Intent::Evidence {
        card.evidence = !card.evidence;
    } else {
        card.all = !card.all;
    }
    card.offset = 0;
    // The card is another one now: its end has to be seen again.
    card.seen_end = false;
}

fn quit(model: &mut Model, turn: &mut Turn) {
    let mut under_way = model.under_way();
    if recording(model) {
        under_way = format!("a decision is being recorded; {under_way}");
    }
    if under_way.is_empty() {
        turn.want(Effect::Leave(Leaving::Quit));
    } else {
        model.overlay = Some(Overlay::Quit { why: format!("Under way: {under_way}.") });
    }
}

fn begin_stop(model: &mut Model) {
    if let Some(stop) = &model.snapshot.stop {
        let words = format!("everything is stopped already, by {}", stop.by);
        say(model, &words);
        return;
    }
    let about = model
        .subject()
        .and_then(|id| model.row(&id).map(|row| format!(" ({} {})", model.short(&id), row.target)));
    let reason = format!("stopped from the console{}", about.unwrap_or_default());
    model.overlay = Some(Overlay::Stop(Field::filled(&reason)));
}

fn begin_start(model: &mut Model) {
    if model.snapshot.stop.is_none() {
        say(model, "nothing is stopped");
        return;
    }
    model.overlay = Some(Overlay::Start {
        cluster: Field::default(),
        reason: Field::default(),
        at_reason: false,
    });
}

/// Asks for a whole case.
pub fn ask_case(id: &RemediationId, turn: &mut Turn) {
    turn.want(Effect::Ask(
        Ticket::Case(id.clone()),
        Query::Remediation { prefix: id.as_str().into() },
    ));
}
