//! The examiner of nodes.
//!
//! Values: `node`, `ready`, `since` (RFC 3339, of its Ready condition), `other_nodes_ready`, `pods_on_node` (that would
//! have to move), `daemon_pods`, `bare_pods`, `local_data_pods`, `room_elsewhere`, `drain_safe`, `drain_blockers`;
//! `cordoned_by`, `cordoned_seconds`, `waiting_pods`; `greedy_pod`, `greedy_owner`, `greedy_bytes`,
//! `greedy_request_bytes`; `leftover_pods`, `leftover_namespaces`, `unused_image_bytes`; `pods_taken`, `pods_most` (that its kubelet takes).

use super::guests::Guests;
use super::{cordon, pressure, state, weigh};
use crate::domain::diagnose::event::Event;
use crate::domain::diagnose::fields::{flag, name, uid};
use crate::domain::diagnose::node::{Readiness, pressures, readiness};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::{Examined, Findings};
use crate::domain::diagnosis::Pattern;
use crate::domain::resource::ObjectKey;
use serde_json::Value;

/// What is read about a node. `None` in a field: it can't be read.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    /// The other nodes.
    pub(super) others: Option<Vec<&'a Value>>,
    pub(super) lease: Option<&'a Value>,
    pub(super) events: Vec<Event<'a>>,
    /// Pods that are bound to it, over or not.
    pub(super) pods: Option<&'a [Value]>,
    /// Pods of all namespaces.
    pub(super) all_pods: Option<&'a [Value]>,
    pub(super) budgets: Option<&'a [Value]>,
}

impl<'a> Surroundings<'a> {
    fn read(case: &Case<'a>, reader: &mut Reader<'a>) -> Option<Self> {
        let nodes = reader.list("missing-nodes", "v1", "Node", "", "");
        let lease =
            ObjectKey::new("coordination.k8s.io/v1", "Lease", "kube-node-lease", case.name());
        let lease = reader.object("missing-lease", &lease);
        let events = reader.events(&case.reference.key);
        let pods = reader.pods_on(case.name());
        let (mut all_pods, mut budgets) = (Got::Gone, Got::Gone);
        if troubled(case.object) {
            all_pods = reader.list("missing-all-pods", "v1", "Pod", "", "");
            budgets = reader.list("missing-budgets", "policy/v1", "PodDisruptionBudget", "", "");
        }
        if reader.pending() {
            return None;
        }
        let of_it = |event: &Event<'_>| {
            let about = event.about();
            // The kubelet names itself by its node's name, or by no uid at all.
            about == uid(case.object) || about == case.name() || about.is_empty()
        };
        Some(Self {
            others: nodes
                .have()
                .map(|all| all.iter().filter(|node| name(node) != case.name()).collect()),
            lease: lease.have(),
            events: events.have().unwrap_or_default().iter().map(Event).filter(of_it).collect(),
            pods: pods.have(),
            all_pods: all_pods.have(),
            budgets: budgets.have(),
        })
    }
}

/// Whether anything of it may make its pods move.
fn troubled(node: &Value) -> bool {
    readiness(node).0 != Readiness::Ready
        || !pressures(node).is_empty()
        || flag(node, &["spec", "unschedulable"])
}

pub(in crate::domain::diagnose::subject) fn examine<'a>(
    case: &Case<'a>,
    reader: &mut Reader<'a>,
) -> Examined {
    let Some(around) = Surroundings::read(case, reader) else { return Examined::Pending };
    let mut findings = Findings::new(case, Pattern::NodeIssue);
    state::note(case, &around, &mut findings);
    if pressure::note(case, &around, &mut findings, reader).is_none() {
        return Examined::Pending;
    }
    let guests = Guests::of(case, &around);
    guests.note(case, &around, &mut findings);
    cordon::note(case, &around, &guests, &mut findings);
    state::well(case, &mut findings);
    weigh::weigh(findings.sealed(reader))
}
