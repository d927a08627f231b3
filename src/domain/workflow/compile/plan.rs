//! The plan as a whole.

use super::blast::{self, Change};
use super::kept;
use super::pods;
use super::request::{CompileError, PlanRequest};
use super::steps::{Done, Work};
use super::variables::{Variables, diagnosis_variable, said, target_variable};
use crate::domain::diagnose::managers;
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::{Answer, Gathered, Progress, Read};
use crate::domain::expr;
use crate::domain::id::PlanDigest;
use crate::domain::workflow::plan::{
    Blast, Manager, Measure, Plan, PlanStep, Risk, StepKind, Verification,
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Settle time where neither policy nor the template has one, in seconds.
const SETTLE_S: u64 = 300;
/// It is never longer than this for the sake of what a change may show late, in seconds.
const SETTLE_MOST_S: u64 = 900;

/// Makes the plan, or says what still has to be read. Diffs are *computed* here; the engine's planner replaces them by
/// the server's previews and seals the digest.
///
/// # Errors
/// The step, parameter or section, and why it can't be.
pub fn compile(
    request: &PlanRequest<'_>,
    gathered: &Gathered,
) -> Result<Progress<Plan>, CompileError> {
    let mut work = Work::new(request, gathered);
    let (params, mut steps) = work.top()?;
    let mut reader = Reader::new(gathered);
    let kept = kept::settle(request, &mut work, &mut steps, &mut reader)?;
    let (mut blast, mut keepers) = radius(request, &work, &steps, gathered, &mut reader);
    kept.note(&mut blast, &mut keepers);
    let mut needs = work.needs.clone();
    needs.extend(reader.needs());
    if !needs.is_empty() {
        return Ok(Progress::Need(needs.into_iter().collect()));
    }
    let mut verification = verification(request, &params)?;
    verification.settle_s = verification.settle_s.max(least(request, &work));
    let diagnosis = request.diagnosis;
    let mut risk_why = Vec::new();
    let risk = risk(request, &work, &steps, &mut risk_why);
    let mut plan = Plan {
        digest: PlanDigest::new(""),
        cluster: request.cluster.clone(),
        target: diagnosis.target.clone(),
        pattern: diagnosis.pattern,
        cause: diagnosis.cause,
        template: request.template.reference.clone(),
        params,
        title: title(request, &work, &steps),
        risk,
        risk_why,
        undo: undo(&work),
        steps,
        blast,
        verification,
        managers: keepers,
        left_if_stopped: left(request, &work),
        expires_s: request.template.expires_s.unwrap_or_else(|| request.policy.expires(risk)),
        made_at: request.now,
        reads: None,
        recalled: None,
    };
    plan.digest = plan.compute_digest().map_err(|error| CompileError {
        template: request.template.reference.name.clone(),
        place: "the plan".into(),
        why: format!("it has no digest: {error}"),
    })?;
    Ok(Progress::Ready(plan))
}

/// Whom it touches, and who keeps the target as it is.
fn radius(
    request: &PlanRequest<'_>,
    work: &Work<'_>,
    steps: &[PlanStep],
    gathered: &Gathered,
    reader: &mut Reader<'_>,
) -> (Blast, Vec<Manager>) {
    let mut blast = Blast::default();
    let mut keepers = Vec::new();
    for Done { compiled, .. } in &work.done {
        for (from, to) in [
            (&compiled.notes, &mut blast.notes),
            (&compiled.unknown, &mut blast.unknown),
            (&compiled.blockers, &mut blast.blockers),
        ] {
            let fresh = from.iter().filter(|line| !to.contains(line)).cloned().collect::<Vec<_>>();
            to.extend(fresh);
        }
    }
    let operations = || work.done.iter().flat_map(|done| &done.compiled.operations);
    let mut seen = BTreeSet::new();
    for operation in operations() {
        let Some(key) = operation.key().filter(|key| seen.insert((*key).clone())) else { continue };
        let read = Read::Object(key.clone());
        let before = gathered.get(&read);
        let (Some(target), Some(Answer::Object(before))) = (operation.object(), before) else {
            blast.owners.push(key.path());
            continue;
        };
        let Some(Answer::Object(after)) = work.gathered.get(&read) else {
            pods::add_gone(target, before, reader, &mut blast, &mut keepers);
            continue;
        };
        let change = Change { target, before, after };
        blast::add(&change, reader, &mut blast, &mut keepers);
        let own = operations().filter(|operation| operation.key() == Some(key));
        if blast::touches_template(own) && !change.rolls() {
            let what = "the steps take each other's change of the pod template back";
            blast.notes.push(what.into());
        }
    }
    let target = request.diagnosis.target.as_ref();
    if let (true, false, Some(target)) = (seen.is_empty(), steps.is_empty(), target)
        && let Got::Have(object) = reader.look(&target.key)
    {
        keepers.extend(managers(object));
    }
    keepers.dedup();
    (blast, keepers)
}

/// The highest risk of what runs, then what template and policy make of it.
fn risk(
    request: &PlanRequest<'_>,
    work: &Work<'_>,
    steps: &[PlanStep],
    why: &mut Vec<String>,
) -> Risk {
    let mut risk = Risk::Low;
    for Done { action, risk: of_step, compiled, .. } in &work.done {
        let blind = compiled.operations.iter().any(|operation| !operation.previewable());
        let (of_step, line) = if blind {
            let raised = of_step.raised();
            (raised, format!("{action}: {of_step}, not previewable: → {raised}"))
        } else {
            (*of_step, format!("{action}: {of_step}"))
        };
        if of_step > risk {
            risk = of_step;
            why.clear();
            why.push(line);
        } else if of_step == risk && of_step > Risk::Low && !why.contains(&line) {
            why.push(line);
        }
    }
    let mutates = work.done.iter().any(|done| done.action.mutates);
    if !mutates {
        why.push("changes nothing on the cluster: low".into());
    }
    let name = &request.template.reference.name;
    if let Some(at_least) = request.template.risk.filter(|at_least| *at_least > risk) {
        why.push(format!("template {name}: {risk} → {at_least}"));
        risk = at_least;
    }
    let namespace = request.diagnosis.target.as_ref().map(|target| target.key.namespace.as_str());
    match namespace {
        Some(namespace) if mutates && !steps.is_empty() => {
            request.policy.raise(namespace, risk, why)
        }
        _ => risk,
    }
}

fn title(request: &PlanRequest<'_>, work: &Work<'_>, steps: &[PlanStep]) -> String {
    let changes = work
        .done
        .iter()
        .filter(|done| done.action.mutates && !done.rescue)
        .map(|done| done.compiled.title.as_str())
        .collect::<Vec<_>>();
    match changes.as_slice() {
        [] if steps.iter().flat_map(PlanStep::with_all_below).any(|step| {
            step.skipped.is_none() && matches!(step.kind, StepKind::HandOver { .. })
        }) =>
        {
            format!("tell a human: {}", request.diagnosis.summary)
        }
        [] => request.template.summary.clone(),
        [one] => (*one).to_string(),
        [one, two] => format!("{one}, then {two}"),
        [one, two, rest @ ..] => format!("{one}, then {two} and {} more", rest.len()),
    }
}

fn undo(work: &Work<'_>) -> String {
    let words = work
        .done
        .iter()
        .rev()
        .filter(|done| done.action.mutates && !done.rescue)
        .map(|done| done.compiled.undo.as_str())
        .collect::<Vec<_>>();
    if words.is_empty() { "nothing to undo".into() } else { words.join("; then ") }
}

fn left(request: &PlanRequest<'_>, work: &Work<'_>) -> String {
    if !work.done.iter().any(|done| done.action.mutates) {
        return "nothing: it changes nothing".into();
    }
    let said = request.template.left_if_stopped.trim();
    if said.is_empty() { "what the finished steps changed".into() } else { said.to_string() }
}

/// Seconds that have to pass before a verdict can be true, in whole: longer than the runs lasted that failed, and than
/// what the actions make possible. A container that dies after two minutes looks cured for two minutes.
fn least(request: &PlanRequest<'_>, work: &Work<'_>) -> u64 {
    let changes = work.done.iter().any(|done| done.action.mutates && !done.rescue);
    if !changes {
        return 0;
    }
    let lasted = request.diagnosis.values.get("run_seconds_last").and_then(Value::as_u64);
    let lasted = lasted.filter(|seconds| *seconds > 0).map_or(0, |seconds| seconds * 3 / 2 + 5);
    let of_actions = work.done.iter().map(|done| done.compiled.shows_after_s).max().unwrap_or(0);
    lasted.max(of_actions).min(SETTLE_MOST_S)
}

fn verification(
    request: &PlanRequest<'_>,
    params: &BTreeMap<String, Value>,
) -> Result<Verification, CompileError> {
    let settle = |template: Option<u64>| request.policy.settle_s.or(template).unwrap_or(SETTLE_S);
    let Some(verify) = &request.template.verify else {
        return Ok(Verification {
            settle_s: settle(None),
            effective_when: Vec::new(),
            regressed_when: Vec::new(),
            measures: Vec::new(),
            undo_on_regression: false,
        });
    };
    let diagnosis = request.diagnosis;
    let all = params.iter().map(|(name, value)| (name.clone(), value.clone()));
    let variables: Variables = BTreeMap::from([
        ("diagnosis".to_string(), diagnosis_variable(diagnosis)),
        ("target".to_string(), target_variable(diagnosis.target.as_ref())),
        ("params".to_string(), Value::Object(all.collect::<Map<_, _>>())),
    ]);
    let measures = verify
        .measures
        .iter()
        .map(|measure| {
            let promql = expr::interpolate(&measure.promql, &variables, expr::escape_promql)
                .map_err(|error| CompileError {
                    template: request.template.reference.name.clone(),
                    place: format!("measure {}", measure.name),
                    why: said(&error, &measure.promql),
                })?;
            let (name, unit) = (measure.name.clone(), measure.unit.clone());
            Ok(Measure { name, promql: promql.trim().to_string(), unit })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Verification {
        settle_s: settle(verify.settle_s),
        effective_when: verify.effective_when.clone(),
        regressed_when: verify.regressed_when.clone(),
        measures,
        undo_on_regression: verify.undo_on_regression,
    })
}
