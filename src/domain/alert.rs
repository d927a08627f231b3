//! Alerts, as Alertmanager reports them.
//!
//! Promises: [`parse`] never panics, names each alert that it leaves out, and takes the others; all text that comes out
//! is cleaned. Absent on purpose: a clock, so an alert that doesn't say when it began is left out, not dated.

use super::id::Fingerprint;
use super::text::{clean, shorten};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most alerts that are taken from one payload.
pub const MOST_ALERTS: usize = 10_000;
/// Most labels, and most annotations, of one alert.
pub const MOST_LABELS: usize = 64;
/// Longest label or annotation value, in bytes; longer ones are shortened in the middle.
pub const LONGEST_VALUE: usize = 4 * 1024;
/// Most lines about what was left out.
const MOST_REJECTIONS: usize = 100;

/// Whether the alert holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// It holds.
    Firing,
    /// It held, and does no more.
    Resolved,
}

/// One firing or resolved alert. All text is already cleaned of control and direction characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Identity.
    pub fingerprint: Fingerprint,
    /// Firing or resolved.
    pub status: AlertStatus,
    /// Labels, `alertname` among them.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it ended; `None` while firing.
    pub ends_at: Option<Timestamp>,
}

impl Alert {
    /// The `alertname` label, or `(no name)`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("(no name)", String::as_str)
    }

    /// The first of these labels that is there and not empty.
    #[must_use]
    pub fn label(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .filter_map(|name| self.labels.get(*name))
            .map(String::as_str)
            .find(|text| !text.is_empty())
    }

    /// The namespace of its labels, as its exporter calls it; empty when they name none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        super::diagnose::place_of(self)
    }

    /// The object that the alert's labels name, as `namespace/kind/name`; empty when they name none.
    #[must_use]
    pub fn object(&self) -> String {
        super::diagnose::named_object(self).map_or_else(String::new, |key| key.path())
    }
}

/// What a payload held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// Alerts that were understood, in the payload's order.
    pub alerts: Vec<Alert>,
    /// One line for each that was left out: which, and why.
    pub rejected: Vec<String>,
}

/// Reads an Alertmanager webhook payload (version 4) or the list that Alertmanager's API v2 answers.
///
/// # Errors
/// The payload as a whole can't be read: broken JSON (with line and column), or neither of the two forms.
pub fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let payload = serde_json::from_slice::<Value>(bytes)
        .map_err(|error| format!("the payload is not valid JSON: {}", clean(&error.to_string())))?;
    match &payload {
        Value::Array(items) => Ok(collect(items, listed_status, 0)),
        Value::Object(body) => {
            match body.get("version") {
                Some(Value::String(version)) if version == "4" => {}
                None => return Err(NEITHER_FORM.into()),
                Some(other) => {
                    let other = shorten(&clean(&other.to_string()), 40);
                    return Err(format!(
                        "webhook version {other} is not supported: expected \"4\""
                    ));
                }
            }
            let Some(Value::Array(items)) = body.get("alerts") else {
                return Err("the webhook payload has no list `alerts`".into());
            };
            let cut = body.get("truncatedAlerts").and_then(Value::as_u64).unwrap_or(0);
            Ok(collect(items, webhook_status, cut))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(NEITHER_FORM.into())
        }
    }
}

const NEITHER_FORM: &str = "the payload is neither an Alertmanager webhook (an object with \
    `version`: \"4\" and `alerts`) nor a list of alerts from its API v2";

/// The identity that Alertmanager gives a set of labels: FNV-1a over the sorted names and values, each followed by
/// the byte 0xff. Labels with empty values count as absent.
#[must_use]
pub fn fingerprint(labels: &BTreeMap<String, String>) -> Fingerprint {
    const PRIME: u64 = 1_099_511_628_211;
    let mut hash = 14_695_981_039_346_656_037_u64;
    for (name, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
        let bytes = name.bytes().chain([0xff]).chain(value.bytes()).chain([0xff]);
        for byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }
    Fingerprint::new(format!("{hash:016x}"))
}

