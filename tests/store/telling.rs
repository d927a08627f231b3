//! Telling people, at the wire: an engine with real HTTP and SMTP servers as its channels, which are killed, hang, are
//! slow and come back. Nothing is lost, whatever the channel does and whenever the engine dies.
#![allow(clippy::disallowed_methods, reason = "its tasks end with the runtime of each test")]

use crate::fixture::Place;
use crate::listener::{Got, Listener, Mode, Speaks};
use pilothouse::adapters::clock::SystemClock;
use pilothouse::adapters::notify::mail::{Mail, Post, Protection};
use pilothouse::adapters::notify::ntfy::Ntfy;
use pilothouse::adapters::notify::slack::Slack;
use pilothouse::adapters::notify::webhook::Webhook;
use pilothouse::adapters::sim::scenario::Scenario;
use pilothouse::adapters::sim::sim::Sim;
use pilothouse::domain::breaker::{Destination, Limits, Setting, State};
use pilothouse::domain::event::Event;
use pilothouse::domain::notify::{
    ChannelKind, ChannelName, ChannelShown, Route, Routes, Rules, Topic,
};
use pilothouse::domain::policy::Policy;
use pilothouse::domain::principal::{Principal, Transport};
use pilothouse::domain::workflow::template::Library;
use pilothouse::engine::command::{Command, Receipt};
use pilothouse::engine::core::Settings;
use pilothouse::engine::dispatcher::{Dispatcher, Options};
use pilothouse::engine::handle::Handle;
use pilothouse::engine::outside::Outside;
use pilothouse::engine::snapshot::Snapshot;
use pilothouse::ports::channel::Channel;
use pilothouse::ports::clock::Clock;
use pilothouse::ports::line::{Line, Lines};
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

const OWNER: u32 = 1_000;
/// Longest that a state is waited for: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(90);
/// Longest that a channel waits for an answer here.
const TIMEOUT: Duration = Duration::from_secs(2);

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

/// A channel of a kind, on a line.
fn channel(kind: ChannelKind, address: &str, line: Line) -> Arc<dyn Channel> {
    let url = format!("http://{address}/in");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    match kind {
        ChannelKind::Slack => Arc::new(Slack::new(SecretString::from(url), TIMEOUT, line).unwrap()),
        ChannelKind::Webhook => {
            let key = SecretString::from("key of the bus");
            Arc::new(Webhook::new(url.parse().unwrap(), key, TIMEOUT, (line, clock)).unwrap())
        }
        ChannelKind::Ntfy => {
            Arc::new(Ntfy::new(url.parse().unwrap(), None, None, (TIMEOUT, line)).unwrap())
        }
        ChannelKind::Email => Arc::new(Mail::new(post(address), TIMEOUT, line).unwrap()),
    }
}

fn post(address: &str) -> Post {
    let (host, port) = address.split_once(':').unwrap();
    Post {
        host: host.into(),
        port: port.parse().unwrap(),
        protection: Protection::Plain,
        ca_pem: None,
        login: None,
        from: "Pilothouse <pilothouse@example.org>".into(),
        to: vec!["sre@example.org".into()],
    }
}

struct Engine {
    handle: Handle,
    task: JoinHandle<()>,
    place: Place,
}

/// An engine on the file of `place` that drives the simulated cluster and has these channels: name, kind, address.
async fn engine(place: Place, channels: &[(&str, ChannelKind, String)]) -> Engine {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let sim = Sim::new(Scenario::generated(1, 1), 1);
    let identity = sim.cluster().identity().await.unwrap();
    let policy = Arc::new(Policy { owner_uid: OWNER, ..Policy::default() });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let used = channels.iter().map(|(one, _, _)| (Destination::Channel(name(one)), "here".into()));
    let limits = |destination| Limits {
        open_s: 1,
        open_most_s: 2,
        slow_after_s: 1,
        slow_percent: 50,
        ..Limits::shipped(destination)
    };
    let lines = Arc::new(Lines::new(limits, &used.collect(), 7, &clock));
    let rules = |kind| Rules { kind, group_s: 0, quiet: None, give_up_s: 3_600 };
    let dead = Route {
        topics: BTreeSet::from([Topic::DeadLetter]),
        channels: channels.iter().skip(1).map(|(one, _, _)| name(one)).collect(),
        ..Route::default()
    };
    let first = BTreeSet::from([name(channels[0].0)]);
    let all = Route { channels: first, ..Route::default() };
    let routes = Routes {
        channels: channels.iter().map(|(one, kind, _)| (name(one), rules(*kind))).collect(),
        routes: vec![all, dead],
    };
    let outside = Outside {
        clock,
        entropy: sim.entropy(),
        cluster: sim.cluster(),
        metrics: None,
        alerts: None,
        advisor: None,
        memory: Arc::new(pilothouse::adapters::memory::embedded::EmbeddedMemory::default()),
        store: place.open().await,
        library: Arc::new(Library::load(&[])),
        policy: Arc::clone(&policy),
        request_timeout: Duration::from_secs(3),
        lines: Arc::clone(&lines),
    };
    let made = channels.iter().map(|(one, kind, address)| {
        let line = lines.to(Destination::Channel(name(one)));
        (name(one), channel(*kind, address, line))
    });
    let options = Options {
        settings: Settings {
            cluster: identity.cluster,
            name: identity.name,
            policy,
            two_people: false,
            simulated: true,
            routes: Arc::new(routes),
        },
        holder: "test/1".into(),
        version: "test".into(),
        lease_ttl_s: 5,
        poll_alerts_s: 0,
        relay: None,
        desk: None,
        channels: made.collect(),
        simulated: None,
        speed: 1,
    };
    let (dispatcher, handle) = Dispatcher::new(outside, options);
    let task = tokio::spawn(dispatcher.run());
    let engine = Engine { handle, task, place };
    engine.until("it drives", |picture| picture.seq > 0).await;
    engine
}

