//! Advice is kept with the case, whatever became of the plan that it was had for.

use super::{alert, at, core, diagnosis, id, mira, plan, state, take, two_steps};
use crate::domain::advice::{Advice, Made, Source};
use crate::domain::event::Event;
use crate::domain::remediation::State;
use crate::domain::steering::Steering;
use crate::domain::workflow::plan::{Plan, Risk};
use crate::engine::command::{Command, Request};
use crate::engine::core::Core;
use crate::engine::job::{Input, JobFailure};

fn planning() -> Core {
    let mut core = core();
    take(&mut core, "case", alert("f1", "cart-1"), None, 0);
    let result = Ok(Box::new(diagnosis("cart")));
    core.accept(Input::Diagnosed { id: id("case"), result }, at(1));
    core
}

fn advice(plan: Option<&Plan>) -> Box<Advice> {
    Box::new(Advice {
        source: Source::Statistics { n: 12 },
        ranking: Vec::new(),
        parameters: Vec::new(),
        caveats: Vec::new(),
        dropped: Vec::new(),
        made: Made { plan: plan.map(|plan| plan.digest.clone()), changed: Vec::new() },
        exchange: None,
    })
}

/// The kinds of the events that the outcome of planning makes true.
fn made(
    core: &mut Core,
    result: Result<Box<Plan>, JobFailure>,
    advice: Box<Advice>,
) -> Vec<String> {
    let advice = Some(advice);
    let accepted = core.accept(Input::PlanMade { id: id("case"), result, advice }, at(2));
    for one in &accepted.events {
        let (kind, bytes) = one.event.encode().unwrap();
        assert_eq!(
            Event::decode(&kind, 1, &bytes).as_ref(),
            Ok(&one.event),
            "it is read as written"
        );
    }
    accepted.events.iter().map(|one| one.event.kind()).collect()
}

#[test]
fn advice_stands_before_its_plan_and_is_shown_on_no_other() {
    let mut core = planning();
    let plan = plan("cart", Risk::Low, two_steps());
    let kinds = made(&mut core, Ok(Box::new(plan.clone())), advice(Some(&plan)));
    assert_eq!(kinds, ["advised", "planned", "approval_requested"]);
    assert!(core.remediation(&id("case")).unwrap().advice_on_plan().is_some());
    let mut core = planning();
    made(&mut core, Ok(Box::new(plan)), advice(None));
    let case = core.remediation(&id("case")).unwrap();
    assert!(case.advice.is_some() && case.advice_on_plan().is_none());
}

#[test]
fn advice_is_kept_where_no_plan_came_of_it_and_where_a_person_was_quicker() {
    let mut core = planning();
    let failure = JobFailure { why: "the cluster did not answer".into(), retryable: true };
    assert_eq!(made(&mut core, Err(failure.clone()), advice(None)), ["advised", "stuck"]);
    let mut core = planning();
    let command = Command::Steer {
        remediation: id("case"),
        steering: Steering::TakeOver,
        reason: String::new(),
    };
    let request = Box::new(Request { command, by: mira(), not_after: None });
    core.accept(Input::Steer { request, closed: None, preflight: None }, at(2));
    assert_eq!(state(&core), State::ByHand);
    assert_eq!(made(&mut core, Err(failure), advice(None)), ["advised"]);
    assert_eq!(state(&core), State::ByHand);
}
