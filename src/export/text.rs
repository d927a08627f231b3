//! Plain text for terminals, logs and screen readers: ASCII signs only, words instead of signs, no colour.

use crate::domain::advice::Advice;
use crate::domain::approval::Gesture;
use crate::domain::report::form::{PlanLine, ProgressLine, Report};
use crate::domain::steering::with_reason;
use crate::domain::time::{Timestamp, seconds_between, spoken};
use crate::domain::timeline::{decided, diff_lines};

/// One report.
#[must_use]
pub fn report(report: &Report) -> String {
    let mut out = Lines::default();
    head(&mut out, report);
    if let Some(advice) = &report.advice {
        self::advice(&mut out, advice);
    }
    if let Some(plan) = &report.plan {
        self::plan(&mut out, report, plan);
    }
    timeline(&mut out, report);
    ending(&mut out, report);
    out.0
}

/// Where text goes that belongs to the line above.
const UNDER: &str = "              ";

#[derive(Default)]
struct Lines(String);

impl Lines {
    /// One line; what follows a line end in the text is set under it, so that it can't look like a line of its own.
    fn line(&mut self, text: &str) {
        for (number, part) in text.trim_end().split('\n').enumerate() {
            if number > 0 {
                self.0.push_str(UNDER);
            }
            // Signs that titles may hold are words here.
            self.0.push_str(&part.trim_end().replace('→', "->").replace('…', "..."));
            self.0.push('\n');
        }
    }

    fn field(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.line(&format!("  {name:<12}{text}"));
        }
    }
}

