//! An episode is of a target, not of a fingerprint, and ends with its last alert.

use super::{
    Accepted, Core, alert, applied, at, core, decide, diagnosis, give, id, mira, patch_step, plan,
    running, take, target, two_steps,
};
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::approval::{Decision, Gesture};
use crate::domain::diagnosis::{Cause, Disposition};
use crate::domain::event::{Event, Outcome, Recorded};
use crate::domain::remediation::State;
use crate::domain::workflow::plan::{OnFailure, PlanStep, Risk, StepKind};
use crate::engine::job::{Input, JobKind};

fn owned(core: &mut Core, fresh: &str, alert: Alert, now: u64) -> Accepted {
    take(core, fresh, alert, Some(target("cart").key), now)
}

/// Diagnoses and plans one case; what became true of it.
fn raise(
    core: &mut Core,
    name: &str,
    cause: Cause,
    steps: Vec<PlanStep>,
    now: u64,
) -> Vec<Recorded> {
    let mut found = diagnosis("cart");
    found.cause = cause;
    let result = Ok(Box::new(found));
    let mut events = core.accept(Input::Diagnosed { id: id(name), result }, at(now)).events;
    let result = Ok(Box::new(plan("cart", Risk::Medium, steps)));
    events.extend(
        core.accept(Input::PlanMade { id: id(name), result, advice: None }, at(now)).events,
    );
    events
}

fn reject(core: &mut Core, now: u64) {
    let plan = core.remediation(&id("case")).and_then(|case| case.plan.clone()).expect("a plan");
    give(core, decide(&plan, Decision::Reject, Gesture::Key, mira()), None, now);
}

/// A core in which the plan for alert `f1` was rejected while the alert fires.
fn rejected() -> Core {
    let mut core = core();
    owned(&mut core, "case", alert("f1", "cart-1"), 0);
    raise(&mut core, "case", Cause::LimitTooSmall, two_steps(), 1);
    reject(&mut core, 2);
    core
}

fn tell() -> Vec<PlanStep> {
    let mut step = patch_step("1", "cart", "a", OnFailure::Undo);
    step.kind = StepKind::HandOver { message: "look at it".into(), goes_on: false };
    vec![step]
}

/// A core in which a person was told why alert `f1` fires.
fn told(cause: Cause) -> Core {
    let mut core = core();
    owned(&mut core, "case", alert("f1", "cart-1"), 0);
    raise(&mut core, "case", cause, tell(), 1);
    core
}

fn merged(events: &[Recorded]) -> bool {
    let into = Outcome::Merged { into: id("case") };
    events.iter().any(|one| matches!(&one.event, Event::Closed { outcome, .. } if *outcome == into))
}

fn asks(events: &[Recorded]) -> bool {
    events.iter().any(|one| matches!(one.event, Event::ApprovalRequested { .. }))
}

fn resolved(fingerprint: &str, pod: &str) -> Alert {
    Alert { status: AlertStatus::Resolved, ..alert(fingerprint, pod) }
}

#[test]
fn a_new_alert_of_the_same_target_does_not_raise_a_rejected_plan_again() {
    let mut core = rejected();
    owned(&mut core, "second", alert("f2", "cart-2"), 3);
    let events = raise(&mut core, "second", Cause::LimitTooSmall, two_steps(), 4);
    assert!(merged(&events) && !asks(&events), "{events:?}");
    assert!(core.remediation(&id("second")).is_none());
}

#[test]
fn another_plan_for_the_same_target_is_raised_after_a_rejection() {
    let mut core = rejected();
    owned(&mut core, "second", alert("f2", "cart-2"), 3);
    let steps = vec![patch_step("1", "cart", "other", OnFailure::Undo)];
    assert!(asks(&raise(&mut core, "second", Cause::LimitTooSmall, steps, 4)));
}

#[test]
fn a_rejected_plan_is_raised_again_once_all_alerts_of_the_episode_were_resolved() {
    let mut core = rejected();
    owned(&mut core, "second", alert("f2", "cart-2"), 3);
    raise(&mut core, "second", Cause::LimitTooSmall, two_steps(), 4);
    owned(&mut core, "x", resolved("f1", "cart-1"), 5);
    owned(&mut core, "third", alert("f3", "cart-3"), 6);
    let events = raise(&mut core, "third", Cause::LimitTooSmall, two_steps(), 7);
    assert!(merged(&events), "f2 still fires, and belongs to the episode");
    owned(&mut core, "x", resolved("f2", "cart-2"), 8);
    owned(&mut core, "x", resolved("f3", "cart-3"), 8);
    owned(&mut core, "fourth", alert("f4", "cart-4"), 9);
    assert!(asks(&raise(&mut core, "fourth", Cause::LimitTooSmall, two_steps(), 10)));
}

