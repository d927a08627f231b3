//! The fold: from a case and its events to a report.

use super::form::{
    AlertLine, AttemptLine, AuditLine, ChangeLine, Context, ExecutionLine, ObjectLine, PlanLine,
    PlanStepLine, ProgressLine, REPORT_SCHEMA, Report, StepLine, TimeLeftLine, TimelineLine,
    ToldLine, UndoLine, VerdictLine, VoidedLine,
};
use crate::domain::alert::Alert;
use crate::domain::event::{Event, Recorded};
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::remediation::Remediation;
use crate::domain::resource::ObjectRef;
use crate::domain::time::plus;
use crate::domain::timeline::{outcome_word, outcome_words, sentence, state_words};
use crate::domain::workflow::execution::{Attempt, Execution, StepState};
use crate::domain::workflow::left;
use crate::domain::workflow::plan::{Plan, PlanStep, StepKind};
use crate::domain::workflow::tree::{self, Counts, TreeRow};
use std::collections::BTreeMap;

impl Report {
    /// The report of a case and its events.
    #[must_use]
    pub fn of(case: &Remediation, events: &[Recorded], context: &Context) -> Self {
        let diagnosis = case.diagnosis.as_ref();
        let name = &context.cluster_name;
        Self {
            schema: REPORT_SCHEMA,
            id: case.id.clone(),
            state: case.state,
            needs_person: case.needs_person(),
            outcome: case.outcome.as_ref().map(|outcome| outcome.word().to_string()),
            cluster: if name.is_empty() { case.cluster.to_string() } else { name.clone() },
            cluster_uid: case.cluster.clone(),
            simulated: context.simulated.is_some(),
            simulation: context.simulated.clone(),
            target: target(case),
            container: diagnosis.and_then(|diagnosis| diagnosis.container.clone()),
            pattern: diagnosis.map(|diagnosis| diagnosis.pattern),
            cause: diagnosis.map(|diagnosis| diagnosis.cause),
            confidence: diagnosis.map(|diagnosis| diagnosis.confidence),
            made_by: diagnosis.map(|diagnosis| diagnosis.made_by),
            summary: diagnosis.map(|diagnosis| diagnosis.summary.clone()).unwrap_or_default(),
            evidence: diagnosis.map(|diagnosis| diagnosis.evidence.clone()).unwrap_or_default(),
            weighed: diagnosis.map(|diagnosis| diagnosis.weighed.clone()).unwrap_or_default(),
            alerts: case.alerts.values().map(alert_line).collect(),
            advice: case.advice.as_deref().cloned(),
            template: case.plan.as_deref().map(|plan| plan.template.clone()),
            plan: case.plan.as_deref().map(plan_line),
            voided: case.voided.as_ref().map(|voided| VoidedLine {
                digest: voided.plan.digest.clone(),
                title: voided.plan.title.clone(),
                at: voided.at,
                drift: voided.drift.clone(),
            }),
            request: case.request.clone(),
            withheld: case.withheld.clone(),
            stuck: case.stuck.clone(),
            approvals: case.approvals.clone(),
            execution: case.execution.as_ref().map(|run| execution_line(case, run, context)),
            settle_until: case.settle_until,
            verdict: verdict(case),
            asked_for: case.asked_for.clone(),
            wish: case.wish.clone(),
            held: case.held.clone(),
            claimed_by: case.claimed_by.clone(),
            opened_at: case.opened_at,
            updated_at: case.updated_at,
            timeline: events.iter().map(|recorded| timeline_line(case, recorded)).collect(),
            audit: AuditLine {
                first_event: case.events.0,
                last_event: case.events.1,
                head_event: context.head.as_ref().map(|head| head.0),
                head_hash: context.head.as_ref().map(|head| head.1.clone()),
            },
        }
    }
}

fn target(case: &Remediation) -> Option<ObjectLine> {
    let known = case.diagnosis.as_ref().and_then(|diagnosis| diagnosis.target.as_ref());
    known.map(object_line).or_else(|| case.target_key().map(|key| ObjectLine { key, uid: None }))
}

fn object_line(object: &ObjectRef) -> ObjectLine {
    ObjectLine { key: object.key.clone(), uid: Some(object.uid.clone()) }
}

fn alert_line(alert: &Alert) -> AlertLine {
    AlertLine {
        fingerprint: alert.fingerprint.as_str().to_string(),
        name: alert.name().to_string(),
        status: alert.status,
        object: alert.object(),
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        starts_at: alert.starts_at,
        ends_at: alert.ends_at,
    }
}

