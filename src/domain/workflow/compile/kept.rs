//! Objects that somebody else keeps as they are: a plan never fights a keeper. Either the keeper is suspended by a step
//! before all others, and resumed when the case ends; or the plan becomes a message with the place and the patch to
//! commit.

use super::request::{CompileError, PlanRequest};
use super::steps::{Done, Work};
use crate::domain::action::{Action, Compiled, ends_with_case};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::id::StepPath;
use crate::domain::managed::{Keeper, Stance, keepers, patch_text, stance};
use crate::domain::operation::Operation;
use crate::domain::policy::Managed;
use crate::domain::resource::ObjectRef;
use crate::domain::workflow::plan::{Blast, Manager, OnFailure, PlanStep, Risk, StepKind};
use std::collections::BTreeMap;

/// Seconds for suspending, and tries.
const SUSPEND: (u64, u32) = (60, 3);
/// Seconds for handing over.
const HAND_OVER_S: u64 = 60;

/// What was found out about keepers, for the card.
#[derive(Debug, Default)]
pub(super) struct Kept {
    managers: Vec<Manager>,
    notes: Vec<String>,
}

/// A keeper of an object that the plan changes.
struct Found {
    target: ObjectRef,
    keeper: Keeper,
    stance: Stance,
    /// Whether all that it would put back ends by itself.
    ends: bool,
}

impl Kept {
    /// Puts what was found out in the place of what the marks alone say.
    pub(super) fn note(self, blast: &mut Blast, managers: &mut Vec<Manager>) {
        let same =
            |one: &Manager, other: &Manager| one.kind == other.kind && one.name == other.name;
        managers.retain(|one| !self.managers.iter().any(|known| same(known, one)));
        managers.splice(0..0, self.managers);
        blast.notes.extend(self.notes);
    }
}

/// Looks at the keepers of all that the steps change, and makes the plan one that they don't put back. Asks nothing while
/// the steps are not complete.
pub(super) fn settle(
    request: &PlanRequest<'_>,
    work: &mut Work<'_>,
    steps: &mut Vec<PlanStep>,
    reader: &mut Reader<'_>,
) -> Result<Kept, CompileError> {
    if !work.needs.is_empty() {
        return Ok(Kept::default());
    }
    let found = find(work, reader);
    if reader.pending() {
        return Ok(Kept::default());
    }
    let mut against = found.iter().filter(|one| one.stance.reverts).peekable();
    let suspends = against.peek().is_some()
        && against.all(|one| {
            one.stance.suspend.is_some()
                && match request.policy.managed {
                    Managed::ByKind => one.ends,
                    Managed::Source => false,
                    Managed::Suspend => true,
                }
        });
    let mut kept = Kept::default();
    for one in &found {
        let mut manager = one.keeper.manager();
        manager.reverts = one.stance.reverts;
        manager.handling = match (one.stance.reverts, suspends) {
            (false, _) => one.stance.why.clone(),
            (true, true) => "suspended by step 0, resumed when the case ends".into(),
            (true, false) => "the change goes to its source".into(),
        };
        if !kept.managers.contains(&manager) {
            kept.managers.push(manager);
        }
    }
    if suspends {
        suspend(request, work, steps, &found, &mut kept)?;
    } else if found.iter().any(|one| one.stance.reverts) {
        hand_over(work, steps, &found);
    }
    Ok(kept)
}

fn find(work: &Work<'_>, reader: &mut Reader<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for Done { action, compiled, .. } in &work.done {
        // What suspends keepers is not itself asked of them: it was when it was compiled.
        if *action == Action::SuspendSync {
            continue;
        }
        for operation in &compiled.operations {
            let (target, changes) = match operation {
                Operation::Patch { object, changes, .. } => (object, Some(changes.as_slice())),
                // A pod that goes is made anew, by whoever keeps its owner.
                Operation::Delete { object, .. } if object.key.kind != "Pod" => (object, None),
                Operation::Rotate(rotation) => (&rotation.secret, None),
                Operation::Delete { .. }
                | Operation::Silence(_)
                | Operation::Evict { .. }
                | Operation::Create { .. }
                | Operation::Unmake { .. }
                | Operation::Exec(_)
                | Operation::Await(_)
                | Operation::Collect { .. } => continue,
            };
            let Got::Have(object) = reader.look(&target.key) else { continue };
            for keeper in keepers(object) {
                let Some(stance) = stance(&keeper, object, target, changes, reader) else {
                    continue;
                };
                let ends = ends_with_case(action.word());
                let known =
                    found.iter_mut().find(|one| one.target == *target && one.keeper == keeper);
                match known {
                    Some(known) if stance.reverts && !known.stance.reverts => {
                        *known = Found { target: target.clone(), keeper, stance, ends };
                    }
                    Some(known) if stance.reverts => known.ends &= ends,
                    Some(_) => {}
                    None => found.push(Found { target: target.clone(), keeper, stance, ends }),
                }
            }
        }
    }
    found
}

