//! Who else keeps an object as it is, and who wrote it last.

use super::fields::{items, moment, text, value};
use crate::domain::managed::{Keeper, keepers};
use crate::domain::time::Timestamp;
use crate::domain::workflow::plan::Manager;
use serde_json::Value;

/// Argo CD, Flux, Helm and operators that manage the object, by what they leave on it.
#[must_use]
pub fn managers(object: &Value) -> Vec<Manager> {
    keepers(object).iter().map(Keeper::manager).collect()
}

/// The last writer of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Writer {
    pub(crate) manager: String,
    pub(crate) at: Option<Timestamp>,
    pub(crate) source: String,
}

impl Writer {
    /// Whether it was a remediation of ours.
    pub(crate) fn is_pilothouse(&self) -> bool {
        self.manager.starts_with("pilothouse")
    }
}

/// Who wrote the spec last, by managedFields; status writers don't count.
pub(crate) fn last_writer(object: &Value) -> Option<Writer> {
    writer(object, |_| true)
}

/// Who owns a field of the spec: `replicas`, `paused`.
pub(crate) fn writer_of(object: &Value, field: &str) -> Option<Writer> {
    let key = format!("f:{field}");
    writer(object, |entry| value(entry, &["fieldsV1", "f:spec", &key]).is_some())
}

fn writer(object: &Value, wanted: impl Fn(&Value) -> bool) -> Option<Writer> {
    items(object, &["metadata", "managedFields"])
        .iter()
        .filter(|entry| text(entry, &["subresource"]) != "status" && wanted(entry))
        .filter(|entry| value(entry, &["fieldsV1", "f:spec"]).is_some() || has_data(entry))
        .max_by_key(|entry| moment(entry, &["time"]))
        .map(|entry| Writer {
            manager: text(entry, &["manager"]).into(),
            at: moment(entry, &["time"]),
            source: format!("metadata.managedFields[{}]", text(entry, &["manager"])),
        })
}

/// All writers of the spec, each with the fields of it that it owns, newest first; status writers don't count.
pub(crate) fn recent_writers(object: &Value) -> Vec<(Writer, Vec<String>)> {
    let mut found = items(object, &["metadata", "managedFields"])
        .iter()
        .filter(|entry| text(entry, &["subresource"]) != "status")
        .filter_map(|entry| {
            let fields = value(entry, &["fieldsV1", "f:spec"])?.as_object()?;
            let names = fields.keys().filter_map(|key| key.strip_prefix("f:"));
            let names = names.map(|name| format!("spec.{name}")).take(6).collect::<Vec<_>>();
            let writer = Writer {
                manager: text(entry, &["manager"]).into(),
                at: moment(entry, &["time"]),
                source: format!("metadata.managedFields[{}]", text(entry, &["manager"])),
            };
            (!names.is_empty()).then_some((writer, names))
        })
        .collect::<Vec<_>>();
    found.sort_by_key(|(writer, _)| std::cmp::Reverse(writer.at));
    found
}

/// ConfigMaps and Secrets have data instead of a spec.
fn has_data(entry: &Value) -> bool {
    value(entry, &["fieldsV1", "f:data"]).is_some()
}

/// Whether that field manager is an autoscaler or a controller, and not a person or a person's tool.
pub(crate) fn automatic(manager: &str) -> bool {
    let name = manager.to_ascii_lowercase();
    name == "kube-controller-manager"
        || ["keda", "autoscaler", "hpa", "vpa", "knative", "pilothouse"]
            .iter()
            .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_of_manager_is_seen_by_its_mark() {
        let object = json!({"metadata": {
            "annotations": {"argocd.argoproj.io/tracking-id": "shop:x",
                "meta.helm.sh/release-name": "web"},
            "ownerReferences": [{"controller": true, "kind": "Widget", "name": "w", "apiVersion": "x/v1", "uid": "u"}]}});
        let found = managers(&object);
        let words = found
            .iter()
            .map(|m| format!("{} {} {}", m.kind, m.name, m.reverts))
            .collect::<Vec<_>>();
        assert_eq!(words, ["Argo CD shop true", "Helm web false", "operator Widget w true"]);
    }

    #[test]
    fn the_last_writer_of_the_spec_is_found_and_status_writers_are_passed_over() {
        let object = json!({"metadata": {"managedFields": [
            {"manager": "kubectl-edit", "time": "2026-11-23T23:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "kube-controller-manager", "subresource": "status", "time": "2026-11-23T23:10:00Z",
                "fieldsV1": {"f:status": {}}}]}});
        assert_eq!(last_writer(&object).map(|w| w.manager).as_deref(), Some("kubectl-edit"));
        assert_eq!(
            writer_of(&object, "replicas").map(|w| w.manager).as_deref(),
            Some("kubectl-edit")
        );
        assert_eq!(writer_of(&object, "paused"), None);
        assert!(automatic("keda-operator") && !automatic("kubectl-scale"));
    }
}
