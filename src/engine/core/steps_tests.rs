//! Steps at once, branches, rescues and their undo, in the core alone.

use super::Core;
use super::tests::{applied, at, decide, give, id, mira, patch_step, refused, running, state};
use crate::domain::approval::{Decision, Gesture, Preflight};
use crate::domain::id::StepPath;
use crate::domain::remediation::State;
use crate::domain::workflow::bounded::{Bounded, Rule};
use crate::domain::workflow::execution::{AttemptOutcome, Passing, StepState};
use crate::domain::workflow::plan::{
    Condition, Lanes, OnFailure, PlanStep, Risk, StepKind, TemplateRef, When,
};
use crate::domain::workflow::retry::{Failure, Failures, Retry};
use crate::domain::workflow::template::Library;
use crate::engine::command::{Command, Refusal};
use crate::engine::job::{Input, Job, JobFailure, JobKind, Looked, Sending};
use std::collections::BTreeMap;

pub(super) fn block(path: &str, kind: StepKind) -> PlanStep {
    PlanStep::plain(StepPath::new(path), format!("block-{path}"), path.into(), kind)
}

pub(super) fn leaf(path: &str) -> PlanStep {
    patch_step(path, "cart", &format!("f{}", path.replace('.', "_")), OnFailure::Undo)
}

pub(super) fn at_once(
    path: &str,
    steps: Vec<PlanStep>,
    at_most: u32,
    max_failures: u32,
) -> PlanStep {
    let lanes = Lanes { at_most, canary: 0, max_failures };
    block(path, StepKind::Parallel { lanes, steps })
}

pub(super) fn in_order(path: &str, steps: Vec<PlanStep>) -> PlanStep {
    block(path, StepKind::Steps { steps })
}

pub(super) fn wait(path: &str, timeout_s: u64) -> PlanStep {
    let condition = Condition {
        object: super::tests::target("cart").key,
        labels: None,
        until: "true".into(),
        fails_when: String::new(),
        describe: "it is well".into(),
    };
    PlanStep { timeout_s, ..block(path, StepKind::WaitFor { condition }) }
}

fn sendings(core: &Core, now: u64) -> Vec<Sending> {
    let due = core.due(at(now)).into_iter();
    due.filter_map(|(_, job)| if let Job::Send(sending) = job { Some(*sending) } else { None })
        .collect()
}

fn paths(core: &Core, now: u64) -> Vec<String> {
    sendings(core, now).into_iter().map(|sending| sending.path.as_str().to_string()).collect()
}

pub(super) fn ends(core: &mut Core, path: &str, outcome: AttemptOutcome, now: u64) {
    let sending = sendings(core, now).into_iter().find(|one| one.path.as_str() == path);
    let sending =
        sending.unwrap_or_else(|| panic!("{path} is to be sent, not {:?}", paths(core, now)));
    let (path, attempt) = (sending.path, sending.attempt);
    core.accept(Input::Sent { id: id("case"), path, attempt, outcome }, at(now));
}

pub(super) fn no() -> AttemptOutcome {
    AttemptOutcome::Refused { why: "admission".into(), retryable: false, passing: None }
}

fn step_state(core: &Core, path: &str) -> StepState {
    let case = core.remediation(&id("case")).expect("the case");
    let run = case.execution.as_ref().expect("a run");
    run.steps.get(&StepPath::new(path)).unwrap_or_else(|| panic!("no step {path}")).state.clone()
}

pub(super) fn word(core: &Core, path: &str) -> &'static str {
    step_state(core, path).tag()
}

#[test]
fn steps_at_once_are_all_under_way_up_to_the_most_allowed() {
    let steps = vec![leaf("1.1"), leaf("1.2"), leaf("1.3")];
    let (mut core, _) = running(vec![at_once("1", steps, 2, 0), leaf("2")]);
    assert_eq!(paths(&core, 5), ["1.1", "1.2"]);
    ends(&mut core, "1.2", applied(), 5);
    assert_eq!(paths(&core, 6), ["1.1", "1.3"]);
    ends(&mut core, "1.3", applied(), 6);
    ends(&mut core, "1.1", applied(), 7);
    assert_eq!(word(&core, "1"), "done");
    assert_eq!(paths(&core, 8), ["2"]);
}

