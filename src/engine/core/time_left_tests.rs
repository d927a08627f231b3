//! How far a run is, and the time that it has left from the history of its steps.

use super::Core;
use super::steps_tests::{at_once, block, ends, in_order, leaf, no, wait, word};
use super::tests::{applied, asked, at, id, running};
use crate::domain::id::StepPath;
use crate::domain::workflow::left::{Left, of_case, of_step};
use crate::domain::workflow::plan::{OnFailure, PlanStep, Risk, StepKind, TemplateRef};
use crate::domain::workflow::tree::{self, Counts};
use std::sync::Arc;

fn counts(core: &Core) -> (u16, u16) {
    let Counts { done, all } = tree::progress(core.remediation(&id("case")).expect("the case"));
    (done, all)
}

/// What is left of the case of one core by the history of another.
fn left(core: &Core, history: &Core, now: u64) -> Left {
    let case = core.remediation(&id("case")).expect("the case");
    of_case(case, &history.history, at(now)).expect("it runs")
}

/// A core in which step 1 took 10 s and step 2 took 30 s; both are the same action.
fn experienced() -> Core {
    let (mut core, _) = running(vec![leaf("1"), leaf("2"), leaf("3")]);
    ends(&mut core, "1", applied(), 14);
    ends(&mut core, "2", applied(), 44);
    core
}

#[test]
fn without_history_nothing_is_guessed() {
    let (core, _) = running(vec![leaf("1"), wait("2", 60)]);
    let left = left(&core, &core, 5);
    assert_eq!((left.runs, left.unknown, left.seconds), (None, 2, 0));
    assert_eq!(left.words(), "time left not known: no history yet");
    assert_eq!(left.short(), None);
}

#[test]
fn what_steps_took_is_what_later_ones_are_expected_to_take_and_it_says_from_how_many() {
    let old = experienced();
    let (mut new, _) = running(vec![leaf("1"), leaf("2")]);
    assert_eq!(left(&new, &old, 4).words(), "about 0:40 left, from 1 run");
    assert_eq!(left(&new, &old, 9).words(), "about 0:35 left, from 1 run");
    let late = left(&new, &old, 24);
    assert_eq!((late.seconds, late.late), (30, true));
    assert_eq!(late.words(), "about 0:30 left, from 1 run; longer than usual");
    ends(&mut new, "1", applied(), 24);
    assert_eq!(left(&new, &old, 34).words(), "about 0:20 left, from 1 run");
    assert_eq!(left(&new, &old, 34).short().as_deref(), Some("~0:20"));
    assert_eq!(counts(&new), (1, 2));
}

#[test]
fn a_step_that_never_ran_before_is_expected_to_take_what_its_action_takes_elsewhere() {
    let old = experienced();
    let (new, _) = running(vec![leaf("7"), wait("8", 60)]);
    let left = left(&new, &old, 4);
    assert_eq!((left.seconds, left.runs, left.unknown), (30, Some(2), 1), "the median of both");
    assert_eq!(left.words(), "at least 0:30 left, from 2 runs; 1 step has no history yet");
    assert_eq!(left.short().as_deref(), Some(">0:30"));
}

#[test]
fn steps_at_once_share_their_lanes_and_of_a_branch_the_longest_arm_counts() {
    let old = experienced();
    let leaves = (1..=4).map(|n| leaf(&format!("1.{n}"))).collect::<Vec<_>>();
    let (new, _) = running(vec![at_once("1", leaves, 2, 0)]);
    assert_eq!(left(&new, &old, 4).seconds, 60, "four of 30 s, two at once");
    let arms = vec![in_order("1.1", vec![leaf("1.1.1"), leaf("1.1.2")]), in_order("1.2", vec![])];
    let (new, _) = asked(Risk::Medium, vec![block("1", StepKind::Branch { steps: arms })]);
    let left = left(&new, &old, 4);
    assert_eq!(left.seconds, 60);
    assert_eq!(left.usually(), "usually 1:00, from 2 runs");
}

#[test]
fn what_people_take_is_not_estimated_and_is_said() {
    let kind = StepKind::Approval { message: "go on?".into(), risk: Risk::Low };
    let (new, _) = running(vec![leaf("1"), block("2", kind)]);
    let left = left(&new, &experienced(), 4);
    assert_eq!(left.words(), "about 0:10 left, from 1 run; a person is asked");
}

#[test]
fn progress_of_a_subflow_is_its_leaf_steps_and_what_only_a_failure_needs_does_not_count() {
    let template = TemplateRef { name: "sub".into(), version: 1, digest: "d".into() };
    let steps = vec![leaf("1.1"), leaf("1.2")];
    let flow = block("1", StepKind::Subflow { template, steps });
    let rescue =
        PlanStep { on_failure: OnFailure::Escalate, ..in_order("2.0", vec![leaf("2.0.1")]) };
    let second = PlanStep { rescue: Some(Box::new(rescue)), ..leaf("2") };
    let (mut core, _) = running(vec![flow, second, leaf("3")]);
    ends(&mut core, "1.1", applied(), 5);
    let case = Arc::clone(core.remediation(&id("case")).expect("the case"));
    let rows = tree::rows(&case);
    let of = |path: &str| {
        let row = rows.iter().find(|row| row.step.path.as_str() == path).expect("the row");
        (row.counts, row.template, row.spare)
    };
    assert_eq!(of("1"), (Counts { done: 1, all: 2 }, "high-memory", false));
    assert_eq!(of("1.2"), (Counts { done: 0, all: 1 }, "sub", false));
    assert_eq!(of("2.0.1"), (Counts::default(), "high-memory", true));
    assert_eq!(counts(&core), (1, 4));
    let flow = tree::home(&case, &StepPath::new("1")).expect("the subflow");
    assert_eq!(of_step(&case, flow, &core.history, at(5)).runs, Some(1));

    ends(&mut core, "1.2", applied(), 6);
    ends(&mut core, "2", no(), 7);
    assert_eq!(counts(&core), (3, 5), "the rescue runs now");
    ends(&mut core, "2.0.1", applied(), 8);
    assert_eq!(word(&core, "3"), "will_not_be_run");
}

#[test]
fn what_was_meant_to_run_and_never_will_is_not_counted_as_done() {
    let first = PlanStep { on_failure: OnFailure::Escalate, ..leaf("1") };
    let (mut core, _) = running(vec![first, leaf("2"), leaf("3")]);
    ends(&mut core, "1", no(), 5);
    assert_eq!(counts(&core), (1, 3));
    let case = core.remediation(&id("case")).expect("a failed case is kept for a person");
    assert_eq!(of_case(case, &core.history, at(6)), None, "nothing is left of what is over");
}

#[test]
fn time_in_which_a_step_was_held_is_no_part_of_what_it_takes() {
    let (mut core, _) = running(vec![leaf("1"), leaf("2")]);
    ends(&mut core, "1", applied(), 14);
    let mut case = (**core.remediation(&id("case")).expect("the case")).clone();
    let path = StepPath::new("1");
    let run = case.execution.as_mut().and_then(|run| run.steps.get_mut(&path)).expect("its run");
    run.held_s = 4;
    let mut history = crate::domain::workflow::history::History::default();
    history.learn(&case, &path);
    let usual = history.usual("high-memory", &leaf("1")).expect("one run");
    assert_eq!((usual.seconds, usual.runs), (6, 1));
}
