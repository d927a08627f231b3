//! Each way to steer, in each state: what it does, or why not.

use super::Settings;
use super::fold::{Accepted, Core};
use super::tests::{
    alert, applied, approve, asked, at, core, decide, diagnosis, end, give, id, mira, patch_step,
    plan, refused, running, sending, state, take, target, two_steps,
};
use crate::domain::approval::{Decision, Drift, Gesture, PermissionCheck, Preflight};
use crate::domain::event::{Event, Outcome};
use crate::domain::id::StepPath;
use crate::domain::policy::{Grant, Policy};
use crate::domain::remediation::{Remediation, State};
use crate::domain::steerable::why_not;
use crate::domain::steering::{Changes, Steering, Wish};
use crate::domain::workflow::execution::{AttemptOutcome, StepState};
use crate::domain::workflow::plan::{Condition, OnFailure, PlanStep, Risk, StepKind};
use crate::engine::command::{Command, Receipt, Refusal, Request};
use crate::engine::job::{Draft, Input, JobFailure, JobKind, Looked};
use crate::ports::cluster::Probe;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn request(steering: Steering) -> Request {
    let remediation = id("case");
    let command = Command::Steer { remediation, steering, reason: "drill".into() };
    Request { command, by: mira(), not_after: None }
}

fn steer(core: &mut Core, steering: Steering, now: u64) -> Accepted {
    let preflight = steering.reopens().then(Preflight::default);
    let request = Box::new(request(steering));
    core.accept(Input::Steer { request, closed: None, preflight }, at(now))
}

fn why(accepted: &Accepted) -> String {
    match &accepted.receipt {
        Some(Receipt::Refused { why, .. }) => why.clone(),
        Some(Receipt::Done { note, .. }) => format!("done: {note}"),
        None => "no receipt".into(),
    }
}

fn case(core: &Core) -> Remediation {
    core.remediation(&id("case")).map(|case| (**case).clone()).expect("the case")
}

fn step(core: &Core, path: &str) -> StepState {
    let run = case(core).execution.expect("a run");
    run.steps[&StepPath::new(path)].state.clone()
}

fn cancel(changes: Changes) -> Steering {
    Steering::Cancel { changes }
}

fn skip(path: &str) -> Steering {
    Steering::Skip { step: StepPath::new(path) }
}

fn retry(path: Option<&str>) -> Steering {
    Steering::Retry { step: path.map(StepPath::new) }
}

fn all() -> [Steering; 7] {
    [
        Steering::Pause,
        Steering::Resume,
        cancel(Changes::WherePossible),
        skip("2"),
        retry(None),
        Steering::Undo,
        Steering::TakeOver,
    ]
}

fn wait_step(path: &str) -> PlanStep {
    let mut step = patch_step(path, "cart", "x", OnFailure::Undo);
    let condition = Condition {
        object: target("cart").key,
        labels: None,
        until: "true".into(),
        fails_when: String::new(),
        describe: "rollout of cart".into(),
    };
    step.kind = StepKind::WaitFor { condition };
    step
}

/// The case was closed: effective, with both changes on the cluster.
fn effective() -> Core {
    let (mut core, _) = running(two_steps());
    end(&mut core, applied(), 5);
    end(&mut core, applied(), 6);
    assert_eq!(state(&core), State::Verifying);
    core
}

/// The second step failed and what was done was left.
fn failed() -> Core {
    let steps = vec![
        patch_step("1", "cart", "a", OnFailure::Escalate),
        patch_step("2", "cart", "b", OnFailure::Escalate),
        patch_step("3", "cart", "c", OnFailure::Escalate),
    ];
    let (mut core, _) = running(steps);
    end(&mut core, applied(), 5);
    let no = AttemptOutcome::Refused { why: "admission".into(), retryable: false, passing: None };
    end(&mut core, no, 6);
    assert_eq!(case(&core).outcome, Some(Outcome::Failed));
    core
}

