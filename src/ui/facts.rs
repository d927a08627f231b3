//! What a decision depends on, as labelled rows: for the card, and in brief for the detail beside a list. One wording.
//!
//! The labels are fixed, always all there, in this order; an empty one says `none` or `unknown`.

use super::format::{age, counted, short_uid};
use super::model::Model;
use super::model::card::Checks;
use super::theme::Role;
use super::widgets::rich::Rich;
use crate::domain::diagnosis::MadeBy;
use crate::domain::evidence::Bearing;
use crate::domain::operation::{DiffLine, PreviewLabel};
use crate::domain::remediation::Remediation;
use crate::domain::time::spoken;
use crate::domain::workflow::plan::{Plan, PlanStep, PlannedOperation, StepKind};

/// Columns of the labels.
pub const LABEL: usize = 8;

/// How much is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extent {
    /// All evidence.
    pub evidence: bool,
    /// All steps and fields.
    pub all: bool,
}

/// One labelled row: its lines still unbroken.
struct Row {
    label: &'static str,
    lines: Vec<(Rich, usize)>,
}

impl Row {
    fn new(label: &'static str) -> Self {
        Self { label, lines: Vec::new() }
    }

    fn add(&mut self, line: Rich) {
        self.lines.push((line, 0));
    }

    fn or(mut self, role: Role, word: &str) -> Self {
        if self.lines.is_empty() {
            self.add(Rich::of(role, word));
        }
        self
    }
}

/// The rows of a case's plan at a width.
#[must_use]
pub fn rows(
    model: &Model,
    case: &Remediation,
    checks: Option<&Checks>,
    extent: Extent,
    columns: usize,
) -> Vec<Rich> {
    let plan = case.plan.as_ref();
    let rows = [
        doing(case, plan, extent),
        target(model, case, plan),
        why(model, case, extent),
        change(model, plan, extent),
        blast(plan),
        undo(plan),
        verification(plan),
        past(model, case),
        owner(plan),
        policy(model, case, plan),
        you(model, checks),
    ];
    layout(&rows, columns)
}

fn layout(rows: &[Row], columns: usize) -> Vec<Rich> {
    let room = columns.saturating_sub(LABEL).max(20);
    let mut out = Vec::new();
    for row in rows {
        let mut label = row.label;
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
    }
    out
}

fn doing(case: &Remediation, plan: Option<&Plan>, extent: Extent) -> Row {
    let mut row = Row::new("DO");
    let Some(plan) = plan else {
        let word = if case.diagnosis.is_some() { "no plan yet" } else { "not diagnosed yet" };
        return row.or(Role::TextDim, word);
    };
    let mut line = Rich::of(Role::TextStrong, &plan.title);
    if plan.blast.pods > 0 {
        let pods = counted(plan.blast.pods as usize, "pod is", "pods are");
        line.push(Role::Text, &format!("; {pods} touched"));
    }
    row.add(line);
    if extent.all {
        for step in plan.all_steps() {
            row.add(step_line(step));
        }
    } else {
        let titles = plan
            .steps
            .iter()
            .filter(|step| step.skipped.is_none())
            .map(|step| step.title.as_str())
            .collect::<Vec<_>>();
        let steps = counted(titles.len(), "step", "steps");
        row.add(Rich::of(Role::TextDim, &format!("{steps}: {}", titles.join("; "))));
    }
    row
}

fn step_line(step: &PlanStep) -> Rich {
    let indent = "  ".repeat(step.path.depth().saturating_sub(1));
    let mut line = Rich::text(&format!("{indent}{} {}", step.path, step.title));
    match &step.skipped {
        Some(why) => line.push(Role::Off, &format!("  left out: {why}")),
        None => line.push(
            Role::TextDim,
            &format!(
                "  at most {}, {}, on failure {}",
                spoken(i64::try_from(step.timeout_s).unwrap_or(i64::MAX)),
                counted(step.attempts as usize, "try", "tries"),
                step.on_failure
            ),
        ),
    }
    line
}

fn target(model: &Model, case: &Remediation, plan: Option<&Plan>) -> Row {
    let mut row = Row::new("TO");
    let exact = plan
        .and_then(|plan| plan.target.as_ref())
        .or_else(|| case.diagnosis.as_ref().and_then(|diagnosis| diagnosis.target.as_ref()));
    if let Some(target) = exact {
        let key = &target.key;
        let place = if key.namespace.is_empty() { "(cluster)" } else { &key.namespace };
        row.add(
            Rich::text(&format!("{place}  "))
                .and(Role::TextStrong, &format!("{}/{}", key.kind, key.name))
                .and(
                    Role::TextDim,
                    &format!("  on {}  uid {}", model.snapshot.cluster, short_uid(&target.uid)),
                ),
        );
    } else if let Some(key) = case.target_key() {
        row.add(Rich::text(&key.path()).and(Role::Unsure, "  uid unknown"));
    }
    row.or(Role::Unsure, "unknown")
}

