//! What waits while a breaker is not closed, and who may set one.

use super::fold::{Accepted, Core};
use super::tests::{
    applied, approve, asked, at, core, end, give, id, mira, refused, running, state, two_steps,
};
use crate::domain::breaker::{Destination, Move, Setting, State as Stands};
use crate::domain::event::{Event, Recorded};
use crate::domain::principal::Principal;
use crate::domain::remediation::State;
use crate::domain::time::Timestamp;
use crate::domain::verdict::Sample;
use crate::domain::workflow::execution::StepState;
use crate::domain::workflow::plan::{Measure, Risk};
use crate::engine::command::{Command, Receipt, Refusal, Request};
use crate::engine::job::{Input, JobFailure, JobKind};
use std::collections::BTreeMap;

fn moves(core: &mut Core, destination: Destination, to: Stands, now: u64) -> Accepted {
    let from = core.breaker_state(destination);
    let until = (to == Stands::Open).then(|| at(now + 2));
    let cause = "5 of 5 calls found it down".to_string();
    let one = Move { destination, from, to, cause, at: at(now), until };
    core.accept(Input::BreakerMoved(one), at(now))
}

fn set(
    core: &mut Core,
    destination: Destination,
    setting: Setting,
    (reason, until): (&str, Option<Timestamp>),
    by: Principal,
    now: u64,
) -> Accepted {
    let command = Command::Breaker { destination, setting, reason: reason.into(), until };
    give(core, Request { command, by, not_after: None }, None, now)
}

fn kinds(accepted: &Accepted) -> Vec<String> {
    accepted.events.iter().map(|recorded| recorded.event.kind()).collect()
}

#[test]
fn while_the_cluster_can_not_be_asked_no_operation_is_begun_and_the_case_says_why() {
    let (mut core, _) = running(two_steps());
    let opened = moves(&mut core, Destination::Cluster, Stands::Open, 5);
    assert_eq!(kinds(&opened), ["breaker_moved", "stuck"]);
    end(&mut core, applied(), 6);
    assert!(!core.due(at(7)).keys().any(|key| key.kind == JobKind::Send), "step 2 does not begin");
    let case = core.remediation(&id("case")).unwrap();
    assert_eq!(case.state, State::Running);
    let live = super::Live {
        sources: Vec::new(),
        store_down: None,
        simulated: None,
        speed: 1,
        breakers: Vec::new(),
    };
    let picture = core.snapshot(at(7), live);
    let words = "waits: breaker cluster is open since 2026-09-21T14:13:25.000Z";
    assert_eq!(picture.rows[0].what.as_ref(), words);
    assert_eq!(
        picture.breakers[0].destination,
        Destination::Cluster,
        "what is not closed is first"
    );
    // A probe keeps it waiting; a closed breaker lets it go on.
    moves(&mut core, Destination::Cluster, Stands::HalfOpen, 8);
    assert!(!core.due(at(8)).keys().any(|key| key.kind == JobKind::Send));
    moves(&mut core, Destination::Cluster, Stands::Closed, 9);
    assert!(core.due(at(9)).keys().any(|key| key.kind == JobKind::Send));
    assert_eq!(core.remediation(&id("case")).unwrap().stuck, None);
}

#[test]
fn a_step_that_waits_for_the_cluster_ends_with_its_own_deadline() {
    let (mut core, _) = running(two_steps());
    end(
        &mut core,
        crate::domain::workflow::execution::AttemptOutcome::Held { why: "closed".into() },
        5,
    );
    moves(&mut core, Destination::Cluster, Stands::Open, 6);
    core.accept(Input::Wake, at(4 + 299));
    assert_eq!(state(&core), State::Running);
    core.accept(Input::Wake, at(4 + 301));
    let case = core.remediation(&id("case"));
    let ended = case.is_none_or(|case| {
        let run = case.execution.as_ref().unwrap();
        run.steps.values().any(|step| matches!(step.state, StepState::TimedOut { .. }))
    });
    assert!(ended, "the step's 300 s are over, breaker or not");
}

