//! How much of a request or limit a namespace admits: its LimitRanges and ResourceQuotas.
//!
//! Promises: what is asked for is lowered to what is admitted, and only while that is still a raise; else the reason is
//! said with the object's name. Quotas are counted for all pods of the workload, and for the one more that a rolling
//! update makes where it takes none away first.
//! Absent: quotas with scopes (which pods they count is said nowhere in the object), ratios of limit to request.

use super::request::ActionError;
use super::set_resources::{Field, afterwards};
use crate::domain::diagnose::fields::{int, items, name, text, value};
use crate::domain::operation::FieldChange;
use serde_json::Value;

/// Memory is lowered to whole MiB.
const MIB: u64 = 1 << 20;

/// The least of several bounds, with who sets it.
struct Bound {
    most: u64,
    who: String,
}

/// What the workload is, as far as quotas go.
pub(super) struct Pods<'a> {
    pub(super) object: &'a Value,
    pub(super) container: &'a Value,
}

/// Lowers each raise to what is admitted; one sentence for each that was lowered.
pub(super) fn lower(
    changes: &mut [(&'static Field, FieldChange)],
    pods: &Pods<'_>,
    ranges: &[Value],
    quotas: &[Value],
) -> Result<Vec<String>, ActionError> {
    let mut notes = Vec::new();
    for index in 0..changes.len() {
        let Some((field, change)) = changes.get(index) else { break };
        let field = *field;
        let amount = |value: &Option<Value>| value.as_ref().and_then(|value| field.amount(value));
        let (before, after) = (amount(&change.before), amount(&change.after));
        let Some(after) = after.filter(|after| before.is_none_or(|before| *after > before)) else {
            continue;
        };
        let bounds = of_ranges(field, pods, ranges).into_iter().chain(of_quotas(
            field,
            (before, &*changes),
            pods,
            quotas,
        ));
        let Some(Bound { most, who }) = bounds.min_by_key(|bound| bound.most) else { continue };
        let most = if field.resource == "memory" { most / MIB * MIB } else { most };
        if most >= after {
            continue;
        }
        let what = format!("{} {}", field.resource, field.singular());
        if before.is_some_and(|before| most <= before) || most == 0 {
            let has = before.map_or_else(|| "none".into(), |before| field.written(before));
            return Err(ActionError(format!(
                "{who} admits a {what} of {} at most, and it has {has}: it can't be raised here",
                field.written(most)
            )));
        }
        notes.push(format!(
            "{what} {} was wanted; {who} admits {} at most",
            field.written(after),
            field.written(most)
        ));
        if let Some((_, change)) = changes.get_mut(index) {
            change.after = Some(Value::String(field.written(most)));
        }
    }
    Ok(notes)
}

fn of_ranges(field: &Field, pods: &Pods<'_>, ranges: &[Value]) -> Vec<Bound> {
    let mut bounds = Vec::new();
    for range in ranges {
        for limit in items(range, &["spec", "limits"]) {
            let most = value(limit, &["max", field.resource]).and_then(|v| field.amount(v));
            let Some(most) = most else { continue };
            let (most, of) = match text(limit, &["type"]) {
                "Container" => (most, "container"),
                "Pod" => (most.saturating_sub(others(field, pods)), "pod"),
                _ => continue,
            };
            bounds.push(Bound { most, who: format!("LimitRange {} (each {of})", name(range)) });
        }
    }
    bounds
}

/// What the other containers of a pod have of it.
fn others(field: &Field, pods: &Pods<'_>) -> u64 {
    let own = text(pods.container, &["name"]);
    items(pods.object, &["spec", "template", "spec", "containers"])
        .iter()
        .filter(|one| text(one, &["name"]) != own)
        .filter_map(|one| field.held(one))
        .fold(0, u64::saturating_add)
}

fn of_quotas(
    field: &Field,
    (before, changes): (Option<u64>, &[(&'static Field, FieldChange)]),
    pods: &Pods<'_>,
    quotas: &[Value],
) -> Vec<Bound> {
    let mut names = vec![format!("{}.{}", field.class, field.resource)];
    if field.class == "requests" {
        names.push(field.resource.to_string());
    }
    // Without a request of its own the limit is the request, as Kubernetes has it.
    let request = afterwards(changes, pods.container, "requests", field.resource);
    if field.class == "limits" && request.is_none() {
        names.extend([format!("requests.{}", field.resource), field.resource.to_string()]);
    }
    let count = replicas(pods.object);
    let now = before.unwrap_or(0);
    let mut bounds = Vec::new();
    for quota in quotas.iter().filter(|quota| scopes(quota).is_none()) {
        for name_of in &names {
            let amount = |part: &str| {
                value(quota, &["status", part, name_of]).and_then(|value| field.amount(value))
            };
            let (Some(hard), Some(used)) = (amount("hard"), amount("used")) else { continue };
            let mut free = hard.saturating_sub(used);
            if surges(pods.object, count) {
                free = free.saturating_sub(now.saturating_add(others(field, pods)));
            }
            let most = now.saturating_add(free / count.max(1));
            let who = format!(
                "ResourceQuota {} ({name_of}: {} of {} used, {count} pods)",
                name(quota),
                field.written(used),
                field.written(hard)
            );
            bounds.push(Bound { most, who });
        }
    }
    bounds
}

fn scopes(quota: &Value) -> Option<&Value> {
    ["scopes", "scopeSelector"].into_iter().find_map(|key| value(quota, &["spec", key]))
}

fn replicas(object: &Value) -> u64 {
    let daemons = int(object, &["status", "desiredNumberScheduled"]);
    let wanted = int(object, &["spec", "replicas"]).or(daemons).unwrap_or(1);
    u64::try_from(wanted).unwrap_or(0)
}

/// Whether a rolling update makes a new pod before any old one goes.
fn surges(object: &Value, count: u64) -> bool {
    if text(object, &["kind"]) != "Deployment"
        || text(object, &["spec", "strategy", "type"]) == "Recreate"
    {
        return false;
    }
    match value(object, &["spec", "strategy", "rollingUpdate", "maxUnavailable"]) {
        Some(Value::Number(number)) => number.as_u64() == Some(0),
        // A share is rounded down.
        Some(Value::String(share)) => {
            let percent = share.trim_end_matches('%').parse::<u64>().unwrap_or(0);
            percent.saturating_mul(count) < 100
        }
        _ => count < 4,
    }
}
