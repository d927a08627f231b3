//! Planning: chooses a template, reads what its compilation needs, lets the server preview every change, seals the
//! digest.

use super::advising;
use super::job::JobFailure;
use super::memory;
use super::outside::{Outside, silence};
use crate::domain::advice::Advice;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::effectiveness::{Past, Record};
use crate::domain::evidence::Gathered;
use crate::domain::id::{ClusterId, RemediationId, StepPath};
use crate::domain::operation::{Operation, PreviewLabel};
use crate::domain::resource::FieldPath;
use crate::domain::steering::Wish;
use crate::domain::workflow::bounded::Bounded;
use crate::domain::workflow::compile::{ItemsRequest, PlanRequest, compile, items_now};
use crate::domain::workflow::diff::diff_values;
use crate::domain::workflow::plan::{Plan, PlanStep, PlannedOperation, StepKind};
use crate::domain::workflow::template::Template;
use crate::ports::cluster::ClusterError;
use serde_json::Value;

/// The plan for a diagnosis as the evidence, what came of earlier cases and advice say; with the advice, also where the
/// plan could not be made in the end.
pub async fn advised(
    outside: &Outside,
    cluster: &ClusterId,
    diagnosis: &Diagnosis,
    past: (Option<&RemediationId>, &[Record]),
) -> (Result<Box<Plan>, JobFailure>, Option<Box<Advice>>) {
    let mut advice = None;
    let plan = make(outside, cluster, diagnosis, None, past, &mut advice).await;
    if let (Some(advice), Ok(plan)) = (&mut advice, &plan) {
        advice.made.plan = Some(plan.digest.clone());
    }
    (plan, advice)
}

/// Makes the plan for a diagnosis as a person wants it. Nobody is asked for advice.
pub async fn plan(
    outside: &Outside,
    cluster: &ClusterId,
    diagnosis: &Diagnosis,
    wish: &Wish,
    past: (Option<&RemediationId>, &[Record]),
) -> Result<Box<Plan>, JobFailure> {
    make(outside, cluster, diagnosis, Some(wish), past, &mut None).await
}

/// `of`: the case that it is for, once there is one. What memory says of past cases stands beside the plan.
async fn make(
    outside: &Outside,
    cluster: &ClusterId,
    diagnosis: &Diagnosis,
    wish: Option<&Wish>,
    (of, records): (Option<&RemediationId>, &[Record]),
    advice: &mut Option<Box<Advice>>,
) -> Result<Box<Plan>, JobFailure> {
    let recalled = memory::recall(outside, cluster, diagnosis, of).await;
    let wanted = wish.and_then(|wish| wish.template.as_deref());
    let past = past(outside, diagnosis, records);
    let (template, left_out) = choose(outside, diagnosis, wanted, &past)
        .map_err(|why| JobFailure { why, retryable: false })?;
    let overrides = wish.map(|wish| wish.params.clone()).unwrap_or_default();
    let request = PlanRequest {
        cluster,
        diagnosis,
        library: &outside.library,
        template,
        overrides: &overrides,
        policy: &outside.policy,
        now: outside.clock.now(),
    };
    let mut gathered = Gathered::default();
    let compiled = compiled(outside, &request, &mut gathered).await;
    if let Some(why) = silence(&gathered) {
        return Err(JobFailure { why, retryable: true });
    }
    let mut plan = match compiled {
        Err(failure) if wish.is_none() && !failure.retryable => {
            told(outside, &request, &failure.why, &mut gathered).await.ok_or(failure)?
        }
        other => other?,
    };
    // Asked only once there is a plan without it: what can't be planned needs no advice.
    if wish.is_none() && plan.template == template.reference {
        *advice = advising::advise(outside, diagnosis, &past, records).await.map(Box::new);
        if let Some(advice) = advice {
            plan = as_advised(outside, &request, plan, advice, &mut gathered).await;
        }
    }
    plan.reads = outside.keep(&gathered).await;
    plan.recalled = Some(recalled);
    tell_what_was_left_out(&mut plan, &left_out);
    let mut blockers = Vec::new();
    if wanted.is_some() {
        let (notes, against) = outside.library.objections(template, diagnosis);
        plan.blast.notes.extend(notes);
        blockers.extend(against);
    }
    let mut touched = std::collections::BTreeSet::new();
    for planned in mutations(&mut plan.steps) {
        // What a second change of the same object starts from isn't there yet: its diff stays computed.
        let first = planned.operation.key().is_some_and(|key| touched.insert(key.clone()));
        if first {
            preview(outside, planned, &mut blockers).await?;
        }
    }
    plan.blast.blockers.extend(blockers);
    plan.digest = plan.compute_digest().map_err(|error| JobFailure {
        why: format!("the plan has no digest: {error}"),
        retryable: false,
    })?;
    Ok(Box::new(plan))
}

