//! Pods that can't even be made: what the API server answered to their controller.

use super::event::Event;
use super::fields::{items, moment, text, uid};
use super::reader::{Got, Reader};
use super::workload::Workload;
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::time::Timestamp;
use serde_json::Value;

/// What refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denial {
    /// A ResourceQuota of that name: it is used up, or asks for requests and limits that the pod has not.
    Quota(String),
    /// A LimitRange (the answer does not say which).
    LimitRange,
    /// Pod security, an admission policy, or a webhook that said no: in words.
    Policy(String),
    /// A webhook of that name does not answer; the Service behind it as `namespace/name`, where that is said.
    WebhookDown(String, Option<(String, String)>),
    /// Something that the pod names is not there: kind and name.
    Missing(&'static str, String),
    /// The namespace is being deleted.
    NamespaceEnds,
    /// In other words.
    Other,
}

/// What the API server's words mean.
pub(crate) fn denial(message: &str) -> Denial {
    let after = |mark: &str| {
        let rest = message.split_once(mark)?.1;
        let end = rest.find([',', ' ', ':', '"', '\'']).unwrap_or(rest.len());
        rest.get(..end).map(str::to_string).filter(|name| !name.is_empty())
    };
    if let Some(name) = after("exceeded quota: ").or_else(|| after("failed quota: ")) {
        return Denial::Quota(name);
    }
    if message.contains("because it is being terminated") {
        return Denial::NamespaceEnds;
    }
    if message.contains("error looking up service account")
        && let Some(name) = after("serviceaccount \"")
    {
        return Denial::Missing("ServiceAccount", name);
    }
    if let Some(name) = after("no PriorityClass with name ") {
        return Denial::Missing("PriorityClass", name);
    }
    if let Some(name) = after("RuntimeClass \"").or_else(|| after("runtimeclass \""))
        && message.contains("not found")
    {
        return Denial::Missing("RuntimeClass", name);
    }
    if let Some(name) = after("failed calling webhook \"") {
        return Denial::WebhookDown(name, webhook_service(message));
    }
    if let Some(name) = after("admission webhook \"") {
        return Denial::Policy(format!("admission webhook {name}"));
    }
    if let Some(level) = after("violates PodSecurity \"") {
        return Denial::Policy(format!("pod security level {level}"));
    }
    if let Some(name) = after("ValidatingAdmissionPolicy '") {
        return Denial::Policy(format!("ValidatingAdmissionPolicy {name}"));
    }
    let per = ["per Container", "per Pod", "request ratio"].iter().any(|p| message.contains(p));
    if per
        && (message.contains("maximum ")
            || message.contains("minimum ")
            || message.contains("max limit"))
    {
        return Denial::LimitRange;
    }
    if message.contains("security context constraint") {
        return Denial::Policy("security context constraints".into());
    }
    Denial::Other
}

/// `https://guard.policy.svc:443/validate` → policy, guard; or `service "guard"`.
fn webhook_service(message: &str) -> Option<(String, String)> {
    let host = message.split_once("https://")?.1;
    let host = host.split([':', '/', '?', '"']).next()?;
    let mut parts = host.split('.');
    let (name, namespace, svc) = (parts.next()?, parts.next()?, parts.next()?);
    (svc == "svc").then(|| (namespace.to_string(), name.to_string()))
}

/// The refusal of a workload's pods.
#[derive(Debug, Clone)]
pub(crate) struct Denied<'a> {
    pub(crate) words: &'a str,
    pub(crate) source: String,
    pub(crate) at: Option<Timestamp>,
    pub(crate) denial: Denial,
    /// The quota or limit range that refuses, where exactly one could be found.
    pub(crate) refuser: Option<(ObjectRef, &'a Value)>,
}

impl<'a> Denied<'a> {
    /// Reads what keeps a workload's controller from making pods. Reads may be due after it.
    pub(crate) fn read(
        workload: &Workload<'a>,
        job: Option<&ObjectRef>,
        reader: &mut Reader<'a>,
    ) -> Option<Self> {
        let (words, source, at) =
            by_condition(workload).or_else(|| by_event(workload, job, reader))?;
        let denial = denial(words);
        let namespace = workload.reference.key.namespace.as_str();
        let refuser = match &denial {
            Denial::Quota(name) => {
                let key = ObjectKey::new("v1", "ResourceQuota", namespace, name);
                let got = reader.object("missing-quota", &key);
                got.have().map(|quota| (ObjectRef { key, uid: uid(quota).into() }, quota))
            }
            Denial::LimitRange => {
                match reader.list("missing-limit-ranges", "v1", "LimitRange", namespace, "") {
                    Got::Have([one]) => {
                        let name = super::fields::name(one);
                        let key = ObjectKey::new("v1", "LimitRange", namespace, name);
                        Some((ObjectRef { key, uid: uid(one).into() }, one))
                    }
                    Got::Have(_) | Got::Gone | Got::Unreadable(_) | Got::Pending => None,
                }
            }
            Denial::Policy(_)
            | Denial::WebhookDown(..)
            | Denial::Missing(..)
            | Denial::NamespaceEnds
            | Denial::Other => None,
        };
        Some(Self { words, source, at, denial, refuser })
    }
}