fn in_state(wanted: State) -> Core {
    let core = match wanted {
        State::Diagnosing => {
            let mut core = core();
            take(&mut core, "case", alert("f1", "cart-1"), None, 0);
            core
        }
        State::Planning => {
            let mut core = in_state(State::Diagnosing);
            let result = Ok(Box::new(diagnosis("cart")));
            core.accept(Input::Diagnosed { id: id("case"), result }, at(1));
            core
        }
        State::AwaitingApproval => asked(Risk::Medium, two_steps()).0,
        State::Blocked => {
            let mut core = in_state(State::Planning);
            let why = "no template fits".to_string();
            let result = Err(JobFailure { why, retryable: false });
            core.accept(Input::PlanMade { id: id("case"), result, advice: None }, at(2));
            core
        }
        State::Running => running(two_steps()).0,
        State::Paused => {
            let mut core = in_state(State::Running);
            steer(&mut core, Steering::Pause, 5);
            core
        }
        State::Undoing => {
            let (mut core, _) = running(two_steps());
            end(&mut core, applied(), 5);
            let no = AttemptOutcome::Refused { why: "no".into(), retryable: false, passing: None };
            end(&mut core, no, 6);
            core
        }
        State::Verifying => effective(),
        State::ByHand => {
            let mut core = in_state(State::AwaitingApproval);
            steer(&mut core, Steering::TakeOver, 5);
            core
        }
        State::Expired => {
            let mut core = in_state(State::AwaitingApproval);
            core.accept(Input::Wake, at(5_000));
            core
        }
        State::Closed => failed(),
    };
    assert_eq!(state(&core), wanted);
    core
}

#[test]
fn each_way_to_steer_works_or_says_why_not_in_each_state() {
    // What the state is afterwards; `-`: refused.
    let table = [
        (State::Diagnosing, "- - closed - - - by_hand"),
        (State::Planning, "- - closed - - - by_hand"),
        (State::AwaitingApproval, "- - closed - - - by_hand"),
        (State::Blocked, "- - closed - - - by_hand"),
        (State::Running, "paused - running running - - by_hand"),
        (State::Paused, "- running running paused - - by_hand"),
        (State::Undoing, "paused - - - - - by_hand"),
        (State::Verifying, "paused - undoing - - - by_hand"),
        (State::ByHand, "- diagnosing closed - - - -"),
        (State::Expired, "- - closed - - - by_hand"),
        (State::Closed, "- - - - running undoing -"),
    ];
    assert_eq!(table.len(), State::ALL.len());
    for (from, row) in table {
        for (steering, wanted) in all().into_iter().zip(row.split(' ')) {
            let mut core = in_state(from);
            let offered = why_not(&case(&core), &steering);
            let now = if from == State::Expired { 5_001 } else { 10 };
            let accepted = steer(&mut core, steering.clone(), now);
            let place = format!("{} while {from}: {}", steering.verb(), why(&accepted));
            if wanted == "-" {
                assert_eq!(refused(&accepted), Some(Refusal::WrongState), "{place}");
                assert_eq!(offered, Some(why(&accepted)), "{place}");
                assert_eq!(state(&core), from, "{place}");
            } else {
                assert_eq!(refused(&accepted), None, "{place}");
                assert_eq!(offered, None, "{place}");
                assert_eq!(state(&core).word(), wanted, "{place}");
            }
        }
    }
}

#[test]
fn a_pause_lets_the_operation_in_hand_finish_and_starts_no_other_until_resumed() {
    let (mut core, _) = running(two_steps());
    let accepted = steer(&mut core, Steering::Pause, 5);
    assert!(why(&accepted).contains("in hand is finished first"), "{}", why(&accepted));
    let hand = sending(&core, JobKind::Send, 6).expect("the operation in hand is still sent");
    assert_eq!(hand.path, StepPath::new("1"));
    end(&mut core, applied(), 6);
    assert!(core.due(at(60)).is_empty());
    core.accept(Input::Wake, at(60));
    assert_eq!((state(&core), step(&core, "2")), (State::Paused, StepState::Pending));
    steer(&mut core, Steering::Resume, 61);
    assert_eq!(sending(&core, JobKind::Send, 62).expect("step 2").path, StepPath::new("2"));
}

