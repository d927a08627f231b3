//! Reads: objects, lists, events, logs; cleaned before anything else sees them.
//!
//! Promises: no value of a Secret leaves this file; a list says when it is not all; what may not be read is
//! *not permitted*, never empty.

use super::call::{Call, CallError};
use super::cluster::KubeCluster;
use super::kinds::segment;
use crate::domain::certificate;
use crate::domain::evidence::{Answer, LIST_LIMIT, Read};
use crate::domain::resource::ObjectKey;
use crate::domain::text::{REDACTED, clean_lines, clean_value, mark_value};
use serde_json::Value;

/// Annotation that repeats the whole object as it was applied, Secrets' values included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Most bytes of a log that come back.
const LOG_LIMIT: usize = 64 * 1024;
/// Most bytes of a log that are asked for: the kubelet cuts at the end, and the end is what matters.
const LOG_ASK: usize = 1024 * 1024;
/// Most pages of events that are looked through for the newest ones.
const EVENT_PAGES: usize = 10;

impl KubeCluster {
    pub(super) async fn answer(&self, read: &Read) -> Answer {
        let answer = match read {
            Read::Object(key) => self.live(key).await.map(|raw| Answer::Object(prepared(&raw))),
            Read::List { api_version, kind, namespace, labels } => {
                self.list(api_version, kind, namespace, labels).await
            }
            Read::PodsOn { node } => self.pods_on(node).await,
            Read::Events { namespace, kind, name } => self.events(namespace, kind, name).await,
            Read::Logs { namespace, pod, container, previous, tail_lines } => {
                self.logs(namespace, pod, container, *previous, *tail_lines).await
            }
            Read::Query { .. } | Read::Range { .. } | Read::Alerts { .. } => {
                return Answer::Unavailable("this is not a question to the cluster".into());
            }
        };
        answer.unwrap_or_else(|error| unanswered(&error))
    }

    /// The object as the server has it.
    pub(super) async fn live(&self, key: &ObjectKey) -> Result<Value, CallError> {
        let path = self.kinds.path(&self.connection, key).await?;
        let mut object = self.connection.json(&Call::get(path)).await?;
        name_kind(&mut object, &key.api_version, &key.kind);
        Ok(object)
    }

    async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        labels: &str,
    ) -> Result<Answer, CallError> {
        let place = self.kinds.find(&self.connection, api_version, kind).await?;
        let mut call =
            Call::get(place.collection(namespace)?).with("limit", LIST_LIMIT.to_string());
        if !labels.is_empty() {
            call = call.with("labelSelector", labels);
        }
        self.listed(&call, api_version, kind).await
    }

    async fn pods_on(&self, node: &str) -> Result<Answer, CallError> {
        let call = Call::get("/api/v1/pods")
            .with("limit", LIST_LIMIT.to_string())
            .with("fieldSelector", format!("spec.nodeName={}", segment(node)?));
        self.listed(&call, "v1", "Pod").await
    }

    async fn listed(
        &self,
        call: &Call,
        api_version: &str,
        kind: &str,
    ) -> Result<Answer, CallError> {
        let (mut items, rest) = page(self.connection.json(call).await?)?;
        for item in &mut items {
            name_kind(item, api_version, kind);
        }
        let complete = rest.is_none() && items.len() <= LIST_LIMIT;
        items.truncate(LIST_LIMIT);
        Ok(Answer::Items { items: items.iter().map(prepared).collect(), complete })
    }

    async fn events(&self, namespace: &str, kind: &str, name: &str) -> Result<Answer, CallError> {
        // Events about cluster-scoped objects lie in `default`.
        let place = if namespace.is_empty() { "default" } else { namespace };
        let path = format!("/api/v1/namespaces/{}/events", segment(place)?);
        let mut about = format!(
            "involvedObject.kind={},involvedObject.name={}",
            segment(kind)?,
            segment(name)?
        );
        if !namespace.is_empty() {
            about = format!("{about},involvedObject.namespace={namespace}");
        }
        let mut items = Vec::new();
        let mut rest = None;
        for _ in 0..EVENT_PAGES {
            let mut call = Call::get(&path)
                .with("fieldSelector", &about)
                .with("limit", LIST_LIMIT.to_string());
            if let Some(token) = rest.take() {
                call = call.with("continue", token);
            }
            let (some, more) = page(self.connection.json(&call).await?)?;
            items.extend(some);
            rest = more;
            if rest.is_none() {
                break;
            }
        }
        items.sort_by_cached_key(|event| std::cmp::Reverse(last_seen(event)));
        let complete = rest.is_none() && items.len() <= LIST_LIMIT;
        items.truncate(LIST_LIMIT);
        for item in &mut items {
            name_kind(item, "v1", "Event");
        }
        Ok(Answer::Items { items: items.iter().map(prepared).collect(), complete })
    }

    async fn logs(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
        tail_lines: u32,
    ) -> Result<Answer, CallError> {
        let path = format!("/api/v1/namespaces/{}/pods/{}/log", segment(namespace)?, segment(pod)?);
        let mut lines = tail_lines.max(1);
        loop {
            let call = Call::get(&path)
                .with("container", container)
                .with("previous", if previous { "true" } else { "false" })
                .with("tailLines", lines.to_string())
                .with("limitBytes", LOG_ASK.to_string());
            let bytes = self.connection.bytes(&call).await?;
            if bytes.len() >= LOG_ASK && lines > 1 {
                lines /= 4;
                lines = lines.max(1);
                continue;
            }
            return Ok(Answer::Text(log_end(&clean_lines(&String::from_utf8_lossy(&bytes)))));
        }
    }
}

