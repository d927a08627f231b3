//! What is on every screen: header, banners, the last thing that happened, keys.

use super::layout::Parts;
use crate::domain::policy::Mode;
use crate::domain::time::{countdown, seconds_between};
use crate::engine::snapshot::Role as EngineRole;
use crate::ui::format::{clock, cut, data_age, width};
use crate::ui::glyphs;
use crate::ui::keymap::{Context, sequence_name};
use crate::ui::model::Model;
use crate::ui::model::gate::DATA_OLD_S;
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;

/// Draws the header: cluster · mode · engine · what needs you · alerts · data age · clock.
pub fn header(pen: &mut Pen<'_>, model: &Model, parts: &Parts) {
    let area = parts.header;
    let right = right_side(model);
    let right_columns = u16::try_from(right.width()).unwrap_or(0);
    let room = usize::from(area.width.saturating_sub(right_columns + 2));
    // Dropped first when narrow: alerts, the word `mode`, the mode when it is `approve`.
    let left = (0..4).map(|drop| left_side(model, drop)).find(|line| line.width() <= room);
    let left = left.unwrap_or_else(|| left_side(model, 4));
    pen.rich(0, area.y, area.width.saturating_sub(right_columns + 1), &left);
    pen.rich(area.width.saturating_sub(right_columns + 1), area.y, right_columns, &right);
}

fn left_side(model: &Model, drop: u8) -> Rich {
    let snapshot = &model.snapshot;
    let mut line = Rich::new();
    if snapshot.simulated.is_some() {
        line.push(Role::BannerSim, " SIMULATED ");
    }
    line.push(Role::Cluster, &format!(" {} ", snapshot.cluster));
    line.push(Role::Text, " ");
    if drop < 1 {
        line.push(Role::TextDim, "mode ");
    }
    if drop < 3 || snapshot.mode != Mode::Approve {
        line.push(Role::TextDim, &format!("{}  ", snapshot.mode));
    }
    let (role, word) = engine(model, drop < 4);
    line.push(role, &word);
    line.push(Role::Text, "  ");
    let needs = snapshot.needing_you().count();
    match needs {
        0 => line.push(Role::TextDim, "nothing needs you"),
        1 => line.push(Role::Attention, "? 1 needs you"),
        _ => line.push(Role::Attention, &format!("? {needs} need you")),
    }
    if let Some((role, words)) = super::breakers::header_words(&snapshot.breakers, drop) {
        line.push(role, &format!("  {words}"));
    }
    if drop < 2 && snapshot.firing > 0 {
        line.push(Role::TextDim, &format!("  alerts {}", snapshot.firing));
    }
    if let Some((_, since)) = &snapshot.store_down {
        let seconds = seconds_between(*since, model.now());
        line.push(Role::Bad, &format!("  ⚠ store {}", countdown(seconds)));
    }
    line
}

fn engine(model: &Model, whole: bool) -> (Role, String) {
    if model.snapshot.stop.is_some() {
        return (Role::BannerStop, " STOPPED ".into());
    }
    match &model.snapshot.role {
        EngineRole::Starting => (Role::Waiting, "starting".into()),
        EngineRole::Driving => (Role::TextDim, "driving".into()),
        EngineRole::Following { holder } if whole => {
            (Role::Held, format!("following {}", cut(holder, 20)))
        }
        EngineRole::Following { .. } => (Role::Held, "following".into()),
        EngineRole::Observing { .. } => (Role::Held, "observing".into()),
        EngineRole::Locked { .. } => (Role::BannerStop, " LOCKED ".into()),
    }
}

fn right_side(model: &Model) -> Rich {
    let mut line = Rich::new();
    match model.data_age() {
        None => line.push(Role::Stale, "⚠ no data"),
        Some(age) if old(model, age) => {
            line.push(Role::Stale, &format!("⚠ data {}", data_age(age)));
        }
        Some(age) => line.push(Role::TextDim, &format!("data {}", data_age(age))),
    }
    if model.snapshot.speed > 1 {
        line.push(Role::TextDim, &format!("  x{}", model.snapshot.speed));
    }
    line.push(Role::TextDim, &format!("  {}", clock(model.now())));
    line
}

fn old(model: &Model, age: i64) -> bool {
    age > DATA_OLD_S * i64::from(model.snapshot.speed.max(1))
}

