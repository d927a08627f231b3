//! The course of a case: what took how long, and what each step did when.

use super::chart::{Anchor, Axis, Chart, WIDTH, length};
use super::page::Page;
use crate::domain::report::Report;
use crate::domain::report::form::StepLine;
use crate::domain::text::shorten;
use crate::domain::time::{Timestamp, seconds_between, spoken};

/// Where bars begin and how wide they may be.
const LEFT: f64 = 230.0;
const ROOM: f64 = WIDTH - LEFT - 60.0;
/// Height of a row.
const ROW: f64 = 24.0;
/// Steps that are drawn; all are in the table.
const STEPS: usize = 16;
/// Letters of a step's title.
const LETTERS: usize = 30;

/// What went on between two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Looking,
    Waiting,
    Held,
    Running,
    Undoing,
    Settling,
    Over,
}

impl Phase {
    fn class(self) -> &'static str {
        match self {
            Self::Looking => "looking",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Running => "running",
            Self::Undoing => "undoing",
            Self::Settling => "settling",
            Self::Over => "over",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Looking => "diagnosis and plan",
            Self::Waiting => "waited for a decision",
            Self::Held => "held",
            Self::Running => "ran",
            Self::Undoing => "undid",
            Self::Settling => "settled and was measured",
            Self::Over => "closed",
        }
    }

    /// What goes on after an event of this kind; `None`: what went on before.
    fn after(kind: &str) -> Option<Self> {
        match kind {
            "opened" | "plan_asked" | "revised" | "plan_voided" => Some(Self::Looking),
            "approval_requested" => Some(Self::Waiting),
            "withheld" | "expired" | "stuck" => Some(Self::Held),
            "execution_started" => Some(Self::Running),
            "undo_started" | "closing" => Some(Self::Undoing),
            "execution_ended" => Some(Self::Settling),
            "closed" => Some(Self::Over),
            _ => None,
        }
    }
}

struct Span {
    phase: Phase,
    from: Timestamp,
    to: Timestamp,
}

/// Draws it; nothing when the case has not lasted a second.
pub fn draw(page: &mut Page, report: &Report) {
    let until = report.timeline.iter().map(|line| line.at).max().unwrap_or(report.updated_at);
    if seconds_between(report.opened_at, until) < 1 {
        return;
    }
    let spans = spans(report, until);
    page.raw("<section>\n<figure>\n<h2>Course</h2>\n");
    legend(page, &spans);
    let steps = drawn(report);
    let rows = 1 + steps.len();
    let axis = Axis::new(report.opened_at, until, LEFT, ROOM);
    let bottom = length(rows) * ROW + 6.0;
    let mut chart = Chart::start(page, bottom + 20.0, "what took how long");
    for (moment, words) in axis.marks() {
        let x = axis.at(moment);
        chart.line("grid", (x, 0.0), (x, bottom));
        chart.text("tick", Anchor::Middle, x, bottom + 14.0, &words);
    }
    chart.text("label", Anchor::End, LEFT - 12.0, 16.0, "the case");
    for span in &spans {
        let (from, to) = (axis.at(span.from), axis.at(span.to));
        chart.bar(span.phase.class(), from, 5.0, to - from, 14.0);
    }
    for approval in &report.approvals {
        chart.dot("decision", axis.at(approval.at), 12.0);
    }
    for (index, step) in steps.iter().enumerate() {
        let top = length(index + 1) * ROW;
        let title = shorten(&format!("{} {}", step.path, step.title), LETTERS);
        chart.text("label", Anchor::End, LEFT - 12.0, top + 16.0, &title);
        let (Some(from), ended) = (step.started_at, step.ended_at.unwrap_or(until)) else {
            continue;
        };
        let (x, end) = (axis.at(from), axis.at(ended));
        chart.bar(state_class(step.state), x, top + 6.0, end - x, 12.0);
        let took = spoken(seconds_between(from, ended));
        let (anchor, at) = if end > LEFT + ROOM * 0.8 && x > LEFT + 60.0 {
            (Anchor::End, x - 5.0)
        } else {
            (Anchor::Start, end + 5.0)
        };
        chart.text("value soft", anchor, at, top + 16.0, &took);
    }
    chart.end();
    page.raw("</figure>\n</section>\n");
}

/// Steps of which something happened, parents before children.
fn drawn(report: &Report) -> Vec<&StepLine> {
    let steps = report.execution.iter().flat_map(|execution| &execution.steps);
    steps.filter(|step| step.started_at.is_some()).take(STEPS).collect()
}

fn state_class(state: &str) -> &'static str {
    match state {
        "done" => "step-done",
        "failed" | "timed_out" | "undo_failed" => "step-failed",
        "undone" | "undoing" => "step-undone",
        _ => "step",
    }
}

fn legend(page: &mut Page, spans: &[Span]) {
    let mut phases = spans.iter().map(|span| span.phase).collect::<Vec<_>>();
    phases.sort_unstable();
    phases.dedup();
    page.raw("<ul class=\"legend\">");
    for phase in phases {
        let of = spans.iter().filter(|span| span.phase == phase);
        let seconds = of.map(|span| seconds_between(span.from, span.to)).sum::<i64>();
        page.raw("<li>").start("i", &[("class", phase.class())]).end("i");
        page.text(&format!("{} {}", phase.words(), spoken(seconds))).raw("</li>");
    }
    page.raw("<li><i class=\"decision\"></i>a decision</li></ul>\n");
}

fn spans(report: &Report, until: Timestamp) -> Vec<Span> {
    let mut spans = Vec::<Span>::new();
    let (mut phase, mut from) = (Phase::Over, report.opened_at);
    let ends = report.timeline.iter().map(|line| (Phase::after(&line.kind), line.at));
    for (next, at) in ends.chain([(Some(Phase::Over), until)]) {
        let Some(next) = next.filter(|next| *next != phase) else { continue };
        if phase != Phase::Over && from < at {
            spans.push(Span { phase, from, to: at });
        }
        (phase, from) = (next, at);
    }
    spans
}
