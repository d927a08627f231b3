//! Breakers on the screen: what is shown of them, and how one is set.

use crate::desk::Desk;
use crate::fixture::{ago, night, now};
use crate::pictures::check;
use crossterm::event::KeyCode;
use pilothouse::domain::breaker::{
    Answer, Breaker, Destination, Down, Forced, Limits, Moment, Setting, View,
};
use pilothouse::engine::command::Command;
use pilothouse::engine::snapshot::Snapshot;
use pilothouse::ui::model::place::Place;
use std::sync::Arc;
use std::time::Duration;

/// Seconds of the breakers' clock at the moment of the picture.
const NOW_S: u64 = 4_000;

fn at(seconds_ago: u64) -> Moment {
    let mono = Duration::from_secs(NOW_S - seconds_ago);
    Moment { mono, wall: ago(i64::try_from(seconds_ago).unwrap()) }
}

fn breaker(destination: Destination) -> Breaker {
    Breaker::new(destination, Limits::shipped(destination), 7, at(3_900).wall)
}

/// A call every so many seconds, until so long ago.
fn calls(breaker: &mut Breaker, answer: &Answer, (from, to, every): (u64, u64, usize)) {
    for seconds in (to..=from).rev().step_by(every) {
        if let Ok(ticket) = breaker.begin(at(seconds)) {
            breaker.end(ticket, answer, Duration::from_millis(40), at(seconds));
        }
    }
}

/// Prometheus is open, Alertmanager is held open by jonas, the others are closed.
fn some_open() -> Snapshot {
    let down = Answer::Down(Down::NoConnection, "connection refused".into());
    let mut prometheus = breaker(Destination::Prometheus);
    calls(&mut prometheus, &Answer::Good, (3_500, 800, 30));
    calls(&mut prometheus, &Answer::No("HTTP 422".into()), (790, 780, 5));
    calls(&mut prometheus, &down, (700, 0, 4));
    let mut alertmanager = breaker(Destination::Alertmanager);
    calls(&mut alertmanager, &Answer::Good, (3_500, 310, 30));
    alertmanager.set(Setting::ForcedOpen, "by jonas: floods the channel", at(310));
    let mut cluster = breaker(Destination::Cluster);
    calls(&mut cluster, &Answer::Good, (3_500, 0, 1));
    let mut store = breaker(Destination::Store);
    calls(&mut store, &Answer::Good, (3_500, 3_480, 5));
    let mut views = vec![
        prometheus.view("http://prometheus:9090", at(0)),
        alertmanager.view("http://alertmanager:9093", at(0)),
        cluster.view("sim-eu1", at(0)),
        store.view("/var/lib/pilothouse.db", at(0)),
    ];
    views[1].forced = Some(Forced {
        setting: Setting::ForcedOpen,
        by: "jonas".into(),
        reason: "floods the channel".into(),
        since: ago(310),
        until: Some(now() + chrono::TimeDelta::minutes(55)),
    });
    with(views)
}

fn with(views: Vec<View>) -> Snapshot {
    Snapshot { breakers: Arc::new(views), ..night() }
}

#[test]
fn the_breakers_at_each_size() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut desk = Desk::new(some_open(), size);
        desk.typed("gb");
        check(&format!("breakers-{}x{}.txt", size.0, size.1), &desk);
    }
    check("overview-breakers-80x24.txt", &Desk::new(some_open(), (80, 24)));
    check("overview-breakers-120x36.txt", &Desk::new(some_open(), (120, 36)));
}

#[test]
fn what_is_not_closed_says_since_when_what_happens_instead_and_when_it_is_tried() {
    let mut desk = Desk::new(some_open(), (80, 24));
    assert!(desk.text().contains("✗ 2"), "the header says so:\n{}", desk.text());
    desk.typed("gb");
    let text = desk.text();
    for part in [
        "✗ open",
        "since 03:02",
        "; probe ",
        "instead: diagnoses go on without figures",
        "⊗ forced",
        "held open by jonas",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}

#[test]
fn a_breaker_is_forced_only_with_a_reason_and_by_space_first() {
    let mut desk = Desk::new(some_open(), (80, 24));
    desk.typed("gbf");
    assert!(desk.commands().is_empty(), "a single letter changes nothing");
    desk.typed(" f").key(KeyCode::Enter);
    assert!(desk.commands().is_empty(), "without a reason nothing is sent");
    desk.typed("it lies").key(KeyCode::Enter);
    let wanted = Command::Breaker {
        destination: Destination::Prometheus,
        setting: Setting::ForcedOpen,
        reason: "it lies".into(),
        until: None,
    };
    assert_eq!(desk.commands(), [&wanted]);
}

#[test]
fn what_nobody_set_is_not_taken_back_and_the_store_is_never_forced() {
    let mut desk = Desk::new(some_open(), (80, 24));
    desk.typed("gb n");
    assert!(desk.text().contains("nobody set prometheus"), "{}", desk.text());
    desk.typed("j n").typed("calm").key(KeyCode::Enter);
    assert!(matches!(
        desk.commands().as_slice(),
        [Command::Breaker {
            destination: Destination::Alertmanager,
            setting: Setting::Automatic,
            ..
        }]
    ));
    desk.typed("G f");
    assert_eq!(desk.commands().len(), 1, "{}", desk.text());
    assert!(desk.text().contains("can't be forced open"), "{}", desk.text());
}

#[test]
fn escape_leaves_the_breaker_as_it_is_and_enter_shows_its_history() {
    let mut desk = Desk::new(some_open(), (80, 24));
    desk.typed("gb f").typed("x").key(KeyCode::Esc);
    assert!(desk.commands().is_empty());
    desk.wait(1_000).key(KeyCode::Enter);
    assert_eq!(desk.model.place, Place::Audit);
    assert_eq!(desk.model.audit.filter, "breaker prometheus");
}

#[test]
fn with_ascii_signs_nothing_of_it_is_lost() {
    use pilothouse::ui::theme::Depth;
    let mut desk = Desk::themed(some_open(), (80, 24), "ascii", Depth::Mono);
    desk.typed("gb");
    let text = desk.text();
    assert!(text.is_ascii(), "{text}");
    assert!(text.contains("x open") && text.contains("/ forced"), "{text}");
}
