//! An engine on a store that works, but refuses some of what it is handed.
#![allow(clippy::disallowed_methods, reason = "its tasks end with the runtime of each test")]

use crate::fixture::{Place, behind};
use pilothouse::adapters::clock::SystemClock;
use pilothouse::adapters::sim::scenario::Scenario;
use pilothouse::adapters::sim::sim::Sim;
use pilothouse::domain::alert::{Alert, AlertStatus};
use pilothouse::domain::id::{ClusterId, Fingerprint};
use pilothouse::domain::policy::Policy;
use pilothouse::domain::principal::{Principal, Transport};
use pilothouse::domain::remediation::State;
use pilothouse::domain::workflow::template::Library;
use pilothouse::engine::command::{Command, Receipt};
use pilothouse::engine::core::Settings;
use pilothouse::engine::dispatcher::{Dispatcher, Options};
use pilothouse::engine::handle::Handle;
use pilothouse::engine::outside::Outside;
use pilothouse::ports::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// An engine that drives the simulated cluster on the file of `place`.
async fn engine(place: &Place) -> (Handle, Arc<dyn Store>, ClusterId) {
    let sim = Sim::new(Scenario::generated(1, 1), 1);
    let identity = sim.cluster().identity().await.unwrap();
    let policy = Arc::new(Policy::default());
    let store = place.open().await;
    let outside = Outside {
        memory: Arc::new(pilothouse::adapters::memory::embedded::EmbeddedMemory::default()),
        clock: Arc::new(SystemClock::start()),
        entropy: sim.entropy(),
        cluster: sim.cluster(),
        metrics: None,
        advisor: None,
        alerts: None,
        store: Arc::clone(&store),
        library: Arc::new(Library::load(&[])),
        policy: Arc::clone(&policy),
        request_timeout: Duration::from_secs(3),
        lines: sim.lines(),
    };
    let settings = Settings {
        cluster: identity.cluster.clone(),
        name: identity.name,
        policy,
        two_people: false,
        simulated: true,
        routes: Arc::default(),
    };
    let options = Options {
        settings,
        holder: "test/1".into(),
        version: "test".into(),
        lease_ttl_s: 60,
        poll_alerts_s: 0,
        relay: None,
        desk: None,
        channels: BTreeMap::new(),
        simulated: None,
        speed: 1,
    };
    let (dispatcher, handle) = Dispatcher::new(outside, options);
    tokio::spawn(dispatcher.run());
    wait(&handle, |seq| seq > 0).await;
    (handle, store, identity.cluster)
}

async fn wait(handle: &Handle, until: impl Fn(u64) -> bool) {
    let mut pictures = handle.snapshots();
    let seen = pictures.wait_for(|picture| until(picture.seq));
    tokio::time::timeout(Duration::from_secs(20), seen).await.expect("in time").unwrap();
}

fn alert(name: &str) -> Alert {
    let labels = BTreeMap::from([("alertname".to_string(), name.to_string())]);
    Alert {
        fingerprint: Fingerprint::new(format!("f-{name}")),
        status: AlertStatus::Firing,
        labels,
        annotations: BTreeMap::new(),
        starts_at: crate::fixture::moment(0),
        ends_at: None,
    }
}

async fn hand_in(handle: &Handle, names: &[&str]) -> Receipt {
    let alerts = names.iter().map(|name| alert(name)).collect();
    let by = Principal { via: Transport::Socket, ..Principal::engine() };
    let given = handle.command(Command::Alerts { alerts }, by, None);
    tokio::time::timeout(Duration::from_secs(20), given).await.expect("an answer in time")
}

/// From now on the store refuses each event whose payload holds this text.
async fn refuses(place: &Place, text: &str) {
    let sql = format!(
        "CREATE TRIGGER no BEFORE INSERT ON event WHEN instr(CAST(NEW.payload AS TEXT), '{text}') > 0
         BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut behind(place).await).await.unwrap();
}

async fn kinds(store: &dyn Store, cluster: &ClusterId) -> Vec<String> {
    let log = store.read(cluster, 0, 10_000, None).await.unwrap();
    log.into_iter().map(|envelope| envelope.kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_that_cannot_be_stored_is_left_out_with_a_record_and_holds_nothing_up() {
    let place = Place::in_file();
    let (handle, store, cluster) = engine(&place).await;
    refuses(&place, "poison").await;
    let receipt = hand_in(&handle, &["first", "poison", "second"]).await;
    let Receipt::Done { remediations, .. } = receipt else { panic!("{receipt:?}") };
    assert_eq!(remediations.len(), 2, "the two others have their cases");
    assert!(store.waiting(&cluster, 10).await.unwrap().is_empty(), "nothing stays in the way");
    let kinds = kinds(&*store, &cluster).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "opened").count(), 2);
    assert!(kinds.iter().any(|kind| kind == "command_refused"), "its end is on record: {kinds:?}");
    assert_eq!(handle.snapshot().store_down, None, "the store is not down");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_cannot_be_stored_goes_to_a_person_instead_of_being_tried_for_ever() {
    let place = Place::in_file();
    let (handle, store, cluster) = engine(&place).await;
    refuses(&place, "\"diagnosis\"").await;
    let receipt = hand_in(&handle, &["first"]).await;
    assert!(matches!(receipt, Receipt::Done { .. }), "{receipt:?}");
    let mut pictures = handle.snapshots();
    let blocked = pictures.wait_for(|picture| {
        picture.rows.iter().any(|row| row.state == State::Blocked && row.needs_person)
    });
    tokio::time::timeout(Duration::from_secs(20), blocked).await.expect("in time").unwrap();
    assert!(kinds(&*store, &cluster).await.iter().any(|kind| kind == "stuck"));
    assert_eq!(handle.snapshot().store_down, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_refuses_even_the_record_keeps_the_alert_and_counts_as_down() {
    let place = Place::in_file();
    let (handle, store, cluster) = engine(&place).await;
    refuses(&place, "").await;
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { hand_in(&handle, &["first"]).await }
    });
    let mut pictures = handle.snapshots();
    let down = pictures.wait_for(|picture| picture.store_down.is_some());
    tokio::time::timeout(Duration::from_secs(20), down).await.expect("in time").unwrap();
    assert_eq!(store.waiting(&cluster, 10).await.unwrap().len(), 1, "it is not lost");
    waiting.abort();
}
