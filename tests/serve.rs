//! The edges over real HTTP and real Unix sockets, with a small engine-end that answers as it is told.

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

use pilothouse::adapters::relay::SocketRelay;
use pilothouse::domain::id::RemediationId;
use pilothouse::domain::policy::Mode;
use pilothouse::domain::principal::{KubeIdentity, Principal, Transport};
use pilothouse::domain::time::{Timestamp, plus};
use pilothouse::engine::command::{Command, Receipt, Refusal, Request};
use pilothouse::engine::handle::{Handle, REQUEST_CAPACITY, ToEngine};
use pilothouse::engine::snapshot::{Role, Snapshot, Source};
use pilothouse::ports::relay::Relay as _;
use pilothouse::serve::{http, socket};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const NOW: &str = "2026-11-23T03:14:22Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn snapshot(role: Role) -> Snapshot {
    Snapshot {
        telling: Arc::default(),
        cluster: "prod-eu1".into(),
        simulated: None,
        mode: Mode::Approve,
        role,
        stop: None,
        store_down: None,
        records: std::sync::Arc::default(),
        rows: Arc::new(Vec::new()),
        open: Arc::new(BTreeMap::new()),
        history: Arc::default(),
        seq: 48_211,
        last: None,
        log: Arc::new(Vec::new()),
        sources: vec![
            Source { name: "cluster", ok: Some(true), good_at: None, note: String::new() },
            Source { name: "prometheus", ok: None, good_at: None, note: String::new() },
        ],
        breakers: Arc::new(Vec::new()),
        firing: 23,
        at: now(),
        speed: 1,
    }
}

/// An engine-end: keeps what it was asked, and answers with one receipt.
struct Engine {
    handle: Handle,
    asked: Arc<Mutex<Vec<Request>>>,
    picture: watch::Sender<Arc<Snapshot>>,
    stop: CancellationToken,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn engine(role: Role, receipt: Receipt) -> Engine {
    let (to, mut from) = mpsc::channel(REQUEST_CAPACITY);
    let (picture, pictures) = watch::channel(Arc::new(snapshot(role)));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = asked.clone();
    tokio::spawn(async move {
        while let Some(message) = from.recv().await {
            if let ToEngine::Command(request, answer) = message {
                kept.lock().unwrap().push(request);
                let _gone = answer.send(receipt.clone());
            }
        }
    });
    let stop = CancellationToken::new();
    Engine { handle: Handle::new(to, pictures), asked, picture, stop }
}

fn done() -> Receipt {
    Receipt::Done {
        event: 7,
        note: "taken".into(),
        remediations: vec![RemediationId::new("t4dxk7qmb2vnp6hw")],
    }
}

fn refused(refusal: Refusal) -> Receipt {
    Receipt::Refused { refusal, why: "the store can't be written".into() }
}

async fn listening(engine: &Engine, token: Option<&str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (handle, stop) = (engine.handle.clone(), engine.stop.child_token());
    let token = token.map(secrecy::SecretString::from);
    tokio::spawn(http::run(listener, handle, token, stop));
    address
}

/// One HTTP request by hand, so that nothing is made nicer than it is. Status, head and body.
async fn request(address: &str, head: &str, body: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut read, mut write) = stream.split();
    let head =
        format!("{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    let send = async {
        write.write_all(head.as_bytes()).await?;
        write.write_all(body).await
    };
    let mut answer = Vec::new();
    let receive = read.read_to_end(&mut answer);
    let (sent, received) = tokio::join!(send, receive);
    sent.expect("the whole request is read by the server");
    received.expect("an answer comes");
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_string())
}

async fn post(address: &str, body: &[u8]) -> (u16, String, Value) {
    let (status, head, body) = request(address, "POST /alertmanager HTTP/1.1", body).await;
    (status, head, serde_json::from_str(&body).expect("every answer is JSON"))
}

fn payload() -> Vec<u8> {
    json!({
        "version": "4",
        "status": "firing",
        "receiver": "pilothouse",
        "alerts": [{
            "status": "firing",
            "labels": { "alertname": "KubePodCrashLooping", "namespace": "shop", "pod": "web-1" },
            "annotations": {},
            "startsAt": "2026-11-23T03:10:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "cf712301548eb2b4",
        }],
        "somethingNew": true,
    })
    .to_string()
    .into_bytes()
}

