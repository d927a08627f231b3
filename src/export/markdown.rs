//! Markdown for tickets and wikis. All text from outside is escaped: it can't end a table row, open a link, start HTML
//! or close a code span.

use crate::domain::report::form::{PlanLine, PlanStepLine, Report};
use crate::domain::steering::with_reason;
use crate::domain::time::{Timestamp, rfc3339};
use crate::domain::timeline::diff_lines;

/// One report.
#[must_use]
pub fn report(report: &Report) -> String {
    let mut out = Page::default();
    head(&mut out, report);
    evidence(&mut out, report);
    if let Some(plan) = &report.plan {
        self::plan(&mut out, plan);
    }
    decisions(&mut out, report);
    execution(&mut out, report);
    verdict(&mut out, report);
    timeline(&mut out, report);
    audit(&mut out, report);
    out.0
}

/// What is written so far.
#[derive(Default)]
struct Page(String);

impl Page {
    fn put(&mut self, text: &str) {
        self.0.push_str(text);
    }
}

/// Text in running text or a table cell: one line, nothing in it is markup.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => out.push(' '),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '|' | '!' | '~'
            | '@' | ':' => {
                // Numeric references also stop bare addresses and mentions from becoming links.
                match character {
                    '@' => out.push_str("&#64;"),
                    ':' => out.push_str("&#58;"),
                    other => out.extend(['\\', other]),
                }
            }
            '+' | '-' if out.is_empty() => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}

/// A block of code whose fence is longer than any run of backticks in it.
fn fenced(language: &str, lines: &[String]) -> String {
    let longest = lines
        .iter()
        .flat_map(|line| line.split(|c| c != '`').map(str::len))
        .max()
        .unwrap_or(0)
        .max(2);
    let fence = "`".repeat(longest + 1);
    format!("{fence}{language}\n{}\n{fence}\n\n", lines.join("\n"))
}

fn section(out: &mut Page, title: &str) {
    out.put(&format!("## {title}\n\n"));
}

fn item(out: &mut Page, name: &str, text: &str) {
    if !text.is_empty() {
        out.put(&format!("- **{name}**: {text}\n"));
    }
}

fn table(out: &mut Page, heads: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    out.put(&format!("| {} |\n", heads.join(" | ")));
    out.put(&format!("|{}\n", " --- |".repeat(heads.len())));
    for row in rows {
        let cells = row.iter().map(|cell| escape(cell)).collect::<Vec<_>>();
        out.put(&format!("| {} |\n", cells.join(" | ")));
    }
    out.put("\n");
}

fn at(moment: Option<Timestamp>) -> String {
    moment.map(rfc3339).unwrap_or_default()
}

fn head(out: &mut Page, report: &Report) {
    out.put(&format!("# Remediation {}\n\n", escape(report.id.as_str())));
    if let Some(simulation) = &report.simulation {
        out.put(&format!(
            "> **SIMULATED.** Nothing in this report happened on a real cluster ({}).\n\n",
            escape(simulation)
        ));
    }
    let outcome = report.outcome.as_ref().map(|word| format!(", {word}")).unwrap_or_default();
    item(out, "State", &escape(&format!("{}{outcome}", report.state)));
    item(out, "Cluster", &escape(&format!("{} (uid {})", report.cluster, report.cluster_uid)));
    if let Some(target) = &report.target {
        let uid = target.uid.as_ref().map(|uid| format!(" uid {uid}")).unwrap_or_default();
        let line = format!("{} {}{uid}", target.key.api_version, target.key.path());
        item(out, "Target", &escape(&line));
    }
    if let (Some(pattern), Some(cause), Some(confidence)) =
        (report.pattern, report.cause, report.confidence)
    {
        item(
            out,
            "Pattern",
            &escape(&format!("{pattern}, cause {cause}, confidence {confidence:.2}")),
        );
    }
    item(out, "Diagnosis", &escape(&report.summary));
    if let Some(template) = &report.template {
        let line =
            format!("{} version {} sha256 {}", template.name, template.version, template.digest);
        item(out, "Template", &escape(&line));
    }
    item(out, "Opened", &escape(&rfc3339(report.opened_at)));
    item(out, "Updated", &escape(&rfc3339(report.updated_at)));
    if let Some(object) = &report.asked_for {
        item(out, "Asked for", &escape(&format!("by a person, on {}", object.path())));
    }
    if let Some(wish) = &report.wish {
        item(out, "Wished", &escape(&wish.words()));
    }
    if let Some(held) = &report.held {
        let words = format!("{} since {}", held.by, rfc3339(held.since));
        item(out, "Held by", &escape(&with_reason(words, &held.reason)));
    }
    item(out, "Claimed by", &escape(report.claimed_by.as_deref().unwrap_or_default()));
    for why in &report.withheld {
        item(out, "Withheld", &escape(why));
    }
    if let Some(stuck) = &report.stuck {
        item(out, "Stuck", &escape(&format!("{}: {}", stuck.during, stuck.why)));
    }
    out.put("\n");
}