/// What a failed read means.
fn unanswered(error: &CallError) -> Answer {
    if error.is_denied() || error.code() == Some(403) {
        return Answer::NotPermitted(error.words());
    }
    match error {
        CallError::Answered { code: 404, .. } => Answer::NotFound,
        // The kubelet's way to say that there was no run before this one.
        CallError::Answered { code: 400, message, .. } if message.contains("not found") => {
            Answer::NotFound
        }
        CallError::Answered { .. } | CallError::NotSent(_) | CallError::Lost(_) => {
            Answer::Unavailable(error.words())
        }
    }
}

/// The items of a list, and the token of the next page.
fn page(mut list: Value) -> Result<(Vec<Value>, Option<String>), CallError> {
    let rest = list
        .pointer("/metadata/continue")
        .and_then(Value::as_str)
        .filter(|token| !token.is_empty())
        .map(String::from);
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok((items, rest)),
        // Go writes an empty list as null.
        Some(Value::Null) => Ok((Vec::new(), rest)),
        Some(_) | None => Err(CallError::Lost("the answer is not a list of objects".into())),
    }
}

/// Items of a list come without these.
pub(super) fn name_kind(object: &mut Value, api_version: &str, kind: &str) {
    if let Value::Object(map) = object {
        map.entry("apiVersion").or_insert_with(|| api_version.into());
        map.entry("kind").or_insert_with(|| kind.into());
    }
}

/// When an event was last seen, as text that sorts by time. When it was written down counts only where nothing else is
/// known.
fn last_seen(event: &Value) -> String {
    let latest = |pointers: &[&str]| {
        let times = pointers.iter().filter_map(|at| event.pointer(at).and_then(Value::as_str));
        // `…05Z` would sort after `…05.123Z`.
        times.map(|time| time.trim_end_matches('Z').to_owned()).max()
    };
    latest(&["/series/lastObservedTime", "/lastTimestamp", "/eventTime"])
        .or_else(|| latest(&["/firstTimestamp"]))
        .or_else(|| latest(&["/metadata/creationTimestamp"]))
        .unwrap_or_default()
}

/// The end of a log, from the start of a line where there is one.
fn log_end(text: &str) -> String {
    if text.len() <= LOG_LIMIT {
        return text.into();
    }
    let mut start = text.len() - LOG_LIMIT;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let end = &text[start..];
    match end.find('\n') {
        Some(at) if at + 1 < end.len() => end[at + 1..].into(),
        Some(_) | None => end.into(),
    }
}

