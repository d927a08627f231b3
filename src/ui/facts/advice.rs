//! The row about advice: who gave it, what it changed, and what speaks against it. Only there when there is any.

use super::layout::{Extent, Row};
use crate::domain::remediation::Remediation;
use crate::ui::format::counted;
use crate::ui::theme::Role;
use crate::ui::widgets::rich::Rich;

/// ADVICE.
pub fn advice(case: &Remediation, extent: Extent) -> Option<Row> {
    let advice = case.advice_on_plan()?;
    let mut row = Row::new("ADVICE");
    let mut line = Rich::text(&format!("{}: ", advice.source.words()));
    if let Some(first) = advice.ranking.first() {
        line.push(Role::Text, &format!("{} {:.2}", first.template, first.score));
        if !first.why.is_empty() && !extent.brief {
            line.push(Role::TextDim, &format!(", {}", first.why));
        }
    }
    row.add(line);
    if advice.made.changed.is_empty() {
        row.add(Rich::of(Role::TextDim, "nothing of the plan is otherwise than by rules alone"));
    } else {
        let changed = advice.made.changed.join("; ");
        row.add(Rich::of(Role::Unsure, "by advice: ").and(Role::Text, &changed));
    }
    if extent.evidence || extent.all {
        for one in advice.ranking.iter().skip(1) {
            let words = format!("{} {:.2}, {}", one.template, one.score, one.why);
            row.add(Rich::of(Role::TextDim, &words));
        }
        for one in &advice.parameters {
            row.add(Rich::of(Role::TextDim, &format!("{}: {}", one.name, one.why)));
        }
        for line in advice.caveats.iter().chain(&advice.dropped) {
            row.add(Rich::of(Role::Unsure, line));
        }
    } else if let Some(first) = advice.caveats.first().or(advice.dropped.first()) {
        let more = (advice.caveats.len() + advice.dropped.len()).saturating_sub(1);
        let mut line = Rich::of(Role::Unsure, first);
        if more > 0 {
            line.push(Role::TextDim, &format!("; {} (e)", counted(more, "more", "more")));
        }
        row.add(line);
    }
    Some(row)
}
