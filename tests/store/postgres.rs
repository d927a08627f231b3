//! A database of the test's own in the real PostgreSQL of the environment, and what only that kind of store promises.
#![allow(
    clippy::disallowed_methods,
    clippy::duration_suboptimal_units,
    clippy::items_after_statements,
    clippy::print_stdout,
    reason = "tests wait in real time, with deadlines"
)]

use crate::fixture::{Place, all, append, batch, cluster, drafts, head_of, lease};
use pilothouse::adapters::database::address::{Address, Tls};
use pilothouse::adapters::store::postgres::PostgresStore;
use pilothouse::domain::envelope::{Head, verify_chain};
use pilothouse::ports::store::{Store as _, StoreError};
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A database that ends with the test.
pub struct Database {
    pub name: String,
    server: url::Url,
}

impl Database {
    /// A new one, or `None` after saying what is left out.
    pub async fn make(what: &str) -> Option<Self> {
        let Ok(server) = std::env::var("PILOTHOUSE_TEST_POSTGRES") else {
            left_out(what);
            return None;
        };
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ph_store_{}_{number}", std::process::id());
        let server = url::Url::parse(&server).unwrap();
        let database = Self { name, server };
        database.on_server(&format!("CREATE DATABASE {}", database.name)).await;
        Some(database)
    }

    /// What a store connects with.
    pub fn address(&self) -> Address {
        self.address_through(self.server.port().unwrap(), Tls::Auto, None)
    }

    pub fn address_through(&self, port: u16, tls: Tls, ca: Option<&std::path::Path>) -> Address {
        let mut url = self.server.clone();
        let password = SecretString::from(url.password().unwrap().to_string());
        url.set_password(None).unwrap();
        url.set_port(Some(port)).unwrap();
        url.set_path(&self.name);
        Address::new(&url, Some(&password), tls, ca).unwrap()
    }

    /// The database past the store, as its superuser.
    pub async fn behind(&self) -> PgConnection {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        PgConnection::connect(url.as_str()).await.unwrap()
    }

    async fn on_server(&self, sql: &str) {
        let mut connection = PgConnection::connect(self.server.as_str()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_string())).execute(&mut connection).await.unwrap();
    }

    pub async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_string());
        sqlx::raw_sql(sql).execute(&mut self.behind().await).await.unwrap();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A runtime of its own: this one may be ending.
        let dropped = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let mut connection = PgConnection::connect(server.as_str()).await?;
                let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map(drop)
            })
        });
        if let Ok(Err(error)) = dropped.join() {
            println!("the test's database is left behind: {error}");
        }
    }
}

fn left_out(what: &str) {
    let what = format!("store in PostgreSQL: {what}");
    assert!(
        std::env::var_os("PILOTHOUSE_TEST_REQUIRE").is_none(),
        "{what}: PILOTHOUSE_TEST_POSTGRES is missing"
    );
    println!("left out: {what} (no PILOTHOUSE_TEST_POSTGRES; see tests/run)");
    if let Ok(file) = std::env::var("PILOTHOUSE_TEST_LEFT_OUT") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
        writeln!(file, "{what}").unwrap();
    }
}