impl Engine {
    async fn until(&self, what: &str, seen: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut pictures = self.handle.snapshots();
        let found = pictures.wait_for(|picture| seen(picture));
        if let Ok(found) = tokio::time::timeout(PATIENCE, found).await {
            return Arc::clone(&found.unwrap());
        }
        let picture = self.handle.snapshot();
        panic!("not in time: {what}\n{:#?}\n{:#?}", picture.telling, picture.breakers)
    }

    /// Something that people are told of: the breaker of Prometheus is set, or taken back.
    async fn happens(&self, reason: &str) {
        for setting in [Setting::Disabled, Setting::Automatic] {
            let destination = Destination::Prometheus;
            let command =
                Command::Breaker { destination, setting, reason: reason.into(), until: None };
            let receipt = self.command(command).await;
            assert!(matches!(receipt, Receipt::Done { .. }), "{receipt:?}");
        }
    }

    async fn command(&self, command: Command) -> Receipt {
        let by = Principal { via: Transport::Socket, uid: OWNER, ..Principal::engine() };
        let given = self.handle.command(command, by, None);
        tokio::time::timeout(PATIENCE, given).await.expect("an answer in time")
    }

    /// Numbers of all notices in the log for a channel.
    async fn noted(&self, channel: &str) -> BTreeSet<u64> {
        let store = self.place.open().await;
        let cluster = store.clusters().await.unwrap().remove(0);
        let log = store.read(&cluster, 0, 100_000, None).await.unwrap();
        let events = log.iter().map(|envelope| {
            let event = Event::decode(&envelope.kind, envelope.schema, &envelope.payload).unwrap();
            (envelope.seq, event)
        });
        let noted = events.filter(|(_, event)| match event {
            Event::Noticed { to, .. } => to.iter().any(|one| one.channel == name(channel)),
            _ => false,
        });
        noted.map(|(seq, _)| seq).collect()
    }
}

fn shown<'a>(picture: &'a Snapshot, channel: &str) -> &'a ChannelShown {
    picture.telling.channel(name(channel)).unwrap()
}

fn breaker(picture: &Snapshot, channel: &str) -> (State, String) {
    let of = Destination::Channel(name(channel));
    let view = picture.breakers.iter().find(|view| view.destination == of).unwrap();
    (view.state, view.cause.clone())
}

