use super::super::fold::{Accepted, Core};
use super::super::tests::{
    alert, applied, asked, at, core, decide, diagnosis, end, give, id, mira, patch_step, plan,
    running, take, two_steps,
};
use super::Due;
use crate::domain::approval::{Decision, Gesture};
use crate::domain::breaker::{Destination, Move, State};
use crate::domain::event::{Event, Recorded};
use crate::domain::id::StepPath;
use crate::domain::notify::{
    ChannelKind, ChannelName, Notice, Route, Routes, Rules, Telling, Topic,
};
use crate::domain::time::{plus, seconds_between};
use crate::domain::workflow::plan::{OnFailure, PlanStep, Risk, StepKind};
use crate::engine::command::{Command, Receipt, Request};
use crate::engine::job::{Heard, Input};
use crate::engine::snapshot::Role;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

/// All is told over `a`; dead letters over `b` too.
fn routes() -> Arc<Routes> {
    let rules = Rules { kind: ChannelKind::Slack, group_s: 0, quiet: None, give_up_s: 60 };
    let all = Route { channels: BTreeSet::from([name("a")]), ..Route::default() };
    let dead = Route {
        topics: BTreeSet::from([Topic::DeadLetter]),
        channels: BTreeSet::from([name("b")]),
        ..Route::default()
    };
    let channels = BTreeMap::from([(name("a"), rules.clone()), (name("b"), rules)]);
    Arc::new(Routes { channels, routes: vec![all, dead] })
}

/// A case that waits for a decision, and what was noted when it began to.
fn told_core(risk: Risk) -> (Core, Accepted) {
    let mut core = core();
    core.settings.routes = routes();
    take(&mut core, "case", alert("f1", "cart-1"), None, 0);
    let result = Ok(Box::new(diagnosis("cart")));
    core.accept(Input::Diagnosed { id: id("case"), result }, at(1));
    let result = Ok(Box::new(plan("cart", risk, two_steps())));
    let accepted = core.accept(Input::PlanMade { id: id("case"), advice: None, result }, at(2));
    (core, accepted)
}

fn notices(events: &[Recorded]) -> Vec<(u64, Notice)> {
    let noticed = events.iter().filter_map(|recorded| {
        let Event::Noticed { notice, .. } = &recorded.event else { return None };
        Some((recorded.seq, (**notice).clone()))
    });
    noticed.collect()
}

fn tellings(events: &[Recorded]) -> Vec<Telling> {
    let told = events.iter().filter_map(|recorded| {
        let Event::Told { outcome, .. } = &recorded.event else { return None };
        Some(outcome.clone())
    });
    told.collect()
}

fn due(core: &Core, now: u64) -> Vec<Due> {
    core.due_tellings(at(now))
}

fn hear(core: &mut Core, notice: u64, heard: Heard, now: u64) -> Accepted {
    core.accept(Input::Heard { channel: name("a"), notices: vec![notice], heard }, at(now))
}

fn later(why: &str) -> Heard {
    Heard::Later { why: why.into(), after_s: None }
}

#[test]
fn a_request_is_noted_for_its_channel_with_the_fact_itself_and_names_the_command_that_decides() {
    let (core, accepted) = told_core(Risk::Medium);
    assert!(accepted.events.iter().any(|e| matches!(e.event, Event::ApprovalRequested { .. })));
    let noted = notices(&accepted.events);
    let [(number, notice)] = noted.as_slice() else { panic!("{noted:?}") };
    assert_eq!(notice.topic, Topic::NeedsApproval);
    let digest = core.remediation(&id("case")).unwrap().plan.clone().unwrap().digest.clone();
    let command = format!("pilothouse approve case --plan {digest}");
    assert!(notice.commands.contains(&command), "{:?}", notice.commands);
    assert!(notice.lines.iter().any(|line| line.contains("it lapses at")), "{:?}", notice.lines);
    let due = due(&core, 2);
    assert_eq!((due.len(), due[0].channel, due[0].items[0].number), (1, name("a"), *number));
    assert_eq!(accepted.events.last().unwrap().subject, Some(id("case")), "it is in its record");
}

#[test]
fn what_was_not_recorded_as_told_is_due_again_in_the_next_engine() {
    let (mut first, accepted) = told_core(Risk::Medium);
    let number = notices(&accepted.events)[0].0;
    let mut second = core();
    second.settings.routes = routes();
    for recorded in &accepted.events {
        second.fold(recorded);
    }
    assert_eq!(due(&second, 3)[0].items[0].number, number, "the same number, so the same id");
    let told = hear(&mut first, number, Heard::Told("HTTP 200".into()), 3);
    assert!(due(&first, 4).is_empty());
    told.events.iter().for_each(|recorded| second.fold(recorded));
    assert!(due(&second, 4).is_empty());
    assert_eq!(second.outbox().tally(name("a")).told, 1);
}