#[tokio::test]
async fn two_writers_are_kept_apart_by_the_fence_even_while_one_waits_for_the_other() {
    let Some(database) = Database::make("two writers").await else { return };
    let place = Place::Database(database);
    let (first, second) = (place.open().await, place.open().await);
    let old = first.acquire(&cluster(), "engine-a", 1).await.unwrap();
    append(&*first, &old, "b1", drafts(1)).await.unwrap();
    // The other takes over as soon as the lease has lapsed.
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    let new = loop {
        match second.acquire(&cluster(), "engine-b", 600).await {
            Ok(lease) => break lease,
            Err(StoreError::Held { .. }) if std::time::Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(new.fence, old.fence + 1);
    let head = second.head(&cluster()).await.unwrap();
    let (b2, b3) = (batch("b2"), batch("b3"));
    let late = first.append(&old, &head, &b2, drafts(1), vec![], vec![]);
    let right = second.append(&new, &head, &b3, drafts(2), vec![], vec![]);
    let (late, right) = tokio::join!(late, right);
    assert_eq!(late, Err(StoreError::Fenced));
    assert_eq!(right.unwrap().len(), 2);
    verify_chain(Head::empty(), &all(&*second).await).unwrap();
}

#[tokio::test]
async fn a_connection_killed_within_an_append_is_unknown_and_the_same_batch_again_is_written_once()
{
    let Some(database) = Database::make("a killed connection").await else { return };
    let store = Arc::new(PostgresStore::open(&database.address()).await.unwrap());
    let held = lease(&*store).await;
    let head = head_of(&append(&*store, &held, "b1", drafts(1)).await.unwrap());
    // Somebody else holds the lease's row, so that the append hangs within its transaction.
    let mut other = database.behind().await;
    for (name, finish) in [("undone", false), ("repeated", true)] {
        let mut lock = other.begin().await.unwrap();
        sqlx::raw_sql("SELECT * FROM pilothouse.lease FOR UPDATE")
            .execute(&mut *lock)
            .await
            .unwrap();
        let mut appending = tokio::task::spawn({
            let (store, held, head) = (Arc::clone(&store), held.clone(), head.clone());
            async move { store.append(&held, &head, &batch("b2"), drafts(3), vec![], vec![]).await }
        });
        let mut watch = database.behind().await;
        let waits = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND application_name = 'pilothouse'
                       AND wait_event_type = 'Lock'";
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        loop {
            let waiting: i64 = sqlx::query_scalar(waits).fetch_one(&mut watch).await.unwrap();
            if waiting == 1 {
                break;
            }
            // On a slow machine the append may have given up before it was seen to wait.
            if appending.is_finished() {
                break;
            }
            assert!(std::time::Instant::now() < deadline, "the append never waited ({name})");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        sqlx::raw_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'pilothouse'
               AND wait_event_type = 'Lock'",
        )
        .execute(&mut watch)
        .await
        .unwrap();
        let answer = (&mut appending).await.unwrap();
        assert!(matches!(answer, Err(StoreError::Unknown(_))), "{name}: {answer:?}");
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut watch).await.unwrap() > 0 {
            assert!(std::time::Instant::now() < deadline, "the append never ended ({name})");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        lock.rollback().await.unwrap();
        // Observed: nothing of it is there, or it is asked for again and is there once.
        if finish {
            let again = store.append(&held, &head, &batch("b2"), drafts(3), vec![], vec![]).await;
            assert_eq!(again.unwrap().len(), 3);
            let third = store.append(&held, &head, &batch("b2"), drafts(3), vec![], vec![]).await;
            assert_eq!(third.unwrap().len(), 3);
        } else {
            assert_eq!(store.head(&cluster()).await.unwrap(), head);
        }
    }
    let log = all(&*store).await;
    assert_eq!(log.len(), 4);
    verify_chain(Head::empty(), &log).unwrap();
}

#[tokio::test]
async fn an_append_that_commits_after_its_sender_gave_up_is_found_by_the_same_batch() {
    let Some(database) = Database::make("a late commit").await else { return };
    let store = Arc::new(PostgresStore::open(&database.address()).await.unwrap());
    let held = lease(&*store).await;
    let mut other = database.behind().await;
    let mut lock = other.begin().await.unwrap();
    sqlx::raw_sql("SELECT * FROM pilothouse.lease FOR UPDATE").execute(&mut *lock).await.unwrap();
    let head = Head::empty();
    let b1 = batch("b1");
    let first = store.append(&held, &head, &b1, drafts(2), vec![], vec![]);
    let second = async {
        // The first waits for the row already, or will soon: whichever comes first writes, the other finds it.
        let store = PostgresStore::open(&database.address()).await.unwrap();
        let asked = store.append(&held, &head, &b1, drafts(2), vec![], vec![]);
        let freed = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            lock.rollback().await.unwrap();
        };
        tokio::join!(asked, freed).0
    };
    let (first, second) = tokio::join!(first, second);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first, second);
    assert_eq!(all(&*store).await, first);
}

#[tokio::test]
async fn events_are_never_changed_and_a_change_behind_the_trigger_shows_in_the_chain() {
    let Some(database) = Database::make("tampering").await else { return };
    let place = Place::Database(database);
    let store = place.open().await;
    let held = lease(&*store).await;
    append(&*store, &held, "b1", drafts(3)).await.unwrap();
    let Place::Database(database) = &place else { panic!() };
    for sql in [
        "UPDATE pilothouse.event SET who = 'eve'",
        "DELETE FROM pilothouse.event",
        "TRUNCATE pilothouse.event",
    ] {
        let refused = sqlx::raw_sql(sql).execute(&mut database.behind().await).await;
        assert!(refused.unwrap_err().to_string().contains("append-only"), "{sql}");
    }
    database.run("ALTER TABLE pilothouse.event DISABLE TRIGGER ALL").await;
    database.run("UPDATE pilothouse.event SET who = 'eve' WHERE seq = 2").await;
    let broken = verify_chain(Head::empty(), &all(&*store).await).unwrap_err();
    assert!(broken.to_string().contains('2'), "{broken}");
}

#[tokio::test]
async fn a_store_of_a_newer_release_and_a_schema_of_another_program_are_left_alone() {
    let Some(database) = Database::make("strangers").await else { return };
    let refused = async |address: &Address| {
        PostgresStore::open(address).await.err().expect("a refusal").to_string()
    };
    let before = PostgresStore::open_existing(&database.address()).await.err().unwrap();
    assert!(before.to_string().contains("start the engine once"), "{before}");
    database.run("CREATE SCHEMA pilothouse; CREATE TABLE pilothouse.cargo (id int)").await;
    let why = refused(&database.address()).await;
    assert!(why.contains("another program"), "{why}");
    database.run("DROP TABLE pilothouse.cargo").await;
    PostgresStore::open(&database.address()).await.unwrap();
    PostgresStore::open_existing(&database.address()).await.unwrap();
    database.run("INSERT INTO pilothouse.schema_version (version, name) VALUES (9, 'later')").await;
    let why = refused(&database.address()).await;
    assert!(why.contains("schema 9") && why.contains("newer release"), "{why}");
}

#[tokio::test]
async fn several_processes_that_make_the_store_at_once_make_it_once() {
    let Some(database) = Database::make("several at once").await else { return };
    let address = database.address();
    let opened = futures::future::join_all((0..4).map(|_| PostgresStore::open(&address))).await;
    for store in opened {
        store.unwrap().probe().await.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_without_being_shown() {
    let Some(database) = Database::make("a wrong password").await else { return };
    let mut url = database.server.clone();
    url.set_password(None).unwrap();
    url.set_path(&database.name);
    let wrong = SecretString::from("hunter2-hunter2");
    let address = Address::new(&url, Some(&wrong), Tls::Auto, None).unwrap();
    let why = PostgresStore::open(&address).await.err().unwrap().to_string();
    assert!(why.contains("store.password_file") && !why.contains("hunter2"), "{why}");
}