/// The banners, most urgent first.
#[must_use]
pub fn banners(model: &Model) -> Vec<(Role, String)> {
    let snapshot = &model.snapshot;
    let mut out = Vec::new();
    // A card needs the line; its header says SIMULATED all the same.
    let on_card = matches!(model.place, crate::ui::model::place::Place::Card(_));
    if let Some(words) = snapshot.simulated.as_ref().filter(|_| !on_card) {
        out.push((Role::BannerSim, format!(" SIMULATED: no cluster is touched   {words}")));
    }
    if let Some(stop) = &snapshot.stop {
        out.push((
            Role::BannerStop,
            format!(
                " ⊗ EVERYTHING IS STOPPED by {} since {}: \"{}\"",
                stop.by,
                clock(stop.since),
                stop.reason
            ),
        ));
        out.push((
            Role::Text,
            "   Nothing new is sent; what was sent is observed. To lift: :start".into(),
        ));
    }
    if let EngineRole::Locked { why } = &snapshot.role {
        out.push((Role::BannerStop, format!(" ⊗ LOCKED: {why}. Nothing is written.")));
    }
    if let Some((why, since)) = &snapshot.store_down {
        out.push((
            Role::BannerStop,
            format!(" ⚠ STORE CANNOT BE WRITTEN since {}: {why}", clock(*since)),
        ));
        out.push((
            Role::Text,
            "   Nothing new starts. Deciding is off. Watching goes on; it is tried again.".into(),
        ));
    }
    if let Some(age) = model.data_age().filter(|age| old(model, *age)) {
        out.push((
            Role::Stale,
            format!(
                " ⚠ CLUSTER SILENT for {}. This is old data; deciding is off until it is fresh.",
                data_age(age)
            ),
        ));
    }
    if let EngineRole::Observing { why } = &snapshot.role {
        out.push((Role::Held, format!(" ¦ OBSERVING: {why}. Nothing can be approved here.")));
    }
    out.truncate(4);
    out
}

/// Draws the banners.
pub fn banner(pen: &mut Pen<'_>, model: &Model, parts: &Parts) {
    for (y, (role, text)) in (parts.banner.top()..parts.banner.bottom()).zip(banners(model)) {
        if matches!(role, Role::BannerStop | Role::BannerSim) {
            let line = ratatui::layout::Rect::new(0, y, parts.banner.width, 1);
            pen.blank(line, role);
        }
        pen.put(0, y, parts.banner.width, role, &text);
    }
}

/// Draws the line above the footer: a message, or the last thing that happened.
pub fn last(pen: &mut Pen<'_>, model: &Model, parts: &Parts) {
    let area = parts.last;
    if area.height == 0 {
        return;
    }
    if let Some(notice) = &model.notice {
        let role = if notice.bad { Role::Bad } else { Role::TextStrong };
        pen.put(1, area.y, area.width.saturating_sub(2), role, &notice.text);
        return;
    }
    if let Some((at, text)) = &model.snapshot.last {
        let line = Rich::of(Role::TextDim, &format!("last {} ", clock(*at)))
            .and(Role::TextDim, &cut(text, usize::from(area.width).saturating_sub(17)));
        pen.rich(1, area.y, area.width.saturating_sub(2), &line);
    }
}

/// Draws the keys of the screen and, at the right, where the reader is in it.
pub fn footer(pen: &mut Pen<'_>, model: &Model, parts: &Parts, right: &str) {
    let area = parts.footer;
    let columns = usize::from(area.width);
    let room = columns.saturating_sub(width(right) + 2);
    let context = model.context();
    let mut line = Rich::new();
    let mut seen = Vec::new();
    for binding in model.keymap.within(context).filter(|binding| !binding.foot.is_empty()) {
        if seen.contains(&binding.intent) {
            continue;
        }
        seen.push(binding.intent);
        let keys = binding.keys.first().map(|keys| sequence_name(keys)).unwrap_or_default();
        add_key(&mut line, &keys, &binding.foot, room);
        if seen.len() == 1 && matches!(context, Context::List | Context::Tree) {
            add_key(&mut line, "Space", "act", room);
        }
    }
    add_key(&mut line, "g", "go to", room);
    pen.rich(1, area.y, area.width.saturating_sub(1), &line);
    if line.width() + width(right) + 2 < columns {
        pen.right(area.width.saturating_sub(1), area.y, Role::TextDim, right);
    }
}

fn add_key(line: &mut Rich, keys: &str, what: &str, room: usize) {
    let wanted = width(keys) + width(what) + 3;
    if line.width() + wanted > room {
        return;
    }
    if !line.0.is_empty() {
        line.push(Role::Text, "  ");
    }
    line.push(Role::Key, keys);
    line.push(Role::TextDim, &format!(" {what}"));
}

/// A state's sign and word in a column of 10.
#[must_use]
pub fn state_words(shown: glyphs::Shown) -> Rich {
    Rich::of(shown.role, shown.sign.0).and(Role::Text, " ").and(shown.role, shown.word)
}