#[tokio::test]
async fn alerts_are_acknowledged_once_the_engine_says_they_are_durable() {
    let engine = engine(Role::Driving, done());
    let address = listening(&engine, None).await;
    let (status, _, body) = post(&address, &payload()).await;
    assert_eq!((status, &body["accepted"]), (200, &json!(1)));
    assert_eq!(body["remediations"], json!(["t4dxk7qmb2vnp6hw"]));
    let asked = engine.asked.lock().unwrap();
    let Command::Alerts { alerts } = &asked[0].command else { panic!("{:?}", asked[0]) };
    assert_eq!(alerts[0].name(), "KubePodCrashLooping");
    assert_eq!((asked[0].by.via, asked[0].by.host.as_str()), (Transport::Webhook, "127.0.0.1"));
    assert_eq!(asked[0].not_after, None);
}

#[tokio::test]
async fn a_store_that_is_down_is_503_with_retry_after_so_that_alertmanager_sends_again() {
    let engine = engine(Role::Driving, refused(Refusal::Unavailable));
    let address = listening(&engine, None).await;
    let (status, head, body) = post(&address, &payload()).await;
    assert_eq!(status, 503);
    assert!(head.contains("retry-after: 10"), "{head}");
    assert!(body["error"].as_str().unwrap().contains("the store can't be written"), "{body}");
}

#[tokio::test]
async fn an_engine_that_ended_is_503_and_never_200() {
    let (to, from) = mpsc::channel(1);
    drop(from);
    let (_picture, pictures) = watch::channel(Arc::new(snapshot(Role::Driving)));
    let mut ended = engine(Role::Driving, done());
    ended.handle = Handle::new(to, pictures);
    let address = listening(&ended, None).await;
    assert_eq!(post(&address, &payload()).await.0, 503);
}

