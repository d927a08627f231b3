//! A workload that an alert names only by its application, or by the address of one of its pods.
//!
//! Promises: found in the alert's own namespace, and only where exactly one fits; an exporter's words about itself are
//! no words about an application.

use super::fields::{flag, name, text};
use super::guesses::Guessed;
use super::label_names::{APPLICATION, NAMESPACE};
use super::named::is_name;
use super::reader::{Got, Reader};
use crate::domain::alert::Alert;
use crate::domain::resource::ObjectKey;
use serde_json::Value;

/// Labels of pods that say what application they are of.
const OF_PODS: [&str; 4] =
    ["app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/instance"];

/// The one workload, or the one pod, that fits.
pub(crate) fn guess<'a>(alert: &Alert, reader: &mut Reader<'a>) -> Guessed<'a> {
    let place =
        alert.label(&["destination_workload_namespace"]).or_else(|| alert.label(&NAMESPACE));
    let Some(place) = place.filter(|place| is_name(place)) else { return Guessed::Nothing };
    let job = alert.label(&["job"]).unwrap_or("");
    // What it says of labels is about the object that has them, not about itself.
    let own = !measures_others(job);
    let counts = |label: &&&str| own || label.starts_with("label_");
    // A scrape is named as its Service, or `namespace/name` as the monitor that asks for it.
    let of_scrape = job.rsplit('/').next().filter(|job| own && is_name(job));
    let named = APPLICATION.iter().filter(counts).filter_map(|label| alert.label(&[label]));
    let names = named.filter(|one| is_name(one)).chain(of_scrape).collect::<Vec<_>>();
    let instance = alert.label(&["instance"]).filter(|_| own);
    let host = instance.and_then(|at| at.split(':').next()).unwrap_or("");
    if names.is_empty() && host.is_empty() {
        return Guessed::Nothing;
    }
    let kinds = [("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet")];
    let mut all = Vec::new();
    for (api_version, kind) in kinds {
        let got = reader.list("missing-workloads", api_version, kind, place, "");
        all.extend(got.have().unwrap_or_default().iter().map(|one| (api_version, kind, one)));
    }
    let pods = reader.list("missing-pods", "v1", "Pod", place, "");
    if reader.pending() {
        return Guessed::Pending;
    }
    let key = |api_version: &str, kind: &str, one: &Value| {
        ObjectKey::new(api_version, kind, place, name(one))
    };
    for wanted in names {
        let by_name = |one: &Value| name(one) == wanted;
        let by_label = |one: &Value| {
            OF_PODS.iter().any(|label| {
                text(one, &["spec", "template", "metadata", "labels", label]) == wanted
            })
        };
        let fits: [&dyn Fn(&Value) -> bool; 2] = [&by_name, &by_label];
        for fit in fits {
            let found = all.iter().filter(|(_, _, one)| fit(one)).collect::<Vec<_>>();
            if let [(api_version, kind, one)] = found.as_slice() {
                return Guessed::Found(key(api_version, kind, one), one);
            }
        }
    }
    let at = |pod: &&Value| {
        !host.is_empty()
            && text(pod, &["status", "podIP"]) == host
            && !flag(pod, &["spec", "hostNetwork"])
    };
    match pods {
        Got::Have(pods) => match pods.iter().filter(at).collect::<Vec<_>>().as_slice() {
            [pod] => Guessed::Found(key("v1", "Pod", pod), pod),
            _ => Guessed::Nothing,
        },
        Got::Gone | Got::Unreadable(_) | Got::Pending => Guessed::Nothing,
    }
}

/// Whether a scrape reports about other things than itself.
fn measures_others(job: &str) -> bool {
    const WORDS: [&str; 8] = [
        "exporter",
        "kube-state-metrics",
        "kubelet",
        "cadvisor",
        "blackbox",
        "probe",
        "apiserver",
        "prometheus",
    ];
    WORDS.iter().any(|word| job.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_exporter_says_is_not_about_its_own_application() {
        for job in ["node-exporter", "kube-state-metrics", "blackbox", "mon/postgres-exporter"] {
            assert!(measures_others(job), "{job}");
        }
        assert!(!measures_others("shop/web") && !measures_others(""));
    }
}
