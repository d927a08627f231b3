//! The rows about the plan: what changes, whom it touches, how it is undone and judged, who owns it, what policy says.

use super::layout::{Extent, Row};
use crate::domain::operation::{DiffLine, Operation, PreviewLabel};
use crate::domain::remediation::Remediation;
use crate::domain::time::spoken;
use crate::domain::workflow::plan::{Plan, PlannedOperation, StepKind};
use crate::ui::format::{age, counted};
use crate::ui::model::Model;
use crate::ui::theme::Role;
use crate::ui::widgets::rich::Rich;

/// CHANGE.
pub fn change(model: &Model, plan: Option<&Plan>, extent: Extent) -> Row {
    let mut row = Row::new("CHANGE");
    let Some(plan) = plan else { return row.or(Role::TextDim, "none") };
    let mutating =
        plan.operations().filter(|(_, planned)| planned.operation.mutates()).collect::<Vec<_>>();
    if mutating.is_empty() {
        let told = plan.all_steps().into_iter().find_map(|step| match &step.kind {
            StepKind::HandOver { message, .. } => Some(message.as_str()),
            _ => None,
        });
        let line = told.map_or_else(
            || "none: it only reads".to_string(),
            |message| format!("none: a person is told: {message}"),
        );
        row.add(Rich::text(&line));
        return row;
    }
    let previews = mutating.iter().map(|(_, planned)| planned.preview).collect::<Vec<_>>();
    let only_patches =
        mutating.iter().all(|(_, planned)| matches!(planned.operation, Operation::Patch { .. }));
    let (one, many) = if only_patches { ("patch", "patches") } else { ("change", "changes") };
    let mut head = Rich::text(&counted(mutating.len(), one, many));
    head.push(Role::Text, ", ");
    let (role, words) = preview_words(&previews);
    head.push(role, words);
    head.push(Role::TextDim, &format!(", made {} ago", age(model.now(), plan.made_at)));
    row.add(head);
    let target = plan.target.as_ref().map(|target| &target.key);
    for (step, planned) in mutating {
        if let Some(key) = planned.operation.key().filter(|key| Some(*key) != target) {
            let word = planned.operation.word();
            let word = if word == "patch" { String::new() } else { format!("{word} ") };
            row.add(Rich::text(&format!("{word}{} (step {})", key.path(), step.path)));
        }
        add_diff(&mut row, planned, extent);
    }
    row
}

fn preview_words(previews: &[PreviewLabel]) -> (Role, &'static str) {
    if previews.contains(&PreviewLabel::NotPreviewable) {
        (Role::Unsure, "NOT PREVIEWED: the server can't say what it does")
    } else if previews.contains(&PreviewLabel::Computed) {
        (Role::Unsure, "computed here: it depends on an earlier step")
    } else {
        (Role::Text, "server dry-run")
    }
}

fn add_diff(row: &mut Row, planned: &PlannedOperation, extent: Extent) {
    for line in &planned.diff {
        let path = if extent.glance { tail(&line.path) } else { line.path.clone() };
        for (sign, role, value) in sides(line) {
            row.lines.push((Rich::of(role, &format!("{sign} {path}: {value}")), 4));
        }
    }
    if planned.diff.is_empty() {
        row.add(Rich::of(Role::Unsure, "no difference is shown: unknown"));
    }
}

/// The `-` and `+` sides of a changed field.
#[must_use]
pub fn sides(line: &DiffLine) -> Vec<(&'static str, Role, &str)> {
    let before = line.before.as_deref().map(|value| ("-", Role::DiffDel, value));
    let after = line.after.as_deref().map(|value| ("+", Role::DiffAdd, value));
    before.into_iter().chain(after).collect()
}

/// BLAST.
pub fn blast(plan: Option<&Plan>) -> Row {
    let mut row = Row::new("BLAST");
    let Some(plan) = plan else { return row.or(Role::TextDim, "none") };
    let blast = &plan.blast;
    if plan.mutates() {
        let mut parts = vec![counted(blast.pods as usize, "pod", "pods")];
        let target = plan.target.as_ref().map(|target| target.key.path());
        let others = blast.owners.iter().filter(|owner| Some(*owner) != target.as_ref()).cloned();
        let others = others.collect::<Vec<_>>();
        if !others.is_empty() {
            parts[0] = format!("{} of {}", parts[0], others.join(", "));
        }
        parts.push(if blast.services.is_empty() {
            "services: none".into()
        } else {
            format!("services: {}", blast.services.join(", "))
        });
        parts.push(if blast.budgets.is_empty() {
            "budgets: none".into()
        } else {
            format!("budgets: {}", blast.budgets.join(", "))
        });
        parts.extend(blast.notes.iter().cloned());
        row.add(Rich::text(&parts.join("; ")));
    } else if !blast.notes.is_empty() {
        row.add(Rich::text(&blast.notes.join("; ")));
    }
    for blocker in &blast.blockers {
        row.add(Rich::of(Role::Bad, &format!("✗ can't work as things are: {blocker}")));
    }
    for unknown in &blast.unknown {
        row.add(Rich::of(Role::Unsure, &format!("unknown: {unknown}")));
    }
    row.or(Role::Text, "none: it changes nothing")
}

