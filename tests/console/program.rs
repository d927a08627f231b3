//! A console on a made-up engine, for tests in a real terminal. Its pictures say SIMULATED.

#![allow(dead_code, reason = "each test target uses its own part of it")]

use super::fixture;
use pilothouse::engine::command::{Command, Receipt};
use pilothouse::engine::handle::{Handle, ToEngine};
use pilothouse::engine::query::{Answer, Query};
use pilothouse::engine::snapshot::Snapshot;
use pilothouse::ui::{Console, Leaving, Level, LogLine, Options, ThemeChoice};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Where the made-up engine writes what it was told, if anywhere.
pub const TOLD: &str = "PILOTHOUSE_FIXTURE_TOLD";

/// Runs it; returns the exit code.
pub fn main() -> i32 {
    if let Err(why) = pilothouse::ui::preflight_terminal() {
        eprintln!("{why}");
        return 6;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (to, from) = mpsc::channel(16);
    let (pictures, seen) = watch::channel(Arc::new(fixture::night()));
    let engine = runtime.spawn(engine(from, pictures));
    let console = Console {
        handle: Handle::new(to, seen),
        runtime: runtime.handle().clone(),
        principal: fixture::mira(),
        logs: Arc::new(|| {
            vec![LogLine {
                at: fixture::now(),
                level: Level::Warn,
                target: "pilothouse::fixture".into(),
                text: "this engine is made up".into(),
            }]
        }),
        theme: ThemeChoice::default(),
        options: Options::default(),
    };
    let left = pilothouse::ui::run(console).unwrap();
    tell(&format!("left {left:?}"));
    engine.abort();
    match left {
        Leaving::Quit => 0,
        Leaving::HangUp => 10,
    }
}

async fn engine(mut from: mpsc::Receiver<ToEngine>, pictures: watch::Sender<Arc<Snapshot>>) {
    let mut beat = tokio::time::interval(Duration::from_millis(1_000));
    loop {
        tokio::select! {
            _ = beat.tick() => {
                let next = Snapshot { seq: pictures.borrow().seq + 1, ..later(&pictures.borrow()) };
                let _seen = pictures.send(Arc::new(next));
            }
            asked = from.recv() => match asked {
                Some(ToEngine::Command(request, answer)) => {
                    tell(&format!("command {:?}", request.command));
                    let note = match &request.command {
                        Command::Decide { decision, .. } => format!("{decision}d; step 1 starts"),
                        other => format!("{} done", other.verb()),
                    };
                    let receipt = Receipt::Done { event: 48_219, note, remediations: Vec::new() };
                    let _gone = answer.send(receipt);
                }
                Some(ToEngine::Query(query, _, answer)) => {
                    let _gone = answer.send(reply(&query));
                }
                Some(ToEngine::HangUp(answer)) => {
                    let _gone = answer.send(());
                }
                None => return,
            }
        }
    }
}

/// The same a second later: cluster data stays fresh.
fn later(before: &Snapshot) -> Snapshot {
    let mut next = before.clone();
    next.at += chrono::TimeDelta::seconds(1);
    for source in &mut next.sources {
        source.good_at = source.good_at.map(|at| at + chrono::TimeDelta::seconds(1));
    }
    next
}

fn reply(query: &Query) -> Answer {
    match query {
        Query::Preflight { .. } => fixture::all_clear(),
        Query::Remediation { prefix } => fixture::stories()
            .into_iter()
            .find(|story| story.fold().id.as_str().starts_with(prefix.as_str()))
            .map_or_else(
                || Answer::NotFound(prefix.clone()),
                |story| Answer::Remediation {
                    remediation: Box::new(story.fold()),
                    events: story.events().to_vec(),
                },
            ),
        Query::Log { .. } => {
            Answer::Log(fixture::stories().iter().flat_map(|s| s.events().to_vec()).collect())
        }
        Query::Templates => Answer::Templates(Vec::new()),
    }
}

fn tell(what: &str) {
    let Some(path) = std::env::var_os(TOLD) else { return };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    writeln!(file, "{what}").unwrap();
}
