//! Similar past cases among 100,000: how long a search takes, and how many of the five nearest it finds (recall).
//!
//! Three ways: in the process; PostgreSQL comparing every case; PostgreSQL asking its HNSW index. Goal: p99 at most 10 ms in
//! the process, with recall 1.0. What is right is computed here once more, in floating point, without the product's code.
//!
//! Run with `. DIR/env; cargo bench --bench similar`. Without an environment PostgreSQL is left out, and it says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::disallowed_methods,
    reason = "not product code: it may end loudly, prints its figures and measures real time"
)]

use pilothouse::adapters::clock::SystemClock;
use pilothouse::adapters::database::address::{Address, Tls};
use pilothouse::adapters::memory::embedded::EmbeddedMemory;
use pilothouse::adapters::memory::postgres::PostgresMemory;
use pilothouse::adapters::memory::postgres::search::EXACT_TO;
use pilothouse::domain::breaker::{Destination, Limits};
use pilothouse::domain::diagnosis::{Cause, Pattern};
use pilothouse::domain::effectiveness::Fate;
use pilothouse::domain::envelope::Head;
use pilothouse::domain::id::{ClusterId, RemediationId};
use pilothouse::domain::memory::{DIMENSIONS, Features, PastCase, Remembered, VERSION, Vector};
use pilothouse::ports::line::Line;
use pilothouse::ports::memory::Memory;
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::sync::Arc;
use std::time::{Duration, Instant};

const CASES: usize = 100_000;
const MOST: usize = 5;
/// Kinds of trouble that the cases are of, each with something of its own.
const KINDS: u64 = 300;

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn vector(&mut self) -> Vector {
        let mut kind = Numbers(self.next() % KINDS);
        let mut numbers = [0_i8; DIMENSIONS];
        for number in &mut numbers {
            *number = (kind.next() % 81) as i8 - 40 + (self.next() % 61) as i8 - 30;
        }
        Vector::stored(&numbers).unwrap()
    }
}

fn past(number: usize, vector: Vector) -> Remembered {
    let case = PastCase {
        id: RemediationId::new(format!("case-{number:06}")),
        version: VERSION,
        features: Features {
            cause: Cause::LimitTooSmall,
            pattern: Pattern::HighMemory,
            kind: "Deployment".into(),
            facts: vec!["oom-killed".into()],
        },
        target: None,
        template: Some("high-memory@3".into()),
        fate: Fate::Effective,
        ended_at: chrono::DateTime::from_timestamp(1_790_000_000 + number as i64, 0).unwrap(),
    };
    Remembered { case, vector }
}

/// The similarity of the fifth nearest, by brute force.
fn fifth(cases: &[Remembered], question: &Vector) -> f64 {
    let float = |vector: &Vector| vector.numbers().map(f64::from);
    let length = |numbers: &[f64; DIMENSIONS]| numbers.iter().map(|n| n * n).sum::<f64>().sqrt();
    let asked = float(question);
    let mut all = cases
        .iter()
        .map(|one| {
            let numbers = float(&one.vector);
            let sum = asked.iter().zip(&numbers).map(|(a, b)| a * b).sum::<f64>();
            sum / (length(&asked) * length(&numbers))
        })
        .collect::<Vec<_>>();
    all.sort_by(|a, b| b.total_cmp(a));
    all[MOST - 1]
}

async fn measure(what: &str, memory: &dyn Memory, asked: &[(Vector, Option<f64>)]) {
    let cluster = ClusterId::new("bench");
    let mut times = Vec::new();
    let (mut hits, mut of) = (0_usize, 0_usize);
    for (question, fifth) in asked {
        let began = Instant::now();
        let found = memory.similar(&cluster, question, MOST, None).await.unwrap();
        times.push(began.elapsed());
        if let Some(fifth) = fifth {
            // One that is as near as the fifth is right, whichever of those alike it is.
            hits += found.cases.iter().filter(|(_, near)| *near >= fifth - 1e-6).count().min(MOST);
            of += MOST;
        }
    }
    times.sort();
    let at = |share: usize| times[(times.len() * share).div_ceil(100).max(1) - 1];
    println!(
        "{what:<28} {} searches, p50 {:?}, p99 {:?}, worst {:?}; found {hits} of {of} nearest",
        times.len(),
        at(50),
        at(99),
        at(100)
    );
}

