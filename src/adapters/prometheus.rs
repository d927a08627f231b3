//! Metrics from a Prometheus-compatible HTTP API.
//!
//! Promises: every question has a time limit and its answer a size limit; points that are no numbers are left out; a
//! failure is `Unavailable` with words, never an empty result; nothing is asked past the breaker.
//! Absent on purpose: judging the figures.

use crate::domain::breaker::{self, Down};
use crate::domain::evidence::{Answer, Read, Series};
use crate::domain::text::{clean, error_line, redact, shorten};
use crate::ports::clock::Clock;
use crate::ports::line::Line;
use crate::ports::metrics::Metrics;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Longest answer that is read.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// Most series that are kept of one answer.
const MOST_SERIES: usize = 10_000;

/// A Prometheus-compatible server.
pub struct Prometheus {
    base: Url,
    token: Option<SecretString>,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    line: Line,
}

impl Prometheus {
    /// A client for the server at `base` (`http://prometheus:9090`, or with a path prefix).
    ///
    /// # Errors
    /// The address is of no use, or the system's certificates can't be read.
    pub fn new(
        base: &Url,
        token: Option<SecretString>,
        timeout: Duration,
        clock: Arc<dyn Clock>,
        line: Line,
    ) -> Result<Self, String> {
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(format!("{} is no http address of Prometheus", redact(base.as_str())));
        }
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            // A token must not follow a redirect to another place.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("no HTTP client: {}", error_line(&error, 400)))?;
        Ok(Self { base: base.clone(), token, http, clock, line })
    }

    async fn ask(&self, path: &str, form: &[(&str, String)]) -> Result<Value, String> {
        let calling = self.line.begin().map_err(|refused| refused.to_string())?;
        match self.exchange(path, form).await {
            Ok((status, body)) => {
                let (heard, result) = understood_answer(status, &body);
                calling.end(&heard);
                result
            }
            Err((heard, why)) => {
                calling.end(&heard);
                Err(why)
            }
        }
    }

    /// Status and body of the answer; or what its lack says, in both forms.
    async fn exchange(
        &self,
        path: &str,
        form: &[(&str, String)],
    ) -> Result<(u16, Vec<u8>), (breaker::Answer, String)> {
        let url = below(&self.base, path);
        // POST, since queries outgrow what proxies take in an address.
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = self
            .http
            .post(url)
            .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let mut answer = request.send().await.map_err(|error| no_answer(&error))?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| no_answer(&error))? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                let why = "the answer is longer than 16 MiB: ask for less".to_string();
                return Err((breaker::Answer::No("too long".into()), why));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }

    async fn series(&self, read: &Read) -> Result<Vec<Series>, String> {
        let now = self.clock.now().timestamp();
        let value = match read {
            Read::Query { promql } => {
                let form = [("query", promql.clone()), ("time", now.to_string())];
                self.ask("api/v1/query", &form).await?
            }
            Read::Range { promql, window_s, step_s } => {
                let form = [
                    ("query", promql.clone()),
                    ("start", (now - i64::from(*window_s)).to_string()),
                    ("end", now.to_string()),
                    ("step", (*step_s).max(1).to_string()),
                ];
                self.ask("api/v1/query_range", &form).await?
            }
            Read::Object(_)
            | Read::List { .. }
            | Read::PodsOn { .. }
            | Read::Events { .. }
            | Read::Logs { .. }
            | Read::Alerts { .. } => return Err("this is not a question to Prometheus".into()),
        };
        understood(&value["data"])
    }
}

#[async_trait::async_trait]
impl Metrics for Prometheus {
    async fn query(&self, read: &Read) -> Answer {
        match self.series(read).await {
            Ok(series) => Answer::Series(series),
            Err(why) => Answer::Unavailable(format!("Prometheus: {why}")),
        }
    }

    async fn probe(&self) -> Result<String, String> {
        // A question that needs nothing but a working query engine; `status/buildinfo` is not everywhere.
        let form = [("query", "vector(1)".to_owned())];
        self.ask("api/v1/query", &form).await.map(|_| "answers queries".into())
    }
}

/// What the lack of an answer says of the server, and in words.
fn no_answer(error: &reqwest::Error) -> (breaker::Answer, String) {
    let words = error_line(error, 400);
    let down = if error.is_connect() {
        Down::NoConnection
    } else if error.is_timeout() {
        Down::NoAnswer
    } else if error.is_builder() {
        return (breaker::Answer::Untold, words);
    } else {
        Down::BrokeOff
    };
    (breaker::Answer::Down(down, words.clone()), words)
}

/// What an answer says of the server, and the answer. An error in Prometheus' own form is about the query, but for two.
fn understood_answer(status: u16, body: &[u8]) -> (breaker::Answer, Result<Value, String>) {
    let well = (200..300).contains(&status);
    let no = || breaker::Answer::No(format!("HTTP {status}"));
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if well && value["status"] == "success" => (breaker::Answer::Good, Ok(value)),
        Ok(value) if value["errorType"].is_string() => {
            let words = value["error"].as_str().unwrap_or("no reason given");
            let why = format!("HTTP {status}: {}", harmless(words));
            let down = matches!(value["errorType"].as_str(), Some("unavailable" | "internal"));
            let heard =
                if down { breaker::Answer::Down(Down::SaysDown, why.clone()) } else { no() };
            (heard, Err(why))
        }
        other => {
            let why = match other {
                Ok(value) => {
                    let words = value["error"].as_str().unwrap_or("no reason given");
                    format!("HTTP {status}: {}", harmless(words))
                }
                Err(_) => format!("HTTP {status}, and the answer is not JSON"),
            };
            let heard = if status >= 500 {
                breaker::Answer::Down(Down::SaysDown, why.clone())
            } else {
                no()
            };
            (heard, Err(why))
        }
    }
}