/// The plan that tells a person instead, with why the chosen one can't be made; `None`: there is none.
async fn told(
    outside: &Outside,
    request: &PlanRequest<'_>,
    why: &str,
    gathered: &mut Gathered,
) -> Option<Plan> {
    let template = outside.library.choose_to_tell(request.diagnosis).ok()?;
    let diagnosis = request.diagnosis.withheld(why);
    let telling = PlanRequest { diagnosis: &diagnosis, template, ..*request };
    compiled(outside, &telling, gathered).await.ok().filter(|_| silence(gathered).is_none())
}

async fn compiled(
    outside: &Outside,
    request: &PlanRequest<'_>,
    gathered: &mut Gathered,
) -> Result<Plan, JobFailure> {
    outside
        .until_ready(gathered, |gathered| {
            compile(request, gathered)
                .map_err(|error| JobFailure { why: error.to_string(), retryable: false })
        })
        .await
}

/// The plan as advice has it, where that can be made and takes no risk away from the eyes of whoever decides; else the one
/// that rules made. What came of it is noted in the advice.
async fn as_advised(
    outside: &Outside,
    request: &PlanRequest<'_>,
    by_rules: Plan,
    advice: &mut Advice,
    gathered: &mut Gathered,
) -> Plan {
    let Some(first) = advice.ranking.first() else { return by_rules };
    let name = first.template.clone();
    let Some(template) = outside.library.templates.get(&name) else { return by_rules };
    let mut plan = by_rules;
    if name != plan.template.name {
        let other = PlanRequest { template, ..*request };
        match instead(outside, &other, &plan, gathered).await {
            Ok(other) => {
                let why = format!("template {name} instead of {}", plan.template.name);
                advice.made.changed.push(why);
                plan = other;
            }
            Err(why) => {
                advice.parameters.clear();
                advice.dropped.push(format!("no plan of {name} is made: {why}"));
                return plan;
            }
        }
    }
    if advice.parameters.is_empty() {
        return plan;
    }
    let overrides = advice
        .parameters
        .iter()
        .map(|filled| (filled.name.clone(), filled.value.clone()))
        .collect();
    let filled = PlanRequest { template, overrides: &overrides, ..*request };
    let why = match instead(outside, &filled, &plan, gathered).await {
        Ok(other) if other.risk < plan.risk => {
            format!("they would lower the risk from {} to {}", plan.risk, other.risk)
        }
        Ok(other) => {
            for one in &advice.parameters {
                let before = plan.params.get(&one.name).map_or_else(String::new, plain);
                let change = format!("{} {} instead of {before}", one.name, plain(&one.value));
                advice.made.changed.push(change);
            }
            return other;
        }
        Err(why) => why,
    };
    advice.parameters.clear();
    advice.dropped.push(format!("its values for {name} are not used: {why}"));
    plan
}

/// Another plan instead of one that stands already, where nothing speaks against it that does not speak against that one.
async fn instead(
    outside: &Outside,
    request: &PlanRequest<'_>,
    standing: &Plan,
    gathered: &mut Gathered,
) -> Result<Plan, String> {
    let other = compiled(outside, request, gathered).await.map_err(|failure| failure.why)?;
    if let Some(why) = silence(gathered) {
        return Err(why);
    }
    let (blast, known) = (&other.blast, &standing.blast);
    let against = blast.blockers.iter().chain(&blast.unknown);
    let fresh = against.filter(|why| !known.blockers.contains(why) && !known.unknown.contains(why));
    match fresh.cloned().reduce(|all, one| format!("{all}; {one}")) {
        Some(why) => Err(why),
        None => Ok(other),
    }
}

/// A value as people write it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

/// The template that a person wants, else the one that fits, with why others were left out.
fn choose<'a>(
    outside: &'a Outside,
    diagnosis: &Diagnosis,
    wanted: Option<&str>,
    past: &Past,
) -> Result<(&'a Template, Vec<String>), String> {
    if let Some(name) = wanted {
        let known = outside.library.templates.get(name);
        return known.map(|it| (it, Vec::new())).ok_or(format!("no template `{name}`"));
    }
    outside.library.choose_after(diagnosis, past)
}

fn past(outside: &Outside, diagnosis: &Diagnosis, records: &[Record]) -> Past {
    let target = diagnosis.target.as_ref().map(|target| &target.key);
    let (now, limits) = (outside.clock.now(), &outside.policy.repeats);
    Past::of(records, target, diagnosis.cause, now, limits)
}

