//! Figures of whole processes: start to the first frame, bytes to the terminal, memory; and how long an engine takes to
//! fold a long log before it can drive.
//!
//! Goals: first frame in 100 ms; no bytes between two ticks and at most 600 for a tick of a second at 200×60.
//!
//! Run with `cargo bench --bench start`. The console is `pilothouse demo` in a pty; the long log is a simulated night,
//! repeated with other ids.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_stack_arrays,
    clippy::duration_suboptimal_units,
    reason = "not product code"
)]
#[path = "../console/pty.rs"]
mod pty;

use pilothouse::adapters::store::sqlite::SqliteStore;
use pilothouse::assemble::demo::{DemoOptions, Play, play};
use pilothouse::assemble::running::runtime;
use pilothouse::domain::envelope::Head;
use pilothouse::domain::event::Recorded;
use pilothouse::domain::id::{BatchId, ClusterId, RemediationId};
use pilothouse::domain::policy::Policy;
use pilothouse::engine::core::{Core, Settings};
use pilothouse::engine::log;
use pilothouse::ports::store::Store;
use portable_pty::CommandBuilder;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIZE: (u16, u16) = (200, 60);
const STARTS: usize = 20;
const EVENTS: usize = 200_000;
const BATCH: usize = 500;

fn main() {
    console();
    long_log();
}

fn spawn() -> (pty::Pty, Duration) {
    let home = std::env::temp_dir();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.env_clear();
    command.env("HOME", home);
    // A world that is not played ahead before its screen opens: what is measured is the console.
    command.args(["demo", "--scenario", "black-friday"]);
    let began = Instant::now();
    let terminal = pty::Pty::spawn(command, SIZE);
    while !terminal.text().contains("simulated") && !terminal.text().contains("SIMULATED") {
        assert!(began.elapsed() < Duration::from_secs(20), "no frame:\n{}", terminal.text());
        std::thread::sleep(Duration::from_micros(500));
    }
    (terminal, began.elapsed())
}

fn console() {
    let mut taken = Vec::new();
    for _ in 0..STARTS {
        let (mut terminal, first) = spawn();
        taken.push(first);
        terminal.child.kill().unwrap();
    }
    taken.sort();
    println!(
        "start to first frame of `demo` at 200x60: p50 {:?}, worst of {STARTS} {:?} (goal 100 ms)",
        taken[STARTS / 2],
        taken[STARTS - 1]
    );
    let (mut terminal, _) = spawn();
    std::thread::sleep(Duration::from_secs(5));
    let mut seconds = Vec::new();
    for _ in 0..30 {
        let before = terminal.bytes().len();
        std::thread::sleep(Duration::from_secs(1));
        seconds.push(terminal.bytes().len() - before);
    }
    seconds.sort_unstable();
    println!(
        "bytes to the terminal a second, nothing pressed: p50 {}, most {} (goal 600 a tick)",
        seconds[15], seconds[29]
    );
    let pid = terminal.child.process_id().unwrap();
    println!("memory of the process after 35 s: {}", peak(&format!("/proc/{pid}/status")));
    terminal.child.kill().unwrap();
}

fn peak(status: &str) -> String {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or_else(|| "unknown".into(), |line| line.replace("VmHWM:", "peak").trim().to_string())
}

/// A night's events, in the order of the log.
async fn night(store: &dyn Store) -> (ClusterId, Vec<Recorded>) {
    let cluster = store.clusters().await.unwrap().remove(0);
    let mut events = Vec::new();
    for envelope in store.read(&cluster, 0, 100_000, None).await.unwrap() {
        events.push(log::recorded(store, &envelope).await.unwrap());
    }
    (cluster, events)
}

fn long_log() {
    let runtime = runtime().unwrap();
    let options = DemoOptions { scenario: Play::Named("night".into()), seed: 1, speed: 1 };
    let (_, memory) = play(&options, "bench", &runtime).unwrap();
    let directory = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    runtime.block_on(async {
        let (cluster, events) = night(memory.as_ref()).await;
        let store = SqliteStore::open(directory.path().join("store.db")).await.unwrap();
        let lease = store.acquire(&cluster, "bench", 86_400).await.unwrap();
        let mut head = Head::empty();
        let mut batch = Vec::new();
        let mut written = 0;
        while written < EVENTS {
            let mut fresh = BTreeMap::new();
            for recorded in &events {
                let mut recorded = recorded.clone();
                recorded.subject = recorded.subject.map(|id| {
                    let next = format!("{written:x}{}", id.as_str());
                    fresh.entry(id).or_insert_with(|| RemediationId::new(next)).clone()
                });
                batch.push(recorded);
                written += 1;
                if batch.len() == BATCH {
                    let drafts = log::drafts(&store, &batch).await.unwrap();
                    let id = BatchId::new(format!("bench/{written}"));
                    let stored = store
                        .append(&lease, &head, &id, drafts, Vec::new(), Vec::new())
                        .await
                        .unwrap();
                    let last = stored.last().unwrap();
                    head = Head { seq: last.seq, hash: last.hash.clone() };
                    batch.clear();
                }
            }
        }
        let settings = Settings {
            cluster: cluster.clone(),
            name: "bench".into(),
            policy: Arc::new(Policy::default()),
            two_people: false,
            simulated: true,
            routes: Arc::default(),
        };
        let mut core = Core::new(settings);
        let began = Instant::now();
        let end = log::catch_up(&store, &cluster, &mut core, Head::empty()).await.unwrap();
        println!(
            "folding a log of {} events ({} cases open or waiting for a person): {:?}",
            end.seq,
            core.remediations().count(),
            began.elapsed()
        );
        println!("memory of this process after it: {}", peak("/proc/self/status"));
    });
}