/// The series in the `data` of an answer.
fn understood(data: &Value) -> Result<Vec<Series>, String> {
    let result = &data["result"];
    let kind = data["resultType"].as_str().unwrap_or("");
    match (kind, result.as_array()) {
        ("scalar", Some(pair)) => {
            let points = point(pair).into_iter().collect();
            Ok(vec![Series { labels: BTreeMap::new(), points }])
        }
        ("vector" | "matrix", Some(items)) if items.len() > MOST_SERIES => {
            Err(format!("{} series came, more than {MOST_SERIES}: ask for less", items.len()))
        }
        ("vector" | "matrix", Some(items)) => {
            Ok(items.iter().map(one_series).filter(|series| !series.points.is_empty()).collect())
        }
        (other, _) => Err(format!("a result of kind `{}` is not understood", harmless(other))),
    }
}

fn one_series(item: &Value) -> Series {
    let labels = item["metric"].as_object().into_iter().flatten();
    let labels = labels
        .filter_map(|(name, value)| Some((clean(name), shorten(&clean(value.as_str()?), 1_024))))
        .collect();
    let many = item["values"].as_array().into_iter().flatten().filter_map(Value::as_array);
    let one = item["value"].as_array();
    Series { labels, points: many.chain(one).filter_map(|pair| point(pair)).collect() }
}

/// `[unix seconds, "number"]`; nothing for NaN and infinities, which no comparison could use.
fn point(pair: &[Value]) -> Option<(f64, f64)> {
    let [at, value] = pair else { return None };
    let value = value.as_str()?.parse::<f64>().ok()?;
    value.is_finite().then_some((at.as_f64()?, value))
}

/// An address below the base, whether or not that ends with a slash.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

fn harmless(text: &str) -> String {
    shorten(&redact(&clean(text)), 400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CAPTURED: &str = include_str!("../../tests/fixtures/prometheus_query.json");

    #[test]
    fn a_captured_answer_is_understood() {
        let value = serde_json::from_str::<Value>(CAPTURED).unwrap();
        let series = understood(&value["data"]).unwrap();
        assert_eq!(series.len(), 1);
        assert_eq!(series[0].labels["job"], "prometheus");
        assert_eq!(series[0].points, [(1_795_385_204.054, 1.0)]);
    }

    #[test]
    fn points_that_are_no_numbers_are_left_out() {
        let data = json!({"resultType": "matrix", "result": [
            {"metric": {"pod": "a\u{1b}b"},
             "values": [[1, "NaN"], [2, "+Inf"], [3, "-Inf"], [4, "0.5"], [5], ["x", "1"], [6, 7]]},
            {"metric": {}, "values": [[1, "NaN"]]},
        ]});
        let series = understood(&data).unwrap();
        assert_eq!(series.len(), 1);
        assert_eq!(series[0].points, [(4.0, 0.5)]);
        assert_eq!(series[0].labels["pod"], "ab");
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_not_an_empty_result() {
        for data in [
            json!(null),
            json!({}),
            json!({"resultType": "string", "result": [1, "x"]}),
            json!({"resultType": "vector", "result": {}}),
        ] {
            assert!(understood(&data).is_err(), "{data}");
        }
        let none = json!({"resultType": "vector", "result": []});
        assert_eq!(understood(&none).unwrap(), Vec::new());
    }

    #[test]
    fn only_what_says_that_the_server_is_down_counts_against_it() {
        let own =
            |kind: &str| json!({"status": "error", "errorType": kind, "error": "x"}).to_string();
        let good = r#"{"status":"success","data":{}}"#.to_string();
        for (status, body, down) in [
            (200, good, false),
            (400, own("bad_data"), false),
            (422, own("execution"), false),
            (503, own("timeout"), false),
            (503, own("unavailable"), true),
            (500, own("internal"), true),
            (503, "Service Unavailable".to_string(), true),
            (502, "<html>".to_string(), true),
            (404, "404 page not found".to_string(), false),
            (401, "{}".to_string(), false),
            (200, "not json".to_string(), false),
        ] {
            let (heard, result) = understood_answer(status, body.as_bytes());
            assert_eq!(matches!(heard, breaker::Answer::Down(..)), down, "{status} {body}");
            assert_eq!(result.is_ok(), heard == breaker::Answer::Good, "{status} {body}");
        }
    }

    #[test]
    fn a_path_prefix_is_kept() {
        for base in ["http://h:9090/prom", "http://h:9090/prom/"] {
            let url = below(&Url::parse(base).unwrap(), "api/v1/query");
            assert_eq!(url.as_str(), "http://h:9090/prom/api/v1/query");
        }
    }
}