/// Kills, hangs, slows and restores the other side of a channel while things happen: its breaker opens each time, for
/// the right reason, closes when it is back, and everything arrives.
async fn drill(kind: ChannelKind, speaks: Speaks) {
    let mut listener = Listener::start(speaks, Mode::Takes).await;
    let engine = engine(Place::in_file(), &[("a", kind, listener.address())]).await;
    engine.happens("before").await;
    engine.until("the first is told", |picture| shown(picture, "a").told >= 2).await;

    for (mode, cause) in [
        (Mode::Gone, "no connection"),
        (Mode::Cuts, "broke off"),
        (Mode::Hangs, "no answer"),
        (Mode::Slow(Duration::from_millis(1_300)), "or longer"),
    ] {
        listener.turn(mode).await;
        for _ in 0..4 {
            engine.happens(cause).await;
        }
        let opened = engine
            .until(&format!("the breaker opens: {cause}"), |picture| {
                breaker(picture, "a").0 == State::Open
            })
            .await;
        let why = breaker(&opened, "a").1;
        assert!(why.contains(cause), "{kind} {mode:?}: {why}");
        listener.turn(Mode::Takes).await;
        engine
            .until("it closes, and nothing waits", |picture| {
                breaker(picture, "a").0 == State::Closed && shown(picture, "a").waiting == 0
            })
            .await;
    }
    assert_eq!(engine.handle.snapshot().telling.dead, [], "nothing was given up");
    let noted = engine.noted("a").await;
    let taken = listener.taken();
    let told = u64::try_from(noted.len()).unwrap();
    assert_eq!(shown(&engine.handle.snapshot(), "a").told, told);
    assert!(taken.len() >= noted.len(), "{} of {}", taken.len(), noted.len());
    let ids = taken.iter().map(Got::id).collect::<BTreeSet<_>>();
    assert_eq!(ids.len(), noted.len(), "each arrived, and what came twice has one id");
    assert!(taken.iter().all(|got| got.text().contains("log head: event") || got.is_json()));
    engine.task.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_dies_hangs_and_comes_back_loses_nothing() {
    drill(ChannelKind::Webhook, Speaks::Http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_that_dies_hangs_and_comes_back_loses_nothing() {
    drill(ChannelKind::Slack, Speaks::Http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_server_that_dies_hangs_and_comes_back_loses_nothing() {
    drill(ChannelKind::Ntfy, Speaks::Http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_dies_hangs_and_comes_back_loses_nothing() {
    drill(ChannelKind::Email, Speaks::Smtp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_dies_before_it_told_is_followed_by_one_that_tells() {
    let mut listener = Listener::start(Speaks::Http, Mode::Hangs).await;
    let channels = [("a", ChannelKind::Webhook, listener.address())];
    let first = engine(Place::in_file(), &channels).await;
    first.happens("just before the end").await;
    first.until("it waits", |picture| shown(picture, "a").waiting == 2).await;
    first.task.abort();
    let _ended = first.task.await;
    listener.turn(Mode::Takes).await;
    let second = engine(first.place, &channels).await;
    second.until("all is told", |picture| shown(picture, "a").told >= 2).await;
    let noted = second.noted("a").await;
    let ids = listener.taken().iter().map(Got::id).collect::<BTreeSet<_>>();
    assert!(ids.len() >= 2 && noted.len() >= 2, "{ids:?} {noted:?}");
    second.task.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_a_dead_letter_that_another_channel_tells_and_goes_out_when_put_back() {
    let mut listener = Listener::start(Speaks::Http, Mode::Answers(404, "")).await;
    let other = Listener::start(Speaks::Http, Mode::Takes).await;
    let channels = [
        ("a", ChannelKind::Webhook, listener.address()),
        ("b", ChannelKind::Slack, other.address()),
    ];
    let engine = engine(Place::in_file(), &channels).await;
    engine.happens("refused").await;
    let picture = engine.until("two dead letters", |picture| shown(picture, "a").dead == 2).await;
    assert!(picture.telling.dead[0].why.contains("HTTP 404"), "{:?}", picture.telling.dead);
    assert_eq!(breaker(&picture, "a").0, State::Closed, "404 is an answer");
    engine.until("the other channel tells", |picture| shown(picture, "b").told >= 2).await;
    assert!(other.taken()[0].text().contains("HTTP 404"), "{}", other.taken()[0].text());

    listener.turn(Mode::Answers(429, "Retry-After: 3\r\n")).await;
    let again = Command::TellAgain { channel: Some(name("a")), notice: None };
    let receipt = engine.command(again.clone()).await;
    assert!(matches!(receipt, Receipt::Done { .. }), "{receipt:?}");
    engine.until("it is asked to wait", |picture| shown(picture, "a").failed >= 4).await;
    listener.turn(Mode::Takes).await;
    let picture = engine.until("all is told", |picture| shown(picture, "a").told == 2).await;
    assert_eq!(shown(&picture, "a").dead, 0);
    let receipt = engine.command(again).await;
    assert!(matches!(receipt, Receipt::Refused { .. }), "nothing is left: {receipt:?}");
    for got in listener.taken() {
        got.check_signature("key of the bus");
    }
    engine.task.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_does_not_go_in_the_clear_to_a_server_that_can_not_encrypt() {
    use pilothouse::domain::id::ClusterId;
    use pilothouse::domain::notify::Message;
    use pilothouse::ports::channel::Carried;
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let listener = Listener::start(Speaks::Smtp, Mode::Takes).await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let to = Destination::Channel(name("m"));
    let line = Line::new(to, Limits::shipped(to), "", 0, clock);
    let post = Post { protection: Protection::Starttls, ..post(&listener.address()) };
    let mail = Mail::new(post, TIMEOUT, line).unwrap();
    let message = Message {
        channel: name("m"),
        cluster: ClusterId::new("c"),
        cluster_name: "prod".into(),
        head: (1, "aa".into()),
        items: Vec::new(),
        again: false,
    };
    let carried = mail.carry(&message).await;
    assert!(!matches!(carried, Carried::Told(_)), "{carried:?}");
    assert_eq!(listener.taken().len(), 0);
    assert!(!listener.heard().contains("MAIL FROM"), "{}", listener.heard());
}