#[test]
fn an_operation_in_hand_without_an_answer_is_looked_at_while_paused() {
    let (mut core, _) = running(two_steps());
    steer(&mut core, Steering::Pause, 5);
    end(&mut core, AttemptOutcome::NoAnswer { why: "timeout".into() }, 6);
    assert!(sending(&core, JobKind::Probe, 60).is_some());
    let probing = sending(&core, JobKind::Probe, 60).expect("a probe");
    let probe = Probe::NotDone("the field holds the old value".into());
    let (path, attempt) = (probing.path, probing.attempt);
    core.accept(Input::Probed { id: id("case"), path, attempt, probe }, at(60));
    assert!(core.due(at(90)).is_empty(), "it is not sent again while paused");
    steer(&mut core, Steering::Resume, 91);
    assert!(sending(&core, JobKind::Send, 92).is_some());
}

#[test]
fn what_is_approved_and_paused_does_not_begin_until_resumed() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    approve(&mut core, &plan, 3);
    assert_eq!(core.due(at(4)).len(), 1);
    steer(&mut core, Steering::Pause, 4);
    assert!(core.due(at(5)).is_empty());
    let result = Ok((Vec::new(), None));
    core.accept(Input::Begun { id: id("case"), plan: plan.digest.clone(), result }, at(5));
    assert_eq!(state(&core), State::Paused, "a check that was under way starts nothing");
    steer(&mut core, Steering::Resume, 6);
    assert_eq!(core.due(at(7)).len(), 1);
}

#[test]
fn the_time_of_a_pause_is_not_taken_from_a_wait() {
    let (mut core, _) =
        running(vec![wait_step("1"), patch_step("2", "cart", "b", OnFailure::Undo)]);
    steer(&mut core, Steering::Pause, 10);
    assert!(core.due(at(1_000)).is_empty(), "it does not look on");
    steer(&mut core, Steering::Resume, 1_010);
    let StepState::Waiting { until, .. } = step(&core, "1") else { panic!("it waits") };
    assert_eq!(until, at(4 + 300 + 1_000));
    let looked = Looked::NotYet("1 of 2".into());
    core.accept(Input::Looked { id: id("case"), path: StepPath::new("1"), looked }, at(1_011));
    assert_eq!(state(&core), State::Running);
}

#[test]
fn a_stop_of_everything_beats_resume() {
    let (mut core, _) = running(two_steps());
    steer(&mut core, Steering::Pause, 5);
    end(&mut core, applied(), 6);
    core.accept(Input::StopSeen { by: "kubectl".into(), reason: "drill".into() }, at(7));
    let accepted = steer(&mut core, Steering::Resume, 8);
    assert!(why(&accepted).contains("once the stop by kubectl is lifted"), "{}", why(&accepted));
    assert!(core.due(at(9)).is_empty());
}

#[test]
fn a_cancelled_run_ends_after_the_operation_in_hand_and_is_undone_in_reverse() {
    let mut steps = two_steps();
    steps.push(patch_step("3", "cart", "c", OnFailure::Undo));
    let (mut core, _) = running(steps);
    end(&mut core, applied(), 5);
    steer(&mut core, cancel(Changes::WherePossible), 6);
    assert_eq!(state(&core), State::Running, "step 2 is in hand");
    end(&mut core, applied(), 7);
    assert!(matches!(step(&core, "3"), StepState::WillNotBeRun { .. }));
    let mut undone = Vec::new();
    for now in 8..10 {
        undone.push(sending(&core, JobKind::Send, now).map(|sending| sending.path));
        end(&mut core, applied(), now);
    }
    assert_eq!(undone, [Some(StepPath::new("2")), Some(StepPath::new("1"))]);
    assert_eq!(state(&core), State::Closed);
    let row = core.snapshot(at(20), live()).rows[0].clone();
    assert_eq!(row.outcome, Some(Outcome::Cancelled));
}

fn live() -> super::Live {
    super::Live {
        sources: Vec::new(),
        store_down: None,
        simulated: None,
        speed: 1,
        breakers: Vec::new(),
    }
}

#[test]
fn a_cancelled_run_that_is_left_keeps_what_it_did_and_says_so() {
    let (mut core, _) = running(two_steps());
    end(&mut core, applied(), 5);
    steer(&mut core, cancel(Changes::Leave), 6);
    let accepted = end(&mut core, applied(), 7);
    let closed = accepted.events.iter().find_map(|recorded| {
        let Event::Closed { outcome, why } = &recorded.event else { return None };
        Some((outcome.clone(), why.clone()))
    });
    let (outcome, why) = closed.expect("it is closed");
    assert_eq!(outcome, Outcome::Cancelled);
    assert!(why.contains("what was done stays: 2 set b, 1 set a"), "{why}");
    assert!(core.due(at(60)).is_empty());
}

