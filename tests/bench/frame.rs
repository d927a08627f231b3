//! Key to frame with 10,000 rows at 200×60, and bytes to the terminal: between ticks, and of a tick.
//!
//! Goals: p99 of a key ≤ 16 ms; 0 bytes while nothing happens; ≤ 600 bytes for a tick of one second.

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
#[path = "../console/desk.rs"]
mod desk;
#[path = "../console/fixture.rs"]
mod fixture;

use criterion::{Criterion, criterion_group, criterion_main};
use pilothouse::ui::keymap::Press;
use pilothouse::ui::model::Model;
use pilothouse::ui::msg::Msg;
use pilothouse::ui::terminal::Screen;
use pilothouse::ui::theme::Depth;
use pilothouse::ui::update::update;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIZE: (u16, u16) = (200, 60);
const ROWS: usize = 10_000;

struct Bench {
    model: Model,
    screen: Screen,
    at: u64,
}

impl Bench {
    fn new(rows: usize) -> Self {
        let picture = if rows == 0 { fixture::night() } else { fixture::many(rows) };
        let model = Model::new(desk::setup(picture, SIZE, "dark", Depth::True), 1_000);
        let mut screen = Screen::new(Box::new(std::io::sink()), Some(SIZE)).unwrap();
        screen.draw(&model).unwrap();
        Self { model, screen, at: 1_000 }
    }

    fn key(&mut self, key: char) {
        self.at += 100;
        let turn = update(&mut self.model, Msg::Key(Press::char(key), self.at));
        if turn.draw {
            self.screen.draw(&self.model).unwrap();
        }
        black_box(turn);
    }

    fn tick(&mut self) -> u64 {
        self.at += 1_000;
        let before = self.screen.written();
        if update(&mut self.model, Msg::Tick(self.at)).draw {
            self.screen.draw(&self.model).unwrap();
        }
        self.screen.written() - before
    }
}

fn quantile(sorted: &[Duration], part: usize) -> Duration {
    sorted[(sorted.len() * part / 100).min(sorted.len() - 1)]
}

fn keys(criterion: &mut Criterion) {
    let mut bench = Bench::new(ROWS);
    let mut taken = Vec::new();
    for index in 0..1_000 {
        let key = match index % 10 {
            0..6 => 'j',
            6..8 => 'k',
            8 => '>',
            _ => 'G',
        };
        let start = Instant::now();
        bench.key(key);
        taken.push(start.elapsed());
    }
    taken.sort();
    println!(
        "key to frame, {ROWS} rows at 200x60: p50 {:?}, p99 {:?}, worst {:?} (goal p99 16 ms)",
        quantile(&taken, 50),
        quantile(&taken, 99),
        taken[taken.len() - 1]
    );
    let picture = Arc::new(fixture::many(ROWS));
    let start = Instant::now();
    bench.at += 5_000;
    update(&mut bench.model, Msg::Snapshot(picture, bench.at));
    bench.screen.draw(&bench.model).unwrap();
    println!("a new picture of {ROWS} rows to frame: {:?}", start.elapsed());

    let before = bench.screen.written();
    bench.key('j');
    println!("bytes of a cursor move at 200x60: {}", bench.screen.written() - before);
    criterion.bench_function("key_to_frame_10000_rows_200x60", |b| b.iter(|| bench.key('j')));
}

fn bytes(_criterion: &mut Criterion) {
    for (name, rows) in [("12 rows", 0), ("10000 rows, a full list", ROWS)] {
        let mut bench = Bench::new(rows);
        let idle = bench.screen.written();
        println!("bytes between ticks, {name}: {}", bench.screen.written() - idle);
        let ticks = (0..60).map(|_| bench.tick()).collect::<Vec<_>>();
        let mean = ticks.iter().sum::<u64>() / 60;
        println!(
            "bytes of a tick at 200x60, {name}: mean {mean}, most {} (goal 600)",
            ticks.iter().max().unwrap()
        );
    }
}

criterion_group!(benches, keys, bytes);
criterion_main!(benches);
