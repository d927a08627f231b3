//! The rows about the case: what is done, to what, why, and what happened to it before.

use super::layout::{Extent, Row};
use crate::domain::diagnosis::MadeBy;
use crate::domain::effectiveness::of_template;
use crate::domain::evidence::Bearing;
use crate::domain::remediation::Remediation;
use crate::domain::time::spoken;
use crate::domain::workflow::plan::{Plan, PlanStep};
use crate::ui::format::{age, counted, short_uid};
use crate::ui::glyphs;
use crate::ui::model::Model;
use crate::ui::theme::Role;
use crate::ui::widgets::rich::Rich;

/// DO.
pub fn doing(case: &Remediation, plan: Option<&Plan>, extent: Extent) -> Row {
    let mut row = Row::new("DO");
    let Some(plan) = plan else {
        let word = if case.diagnosis.is_some() { "no plan yet" } else { "not diagnosed yet" };
        return row.or(Role::TextDim, word);
    };
    let mut line = Rich::of(Role::TextStrong, &plan.title);
    if plan.blast.pods > 0 && !extent.brief {
        let pods = counted(plan.blast.pods as usize, "pod is", "pods are");
        line.push(Role::Text, &format!("; {pods} touched"));
    }
    row.add(line);
    if extent.all {
        for step in plan.all_steps() {
            row.add(step_line(step));
        }
    } else if !extent.brief {
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

/// TO.
pub fn target(model: &Model, case: &Remediation, plan: Option<&Plan>) -> Row {
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

/// WHY.
pub fn why(model: &Model, case: &Remediation, extent: Extent) -> Row {
    let mut row = Row::new("WHY");
    if let Some(diagnosis) = &case.diagnosis {
        let by = match diagnosis.made_by {
            MadeBy::Rules => "by rules",
            MadeBy::Person => "asked for by a person",
        };
        let word = if extent.brief { "" } else { "confidence " };
        let mut line = Rich::text(&format!(
            "{}, {}, {word}{:.2}, {by}",
            diagnosis.pattern, diagnosis.cause, diagnosis.confidence
        ));
        if extent.brief {
            let firing = case.firing();
            let role = if firing == 0 { Role::Unsure } else { Role::TextDim };
            line.push(
                role,
                &format!("; {firing} of {} firing", counted(case.alerts.len(), "alert", "alerts")),
            );
        }
        row.add(line);
        let quoted = |bearing: Bearing| {
            diagnosis.evidence.iter().filter(move |fact| fact.bearing == bearing)
        };
        let most = match (extent.evidence, extent.brief) {
            (true, _) => usize::MAX,
            (false, true) => 2,
            (false, false) => 3,
        };
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
    if !extent.brief || case.diagnosis.is_none() {
        row.add(alerts(model, case));
    }
    row
}

fn alerts(model: &Model, case: &Remediation) -> Rich {
    if let (Some(object), true) = (&case.asked_for, case.alerts.is_empty()) {
        let ago = age(model.now(), case.opened_at);
        let words = format!("no alert: a person asked for it on {}, {ago} ago", object.path());
        return Rich::of(Role::TextDim, &words);
    }
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

/// What memory said of past cases that are like this one.
fn recalled(model: &Model, plan: &Plan, extent: Extent, row: &mut Row) {
    let Some(recalled) = &plan.recalled else { return };
    let words = format!("like this one: {}", recalled.words());
    let role = if recalled.away.is_some() { Role::Unsure } else { Role::Text };
    let mut line = Rich::of(role, &words);
    let whole = extent.evidence && !recalled.similar.is_empty();
    if !whole && !recalled.similar.is_empty() {
        let ids = recalled.similar.iter().map(|one| model.short(&one.remediation));
        let more = if extent.brief { "" } else { " (e)" };
        line.push(Role::TextDim, &format!(": {}{more}", ids.collect::<Vec<_>>().join(", ")));
    }
    row.add(line);
    for one in recalled.similar.iter().filter(|_| whole) {
        let ended = age(model.now(), one.ended_at);
        let words = format!("{} {}; {ended} ago", model.short(&one.remediation), one.words());
        row.add(Rich::of(Role::TextDim, &words));
    }
}

/// PAST.
pub fn past(model: &Model, case: &Remediation, extent: Extent) -> Row {
    let mut row = Row::new("PAST");
    if let Some(plan) = &case.plan {
        recalled(model, plan, extent, &mut row);
        let template = format!("{}@{}", plan.template.name, plan.template.version);
        let records = &model.snapshot.records;
        if let Some(figures) = of_template(records, &template, plan.cause, model.now()) {
            let words = figures.briefly();
            row.add(Rich::text(&format!("{template} for {}: {words}", plan.cause)));
        }
    }
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
            let ended = glyphs::row(other);
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