/// `2026-11-21 02:01:12`.
fn moment(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn head(out: &mut Lines, report: &Report) {
    out.line(&format!("cluster {}, times in UTC", report.cluster));
    if let Some(simulation) = &report.simulation {
        out.line(&format!("SIMULATED: nothing here happened on a real cluster ({simulation})"));
    }
    out.line("");
    let outcome = report.outcome.as_ref().map(|outcome| format!("  {outcome}")).unwrap_or_default();
    let needs = if report.needs_person { "  needs a person" } else { "" };
    out.line(&format!("{}  {}{outcome}{needs}", report.id, report.state));
    if let Some(target) = &report.target {
        let uid = target.uid.as_ref().map(|uid| format!("  uid {uid}")).unwrap_or_default();
        out.field("target", &format!("{}{uid}", target.key.path()));
    }
    if let (Some(pattern), Some(cause), Some(confidence)) =
        (report.pattern, report.cause, report.confidence)
    {
        out.field("pattern", &format!("{pattern}, cause {cause}, confidence {confidence:.2}"));
    }
    out.field("diagnosis", &report.summary);
    for fact in &report.evidence {
        let bearing = match fact.bearing {
            crate::domain::evidence::Bearing::For => "",
            crate::domain::evidence::Bearing::Against => "against: ",
            crate::domain::evidence::Bearing::Context => "context: ",
            crate::domain::evidence::Bearing::Missing => "missing: ",
        };
        out.field("evidence", &format!("{bearing}{} [{}]", fact.text, fact.source));
    }
    for alert in &report.alerts {
        let status = match alert.status {
            crate::domain::alert::AlertStatus::Firing => "firing",
            crate::domain::alert::AlertStatus::Resolved => "resolved",
        };
        out.field("alert", &format!("{} {status} {}", alert.name, alert.object));
    }
    if let Some(template) = &report.template {
        let digest = template.digest.get(..8).unwrap_or(&template.digest);
        out.field("template", &format!("{}@{} sha256:{digest}", template.name, template.version));
    }
    if let Some(stuck) = &report.stuck {
        out.field("stuck", &format!("{}: {}", stuck.during, stuck.why));
    }
    for why in &report.withheld {
        out.field("withheld", why);
    }
    if let Some(object) = &report.asked_for {
        out.field("asked for", &format!("by a person, on {}", object.path()));
    }
    if let Some(wish) = &report.wish {
        out.field("wished", &wish.words());
    }
    if let Some(held) = &report.held {
        let words = format!("{} since {}", held.by, moment(held.since));
        out.field("held by", &with_reason(words, &held.reason));
    }
    if let Some(who) = &report.claimed_by {
        out.field("claimed by", who);
    }
}

fn advice(out: &mut Lines, advice: &Advice) {
    out.line("");
    out.line(&format!("advice of {}", advice.source.words()));
    for (name, text) in crate::export::tables::advice(advice) {
        out.field(&name.to_lowercase(), &text);
    }
    if advice.exchange.is_some() {
        out.field("", "what was said is in `export ID --format md`, html and json");
    }
}

fn recalled(out: &mut Lines, plan: &PlanLine) {
    let Some(recalled) = &plan.recalled else { return };
    out.field("like it", &recalled.words());
    for one in &recalled.similar {
        out.field("", &format!("{} {}", one.remediation, one.words()));
    }
}

fn plan(out: &mut Lines, report: &Report, plan: &PlanLine) {
    out.line("");
    out.line(&format!("plan {}", plan.digest));
    out.field("do", &plan.title);
    out.field("risk", plan.risk.word());
    for why in &plan.risk_why {
        out.field("", why);
    }
    for step in &plan.steps {
        let left_out =
            step.skipped.as_ref().map(|why| format!("  (left out: {why})")).unwrap_or_default();
        let what = step.action.as_deref().unwrap_or(step.kind);
        out.line(&format!("  step {:<7}{} [{what}]{left_out}", step.path.as_str(), step.title));
        if let Some(detail) = step.detail.as_ref().filter(|_| step.skipped.is_none()) {
            out.line(&format!("{UNDER}{detail}"));
        }
        for change in &step.changes {
            out.line(&format!("{UNDER}{}", change.object.key.path()));
            for line in diff_lines(&change.diff) {
                out.line(&format!("{UNDER}{line}"));
            }
        }
    }
    out.field("undo", &plan.undo);
    out.field("touches", &blast(plan));
    for note in &plan.blast.notes {
        out.field("", note);
    }
    for unknown in &plan.blast.unknown {
        out.field("not known", unknown);
    }
    for manager in &plan.managers {
        let reverts = match manager.handling.as_str() {
            "" if manager.reverts => "would revert it",
            "" => "manages it",
            handling => handling,
        };
        out.field(
            "managed",
            &format!("{} {} {reverts} ({})", manager.kind, manager.name, manager.source),
        );
    }
    recalled(out, plan);
    if let Some(request) = &report.request {
        out.field("expires", &moment(request.expires_at));
        for line in &request.policy {
            out.field("policy", line);
        }
    }
    for approval in &report.approvals {
        let gesture = match approval.gesture {
            Gesture::Key => "key",
            Gesture::Chord => "chord",
            Gesture::TypedName => "typed name",
            Gesture::WithoutTerminal => "without a terminal",
        };
        let line = format!(
            "{} {} by {} ({gesture}) on {}",
            moment(approval.at),
            decided(approval.decision),
            approval.by.describe(),
            approval.plan.short()
        );
        out.field("decision", &line);
    }
    let request = report.request.as_ref();
    if let Some(words) = request.and_then(|request| request.people_words(&report.approvals)) {
        out.field("people", &words);
    }
}

fn blast(plan: &PlanLine) -> String {
    let mut parts = vec![format!("{} pods", plan.blast.pods)];
    let lists = [
        ("owners", &plan.blast.owners),
        ("services", &plan.blast.services),
        ("budgets", &plan.blast.budgets),
    ];
    for (name, items) in lists {
        if !items.is_empty() {
            parts.push(format!("{name} {}", items.join(", ")));
        }
    }
    parts.join("; ")
}

fn timeline(out: &mut Lines, report: &Report) {
    out.line("");
    out.line("timeline");
    for entry in report.timeline.iter().filter(|entry| !entry.minor) {
        out.line(&format!("  {}  {}", moment(entry.at), entry.text));
    }
}

fn ending(out: &mut Lines, report: &Report) {
    out.line("");
    if let Some(execution) = &report.execution {
        let ProgressLine { done, of } = execution.progress;
        out.line(&format!("execution {}, {done} of {of} steps", execution.state));
        if let Some(left) = &execution.time_left {
            let ends = left.ends_about.map(|at| format!(" (till about {})", moment(at)));
            out.field("time", &format!("{}{}", left.words, ends.unwrap_or_default()));
        }
        for told in &execution.told {
            let line = format!("{} step {} in the {}: ", moment(told.at), told.path, told.to);
            out.field("told", &format!("{line}{}", told.message));
        }
        for step in &execution.steps {
            let took = match (step.started_at, step.ended_at) {
                (Some(from), Some(to)) => format!("  {}", spoken(seconds_between(from, to))),
                _ => String::new(),
            };
            let tries = match step.attempts.len() {
                0 => String::new(),
                1 => "  1 attempt".to_string(),
                many => format!("  {many} attempts"),
            };
            let far = step.progress.filter(|far| far.of > 0 && step.started_at.is_some());
            let far = far.map(|far| format!(", {} of {} steps", far.done, far.of));
            out.line(&format!(
                "  step {:<7}{}: {}{}{tries}{took}",
                step.path.as_str(),
                step.title,
                step.why,
                far.unwrap_or_default()
            ));
            for note in &step.notes {
                out.line(&format!("{UNDER}{note}"));
            }
        }
    }
    if let Some(verdict) = &report.verdict {
        out.line(&format!("verdict     {}: {}", verdict.outcome, verdict.why));
        for (check, result) in &verdict.checks {
            out.line(&format!("            {check}: {result}"));
        }
        for (when, sample) in [("before", &verdict.before), ("after", &verdict.after)] {
            if let Some(sample) = sample {
                let alerts = match sample.alerts_firing {
                    n if n < 0 => "not known".to_string(),
                    n => n.to_string(),
                };
                let words = sample.words();
                out.line(&format!("  {when:<10}{words}, alerts firing {alerts}"));
            }
        }
    }
    let audit = &report.audit;
    let head = match (&audit.head_event, &audit.head_hash) {
        (Some(seq), Some(hash)) => {
            format!(", log at {seq}, head {}", hash.get(..16).unwrap_or(hash))
        }
        _ => String::new(),
    };
    out.line(&format!("audit       events {}-{}{head}", audit.first_event, audit.last_event));
}
