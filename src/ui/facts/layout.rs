//! The rows put together, in the room that there is: whole where it fits, else brief, else two short rows on a line.

use super::{advice, case, plan, you};
use crate::domain::remediation::Remediation;
use crate::ui::model::Model;
use crate::ui::model::card::Checks;
use crate::ui::theme::Role;
use crate::ui::widgets::rich::Rich;

/// Columns of the labels.
pub const LABEL: usize = 8;

/// How much is shown.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "independent wishes")]
pub struct Extent {
    /// All evidence.
    pub evidence: bool,
    /// All steps and fields.
    pub all: bool,
    /// In few words.
    pub brief: bool,
    /// Beside a list, where the card has the whole of it.
    pub glance: bool,
}

/// One labelled row: its lines still unbroken, each with the indent of what is broken off it.
pub struct Row {
    label: &'static str,
    /// The lines.
    pub lines: Vec<(Rich, usize)>,
}

impl Row {
    /// An empty row.
    pub fn new(label: &'static str) -> Self {
        Self { label, lines: Vec::new() }
    }

    /// Adds a line.
    pub fn add(&mut self, line: Rich) {
        self.lines.push((line, 0));
    }

    /// This row, or one word when it is empty.
    pub fn or(mut self, role: Role, word: &str) -> Self {
        if self.lines.is_empty() {
            self.add(Rich::of(role, word));
        }
        self
    }
}

/// The rows of a case's plan at a width, in at most `room` lines if they can be said so.
#[must_use]
pub fn rows(
    model: &Model,
    case: &Remediation,
    checks: Option<&Checks>,
    extent: Extent,
    (columns, room): (usize, usize),
) -> Vec<Rich> {
    let whole = blocks(model, case, checks, extent, columns);
    if extent.all || extent.evidence || count(&whole) <= room {
        return whole.concat();
    }
    let brief = blocks(model, case, checks, Extent { brief: true, ..extent }, columns);
    if count(&brief) <= room { brief.concat() } else { packed(&brief, columns, room) }
}

fn count(blocks: &[Vec<Rich>]) -> usize {
    blocks.iter().map(Vec::len).sum()
}

fn blocks(
    model: &Model,
    case: &Remediation,
    checks: Option<&Checks>,
    extent: Extent,
    columns: usize,
) -> Vec<Vec<Rich>> {
    let plan = case.plan.as_deref();
    let mut rows = vec![
        case::doing(case, plan, extent),
        case::target(model, case, plan),
        case::why(model, case, extent),
    ];
    rows.extend(advice::advice(case, extent));
    rows.extend([
        plan::change(model, plan, extent),
        plan::blast(plan),
        plan::undo(plan, extent),
        plan::verification(plan),
        case::past(model, case, extent),
        plan::owner(plan),
        plan::policy(case, plan, extent),
        you::you(model, checks, extent),
    ]);
    rows.iter().map(|row| broken(row, columns)).collect()
}

fn broken(row: &Row, columns: usize) -> Vec<Rich> {
    let room = columns.saturating_sub(LABEL).max(20);
    let mut label = row.label;
    let mut out = Vec::new();
    for (line, indent) in &row.lines {
        for broken in line.wrapped(room, *indent) {
            let mut whole = Rich::of(Role::Title, &format!("{label:LABEL$}"));
            for span in broken.0 {
                whole.push(span.role, &span.text);
            }
            out.push(whole);
            label = "";
        }
    }
    out
}

/// Two short rows share a line, in their order, until it fits.
fn packed(blocks: &[Vec<Rich>], columns: usize, room: usize) -> Vec<Rich> {
    let mut excess = count(blocks).saturating_sub(room);
    let mut out = Vec::<Rich>::new();
    let mut joined = true;
    for (index, block) in blocks.iter().enumerate() {
        let alone = index > 0 && blocks[index - 1].len() == 1 && block.len() == 1;
        match (out.last_mut(), block.first()) {
            (Some(last), Some(line))
                if alone && !joined && excess > 0 && last.width() + line.width() + 3 <= columns =>
            {
                last.push(Role::Text, "   ");
                for span in &line.0 {
                    let text = if span.role == Role::Title {
                        format!("{} ", span.text.trim_end())
                    } else {
                        span.text.clone()
                    };
                    last.push(span.role, &text);
                }
                excess -= 1;
                joined = true;
            }
            _ => {
                out.extend(block.clone());
                joined = false;
            }
        }
    }
    out
}