fn why(model: &Model, case: &Remediation, extent: Extent) -> Row {
    let mut row = Row::new("WHY");
    if let Some(diagnosis) = &case.diagnosis {
        let by = match diagnosis.made_by {
            MadeBy::Rules => "by rules",
            MadeBy::Person => "asked for by a person",
        };
        row.add(Rich::text(&format!(
            "{}, {}, confidence {:.2}, {by}",
            diagnosis.pattern, diagnosis.cause, diagnosis.confidence
        )));
        let quoted = |bearing: Bearing| {
            diagnosis.evidence.iter().filter(move |fact| fact.bearing == bearing)
        };
        let most = if extent.evidence { usize::MAX } else { 3 };
        let source =
            |text: &str| if extent.evidence { format!("  [{text}]") } else { String::new() };
        for fact in quoted(Bearing::For).take(most) {
            row.add(Rich::text(&fact.text).and(Role::TextDim, &source(&fact.source)));
        }
        let left = quoted(Bearing::For).count().saturating_sub(most);
        if left > 0 {
            row.add(Rich::of(Role::TextDim, &format!("… {left} more for it (e)")));
        }
        for fact in quoted(Bearing::Against) {
            row.add(
                Rich::of(Role::Unsure, "against: ")
                    .and(Role::Text, &fact.text)
                    .and(Role::TextDim, &source(&fact.source)),
            );
        }
        for fact in quoted(Bearing::Missing) {
            row.add(Rich::of(Role::Unsure, &format!("not known: {}", fact.text)));
        }
        if extent.evidence {
            for fact in quoted(Bearing::Context) {
                row.add(Rich::of(Role::TextDim, &format!("{}  [{}]", fact.text, fact.source)));
            }
        }
    }
    row.add(alerts(model, case));
    row
}

fn alerts(model: &Model, case: &Remediation) -> Rich {
    let firing = case.firing();
    let first = case.alerts.values().next();
    let name = first.map_or("no alert", |alert| alert.name());
    let since = first.map_or_else(String::new, |alert| {
        format!(", first {} ago", age(model.now(), alert.starts_at))
    });
    let role = if firing == 0 { Role::Unsure } else { Role::TextDim };
    Rich::of(
        role,
        &format!(
            "{firing} of {} firing: {name}{since}",
            counted(case.alerts.len(), "alert", "alerts")
        ),
    )
}

