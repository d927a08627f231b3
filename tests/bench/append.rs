//! How many events a second become durable, against what the disk itself can do.
//!
//! The disk's own rate is that of a file beside the store's, to which the same bytes are appended and synced
//! (`fdatasync`) once for each commit. Both are measured in turns, in one run, since a disk's speed drifts. After
//! criterion's figures a table gives, for each size of a batch:
//!
//! * *events ÷ raw commits*: events a second through the store, over commits a second of the raw file with one
//!   event each. Above 1 means that group commit gains more than the store costs.
//! * *commits ÷ raw commits*: commits a second through the store, over commits a second of the raw file with as
//!   many bytes each: what the store costs beyond the sync.
//!
//! Run with `cargo bench --bench append`. The files lie in the target directory: a temporary one may be in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may panic")]
#![allow(clippy::print_stdout, reason = "it prints its figures")]
#![allow(clippy::disallowed_methods, reason = "it measures real time")]

use criterion::{BenchmarkId, Criterion, Throughput};
use pilothouse::adapters::store::sqlite::SqliteStore;
use pilothouse::domain::envelope::Head;
use pilothouse::domain::id::{BatchId, ClusterId, RemediationId};
use pilothouse::ports::store::{Draft, IndexRow, Store as _, StoreLease};
use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Events in one commit.
const BATCHES: [usize; 4] = [1, 16, 128, 512];
/// Remediations that the events belong to, in turn.
const SUBJECTS: usize = 64;
/// Turns in which the table's two rates are measured.
const TURNS: usize = 15;
/// How long each rate is measured in one turn.
const TURN: Duration = Duration::from_millis(200);

/// A store that is being appended to, and a raw file beside it.
struct Ground {
    runtime: Runtime,
    store: SqliteStore,
    lease: StoreLease,
    head: Head,
    batches: u64,
    raw: File,
    _directory: TempDir,
}

impl Ground {
    fn new() -> Self {
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (store, lease) = runtime.block_on(async {
            let store = SqliteStore::open(directory.path().join("store.db")).await.unwrap();
            let lease = store.acquire(&ClusterId::new("bench"), "bench", 86_400).await.unwrap();
            (store, lease)
        });
        let raw = File::create(directory.path().join("raw")).unwrap();
        let head = Head::empty();
        Self { runtime, store, lease, head, batches: 0, raw, _directory: directory }
    }

    /// One commit of so many events through the store.
    fn append(&mut self, events: usize) {
        self.batches += 1;
        let batch = BatchId::new(format!("7f3a6c1e-{:027}", self.batches));
        let drafts = (0..events).map(draft).collect::<Vec<_>>();
        let rows = (0..events.min(SUBJECTS)).map(|n| row(n, self.head.seq)).collect();
        let appended = self.store.append(&self.lease, &self.head, &batch, drafts, rows, Vec::new());
        let written = self.runtime.block_on(appended).unwrap();
        let last = written.last().unwrap();
        self.head = Head { seq: last.seq, hash: last.hash.clone() };
    }

    /// One commit of as many bytes to the raw file.
    fn write_raw(&mut self, bytes: &[u8]) {
        self.raw.write_all(bytes).unwrap();
        self.raw.sync_data().unwrap();
    }
}

fn subject(number: usize) -> RemediationId {
    RemediationId::new(format!("case{:012}", number % SUBJECTS))
}

/// An event of the size of a common one.
fn draft(number: usize) -> Draft {
    let text = "the container exceeded its memory limit and was killed; ".repeat(5);
    Draft {
        at: chrono::DateTime::from_timestamp_millis(1_790_000_000_000).unwrap(),
        by: "engine on bastion-1".into(),
        cause: "attempt 4f2c".into(),
        subject: Some(subject(number)),
        kind: "attempt_ended".into(),
        schema: 1,
        payload: format!("{{\"number\":{number},\"text\":\"{text}\"}}").into_bytes(),
    }
}

fn row(number: usize, seq: u64) -> IndexRow {
    let opened_at = chrono::DateTime::from_timestamp_millis(1_790_000_000_000).unwrap();
    let first_seq = u64::try_from(number).unwrap() + 1;
    IndexRow { id: subject(number), live: true, opened_at, first_seq, last_seq: seq + 1 }
}

/// As many bytes as the events' fields and hashes have.
fn raw_bytes(events: usize) -> Vec<u8> {
    let fields = |draft: Draft| draft.payload.len() + draft.by.len() + draft.cause.len() + 256;
    vec![b'x'; (0..events).map(draft).map(fields).sum()]
}

/// Calls a second.
fn rate(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut calls = 0_u32;
    while start.elapsed() < TURN {
        call();
        calls += 1;
    }
    f64::from(calls) / start.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn criterion_figures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    for events in BATCHES {
        let mut ground = Ground::new();
        let bytes = raw_bytes(events);
        group.throughput(Throughput::Elements(u64::try_from(events).unwrap()));
        group.bench_function(BenchmarkId::new("store", events), |b| {
            b.iter(|| ground.append(events));
        });
        group.bench_function(BenchmarkId::new("raw", events), |b| {
            b.iter(|| ground.write_raw(&bytes));
        });
    }
    group.finish();
}

fn table() {
    println!("\n{TURNS} turns of {TURN:?} each, store and raw file in alternation; medians\n");
    println!("batch   events/s  commits/s   raw commits/s   events ÷ raw   commits ÷ raw");
    println!("                              1 event  same   (goal ≥ 0.8)   (same bytes)");
    for events in BATCHES {
        let mut ground = Ground::new();
        let (one, same) = (raw_bytes(1), raw_bytes(events));
        let (mut commits, mut raw_one, mut raw_same) = (vec![], vec![], vec![]);
        for _ in 0..TURNS {
            raw_one.push(rate(|| ground.write_raw(&one)));
            commits.push(rate(|| ground.append(events)));
            raw_same.push(rate(|| ground.write_raw(&same)));
        }
        let over = |other: &[f64]| {
            median(commits.iter().zip(other).map(|(mine, theirs)| mine / theirs).collect())
        };
        let each = f64::from(u32::try_from(events).unwrap());
        let (in_one, in_same) = (over(&raw_one) * each, over(&raw_same));
        let commits = median(commits);
        println!(
            "{events:>5} {:>10.0} {commits:>10.0} {:>10.0} {:>6.0} {in_one:>13.2} {in_same:>15.2}",
            commits * each,
            median(raw_one),
            median(raw_same),
        );
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(30)
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_secs(1));
    criterion_figures(&mut criterion);
    criterion.final_summary();
    // `cargo test --benches` only asks whether it runs.
    if !std::env::args().any(|argument| argument == "--test") {
        table();
    }
}
