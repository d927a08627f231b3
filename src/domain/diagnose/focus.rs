//! The container that a case is about.

use super::container::{Container, Pod, Role, Trouble};
use super::label_names::POD;
use super::named;
use super::workload::Workload;
use crate::domain::alert::Alert;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// The container that the case is about.
#[derive(Debug, Clone)]
pub(crate) struct Focus<'a> {
    pub(crate) container: Container<'a>,
    /// The pod whose container this is: the one with the newest trouble.
    pub(crate) pod: &'a str,
    /// `None`: nothing is wrong with it that its status tells.
    pub(crate) trouble: Option<Trouble>,
    /// Pods in which the same container is in trouble.
    pub(crate) pods: Vec<Pod<'a>>,
    /// Other containers in trouble, each with how it is.
    pub(crate) others: Vec<(&'a str, String)>,
}

type Found<'p, 'a> = Vec<(&'p Pod<'a>, &'p Container<'a>, Trouble)>;

/// Chooses the container that the case is about: of those in trouble the one that the alert names, else the one that
/// fails in most pods; when none is in trouble, the one that the alert names, else the one that is not ready, else the
/// only one.
pub(crate) fn focus<'a>(
    alerts: &[Alert],
    workload: &Workload<'a>,
    now: Timestamp,
) -> Option<Focus<'a>> {
    let wanted = alerts.iter().find_map(named::container);
    let mut troubled: BTreeMap<&'a str, Found<'_, 'a>> = BTreeMap::new();
    for pod in &workload.pods {
        for (container, trouble) in pod.troubled(now) {
            troubled.entry(container.name).or_default().push((pod, container, trouble));
        }
    }
    let weight = |name: &str, found: &[(&Pod<'_>, &Container<'_>, Trouble)]| {
        let init = found.iter().any(|(_, container, _)| container.role == Role::Init);
        let restarts = found.iter().map(|(_, container, _)| container.restarts).sum::<i64>();
        (wanted == Some(name), init, found.len(), restarts)
    };
    let chosen =
        troubled.iter().max_by_key(|(name, found)| weight(name, found)).map(|(name, _)| *name);
    if let Some(name) = chosen {
        let found = troubled.remove(name)?;
        let newest = |container: &Container<'_>| container.last_run().and_then(|run| run.finished);
        let (pod, container, trouble) =
            found.iter().max_by_key(|(_, container, _)| newest(container)).copied()?;
        let others = troubled.into_iter().filter_map(|(name, found)| {
            let (_, container, trouble) = found.first()?;
            Some((name, container.how(*trouble)))
        });
        return Some(Focus {
            container: container.clone(),
            pod: pod.name(),
            trouble: Some(trouble),
            pods: found.iter().map(|(pod, _, _)| (*pod).clone()).collect(),
            others: others.collect(),
        });
    }
    untroubled(alerts, workload, wanted)
}

fn untroubled<'a>(
    alerts: &[Alert],
    workload: &Workload<'a>,
    wanted: Option<&str>,
) -> Option<Focus<'a>> {
    let named_pod = alerts
        .iter()
        .find_map(|alert| alert.label(&["exported_pod"]).or_else(|| alert.label(&POD)));
    let named = |pod: &&Pod<'_>| Some(pod.name()) == named_pod;
    let all = || workload.pods.iter();
    let pod = all()
        .find(|pod| named(pod) && !pod.ready())
        .or_else(|| all().find(|pod| !pod.ready() && !pod.over()))
        .or_else(|| all().find(named))
        .or_else(|| all().next())?;
    // The others start after an init container that still runs: it is what the pod waits for.
    let first = pod.containers.iter().find(|one| one.holds_the_others()).filter(|_| !pod.ready());
    let mut mains = pod.containers.iter().filter(|one| one.role != Role::Init);
    let container = match wanted {
        _ if first.is_some() => first,
        Some(name) => pod.containers.iter().find(|one| one.name == name),
        None => match (mains.next(), mains.next()) {
            (Some(only), None) => Some(only),
            (Some(_), Some(_)) if !pod.ready() => {
                pod.containers.iter().find(|one| one.role != Role::Init && !one.ready)
            }
            (_, _) => None,
        },
    }?;
    Some(Focus {
        container: container.clone(),
        pod: pod.name(),
        trouble: None,
        pods: Vec::new(),
        others: Vec::new(),
    })
}