#[test]
fn a_cancel_that_must_undo_is_refused_where_nothing_can_be_undone() {
    let mut steps = two_steps();
    for step in &mut steps {
        if let StepKind::Action { operations, .. } = &mut step.kind {
            operations[0].undo = None;
        }
    }
    let (mut core, _) = running(steps);
    end(&mut core, applied(), 5);
    let accepted = steer(&mut core, cancel(Changes::Undo), 6);
    assert_eq!(refused(&accepted), Some(Refusal::WrongState));
    assert!(why(&accepted).contains("can't be undone: 1 set a"), "{}", why(&accepted));
    steer(&mut core, cancel(Changes::WherePossible), 7);
    end(&mut core, applied(), 8);
    assert_eq!(state(&core), State::Closed);
}

#[test]
fn a_cancelled_run_survives_a_crash_in_the_middle() {
    let (core, _) = running(two_steps());
    let mut next = core.clone();
    let mut core = core;
    let mut log = steer(&mut core, cancel(Changes::WherePossible), 5).events;
    log.extend(end(&mut core, applied(), 6).events);
    assert_eq!(state(&core), State::Undoing);
    for recorded in &log {
        next.fold(recorded);
    }
    assert_eq!(state(&next), State::Undoing);
    assert!(sending(&next, JobKind::Probe, 7).is_some(), "what was begun is looked at first");
    assert!(sending(&next, JobKind::Send, 7).is_none());
}

#[test]
fn a_step_that_waits_is_skipped_and_the_run_goes_on() {
    let steps = vec![wait_step("1"), patch_step("2", "cart", "b", OnFailure::Undo)];
    let (mut core, _) = running(steps);
    assert!(matches!(step(&core, "1"), StepState::Waiting { .. }));
    steer(&mut core, skip("1"), 5);
    let StepState::Skipped { why } = step(&core, "1") else { panic!("skipped") };
    assert_eq!(why, "skipped by mira: drill");
    assert_eq!(sending(&core, JobKind::Send, 6).expect("step 2").path, StepPath::new("2"));
}

#[test]
fn a_step_with_an_operation_in_hand_one_that_is_over_and_one_that_is_not_there_are_not_skipped() {
    let (mut core, _) = running(two_steps());
    let accepted = steer(&mut core, skip("1"), 5);
    assert!(why(&accepted).contains("operation in hand"), "{}", why(&accepted));
    end(&mut core, applied(), 6);
    let accepted = steer(&mut core, skip("step-1"), 7);
    assert!(why(&accepted).contains("step 1 is over"), "{}", why(&accepted));
    let accepted = steer(&mut core, skip("7"), 8);
    assert_eq!(refused(&accepted), Some(Refusal::NotFound));
    assert!(why(&accepted).contains("there are 1, 2"), "{}", why(&accepted));
    let mut request = request(skip("2"));
    if let Command::Steer { reason, .. } = &mut request.command {
        reason.clear();
    }
    let input = Input::Steer { request: Box::new(request), closed: None, preflight: None };
    assert_eq!(refused(&core.accept(input, at(9))), Some(Refusal::Invalid));
}

#[test]
fn a_decision_that_the_plan_asks_for_is_not_skipped_nor_a_block_that_holds_it() {
    let mut gate = patch_step("2", "cart", "b", OnFailure::Undo);
    gate.kind = StepKind::Approval { message: "go on?".into(), risk: Risk::Medium };
    let mut inner = gate.clone();
    inner.path = StepPath::new("3.1");
    let mut block = patch_step("3", "cart", "c", OnFailure::Undo);
    block.kind = StepKind::Steps { steps: vec![inner] };
    let steps = vec![patch_step("1", "cart", "a", OnFailure::Undo), gate, block];
    let (mut core, _) = running(steps);
    for path in ["2", "3", "3.1"] {
        let accepted = steer(&mut core, skip(path), 5);
        assert_eq!(refused(&accepted), Some(Refusal::WrongState), "{path}");
        assert!(why(&accepted).contains("asks for a decision"), "{}", why(&accepted));
    }
}

