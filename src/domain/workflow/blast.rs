//! Whom a plan touches: pods, owners, services, budgets, and what reacts to it.

use crate::domain::diagnose::fields::selector;
use crate::domain::evidence::{Answer, Gathered, Progress, Read};
use crate::domain::resource::ObjectRef;
use crate::domain::workflow::plan::Blast;
use serde_json::Value;

/// Finds out whom replacing the target's pods touches; nothing but itself when no pods are replaced. What decides and
/// can't be read is in `unknown`; what only informs is noted.
#[must_use]
pub fn blast(target: &ObjectRef, rolls_pods: bool, gathered: &Gathered) -> Progress<Blast> {
    let mut blast = Blast { owners: vec![target.key.path()], ..Blast::default() };
    if !rolls_pods {
        return Progress::Ready(blast);
    }
    let object = match gathered.get(&Read::Object(target.key.clone())) {
        None => return Progress::Need(vec![Read::Object(target.key.clone())]),
        Some(Answer::Object(object)) => object,
        Some(_) => {
            blast.unknown.push(format!("{} can't be read", target.key.path()));
            return Progress::Ready(blast);
        }
    };
    let Some(labels) = selector(object.pointer("/spec/selector")) else {
        blast.unknown.push(format!("{} selects no pods", target.key.path()));
        return Progress::Ready(blast);
    };
    let reads = [
        list("v1", "Pod", &target.key.namespace, &labels),
        list("v1", "Service", &target.key.namespace, ""),
        list("policy/v1", "PodDisruptionBudget", &target.key.namespace, ""),
        list("autoscaling/v2", "HorizontalPodAutoscaler", &target.key.namespace, ""),
    ];
    let missing =
        reads.iter().filter(|read| gathered.get(read).is_none()).cloned().collect::<Vec<_>>();
    if !missing.is_empty() {
        return Progress::Need(missing);
    }
    let [pods, services, budgets, scalers] = reads;
    match items(gathered, &pods) {
        Ok(pods) => blast.pods = u32::try_from(pods.len()).unwrap_or(u32::MAX),
        Err(why) => blast.unknown.push(format!("its pods: {why}")),
    }
    let pod_labels = object.pointer("/spec/template/metadata/labels");
    match items(gathered, &services) {
        Ok(services) => blast.services.extend(
            services
                .iter()
                .filter(|service| selects(service.pointer("/spec/selector"), pod_labels))
                .map(name),
        ),
        Err(why) => blast.notes.push(format!("its Services are not known: {why}")),
    }
    match items(gathered, &budgets) {
        Ok(budgets) => blast.budgets.extend(
            budgets
                .iter()
                .filter(|budget| selects(budget.pointer("/spec/selector/matchLabels"), pod_labels))
                .map(budget_words),
        ),
        Err(why) => blast.notes.push(format!("its disruption budgets are not known: {why}")),
    }
    match items(gathered, &scalers) {
        Ok(scalers) => blast.notes.extend(scalers.iter().filter_map(|scaler| {
            let to = scaler.pointer("/spec/scaleTargetRef")?;
            let of = |key: &str| to.get(key).and_then(Value::as_str);
            let ours = of("kind") == Some(&target.key.kind) && of("name") == Some(&target.key.name);
            ours.then(|| format!("autoscaler {} holds its replicas", name(scaler)))
        })),
        Err(why) => blast.notes.push(format!("its autoscalers are not known: {why}")),
    }
    Progress::Ready(blast)
}

fn list(api_version: &str, kind: &str, namespace: &str, labels: &str) -> Read {
    Read::List {
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: namespace.into(),
        labels: labels.into(),
    }
}

fn items<'a>(gathered: &'a Gathered, read: &Read) -> Result<&'a [Value], String> {
    match gathered.get(read) {
        Some(Answer::Items { items, complete: true }) => Ok(items),
        Some(Answer::Items { items, complete: false }) => {
            Err(format!("more than the {} that were read", items.len()))
        }
        Some(Answer::NotPermitted(why)) => Err(format!("not permitted: {why}")),
        Some(Answer::Unavailable(why)) => Err(why.clone()),
        Some(
            Answer::Object(_)
            | Answer::Text(_)
            | Answer::Series(_)
            | Answer::Alerts(_)
            | Answer::NotFound,
        )
        | None => Err("the server does not know them".into()),
    }
}

fn name(object: &Value) -> String {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_string()
}

/// Whether a map of labels (not empty) is part of the pod's labels.
fn selects(wanted: Option<&Value>, labels: Option<&Value>) -> bool {
    let (Some(wanted), Some(labels)) = (wanted.and_then(Value::as_object), labels) else {
        return false;
    };
    !wanted.is_empty() && wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

fn budget_words(budget: &Value) -> String {
    let number = |pointer: &str| budget.pointer(pointer).and_then(Value::as_i64);
    let allowed = number("/status/disruptionsAllowed");
    let healthy = number("/status/currentHealthy").unwrap_or(0);
    let wanted = number("/status/desiredHealthy").unwrap_or(0);
    match allowed {
        Some(allowed) => {
            format!("{}: {allowed} free now ({healthy} healthy, keeps {wanted})", name(budget))
        }
        None => format!("{}: not known what it allows", name(budget)),
    }
}
