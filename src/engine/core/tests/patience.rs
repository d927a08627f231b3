//! An alert may come before the objects show what is wrong: what can't be told yet is looked at again, for a while.

use super::{alert, at, diagnosis, id, mira, state, take};
use crate::domain::diagnosis::{Cause, Disposition};
use crate::domain::event::Event;
use crate::domain::id::ClusterId;
use crate::domain::policy::Policy;
use crate::domain::remediation::State;
use crate::engine::core::{Core, Settings};
use crate::engine::job::Input;
use crate::engine::snapshot::Role;
use std::sync::Arc;

fn patient() -> Core {
    let policy = Policy { owner_uid: mira().uid, patience_s: 60, ..Policy::default() };
    let mut core = Core::new(Settings {
        cluster: ClusterId::new("c-1"),
        name: "prod-eu1".into(),
        policy: Arc::new(policy),
        two_people: false,
        routes: Arc::default(),
        simulated: false,
    });
    core.set_role(Role::Driving);
    take(&mut core, "case", alert("f1", "cart-1"), None, 0);
    core
}

/// What an outcome of the diagnosis makes true: the kinds of events.
fn found(core: &mut Core, cause: Cause, disposition: Disposition, now: u64) -> Vec<String> {
    let mut found = diagnosis("cart");
    (found.cause, found.disposition) = (cause, disposition);
    let result = Ok(Box::new(found));
    let accepted = core.accept(Input::Diagnosed { id: id("case"), result }, at(now));
    accepted.events.iter().map(|one| one.event.kind()).collect()
}

#[test]
fn a_cause_that_shows_after_a_moment_is_the_diagnosis_and_unknown_was_never_said() {
    let mut core = patient();
    assert_eq!(found(&mut core, Cause::Unknown, Disposition::Remediate, 1), ["stuck"]);
    assert!(core.due(at(2)).is_empty(), "not at once");
    assert_eq!(core.due(at(7)).len(), 1, "looked at again");
    assert!(found(&mut core, Cause::Unknown, Disposition::Remediate, 7).is_empty(), "said once");
    assert_eq!(found(&mut core, Cause::LimitTooSmall, Disposition::Remediate, 20), ["diagnosed"]);
    assert_eq!(state(&core), State::Planning);
}

#[test]
fn what_stays_unknown_goes_to_a_person_when_the_patience_ends() {
    let mut core = patient();
    found(&mut core, Cause::Unknown, Disposition::Remediate, 1);
    assert_eq!(found(&mut core, Cause::Unknown, Disposition::Remediate, 60), ["diagnosed"]);
    let case = core.remediation(&id("case")).expect("a case");
    assert!(case.diagnosis.as_ref().is_some_and(|found| found.cause == Cause::Unknown));
}

#[test]
fn a_case_that_is_over_waits_for_nothing() {
    let mut core = patient();
    let events = found(&mut core, Cause::Unknown, Disposition::Recovered, 1);
    assert_eq!(events, ["diagnosed", "closed"]);
    let stuck = Event::Stuck { during: String::new(), why: String::new(), retry_at: None };
    assert!(!events.contains(&stuck.kind()));
}