fn plan_line(plan: &Plan) -> PlanLine {
    PlanLine {
        digest: plan.digest.clone(),
        title: plan.title.clone(),
        risk: plan.risk,
        risk_why: plan.risk_why.clone(),
        params: plan.params.clone(),
        steps: plan.all_steps().into_iter().map(plan_step_line).collect(),
        undo: plan.undo.clone(),
        blast: plan.blast.clone(),
        managers: plan.managers.clone(),
        verification: plan.verification.clone(),
        left_if_stopped: plan.left_if_stopped.clone(),
        made_at: plan.made_at,
        recalled: plan.recalled.clone(),
    }
}

fn plan_step_line(step: &PlanStep) -> PlanStepLine {
    let mut line = PlanStepLine {
        id: step.id.clone(),
        path: step.path.clone(),
        title: step.title.clone(),
        kind: "action",
        action: None,
        target: None,
        params: BTreeMap::new(),
        changes: Vec::new(),
        undo: None,
        detail: None,
        timeout_s: step.timeout_s,
        attempts: step.attempts,
        on_failure: step.on_failure,
        skipped: step.skipped.clone(),
    };
    match &step.kind {
        StepKind::Action { action, target, params, operations, .. } => {
            line.action = Some(action.clone());
            line.target = Some(target.clone());
            line.params.clone_from(params);
            line.changes = operations
                .iter()
                .filter_map(|planned| {
                    Some(ChangeLine {
                        op: planned.operation.word(),
                        object: touched(&planned.operation)?,
                        diff: planned.diff.clone(),
                        preview: planned.preview,
                    })
                })
                .collect();
            let undo = operations
                .iter()
                .rev()
                .filter_map(|planned| planned.undo.as_ref().and_then(undo_line))
                .collect::<Vec<_>>();
            line.undo = (!undo.is_empty()).then_some(undo);
        }
        StepKind::WaitFor { condition } => {
            line.kind = "wait_for";
            line.target = Some(condition.object.clone());
            line.detail = Some(condition.describe.clone());
        }
        StepKind::Subflow { .. }
        | StepKind::Steps { .. }
        | StepKind::Parallel { .. }
        | StepKind::ForEach { .. }
        | StepKind::Branch { .. }
        | StepKind::Approval { .. }
        | StepKind::Notify { .. }
        | StepKind::HandOver { .. } => {
            let (kind, detail) = kind_words(&step.kind);
            line.kind = kind;
            line.detail = Some(detail);
        }
    }
    line
}

/// The template's word for a step, and what it does in words.
fn kind_words(kind: &StepKind) -> (&'static str, String) {
    match kind {
        StepKind::Action { action, .. } => ("action", action.clone()),
        StepKind::WaitFor { condition } => ("wait_for", condition.describe.clone()),
        StepKind::Subflow { template, .. } => {
            ("subflow", format!("{}@{}", template.name, template.version))
        }
        StepKind::Steps { steps } => ("steps", format!("{} steps, in order", steps.len())),
        StepKind::Parallel { lanes, steps } => {
            ("parallel", format!("{} steps, {} at once", steps.len(), lanes.at_most))
        }
        StepKind::ForEach { lanes, bounded, steps } => {
            let what = bounded.as_ref().map_or_else(
                || format!("{} items", steps.len()),
                |bounded| format!("the {}, at most {}", bounded.rule.words(), bounded.at_most),
            );
            ("for_each", format!("{what}; {}", lanes.words()))
        }
        StepKind::Branch { steps } => {
            ("branch", format!("the first of {} arms that holds", steps.len()))
        }
        StepKind::Approval { message, .. } => ("approval", message.clone()),
        StepKind::Notify { message } => ("notify", message.clone()),
        StepKind::HandOver { message, .. } => ("hand_over", message.clone()),
    }
}

fn undo_line(operation: &Operation) -> Option<UndoLine> {
    let fields = match operation {
        Operation::Patch { changes, .. } => changes.iter().map(FieldChange::redacted).collect(),
        Operation::Delete { .. }
        | Operation::Evict { .. }
        | Operation::Create { .. }
        | Operation::Unmake { .. }
        | Operation::Rotate(_)
        | Operation::Silence(_)
        | Operation::Exec(_)
        | Operation::Collect { .. }
        | Operation::Await(_) => Vec::new(),
    };
    Some(UndoLine { op: operation.word(), object: touched(operation)?, fields })
}

/// The object that an operation changes; without a uid where it isn't there yet.
fn touched(operation: &Operation) -> Option<ObjectLine> {
    let uid = operation.object().map(|object| object.uid.clone());
    operation.key().map(|key| ObjectLine { key: key.clone(), uid })
}

