//! What every memory of past cases promises. Each sentence runs against the one in the process and against PostgreSQL with
//! pgvector in a database of its own. Then what only the latter promises, and how memory follows a log.
#![allow(
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::duration_suboptimal_units,
    reason = "numbers of a test, which waits in real time, with deadlines"
)]

use crate::fixture::moment;
use crate::postgres::Database;
use pilothouse::adapters::clock::SystemClock;
use pilothouse::adapters::memory::embedded::EmbeddedMemory;
use pilothouse::adapters::memory::postgres::PostgresMemory;
use pilothouse::adapters::memory::postgres::search::EXACT_TO;
use pilothouse::adapters::sim::scenario::Scenario;
use pilothouse::adapters::sim::sim::Sim;
use pilothouse::assemble::demo::{DemoOptions, Play, play};
use pilothouse::assemble::running::runtime;
use pilothouse::assemble::store::memory_store;
use pilothouse::domain::breaker::{Destination, Limits, State};
use pilothouse::domain::diagnosis::{Cause, Pattern};
use pilothouse::domain::effectiveness::Fate;
use pilothouse::domain::envelope::Head;
use pilothouse::domain::id::{BatchId, ClusterId, RemediationId};
use pilothouse::domain::memory::{DIMENSIONS, Features, PastCase, Remembered, VERSION, Vector};
use pilothouse::domain::policy::Policy;
use pilothouse::domain::resource::ObjectKey;
use pilothouse::domain::workflow::template::Library;
use pilothouse::engine::memory::follow;
use pilothouse::engine::outside::Outside;
use pilothouse::ports::line::Line;
use pilothouse::ports::memory::{Found, Memory, MemoryError, Reached};
use pilothouse::ports::store::{Draft, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn line() -> Line {
    let clock = Arc::new(SystemClock::start());
    Line::new(Destination::VectorDb, Limits::shipped(Destination::VectorDb), "", 0, clock)
}

/// Memory in the database, asked again while it is away: on a busy machine a call may take longer than memory waits. What
/// was asked to be remembered may be so or not, and may be asked again.
struct Patient(PostgresMemory);

macro_rules! until_it_is_there {
    ($call:expr) => {{
        let deadline = std::time::Instant::now() + Duration::from_secs(180);
        loop {
            match $call.await {
                Err(MemoryError::Away(_)) if std::time::Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                other => break other,
            }
        }
    }};
}

#[async_trait::async_trait]
impl Memory for Patient {
    async fn reached(&self, cluster: &ClusterId) -> Result<Reached, MemoryError> {
        until_it_is_there!(self.0.reached(cluster))
    }
    async fn remember(
        &self,
        cluster: &ClusterId,
        cases: &[Remembered],
        head: &Head,
    ) -> Result<Reached, MemoryError> {
        until_it_is_there!(self.0.remember(cluster, cases, head))
    }
    async fn similar(
        &self,
        cluster: &ClusterId,
        vector: &Vector,
        most: usize,
        but: Option<&RemediationId>,
    ) -> Result<Found, MemoryError> {
        until_it_is_there!(self.0.similar(cluster, vector, most, but))
    }
    async fn forget(&self, cluster: &ClusterId) -> Result<(), MemoryError> {
        until_it_is_there!(self.0.forget(cluster))
    }
    async fn health(&self) -> Result<String, MemoryError> {
        until_it_is_there!(self.0.health())
    }
}

fn in_database(database: &Database) -> Patient {
    Patient(PostgresMemory::new(&database.address(), line()))
}

macro_rules! every_memory {
    ($($sentence:ident)*) => {
        mod embedded {
            use futures::FutureExt as _;
            $(#[test]
            fn $sentence() {
                let memory = super::EmbeddedMemory::default();
                super::$sentence(&memory).now_or_never().expect("it never waits");
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $sentence() {
                let what = concat!("memory: ", stringify!($sentence));
                if let Some(database) = crate::postgres::Database::make(what).await {
                    let memory = super::in_database(&database);
                    super::$sentence(&memory).await;
                    memory.0.close().await;
                }
            })*
        }
    };
}

every_memory! {
    at_first_there_is_nothing
    the_most_alike_come_first_and_the_case_itself_is_left_out
    those_alike_by_as_much_come_by_their_end_and_then_by_id
    a_case_that_is_remembered_again_stands_once_and_as_it_was_last
    how_far_the_log_was_followed_is_kept_with_the_cases
    clusters_do_not_meet
    what_was_forgotten_is_gone_and_can_be_built_again
    what_is_said_of_a_case_comes_back_as_it_was
}

fn cluster() -> ClusterId {
    crate::fixture::cluster()
}

fn head(seq: u64) -> Head {
    Head { seq, hash: format!("hash of {seq}") }
}

/// Most of the first dimension, `off` of the second.
fn towards(off: i8) -> Vector {
    let mut numbers = [0_i8; DIMENSIONS];
    (numbers[0], numbers[1]) = (100, off);
    Vector::stored(&numbers).unwrap()
}

fn past(id: &str, vector: Vector, ended: i64) -> Remembered {
    let case = PastCase {
        id: RemediationId::new(id),
        version: VERSION,
        features: Features {
            cause: Cause::LimitTooSmall,
            pattern: Pattern::HighMemory,
            kind: "Deployment".into(),
            facts: vec!["oom-killed".into()],
        },
        target: Some(ObjectKey::new("apps/v1", "Deployment", "payments", "ledger")),
        template: Some("high-memory@3".into()),
        fate: Fate::Effective,
        ended_at: moment(ended),
    };
    Remembered { case, vector }
}

async fn ids(memory: &dyn Memory, vector: &Vector, most: usize, but: Option<&str>) -> Vec<String> {
    let but = but.map(RemediationId::new);
    let found = memory.similar(&cluster(), vector, most, but.as_ref()).await.unwrap();
    found.cases.iter().map(|(case, _)| case.id.as_str().to_string()).collect()
}

async fn at_first_there_is_nothing(memory: &dyn Memory) {
    let reached = memory.reached(&cluster()).await.unwrap();
    assert_eq!(reached, Reached { head: Head::empty(), cases: 0 });
    let found = memory.similar(&cluster(), &towards(0), 5, None).await.unwrap();
    assert_eq!(found, Found { cases: Vec::new(), among: 0 });
    memory.forget(&cluster()).await.unwrap();
    memory.health().await.unwrap();
}

async fn the_most_alike_come_first_and_the_case_itself_is_left_out(memory: &dyn Memory) {
    let cases = [("far", 90), ("near", 10), ("same", 0), ("opposite", -120)]
        .map(|(id, off)| past(id, towards(off), 1));
    memory.remember(&cluster(), &cases, &head(9)).await.unwrap();
    assert_eq!(ids(memory, &towards(0), 3, None).await, ["same", "near", "far"]);
    assert_eq!(ids(memory, &towards(0), 3, Some("same")).await, ["near", "far", "opposite"]);
    assert_eq!(ids(memory, &towards(0), 0, None).await, Vec::<String>::new());
    let found = memory.similar(&cluster(), &towards(0), 9, None).await.unwrap();
    assert_eq!((found.cases.len(), found.among), (4, 4));
    for ((case, similarity), wanted) in
        found.cases.iter().zip([1.0, 0.995_037, 0.743_294, 0.640_184])
    {
        assert!((similarity - wanted).abs() < 1e-4, "{}: {similarity}", case.id);
    }
}

async fn those_alike_by_as_much_come_by_their_end_and_then_by_id(memory: &dyn Memory) {
    let cases =
        [("c", 5), ("b", 7), ("a", 5), ("d", 9)].map(|(id, ended)| past(id, towards(3), ended));
    memory.remember(&cluster(), &cases, &head(1)).await.unwrap();
    assert_eq!(ids(memory, &towards(3), 4, None).await, ["d", "b", "a", "c"]);
    assert_eq!(ids(memory, &towards(-3), 2, None).await, ["d", "b"]);
}

async fn a_case_that_is_remembered_again_stands_once_and_as_it_was_last(memory: &dyn Memory) {
    memory.remember(&cluster(), &[past("a", towards(90), 1)], &head(1)).await.unwrap();
    let mut again = past("a", towards(0), 2);
    again.case.fate = Fate::Regressed;
    let reached =
        memory.remember(&cluster(), std::slice::from_ref(&again), &head(2)).await.unwrap();
    assert_eq!(reached, Reached { head: head(2), cases: 1 });
    let found = memory.similar(&cluster(), &towards(0), 5, None).await.unwrap();
    assert_eq!(found.cases, [(again.case, 1.0)]);
}

async fn how_far_the_log_was_followed_is_kept_with_the_cases(memory: &dyn Memory) {
    memory.remember(&cluster(), &[], &head(40)).await.unwrap();
    assert_eq!(memory.reached(&cluster()).await.unwrap(), Reached { head: head(40), cases: 0 });
    memory.remember(&cluster(), &[past("a", towards(1), 1)], &head(90)).await.unwrap();
    assert_eq!(memory.reached(&cluster()).await.unwrap(), Reached { head: head(90), cases: 1 });
}

async fn clusters_do_not_meet(memory: &dyn Memory) {
    let other = ClusterId::new("another");
    memory.remember(&other, &[past("theirs", towards(0), 1)], &head(7)).await.unwrap();
    memory.remember(&cluster(), &[past("ours", towards(50), 1)], &head(3)).await.unwrap();
    assert_eq!(ids(memory, &towards(0), 5, None).await, ["ours"]);
    memory.forget(&cluster()).await.unwrap();
    assert_eq!(memory.reached(&other).await.unwrap(), Reached { head: head(7), cases: 1 });
}

async fn what_was_forgotten_is_gone_and_can_be_built_again(memory: &dyn Memory) {
    for _ in 0..2 {
        let reached = memory.reached(&cluster()).await.unwrap();
        assert_eq!(reached, Reached { head: Head::empty(), cases: 0 });
        memory.remember(&cluster(), &[past("a", towards(0), 1)], &head(5)).await.unwrap();
        assert_eq!(ids(memory, &towards(0), 5, None).await, ["a"]);
        memory.forget(&cluster()).await.unwrap();
        assert_eq!(ids(memory, &towards(0), 5, None).await, Vec::<String>::new());
    }
}

async fn what_is_said_of_a_case_comes_back_as_it_was(memory: &dyn Memory) {
    let mut one = past("a'; DROP", towards(-7), 86_400_123);
    one.case.target = Some(ObjectKey::new("v1", "Pod", "\0\\\u{1f6a8}", "'\"{}"));
    one.case.template = None;
    memory.remember(&cluster(), std::slice::from_ref(&one), &head(1)).await.unwrap();
    let found = memory.similar(&cluster(), &one.vector, 5, None).await.unwrap();
    assert_eq!(found.cases[0].0, one.case);
    assert!((found.cases[0].1 - 1.0).abs() < 1e-6);
}

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// One of 40 directions, and something of its own.
    fn vector(&mut self) -> Vector {
        let mut group = Numbers(self.next() % 40);
        let mut numbers = [0_i8; DIMENSIONS];
        for number in &mut numbers {
            *number = (group.next() % 81) as i8 - 40 + (self.next() % 61) as i8 - 30;
        }
        Vector::stored(&numbers).unwrap()
    }
}

#[tokio::test]
async fn both_give_the_same_answers_and_the_index_misses_hardly_any() {
    let Some(database) = Database::make("memory: the same answers").await else { return };
    let (here, there) = (EmbeddedMemory::default(), in_database(&database));
    let mut numbers = Numbers(7);
    let cases =
        (0..2_000).map(|number| past(&format!("case-{number:05}"), numbers.vector(), number));
    let cases = cases.collect::<Vec<_>>();
    for chunk in cases.chunks(100) {
        here.remember(&cluster(), chunk, &head(1)).await.unwrap();
        there.remember(&cluster(), chunk, &head(1)).await.unwrap();
    }
    let questions = (0..40).map(|_| numbers.vector()).collect::<Vec<_>>();
    let mut wanted = Vec::new();
    for question in &questions {
        let ours = here.similar(&cluster(), question, 5, None).await.unwrap();
        let theirs = there.similar(&cluster(), question, 5, None).await.unwrap();
        assert_eq!((ours.among, theirs.among), (2_000, 2_000));
        for (one, other) in ours.cases.iter().zip(&theirs.cases) {
            assert_eq!(one.0, other.0);
            assert!((one.1 - other.1).abs() < 1e-4, "{} {}", one.1, other.1);
        }
        wanted.push(ours.cases);
    }
    // As if there were too many to compare each one.
    let many = format!("UPDATE pilothouse_memory.reached SET cases = {}", EXACT_TO + 1);
    database.run(&many).await;
    let (mut hits, mut of) = (0, 0);
    for (question, wanted) in questions.iter().zip(&wanted) {
        let found = there.similar(&cluster(), question, 5, None).await.unwrap();
        let known = |id: &RemediationId| found.cases.iter().any(|(case, _)| case.id == *id);
        hits += wanted.iter().filter(|(case, _)| known(&case.id)).count();
        of += wanted.len();
    }
    println!("the index found {hits} of {of}");
    assert!(hits * 100 >= of * 95, "the index found {hits} of {of}");
    there.0.close().await;
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone_and_what_was_dropped_is_made_again() {
    let Some(database) = Database::make("memory: strangers").await else { return };
    let unusable = async |memory: &Patient| match memory.reached(&cluster()).await {
        Err(MemoryError::Unusable(why)) => why,
        other => panic!("{other:?}"),
    };
    database
        .run("CREATE SCHEMA pilothouse_memory; CREATE TABLE pilothouse_memory.cargo (id int)")
        .await;
    let memory = in_database(&database);
    assert!(unusable(&memory).await.contains("another program"));
    database.run("DROP TABLE pilothouse_memory.cargo").await;
    memory.remember(&cluster(), &[past("a", towards(0), 1)], &head(3)).await.unwrap();

    database
        .run("ALTER TABLE pilothouse_memory.past_case ALTER vector TYPE vector(3) USING '[1,2,3]'")
        .await;
    let wrong = memory.remember(&cluster(), &[past("b", towards(0), 1)], &head(4)).await;
    assert!(
        matches!(&wrong, Err(MemoryError::Unusable(why)) if why.contains("dimensions")),
        "{wrong:?}"
    );
    assert_eq!(memory.reached(&cluster()).await.unwrap().head, head(3), "both or neither");

    database
        .run("INSERT INTO pilothouse_memory.schema_version (version, name) VALUES (9, 'later')")
        .await;
    let why = unusable(&in_database(&database)).await;
    assert!(why.contains("schema 9") && why.contains("newer release"), "{why}");

    database.run("DROP SCHEMA pilothouse_memory CASCADE").await;
    assert!(unusable(&memory).await.contains("not there any more"));
    let reached = memory.reached(&cluster()).await.unwrap();
    assert_eq!(
        reached,
        Reached { head: Head::empty(), cases: 0 },
        "it is built again from the log"
    );
    memory.0.close().await;
}

#[tokio::test]
async fn several_engines_that_open_it_at_once_make_it_once() {
    let Some(database) = Database::make("memory: several at once").await else { return };
    let memories = (0..4).map(|_| in_database(&database)).collect::<Vec<_>>();
    let made = futures::future::join_all(memories.iter().map(Memory::health)).await;
    for said in made {
        assert!(said.unwrap().contains("pgvector"));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_away_and_its_breaker_opens() {
    let Some(database) = Database::make("memory: no server").await else { return };
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address =
        database.address_through(nobody, pilothouse::adapters::database::address::Tls::Auto, None);
    let line = line();
    let memory = PostgresMemory::new(&address, line.clone());
    for _ in 0..3 {
        let away = memory.reached(&cluster()).await;
        assert!(matches!(away, Err(MemoryError::Away(_))), "{away:?}");
    }
    assert_eq!(line.state(), State::Open);
    let why = memory.similar(&cluster(), &towards(0), 5, None).await.unwrap_err().to_string();
    assert!(why.contains("breaker vector-db is open since"), "{why}");
}

/// What following needs, over a log and a memory.
fn outside(store: Arc<dyn Store>, memory: Arc<dyn Memory>) -> Outside {
    let sim = Sim::new(Scenario::generated(1, 1), 1);
    Outside {
        clock: sim.clock(),
        entropy: sim.entropy(),
        cluster: sim.cluster(),
        metrics: None,
        alerts: None,
        advisor: None,
        store,
        memory,
        library: Arc::new(Library::load(&[])),
        policy: Arc::new(Policy::default()),
        request_timeout: Duration::from_secs(3),
        lines: sim.lines(),
    }
}

/// The log of a simulated night, and the cluster that it is of.
fn night() -> (Arc<dyn Store>, ClusterId) {
    let runtime = runtime().unwrap();
    let options = DemoOptions { scenario: Play::Generated(12), seed: 3, speed: 1 };
    let (_, store) = play(&options, "test", &runtime).unwrap();
    let clusters = runtime.block_on(store.clusters()).unwrap();
    (store, clusters[0].clone())
}

async fn whole(outside: &Outside, cluster: &ClusterId) -> Reached {
    loop {
        let followed = follow(outside, cluster).await.unwrap();
        if !followed.more {
            return followed.reached;
        }
    }
}

#[test]
fn memory_follows_a_log_to_its_end_and_knows_one_of_another_log() {
    let (store, of) = night();
    let runtime = runtime().unwrap();
    let memory: Arc<dyn Memory> = Arc::new(EmbeddedMemory::default());
    let outside = outside(store.clone(), memory.clone());
    runtime.block_on(async {
        let reached = whole(&outside, &of).await;
        assert_eq!(reached.head, store.head(&of).await.unwrap());
        assert!(reached.cases >= 5, "{reached:?}");
        let again = whole(&outside, &of).await;
        assert_eq!(again, reached);
        // The store was made anew: its log is shorter, and another.
        let clock = Arc::new(SystemClock::start());
        let anew = Outside { store: memory_store(clock), ..outside.clone() };
        let lease = anew.store.acquire(&of, "test", 60).await.unwrap();
        let draft = Draft {
            at: moment(0),
            by: "test".into(),
            cause: "test".into(),
            subject: None,
            kind: "noted".into(),
            schema: 1,
            payload: b"{}".to_vec(),
        };
        let batch = BatchId::new("b1");
        anew.store
            .append(&lease, &Head::empty(), &batch, vec![draft], vec![], vec![])
            .await
            .unwrap();
        let reached = whole(&anew, &of).await;
        assert_eq!((reached.head.seq, reached.cases), (1, 0));
        // Back on the old one it is built again.
        assert!(whole(&outside, &of).await.cases >= 5);
    });
}

/// Memory that can be taken away.
struct Absent {
    inner: EmbeddedMemory,
    away: AtomicBool,
    breaks: AtomicBool,
}

impl Absent {
    fn there(&self) -> Result<&EmbeddedMemory, MemoryError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(MemoryError::Away("unplugged".into()));
        }
        Ok(&self.inner)
    }
}

#[async_trait::async_trait]
impl Memory for Absent {
    async fn reached(&self, cluster: &ClusterId) -> Result<Reached, MemoryError> {
        self.there()?.reached(cluster).await
    }
    async fn remember(
        &self,
        cluster: &ClusterId,
        cases: &[Remembered],
        head: &Head,
    ) -> Result<Reached, MemoryError> {
        // Once it says how far it came, and is gone before it is told more.
        if self.breaks.swap(false, Ordering::SeqCst) {
            self.away.store(true, Ordering::SeqCst);
        }
        self.there()?.remember(cluster, cases, head).await
    }
    async fn similar(
        &self,
        cluster: &ClusterId,
        vector: &Vector,
        most: usize,
        but: Option<&RemediationId>,
    ) -> Result<Found, MemoryError> {
        self.there()?.similar(cluster, vector, most, but).await
    }
    async fn forget(&self, cluster: &ClusterId) -> Result<(), MemoryError> {
        self.there()?.forget(cluster).await
    }
    async fn health(&self) -> Result<String, MemoryError> {
        self.there()?.health().await
    }
}

#[test]
fn what_ends_while_memory_is_away_waits_in_the_log_and_is_all_remembered() {
    let (store, of) = night();
    let runtime = runtime().unwrap();
    let memory = Arc::new(Absent {
        inner: EmbeddedMemory::default(),
        away: AtomicBool::new(true),
        breaks: AtomicBool::new(true),
    });
    let broken = outside(store.clone(), memory.clone());
    runtime.block_on(async {
        let wanted = whole(&outside(store, Arc::new(EmbeddedMemory::default())), &of).await;
        let mut refused = 0;
        loop {
            match follow(&broken, &of).await {
                Ok(followed) if !followed.more => {
                    assert_eq!(followed.reached, wanted);
                    break;
                }
                Ok(_) => {}
                Err(why) => {
                    assert!(why.contains("memory is away: unplugged"), "{why}");
                    refused += 1;
                    memory.away.store(false, Ordering::SeqCst);
                }
            }
        }
        assert_eq!(refused, 2, "it was away, and went away in between");
    });
}
