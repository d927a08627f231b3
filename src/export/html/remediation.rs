//! One remediation as a page: how it came out first, then its course, why, what was done, who decided, and the record.

use super::page::{Page, outcome_class};
use super::{before_after, course};
use crate::domain::advice::Advice;
use crate::domain::report::Report;
use crate::domain::report::form::{PlanLine, PlanStepLine};
use crate::domain::time::{rfc3339, seconds_between, spoken};
use crate::domain::timeline::diff_lines;
use crate::export::tables;

/// One report.
#[must_use]
pub fn report(report: &Report) -> String {
    let mut page = Page::open(&format!("Remediation {}", report.id));
    top(&mut page, report);
    course::draw(&mut page, report);
    verdict(&mut page, report);
    page.titled("Evidence", &tables::evidence(report));
    page.titled("Causes that were weighed", &tables::weighed(report));
    page.titled("Alerts", &tables::alerts(report));
    if let Some(advice) = &report.advice {
        self::advice(&mut page, advice);
    }
    if let Some(plan) = &report.plan {
        self::plan(&mut page, plan);
    }
    page.titled("Decisions", &tables::decisions(report));
    if report.execution.is_some() {
        page.section("Execution").facts(&tables::run(report)).table(&tables::steps(report));
        page.raw("</section>\n");
    }
    page.titled("Timeline", &tables::timeline(report));
    audit(&mut page, report);
    page.close()
}

fn top(page: &mut Page, report: &Report) {
    let state = report.outcome.as_deref().unwrap_or(report.state.word());
    let (class, sign) = outcome_class(state);
    page.simulated(report.simulation.as_deref());
    page.start("header", &[("class", class)]);
    page.raw("<p class=\"kind\">Remediation ").element("code", &[], report.id.as_str());
    page.raw(" on ").element("b", &[], &report.cluster).raw("</p>\n");
    let target = report.target.as_ref().map(|target| target.key.path());
    page.element("h1", &[], target.as_deref().unwrap_or("no object"));
    page.raw("\n<p class=\"verdict\">").element("span", &[("class", "sign")], sign);
    page.element("strong", &[], &state.replace('_', " "));
    let why = report.verdict.as_ref().map_or("", |verdict| verdict.why.as_str());
    let why = if why.is_empty() { &report.summary } else { why };
    page.element("span", &[("class", "why")], why).raw("</p>\n");
    if report.needs_person {
        page.raw("<p class=\"needs\">This one needs a person.</p>\n");
    }
    cards(page, report);
    page.raw("</header>\n<section>\n<h2>What it is about</h2>\n");
    page.facts(&tables::head(report)).raw("</section>\n");
}

fn cards(page: &mut Page, report: &Report) {
    let lasted = spoken(seconds_between(report.opened_at, report.updated_at));
    let mut cards = vec![("opened", rfc3339(report.opened_at)), ("lasted", lasted)];
    if let (Some(pattern), Some(cause)) = (report.pattern, report.cause) {
        cards.push(("cause", format!("{cause} ({pattern})")));
    }
    if let Some(confidence) = report.confidence {
        cards.push(("confidence", format!("{confidence:.2}")));
    }
    if let Some(plan) = &report.plan {
        cards.push(("plan", plan.title.clone()));
        cards.push(("risk", plan.risk.word().to_string()));
    }
    let deciders = report.approvals.iter().map(|approval| approval.by.os_user.as_str());
    let deciders = deciders.collect::<Vec<_>>().join(", ");
    if !deciders.is_empty() {
        cards.push(("decided by", deciders));
    }
    page.raw("<ul class=\"cards\">\n");
    for (name, text) in cards {
        page.raw("<li>").element("span", &[], name).element("b", &[], &text).raw("</li>\n");
    }
    page.raw("</ul>\n");
}

fn verdict(page: &mut Page, report: &Report) {
    let Some(verdict) = &report.verdict else { return };
    page.section("Verdict");
    page.raw("<p>").element("strong", &[], &verdict.outcome.replace('_', " "));
    page.text(": ").text(&verdict.why).raw("</p>\n");
    before_after::draw(page, report);
    page.table(&tables::checks(report)).table(&tables::samples(report)).raw("</section>\n");
}

fn advice(page: &mut Page, advice: &Advice) {
    page.section("Advice").raw("<p>By ").text(&advice.source.words()).raw(".</p>\n");
    page.facts(&tables::advice(advice));
    if let Some(exchange) = &advice.exchange {
        for (title, text) in [("Asked", &exchange.request), ("Answered", &exchange.answer)] {
            page.raw("<p class=\"soft\">")
                .text(title)
                .raw(" (")
                .text(&exchange.prompt)
                .raw("):</p>\n");
            page.element("pre", &[], text).raw("\n");
        }
    }
    page.raw("</section>\n");
}

fn plan(page: &mut Page, plan: &PlanLine) {
    page.section("Plan").raw("<p class=\"digest\">Digest ");
    page.element("code", &[], plan.digest.as_str()).raw("</p>\n");
    page.facts(&tables::plan(plan)).raw("<ol class=\"steps\">\n");
    for step in &plan.steps {
        plan_step(page, step);
    }
    page.raw("</ol>\n</section>\n");
}

fn plan_step(page: &mut Page, step: &PlanStepLine) {
    let depth = step.path.as_str().matches('.').count().min(4);
    let class = ["d0", "d1", "d2", "d3", "d4"].get(depth).copied().unwrap_or("d4");
    page.start("li", &[("class", class)]).element("b", &[], step.path.as_str()).raw(" ");
    page.text(&step.title).raw(" ");
    let what = step.action.as_deref().unwrap_or(step.kind);
    page.element("code", &[], what);
    if let Some(why) = &step.skipped {
        page.raw("<p class=\"soft\">left out: ").text(why).raw("</p>");
    } else if let Some(detail) = &step.detail {
        page.element("p", &[("class", "soft")], detail);
    }
    for change in &step.changes {
        let uid = change.object.uid.as_deref().unwrap_or_default();
        page.raw("<p class=\"object\">").text(&change.object.key.path());
        page.raw(" <span class=\"soft\">uid ").text(uid).raw("</span></p>\n");
        if change.diff.is_empty() {
            continue;
        }
        page.raw("<pre class=\"diff\">");
        for line in diff_lines(&change.diff) {
            let class = if line.starts_with('-') { "gone" } else { "new" };
            page.element("span", &[("class", class)], &line).raw("\n");
        }
        page.raw("</pre>\n");
    }
    page.raw("</li>\n");
}

fn audit(page: &mut Page, report: &Report) {
    let audit = &report.audit;
    page.raw("<footer>\n<p>Events ").text(&audit.first_event.to_string()).raw(" to ");
    page.text(&audit.last_event.to_string()).raw(" of the log of cluster uid ");
    page.element("code", &[], report.cluster_uid.as_str()).raw(".");
    if let (Some(seq), Some(hash)) = (audit.head_event, &audit.head_hash) {
        page.raw(" Head of the log when this was made: event ").text(&seq.to_string());
        page.raw(", ").element("code", &[], hash).raw(".");
    }
    page.raw(" Times are UTC.</p>\n</footer>\n");
}