#[test]
fn a_failed_step_is_tried_again_and_the_run_goes_on_from_there() {
    let mut core = failed();
    steer(&mut core, retry(None), 10);
    let again = sending(&core, JobKind::Send, 11).expect("step 2 again");
    assert_eq!(again.path, StepPath::new("2"));
    end(&mut core, applied(), 11);
    assert_eq!(sending(&core, JobKind::Send, 12).expect("step 3").path, StepPath::new("3"));
    end(&mut core, applied(), 12);
    assert_eq!(state(&core), State::Verifying);
}

#[test]
fn a_step_that_fails_again_is_no_success() {
    let mut core = failed();
    steer(&mut core, retry(Some("2")), 10);
    let no = AttemptOutcome::Refused { why: "admission".into(), retryable: false, passing: None };
    end(&mut core, no, 11);
    assert_eq!(case(&core).outcome, Some(Outcome::Failed));
}

#[test]
fn what_can_not_be_told_is_never_tried_again_and_what_was_undone_neither() {
    let (mut core, _) = running(vec![patch_step("1", "cart", "a", OnFailure::Escalate)]);
    end(&mut core, AttemptOutcome::CantTell { why: "object is gone".into() }, 5);
    let accepted = steer(&mut core, retry(None), 6);
    assert!(why(&accepted).contains("can't be told"), "{}", why(&accepted));
    let mut core = in_state(State::Undoing);
    end(&mut core, applied(), 7);
    let accepted = steer(&mut core, retry(None), 8);
    assert!(why(&accepted).contains("it was undone"), "{}", why(&accepted));
}

/// The case as the log has it after what closes it: the core keeps only its row.
fn closing(core: &mut Core, act: impl FnOnce(&mut Core) -> Accepted) -> Remediation {
    let mut closed = case(core);
    for recorded in &act(core).events {
        closed.apply(recorded);
    }
    assert!(core.remediation(&id("case")).is_none(), "it is closed and needs nobody");
    closed
}

/// Steers a closed case as the dispatcher does: with the case from the log.
fn steer_closed(
    core: &mut Core,
    closed: &Remediation,
    steering: Steering,
    preflight: Preflight,
    now: u64,
) -> Accepted {
    let request = Box::new(request(steering));
    let closed = Some(Box::new(closed.clone()));
    core.accept(Input::Steer { request, closed, preflight: Some(preflight) }, at(now))
}

/// Closed with both changes on the cluster, and the case as the log has it.
fn closed_with_changes() -> (Core, Remediation) {
    let mut core = effective();
    let closed = closing(&mut core, |core| steer(core, cancel(Changes::Leave), 100));
    (core, closed)
}

#[test]
fn what_a_closed_case_changed_is_undone_in_reverse_and_it_is_closed_again() {
    let (mut core, closed) = closed_with_changes();
    let accepted = steer_closed(&mut core, &closed, Steering::Undo, Preflight::default(), 200);
    assert_eq!(why(&accepted), "done: undoing");
    let mut undone = Vec::new();
    for now in 201..203 {
        undone.push(sending(&core, JobKind::Send, now).map(|sending| sending.path));
        end(&mut core, applied(), now);
    }
    assert_eq!(undone, [Some(StepPath::new("2")), Some(StepPath::new("1"))]);
    let rows = core.snapshot(at(210), live()).rows;
    assert_eq!(rows.len(), 1, "it is there once");
    assert_eq!(rows[0].outcome, Some(Outcome::Cancelled));
}

#[test]
fn nothing_is_undone_where_a_field_holds_another_value_by_now() {
    let (mut core, closed) = closed_with_changes();
    let drift = Drift {
        object: "shop/Deployment/cart".into(),
        moved: Vec::new(),
        by: String::new(),
        note: "somebody else changed it".into(),
    };
    let moved = Preflight { drift: vec![drift], ..Preflight::default() };
    let accepted = steer_closed(&mut core, &closed, Steering::Undo, moved, 200);
    assert_eq!(refused(&accepted), Some(Refusal::Stale));
    assert!(why(&accepted).contains("somebody else changed it"), "{}", why(&accepted));
    assert!(core.due(at(201)).is_empty());
    let rows = core.snapshot(at(210), live()).rows;
    assert_eq!((rows.len(), rows[0].state), (1, State::Closed));
}

