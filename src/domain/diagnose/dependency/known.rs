//! What the cluster knows of an address: the Service, whether anything stands behind it, and whose pods these are.

use super::complaint::{Address, How, complaints, is_ipv4};
use crate::domain::diagnose::fields::{flag, int, items, name, namespace, text, uid, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::resource::{ObjectKey, ObjectRef};
use serde_json::Value;
use std::collections::BTreeSet;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Known {
    /// A Service whose endpoints are not ready.
    NotReady,
    /// A Service with that many ready endpoints.
    Ready(usize),
    /// A name of this cluster that no Service has.
    Nowhere,
    /// An address outside the cluster, or one that can't be looked at.
    Outside,
    /// It can't be read.
    Unread,
}

/// A workload behind the Service.
#[derive(Debug, Clone)]
pub(crate) struct Behind<'a> {
    pub(crate) reference: ObjectRef,
    pub(crate) object: &'a Value,
    pub(crate) wanted: i64,
    pub(crate) ready: i64,
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Dependency<'a> {
    pub(crate) address: Address,
    pub(crate) known: Known,
    pub(crate) service: Option<(ObjectKey, &'a Value)>,
    /// Workloads whose pods it selects.
    pub(crate) behind: Vec<Behind<'a>>,
    /// The cluster's DNS, where a name was not resolved and the cluster has a Service for it.
    pub(crate) dns: Option<Dns<'a>>,
    /// Source of the log.
    pub(crate) source: String,
}

/// The cluster's DNS Service, and what stands behind it.
#[derive(Debug, Clone)]
pub(crate) struct Dns<'a> {
    pub(crate) key: ObjectKey,
    pub(crate) known: Known,
    pub(crate) behind: Vec<Behind<'a>>,
}

impl<'a> Dns<'a> {
    /// Looks at `kube-system/kube-dns`: CoreDNS keeps that name. Reads may be due after it.
    fn read(own: &ObjectRef, reader: &mut Reader<'a>) -> Option<Self> {
        let key = ObjectKey::new("v1", "Service", "kube-system", "kube-dns");
        let service = reader.object("missing-dns", &key).have()?;
        let behind = behind(&key, service, own, reader);
        let known = standing(&key, &behind, reader);
        Some(Self { key, known, behind })
    }

    /// The workload behind it, if there is exactly one and nothing is ready.
    pub(crate) fn culprit(&self) -> Option<&Behind<'a>> {
        match self.behind.as_slice() {
            [one] if self.known == Known::NotReady => Some(one),
            _ => None,
        }
    }
}

impl<'a> Dependency<'a> {
    /// Reads what the cluster knows of the addresses that a log complains about. `waits`: the container does nothing but
    /// wait for something on the network. Reads may be due after it.
    pub(crate) fn read(
        source: &str,
        log: &str,
        waits: bool,
        own: &ObjectRef,
        reader: &mut Reader<'a>,
    ) -> Option<Self> {
        let namespace = own.key.namespace.as_str();
        let all = complaints(log);
        all.first()?;
        let unresolved = all.iter().any(|address| address.how.of_name());
        let dns = if unresolved { Dns::read(own, reader) } else { None };
        let mut unreadable = false;
        for address in &all {
            match find(address, namespace, reader) {
                Got::Have((key, service)) => {
                    let behind = behind(&key, service, own, reader);
                    let known = standing(&key, &behind, reader);
                    return Some(Self {
                        address: address.clone(),
                        known,
                        service: Some((key, service)),
                        behind,
                        dns,
                        source: source.into(),
                    });
                }
                Got::Unreadable(_) => unreadable = true,
                Got::Gone | Got::Pending => {}
            }
        }
        // Programs wait for much that is no address: a plain word counts only where it is a Service.
        let address = |one: &&Address| waits || one.how != How::Awaited || one.port.is_some();
        let first = all.iter().find(address).cloned()?;
        let known = match (unreadable, of_cluster(&first.host)) {
            (true, _) => Known::Unread,
            (false, true) => Known::Nowhere,
            (false, false) => Known::Outside,
        };
        let (address, source) = (first, source.into());
        Some(Self { address, known, service: None, behind: Vec::new(), dns, source })
    }

    /// The workload behind it that is not ready, if there is exactly one.
    pub(crate) fn culprit(&self) -> Option<&Behind<'a>> {
        match self.behind.as_slice() {
            [one] if self.known == Known::NotReady => Some(one),
            _ => None,
        }
    }

    /// Whether the Service has that port.
    pub(crate) fn has_port(&self) -> Option<bool> {
        let (port, (_, service)) = (self.address.port?, self.service.as_ref()?);
        let all = items(service, &["spec", "ports"]);
        Some(all.iter().any(|one| int(one, &["port"]) == Some(i64::from(port))))
    }

    /// What the address is called in the cluster.
    pub(crate) fn words(&self) -> String {
        let port = self.address.port.map_or_else(String::new, |port| format!(":{port}"));
        format!("{}{port}", self.address.host)
    }
}

