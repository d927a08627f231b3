//! Prometheus and Alertmanager, the real ones; and servers that answer as they never do.
#![allow(
    clippy::pedantic,
    clippy::collapsible_if,
    clippy::print_stdout,
    reason = "not product code"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is all tests")]
#![allow(clippy::disallowed_methods, reason = "tests own their tasks")]

#[path = "real_cluster/environment.rs"]
mod environment;
#[path = "real_cluster/fake.rs"]
mod fake;

use environment::variable;
use fake::{Fake, Reply};
use pilothouse::adapters::alertmanager::Alertmanager;
use pilothouse::adapters::clock::SystemClock;
use pilothouse::adapters::prometheus::Prometheus;
use pilothouse::domain::breaker::Destination;
use pilothouse::domain::evidence::{Answer, Read, Series};
use pilothouse::ports::alerts::AlertSource;
use pilothouse::ports::clock::Clock;
use pilothouse::ports::line::{Line, Lines};
use pilothouse::ports::metrics::Metrics;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

fn line(to: Destination) -> Line {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    Lines::shipped(&clock).to(to)
}

fn prometheus(url: &str, token: Option<&str>) -> Prometheus {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let clock = Arc::new(SystemClock::start());
    let token = token.map(|text| text.to_owned().into());
    let timeout = Duration::from_secs(5);
    let line = line(Destination::Prometheus);
    Prometheus::new(&Url::parse(url).unwrap(), token, timeout, clock, line).unwrap()
}

fn alertmanager(url: &str) -> Alertmanager {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let line = line(Destination::Alertmanager);
    Alertmanager::new(&Url::parse(url).unwrap(), None, Duration::from_secs(5), line).unwrap()
}

fn query(promql: &str) -> Read {
    Read::Query { promql: promql.into() }
}