#[test]
fn nothing_is_approved_and_nothing_begins_while_the_cluster_can_not_be_asked() {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    moves(&mut core, Destination::Cluster, Stands::Open, 3);
    assert_eq!(refused(&approve(&mut core, &plan, 4)), Some(Refusal::Unavailable));
    moves(&mut core, Destination::Cluster, Stands::Closed, 5);
    approve(&mut core, &plan, 6);
    moves(&mut core, Destination::Cluster, Stands::Open, 7);
    assert!(!core.due(at(7)).keys().any(|key| key.kind == JobKind::Begin));
    core.accept(Input::Wake, at(2 + 901));
    assert_eq!(state(&core), State::Expired, "the request keeps its expiry while it waits");
}

#[test]
fn what_waited_is_tried_at_once_when_the_breaker_closes() {
    let mut core = core();
    super::tests::take(&mut core, "case", super::tests::alert("f1", "cart-1"), None, 0);
    let failure = JobFailure { why: "the cluster did not answer".into(), retryable: true };
    for now in [1, 10, 30, 60] {
        let result = Err(failure.clone());
        core.accept(Input::Diagnosed { id: id("case"), result }, at(now));
    }
    moves(&mut core, Destination::Cluster, Stands::Open, 61);
    let diagnoses =
        |core: &Core, now: u64| core.due(at(now)).keys().any(|key| key.kind == JobKind::Diagnose);
    assert!(!diagnoses(&core, 62), "its pause is not over");
    moves(&mut core, Destination::Cluster, Stands::Closed, 63);
    assert!(diagnoses(&core, 63));
}

#[test]
fn a_breaker_is_set_with_a_reason_by_those_who_may_and_it_is_in_the_log() {
    let mut core = core();
    let stranger = Principal { uid: 7, os_user: "eve".into(), ..mira() };
    let forced = Setting::ForcedOpen;
    let prometheus = Destination::Prometheus;
    let refusal = set(&mut core, prometheus, forced, ("x", None), stranger, 1);
    assert_eq!(refused(&refusal), Some(Refusal::NotPermitted));
    let refusal = set(&mut core, prometheus, forced, (" ", None), mira(), 2);
    assert_eq!(refused(&refusal), Some(Refusal::Invalid));
    let refusal = set(&mut core, Destination::Store, forced, ("x", None), mira(), 3);
    assert_eq!(refused(&refusal), Some(Refusal::WrongState), "nothing could be recorded any more");
    let refusal = set(&mut core, prometheus, Setting::Automatic, ("x", None), mira(), 3);
    assert_eq!(refused(&refusal), Some(Refusal::WrongState), "nobody set it");
    let done = set(&mut core, prometheus, forced, ("it lies", None), mira(), 4);
    assert!(matches!(done.receipt, Some(Receipt::Done { .. })));
    assert_eq!(core.forced()[&prometheus].by, "mira from 10.20.4.17 pts/3");
    assert_eq!(core.breaker_state(prometheus), Stands::Forced);
    // The line's own word of it is no news.
    assert_eq!(moves(&mut core, prometheus, Stands::Forced, 5).events, []);
    set(&mut core, prometheus, Setting::Automatic, ("fixed", None), mira(), 6);
    assert!(core.forced().is_empty());
}

#[test]
fn what_is_set_until_a_time_ends_with_it() {
    let mut core = core();
    let until = Some(at(100));
    set(&mut core, Destination::Cluster, Setting::ForcedOpen, ("upgrade", until), mira(), 1);
    assert_eq!(core.wake_at(at(2)), until);
    core.accept(Input::Wake, at(99));
    assert_eq!(core.breaker_state(Destination::Cluster), Stands::Forced);
    let lapsed = core.accept(Input::Wake, at(100));
    assert_eq!(kinds(&lapsed), ["breaker_set"]);
    assert_eq!(core.breaker_state(Destination::Cluster), Stands::Closed);
}