fn collect(items: &[Value], status: StatusOf, cut_off: u64) -> Parsed {
    let mut parsed = Parsed { alerts: Vec::new(), rejected: Vec::new() };
    let mut unnamed = 0_usize;
    for (index, item) in items.iter().take(MOST_ALERTS).enumerate() {
        match read_alert(item, status) {
            Ok(alert) => parsed.alerts.push(alert),
            Err(why) if parsed.rejected.len() < MOST_REJECTIONS => {
                parsed.rejected.push(format!("alert {}: {why}", position(index, item)));
            }
            Err(_) => unnamed += 1,
        }
    }
    if unnamed > 0 {
        parsed.rejected.push(format!("{unnamed} more alerts could not be taken"));
    }
    if items.len() > MOST_ALERTS {
        let over = items.len() - MOST_ALERTS;
        parsed
            .rejected
            .push(format!("{over} alerts beyond the first {MOST_ALERTS} of one payload"));
    }
    if cut_off > 0 {
        parsed
            .rejected
            .push(format!("{cut_off} alerts were cut off by Alertmanager (raise `max_alerts`)"));
    }
    parsed
}

/// Names an alert for a person: its position, and its name if it has one.
fn position(index: usize, item: &Value) -> String {
    let name = item.pointer("/labels/alertname").and_then(Value::as_str).unwrap_or("");
    if name.is_empty() {
        format!("{}", index + 1)
    } else {
        format!("{} ({})", index + 1, shorten(&clean(name), 80))
    }
}

type StatusOf = fn(&Map<String, Value>) -> Result<AlertStatus, String>;

fn webhook_status(alert: &Map<String, Value>) -> Result<AlertStatus, String> {
    match alert.get("status").and_then(Value::as_str) {
        Some("firing") => Ok(AlertStatus::Firing),
        Some("resolved") => Ok(AlertStatus::Resolved),
        Some(other) => Err(format!("status `{}` is unknown", shorten(&clean(other), 40))),
        None => Err("it has no status".into()),
    }
}

fn listed_status(alert: &Map<String, Value>) -> Result<AlertStatus, String> {
    let status = alert.get("status");
    match status.and_then(|status| status.get("state")).and_then(Value::as_str) {
        // Not yet processed: it fires, and nothing is known to hold it back.
        Some("active" | "unprocessed") => Ok(AlertStatus::Firing),
        Some("suppressed") => Err("it is suppressed (silenced or inhibited)".into()),
        Some(other) => Err(format!("state `{}` is unknown", shorten(&clean(other), 40))),
        None => Err("it has no status.state".into()),
    }
}