/// A person who is told gets to know that more of the same was not proposed, and why.
fn tell_what_was_left_out(plan: &mut Plan, left_out: &[String]) {
    for why in left_out {
        for step in &mut plan.steps {
            if let StepKind::HandOver { message, .. } = &mut step.kind {
                *message = format!(
                    "{message}\nNot proposed again: {why}. Look for what brings it back; \
                     `pilothouse plan` still makes that plan when a person asks for it."
                );
            }
        }
    }
    plan.blast.notes.extend(left_out.iter().map(|why| format!("not proposed again: {why}")));
}

/// The items of a `for_each` as they are now, each with its steps.
pub async fn items(
    outside: &Outside,
    cluster: &ClusterId,
    path: &StepPath,
    bounded: &Bounded,
    planned: &[PlanStep],
    diagnosis: &Diagnosis,
) -> Result<Vec<PlanStep>, JobFailure> {
    let request = ItemsRequest {
        cluster,
        diagnosis,
        bounded,
        path,
        planned,
        policy: &outside.policy,
        now: outside.clock.now(),
    };
    let mut gathered = Gathered::default();
    let found = outside
        .until_ready(&mut gathered, |gathered| {
            items_now(&request, gathered)
                .map_err(|error| JobFailure { why: error.to_string(), retryable: false })
        })
        .await;
    match silence(&gathered) {
        Some(why) => Err(JobFailure { why, retryable: true }),
        None => found,
    }
}

fn mutations(steps: &mut [PlanStep]) -> Vec<&mut PlannedOperation> {
    let mut out = Vec::new();
    for step in steps.iter_mut().filter(|step| step.skipped.is_none()) {
        match &mut step.kind {
            StepKind::Action { operations, .. } => {
                out.extend(operations.iter_mut().filter(|planned| planned.operation.mutates()));
            }
            StepKind::Subflow { steps, .. }
            | StepKind::Steps { steps }
            | StepKind::Parallel { steps, .. }
            | StepKind::ForEach { steps, .. }
            | StepKind::Branch { steps } => out.extend(mutations(steps)),
            StepKind::WaitFor { .. }
            | StepKind::Approval { .. }
            | StepKind::Notify { .. }
            | StepKind::HandOver { .. } => {}
        }
        if let Some(rescue) = &mut step.rescue {
            out.extend(mutations(std::slice::from_mut(rescue)));
        }
    }
    out
}

async fn preview(
    outside: &Outside,
    planned: &mut PlannedOperation,
    blockers: &mut Vec<String>,
) -> Result<(), JobFailure> {
    let refused = match outside.cluster.preview(&planned.operation).await {
        Ok(Some((live, after))) => {
            // What goes as a whole has no fields to compare.
            if !after.is_null() {
                planned.diff = diff_values(&live, &after);
            }
            planned.preview = PreviewLabel::PreviewedByServer;
            return admission(outside, planned, &after, blockers).await;
        }
        Ok(None) => {
            planned.preview = PreviewLabel::NotPreviewable;
            return Ok(());
        }
        Err(ClusterError::Unavailable(why)) => {
            return Err(JobFailure { why: format!("no preview: {why}"), retryable: true });
        }
        Err(ClusterError::NotPermitted(why)) => {
            planned.preview = PreviewLabel::Computed;
            format!("the engine's credential may not make this change: {why}")
        }
        Err(ClusterError::Refused(why)) => format!("the server refuses this change: {why}"),
    };
    blockers.push(refused);
    Ok(())
}

/// Whether the pods that a changed template makes would be admitted: quota, limit ranges, policies.
async fn admission(
    outside: &Outside,
    planned: &PlannedOperation,
    after: &Value,
    blockers: &mut Vec<String>,
) -> Result<(), JobFailure> {
    let template = FieldPath::keys(&["spec", "template"]);
    let (namespace, makes_pods) = match &planned.operation {
        Operation::Patch { object, changes, .. } => (
            &object.key.namespace,
            changes.iter().any(|change| change.path.0.starts_with(&template.0)),
        ),
        Operation::Create { object, .. } => (&object.namespace, true),
        Operation::Delete { .. }
        | Operation::Evict { .. }
        | Operation::Unmake { .. }
        | Operation::Rotate(_)
        | Operation::Silence(_)
        | Operation::Exec(_)
        | Operation::Await(_)
        | Operation::Collect { .. } => return Ok(()),
    };
    let (true, Some(pod)) = (makes_pods, template.get(after)) else { return Ok(()) };
    match outside.cluster.admits(namespace, pod).await {
        // Without the right to make pods it can't be asked; the workload's controller has its own right.
        Ok(()) | Err(ClusterError::NotPermitted(_)) => Ok(()),
        Err(ClusterError::Refused(why)) => {
            blockers.push(format!("the pods that it makes would not be admitted: {why}"));
            Ok(())
        }
        Err(ClusterError::Unavailable(why)) => {
            Err(JobFailure { why: format!("admission of its pods: {why}"), retryable: true })
        }
    }
}