#[test]
fn after_a_failure_what_is_in_hand_ends_and_nothing_else_starts_and_undo_is_by_reverse_effect() {
    let steps = vec![leaf("1.1"), leaf("1.2"), leaf("1.3"), leaf("1.4")];
    let (mut core, _) = running(vec![at_once("1", steps, 3, 0), leaf("2")]);
    ends(&mut core, "1.2", applied(), 5);
    assert_eq!(paths(&core, 5), ["1.1", "1.3", "1.4"]);
    ends(&mut core, "1.4", no(), 6);
    assert_eq!(state(&core), State::Running, "1.1 and 1.3 are in hand");
    ends(&mut core, "1.1", applied(), 7);
    ends(&mut core, "1.3", applied(), 8);
    assert_eq!(state(&core), State::Undoing);
    let StepState::WillNotBeRun { reason } = step_state(&core, "2") else { panic!("it won't run") };
    assert_eq!(reason, "step 1.4 failed");
    let mut undone = Vec::new();
    for now in 9..12 {
        let next = paths(&core, now);
        assert_eq!(next.len(), 1, "one at a time");
        ends(&mut core, &next[0], applied(), now);
        undone.extend(next);
    }
    assert_eq!(undone, ["1.3", "1.1", "1.2"]);
    assert_eq!(state(&core), State::Closed);
}

#[test]
fn as_many_may_fail_as_are_allowed() {
    for (max_failures, expected) in [(1, "done"), (0, "failed")] {
        let steps = vec![leaf("1.1"), leaf("1.2"), leaf("1.3")];
        let (mut core, _) = running(vec![at_once("1", steps, 1, max_failures), leaf("2")]);
        ends(&mut core, "1.1", no(), 5);
        if max_failures == 1 {
            ends(&mut core, "1.2", applied(), 6);
            ends(&mut core, "1.3", applied(), 7);
            assert_eq!(paths(&core, 8), ["2"]);
            assert_eq!(word(&core, "1"), expected);
        } else {
            assert_eq!(word(&core, "1.2"), "will_not_be_run");
            assert_eq!(state(&core), State::Closed, "nothing had to be undone");
        }
    }
}

#[test]
fn canaries_are_done_before_any_other_starts() {
    let steps = vec![leaf("1.1"), leaf("1.2"), leaf("1.3")];
    let lanes = Lanes { at_most: 5, canary: 1, max_failures: 1 };
    let kind = StepKind::Parallel { lanes, steps };
    let (mut core, _) = running(vec![block("1", kind.clone())]);
    assert_eq!(paths(&core, 5), ["1.1"]);
    ends(&mut core, "1.1", applied(), 5);
    assert_eq!(paths(&core, 6), ["1.2", "1.3"]);
    let (mut core, _) = running(vec![block("1", kind)]);
    ends(&mut core, "1.1", no(), 5);
    assert_eq!(word(&core, "1.2"), "will_not_be_run", "a failed canary ends it");
}

#[test]
fn a_wait_among_steps_at_once_is_given_up_with_the_reason() {
    let (mut core, _) = running(vec![at_once("1", vec![leaf("1.1"), wait("1.2", 600)], 5, 0)]);
    assert_eq!(word(&core, "1.2"), "waiting");
    ends(&mut core, "1.1", no(), 5);
    let case = core.remediation(&id("case")).expect("it needs a person");
    let run = case.execution.as_ref().expect("a run");
    let wait = &run.steps[&StepPath::new("1.2")].state;
    assert_eq!(wait.why(), "given up: step 1.1 failed");
    assert!(core.due(at(60)).is_empty());
}

#[test]
fn a_condition_over_steps_is_looked_at_when_the_step_is_about_to_start() {
    let when = |outcome: &str| When {
        cel: format!("steps.first.outcome == '{outcome}'"),
        variables: BTreeMap::new(),
        steps: BTreeMap::from([("first".to_string(), StepPath::new("1"))]),
    };
    let arm = |path: &str, when: Option<When>| PlanStep {
        when,
        ..in_order(path, vec![leaf(&format!("{path}.1"))])
    };
    let steps = || {
        let first = PlanStep { on_failure: OnFailure::Continue, ..leaf("1") };
        let arms = vec![
            arm("2.1", Some(when("failed"))),
            arm("2.2", Some(when("done"))),
            arm("2.3", None),
        ];
        vec![first, block("2", StepKind::Branch { steps: arms })]
    };
    let (mut core, _) = running(steps());
    ends(&mut core, "1", applied(), 5);
    assert_eq!(paths(&core, 6), ["2.2.1"]);
    assert_eq!(step_state(&core, "2.1.1").why(), "does not hold: steps.first.outcome == 'failed'");
    assert_eq!(step_state(&core, "2.3.1").why(), "arm 2.2 is taken");
    let (mut core, _) = running(steps());
    ends(&mut core, "1", no(), 5);
    assert_eq!(paths(&core, 6), ["2.1.1"]);
}