fn evidence(out: &mut Page, report: &Report) {
    if !report.evidence.is_empty() {
        section(out, "Evidence");
        let rows = report
            .evidence
            .iter()
            .map(|fact| {
                let bearing = match fact.bearing {
                    crate::domain::evidence::Bearing::For => "for",
                    crate::domain::evidence::Bearing::Against => "against",
                    crate::domain::evidence::Bearing::Context => "context",
                    crate::domain::evidence::Bearing::Missing => "missing",
                };
                vec![bearing.to_string(), fact.text.clone(), fact.source.clone(), at(fact.at)]
            })
            .collect::<Vec<_>>();
        table(out, &["bearing", "fact", "source", "at"], &rows);
    }
    if !report.alerts.is_empty() {
        section(out, "Alerts");
        let rows = report
            .alerts
            .iter()
            .map(|alert| {
                let status = if alert.ends_at.is_some() { "resolved" } else { "firing" };
                vec![
                    alert.name.clone(),
                    status.to_string(),
                    alert.object.clone(),
                    rfc3339(alert.starts_at),
                    alert.fingerprint.clone(),
                ]
            })
            .collect::<Vec<_>>();
        table(out, &["alert", "status", "object", "since", "fingerprint"], &rows);
    }
}

fn plan(out: &mut Page, plan: &PlanLine) {
    section(out, "Plan");
    item(out, "Digest", &format!("`{}`", escape(plan.digest.as_str())));
    item(out, "Does", &escape(&plan.title));
    item(out, "Risk", plan.risk.word());
    for why in &plan.risk_why {
        item(out, "Risk because", &escape(why));
    }
    item(out, "Undo", &escape(&plan.undo));
    item(out, "Touches", &format!("{} pods", plan.blast.pods));
    for (name, lines) in [
        ("Owner", &plan.blast.owners),
        ("Service", &plan.blast.services),
        ("Budget", &plan.blast.budgets),
        ("Note", &plan.blast.notes),
        ("Not known", &plan.blast.unknown),
    ] {
        for line in lines {
            item(out, name, &escape(line));
        }
    }
    for manager in &plan.managers {
        let reverts = match manager.handling.as_str() {
            "" if manager.reverts => "would revert it",
            "" => "manages it",
            handling => handling,
        };
        let line = format!("{} {} {reverts} ({})", manager.kind, manager.name, manager.source);
        item(out, "Managed", &escape(&line));
    }
    item(out, "If stopped", &escape(&plan.left_if_stopped));
    out.put("\n");
    for step in &plan.steps {
        plan_step(out, step);
    }
}

fn plan_step(out: &mut Page, step: &PlanStepLine) {
    let what = step.action.as_deref().unwrap_or(step.kind);
    let line = format!("{} {} [{what}]", step.path, step.title);
    out.put(&format!("### Step {}\n\n", escape(&line)));
    if let Some(why) = &step.skipped {
        out.put(&format!("Left out: {}\n\n", escape(why)));
    }
    if let Some(detail) = step.detail.as_ref().filter(|_| step.skipped.is_none()) {
        out.put(&format!("{}\n\n", escape(detail)));
    }
    for change in &step.changes {
        let uid = change.object.uid.as_deref().unwrap_or_default();
        out.put(&format!("{} uid {}\n\n", escape(&change.object.key.path()), escape(uid)));
        out.put(&fenced("diff", &diff_lines(&change.diff)));
    }
}

