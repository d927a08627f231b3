//! What ends with the case is taken back however the case ends, and before it is closed.

use super::{applied, end, id, patch_step, running, sending, state};
use crate::domain::event::Outcome;
use crate::domain::id::StepPath;
use crate::domain::remediation::State;
use crate::domain::workflow::execution::{AttemptOutcome, Direction};
use crate::domain::workflow::plan::{OnFailure, PlanStep, StepKind};
use crate::engine::core::Core;
use crate::engine::job::JobKind;

/// A step that ends with the case, and one that stays.
fn suspended(on_failure: OnFailure) -> Vec<PlanStep> {
    let mut first = patch_step("0", "application", "automated", OnFailure::Undo);
    if let StepKind::Action { action, .. } = &mut first.kind {
        *action = "suspend_sync".into();
    }
    vec![first, patch_step("1", "cart", "a", on_failure)]
}

/// The undo that is sent now: of which step.
fn undone(core: &mut Core, now: u64) -> StepPath {
    let undo = sending(core, JobKind::Send, now).expect("an undo");
    assert_eq!(undo.direction, Direction::Undo);
    end(core, applied(), now);
    undo.path
}

fn outcome(core: &Core) -> Option<Outcome> {
    core.remediation(&id("case")).and_then(|case| case.outcome.clone())
}

#[test]
fn it_is_taken_back_after_a_failure_that_undoes_nothing_else() {
    let (mut core, _) = running(suspended(OnFailure::Escalate));
    end(&mut core, applied(), 5);
    let no = AttemptOutcome::Refused { why: "admission".into(), retryable: false, passing: None };
    end(&mut core, no, 6);
    assert_eq!(state(&core), State::Undoing);
    assert_eq!(undone(&mut core, 7), StepPath::new("0"));
    assert_eq!((state(&core), outcome(&core)), (State::Closed, Some(Outcome::Failed)));
}

#[test]
fn it_is_taken_back_last_when_everything_is_undone() {
    let mut steps = suspended(OnFailure::Undo);
    steps.push(patch_step("2", "cart", "b", OnFailure::Undo));
    let (mut core, _) = running(steps);
    end(&mut core, applied(), 5);
    end(&mut core, applied(), 6);
    let no = AttemptOutcome::Refused { why: "admission".into(), retryable: false, passing: None };
    end(&mut core, no, 7);
    assert_eq!(undone(&mut core, 8), StepPath::new("1"));
    assert_eq!(undone(&mut core, 9), StepPath::new("0"));
    assert_eq!(state(&core), State::Closed);
}

#[test]
fn a_person_has_to_look_when_it_could_not_be_taken_back() {
    let (mut core, _) = running(suspended(OnFailure::Escalate));
    end(&mut core, applied(), 5);
    let no =
        |why: &str| AttemptOutcome::Refused { why: why.into(), retryable: false, passing: None };
    end(&mut core, no("admission"), 6);
    end(&mut core, no("somebody changed it"), 7);
    let case = core.remediation(&id("case")).expect("it stays until claimed");
    assert!(case.needs_person() && case.closed_why.contains("a person must look"), "{case:?}");
}