/// Whether a name can be one of this cluster: no dots, or one of the cluster's own domains.
fn of_cluster(host: &str) -> bool {
    let labels = host.split('.').collect::<Vec<_>>();
    labels.len() == 1 || labels.contains(&"svc") || host.ends_with(".cluster.local")
}

/// The Services that a name may mean: `db`, `db.data`, `db.data.svc…`, `db-0.db.data.svc…`.
fn meant(host: &str, own: &str) -> Vec<ObjectKey> {
    let labels = host.split('.').collect::<Vec<_>>();
    let service = |namespace: &str, name: &str| ObjectKey::new("v1", "Service", namespace, name);
    match labels.as_slice() {
        [name] => vec![service(own, name)],
        [name, namespace] => vec![service(namespace, name), service(own, namespace)],
        [name, namespace, "svc", ..] => vec![service(namespace, name)],
        [_, name, namespace, "svc", ..] => vec![service(namespace, name)],
        [_, name, namespace] => vec![service(namespace, name)],
        _ => Vec::new(),
    }
}

/// The Service of an address.
fn find<'a>(address: &Address, own: &str, reader: &mut Reader<'a>) -> Got<(ObjectKey, &'a Value)> {
    if is_ipv4(&address.host) {
        return match reader.list("missing-services", "v1", "Service", own, "") {
            Got::Have(all) => {
                let same = |one: &&Value| text(one, &["spec", "clusterIP"]) == address.host;
                all.iter().find(same).map_or(Got::Gone, |service| {
                    let key = ObjectKey::new("v1", "Service", namespace(service), name(service));
                    Got::Have((key, service))
                })
            }
            Got::Gone => Got::Gone,
            Got::Unreadable(why) => Got::Unreadable(why),
            Got::Pending => Got::Pending,
        };
    }
    let mut answer = Got::Gone;
    for key in meant(&address.host, own) {
        match reader.object("missing-services", &key) {
            Got::Have(service) => return Got::Have((key, service)),
            Got::Gone => {}
            other @ (Got::Unreadable(_) | Got::Pending) => {
                answer = match other {
                    Got::Unreadable(why) => Got::Unreadable(why),
                    Got::Have(_) | Got::Gone | Got::Pending => Got::Pending,
                };
            }
        }
    }
    answer
}

/// Workloads whose pods the Service selects, but for the one that complains.
fn behind<'a>(
    service: &ObjectKey,
    object: &Value,
    own: &ObjectRef,
    reader: &mut Reader<'a>,
) -> Vec<Behind<'a>> {
    let Some(wanted) = value(object, &["spec", "selector"]).and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for kind in ["Deployment", "StatefulSet"] {
        let all = reader.list("missing-workloads", "apps/v1", kind, &service.namespace, "");
        for one in all.have().unwrap_or_default() {
            let labels = value(one, &["spec", "template", "metadata", "labels"]);
            let selects = !wanted.is_empty()
                && wanted.iter().all(|(key, is)| labels.and_then(|all| all.get(key)) == Some(is));
            if selects && uid(one) != own.uid {
                let key = ObjectKey::new("apps/v1", kind, &service.namespace, name(one));
                found.push(Behind {
                    reference: ObjectRef { key, uid: uid(one).into() },
                    object: one,
                    wanted: int(one, &["spec", "replicas"]).unwrap_or(1),
                    ready: int(one, &["status", "readyReplicas"]).unwrap_or(0),
                });
            }
        }
    }
    found
}

/// Whether anything behind a Service is ready: by its endpoint slices, else by the workloads behind it.
fn standing(service: &ObjectKey, behind: &[Behind<'_>], reader: &mut Reader<'_>) -> Known {
    let labels = format!("kubernetes.io/service-name={}", service.name);
    let id = "missing-endpoints";
    let got = reader.list(id, "discovery.k8s.io/v1", "EndpointSlice", &service.namespace, &labels);
    let Got::Have(slices) = got else {
        return match behind {
            [] => Known::Unread,
            all if all.iter().all(|one| one.ready == 0) => Known::NotReady,
            all => Known::Ready(all.len()),
        };
    };
    let ready = slices
        .iter()
        .flat_map(|slice| items(slice, &["endpoints"]))
        .filter(|one| {
            value(one, &["conditions", "ready"]).is_none() || flag(one, &["conditions", "ready"])
        })
        .flat_map(|one| items(one, &["addresses"]))
        .filter_map(Value::as_str)
        .collect::<BTreeSet<_>>()
        .len();
    if ready == 0 { Known::NotReady } else { Known::Ready(ready) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_a_service_as_the_clusters_dns_has_it() {
        let paths = |host: &str| {
            meant(host, "shop")
                .into_iter()
                .map(|key| format!("{}/{}", key.namespace, key.name))
                .collect::<Vec<_>>()
        };
        assert_eq!(paths("db"), ["shop/db"]);
        assert_eq!(paths("db.data"), ["data/db", "shop/data"]);
        assert_eq!(paths("db.data.svc.cluster.local"), ["data/db"]);
        assert_eq!(paths("db-0.db.data.svc"), ["data/db"]);
        assert!(paths("api.eu.example.com").is_empty());
        assert!(of_cluster("db") && of_cluster("db.data.svc") && !of_cluster("db.example.com"));
    }
}