#[test]
fn undoing_needs_the_rights_of_a_decision_checks_and_an_engine_that_may_act() {
    let (core, closed) = closed_with_changes();
    let denied = PermissionCheck { what: "patch".into(), allowed: false, why: "RBAC".into() };
    let rights = Preflight { permissions: vec![denied], ..Preflight::default() };
    let accepted = steer_closed(&mut core.clone(), &closed, Steering::Undo, rights, 200);
    assert_eq!(refused(&accepted), Some(Refusal::NotPermitted));
    let unknown = Preflight { unknown: vec!["the cluster".into()], ..Preflight::default() };
    let accepted = steer_closed(&mut core.clone(), &closed, Steering::Undo, unknown, 200);
    assert_eq!(refused(&accepted), Some(Refusal::Unavailable));
    let closed = Some(Box::new(closed));
    let unchecked =
        Input::Steer { request: Box::new(request(Steering::Undo)), closed, preflight: None };
    assert_eq!(
        refused(&core.clone().accept(unchecked.clone(), at(200))),
        Some(Refusal::Unavailable)
    );
    let mut stopped = core;
    stopped.accept(Input::StopSeen { by: "kubectl".into(), reason: "drill".into() }, at(150));
    assert_eq!(refused(&stopped.accept(unchecked, at(200))), Some(Refusal::NotPermitted));
}

#[test]
fn a_case_that_changed_nothing_or_is_undone_already_has_nothing_to_undo() {
    let mut core = in_state(State::Undoing);
    end(&mut core, applied(), 7);
    let accepted = steer(&mut core, Steering::Undo, 8);
    assert!(why(&accepted).contains("undone already"), "{}", why(&accepted));
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    let closed = closing(&mut core, |core| {
        give(core, decide(&plan, Decision::Reject, Gesture::Key, mira()), None, 3)
    });
    let accepted = steer_closed(&mut core, &closed, Steering::Undo, Preflight::default(), 8);
    assert!(why(&accepted).contains("nothing ran"), "{}", why(&accepted));
}

#[test]
fn an_undo_that_failed_may_be_asked_for_again() {
    let (mut core, closed) = closed_with_changes();
    steer_closed(&mut core, &closed, Steering::Undo, Preflight::default(), 200);
    let no =
        AttemptOutcome::Refused { why: "another value".into(), retryable: false, passing: None };
    end(&mut core, no, 201);
    end(&mut core, applied(), 202);
    assert_eq!(case(&core).outcome, Some(Outcome::Failed), "a person must look");
    let accepted = steer(&mut core, Steering::Undo, 300);
    assert_eq!(refused(&accepted), None, "{}", why(&accepted));
    assert_eq!(sending(&core, JobKind::Send, 301).expect("again").path, StepPath::new("2"));
    end(&mut core, applied(), 301);
    assert_eq!(core.snapshot(at(310), live()).rows[0].outcome, Some(Outcome::Cancelled));
}

#[test]
fn nothing_is_undone_while_another_case_is_at_work_on_the_target() {
    let (mut core, closed) = closed_with_changes();
    let mut other = alert("f9", "cart-1");
    other.starts_at = at(150);
    take(&mut core, "other", other, None, 150);
    let result = Ok(Box::new(diagnosis("cart")));
    core.accept(Input::Diagnosed { id: id("other"), result }, at(151));
    let command = Command::Steer {
        remediation: id("other"),
        steering: Steering::TakeOver,
        reason: String::new(),
    };
    let by_hand = Box::new(Request { command, by: mira(), not_after: None });
    core.accept(Input::Steer { request: by_hand, closed: None, preflight: None }, at(152));
    let accepted = steer_closed(&mut core, &closed, Steering::Undo, Preflight::default(), 200);
    assert!(why(&accepted).contains("other is at work"), "{}", why(&accepted));
}

