//! A critical plan needs two different people, each proven by a database role.

use super::{asked, at, core, decide, give, id, mira, plan, refused, state, take, two_steps};
use crate::domain::approval::{Decision, Gesture, Preflight};
use crate::domain::policy::{Grant, Policy};
use crate::domain::principal::{KubeIdentity, Principal, Transport};
use crate::domain::remediation::State;
use crate::domain::workflow::plan::{Plan, Risk};
use crate::engine::command::{Command, Receipt, Refusal, Request};
use crate::engine::core::{Core, Settings};
use crate::engine::job::{Input, JobKind};
use crate::engine::snapshot::Role;
use std::collections::BTreeMap;
use std::sync::Arc;

fn role(name: &str, kube: &str) -> Principal {
    Principal {
        os_user: name.into(),
        uid: Principal::NO_UID,
        kube: Some(KubeIdentity { username: kube.into(), groups: Vec::new() }),
        host: "bastion".into(),
        tty: String::new(),
        via: Transport::Database,
    }
}

/// A critical plan that waits, in a log that several people write.
fn critical() -> (Core, Plan) {
    let users = ["mira", "olga", "mira2"].map(String::from).into();
    let grants = BTreeMap::from([("admin".to_string(), vec![Grant { users, ..Grant::default() }])]);
    let policy = Policy { grants: Some(grants), ..Policy::default() };
    let old = core().settings;
    let mut core = Core::new(Settings { policy: Arc::new(policy), two_people: true, ..old });
    core.set_role(Role::Driving);
    take(&mut core, "case", super::alert("f1", "cart-1"), None, 0);
    let result = Ok(Box::new(super::diagnosis("cart")));
    core.accept(Input::Diagnosed { id: id("case"), result }, at(1));
    let plan = plan("cart", Risk::Critical, two_steps());
    let result = Ok(Box::new(plan.clone()));
    core.accept(Input::PlanMade { id: id("case"), result, advice: None }, at(2));
    assert_eq!(state(&core), State::AwaitingApproval);
    (core, plan)
}

fn named(plan: &Plan, by: Principal) -> Request {
    let mut request = decide(plan, Decision::Approve, Gesture::TypedName, by);
    if let Command::Decide { typed, .. } = &mut request.command {
        *typed = Some("cart".into());
    }
    request
}

fn approve(core: &mut Core, plan: &Plan, by: Principal, now: u64) -> Result<String, Refusal> {
    let accepted = give(core, named(plan, by), Some(Preflight::default()), now);
    match (&accepted.receipt, refused(&accepted)) {
        (Some(Receipt::Done { note, .. }), None) => Ok(note.clone()),
        (_, Some(refusal)) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

fn begins(core: &Core, now: u64) -> bool {
    core.due(at(now)).keys().any(|key| key.kind == JobKind::Begin)
}

#[test]
fn two_different_people_approve_and_only_then_work_begins() {
    let (mut core, plan) = critical();
    let first = approve(&mut core, &plan, role("mira", "mira@corp"), 3).unwrap();
    assert!(first.contains("approved by mira (database role)"), "{first}");
    assert!(first.contains("1 of 2 people; missing: 1 more"), "{first}");
    assert!(!begins(&core, 3), "one is not enough");
    let second = approve(&mut core, &plan, role("olga", "olga@corp"), 4).unwrap();
    assert!(second.contains("2 of 2 people"), "{second}");
    assert!(begins(&core, 4));
}

#[test]
fn one_person_counts_once_by_role_by_identity_and_when_the_identity_is_not_known() {
    let (mut core, plan) = critical();
    approve(&mut core, &plan, role("mira", "mira@corp"), 3).unwrap();
    let unknown = Principal { kube: None, ..role("olga", "") };
    for again in [role("mira", "other@corp"), role("mira2", "mira@corp"), unknown] {
        assert_eq!(approve(&mut core, &plan, again, 4), Err(Refusal::Decided));
        assert!(!begins(&core, 4));
    }
}

#[test]
fn a_rejection_after_the_first_approval_ends_it() {
    let (mut core, plan) = critical();
    approve(&mut core, &plan, role("mira", "mira@corp"), 3).unwrap();
    let no = decide(&plan, Decision::Reject, Gesture::WithoutTerminal, role("olga", "olga@corp"));
    assert_eq!(refused(&give(&mut core, no, None, 4)), None);
    assert_eq!(state(&core), State::Closed);
}

#[test]
fn one_approval_of_two_expires_like_none() {
    let (mut core, plan) = critical();
    approve(&mut core, &plan, role("mira", "mira@corp"), 3).unwrap();
    let late = approve(&mut core, &plan, role("olga", "olga@corp"), 2 + 900);
    assert_eq!(late, Err(Refusal::Expired));
    assert_eq!(state(&core), State::Expired);
}

#[test]
fn whoever_does_not_come_through_the_database_is_no_second_person() {
    let (mut core, plan) = critical();
    let here = Principal { via: Transport::Console, ..role("mira", "mira@corp") };
    assert_eq!(approve(&mut core, &plan, here, 3), Err(Refusal::NotPermitted));
    // The engine's own role is what runs the engine, not a person's.
    let engine = Principal { uid: super::UID, ..role("olga", "olga@corp") };
    assert_eq!(approve(&mut core, &plan, engine, 3), Err(Refusal::NotPermitted));
}

#[test]
fn a_store_that_one_person_can_write_still_carries_no_two_person_approval() {
    let (mut core, plan) = asked(Risk::Critical, two_steps());
    assert_eq!(approve(&mut core, &plan, mira(), 3), Err(Refusal::NotPermitted));
}

#[test]
fn a_role_without_a_grant_may_nothing_even_where_no_roles_file_is() {
    let (mut core, plan) = asked(Risk::Low, two_steps());
    let eve = role("eve", "eve@corp");
    let request = decide(&plan, Decision::Approve, Gesture::Key, eve);
    let accepted = give(&mut core, request, Some(Preflight::default()), 3);
    assert_eq!(refused(&accepted), Some(Refusal::NotPermitted));
}