async fn in_postgres(server: &str, cases: &[Remembered], asked: &[(Vector, Option<f64>)]) {
    let name = format!("ph_similar_{}", std::process::id());
    let mut url = url::Url::parse(server).unwrap();
    let run = async |url: &str, sql: String| {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    };
    run(server, format!("CREATE DATABASE {name}")).await;
    url.set_path(&name);
    let inside = url.to_string();
    let password = SecretString::from(url.password().unwrap().to_string());
    url.set_password(None).unwrap();
    let address = Address::new(&url, Some(&password), Tls::Auto, None).unwrap();
    let clock = Arc::new(SystemClock::start());
    let limits = Limits { slow_after_s: 60, ..Limits::shipped(Destination::VectorDb) };
    let memory =
        PostgresMemory::new(&address, Line::new(Destination::VectorDb, limits, "", 0, clock));
    println!("{}", memory.health().await.unwrap());
    run(&inside, "DROP INDEX pilothouse_memory.past_case_nearest".into()).await;
    let (cluster, head) = (ClusterId::new("bench"), Head { seq: 1, hash: "bench".into() });
    for chunk in cases.chunks(500) {
        memory.remember(&cluster, chunk, &head).await.unwrap();
    }
    let count = |count: i64| format!("UPDATE pilothouse_memory.reached SET cases = {count}");
    run(&inside, count(EXACT_TO)).await;
    measure("PostgreSQL, every case", &memory, &asked[..asked.len() / 5]).await;
    let began = Instant::now();
    run(
        &inside,
        "SET maintenance_work_mem = '256MB'; CREATE INDEX past_case_nearest ON pilothouse_memory.past_case \
         USING hnsw (vector vector_cosine_ops) WITH (m = 16, ef_construction = 100); \
         ANALYZE pilothouse_memory.past_case"
            .into(),
    )
    .await;
    println!("the HNSW index was made in {:?}", began.elapsed());
    run(&inside, count(EXACT_TO + 1)).await;
    measure("PostgreSQL, HNSW", &memory, asked).await;
    memory.close().await;
    run(server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut numbers = Numbers(7);
    let cases = (0..CASES).map(|number| past(number, numbers.vector())).collect::<Vec<_>>();
    // Brute force takes its time: for some of them it is known what is right.
    let asked = (0..1_000)
        .map(|number| {
            let question = numbers.vector();
            let right = (number % 25 == 0).then(|| fifth(&cases, &question));
            (question, right)
        })
        .collect::<Vec<_>>();
    runtime.block_on(async {
        let memory = EmbeddedMemory::default();
        let head = Head { seq: 1, hash: "bench".into() };
        let began = Instant::now();
        memory.remember(&ClusterId::new("bench"), &cases, &head).await.unwrap();
        println!("{CASES} cases of {DIMENSIONS} numbers, remembered in {:?}", began.elapsed());
        measure("in the process", &memory, &asked[..50]).await;
        measure("in the process", &memory, &asked).await;
        match std::env::var("PILOTHOUSE_TEST_POSTGRES") {
            Ok(server) => {
                let whole = in_postgres(&server, &cases, &asked);
                let in_time = tokio::time::timeout(Duration::from_hours(1), whole).await;
                in_time.expect("PostgreSQL within an hour");
            }
            Err(_) => println!(
                "left out: PostgreSQL (no PILOTHOUSE_TEST_POSTGRES; see tests/env/README.md)"
            ),
        }
    });
}
