//! A server that answers as a healthy one never does. The only place where no real API server is behind.

use crate::fake::{Fake, Reply};
use crate::world::{HOLDER, connect, deployment, plain_kubeconfig, raise, send_holding};
use pilothouse::adapters::kube::{KubeCluster, KubeOptions};
use pilothouse::domain::evidence::{Answer, Read};
use pilothouse::domain::id::AttemptId;
use pilothouse::domain::operation::Operation;
use pilothouse::domain::resource::ObjectRef;
use pilothouse::domain::workflow::execution::AttemptOutcome;
use pilothouse::ports::cluster::{Cluster, ClusterError, Probe};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn live() -> Value {
    let mut object = deployment("api");
    object["metadata"] =
        json!({"name": "api", "namespace": "ns", "uid": "u1", "resourceVersion": "7"});
    object
}

fn operation() -> Operation {
    raise(&ObjectRef::of(&live()).unwrap(), "512Mi")
}

fn status(code: u16) -> Reply {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": "Test", "message": format!("server says {code}")});
    Reply::json(code, &body)
}

async fn cluster(fake: &Fake) -> Arc<KubeCluster> {
    let kubeconfig = plain_kubeconfig(fake.port);
    connect(KubeOptions {
        kubeconfig: Some(kubeconfig.path.clone()),
        timeout: Duration::from_secs(2),
        ..KubeOptions::default()
    })
    .await
}

/// Reads are answered well; what happens to the change is `patch`.
async fn send_to(patch: Reply) -> (AttemptOutcome, usize) {
    let fake = Fake::new(move |method, path| match method {
        "GET" if path.contains("/leases/") => {
            let lease = json!({"metadata": {"resourceVersion": "1"},
                "spec": {"holderIdentity": HOLDER}});
            Reply::json(200, &lease)
        }
        "GET" => Reply::json(200, &live()),
        _ => patch.clone(),
    })
    .await;
    let outcome =
        send_holding(&cluster(&fake).await, "a1", &operation(), Duration::from_secs(5)).await;
    (outcome, fake.patches.load(Ordering::SeqCst))
}

#[tokio::test]
async fn an_overloaded_or_broken_server_is_never_asked_twice_for_a_change() {
    for code in [500, 502, 503, 504] {
        let (outcome, patches) = send_to(status(code)).await;
        assert!(matches!(outcome, AttemptOutcome::NoAnswer { .. }), "{code}: {outcome:?}");
        assert_eq!(patches, 1, "{code}");
    }
    let (outcome, patches) = send_to(status(429)).await;
    assert!(matches!(outcome, AttemptOutcome::Refused { retryable: true, .. }), "{outcome:?}");
    assert_eq!(patches, 1);
    for code in [400, 401, 403, 404, 422] {
        let (outcome, patches) = send_to(status(code)).await;
        assert!(
            matches!(outcome, AttemptOutcome::Refused { retryable: false, .. }),
            "{code}: {outcome:?}"
        );
        assert_eq!(patches, 1, "{code}");
    }
}

#[tokio::test]
async fn a_conflict_is_tried_again_a_few_times_only() {
    let (outcome, patches) = send_to(status(409)).await;
    assert!(matches!(outcome, AttemptOutcome::Refused { retryable: true, .. }), "{outcome:?}");
    assert!((2..=5).contains(&patches), "{patches}");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_no_answer() {
    let garbage = [
        Reply::Body(200, "<html>hello</html>".into()),
        Reply::Body(200, String::new()),
        Reply::Raw(b"\x00\xff\x00 not http".to_vec()),
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"cut\":".to_vec()),
        Reply::Raw(Vec::new()),
        Reply::Nothing,
    ];
    for reply in garbage {
        let start = Instant::now();
        let (outcome, patches) = send_to(reply.clone()).await;
        assert!(matches!(outcome, AttemptOutcome::NoAnswer { .. }), "{reply:?}: {outcome:?}");
        assert_eq!(patches, 1, "{reply:?}");
        assert!(start.elapsed() < Duration::from_secs(4));
    }
}

#[tokio::test]
async fn a_read_that_fails_is_never_an_empty_answer() {
    let replies = [
        status(429),
        status(500),
        status(503),
        Reply::Body(502, "<html>bad gateway</html>".into()),
        Reply::Body(200, "[1,2".into()),
        Reply::Body(200, "{}".into()),
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"items\":[".to_vec()),
        Reply::Nothing,
    ];
    for reply in replies {
        let shown = format!("{reply:?}");
        let fake = Fake::new(move |_, _| reply.clone()).await;
        let cluster = cluster(&fake).await;
        let list = Read::List {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: "ns".into(),
            labels: String::new(),
        };
        let answer = cluster.read(&list).await;
        assert!(matches!(answer, Answer::Unavailable(_)), "{shown}: {answer:?}");
        let error = cluster.identity().await.unwrap_err();
        assert!(matches!(error, ClusterError::Unavailable(_)), "{shown}: {error:?}");
    }
}

#[tokio::test]
async fn a_look_that_fails_is_later_and_not_done_or_undone() {
    for reply in [status(429), status(500), status(503), status(401), Reply::Nothing] {
        let shown = format!("{reply:?}");
        let fake = Fake::new(move |_, _| reply.clone()).await;
        let probe = cluster(&fake).await.probe(&AttemptId::new("a1"), &operation()).await;
        assert!(matches!(probe, Probe::Later(_)), "{shown}: {probe:?}");
    }
    for reply in [status(403), status(404), Reply::Body(200, "{}".into())] {
        let shown = format!("{reply:?}");
        let fake = Fake::new(move |_, _| reply.clone()).await;
        let probe = cluster(&fake).await.probe(&AttemptId::new("a1"), &operation()).await;
        assert!(matches!(probe, Probe::CantTell(_)), "{shown}: {probe:?}");
    }
}

#[tokio::test]
async fn the_words_of_a_server_are_cleaned_and_hide_secrets() {
    let fake = Fake::new(|_, _| {
        let message = "denied\u{1b}[2J token=abcdef123456 \u{202E}gpj";
        Reply::json(403, &json!({"kind": "Status", "code": 403, "message": message}))
    })
    .await;
    let read = Read::Object(operation().object().unwrap().key.clone());
    let Answer::NotPermitted(why) = cluster(&fake).await.read(&read).await else { panic!() };
    assert_eq!(why, "denied[2J token=<redacted> gpj");
}

#[tokio::test]
async fn a_change_says_who_makes_it_and_asks_for_strict_validation() {
    let fake = Fake::new(|_, _| Reply::json(200, &live())).await;
    cluster(&fake).await.preview(&operation()).await.unwrap();
    let requests = fake.requests.lock().unwrap();
    let change = requests.last().unwrap();
    let line = change.lines().next().unwrap();
    for part in ["PATCH ", "fieldManager=pilothouse", "fieldValidation=Strict", "dryRun=All"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(change.to_lowercase().contains("content-type: application/json-patch+json"));
    // Under the version and uid that were read.
    assert!(change.contains(r#"{"op":"test","path":"/metadata/uid","value":"u1"}"#), "{change}");
    assert!(change.contains(r#""path":"/metadata/resourceVersion","value":"7""#), "{change}");
}