#[test]
fn a_rescue_runs_after_a_failure_and_before_what_on_failure_says() {
    let rescue = || in_order("1.0", vec![leaf("1.0.1")]);
    let with = |on_failure| {
        let step = PlanStep { rescue: Some(Box::new(rescue())), on_failure, ..leaf("1") };
        vec![step, leaf("2")]
    };
    let (mut core, _) = running(with(OnFailure::Continue));
    ends(&mut core, "1", no(), 5);
    assert_eq!(paths(&core, 6), ["1.0.1"]);
    ends(&mut core, "1.0.1", applied(), 6);
    assert_eq!(paths(&core, 7), ["2"]);
    let (mut core, _) = running(with(OnFailure::Escalate));
    ends(&mut core, "1", no(), 5);
    ends(&mut core, "1.0.1", applied(), 6);
    assert_eq!(state(&core), State::Closed);
    let (mut core, _) = running(with(OnFailure::Escalate));
    ends(&mut core, "1", applied(), 5);
    ends(&mut core, "2", applied(), 6);
    assert_eq!(step_state(&core, "1.0").why(), "only if step 1 fails, and it did not");
    assert_eq!(state(&core), State::Verifying);
}

#[test]
fn a_block_that_takes_too_long_is_ended() {
    let slow = PlanStep { timeout_s: 100, ..in_order("1", vec![wait("1.1", 600), leaf("1.2")]) };
    let (mut core, _) = running(vec![slow, leaf("2")]);
    assert_eq!(core.wake_at(at(5)), Some(at(104)));
    core.accept(Input::Wake, at(103));
    assert_eq!(word(&core, "1"), "running");
    core.accept(Input::Wake, at(104));
    let case = core.remediation(&id("case")).expect("it needs a person");
    let run = case.execution.as_ref().expect("a run");
    let states = ["1", "1.1", "1.2", "2"].map(|path| run.steps[&StepPath::new(path)].state.tag());
    assert_eq!(states, ["timed_out", "failed", "will_not_be_run", "will_not_be_run"]);
}

#[test]
fn a_refusal_that_may_pass_is_tried_again_after_its_own_pause_also_by_another_engine() {
    let busy =
        || AttemptOutcome::Refused { why: "conflict".into(), retryable: true, passing: None };
    let step = |path: &str| PlanStep { attempts: 3, ..leaf(path) };
    let steps = vec![at_once("1", vec![step("1.1"), step("1.2")], 5, 0)];
    let (mut core, _) = running(steps);
    ends(&mut core, "1.1", busy(), 5);
    assert_eq!(paths(&core, 6), ["1.2"], "the other goes on");
    assert_eq!(core.wake_at(at(6)), Some(at(10)));
    core.accept(Input::Wake, at(10));
    ends(&mut core, "1.1", busy(), 10);
    core.accept(Input::Wake, at(19));
    assert_eq!(paths(&core, 19), ["1.2"], "the second pause is twice as long");
    core.accept(Input::Wake, at(20));
    ends(&mut core, "1.1", busy(), 20);
    assert_eq!(step_state(&core, "1.1").why(), "conflict (3 tries)");
}

#[test]
fn nesting_of_five_and_fifty_subflows_at_once_run_to_their_end_and_stay_fast() {
    fn nested(path: &str, depth: usize) -> PlanStep {
        let below = format!("{path}.1");
        let inner = if depth == 0 { leaf(&below) } else { nested(&below, depth - 1) };
        let template = TemplateRef { name: "sub".into(), version: 1, digest: "d".into() };
        block(path, StepKind::Subflow { template, steps: vec![inner, leaf(&format!("{path}.2"))] })
    }
    let flows = (1..=50).map(|n| nested(&format!("1.{n}"), 5)).collect::<Vec<_>>();
    let (mut core, plan) = running(vec![at_once("1", flows, 50, 0)]);
    let leaves = plan.all_steps().iter().filter(|step| !step.is_block()).count();
    assert_eq!(leaves, 50 * 7);
    let (mut sent, mut widest) = (0, 0);
    for now in 5..30 {
        let due = sendings(&core, now);
        widest = widest.max(due.len());
        for one in due {
            sent += 1;
            let (path, attempt) = (one.path, one.attempt);
            let outcome = applied();
            core.accept(Input::Sent { id: id("case"), path, attempt, outcome }, at(now));
        }
    }
    assert_eq!((sent, widest), (leaves, 50));
    assert_eq!(state(&core), State::Verifying);
}

