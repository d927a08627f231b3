//! The row about the reader: role, cluster permissions, and whether anything moved.

use super::layout::{Extent, Row};
use crate::domain::approval::Preflight;
use crate::domain::time::spoken;
use crate::ui::model::Model;
use crate::ui::model::card::Checks;
use crate::ui::theme::Role;
use crate::ui::widgets::rich::Rich;

/// YOU.
pub fn you(model: &Model, checks: Option<&Checks>, extent: Extent) -> Row {
    let mut row = Row::new("YOU");
    let who = model
        .principal
        .kube
        .as_ref()
        .filter(|_| !extent.brief)
        .map_or_else(String::new, |kube| format!(" as {}", kube.username));
    let mut line = Rich::text(&format!("{}{who}", model.principal.os_user));
    match checks {
        None => line.push(Role::TextDim, ": checked when the card is open"),
        Some(Checks::Asking) => line.push(Role::Held, ": being checked…"),
        Some(Checks::Failed { why, .. }) => line.push(Role::Unsure, &format!(": unknown: {why}")),
        Some(Checks::Done { preflight, role, role_words, at }) => {
            match role {
                Ok(()) => line.push(Role::Text, &format!(" ({role_words}) ✓")),
                Err(why) => line.push(Role::Bad, &format!(" ✗ {why}")),
            }
            checked(&mut line, preflight, extent);
            let seconds = model.now_ms.saturating_sub(*at) / 1_000;
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            line.push(Role::TextDim, &format!(" {} ago", spoken(seconds)));
        }
    }
    row.add(line);
    row
}

fn checked(line: &mut Rich, preflight: &Preflight, extent: Extent) {
    let allowed = preflight.permissions.iter().filter(|check| check.allowed).count();
    let all = preflight.permissions.len();
    if all > 0 && allowed == all {
        if extent.brief {
            line.push(Role::Text, "; cluster ✓");
        } else {
            let each = preflight.permissions.iter().map(|check| check.what.as_str());
            let what = each.collect::<Vec<_>>().join(", ");
            line.push(Role::Text, &format!("; cluster lets you {what} ✓"));
        }
    }
    for denied in preflight.permissions.iter().filter(|check| !check.allowed) {
        line.push(Role::Bad, &format!("; ✗ {}: {}", denied.what, denied.why));
    }
    for unknown in &preflight.unknown {
        line.push(Role::Unsure, &format!("; unknown: {unknown}"));
    }
    if preflight.drift.is_empty() {
        line.push(Role::Text, "; unchanged ✓");
    }
    for drift in &preflight.drift {
        line.push(Role::Unsure, &format!("; {} moved", drift.object));
    }
}