/// The object as the rest of the program may see it: cleaned, without the last-applied annotation, and a Secret
/// without its values, but for the dates of a certificate. Text that may be written back keeps a mark where something was taken out.
pub(super) fn prepared(raw: &Value) -> Value {
    let mut object = raw.clone();
    if object.get("kind").and_then(Value::as_str) == Some("Secret") {
        if let Some(dates) = certificate::noted(raw) {
            object[certificate::MEMBER] = dates;
        }
        for field in ["data", "stringData"] {
            if let Some(Value::Object(values)) = object.get_mut(field) {
                values.values_mut().for_each(|value| *value = REDACTED.into());
            }
        }
    }
    if let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations") {
        annotations.remove(LAST_APPLIED);
    }
    for written in ["/spec", "/data", "/metadata/labels", "/metadata/annotations"] {
        if let Some(value) = object.pointer_mut(written) {
            mark_value(value);
        }
    }
    clean_value(&mut object);
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_keeps_its_keys_and_loses_its_values() {
        let raw = json!({"kind": "Secret", "data": {"password": "aHVudGVyMg=="}, "stringData": {"a": "b"},
            "metadata": {"annotations": {LAST_APPLIED: "{\"data\":{\"password\":\"aHVudGVyMg==\"}}"}}});
        let seen = prepared(&raw);
        assert_eq!(seen["data"], json!({"password": REDACTED}));
        assert!(!seen.to_string().contains("aHVud"), "{seen}");
    }

    #[test]
    fn hostile_text_is_cleaned_everywhere_and_marked_where_it_could_be_written_back() {
        let raw = json!({"kind": "Pod",
            "metadata": {"annotations": {"note": "x\u{1b}]0;owned\u{7}\u{202E}y"}},
            "spec": {"args": ["a\n\tb", "c\u{200B}d"]},
            "status": {"message": "m\u{1b}[2Jn"}});
        let seen = prepared(&raw);
        assert_eq!(seen["spec"]["args"], json!(["a\n\tb", "c\u{FFFD}d"]));
        assert_eq!(seen["status"]["message"], "m[2Jn");
        assert_eq!(seen["metadata"]["annotations"]["note"], "x\u{FFFD}]0;owned\u{FFFD}\u{FFFD}y");
    }

    #[test]
    fn events_sort_by_the_time_they_were_last_seen() {
        let old = json!({"lastTimestamp": "2026-11-22T10:00:05Z", "eventTime": null});
        let new = json!({"eventTime": "2026-11-22T10:00:05.500000Z"});
        let newest = json!({"firstTimestamp": "2026-11-22T09:00:00Z",
            "series": {"lastObservedTime": "2026-11-22T10:00:06.000000Z"}});
        assert!(last_seen(&old) < last_seen(&new) && last_seen(&new) < last_seen(&newest));
        assert_eq!(last_seen(&json!({})), "");
    }

    #[test]
    fn when_an_event_was_written_down_is_not_when_it_was_seen() {
        let restored = json!({"lastTimestamp": "2026-01-01T10:00:00Z",
            "metadata": {"creationTimestamp": "2026-11-22T10:00:00Z"}});
        assert_eq!(last_seen(&restored), "2026-01-01T10:00:00");
        let bare = json!({"metadata": {"creationTimestamp": "2026-11-22T10:00:00Z"}});
        assert_eq!(last_seen(&bare), "2026-11-22T10:00:00");
    }

    #[test]
    fn a_long_log_keeps_its_end_in_whole_lines() {
        let lines = (0..20_000).map(|n| format!("zeile ü {n}")).collect::<Vec<_>>();
        let text = lines.join("\n") + "\n";
        let end = log_end(&text);
        assert!(end.len() <= LOG_LIMIT && end.len() > LOG_LIMIT - 40);
        assert!(end.starts_with("zeile") && end.ends_with("zeile ü 19999\n"));
        let one = "ü".repeat(100_000);
        assert!(log_end(&one).len() <= LOG_LIMIT);
    }

    #[test]
    fn a_list_that_is_none_is_not_taken_for_an_empty_one() {
        assert!(page(json!({"kind": "Status"})).is_err());
        assert_eq!(page(json!({"items": null})).unwrap(), (Vec::new(), None));
        let more = json!({"items": [1], "metadata": {"continue": "t"}});
        assert_eq!(page(more).unwrap(), (vec![json!(1)], Some("t".into())));
    }
}