#[test]
fn a_look_at_one_step_does_not_hold_up_another() {
    let waits = at_once("1", vec![wait("1.1", 60), wait("1.2", 60)], 5, 0);
    let (mut core, _) = running(vec![waits, leaf("2")]);
    let looks = |core: &Core, now| {
        let due = core.due(at(now)).into_keys().filter(|key| key.kind == JobKind::Look);
        due.filter_map(|key| key.path).map(|path| path.as_str().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(looks(&core, 5), ["1.1", "1.2"]);
    let looked = Looked::NotYet("1 of 2".into());
    core.accept(Input::Looked { id: id("case"), path: StepPath::new("1.1"), looked }, at(5));
    assert_eq!(looks(&core, 5), ["1.2"]);
    let looked = Looked::Holds("well".into());
    core.accept(Input::Looked { id: id("case"), path: StepPath::new("1.2"), looked }, at(5));
    assert_eq!(word(&core, "1.2"), "done");
    assert_eq!(looks(&core, 8), ["1.1"]);
}

fn bounded(at_most: u32) -> Bounded {
    let text = "name: t\nversion: 1\nsummary: s\nsteps:\n  - id: tell\n    hand_over: x\n";
    let library = Library::of(&[("t.yaml", text)]);
    Bounded {
        rule: Rule::PodsOfNode { node: "wk-03".into() },
        at_most,
        exclude: Vec::new(),
        name: "pod".into(),
        steps: Vec::new(),
        template: library.templates["t"].clone(),
        called: BTreeMap::new(),
        variables: BTreeMap::new(),
        on_failure: OnFailure::Undo,
        risk: Risk::Low,
        mutates: true,
        classes: Vec::new(),
    }
}

fn item(path: &str, uid: &str) -> PlanStep {
    PlanStep { item: Some(uid.into()), ..leaf(path) }
}

/// A run whose first step finds its items when it begins.
fn finding(lanes: Lanes) -> Core {
    let kind = StepKind::ForEach {
        lanes,
        bounded: Some(Box::new(bounded(5))),
        steps: vec![item("1.1", "a"), item("1.2", "b")],
    };
    let (core, plan) = running(vec![block("1", kind), leaf("2")]);
    assert_eq!(plan.fixed_operations().count(), 1, "items are not part of what is fixed");
    assert_eq!(paths(&core, 5), [""; 0]);
    core
}

fn found(core: &mut Core, result: Result<Vec<PlanStep>, JobFailure>, now: u64) {
    let due = core.due(at(now));
    assert!(due.keys().any(|key| key.kind == JobKind::FindItems), "{due:?}");
    core.accept(Input::ItemsFound { id: id("case"), path: StepPath::new("1"), result }, at(now));
}

#[test]
fn items_are_found_when_the_step_begins_and_run_canary_first_then_some_at_once() {
    let mut core = finding(Lanes { at_most: 2, canary: 1, max_failures: 0 });
    let gone = PlanStep { skipped: Some("gone".into()), ..item("1.2", "b") };
    let steps = vec![item("1.1", "a"), gone, item("1.3", "c"), item("1.4", "d")];
    found(&mut core, Ok(steps), 5);
    assert_eq!(paths(&core, 6), ["1.1"], "the canary");
    assert_eq!(word(&core, "1.2"), "skipped");
    ends(&mut core, "1.1", applied(), 6);
    assert_eq!(paths(&core, 7), ["1.3", "1.4"]);
    let case = core.remediation(&id("case")).expect("the case");
    let title = case.planned_step(&StepPath::new("1.4")).map(|step| step.item.clone());
    assert_eq!(title, Some(Some("d".into())));
    ends(&mut core, "1.3", applied(), 7);
    ends(&mut core, "1.4", no(), 8);
    // Undone are the items too, which the plan itself does not hold.
    let mut undone = Vec::new();
    for now in 9..11 {
        let next = paths(&core, now);
        ends(&mut core, &next[0], applied(), now);
        undone.extend(next);
    }
    assert_eq!(undone, ["1.3", "1.1"]);
}

#[test]
fn items_outside_of_the_bound_fail_the_step_and_none_is_touched() {
    let mut core = finding(Lanes { at_most: 2, canary: 1, max_failures: 0 });
    let why = "9 are there, and at most 5 may be touched".to_string();
    found(&mut core, Err(JobFailure { why, retryable: false }), 5);
    assert_eq!(state(&core), State::Closed);
    let mut core = finding(Lanes { at_most: 2, canary: 1, max_failures: 0 });
    found(&mut core, Err(JobFailure { why: "503".into(), retryable: true }), 5);
    assert_eq!(word(&core, "1"), "running");
    assert!(core.due(at(6)).is_empty(), "not at once");
    assert_eq!(core.due(at(11)).len(), 1);
}

#[test]
fn no_items_are_done_at_once_and_a_stop_keeps_them_from_being_looked_for() {
    let mut core = finding(Lanes { at_most: 2, canary: 1, max_failures: 0 });
    core.accept(Input::StopSeen { by: "kubectl".into(), reason: "drill".into() }, at(5));
    assert!(core.due(at(6)).is_empty());
    let mut core = finding(Lanes { at_most: 2, canary: 1, max_failures: 0 });
    found(&mut core, Ok(Vec::new()), 5);
    assert_eq!(word(&core, "1"), "done");
    assert_eq!(paths(&core, 6), ["2"]);
}

fn asking(on_failure: OnFailure) -> Core {
    let kind = StepKind::Approval { message: "go on?".into(), risk: Risk::High };
    let gate = PlanStep { timeout_s: 100, on_failure, ..block("2", kind) };
    let (mut core, _) = running(vec![leaf("1"), gate, leaf("3")]);
    ends(&mut core, "1", applied(), 5);
    let case = core.remediation(&id("case")).expect("the case");
    assert!(case.needs_person());
    assert_eq!(paths(&core, 6), [""; 0]);
    core
}

fn answer(core: &mut Core, decision: Decision, typed: Option<&str>, now: u64) -> Option<Refusal> {
    let plan = core.remediation(&id("case")).and_then(|case| case.plan.clone()).expect("a plan");
    let gesture = if typed.is_some() { Gesture::TypedName } else { Gesture::Chord };
    let mut request = decide(&plan, decision, gesture, mira());
    if let Command::Decide { typed: name, step, .. } = &mut request.command {
        *name = typed.map(String::from);
        *step = Some(StepPath::new("2"));
    }
    refused(&give(core, request, Some(Preflight::default()), now))
}

#[test]
fn a_step_that_asks_goes_on_when_a_person_approves_with_the_gesture_of_its_risk() {
    let mut core = asking(OnFailure::Undo);
    assert_eq!(answer(&mut core, Decision::Approve, None, 7), Some(Refusal::NotPermitted));
    assert_eq!(answer(&mut core, Decision::Approve, Some("card"), 7), Some(Refusal::NotPermitted));
    assert_eq!(answer(&mut core, Decision::Approve, Some("cart"), 8), None);
    assert_eq!(word(&core, "2"), "done");
    assert_eq!(paths(&core, 9), ["3"]);
    assert_eq!(answer(&mut core, Decision::Reject, None, 9), Some(Refusal::Decided));
}

#[test]
fn a_step_that_asks_fails_when_it_is_rejected_or_nobody_decides_in_time() {
    let mut core = asking(OnFailure::Undo);
    assert_eq!(answer(&mut core, Decision::Reject, None, 7), None);
    assert_eq!(state(&core), State::Undoing);
    assert_eq!(step_state(&core, "2").why(), "rejected by mira: because");
    let mut core = asking(OnFailure::Escalate);
    assert_eq!(core.wake_at(at(6)), Some(at(105)));
    assert_eq!(answer(&mut core, Decision::Approve, Some("cart"), 105), Some(Refusal::Expired));
    let case = core.remediation(&id("case")).expect("it needs a person");
    assert_eq!(case.state, State::Closed);
    assert_eq!(
        case.execution.as_ref().map(|run| run.steps[&StepPath::new("2")].state.tag()),
        Some("timed_out")
    );
}

#[test]
fn what_people_are_told_is_in_the_log_and_the_run_goes_on() {
    let (core, _) =
        running(vec![block("1", StepKind::Notify { message: "watch out".into() }), leaf("2")]);
    let case = core.remediation(&id("case")).expect("the case");
    let run = case.execution.as_ref().expect("a run");
    assert_eq!(run.steps[&StepPath::new("1")].notes, ["watch out"]);
    assert_eq!(paths(&core, 5), ["2"]);
}

#[test]
fn a_step_that_a_budget_holds_back_waits_with_its_words_until_its_time_is_over() {
    let held = || AttemptOutcome::Held { why: "budget ledger allows 0 now".into() };
    let (mut core, _) = running(vec![PlanStep { timeout_s: 60, ..leaf("1") }, leaf("2")]);
    let (mut now, mut asked) = (5, 0);
    while matches!(step_state(&core, "1"), StepState::Running | StepState::Waiting { .. }) {
        core.accept(Input::Wake, at(now));
        if !paths(&core, now).is_empty() {
            asked += 1;
            ends(&mut core, "1", held(), now);
            let StepState::Waiting { seen, until } = step_state(&core, "1") else { break };
            assert_eq!((seen.as_str(), until), ("budget ledger allows 0 now", at(64)));
        }
        now += 1;
        if state(&core) == State::Closed {
            break;
        }
    }
    assert!((3..6).contains(&asked), "asked {asked} times within a minute");
    assert!((64..70).contains(&now), "given up at {now}");
}

#[test]
fn a_step_is_tried_again_after_the_kinds_of_failure_that_it_names_and_no_others() {
    let failed = || AttemptOutcome::Failed { why: "exit code 3".into() };
    let of =
        |kind| AttemptOutcome::Refused { why: "x".into(), retryable: true, passing: Some(kind) };
    let busy = || of(Passing::Conflict);
    let tried = |on: &[Failure], outcome: AttemptOutcome| {
        let retry = Retry { backoff_s: 10, on: Failures::of(on), ..Retry::default() };
        let step = PlanStep { attempts: 2, retry, on_failure: OnFailure::Escalate, ..leaf("1") };
        let (mut core, _) = running(vec![step]);
        ends(&mut core, "1", outcome.clone(), 5);
        assert_eq!(paths(&core, 14), [""; 0], "not before its pause is over");
        core.accept(Input::Wake, at(15));
        let again = paths(&core, 15).len();
        if again > 0 {
            ends(&mut core, "1", outcome, 16);
            assert_eq!(word(&core, "1"), "failed", "two tries are all");
        }
        again
    };
    assert_eq!((tried(&[Failure::Passing], busy()), tried(&[Failure::Passing], failed())), (1, 0));
    for (word, kind) in [
        (Failure::Conflict, Passing::Conflict),
        (Failure::Throttled, Passing::Throttled),
        (Failure::ServerError, Passing::ServerError),
        (Failure::Timeout, Passing::Timeout),
    ] {
        assert_eq!((tried(&[word], of(kind)), tried(&[word], failed())), (1, 0), "{word}");
        assert_eq!(tried(&[Failure::Passing], of(kind)), 1, "{word} is one of them");
    }
    assert_eq!(tried(&[Failure::Conflict], of(Passing::Throttled)), 0);
    let own = AttemptOutcome::Refused { why: "stopped".into(), retryable: true, passing: None };
    assert_eq!(tried(&[Failure::Failed], own), 1, "what this engine held back is no failure");
    assert_eq!((tried(&[Failure::Failed], busy()), tried(&[Failure::Failed], failed())), (0, 1));
    assert_eq!((tried(&[Failure::Refused], no()), tried(&[Failure::Passing], no())), (1, 0));
}

#[test]
fn after_a_hand_over_nothing_runs_unless_it_says_so_and_each_step_says_why() {
    let tell = |path: &str, goes_on| PlanStep {
        kind: StepKind::HandOver { message: "look".into(), goes_on },
        ..leaf(path)
    };
    let inner = in_order("2", vec![tell("2.1", false), leaf("2.2")]);
    let more = in_order("3", vec![leaf("3.1")]);
    let (mut core, _) = running(vec![leaf("1"), inner, more, leaf("4")]);
    ends(&mut core, "1", applied(), 5);
    assert_ne!(state(&core), State::Running);
    for path in ["2.2", "3", "3.1", "4"] {
        let StepState::WillNotBeRun { reason } = step_state(&core, path) else {
            panic!("{path} is {}", word(&core, path))
        };
        assert_eq!(reason, "step 2.1 handed it to a person");
    }
    assert_eq!(paths(&core, 6), [""; 0]);
    let (mut core, _) = running(vec![leaf("1"), tell("2", true), leaf("3")]);
    ends(&mut core, "1", applied(), 5);
    ends(&mut core, "3", applied(), 6);
    assert_eq!(word(&core, "3"), "done");
}