#[tokio::test]
async fn broken_json_is_400_with_line_and_column() {
    let engine = engine(Role::Driving, done());
    let address = listening(&engine, None).await;
    let (status, _, body) = post(&address, b"{\n  \"version\": \"4\",\n  oops\n}").await;
    assert_eq!((status, &body["line"], &body["column"]), (400, &json!(3), &json!(3)), "{body}");
    let (status, _, body) = post(&address, b"").await;
    assert_eq!(status, 400, "{body}");
    let (status, _, body) =
        post(&address, b"{\"version\":\"4\",\"alerts\":[{\"status\":\"firing\"}]}").await;
    assert_eq!((status, &body["accepted"]), (400, &json!(0)), "{body}");
    assert!(engine.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_body_of_50_mib_is_413_as_json_and_its_sender_gets_to_read_that() {
    let engine = engine(Role::Driving, done());
    let address = listening(&engine, None).await;
    let (status, _, body) = post(&address, &vec![b' '; 50 * 1024 * 1024]).await;
    assert_eq!((status, &body["limit_bytes"]), (413, &json!(8 * 1024 * 1024)), "{body}");
    assert!(engine.asked.lock().unwrap().is_empty());
    let (status, _, _) = post(&address, &payload()).await;
    assert_eq!(status, 200, "the next one is taken");
}

#[tokio::test]
async fn a_payload_of_just_under_the_limit_is_taken() {
    let engine = engine(Role::Driving, done());
    let address = listening(&engine, None).await;
    let mut body = payload();
    body.resize(8 * 1024 * 1024, b'\n');
    assert_eq!(post(&address, &body).await.0, 200);
    body.push(b'\n');
    assert_eq!(post(&address, &body).await.0, 413);
}

#[tokio::test]
async fn with_a_token_configured_nothing_is_taken_without_it() {
    let engine = engine(Role::Driving, done());
    let address = listening(&engine, Some("s3cret")).await;
    let with = |authorization: &str| {
        let head = format!("POST /alertmanager HTTP/1.1{authorization}");
        let address = address.clone();
        async move { request(&address, &head, &payload()).await }
    };
    let (status, head, body) = with("").await;
    assert_eq!(status, 401);
    assert!(head.contains("www-authenticate: bearer") && !body.contains("s3cret"), "{head}{body}");
    assert_eq!(with("\r\nauthorization: Bearer wrong").await.0, 401);
    assert_eq!(with("\r\nauthorization: Bearer s3cre").await.0, 401);
    assert_eq!(with("\r\nauthorization: Basic s3cret").await.0, 401);
    assert!(engine.asked.lock().unwrap().is_empty());
    assert_eq!(with("\r\nauthorization: bearer s3cret").await.0, 200);
    assert_eq!(request(&address, "GET /metrics HTTP/1.1", b"").await.0, 401);
    assert_eq!(request(&address, "GET /healthz HTTP/1.1", b"").await.0, 200);
}

#[tokio::test]
async fn a_page_in_a_browser_can_not_hand_in_alerts() {
    let engine = engine(Role::Driving, done());
    let address = listening(&engine, None).await;
    let head =
        "POST /alertmanager HTTP/1.1\r\norigin: https://evil.example\r\ncontent-type: text/plain";
    assert_eq!(request(&address, head, &payload()).await.0, 403);
    assert!(engine.asked.lock().unwrap().is_empty());
    let head = "POST /alertmanager HTTP/1.1\r\ncontent-type: text/plain";
    assert_eq!(request(&address, head, &payload()).await.0, 200, "curl -d is welcome");
}

#[tokio::test]
async fn readiness_says_why_not_and_metrics_leave_out_what_is_not_known() {
    let engine = engine(Role::Driving, done());
    let address = listening(&engine, None).await;
    assert_eq!(request(&address, "GET /readyz HTTP/1.1", b"").await.0, 200);
    let mut down = snapshot(Role::Driving);
    down.store_down = Some(("disk full".into(), now()));
    engine.picture.send(Arc::new(down)).unwrap();
    let (status, _, body) = request(&address, "GET /readyz HTTP/1.1", b"").await;
    assert_eq!(status, 503);
    assert!(body.contains("disk full"), "{body}");
    let (status, _, text) = request(&address, "GET /metrics HTTP/1.1", b"").await;
    assert_eq!(status, 200);
    assert!(text.contains("pilothouse_log_events_total 48211\n"), "{text}");
    assert!(text.contains("pilothouse_engine_role{role=\"driving\"} 1\n"), "{text}");
    assert!(text.contains("pilothouse_source_up{source=\"cluster\"} 1\n"), "{text}");
    assert!(!text.contains("source=\"prometheus\""), "not tried yet: no sample\n{text}");
    assert!(text.contains("pilothouse_store_writable 0\n"), "{text}");
    let (status, _, _) = request(&address, "GET /nowhere HTTP/1.1", b"").await;
    assert_eq!(status, 404);
}

fn opened(engine: &Engine, path: &Path) {
    let (handle, stop) = (engine.handle.clone(), engine.stop.child_token());
    tokio::spawn(socket::run(path.to_path_buf(), handle, Arc::new(now), stop));
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come to this: {what}");
}

fn answers(path: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(path).is_ok()
}

fn claimed() -> Principal {
    Principal {
        os_user: "root".into(),
        uid: 0,
        kube: Some(KubeIdentity { username: "mira@corp".into(), groups: vec!["sre".into()] }),
        host: "10.20.4.17".into(),
        tty: "pts/3".into(),
        via: Transport::Console,
    }
}

#[tokio::test]
async fn a_command_through_the_socket_is_stamped_with_the_kernels_word_for_the_user() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pilothouse.sock");
    let engine = engine(Role::Driving, done());
    opened(&engine, &path);
    until("the socket is there", || answers(&path)).await;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let command = Command::Claim { remediation: RemediationId::new("t4dxk7qmb2vnp6hw") };
    let text = serde_json::to_string(&command).unwrap();
    let mut liar = claimed();
    liar.uid = 4_242;
    liar.os_user = "somebody-else".into();
    let answer = SocketRelay::new(path).send(&liar, &text).await.unwrap();
    assert_eq!(serde_json::from_str::<Receipt>(&answer).unwrap(), done());

    let asked = engine.asked.lock().unwrap();
    let by = &asked[0].by;
    assert_eq!(asked[0].command, command);
    assert_eq!(by.uid, rustix::process::getuid().as_raw());
    assert_ne!(by.os_user, "somebody-else");
    assert_eq!(by.via, Transport::Socket);
    assert_eq!(by.kube.as_ref().unwrap().username, "mira@corp");
    assert_eq!((by.host.as_str(), by.tty.as_str()), ("10.20.4.17", "pts/3"));
    assert_eq!(asked[0].not_after, Some(plus(now(), 30)));
}

async fn line(path: &Path, bytes: &[u8]) -> Receipt {
    let mut stream = UnixStream::connect(path).await.unwrap();
    // The engine may answer and close before it has read all of a line that is too long.
    let _early = stream.write_all(bytes).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    serde_json::from_str(&answer).expect("every answer is a receipt")
}

#[tokio::test]
async fn what_is_no_command_is_refused_and_nothing_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.sock");
    let engine = engine(Role::Driving, done());
    opened(&engine, &path);
    until("the socket is there", || answers(&path)).await;
    let stop = json!({ "command": "stop", "reason": "x" });
    for (bytes, says) in [
        (b"nonsense\n".to_vec(), "no command"),
        (json!({ "version": 2, "command": stop }).to_string().into_bytes(), "same release"),
        (
            json!({ "version": 1, "command": stop, "uid": 0 }).to_string().into_bytes(),
            "unknown field `uid`",
        ),
        (
            json!({ "version": 1, "command": { "command": "drop" } }).to_string().into_bytes(),
            "drop",
        ),
    ] {
        let mut bytes = bytes;
        bytes.push(b'\n');
        let Receipt::Refused { refusal, why } = line(&path, &bytes).await else { panic!("taken") };
        assert_eq!(refusal, Refusal::Invalid);
        assert!(why.contains(says), "{why}");
    }
    assert!(engine.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_line_without_end_is_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.sock");
    let engine = engine(Role::Driving, done());
    opened(&engine, &path);
    until("the socket is there", || answers(&path)).await;
    let Receipt::Refused { why, .. } = line(&path, &vec![b'x'; 1024 * 1024 + 1]).await else {
        panic!("taken")
    };
    assert!(why.contains("longer than"), "{why}");
    let relay = SocketRelay::new(path);
    let huge = json!({ "command": "stop", "reason": "x".repeat(2 * 1024 * 1024) }).to_string();
    assert!(relay.send(&claimed(), &huge).await.unwrap_err().contains("fewer alerts"));
}

#[tokio::test]
async fn only_an_engine_that_writes_the_log_listens() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.sock");
    let engine = engine(Role::Following { holder: "other/1".into() }, done());
    opened(&engine, &path);
    engine.picture.send(Arc::new(snapshot(Role::Starting))).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!path.exists());
    engine.picture.send(Arc::new(snapshot(Role::Driving))).unwrap();
    until("it drives and listens", || answers(&path)).await;
    let follow = Role::Following { holder: "other/1".into() };
    engine.picture.send(Arc::new(snapshot(follow))).unwrap();
    until("it follows and the socket is gone", || !path.exists()).await;
}