async fn series(prometheus: &Prometheus, read: &Read) -> Vec<Series> {
    match prometheus.query(read).await {
        Answer::Series(series) => series,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_real_prometheus_answers_instant_and_range_queries() {
    let Some(url) = variable("PILOTHOUSE_TEST_PROMETHEUS", "real Prometheus") else { return };
    let real = prometheus(&url, None);
    real.probe().await.unwrap();
    assert_eq!(series(&real, &query("vector(7)")).await[0].points[0].1, 7.0);
    assert_eq!(series(&real, &query("scalar(vector(8))")).await[0].points[0].1, 8.0);
    let up = series(&real, &query("up")).await;
    assert!(up.iter().all(|series| series.labels.contains_key("job")), "{up:?}");
    assert!(!up.is_empty());
    let range = Read::Range { promql: "vector(3)".into(), window_s: 60, step_s: 15 };
    let range = series(&real, &range).await;
    assert_eq!(range[0].points.len(), 5);
    assert!(range[0].points.windows(2).all(|pair| pair[1].0 - pair[0].0 == 15.0));
    assert_eq!(series(&real, &query("vector(0) / 0")).await, Vec::new(), "NaN is left out");
    assert_eq!(series(&real, &query("vector(1) / 0")).await, Vec::new(), "infinity too");
    assert_eq!(series(&real, &query("no_such_metric_at_all")).await, Vec::new());
}

#[tokio::test]
async fn a_query_that_is_wrong_is_answered_in_the_servers_words() {
    let Some(url) = variable("PILOTHOUSE_TEST_PROMETHEUS", "real Prometheus") else { return };
    let Answer::Unavailable(why) = prometheus(&url, None).query(&query("sum(")).await else {
        panic!()
    };
    assert!(why.contains("400") && why.contains("parse error"), "{why}");
    let read = Read::Alerts { matching: std::collections::BTreeMap::new() };
    let answer = prometheus(&url, None).query(&read).await;
    assert!(matches!(answer, Answer::Unavailable(_)), "{answer:?}");
}

#[tokio::test]
async fn a_real_alertmanager_lists_what_fires_and_not_what_is_silenced() {
    let Some(url) = variable("PILOTHOUSE_TEST_ALERTMANAGER", "real Alertmanager") else { return };
    let real = alertmanager(&url);
    assert!(real.probe().await.unwrap().starts_with("version "));
    let mark = uuid::Uuid::new_v4().to_string();
    let alert = |name: &str, until: chrono::DateTime<chrono::Utc>| {
        json!([{"labels": {"alertname": name, "mark": mark, "pod": "a\u{1b}[31mb"},
            "annotations": {"summary": "line\nbreak"}, "endsAt": until.to_rfc3339()}])
    };
    let http = reqwest::Client::new();
    let post = |path: &str, body: serde_json::Value| {
        let request = http.post(format!("{url}/api/v2/{path}")).body(body.to_string());
        let request = request.header("content-type", "application/json");
        async move {
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        }
    };
    let now = chrono::Utc::now();
    let later = now + chrono::TimeDelta::minutes(5);
    let silence = json!({"matchers": [
            {"name": "mark", "value": mark, "isRegex": false, "isEqual": true},
            {"name": "alertname", "value": "Silenced", "isRegex": false, "isEqual": true}],
        "startsAt": now.to_rfc3339(), "endsAt": later.to_rfc3339(), "createdBy": "test", "comment": "x"});
    post("silences", silence).await;
    post("alerts", alert("Firing", later)).await;
    post("alerts", alert("Silenced", later)).await;
    let mine = || async {
        let mut mine = real.firing().await.unwrap();
        mine.retain(|alert| alert.labels.get("mark") == Some(&mark));
        mine
    };
    let mut seen = mine().await;
    for _ in 0..100 {
        if seen.len() == 1 && seen[0].name() == "Firing" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        seen = mine().await;
    }
    assert_eq!(seen.iter().map(|alert| alert.name()).collect::<Vec<_>>(), ["Firing"]);
    assert_eq!(seen[0].labels["pod"], "a[31mb");
    assert_eq!(seen[0].annotations["summary"], "line break");
    assert_eq!(seen[0].ends_at, None);
    for name in ["Firing", "Silenced"] {
        post("alerts", alert(name, chrono::Utc::now())).await;
    }
}

#[tokio::test]
async fn what_is_no_answer_of_prometheus_is_unavailable_and_never_empty() {
    let big = "x".repeat(17 * 1024 * 1024);
    let success = r#"{"status":"success","data":{"resultType":"vector","result":"#;
    let replies = [
        Reply::Body(200, "<html>".into()),
        Reply::Body(200, "{}".into()),
        Reply::Body(200, r#"{"status":"error","error":"out of memory"}"#.into()),
        Reply::Body(503, r#"{"status":"error","error":"not ready"}"#.into()),
        Reply::Body(302, String::new()),
        Reply::Body(200, format!("{success}7}}}}")),
        Reply::Body(200, big),
        Reply::Raw(b"\xff\x00garbage".to_vec()),
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec()),
        Reply::Nothing,
    ];
    for reply in replies {
        let shown = format!("{reply:?}").chars().take(80).collect::<String>();
        let fake = Fake::new(move |_, _| reply.clone()).await;
        let server = prometheus(&format!("http://127.0.0.1:{}", fake.port), None);
        let start = Instant::now();
        let answer = server.query(&query("up")).await;
        assert!(matches!(answer, Answer::Unavailable(_)), "{shown}: {answer:?}");
        assert!(start.elapsed() < Duration::from_secs(9), "{shown}");
        let source = alertmanager(&format!("http://127.0.0.1:{}", fake.port));
        assert!(source.firing().await.is_err(), "{shown}");
        assert!(source.probe().await.is_err(), "{shown}");
        assert_eq!(fake.patches.load(std::sync::atomic::Ordering::SeqCst), 0);
    }
    let nowhere = prometheus("http://127.0.0.1:1", None);
    assert!(matches!(nowhere.query(&query("up")).await, Answer::Unavailable(_)));
    assert!(nowhere.probe().await.is_err());
}

#[tokio::test]
async fn a_token_is_sent_and_never_shown() {
    let fake = Fake::new(|_, _| {
        Reply::json(401, &json!({"status": "error", "error": "bad token=s3cr3t-token-1"}))
    })
    .await;
    let server =
        prometheus(&format!("http://127.0.0.1:{}/prefix/", fake.port), Some("s3cr3t-token-1"));
    let Answer::Unavailable(why) = server.query(&query("up")).await else { panic!() };
    assert!(why.contains("401") && !why.contains("s3cr3t"), "{why}");
    let requests = fake.requests.lock().unwrap();
    assert!(requests[0].starts_with("POST /prefix/api/v1/query "), "{requests:?}");
    let bearer = "authorization: bearer s3cr3t-token-1";
    assert!(requests[0].to_lowercase().contains(bearer), "{requests:?}");
    assert!(requests[0].contains("query=up&time="), "{requests:?}");
}

#[test]
fn an_address_that_is_none_is_refused_without_its_password() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = Url::parse("ftp://user:hunter2@host/").unwrap();
    let clock = Arc::new(SystemClock::start());
    let error = {
        let line = line(Destination::Prometheus);
        Prometheus::new(&url, None, Duration::from_secs(1), clock, line).err().unwrap()
    };
    assert!(!error.contains("hunter2"), "{error}");
    let error = {
        let line = line(Destination::Alertmanager);
        Alertmanager::new(&url, None, Duration::from_secs(1), line).err().unwrap()
    };
    assert!(!error.contains("hunter2"), "{error}");
}
