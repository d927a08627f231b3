//! One remediation as a page.

use super::page::{Page, escape, fenced, items, section, simulated, table, titled};
use crate::domain::advice::Advice;
use crate::domain::report::form::{PlanLine, PlanStepLine, Report};
use crate::domain::timeline::diff_lines;
use crate::export::tables;

/// One report.
#[must_use]
pub fn report(report: &Report) -> String {
    let mut out = Page::default();
    head(&mut out, report);
    titled(&mut out, "Evidence", &tables::evidence(report));
    titled(&mut out, "Causes that were weighed", &tables::weighed(report));
    titled(&mut out, "Alerts", &tables::alerts(report));
    if let Some(advice) = &report.advice {
        self::advice(&mut out, advice);
    }
    if let Some(plan) = &report.plan {
        self::plan(&mut out, plan);
    }
    titled(&mut out, "Decisions", &tables::decisions(report));
    execution(&mut out, report);
    verdict(&mut out, report);
    titled(&mut out, "Timeline", &tables::timeline(report));
    audit(&mut out, report);
    out.0
}

fn head(out: &mut Page, report: &Report) {
    out.put(&format!("# Remediation {}\n\n", escape(report.id.as_str())));
    simulated(out, report.simulation.as_deref());
    items(out, &tables::head(report));
    out.put("\n");
}

fn advice(out: &mut Page, advice: &Advice) {
    section(out, "Advice");
    out.put(&format!("By {}.\n\n", escape(&advice.source.words())));
    items(out, &tables::advice(advice));
    out.put("\n");
    if let Some(exchange) = &advice.exchange {
        for (title, text) in [("Asked", &exchange.request), ("Answered", &exchange.answer)] {
            out.put(&format!("{title} ({}):\n\n", escape(&exchange.prompt)));
            let lines = text.lines().map(String::from).collect::<Vec<_>>();
            out.put(&fenced("text", &lines));
        }
    }
}

fn plan(out: &mut Page, plan: &PlanLine) {
    section(out, "Plan");
    out.put(&format!("- **Digest**: `{}`\n", escape(plan.digest.as_str())));
    items(out, &tables::plan(plan));
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

fn execution(out: &mut Page, report: &Report) {
    if report.execution.is_none() {
        return;
    }
    section(out, "Execution");
    items(out, &tables::run(report));
    out.put("\n");
    table(out, &tables::steps(report));
}

fn verdict(out: &mut Page, report: &Report) {
    let Some(verdict) = &report.verdict else { return };
    section(out, "Verdict");
    out.put(&format!("**{}**: {}\n\n", escape(&verdict.outcome), escape(&verdict.why)));
    table(out, &tables::checks(report));
    table(out, &tables::samples(report));
}

fn audit(out: &mut Page, report: &Report) {
    section(out, "Audit");
    let audit = &report.audit;
    out.put(&format!("- **Events**: {} to {}\n", audit.first_event, audit.last_event));
    if let (Some(seq), Some(hash)) = (audit.head_event, &audit.head_hash) {
        out.put(&format!("- **Head of the log**: event {seq}, `{}`\n", escape(hash)));
    }
}