#[tokio::test]
async fn a_socket_that_a_crash_left_is_replaced_and_a_live_one_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists() && !answers(&path));
    let first = socket::bind(&path).unwrap();
    assert!(socket::bind(&path).unwrap_err().contains("another engine answers"));
    drop(first);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_store_far_down_in_the_file_system_still_has_a_socket() {
    let directory = tempfile::tempdir().unwrap();
    let deep = directory.path().join("d".repeat(60)).join("e".repeat(60));
    std::fs::create_dir_all(&deep).unwrap();
    let path = deep.join("pilothouse.sock");
    let engine = engine(Role::Driving, done());
    opened(&engine, &path);
    until("the socket is there", || path.exists()).await;
    let command = serde_json::to_string(&Command::Stop { reason: "x".into() }).unwrap();
    let answer = SocketRelay::new(path).send(&claimed(), &command).await.unwrap();
    assert_eq!(serde_json::from_str::<Receipt>(&answer).unwrap(), done());
    assert_eq!(engine.asked.lock().unwrap()[0].not_after, None, "a stop never is too old");
}

#[tokio::test]
async fn without_an_engine_the_relay_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let relay = SocketRelay::new(directory.path().join("p.sock"));
    let why = relay.send(&claimed(), "{}").await.unwrap_err();
    assert!(why.contains("no engine listens on"), "{why}");
}