fn decisions(out: &mut Page, report: &Report) {
    if report.approvals.is_empty() {
        return;
    }
    section(out, "Decisions");
    let rows = report
        .approvals
        .iter()
        .map(|approval| {
            let gesture = match approval.gesture {
                crate::domain::approval::Gesture::Key => "key",
                crate::domain::approval::Gesture::Chord => "chord",
                crate::domain::approval::Gesture::TypedName => "typed name",
                crate::domain::approval::Gesture::WithoutTerminal => "without a terminal",
            };
            vec![
                rfc3339(approval.at),
                crate::domain::timeline::decided(approval.decision).to_string(),
                format!("{} (uid {})", approval.by.describe(), approval.by.uid),
                gesture.to_string(),
                approval.plan.as_str().to_string(),
                approval.reason.clone(),
            ]
        })
        .collect::<Vec<_>>();
    table(out, &["at", "decision", "by", "gesture", "plan", "reason"], &rows);
}

fn execution(out: &mut Page, report: &Report) {
    let Some(execution) = &report.execution else { return };
    section(out, "Execution");
    item(out, "State", execution.state);
    let (done, of) = (execution.progress.done, execution.progress.of);
    item(out, "Progress", &format!("{done} of {of} steps"));
    if let Some(left) = &execution.time_left {
        item(out, "Time", &escape(&left.words));
    }
    item(out, "Undone because", &escape(execution.undo_why.as_deref().unwrap_or_default()));
    for told in &execution.told {
        let line = format!("{} step {} in the {}: ", rfc3339(told.at), told.path, told.to);
        item(out, "Told", &escape(&format!("{line}{}", told.message)));
    }
    out.put("\n");
    let rows = execution
        .steps
        .iter()
        .map(|step| {
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
        })
        .collect::<Vec<_>>();
    table(out, &["step", "state", "attempts", "started", "ended", "notes"], &rows);
}

fn verdict(out: &mut Page, report: &Report) {
    let Some(verdict) = &report.verdict else { return };
    section(out, "Verdict");
    out.put(&format!("**{}**: {}\n\n", escape(&verdict.outcome), escape(&verdict.why)));
    let checks = verdict.checks.iter().map(|(check, result)| vec![check.clone(), result.clone()]);
    table(out, &["check", "result"], &checks.collect::<Vec<_>>());
    let mut rows = Vec::new();
    for (when, sample) in [("before", &verdict.before), ("after", &verdict.after)] {
        let Some(sample) = sample else { continue };
        let alerts = match sample.alerts_firing {
            n if n < 0 => "not known".to_string(),
            n => n.to_string(),
        };
        let measures = sample
            .measures
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect::<Vec<_>>();
        rows.push(vec![
            when.to_string(),
            rfc3339(sample.at),
            sample.words(),
            alerts,
            measures.join("; "),
            sample.missing.join("; "),
        ]);
    }
    let heads = ["", "at", "target", "alerts", "measures", "missing"];
    table(out, &heads, &rows);
}

fn timeline(out: &mut Page, report: &Report) {
    section(out, "Timeline");
    let rows = report
        .timeline
        .iter()
        .map(|line| {
            vec![line.event.to_string(), rfc3339(line.at), line.text.clone(), line.by.clone()]
        })
        .collect::<Vec<_>>();
    table(out, &["event", "at", "what", "by"], &rows);
}

fn audit(out: &mut Page, report: &Report) {
    section(out, "Audit");
    let audit = &report.audit;
    item(out, "Events", &format!("{} to {}", audit.first_event, audit.last_event));
    if let (Some(seq), Some(hash)) = (audit.head_event, &audit.head_hash) {
        item(out, "Head of the log", &format!("event {seq}, `{}`", escape(hash)));
    }
}
