//! Whole nights in virtual time: the same core, jobs, templates and rules as on a real cluster, on a simulated one with
//! faults. Reproducible from the seed.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_stack_arrays,
    clippy::duration_suboptimal_units,
    clippy::format_collect,
    reason = "not product code"
)]

use pilothouse::assemble::demo::{DemoOptions, Play, play};
use pilothouse::assemble::running::runtime;
use pilothouse::domain::effectiveness::{By, Fate, assess};
use pilothouse::domain::event::Event;
use pilothouse::domain::id::ClusterId;
use pilothouse::domain::remediation::Remediation;
use pilothouse::domain::workflow::execution::{Direction, StepState};
use pilothouse::domain::workflow::plan::StepKind;
use pilothouse::engine::lockstep::Played;
use pilothouse::engine::{log, reader};
use pilothouse::ports::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Incidents of the long play, and how many worlds share them.
const INCIDENTS: u32 = 1_000;
const WORLDS: u32 = 20;

fn options(scenario: Play, seed: u64) -> DemoOptions {
    DemoOptions { scenario, seed, speed: 1 }
}

fn played(scenario: Play, seed: u64) -> (Played, Arc<dyn Store>, tokio::runtime::Runtime) {
    let runtime = runtime().expect("a runtime");
    let (played, store) = play(&options(scenario, seed), "test", &runtime).expect("a play");
    (played, store, runtime)
}

#[test]
fn the_same_seed_prints_the_same_night_byte_for_byte() {
    let night = || Play::Named("night".into());
    let (first, _, _) = played(night(), 1);
    let (second, _, _) = played(night(), 1);
    assert!(
        first.lines.len() > 100,
        "a whole night has something to tell:\n{}",
        first.lines.join("\n")
    );
    assert_eq!(first.lines, second.lines);
    assert_eq!(first.head, second.head, "down to the last hash");
    let (other, _, _) = played(night(), 2);
    assert_ne!(first.head, other.head, "another seed is another night");
}

#[test]
fn a_night_shows_each_way_a_case_can_end() {
    let (night, store, runtime) = played(Play::Named("night".into()), 1);
    let cases = runtime.block_on(cases(store.as_ref()));
    let mut ends = BTreeMap::new();
    for case in &cases {
        let word = case.outcome.as_ref().map_or("open", |outcome| outcome.word());
        *ends.entry(word).or_insert(0_u32) += 1;
    }
    for end in ["effective", "handed_over", "rejected"] {
        assert!(
            ends.contains_key(end),
            "no case ended {end}: {ends:?}\n{}",
            night.lines.join("\n")
        );
    }
    for case in &cases {
        holds_its_promises(case);
    }
    assert_whole(&runtime, store.as_ref());
}

#[test]
fn figures_of_a_night_are_those_of_its_cases() {
    let (night, store, runtime) = played(Play::Named("night".into()), 1);
    let cases = runtime.block_on(cases(store.as_ref()));
    let cluster = cases.first().expect("a case").cluster.clone();
    let now = night.ended_at;
    let picture = runtime.block_on(reader::snapshot(store.as_ref(), &cluster, now)).expect("read");
    let changed = |case: &&Remediation| {
        case.execution.is_some() && case.plan.as_ref().is_some_and(|plan| plan.mutates())
    };
    let ended = |word: &str| {
        let is = |case: &&Remediation| case.outcome.as_ref().is_some_and(|o| o.word() == word);
        u32::try_from(cases.iter().filter(changed).filter(is).count()).expect("few")
    };
    for by in By::ALL {
        let all = assess(&picture.records, *by, None, now, |_| true);
        assert_eq!(all.decided, all.groups.iter().map(|one| one.counts.n()).sum::<u32>(), "{by}");
        let effective = all.groups.iter().map(|one| one.counts.effective).sum::<u32>();
        assert_eq!(effective, ended("effective"), "{by}");
        assert!(effective > 3, "{by}: {all:#?}");
        for group in &all.groups {
            assert_eq!(group.rate.is_some(), group.counts.n() >= 10, "{by} {}", group.key);
        }
    }
    let alone = picture.records.iter().filter(|record| record.fate == Fate::Alone).count();
    assert!(alone > 0, "jo said no to one: {:#?}", picture.records);
    let recovered = picture.records.iter().filter(|record| record.fate == Fate::Effective);
    for record in recovered {
        let (seconds, well) = record.recovery();
        assert!(well && (60..86_400).contains(&seconds), "{record:#?}");
    }
}