#[test]
fn taken_over_nothing_more_is_sent_and_handed_back_it_starts_over_with_a_new_decision() {
    let (mut core, plan) = running(two_steps());
    steer(&mut core, Steering::TakeOver, 5);
    assert_eq!(case(&core).claimed_by.as_deref(), Some("mira"));
    let early = steer(&mut core, Steering::Resume, 6);
    assert!(why(&early).contains("still in hand"), "{}", why(&early));
    end(&mut core, applied(), 7);
    assert!(core.due(at(60)).is_empty());
    assert!(case(&core).execution.is_some_and(|run| run.ended_at.is_some()));
    steer(&mut core, Steering::Resume, 61);
    assert_eq!(state(&core), State::Diagnosing);
    assert_eq!(case(&core).earlier.len(), 1, "what ran is kept");
    let result = Ok(Box::new(diagnosis("cart")));
    core.accept(Input::Diagnosed { id: id("case"), result }, at(62));
    core.accept(
        Input::PlanMade { id: id("case"), result: Ok(Box::new(plan.clone())), advice: None },
        at(63),
    );
    assert_eq!(state(&core), State::AwaitingApproval);
    let watching = core.due(at(64)).into_keys().all(|key| key.kind == JobKind::WatchDrift);
    assert!(watching, "the old decision on the same digest does not count");
    approve(&mut core, &plan, 65);
    let result = Ok((Vec::new(), None));
    core.accept(Input::Begun { id: id("case"), plan: plan.digest.clone(), result }, at(66));
    let first = case(&core).earlier[0].steps[&StepPath::new("1")].attempts[0].id.clone();
    let again = sending(&core, JobKind::Send, 67).expect("step 1").attempt;
    assert_ne!(first, again, "another attempt, though the plan is the same");
}

#[test]
fn an_expired_approval_does_not_count_for_the_same_plan_made_anew() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    approve(&mut core, &plan, 3);
    steer(&mut core, Steering::Pause, 4);
    core.accept(Input::Wake, at(5_000));
    steer(&mut core, Steering::Resume, 5_001);
    let result = Ok((Vec::new(), None));
    core.accept(Input::Begun { id: id("case"), plan: plan.digest.clone(), result }, at(5_001));
    assert_eq!(state(&core), State::Expired);
    let anew = Command::PlanAnew { remediation: id("case") };
    give(&mut core, Request { command: anew, by: mira(), not_after: None }, None, 5_002);
    let result = Ok(Box::new(diagnosis("cart")));
    core.accept(Input::Diagnosed { id: id("case"), result }, at(5_003));
    core.accept(
        Input::PlanMade { id: id("case"), result: Ok(Box::new(plan)), advice: None },
        at(5_004),
    );
    assert_eq!(state(&core), State::AwaitingApproval);
    assert!(core.due(at(5_005)).into_keys().all(|key| key.kind == JobKind::WatchDrift));
}

#[test]
fn who_may_not_execute_steers_nothing_and_who_may_not_decide_undoes_nothing() {
    let with = |role: &str| {
        let grant = Grant { users: BTreeSet::from(["mira".to_string()]), ..Grant::default() };
        let grants = Some(BTreeMap::from([(role.to_string(), vec![grant])]));
        Arc::new(Policy { grants, ..Policy::default() })
    };
    for steering in all() {
        let (mut core, _) = running(two_steps());
        core.settings = Settings { policy: with("developer"), ..core.settings.clone() };
        let refusal = refused(&steer(&mut core, steering.clone(), 5));
        assert_eq!(refusal, Some(Refusal::NotPermitted), "{}", steering.verb());
    }
    let (mut core, _) = running(two_steps());
    core.settings = Settings { policy: with("operator"), ..core.settings.clone() };
    assert_eq!(refused(&steer(&mut core, Steering::Pause, 5)), None);
    // An operator decides up to high risk.
    let mut core = failed();
    core.settings = Settings { policy: with("operator"), ..core.settings.clone() };
    let mut critical = case(&core);
    if let Some(plan) = &mut critical.plan {
        Arc::make_mut(plan).risk = Risk::Critical;
    }
    core.open.insert(id("case"), Arc::new(critical));
    assert_eq!(refused(&steer(&mut core, Steering::Undo, 10)), Some(Refusal::NotPermitted));
}

fn ask(template: &str) -> Request {
    let command = Command::Plan {
        template: template.into(),
        target: target("cart").key,
        params: BTreeMap::new(),
        reason: "drill".into(),
    };
    Request { command, by: mira(), not_after: None }
}