#[test]
fn a_failed_try_is_made_again_after_growing_pauses_and_becomes_a_dead_letter_that_others_hear_of() {
    let (mut core, accepted) = told_core(Risk::Medium);
    let number = notices(&accepted.events)[0].0;
    let mut now = 2;
    let mut pauses = Vec::new();
    let dead = loop {
        let told = hear(&mut core, number, later("HTTP 503"), now);
        match tellings(&told.events).remove(0) {
            Telling::Failed { again_at, .. } => {
                let pause = u64::try_from(seconds_between(at(now), again_at)).unwrap();
                assert!(due(&core, now + pause - 1).is_empty(), "not before its time");
                now += pause;
                assert!(due(&core, now)[0].again, "it may have arrived before");
                pauses.push(pause);
            }
            Telling::Dead { why } => {
                assert!(why.contains("HTTP 503"), "{why}");
                break told;
            }
            Telling::Told { .. } => panic!("nobody took it"),
        }
    };
    assert!(pauses.len() >= 3 && pauses.windows(2).all(|two| two[0] < two[1]), "{pauses:?}");
    let noted = notices(&dead.events);
    assert_eq!(noted[0].1.topic, Topic::DeadLetter);
    let due_now = due(&core, now);
    assert_eq!(due_now.len(), 1, "over the other channel only");
    assert_eq!(due_now[0].channel, name("b"));
    assert_eq!(core.outbox().dead().count(), 1);

    let command = Command::TellAgain { channel: Some(name("a")), notice: None };
    let given = give(&mut core, Request { command, by: mira(), not_after: None }, None, now);
    assert!(matches!(given.receipt, Some(Receipt::Done { .. })), "{:?}", given.receipt);
    assert_eq!(due(&core, now)[0].items[0].number, number);
    let again = hear(&mut core, number, later("HTTP 503"), now);
    assert!(matches!(tellings(&again.events)[0], Telling::Failed { .. }), "its time begins anew");
}

#[test]
fn what_is_refused_for_good_is_a_dead_letter_at_once_and_a_wait_that_is_asked_for_is_kept() {
    let (mut core, accepted) = told_core(Risk::Medium);
    let number = notices(&accepted.events)[0].0;
    let asked = Heard::Later { why: "HTTP 429".into(), after_s: Some(40) };
    hear(&mut core, number, asked, 2);
    assert!(due(&core, 41).is_empty());
    assert_eq!(due(&core, 42).len(), 1);
    let told = hear(&mut core, number, Heard::Refused("HTTP 404".into()), 42);
    assert!(matches!(tellings(&told.events)[0], Telling::Dead { .. }));
}

#[test]
fn nothing_goes_out_past_an_open_breaker_or_from_an_engine_that_follows() {
    let (mut core, _) = told_core(Risk::Medium);
    core.set_role(Role::Following { holder: "other".into() });
    assert!(due(&core, 3).is_empty());
    core.set_role(Role::Driving);
    let moved = Move {
        destination: Destination::Channel(name("a")),
        from: State::Closed,
        to: State::Open,
        cause: "3 of 3 calls".into(),
        at: at(3),
        until: Some(plus(at(3), 15)),
    };
    let accepted = core.accept(Input::BreakerMoved(moved.clone()), at(3));
    assert!(notices(&accepted.events).is_empty(), "a channel is not told of its own trouble");
    assert!(due(&core, 3).is_empty());
    let half = Move { from: State::Open, to: State::HalfOpen, at: at(18), until: None, ..moved };
    core.accept(Input::BreakerMoved(half), at(18));
    assert_eq!(due(&core, 18).len(), 1, "the next message is the probe");
}

#[test]
fn a_request_that_is_about_to_lapse_is_told_once_more_and_only_while_nobody_decided() {
    let (mut core, _) = told_core(Risk::Medium);
    let early = core.accept(Input::Wake, at(600));
    assert!(notices(&early.events).is_empty());
    let late = core.accept(Input::Wake, at(700));
    assert_eq!(notices(&late.events)[0].1.topic, Topic::Expiring);
    assert!(notices(&core.accept(Input::Wake, at(701)).events).is_empty(), "once");
    let lapsed = core.accept(Input::Wake, at(903));
    assert_eq!(notices(&lapsed.events)[0].1.topic, Topic::Expired);

    let (mut decided, _) = told_core(Risk::Medium);
    let plan = decided.remediation(&id("case")).unwrap().plan.clone().unwrap();
    let request = decide(&plan, Decision::Reject, Gesture::Key, mira());
    give(&mut decided, request, None, 10);
    assert!(notices(&decided.accept(Input::Wake, at(700)).events).is_empty());
}

#[test]
fn a_step_that_tells_is_done_at_once_and_its_words_wait_for_the_channels() {
    let kind = StepKind::Notify { message: "look at the cart".into() };
    let tells = PlanStep::plain(StepPath::new("2"), "tell".into(), "tell people".into(), kind);
    let steps = vec![patch_step("1", "cart", "a", OnFailure::Undo), tells];
    let (mut core, _) = running(steps);
    core.settings.routes = routes();
    let accepted = end(&mut core, applied(), 5);
    let noted = notices(&accepted.events);
    assert_eq!(noted[0].1.topic, Topic::Step);
    assert!(noted[0].1.title.contains("look at the cart"), "{}", noted[0].1.title);
    let ended = accepted
        .events
        .iter()
        .any(|e| matches!(e.event, Event::ExecutionEnded { succeeded: true, .. }));
    assert!(ended, "the run does not wait for the channel");
}

#[test]
fn without_channels_nothing_is_noted_and_what_waits_for_one_that_is_gone_is_a_dead_letter() {
    let (mut plain, _) = asked(Risk::Medium, two_steps());
    assert!(notices(&plain.accept(Input::Wake, at(700)).events).is_empty());
    let (mut core, _) = told_core(Risk::Medium);
    core.settings.routes = Arc::default();
    let accepted = core.accept(Input::Wake, at(4));
    assert!(
        matches!(&tellings(&accepted.events)[0], Telling::Dead { why } if why.contains("no such channel"))
    );
    assert!(core.accept(Input::Wake, at(5)).events.is_empty());
}