#[test]
fn a_thousand_incidents_with_faults_break_no_promise() {
    let began = std::time::Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let lanes = (0..threads)
        .map(|lane| {
            let worlds = (0..WORLDS).skip(lane).step_by(threads);
            std::thread::spawn(move || worlds.map(ends_of_a_world).collect::<Vec<_>>())
        })
        .collect::<Vec<_>>();
    let mut ends = BTreeMap::new();
    for world in lanes.into_iter().flat_map(|lane| lane.join().expect("a world held")) {
        for (word, count) in world {
            *ends.entry(word).or_insert(0) += count;
        }
    }
    let incidents = ends.values().sum::<u32>();
    println!("{incidents} cases in {} s: {ends:?}", began.elapsed().as_secs());
    assert!(
        incidents >= INCIDENTS,
        "only {incidents} cases came of {INCIDENTS} incidents: {ends:?}"
    );
    assert!(ends.get("effective").is_some_and(|n| *n > 0), "{ends:?}");
}

/// Plays one world to its end, and counts how its cases ended.
fn ends_of_a_world(world: u32) -> BTreeMap<&'static str, u32> {
    let mut ends = BTreeMap::new();
    let seed = 1_000 + u64::from(world);
    let (_, store, runtime) = played(Play::Generated(INCIDENTS / WORLDS), seed);
    for case in runtime.block_on(cases(store.as_ref())) {
        holds_its_promises(&case);
        let word = case.outcome.as_ref().map_or("open", |outcome| outcome.word());
        *ends.entry(word).or_insert(0) += 1;
    }
    assert_whole(&runtime, store.as_ref());
    ends
}

fn assert_whole(runtime: &tokio::runtime::Runtime, store: &dyn Store) {
    let audit = runtime.block_on(async { reader::audit(store, &only(store).await).await });
    assert_eq!(audit.expect("an audit").broken, None);
}

async fn only(store: &dyn Store) -> ClusterId {
    store.clusters().await.expect("clusters").first().expect("one cluster").clone()
}

async fn cases(store: &dyn Store) -> Vec<Remediation> {
    let cluster = only(store).await;
    let mut by_case = BTreeMap::<_, Vec<_>>::new();
    let mut after = 0;
    loop {
        let page = store.read(&cluster, after, 5_000, None).await.expect("events");
        let Some(last) = page.last() else { break };
        after = last.seq;
        for envelope in &page {
            let recorded = log::recorded(store, envelope).await.expect("an event");
            if let Some(id) = recorded.subject.clone() {
                by_case.entry(id).or_default().push(recorded);
            }
        }
    }
    by_case
        .iter()
        .map(|(id, events)| {
            orders_hold(events.iter().map(|recorded| &recorded.event));
            reader::fold(&cluster, id, events).expect("an opened case")
        })
        .collect()
}

/// No change without a decision before it; no attempt without its intent; nothing after the end.
fn orders_hold<'a>(events: impl Iterator<Item = &'a Event>) {
    let (mut approved, mut closed, mut mutates) = (false, false, false);
    let mut intents = Vec::new();
    for event in events {
        let after_the_end = matches!(event, Event::CommandRefused { .. } | Event::Claimed { .. });
        assert!(!closed || after_the_end, "after the case was closed: {event:?}");
        match event {
            Event::Planned { plan } => mutates = plan.mutates(),
            Event::PlanVoided { .. } => approved = false,
            Event::Decided { approval, .. } => {
                approved = approval.decision == pilothouse::domain::approval::Decision::Approve;
            }
            Event::ExecutionStarted { .. } => {
                assert!(approved || !mutates, "a change began without a decision");
            }
            Event::AttemptStarted { attempt, .. } => intents.push(attempt.clone()),
            Event::AttemptEnded { attempt, .. } => assert!(intents.contains(attempt)),
            Event::Closed { .. } => closed = true,
            _ => {}
        }
    }
}

/// What holds of every case, however it went.
fn holds_its_promises(case: &Remediation) {
    let (Some(plan), Some(run)) = (&case.plan, &case.execution) else { return };
    for step in plan.all_steps() {
        let state = &run.steps[&step.path];
        let StepKind::Action { operations, .. } = &step.kind else { continue };
        for index in 0..operations.len() {
            let effects = state
                .attempts
                .iter()
                .filter(|attempt| {
                    attempt.operation == index && attempt.direction == Direction::Forward
                })
                .filter(|attempt| attempt.took_effect())
                .count();
            assert!(effects <= 1, "{}: step {} took effect {effects} times", case.id, step.path);
            if matches!(state.state, StepState::Done) {
                assert_eq!(effects, 1, "{}: step {} is done without effect", case.id, step.path);
            }
        }
        if matches!(state.state, StepState::WillNotBeRun { .. } | StepState::Skipped { .. }) {
            assert!(state.attempts.is_empty(), "{}: step {} ran all the same", case.id, step.path);
        }
    }
}