fn change(model: &Model, plan: Option<&Plan>, extent: Extent) -> Row {
    let mut row = Row::new("CHANGE");
    let Some(plan) = plan else { return row.or(Role::TextDim, "none") };
    let mutating =
        plan.operations().filter(|(_, planned)| planned.operation.mutates()).collect::<Vec<_>>();
    if mutating.is_empty() {
        let told = plan.all_steps().into_iter().find_map(|step| match &step.kind {
            StepKind::HandOver { message } => Some(message.as_str()),
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
    let mut head = Rich::text(&counted(mutating.len(), "patch", "patches"));
    head.push(Role::Text, ", ");
    let (role, words) = preview_words(&previews);
    head.push(role, words);
    head.push(Role::TextDim, &format!(", made {} ago", age(model.now(), plan.made_at)));
    row.add(head);
    let target = plan.target.as_ref();
    for (step, planned) in mutating {
        let object = planned.operation.object();
        let other = object.filter(|object| Some(*object) != target);
        if let Some(object) = other {
            row.add(Rich::text(&format!("{} (step {})", object.key.path(), step.path)));
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

fn add_diff(row: &mut Row, planned: &PlannedOperation, _extent: Extent) {
    for line in &planned.diff {
        for (sign, role, value) in sides(line) {
            row.lines.push((Rich::of(role, &format!("{sign} {}: {value}", line.path)), 4));
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

fn blast(plan: Option<&Plan>) -> Row {
    let mut row = Row::new("BLAST");
    let Some(plan) = plan else { return row.or(Role::TextDim, "none") };
    let blast = &plan.blast;
    if plan.mutates() {
        let mut parts = vec![counted(blast.pods as usize, "pod", "pods")];
        if !blast.owners.is_empty() {
            parts.push(format!("of {}", blast.owners.join(", ")));
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
        row.add(Rich::text(&parts.join("; ")));
    }
    if !blast.notes.is_empty() {
        row.add(Rich::text(&blast.notes.join("; ")));
    }
    for unknown in &blast.unknown {
        row.add(Rich::of(Role::Unsure, &format!("unknown: {unknown}")));
    }
    row.or(Role::Text, "none: it changes nothing")
}

fn undo(plan: Option<&Plan>) -> Row {
    let mut row = Row::new("UNDO");
    let Some(plan) = plan else { return row.or(Role::TextDim, "none") };
    if !plan.mutates() {
        return row.or(Role::Text, "none needed");
    }
    if plan.undo.trim().is_empty() {
        return row.or(Role::Unsure, "unknown");
    }
    let when = if plan.verification.undo_on_regression {
        "by itself if it makes things worse: "
    } else {
        "not by itself: "
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

fn verification(plan: Option<&Plan>) -> Row {
    let mut row = Row::new("CHECKS");
    let Some(plan) = plan.filter(|plan| plan.mutates()) else {
        return row.or(Role::TextDim, "none");
    };
    let join = |checks: &[crate::domain::workflow::plan::Check]| {
        checks.iter().map(|check| check.describe.as_str()).collect::<Vec<_>>().join(", ")
    };
    let verification = &plan.verification;
    let settle = spoken(i64::try_from(verification.settle_s).unwrap_or(i64::MAX));
    if !verification.effective_when.is_empty() {
        row.add(Rich::text(&format!("after {settle}: {}", join(&verification.effective_when))));
    }
    if !verification.regressed_when.is_empty() {
        row.add(Rich::of(
            Role::TextDim,
            &format!("worse if: {}", join(&verification.regressed_when)),
        ));
    }
    row.or(Role::Unsure, "none: nothing would show that it worked")
}

fn past(model: &Model, case: &Remediation) -> Row {
    let mut row = Row::new("PAST");
    let own = model.row(&case.id);
    let same = model
        .snapshot
        .rows
        .iter()
        .filter(|other| {
            other.id != case.id
                && other.outcome.is_some()
                && own.is_some_and(|own| own.target == other.target)
        })
        .take(3)
        .map(|other| {
            let ended = super::glyphs::row(other);
            format!(
                "{} {} {} ago",
                model.short(&other.id),
                ended.word,
                age(model.now(), other.updated_at)
            )
        })
        .collect::<Vec<_>>();
    if !same.is_empty() {
        row.add(Rich::text(&format!("this target in 24 h: {}", same.join(", "))));
    }
    row.or(Role::TextDim, "none recorded here yet")
}

fn owner(plan: Option<&Plan>) -> Row {
    let mut row = Row::new("OWNER");
    for manager in plan.map(|plan| plan.managers.as_slice()).unwrap_or_default() {
        let mut line = Rich::new();
        if manager.reverts {
            line.push(Role::Unsure, "⚠ ");
        }
        line.push(Role::Text, &format!("{} {}", manager.kind, manager.name));
        if manager.reverts {
            line.push(Role::Unsure, " would revert it");
        }
        line.push(Role::TextDim, &format!("  ({})", manager.source));
        row.add(line);
    }
    row.or(Role::Text, "none found")
}

fn policy(model: &Model, case: &Remediation, plan: Option<&Plan>) -> Row {
    let mut row = Row::new("POLICY");
    if let Some(request) = &case.request {
        let mut parts = request.policy.clone();
        if parts.is_empty() {
            parts.push(format!("needs {}", counted(request.people as usize, "person", "people")));
        }
        row.add(Rich::text(&parts.join("; ")));
    } else if let Some(plan) = plan {
        row.add(Rich::text(&plan.risk_why.join("; ")));
    }
    for why in &case.withheld {
        row.add(Rich::of(Role::Held, why));
    }
    if let Some(by) = &case.claimed_by {
        row.add(Rich::text(&format!("claimed by {by}")));
    }
    if let Some(plan) = plan.filter(|plan| plan.mutates() && !plan.left_if_stopped.is_empty()) {
        let _ = model;
        row.add(Rich::of(Role::TextDim, &format!("if stopped midway: {}", plan.left_if_stopped)));
    }
    row.or(Role::Text, "none")
}

fn you(model: &Model, checks: Option<&Checks>) -> Row {
    let mut row = Row::new("YOU");
    let who = model
        .principal
        .kube
        .as_ref()
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
            let allowed = preflight.permissions.iter().filter(|check| check.allowed).count();
            let all = preflight.permissions.len();
            if all > 0 && allowed == all {
                let what = preflight
                    .permissions
                    .iter()
                    .map(|check| check.what.as_str())
                    .collect::<Vec<_>>()
                    .join(", ");
                line.push(Role::Text, &format!("; cluster lets you {what} ✓"));
            }
            for denied in preflight.permissions.iter().filter(|check| !check.allowed) {
                line.push(Role::Bad, &format!("; ✗ {}: {}", denied.what, denied.why));
            }
            for unknown in &preflight.unknown {
                line.push(Role::Unsure, &format!("; unknown: {unknown}"));
            }
            if preflight.drift.is_empty() {
                line.push(Role::Text, "; unchanged since planned ✓");
            }
            for drift in &preflight.drift {
                line.push(Role::Unsure, &format!("; {} moved", drift.object));
            }
            let seconds = model.now_ms.saturating_sub(*at) / 1_000;
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            line.push(Role::TextDim, &format!("  {} ago", spoken(seconds)));
        }
    }
    row.add(line);
    row
}
