//! A plan as text: what a person compares.

use crate::domain::operation::Operation;
use crate::domain::workflow::plan::{Plan, PlanStep, StepKind};

/// The whole plan, as text.
#[must_use]
pub fn shown(plan: &Plan) -> String {
    let mut out = Vec::new();
    let target = plan.target.as_ref().map_or("none".into(), |target| target.key.path());
    let name = &plan.template.name;
    out.push(plan.title.clone());
    out.push(format!("  {} / {} on {target}", plan.pattern, plan.cause));
    out.push(format!("  template {name}, risk {} ({})", plan.risk, plan.risk_why.join("; ")));
    out.push(format!("  undo: {}", plan.undo));
    out.push(format!("  left if stopped: {}", plan.left_if_stopped));
    out.extend(plan.params.iter().map(|(name, value)| format!("  {name} = {value}")));
    for step in &plan.steps {
        show_step(&mut out, step, 1);
    }
    let blast = &plan.blast;
    out.push(format!("  touches {} pods of {:?}", blast.pods, blast.owners));
    for (word, lines) in [
        ("service", &blast.services),
        ("budget", &blast.budgets),
        ("note", &blast.notes),
        ("unknown", &blast.unknown),
        ("blocker", &blast.blockers),
    ] {
        out.extend(lines.iter().map(|line| format!("  {word}: {line}")));
    }
    for manager in &plan.managers {
        let (kind, name, reverts) = (&manager.kind, &manager.name, manager.reverts);
        out.push(format!("  manager: {kind} {name} ({reverts})"));
    }
    for measure in &plan.verification.measures {
        out.push(format!("  measure {}: {}", measure.name, measure.promql));
    }
    out.push(String::new());
    out.join("\n")
}

fn show_step(out: &mut Vec<String>, step: &PlanStep, depth: usize) {
    let indent = "  ".repeat(depth);
    let (path, title) = (&step.path, &step.title);
    let skipped = step.skipped.as_deref().map(|why| format!(" [{why}]")).unwrap_or_default();
    let (seconds, otherwise) = (step.timeout_s, step.on_failure);
    out.push(format!("{indent}{path} {title} ({seconds}s, else {otherwise}){skipped}"));
    match &step.kind {
        StepKind::Action { operations, .. } => {
            for planned in operations {
                if let Operation::Collect { reads, .. } = &planned.operation {
                    out.extend(reads.iter().filter_map(|read| {
                        // By way of a value, whose keys are in order.
                        let read = serde_json::to_value(read).ok()?;
                        Some(format!("{indent}    read {read}"))
                    }));
                }
                if let Operation::Await(condition) = &planned.operation {
                    out.push(format!("{indent}    waits for {}", condition.object.path()));
                    continue;
                }
                for line in &planned.diff {
                    let (before, after) = (line.before.as_deref(), line.after.as_deref());
                    let words = format!("{} → {}", before.unwrap_or("-"), after.unwrap_or("-"));
                    out.push(format!("{indent}    {}: {words}", line.path));
                }
                let undo = if planned.undo.is_some() { "can be undone" } else { "no undo" };
                out.push(format!("{indent}    {undo}"));
            }
        }
        StepKind::WaitFor { condition } => {
            out.push(format!("{indent}    waits for {}", condition.object.path()));
        }
        StepKind::HandOver { message, .. } => {
            out.extend(message.lines().map(|line| format!("{indent}    > {line}")));
        }
        StepKind::Parallel { lanes, .. } | StepKind::ForEach { lanes, .. } => {
            out.push(format!("{indent}    at once: {}", lanes.at_most));
        }
        StepKind::Approval { message, .. } | StepKind::Notify { message } => {
            out.push(format!("{indent}    > {message}"));
        }
        StepKind::Subflow { .. } | StepKind::Steps { .. } | StepKind::Branch { .. } => {}
    }
    for below in step.children() {
        show_step(out, below, depth + 1);
    }
    if let Some(rescue) = &step.rescue {
        out.push(format!("{indent}  if it fails:"));
        show_step(out, rescue, depth + 2);
    }
}

/// One line for each step, parents before children: where, what, on what, and whether it is left out.
#[must_use]
pub(super) fn step_lines(plan: &Plan) -> Vec<String> {
    let line = |step: &PlanStep| {
        let what = match &step.kind {
            StepKind::Action { action, target, .. } => format!("{action} on {}", target.path()),
            StepKind::WaitFor { condition } => format!("wait for {}", condition.object.path()),
            StepKind::Subflow { template, .. } => format!("subflow {}", template.name),
            StepKind::Steps { .. } => "steps".to_string(),
            StepKind::Parallel { .. } => "steps at once".to_string(),
            StepKind::ForEach { .. } => "for each".to_string(),
            StepKind::Branch { .. } => "branch".to_string(),
            StepKind::Approval { .. } => "approval".to_string(),
            StepKind::Notify { .. } => "notify".to_string(),
            StepKind::HandOver { .. } => "hand over".to_string(),
        };
        let left_out = if step.skipped.is_some() { " (left out)" } else { "" };
        format!("{} {what}{left_out}", step.path)
    };
    plan.all_steps().into_iter().map(line).collect()
}