#[test]
fn a_new_engine_keeps_what_people_set_and_forgets_what_the_old_one_counted() {
    let mut core = core();
    let mut log: Vec<Recorded> = Vec::new();
    log.extend(moves(&mut core, Destination::Cluster, Stands::Open, 1).events);
    let forced = Setting::ForcedOpen;
    log.extend(
        set(&mut core, Destination::Alertmanager, forced, ("noise", None), mira(), 2).events,
    );
    log.extend(core.engine_started("b/1", "test", at(3)).events);
    let mut again = super::tests::core();
    for recorded in &log {
        again.fold(recorded);
    }
    for core in [&core, &again] {
        assert_eq!(core.breaker_state(Destination::Cluster), Stands::Closed);
        assert_eq!(core.breaker_state(Destination::Alertmanager), Stands::Forced);
        assert_eq!(core.forced().len(), 1);
    }
}

fn sample() -> Sample {
    Sample {
        at: at(100),
        readable: true,
        exists: true,
        object: None,
        conditions: BTreeMap::new(),
        workload: None,
        pods: None,
        endpoints: None,
        alerts_firing: 0,
        measures: BTreeMap::new(),
        missing: vec!["Prometheus".into()],
    }
}

/// A case that is verified with a figure, and Prometheus out.
fn verified_without_prometheus() -> Core {
    let (mut core, plan) = asked(Risk::Medium, two_steps());
    let mut plan = plan;
    plan.verification.measures =
        vec![Measure { name: "usage".into(), promql: "up".into(), unit: String::new() }];
    plan.digest = plan.compute_digest().unwrap();
    core.accept(
        Input::DriftSeen { id: id("case"), plan: core_plan(&core), drift: vec![moved()] },
        at(3),
    );
    let result = Ok(Box::new(super::tests::diagnosis("cart")));
    core.accept(Input::Diagnosed { id: id("case"), result }, at(3));
    core.accept(
        Input::PlanMade { id: id("case"), result: Ok(Box::new(plan.clone())), advice: None },
        at(3),
    );
    approve(&mut core, &plan, 4);
    let result = Ok((Vec::new(), None));
    core.accept(Input::Begun { id: id("case"), plan: plan.digest.clone(), result }, at(4));
    end(&mut core, applied(), 5);
    end(&mut core, applied(), 6);
    assert_eq!(state(&core), State::Verifying);
    moves(&mut core, Destination::Prometheus, Stands::Open, 7);
    core
}

/// A sample without the figure comes.
fn assess(core: &mut Core, now: u64) -> Vec<String> {
    let result = Ok(Box::new(sample()));
    kinds(&core.accept(Input::Assessed { id: id("case"), result }, at(now)))
}

#[test]
fn a_verification_waits_for_figures_while_prometheus_is_out_and_then_judges_without() {
    let mut core = verified_without_prometheus();
    assert_eq!(assess(&mut core, 70), ["stuck"]);
    assert_eq!(state(&core), State::Verifying);
    let judged = assess(&mut core, 66 + 901);
    assert!(judged.contains(&"judged".to_string()), "{judged:?}");
}

#[test]
fn a_sample_from_before_prometheus_was_back_is_taken_again() {
    let mut core = verified_without_prometheus();
    moves(&mut core, Destination::Prometheus, Stands::Closed, 69);
    assert_eq!(assess(&mut core, 70), ["stuck"], "it was asked while nothing passed");
    let judged = assess(&mut core, 69 + 60);
    assert!(
        judged.contains(&"judged".to_string()),
        "back for a while, and still without: {judged:?}"
    );
}

fn core_plan(core: &Core) -> crate::domain::id::PlanDigest {
    core.remediation(&id("case")).and_then(|case| case.plan.as_ref()).unwrap().digest.clone()
}

fn moved() -> crate::domain::approval::Drift {
    crate::domain::approval::Drift {
        object: "shop/Deployment/cart".into(),
        moved: Vec::new(),
        by: String::new(),
        note: "moved".into(),
    }
}

#[test]
fn events_of_breakers_are_stored_and_read_back() {
    let mut core = core();
    let mut events = moves(&mut core, Destination::Prometheus, Stands::Open, 1).events;
    let until = Some(at(9));
    let disabled = Setting::Disabled;
    events.extend(set(&mut core, Destination::Store, disabled, ("x", until), mira(), 2).events);
    for recorded in events {
        let (kind, payload) = recorded.event.encode().unwrap();
        let again = Event::decode(&kind, crate::domain::event::SCHEMA, &payload).unwrap();
        assert_eq!(again, recorded.event);
    }
}