fn read_alert(item: &Value, status: StatusOf) -> Result<Alert, String> {
    let Value::Object(alert) = item else { return Err("it is not an object".into()) };
    let raw = texts(alert, "labels")?;
    if raw.is_empty() {
        return Err("it has no labels".into());
    }
    let status = status(alert)?;
    let starts_at = moment(alert, "startsAt")?.ok_or("it has no startsAt")?;
    let ends_at = match status {
        AlertStatus::Firing => None,
        AlertStatus::Resolved => moment(alert, "endsAt")?,
    };
    let given = alert.get("fingerprint").and_then(Value::as_str).filter(|text| {
        (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    Ok(Alert {
        fingerprint: given.map_or_else(|| fingerprint(&raw), Fingerprint::new),
        status,
        labels: cleaned(raw, "labels")?,
        annotations: cleaned(texts(alert, "annotations")?, "annotations")?,
        starts_at,
        ends_at,
    })
}

/// The members of `alert[field]`, all of them texts; empty ones count as absent.
fn texts(alert: &Map<String, Value>, field: &str) -> Result<BTreeMap<String, String>, String> {
    let map = match alert.get(field) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(format!("its {field} are not an object")),
    };
    if map.len() > MOST_LABELS {
        return Err(format!("it has {} {field}, more than {MOST_LABELS}", map.len()));
    }
    let mut texts = BTreeMap::new();
    for (name, value) in map {
        let Value::String(text) = value else {
            let name = shorten(&clean(name), 80);
            return Err(format!("`{name}` in its {field} is not a text"));
        };
        if !text.is_empty() {
            texts.insert(name.clone(), text.clone());
        }
    }
    Ok(texts)
}

fn cleaned(raw: BTreeMap<String, String>, field: &str) -> Result<BTreeMap<String, String>, String> {
    let mut out = BTreeMap::new();
    for (name, value) in raw {
        let name = shorten(&clean(&name), 256);
        if out.contains_key(&name) {
            return Err(format!("two of its {field} look the same: `{name}`"));
        }
        out.insert(name, at_most(&clean(&value), LONGEST_VALUE));
    }
    Ok(out)
}

/// Shortens to that many bytes.
fn at_most(text: &str, bytes: usize) -> String {
    let mut chars = bytes;
    let mut short = shorten(text, chars);
    while short.len() > bytes {
        chars = chars * bytes / (short.len() + 1);
        short = shorten(text, chars);
    }
    short
}

/// A moment; the year 1 is Go's way to say that there is none.
fn moment(alert: &Map<String, Value>, field: &str) -> Result<Option<Timestamp>, String> {
    let text = match alert.get(field) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(format!("its {field} is not a text")),
    };
    if text.starts_with("0001-01-01") {
        return Ok(None);
    }
    chrono::DateTime::parse_from_rfc3339(text).map(|at| Some(at.to_utc())).map_err(|_| {
        format!("its {field} `{}` is not a time in RFC 3339", shorten(&clean(text), 40))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FIRING: &[u8] = include_bytes!("../../tests/fixtures/alertmanager_webhook_firing.json");
    const RESOLVED: &[u8] =
        include_bytes!("../../tests/fixtures/alertmanager_webhook_resolved.json");
    const LIST: &[u8] = include_bytes!("../../tests/fixtures/alertmanager_v2_alerts.json");

    fn webhook(alerts: &Value) -> Vec<u8> {
        json!({"version": "4", "alerts": alerts, "notification_reason": "new"})
            .to_string()
            .into_bytes()
    }

    fn alert(labels: &Value) -> Value {
        json!({"status": "firing", "labels": labels, "startsAt": "2026-11-22T22:05:02Z"})
    }

    #[test]
    fn a_captured_webhook_brings_its_alerts() {
        let parsed = parse(FIRING).unwrap();
        assert_eq!(parsed.rejected, Vec::<String>::new());
        assert_eq!(parsed.alerts.len(), 2);
        let first = &parsed.alerts[0];
        assert_eq!(first.name(), "KubePodCrashLooping");
        assert_eq!(first.fingerprint.as_str(), "cf712301548eb2b4");
        assert_eq!(first.ends_at, None);
        assert_eq!(first.labels["pod"], "payments-api-6c8f7d-abcde");
        let resolved = &parse(RESOLVED).unwrap().alerts[0];
        assert_eq!(resolved.status, AlertStatus::Resolved);
        assert!(resolved.ends_at.is_some());
    }

    #[test]
    fn a_list_leaves_out_what_is_suppressed_and_names_it() {
        let parsed = parse(LIST).unwrap();
        assert_eq!(parsed.alerts.len(), 1);
        assert_eq!(parsed.alerts[0].labels["pod"], "payments-worker-0");
        assert_eq!(parsed.alerts[0].ends_at, None);
        assert_eq!(
            parsed.rejected,
            ["alert 2 (KubePodCrashLooping): it is suppressed (silenced or inhibited)"]
        );
    }

    #[test]
    fn fingerprints_equal_those_that_alertmanager_computed() {
        for bytes in [FIRING, RESOLVED, LIST] {
            for alert in parse(bytes).unwrap().alerts {
                assert_eq!(fingerprint(&alert.labels), alert.fingerprint);
            }
        }
    }

    #[test]
    fn a_missing_or_odd_fingerprint_is_computed() {
        let labels = json!({"alertname": "A", "empty": ""});
        let mut odd = alert(&labels);
        odd["fingerprint"] = "../../etc".into();
        let parsed = parse(&webhook(&json!([alert(&labels), odd]))).unwrap();
        let expected = fingerprint(&BTreeMap::from([("alertname".into(), "A".into())]));
        assert!(parsed.alerts.iter().all(|alert| alert.fingerprint == expected));
        assert_eq!(parsed.alerts.len(), 2);
    }

    #[test]
    fn broken_json_says_line_and_column() {
        let error = parse(b"{\n  \"alerts\": [,]\n}").unwrap_err();
        assert!(error.contains("line 2 column 14"), "{error}");
    }

    #[test]
    fn one_bad_alert_does_not_take_the_others_with_it() {
        let good = alert(&json!({"alertname": "Good"}));
        let mut dateless = alert(&json!({"alertname": "NoDate"}));
        dateless["startsAt"] = Value::Null;
        let many = (0..65).map(|n| (format!("l{n}"), json!("x"))).collect::<Map<_, _>>();
        let payload = json!([
            alert(&json!({})), {"status": "firing"}, 7, alert(&json!({"alertname": 1})), dateless, good,
            alert(&Value::Object(many)), alert(&json!({"a": "1", "a\u{200B}": "2"})),
        ]);
        let parsed = parse(&webhook(&payload)).unwrap();
        assert_eq!(parsed.alerts.len(), 1);
        assert_eq!(parsed.alerts[0].name(), "Good");
        assert_eq!(
            parsed.rejected,
            [
                "alert 1: it has no labels",
                "alert 2: it has no labels",
                "alert 3: it is not an object",
                "alert 4: `alertname` in its labels is not a text",
                "alert 5 (NoDate): it has no startsAt",
                "alert 7: it has 65 labels, more than 64",
                "alert 8: two of its labels look the same: `a`",
            ]
        );
    }

    #[test]
    fn hostile_text_is_cleaned_and_long_text_shortened() {
        let labels = json!({"alertname": "A\u{1b}[31m\u{202E}b\nc", "long": "ü".repeat(9_000)});
        let parsed = parse(&webhook(&json!([alert(&labels)]))).unwrap();
        assert_eq!(parsed.alerts[0].name(), "A[31mb c");
        let long = &parsed.alerts[0].labels["long"];
        assert!(long.len() <= LONGEST_VALUE && long.len() > LONGEST_VALUE / 2, "{}", long.len());
    }

    #[test]
    fn too_many_alerts_are_counted_not_dropped_silently() {
        let all = (0..=MOST_ALERTS).map(|n| alert(&json!({"n": n.to_string()}))).collect();
        let parsed = parse(&webhook(&Value::Array(all))).unwrap();
        assert_eq!(parsed.alerts.len(), MOST_ALERTS);
        assert_eq!(parsed.rejected, ["1 alerts beyond the first 10000 of one payload"]);
        let mut cut = serde_json::from_slice::<Value>(&webhook(&json!([]))).unwrap();
        cut["truncatedAlerts"] = 3.into();
        let parsed = parse(cut.to_string().as_bytes()).unwrap();
        assert_eq!(parsed.rejected.len(), 1);
        let bad = parse(&webhook(&Value::Array(vec![Value::Null; 500]))).unwrap();
        assert_eq!(bad.rejected.len(), MOST_REJECTIONS + 1);
        assert_eq!(bad.rejected[MOST_REJECTIONS], "400 more alerts could not be taken");
    }

    #[test]
    fn nasty_payloads_are_refused_in_words() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let cases: [(&[u8], &str); 13] = [
            (b"", "not valid JSON"),
            (b"\xff\xfe", "not valid JSON"),
            (b"null", "neither"),
            (b"42", "neither"),
            (b"\"x\"", "neither"),
            (b"{}", "neither"),
            (b"{\"version\":4,\"alerts\":[]}", "version 4 is not supported"),
            (b"{\"version\":\"3\",\"alerts\":[]}", "version \"3\" is not supported"),
            (b"{\"version\":\"4\"}", "no list `alerts`"),
            (b"{\"version\":\"4\",\"alerts\":{}}", "no list `alerts`"),
            (b"[1] trailing", "line 1 column 5"),
            (
                b"{\"version\":\"4\",\"alerts\":[{\"labels\":{\"a\":\"\\ud800\"}}]}",
                "not valid JSON",
            ),
            (deep.as_bytes(), "recursion limit"),
        ];
        for (bytes, expected) in cases {
            let error = parse(bytes).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(parse(b"\xEF\xBB\xBF[]").unwrap().alerts, Vec::new());
    }
}
