//! What reports lay out as lists and tables, in plain text: each form escapes and draws them in its own way.
//!
//! Absent on purpose: markup, and anything about how wide or coloured a form is.

use crate::domain::advice::Advice;
use crate::domain::approval::Gesture;
use crate::domain::evidence::Bearing;
use crate::domain::principal::Principal;
use crate::domain::report::form::{PlanLine, Report};
use crate::domain::steering::with_reason;
use crate::domain::time::{Timestamp, rfc3339};
use crate::domain::timeline::decided;
use crate::domain::verdict::Sample;

/// A named fact. Facts with an empty text are not there.
pub type Fact = (&'static str, String);

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Heads of the columns.
    pub heads: &'static [&'static str],
    /// Rows, each with as many cells as there are heads.
    pub rows: Vec<Vec<String>>,
}

fn at(moment: Option<Timestamp>) -> String {
    moment.map(rfc3339).unwrap_or_default()
}

fn there(facts: Vec<Fact>) -> Vec<Fact> {
    facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// What the case is about and where it is.
#[must_use]
pub fn head(report: &Report) -> Vec<Fact> {
    let outcome = report.outcome.as_ref().map(|word| format!(", {word}")).unwrap_or_default();
    let mut facts = vec![
        ("State", format!("{}{outcome}", report.state)),
        ("Cluster", format!("{} (uid {})", report.cluster, report.cluster_uid)),
    ];
    if let Some(target) = &report.target {
        let uid = target.uid.as_ref().map(|uid| format!(" uid {uid}")).unwrap_or_default();
        facts.push(("Target", format!("{} {}{uid}", target.key.api_version, target.key.path())));
    }
    if let (Some(pattern), Some(cause), Some(confidence)) =
        (report.pattern, report.cause, report.confidence)
    {
        let words = format!("{pattern}, cause {cause}, confidence {confidence:.2}");
        facts.push(("Pattern", words));
    }
    facts.push(("Diagnosis", report.summary.clone()));
    if let Some(template) = &report.template {
        let (name, version) = (&template.name, template.version);
        facts.push(("Template", format!("{name} version {version} sha256 {}", template.digest)));
    }
    facts.push(("Opened", rfc3339(report.opened_at)));
    facts.push(("Updated", rfc3339(report.updated_at)));
    if let Some(object) = &report.asked_for {
        facts.push(("Asked for", format!("by a person, on {}", object.path())));
    }
    if let Some(wish) = &report.wish {
        facts.push(("Wished", wish.words()));
    }
    if let Some(held) = &report.held {
        let words = format!("{} since {}", held.by, rfc3339(held.since));
        facts.push(("Held by", with_reason(words, &held.reason)));
    }
    facts.push(("Claimed by", report.claimed_by.clone().unwrap_or_default()));
    facts.extend(report.withheld.iter().map(|why| ("Withheld", why.clone())));
    if let Some(stuck) = &report.stuck {
        facts.push(("Stuck", format!("{}: {}", stuck.during, stuck.why)));
    }
    there(facts)
}

/// The facts of the diagnosis.
#[must_use]
pub fn evidence(report: &Report) -> Table {
    let rows = report.evidence.iter().map(|fact| {
        let bearing = match fact.bearing {
            Bearing::For => "for",
            Bearing::Against => "against",
            Bearing::Context => "context",
            Bearing::Missing => "missing",
        };
        vec![bearing.to_string(), fact.text.clone(), fact.source.clone(), at(fact.at)]
    });
    Table { heads: &["bearing", "fact", "source", "at"], rows: rows.collect() }
}

/// The causes that were weighed.
#[must_use]
pub fn weighed(report: &Report) -> Table {
    let rows = report.weighed.iter().map(|one| {
        vec![
            format!("{}, {}", one.pattern, one.cause),
            format!("{:.2}", one.confidence),
            one.speaks_for.join(", "),
            one.speaks_against.join(", "),
        ]
    });
    Table { heads: &["cause", "confidence", "for", "against"], rows: rows.collect() }
}

/// The alerts.
#[must_use]
pub fn alerts(report: &Report) -> Table {
    let rows = report.alerts.iter().map(|alert| {
        let status = if alert.ends_at.is_some() { "resolved" } else { "firing" };
        vec![
            alert.name.clone(),
            status.to_string(),
            alert.object.clone(),
            rfc3339(alert.starts_at),
            alert.fingerprint.clone(),
        ]
    });
    Table { heads: &["alert", "status", "object", "since", "fingerprint"], rows: rows.collect() }
}

/// What was advised, by whom apart.
#[must_use]
pub fn advice(advice: &Advice) -> Vec<Fact> {
    let plain =
        |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), String::from);
    let mut facts = Vec::new();
    for one in &advice.ranking {
        facts.push(("Ranked", format!("{:.2} {}: {}", one.score, one.template, one.why)));
    }
    for one in &advice.parameters {
        facts.push(("Filled", format!("{} = {}: {}", one.name, plain(&one.value), one.why)));
    }
    let changed = advice.made.changed.iter().cloned();
    facts.extend(changed.map(|change| ("Changed", change)));
    if advice.made.changed.is_empty() {
        facts.push(("Changed", "nothing: the plan is as rules alone would have it".into()));
    }
    facts.extend(advice.caveats.iter().map(|line| ("Caveat", line.clone())));
    facts.extend(advice.dropped.iter().map(|line| ("Dropped", line.clone())));
    if let Some(exchange) = &advice.exchange {
        let tokens = exchange.tokens.map_or_else(String::new, |tokens| {
            let about = if tokens.estimated { "about " } else { "" };
            format!(", {about}{} tokens asked, {about}{} answered", tokens.asked, tokens.answered)
        });
        facts.push(("Asked", format!("{}, {} ms{tokens}", exchange.model, exchange.took_ms)));
    }
    facts
}

