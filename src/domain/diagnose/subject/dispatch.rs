//! Which kinds are examined here, and by whom.

use super::case::Case;
use super::findings::Examined;
use super::{
    autoscaler, budget, certificate, claim, node, quota, service, settle, terminating, volume,
    webhook,
};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;
use serde_json::Value;

type Examiner = for<'a> fn(&Case<'a>, &mut Reader<'a>) -> Examined;

/// The examiner of a kind. API versions are not compared: a later one of the same group means the same.
fn examiner(key: &ObjectKey) -> Option<Examiner> {
    let group = key.api_version.split_once('/').map_or("", |(group, _)| group);
    match (group, key.kind.as_str()) {
        ("", "PersistentVolumeClaim") => Some(claim::examine),
        ("", "Node") => Some(node::examine),
        ("", "PersistentVolume") => Some(volume::examine),
        ("", "ResourceQuota") => Some(quota::examine),
        ("", "Secret") => Some(certificate::examine_secret),
        ("cert-manager.io", "Certificate") => Some(certificate::examine),
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
        ) => Some(webhook::examine),
        ("", "Service") => Some(service::examine),
        ("autoscaling", "HorizontalPodAutoscaler") => Some(autoscaler::examine),
        ("policy", "PodDisruptionBudget") => Some(budget::examine),
        ("networking.k8s.io", "NetworkPolicy") => Some(service::examine_policy),
        ("networking.k8s.io", "Ingress") => Some(service::examine_ingress),
        _ => None,
    }
}

/// Whether this object is examined here: by its kind, or because it can't go.
pub(crate) fn is_one(key: &ObjectKey, object: &Value, now: Timestamp) -> bool {
    examiner(key).is_some() || terminating::stuck(object, now)
}

/// The diagnosis of a subject. `None` while reads are due.
pub(crate) fn examine<'a>(case: Case<'a>, reader: &mut Reader<'a>) -> Option<Diagnosis> {
    let examiner = examiner(&case.reference.key)
        .filter(|_| !terminating::stuck(case.object, case.now))
        .unwrap_or(terminating::examine);
    let found = examiner(&case, reader);
    match found {
        Examined::Pending => None,
        Examined::Here(findings) => Some(settle::settle(case, *findings)),
        Examined::Elsewhere(diagnosis) => Some(*diagnosis),
    }
}
