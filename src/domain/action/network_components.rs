//! `restart_network_components`: the cluster's DNS, its proxy, or its network plugin, found by their labels.

use super::parameter::{ActionParameter, ActionParameterKind::Choice};
use super::request::{ActionError, ActionRequest, Compiled};
use super::restart;
use super::spec::ActionSpec;
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::resource::ObjectRef;
use crate::domain::workflow::plan::{ActionClass, Risk};

/// (component, kind, namespace, labels), as the projects ship them.
const KNOWN: &[(&str, &str, &str, &str)] = &[
    ("dns", "Deployment", "kube-system", "k8s-app=kube-dns"),
    ("dns", "Deployment", "kube-system", "k8s-app=coredns"),
    ("dns", "Deployment", "kube-system", "app.kubernetes.io/name=coredns"),
    ("proxy", "DaemonSet", "kube-system", "k8s-app=kube-proxy"),
    ("plugin", "DaemonSet", "kube-system", "k8s-app=calico-node"),
    ("plugin", "DaemonSet", "calico-system", "k8s-app=calico-node"),
    ("plugin", "DaemonSet", "kube-system", "k8s-app=cilium"),
    ("plugin", "DaemonSet", "kube-system", "app=flannel"),
    ("plugin", "DaemonSet", "kube-flannel", "app=flannel"),
    ("plugin", "DaemonSet", "kube-system", "k8s-app=canal"),
    ("plugin", "DaemonSet", "kube-system", "name=weave-net"),
    ("plugin", "DaemonSet", "kube-system", "component=antrea-agent"),
    ("plugin", "DaemonSet", "kube-system", "k8s-app=aws-node"),
    ("plugin", "DaemonSet", "kube-system", "k8s-app=kube-router"),
];

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Network,
    risk: Risk::High,
    mutates: true,
    undoable: false,
    timeout_s: 60,
    describe: "Replaces the pods of the cluster's DNS, kube-proxy or network plugin, a few at a time.",
    undone_by: "can't be undone: the pods that ran are gone",
    needs: "that component as a Deployment or DaemonSet with the labels that its project ships",
    parameters: &[ActionParameter::required(
        "component",
        Choice(&["dns", "proxy", "plugin"]),
        "which of them",
    )],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let component = request.text("component").unwrap_or_default();
    let mut found = Vec::<ObjectRef>::new();
    let mut unread = Vec::new();
    for (_, kind, namespace, labels) in KNOWN.iter().filter(|known| known.0 == component) {
        match reader.whole_list("components", "apps/v1", kind, namespace, labels) {
            Got::Have(objects) => found.extend(objects.iter().filter_map(ObjectRef::of)),
            Got::Unreadable(why) => unread.push(format!("{namespace}: {why}")),
            Got::Gone | Got::Pending => {}
        }
    }
    if reader.pending() {
        return Ok(Progress::Need(reader.needs()));
    }
    found.sort();
    found.dedup();
    let target = match found.as_slice() {
        [one] => one,
        [] if unread.is_empty() => {
            return Err(ActionError(format!(
                "this cluster has no {component} that is known by its labels: restart it by its name instead"
            )));
        }
        [] => {
            unread.dedup();
            return Err(ActionError(format!("{component} can't be found: {}", unread.join("; "))));
        }
        [..] => {
            let all = found.iter().map(|one| one.key.path()).collect::<Vec<_>>().join(", ");
            return Err(ActionError(format!("which one is meant can't be told: {all}")));
        }
    };
    let nothing = std::collections::BTreeMap::new();
    let request = ActionRequest { target, params: &nothing, ..*request };
    let mut ready = match (restart::SPEC.compile)(&request)? {
        Progress::Ready(ready) => ready,
        Progress::Need(reads) => return Ok(Progress::Need(reads)),
    };
    ready.title = format!("restart the cluster's {component} ({})", target.key.path());
    ready.notes.push("all of the cluster depends on it while its pods are replaced".into());
    Ok(Progress::Ready(ready))
}