/// Puts the suspending step before all others.
fn suspend(
    request: &PlanRequest<'_>,
    work: &mut Work<'_>,
    steps: &mut Vec<PlanStep>,
    found: &[Found],
    kept: &mut Kept,
) -> Result<(), CompileError> {
    let mut operations: Vec<Operation> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for one in found.iter().filter(|one| one.stance.reverts) {
        let manager = one.keeper.manager();
        let name = format!("{} {}", manager.kind, manager.name);
        let fresh = one.stance.suspend.iter().find(|operation| !operations.contains(operation));
        if let Some(operation) = fresh {
            operations.push(operation.clone());
            names.push(name.clone());
        }
        if !one.ends {
            kept.notes.push(format!(
                "{name} puts its own value back when it is resumed, unless the change was committed by then ({})",
                one.stance.source.text().replace('\n', ", ")
            ));
        }
    }
    let error = |why: &str| CompileError {
        template: request.template.reference.name.clone(),
        place: "suspending its keeper".into(),
        why: why.into(),
    };
    let target = operations.first().and_then(Operation::key).cloned();
    let target = target.ok_or_else(|| error("there is nothing to suspend"))?;
    let planned = operations
        .iter()
        .map(|operation| work.planned(operation, true))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| error("what it changes was not read"))?;
    // Suspending serves the first change: who may make that may make this.
    let class = work.done.iter().find(|done| done.action.mutates).map(|done| done.action.class);
    let title = format!("suspend {} until the case ends", names.join(" and "));
    let kind = StepKind::Action {
        action: Action::SuspendSync.word().into(),
        target,
        params: BTreeMap::new(),
        class: class.unwrap_or(Action::SuspendSync.class),
        operations: planned,
    };
    let mut step = PlanStep::plain(StepPath::new("0"), "suspend".into(), title.clone(), kind);
    (step.timeout_s, step.attempts) = SUSPEND;
    steps.insert(0, step);
    let compiled = Compiled {
        operations,
        title,
        undo: format!("{} is resumed when the case ends, in whatever way", names.join(" and ")),
        notes: Vec::new(),
        unknown: Vec::new(),
        blockers: Vec::new(),
        shows_after_s: 0,
    };
    let action = Action::SuspendSync;
    work.done.push(Done { action, risk: Risk::Medium, compiled, rescue: false });
    Ok(())
}

/// Turns the plan into a message: what came before the first change stays.
fn hand_over(work: &mut Work<'_>, steps: &mut Vec<PlanStep>, found: &[Found]) {
    let message = message(work, found);
    let first = steps.iter().position(changes).unwrap_or(steps.len());
    steps.truncate(first);
    let path = StepPath::root().child(first);
    let title = "tell a person what to change, and where its source is".into();
    let kind = StepKind::HandOver { message, goes_on: false };
    let mut step = PlanStep::plain(path, "change-at-the-source".into(), title, kind);
    step.timeout_s = HAND_OVER_S;
    step.on_failure = OnFailure::Escalate;
    steps.push(step);
    work.done.retain(|done| !done.action.mutates);
}

fn changes(step: &PlanStep) -> bool {
    step.with_all_below().into_iter().any(|step| {
        step.skipped.is_none() && step.operations().iter().any(|one| one.operation.mutates())
    })
}

fn message(work: &Work<'_>, found: &[Found]) -> String {
    let wanted = work.done.iter().filter(|done| done.action.mutates);
    let wanted = wanted.map(|done| done.compiled.title.as_str()).collect::<Vec<_>>();
    let mut text = format!(
        "To do: {}. It is not done here: what is changed on the cluster would be put back.\n",
        wanted.join(", then ")
    );
    for one in found.iter().filter(|one| one.stance.reverts) {
        let manager = one.keeper.manager();
        let kept = format!(
            "\n{} is kept by {} {}: {}. Change it at the source:\n{}\n",
            one.target.key.path(),
            manager.kind,
            manager.name,
            one.stance.why,
            one.stance.source.text()
        );
        text.push_str(&kept);
        let operations = work.done.iter().flat_map(|done| &done.compiled.operations);
        if let Some(patch) = patch_text(&one.target.key, operations) {
            text.push_str("\nPatch to commit:\n");
            text.push_str(&patch);
        }
    }
    text
}