/// UNDO.
pub fn undo(plan: Option<&Plan>, extent: Extent) -> Row {
    let mut row = Row::new("UNDO");
    let Some(plan) = plan else { return row.or(Role::TextDim, "none") };
    if !plan.mutates() {
        return row.or(Role::Text, "none needed");
    }
    if plan.undo.trim().is_empty() {
        return row.or(Role::Unsure, "unknown");
    }
    let when = match (plan.verification.undo_on_regression, extent.brief) {
        (true, false) => "by itself if it makes things worse: ",
        (true, true) => "by itself if worse: ",
        (false, _) => "not by itself: ",
    };
    row.add(Rich::text(when).and(Role::Text, &plan.undo));
    let without = plan
        .operations()
        .filter(|(_, planned)| planned.operation.mutates() && planned.undo.is_none())
        .map(|(step, _)| step.path.as_str())
        .collect::<Vec<_>>();
    if !without.is_empty() {
        row.add(Rich::of(
            Role::Unsure,
            &format!("can't be taken back: step {}", without.join(", ")),
        ));
    }
    row
}

/// CHECKS.
pub fn verification(plan: Option<&Plan>) -> Row {
    let mut row = Row::new("CHECKS");
    let Some(plan) = plan.filter(|plan| plan.mutates()) else {
        return row.or(Role::TextDim, "none");
    };
    let join = |checks: &[crate::domain::workflow::plan::Check]| {
        checks.iter().map(|check| check.describe.as_str()).collect::<Vec<_>>().join(", ")
    };
    let verification = &plan.verification;
    let settle = spoken(i64::try_from(verification.settle_s).unwrap_or(i64::MAX));
    let mut line = Rich::new();
    if !verification.effective_when.is_empty() {
        line.push(Role::Text, &format!("after {settle}: {}", join(&verification.effective_when)));
    }
    if !verification.regressed_when.is_empty() {
        let gap = if line.0.is_empty() { "" } else { "; " };
        line.push(Role::TextDim, &format!("{gap}worse if: {}", join(&verification.regressed_when)));
    }
    if !line.0.is_empty() {
        row.add(line);
    }
    row.or(Role::Unsure, "none: nothing would show that it worked")
}

/// OWNER.
pub fn owner(plan: Option<&Plan>) -> Row {
    let mut row = Row::new("OWNER");
    for manager in plan.map(|plan| plan.managers.as_slice()).unwrap_or_default() {
        let mut line = Rich::new();
        if manager.reverts {
            line.push(Role::Unsure, "⚠ ");
        }
        line.push(Role::Text, &format!("{} {}", manager.kind, manager.name));
        if !manager.handling.is_empty() {
            line.push(Role::Text, &format!(": {}", manager.handling));
        } else if manager.reverts {
            line.push(Role::Unsure, " would revert it");
        }
        line.push(Role::TextDim, &format!("  ({})", manager.source));
        row.add(line);
    }
    row.or(Role::Text, "none found")
}

/// POLICY.
pub fn policy(case: &Remediation, plan: Option<&Plan>, extent: Extent) -> Row {
    let mut row = Row::new("POLICY");
    if let Some(request) = &case.request {
        let mut parts = request.policy.clone();
        if parts.is_empty() {
            parts.push(format!("needs {}", counted(request.people as usize, "person", "people")));
        }
        // The gesture says how many: a single one goes without saying.
        let alone = extent.brief && request.people == 1 && parts.len() > 1;
        parts.retain(|part| !(alone && part == "needs 1 person"));
        row.add(Rich::text(&parts.join("; ")));
        if let Some(words) = request.people_words(&case.approvals) {
            row.add(Rich::text(&words));
        }
    } else if let Some(plan) = plan {
        row.add(Rich::text(&plan.risk_why.join("; ")));
    }
    for why in &case.withheld {
        row.add(Rich::of(Role::Held, why));
    }
    if let Some(by) = &case.claimed_by {
        row.add(Rich::text(&format!("claimed by {by}")));
    }
    let told = |plan: &&Plan| plan.mutates() && !plan.left_if_stopped.is_empty() && !extent.brief;
    if let Some(plan) = plan.filter(told) {
        row.add(Rich::of(Role::TextDim, &format!("if stopped midway: {}", plan.left_if_stopped)));
    }
    row.or(Role::Text, "none")
}

/// The end of a long field path, for a glance; the card has all of it.
fn tail(path: &str) -> String {
    let parts = path.split('.').collect::<Vec<_>>();
    if parts.len() <= 4 {
        path.into()
    } else {
        format!("…{}", parts[parts.len() - 3..].join("."))
    }
}