fn draft(steps: Vec<PlanStep>) -> Box<Draft> {
    Box::new(Draft {
        diagnosis: diagnosis("cart"),
        plan: plan("cart", Risk::Medium, steps),
        wish: Wish { template: Some("high-memory".into()), params: BTreeMap::new() },
        instead_of: None,
    })
}

fn drafted(core: &mut Core, request: Request, result: Box<Draft>, now: u64) -> Accepted {
    let (request, fresh) = (Box::new(request), id("case"));
    core.accept(Input::Drafted { request, fresh, result: Ok(result) }, at(now))
}

#[test]
fn a_plan_that_a_person_asks_for_waits_for_a_decision_like_any_other() {
    let mut core = core();
    let accepted = drafted(&mut core, ask("high-memory"), draft(two_steps()), 1);
    assert_eq!(state(&core), State::AwaitingApproval, "{}", why(&accepted));
    let plan = case(&core).plan.expect("a plan");
    approve(&mut core, &plan, 2);
    let result = Ok((Vec::new(), None));
    core.accept(Input::Begun { id: id("case"), plan: plan.digest.clone(), result }, at(3));
    assert_eq!(state(&core), State::Running);
}

#[test]
fn a_plan_that_can_not_be_made_opens_nothing() {
    let mut core = core();
    let result = Err((Refusal::NotFound, "shop/Deployment/cart does not exist".to_string()));
    let (request, fresh) = (Box::new(ask("high-memory")), id("case"));
    let accepted = core.accept(Input::Drafted { request, fresh, result }, at(1));
    assert_eq!(refused(&accepted), Some(Refusal::NotFound));
    assert!(core.remediation(&id("case")).is_none());
}

#[test]
fn alerts_of_the_same_owner_get_a_case_of_their_own_beside_a_plan_that_was_asked_for() {
    let mut core = core();
    drafted(&mut core, ask("high-memory"), draft(two_steps()), 1);
    let owner = Some(target("cart").key);
    let taken = take(&mut core, "alert", alert("f1", "cart-1"), owner, 2);
    assert_eq!(taken.remediation, Some(id("alert")));
    let result = Ok(Box::new(diagnosis("cart")));
    core.accept(Input::Diagnosed { id: id("alert"), result }, at(3));
    assert_eq!(core.remediations().count(), 2, "they are not merged");
}

fn revise(params: &[(&str, &str)]) -> Request {
    let params = params.iter().map(|(k, v)| ((*k).to_string(), (*v).into())).collect();
    let (remediation, reason) = (id("case"), String::new());
    let command = Command::Revise { remediation, template: None, params, reason };
    Request { command, by: mira(), not_after: None }
}

#[test]
fn a_revised_plan_has_its_own_digest_and_the_old_one_can_not_be_approved_any_more() {
    let (mut core, old) = asked(Risk::Medium, two_steps());
    let mut new = draft(vec![patch_step("1", "cart", "z", OnFailure::Undo)]);
    new.instead_of = Some(old.digest.clone());
    drafted(&mut core, revise(&[("limit", "1Gi")]), new, 3);
    assert_eq!(state(&core), State::AwaitingApproval);
    assert_eq!(refused(&approve(&mut core, &old, 4)), Some(Refusal::Stale));
    let new = case(&core).plan.expect("a plan");
    assert_eq!(refused(&approve(&mut core, &new, 5)), None);
}

#[test]
fn what_is_no_change_what_came_too_late_and_what_is_decided_is_not_revised() {
    let (mut core, old) = asked(Risk::Medium, two_steps());
    let mut same = draft(two_steps());
    same.instead_of = Some(old.digest.clone());
    let accepted = drafted(&mut core, revise(&[]), same, 3);
    assert_eq!(refused(&accepted), Some(Refusal::Invalid));
    let late = draft(vec![patch_step("1", "cart", "z", OnFailure::Undo)]);
    let accepted = drafted(&mut core, revise(&[]), late.clone(), 4);
    assert_eq!(refused(&accepted), Some(Refusal::Stale));
    approve(&mut core, &old, 5);
    let accepted = drafted(&mut core, revise(&[]), late, 6);
    assert_eq!(refused(&accepted), Some(Refusal::WrongState));
}