/// What the plan says of itself, its digest and steps apart.
#[must_use]
pub fn plan(plan: &PlanLine) -> Vec<Fact> {
    let mut facts = vec![("Does", plan.title.clone()), ("Risk", plan.risk.word().to_string())];
    facts.extend(plan.risk_why.iter().map(|why| ("Risk because", why.clone())));
    facts.push(("Undo", plan.undo.clone()));
    facts.push(("Touches", format!("{} pods", plan.blast.pods)));
    for (name, lines) in [
        ("Owner", &plan.blast.owners),
        ("Service", &plan.blast.services),
        ("Budget", &plan.blast.budgets),
        ("Note", &plan.blast.notes),
        ("Not known", &plan.blast.unknown),
    ] {
        facts.extend(lines.iter().map(|line| (name, line.clone())));
    }
    for manager in &plan.managers {
        let reverts = match manager.handling.as_str() {
            "" if manager.reverts => "would revert it",
            "" => "manages it",
            handling => handling,
        };
        let line = format!("{} {} {reverts} ({})", manager.kind, manager.name, manager.source);
        facts.push(("Managed", line));
    }
    facts.push(("If stopped", plan.left_if_stopped.clone()));
    if let Some(recalled) = &plan.recalled {
        facts.push(("Cases like it", recalled.words()));
        let each = recalled.similar.iter();
        facts.extend(each.map(|one| ("Like it", format!("{} {}", one.remediation, one.words()))));
    }
    there(facts)
}

/// Who decided.
#[must_use]
pub fn decisions(report: &Report) -> Table {
    let rows = report.approvals.iter().map(|approval| {
        let gesture = match approval.gesture {
            Gesture::Key => "key",
            Gesture::Chord => "chord",
            Gesture::TypedName => "typed name",
            Gesture::WithoutTerminal => "without a terminal",
        };
        vec![
            rfc3339(approval.at),
            decided(approval.decision).to_string(),
            match approval.by.uid {
                Principal::NO_UID => approval.by.describe(),
                uid => format!("{} (uid {uid})", approval.by.describe()),
            },
            gesture.to_string(),
            approval.plan.as_str().to_string(),
            approval.reason.clone(),
        ]
    });
    let heads = &["at", "decision", "by", "gesture", "plan", "reason"];
    Table { heads, rows: rows.collect() }
}

/// How the run is, its steps apart.
#[must_use]
pub fn run(report: &Report) -> Vec<Fact> {
    let Some(execution) = &report.execution else { return Vec::new() };
    let (done, of) = (execution.progress.done, execution.progress.of);
    let mut facts =
        vec![("State", execution.state.to_string()), ("Progress", format!("{done} of {of} steps"))];
    if let Some(left) = &execution.time_left {
        facts.push(("Time", left.words.clone()));
    }
    facts.push(("Undone because", execution.undo_why.clone().unwrap_or_default()));
    for told in &execution.told {
        let line = format!("{} step {} in the {}: ", rfc3339(told.at), told.path, told.to);
        facts.push(("Told", format!("{line}{}", told.message)));
    }
    there(facts)
}

/// What became of each step.
#[must_use]
pub fn steps(report: &Report) -> Table {
    let steps = report.execution.iter().flat_map(|execution| &execution.steps);
    let rows = steps.map(|step| {
        let attempts = step
            .attempts
            .iter()
            .map(|attempt| format!("{} {}", attempt.id, attempt.why))
            .collect::<Vec<_>>();
        let far = step.progress.filter(|far| far.of > 0 && step.started_at.is_some());
        let far = far.map_or_else(String::new, |far| format!(" ({} of {})", far.done, far.of));
        vec![
            format!("{} {}", step.path, step.title),
            format!("{}{far}", step.why),
            attempts.join("; "),
            at(step.started_at),
            at(step.ended_at),
            step.notes.join("; "),
        ]
    });
    let heads = &["step", "state", "attempts", "started", "ended", "notes"];
    Table { heads, rows: rows.collect() }
}

/// The checks of the verdict.
#[must_use]
pub fn checks(report: &Report) -> Table {
    let checks = report.verdict.iter().flat_map(|verdict| &verdict.checks);
    let rows = checks.map(|(check, result)| vec![check.clone(), result.clone()]);
    Table { heads: &["check", "result"], rows: rows.collect() }
}

/// What was measured before and after.
#[must_use]
pub fn samples(report: &Report) -> Table {
    let mut rows = Vec::new();
    if let Some(verdict) = &report.verdict {
        rows.extend(verdict.before.as_deref().map(|sample| row("before", sample)));
        rows.extend(verdict.after.as_deref().map(|sample| row("after", sample)));
    }
    Table { heads: &["", "at", "target", "alerts", "measures", "missing"], rows }
}

fn row(when: &str, sample: &Sample) -> Vec<String> {
    let alerts = match sample.alerts_firing {
        n if n < 0 => "not known".to_string(),
        n => n.to_string(),
    };
    let measures = sample.measures.iter().map(|(name, value)| format!("{name} {value}"));
    vec![
        when.to_string(),
        rfc3339(sample.at),
        sample.words(),
        alerts,
        measures.collect::<Vec<_>>().join("; "),
        sample.missing.join("; "),
    ]
}

/// What happened, in order.
#[must_use]
pub fn timeline(report: &Report) -> Table {
    let rows = report.timeline.iter().map(|line| {
        vec![line.event.to_string(), rfc3339(line.at), line.text.clone(), line.by.clone()]
    });
    Table { heads: &["event", "at", "what", "by"], rows: rows.collect() }
}