fn execution_line(case: &Remediation, run: &Execution, context: &Context) -> ExecutionLine {
    let failed = run.steps.values().any(|step| {
        matches!(
            step.state,
            StepState::Failed { .. } | StepState::TimedOut { .. } | StepState::WillNotBeRun { .. }
        )
    });
    let state = match (run.undone, run.ended_at, &run.undo_why) {
        (Some(true), _, _) => "undone",
        (Some(false), _, _) => "undo_failed",
        (None, None, None) => "running",
        (None, _, Some(_)) => "undoing",
        (None, Some(_), None) if failed => "failed",
        (None, Some(_), None) => "done",
    };
    let rows = tree::rows(case);
    ExecutionLine {
        id: run.id.clone(),
        state,
        started_at: run.started_at,
        ended_at: run.ended_at,
        undo_why: run.undo_why.clone(),
        progress: progress_line(tree::progress(case)),
        time_left: time_left(case, context),
        told: rows.iter().filter_map(told_line).collect(),
        steps: rows.iter().filter_map(step_line).collect(),
    }
}

fn progress_line(counts: Counts) -> ProgressLine {
    ProgressLine { done: counts.done, of: counts.all }
}

fn time_left(case: &Remediation, context: &Context) -> Option<TimeLeftLine> {
    let left = left::of_case(case, &context.history, case.updated_at)?;
    Some(TimeLeftLine {
        ends_about: left.runs.map(|_| plus(case.updated_at, left.seconds)),
        from_runs: left.runs,
        steps_without_history: left.unknown,
        answers_of_people: left.people,
        longer_than_usual: left.late,
        words: left.words(),
    })
}

/// What a step told people, once it did.
fn told_line(row: &TreeRow<'_>) -> Option<ToldLine> {
    let message = match &row.step.kind {
        StepKind::Notify { message } | StepKind::HandOver { message, .. } => message,
        StepKind::Action { .. }
        | StepKind::WaitFor { .. }
        | StepKind::Subflow { .. }
        | StepKind::Steps { .. }
        | StepKind::Parallel { .. }
        | StepKind::ForEach { .. }
        | StepKind::Branch { .. }
        | StepKind::Approval { .. } => return None,
    };
    let run = row.run.filter(|run| run.state == StepState::Done)?;
    let (path, at) = (row.step.path.clone(), run.ended_at?);
    Some(ToldLine { path, at, to: "log", message: message.clone() })
}

fn step_line(row: &TreeRow<'_>) -> Option<StepLine> {
    let (step, run) = (row.step, row.run?);
    Some(StepLine {
        id: step.id.clone(),
        path: step.path.clone(),
        title: step.title.clone(),
        state: run.state.tag(),
        why: state_words(&run.state),
        started_at: run.started_at,
        ended_at: run.ended_at,
        attempts: run.attempts.iter().map(attempt_line).collect(),
        notes: run.notes.clone(),
        progress: row.parent.then(|| progress_line(row.counts)),
    })
}

fn attempt_line(attempt: &Attempt) -> AttemptLine {
    AttemptLine {
        id: attempt.id.clone(),
        operation: attempt.operation,
        direction: attempt.direction,
        started_at: attempt.started_at,
        ended_at: attempt.ended_at,
        outcome: outcome_word(attempt.outcome.as_ref()),
        why: attempt.outcome.as_ref().map(outcome_words).unwrap_or_default(),
    }
}

fn verdict(case: &Remediation) -> Option<VerdictLine> {
    let judged = case.judgement.as_ref();
    let outcome = case
        .outcome
        .as_ref()
        .map(|outcome| outcome.word().to_string())
        .or_else(|| judged.map(|judgement| judgement.verdict.word().to_string()))?;
    let why = judged.map(|judgement| judgement.why.clone()).filter(|why| !why.is_empty());
    Some(VerdictLine {
        outcome,
        why: why.unwrap_or_else(|| case.closed_why.clone()),
        checks: judged.map(|judgement| judgement.checks.clone()).unwrap_or_default(),
        before: judged
            .and_then(|judgement| judgement.before.clone())
            .or_else(|| case.before.clone()),
        after: judged.and_then(|judgement| judgement.after.clone()),
    })
}

fn timeline_line(case: &Remediation, recorded: &Recorded) -> TimelineLine {
    let minor = matches!(
        &recorded.event,
        Event::AttemptStarted { .. }
            | Event::StepChanged { state: StepState::Running | StepState::Undoing, .. }
    );
    TimelineLine {
        event: recorded.seq,
        at: recorded.at,
        by: recorded.by.clone(),
        kind: recorded.event.kind(),
        text: sentence(&recorded.event, Some(case)),
        minor,
    }
}
