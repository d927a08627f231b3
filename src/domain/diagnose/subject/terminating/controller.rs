//! Who is in charge of a finalizer. Kubernetes does not say: the words in the finalizer and the name of who wrote it are
//! held against the names of all workloads.
//!
//! Fails closed: a workload that shares any telling word counts as in charge; the controller is only *gone* where all
//! workloads are known and none shares one.

use crate::domain::diagnose::fields::{items, name, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::Findings;
use crate::domain::diagnose::workload::some_names;
use serde_json::Value;

/// Finalizers that Kubernetes' own controllers take away.
const OWN: [&str; 6] = [
    "kubernetes",
    "foregroundDeletion",
    "orphan",
    "batch.kubernetes.io/job-tracking",
    "service.kubernetes.io/load-balancer-cleanup",
    "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection",
];
/// Parts of names that tell nothing.
const EMPTY_WORDS: [&str; 22] = [
    "com",
    "org",
    "net",
    "dev",
    "io",
    "k8s",
    "kubernetes",
    "x-k8s",
    "sigs",
    "finalizer",
    "finalizers",
    "controller",
    "operator",
    "manager",
    "protection",
    "cleanup",
    "example",
    "local",
    "test",
    "hold",
    "delete",
    "resource",
];

/// Whether somebody else than Kubernetes' own controllers has to take that finalizer away.
fn foreign(finalizer: &str) -> bool {
    !OWN.contains(&finalizer) && !finalizer.starts_with("kubernetes.io/")
}

/// Notes who may be in charge of what holds it.
pub(super) fn note<'a>(
    case: &Case<'a>,
    held: &[&str],
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) {
    let foreign = held.iter().copied().filter(|one| foreign(one)).collect::<Vec<_>>();
    if foreign.is_empty() {
        return;
    }
    let writers = writers(case.object);
    if !writers.is_empty() {
        let words = format!("finalizers were written by {}", some_names(&writers));
        findings.add("finalizer-writer", words, format!("{}: metadata.managedFields", case.path()));
        findings.put("finalizer_writer", writers[0]);
    }
    let mut all: Vec<&Value> = Vec::new();
    let mut known = true;
    for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
        let got = reader.list("missing-controllers", "apps/v1", kind, "", "");
        known &= matches!(got, Got::Have(_));
        all.extend(got.have().unwrap_or_default());
    }
    if reader.pending() {
        return;
    }
    known &= reader.missing().iter().all(|fact| fact.id != "missing-controllers");
    let group = case.reference.key.api_version.split('/').next().unwrap_or_default();
    let mut words = foreign.iter().flat_map(|one| telling(one)).collect::<Vec<_>>();
    words.extend(telling(group));
    words.extend(
        writers.iter().filter(|one| !one.starts_with("kubectl")).flat_map(|one| telling(one)),
    );
    let may = |workload: &&&Value| {
        let images = items(workload, &["spec", "template", "spec", "containers"]).iter();
        let images = images.map(|one| text(one, &["image"]));
        let named = images.chain([name(workload)]).map(str::to_ascii_lowercase).collect::<Vec<_>>();
        words.iter().any(|word| named.iter().any(|named| named.contains(word.as_str())))
    };
    let may = all.iter().filter(may).map(|one| {
        let ready = value(one, &["status", "readyReplicas"])
            .or_else(|| value(one, &["status", "numberReady"]))
            .and_then(Value::as_i64)
            .unwrap_or(0);
        let place = text(one, &["metadata", "namespace"]);
        (format!("{place}/{}/{}", text(one, &["kind"]), name(one)), ready)
    });
    let may = may.collect::<Vec<_>>();
    let source = "workloads of all namespaces".to_string();
    if may.is_empty() && known {
        let words = format!("no workload in the cluster has to do with {}", foreign.join(", "));
        findings.add("controller-gone", words, source);
    } else if !may.is_empty() {
        let shown = may.iter().map(|(path, ready)| format!("{path} ({ready} ready)"));
        let shown = shown.take(3).collect::<Vec<_>>().join(", ");
        findings.add("controllers", format!("may be in charge of it: {shown}"), source);
    }
    findings.put("controller_gone", may.is_empty() && known);
    findings.put("controllers", may.into_iter().map(|(path, _)| path).collect::<Vec<_>>());
}

/// Field managers that wrote finalizers, newest last in the object; each once.
fn writers(object: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    for entry in items(object, &["metadata", "managedFields"]) {
        let wrote = value(entry, &["fieldsV1", "f:metadata", "f:finalizers"]).is_some();
        let manager = text(entry, &["manager"]);
        if wrote && !manager.is_empty() && !found.contains(&manager) {
            found.push(manager);
        }
    }
    found
}

/// The words of a name that tell something: `widgets.acme.io/cleanup` → `widget`, `acme`.
fn telling(text: &str) -> Vec<String> {
    text.to_ascii_lowercase()
        .split(['.', '/', '-', '_'])
        .filter(|word| word.len() > 2 && !EMPTY_WORDS.contains(word))
        .map(|word| word.strip_suffix('s').unwrap_or(word).to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_telling_words_are_compared() {
        assert_eq!(telling("widgets.acme.io/cleanup"), ["widget", "acme"]);
        assert!(telling("example.com/hold").is_empty());
    }
}