#[test]
fn an_episode_that_was_quiet_for_a_day_is_over() {
    let mut core = rejected();
    let day = 24 * 3_600;
    owned(&mut core, "second", alert("f2", "cart-2"), 2 + day);
    assert!(asks(&raise(&mut core, "second", Cause::LimitTooSmall, two_steps(), 2 + day)));
}

#[test]
fn alerts_of_an_episode_are_asked_after_though_its_case_is_closed() {
    let mut core = rejected();
    let firing = |core: &Core| core.firing_alerts().len();
    assert_eq!(firing(&core), 1, "so that its end is noticed by an engine that polls");
    owned(&mut core, "x", resolved("f1", "cart-1"), 5);
    assert_eq!(firing(&core), 0);
}

#[test]
fn a_person_is_told_once_in_an_episode_and_again_of_another_cause() {
    let mut core = told(Cause::MissingConfig);
    owned(&mut core, "second", alert("f2", "cart-2"), 3);
    let result = Ok(Box::new({
        let mut found = diagnosis("cart");
        found.cause = Cause::MissingConfig;
        found
    }));
    let events = core.accept(Input::Diagnosed { id: id("second"), result }, at(4)).events;
    assert!(merged(&events), "{events:?}");
    owned(&mut core, "third", alert("f3", "cart-3"), 5);
    assert!(asks(&raise(&mut core, "third", Cause::LimitTooSmall, two_steps(), 6)));
}

#[test]
fn an_unknown_cause_is_told_again_when_an_alert_of_another_name_comes() {
    let mut core = told(Cause::Unknown);
    owned(&mut core, "second", alert("f2", "cart-2"), 3);
    assert!(merged(&raise(&mut core, "second", Cause::Unknown, tell(), 4)));
    let mut other = alert("f3", "cart-3");
    other.labels.insert("alertname".into(), "CartIsSlow".into());
    owned(&mut core, "third", other, 5);
    assert!(!merged(&raise(&mut core, "third", Cause::Unknown, tell(), 6)));
}

#[test]
fn episodes_are_the_same_after_the_log_was_folded_again() {
    let mut first = core();
    let mut log = owned(&mut first, "case", alert("f1", "cart-1"), 0).events;
    log.extend(raise(&mut first, "case", Cause::LimitTooSmall, two_steps(), 1));
    let plan = first.remediation(&id("case")).and_then(|case| case.plan.clone()).expect("a plan");
    let rejection = decide(&plan, Decision::Reject, Gesture::Key, mira());
    log.extend(give(&mut first, rejection, None, 2).events);
    let mut next = core();
    for recorded in &log {
        next.fold(recorded);
    }
    owned(&mut next, "second", alert("f2", "cart-2"), 3);
    assert!(merged(&raise(&mut next, "second", Cause::LimitTooSmall, two_steps(), 4)));
}

#[test]
fn a_duplicate_joins_the_case_of_the_same_owner_while_it_runs() {
    let (mut core, _) = running(two_steps());
    let twin = owned(&mut core, "second", alert("f2", "cart-2"), 5);
    assert_eq!(twin.remediation, Some(id("case")), "the diagnosed target counts as its owner");
    super::end(&mut core, applied(), 6);
    assert_eq!(core.remediation(&id("case")).map(|case| case.state), Some(State::Running));
    assert!(core.due(at(7)).keys().any(|key| key.kind == JobKind::Send));
}

#[test]
fn objects_whose_uid_is_not_known_are_told_apart_by_their_names() {
    let mut core = core();
    for (case, name) in [("case", "cart"), ("second", "shop")] {
        take(&mut core, case, alert(case, name), Some(target(name).key), 0);
        let mut found = diagnosis(name);
        found.target =
            Some(crate::domain::resource::ObjectRef { uid: String::new(), ..target(name) });
        let result = Ok(Box::new(found));
        core.accept(Input::Diagnosed { id: id(case), result }, at(1));
    }
    assert!(core.remediation(&id("second")).is_some_and(|case| case.is_open()));
}

#[test]
fn a_heartbeat_is_recorded_once_however_long_it_fires() {
    for (disposition, again) in [(Disposition::Heartbeat, false), (Disposition::Recovered, true)] {
        let mut core = core();
        take(&mut core, "case", alert("f1", "cart-1"), None, 0);
        let mut found = diagnosis("cart");
        found.disposition = disposition;
        core.accept(Input::Diagnosed { id: id("case"), result: Ok(Box::new(found)) }, at(1));
        take(&mut core, "second", alert("f1", "cart-1"), None, 3_600);
        assert_eq!(core.remediation(&id("second")).is_some(), again, "{disposition:?}");
    }
}