/// A Deployment and a ReplicaSet say it in a condition.
fn by_condition<'a>(workload: &Workload<'a>) -> Option<(&'a str, String, Option<Timestamp>)> {
    let condition = workload.condition("ReplicaFailure")?;
    let holds = text(condition, &["status"]) == "True";
    (holds && text(condition, &["reason"]) == "FailedCreate").then(|| {
        let source = format!("{}: condition ReplicaFailure", workload.reference.key.path());
        (text(condition, &["message"]), source, moment(condition, &["lastTransitionTime"]))
    })
}

/// Others only in events, which are looked at while pods are wanting.
fn by_event<'a>(
    workload: &Workload<'a>,
    job: Option<&ObjectRef>,
    reader: &mut Reader<'a>,
) -> Option<(&'a str, String, Option<Timestamp>)> {
    if let Some(told) = by_schedule(workload, reader) {
        return Some(told);
    }
    let maker = match workload.kind() {
        "StatefulSet" | "DaemonSet" | "ReplicaSet" if workload.wanting_pods() > 0 => {
            Some(&workload.reference)
        }
        "Job" | "CronJob" if workload.pods.is_empty() => job,
        _ => None,
    }?;
    let events = reader.events(&maker.key).have()?;
    let event = events
        .iter()
        .map(Event)
        .filter(|event| event.reason() == "FailedCreate" && event.about() == maker.uid)
        .max_by_key(|event| event.last())?;
    Some((event.message(), event.source(), event.last()))
}

/// A CronJob that could not make its newest Job.
fn by_schedule<'a>(
    workload: &Workload<'a>,
    reader: &mut Reader<'a>,
) -> Option<(&'a str, String, Option<Timestamp>)> {
    if workload.kind() != "CronJob" {
        return None;
    }
    let made =
        workload.jobs.first().and_then(|job| moment(job, &["metadata", "creationTimestamp"]));
    let events = reader.events(&workload.reference.key).have()?;
    let event = events
        .iter()
        .map(Event)
        .filter(|event| event.reason() == "FailedCreate" && event.about() == workload.reference.uid)
        .filter(|event| made.is_none() || event.last() > made)
        .max_by_key(|event| event.last())?;
    Some((event.message(), event.source(), event.last()))
}

/// Each resource of a quota that is used up, in words: `pods 2 of 2`.
pub(crate) fn used_up(quota: &Value) -> Vec<String> {
    let hard = quota.get("status").and_then(|status| status.get("hard"));
    let all = hard.and_then(Value::as_object).into_iter().flatten();
    all.map(|(resource, most)| {
        let used = text(quota, &["status", "used", resource]);
        format!("{resource} {used} of {}", most.as_str().unwrap_or_default())
    })
    .collect()
}

/// Figures of a limit range, in words: `Container memory max 128Mi`.
pub(crate) fn bounds(range: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for limit in items(range, &["spec", "limits"]) {
        for class in ["max", "min", "maxLimitRequestRatio"] {
            let all = limit.get(class).and_then(Value::as_object).into_iter().flatten();
            for (resource, most) in all {
                let kind = text(limit, &["type"]);
                let most = most.as_str().unwrap_or_default();
                found.push(format!("{kind} {resource} {class} {most}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_the_api_server_is_told_apart() {
        let cases = [
            (
                "pods \"web-1\" is forbidden: exceeded quota: pods-quota, requested: pods=1, used: pods=2, limited: pods=2",
                Denial::Quota("pods-quota".into()),
            ),
            (
                "pods \"web-1\" is forbidden: failed quota: q: must specify limits.cpu for: app",
                Denial::Quota("q".into()),
            ),
            (
                "pods \"web-1\" is forbidden: maximum memory usage per Container is 128Mi, but limit is 256Mi",
                Denial::LimitRange,
            ),
            (
                "pods \"web-\" is forbidden: error looking up service account shop/web: serviceaccount \"web\" not found",
                Denial::Missing("ServiceAccount", "web".into()),
            ),
            (
                "pods \"web-\" is forbidden: no PriorityClass with name gold was found",
                Denial::Missing("PriorityClass", "gold".into()),
            ),
            (
                "pods \"web-1\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false",
                Denial::Policy("pod security level restricted".into()),
            ),
            (
                "admission webhook \"guard.example.com\" denied the request: no",
                Denial::Policy("admission webhook guard.example.com".into()),
            ),
            (
                "Internal error occurred: failed calling webhook \"guard.example.com\": failed to call webhook: Post \"https://guard.policy.svc:443/v?timeout=5s\": no endpoints available for service \"guard\"",
                Denial::WebhookDown(
                    "guard.example.com".into(),
                    Some(("policy".into(), "guard".into())),
                ),
            ),
            (
                "pods \"x\" is forbidden: unable to create new content in namespace n because it is being terminated",
                Denial::NamespaceEnds,
            ),
            ("etcdserver: request timed out", Denial::Other),
        ];
        for (message, wanted) in cases {
            assert_eq!(denial(message), wanted, "{message}");
        }
    }
}
