//! The [`Cluster`] port over the simulated world: the same promises as the real adapter.

use super::faults::Fault;
use super::json::{items, set, text, uid, version_note};
use super::patch;
use super::rights::{ENGINE_USER, resource_of};
use super::shapes::log_of;
use super::sim::lock;
use super::store::Door;
use super::whole::refused;
use super::world::World;
use crate::domain::breaker::{self, Destination, Down};
use crate::domain::certificate;
use crate::domain::evidence::{Answer, LIST_LIMIT, Read};
use crate::domain::id::{AttemptId, ClusterId};
use crate::domain::operation::{ATTEMPT_ANNOTATION, FieldChange, Operation};
use crate::domain::principal::KubeIdentity;
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::workflow::execution::AttemptOutcome;
use crate::ports::cluster::{Cluster, ClusterError, Identity, LeaseView, Permit, Probe, Sent};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Version that the simulated API server says it has.
pub(super) const VERSION: &str = "v1.34.4";
/// Field manager of the product's changes, as the real adapter names it.
pub(super) const FIELD_MANAGER: &str = "pilothouse";

/// The simulated cluster.
#[derive(Debug, Clone)]
pub struct SimCluster {
    world: Arc<Mutex<World>>,
}

impl SimCluster {
    pub(super) fn new(world: Arc<Mutex<World>>) -> Self {
        Self { world }
    }
}

impl World {
    /// The breaker, and faults that any request can meet.
    pub(super) fn reachable(&mut self) -> Result<(), ClusterError> {
        let line = self.lines.to(Destination::Cluster);
        let calling =
            line.begin().map_err(|closed| ClusterError::Unavailable(closed.to_string()))?;
        let now = self.now;
        if self.faults.strikes(Fault::ApiDown, now) {
            let why =
                "503 Service Unavailable: the server is currently unable to handle the request";
            calling.end(&breaker::Answer::Down(Down::SaysDown, why.into()));
            return Err(ClusterError::Unavailable(why.into()));
        }
        if self.faults.strikes(Fault::Throttled, now) {
            calling.end(&breaker::Answer::No("HTTP 429".into()));
            return Err(ClusterError::Unavailable(
                "429 Too Many Requests: please try again later".into(),
            ));
        }
        calling.end(&breaker::Answer::Good);
        Ok(())
    }

    fn answer(&mut self, read: &Read) -> Answer {
        if let Err(error) = self.reachable() {
            return Answer::Unavailable(error.to_string());
        }
        match read {
            Read::Object(key) => {
                self.object(key).map_or(Answer::NotFound, |object| Answer::Object(cleaned(object)))
            }
            Read::List { api_version, kind, namespace, labels } => {
                self.answer_list(api_version, kind, namespace, labels)
            }
            Read::PodsOn { node } => {
                let mut items = self.pods_on(node).iter().map(cleaned).collect::<Vec<_>>();
                let complete = items.len() <= LIST_LIMIT;
                items.truncate(LIST_LIMIT);
                Answer::Items { items, complete }
            }
            Read::Events { namespace, kind, name } => self.answer_events(namespace, kind, name),
            Read::Logs { namespace, pod, container, previous, tail_lines } => {
                self.answer_logs(namespace, pod, container, *previous, *tail_lines)
            }
            Read::Query { .. } | Read::Range { .. } | Read::Alerts { .. } => Answer::Unavailable(
                "the cluster does not answer queries of metrics or alerts".into(),
            ),
        }
    }

    fn answer_list(&self, api_version: &str, kind: &str, namespace: &str, labels: &str) -> Answer {
        if resource_of(api_version, kind).is_none() {
            return Answer::NotFound;
        }
        let mut found = Vec::new();
        for object in self.list(api_version, kind, namespace) {
            match super::selector::fits_text(object.pointer("/metadata/labels"), labels) {
                Ok(true) => found.push(cleaned(object)),
                Ok(false) => {}
                Err(why) => return Answer::Unavailable(why),
            }
        }
        let complete = found.len() <= LIST_LIMIT;
        found.truncate(LIST_LIMIT);
        Answer::Items { items: found, complete }
    }

    fn answer_events(&self, namespace: &str, kind: &str, object: &str) -> Answer {
        let space = if namespace.is_empty() { "default" } else { namespace };
        let mut events = self
            .list("v1", "Event", space)
            .filter(|event| {
                let of = |field: &str| text(event, &["involvedObject", field]);
                of("kind") == kind && of("name") == object
            })
            .cloned()
            .collect::<Vec<_>>();
        events.sort_by(|a, b| {
            let newest = |event: &Value| {
                let version =
                    text(event, &["metadata", "resourceVersion"]).parse::<u64>().unwrap_or(0);
                (text(event, &["lastTimestamp"]).to_string(), version)
            };
            newest(b).cmp(&newest(a))
        });
        let complete = events.len() <= LIST_LIMIT;
        events.truncate(LIST_LIMIT);
        Answer::Items { items: events, complete }
    }

    fn answer_logs(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
        tail: u32,
    ) -> Answer {
        let Some(object) = self.get("v1", "Pod", namespace, pod) else { return Answer::NotFound };
        let node = text(&object, &["spec", "nodeName"]);
        if self.nodes.get(node).is_some_and(|run| run.down_since().is_some()) {
            return Answer::Unavailable(format!("the kubelet of {node} does not answer"));
        }
        let record = self
            .records
            .get(namespace, pod, container)
            .filter(|record| record.pod_uid == uid(&object));
        let Some(log) = record.and_then(|record| log_of(record, previous)) else {
            let status = items(&object, &["status", "containerStatuses"])
                .iter()
                .find(|status| text(status, &["name"]) == container);
            let reason = status.map_or("", |status| text(status, &["state", "waiting", "reason"]));
            return Answer::Unavailable(if previous {
                format!(
                    "400 Bad Request: previous terminated container {container:?} in pod {pod:?} not found"
                )
            } else {
                format!(
                    "400 Bad Request: container {container:?} in pod {pod:?} is waiting to start: {reason}"
                )
            });
        };
        let lines = log.lines().collect::<Vec<_>>();
        let first = lines.len().saturating_sub(usize::try_from(tail).unwrap_or(usize::MAX));
        Answer::Text(lines.get(first..).unwrap_or_default().join("\n"))
    }

    /// The live object of an operation, if it is the one that was meant.
    pub(super) fn meant(&self, object: &ObjectRef) -> Result<Value, String> {
        let live = self.object(&object.key).ok_or_else(|| {
            format!("404 Not Found: {} {:?} not found", object.key.kind, object.key.name)
        })?;
        if uid(live) != object.uid {
            return Err(format!(
                "{} was deleted and made anew: its uid is {}, expected {}",
                object.key.path(),
                uid(live),
                object.uid
            ));
        }
        Ok(live.clone())
    }

    fn preview_patch(
        &self,
        object: &ObjectRef,
        changes: &[FieldChange],
    ) -> Result<(Value, Value), ClusterError> {
        let live = self.meant(object).map_err(ClusterError::Refused)?;
        let after = patch::apply(&live, changes).map_err(ClusterError::Refused)?;
        Ok((cleaned(&live), cleaned(&after)))
    }

    fn send_patch(
        &mut self,
        (attempt, stamped): (&AttemptId, bool),
        object: &ObjectRef,
        changes: &[FieldChange],
        guards: &[FieldChange],
    ) -> AttemptOutcome {
        if let Err(error) = self.reachable() {
            return refused(error.to_string(), true);
        }
        let live = match self.meant(object) {
            Ok(live) => live,
            Err(why) => return refused(why, false),
        };
        if stamp_of(&live) == attempt.as_str() {
            return AttemptOutcome::Applied {
                note: format!("already there: {}", version_note(&live)),
            };
        }
        if let Some(why) = patch::moved(&live, changes).or_else(|| patch::moved(&live, guards)) {
            return refused(format!("{} moved: {why}", object.key.path()), false);
        }
        let mut after = match patch::apply(&live, changes) {
            Ok(after) => after,
            Err(why) => return refused(format!("422 Unprocessable Entity: {why}"), false),
        };
        if self.faults.strikes(Fault::Conflict, self.now) {
            return refused(
                format!(
                    "409 Conflict: Operation cannot be fulfilled on {:?}: the object has been modified; please apply \
                     your changes to the latest version and try again",
                    object.key.name
                ),
                true,
            );
        }
        if self.faults.strikes(Fault::RequestLost, self.now) {
            return AttemptOutcome::NoAnswer {
                why: "the connection broke while the request was sent".into(),
            };
        }
        if stamped {
            let stamp = Value::from(attempt.as_str());
            set(&mut after, &["metadata", "annotations", ATTEMPT_ANNOTATION], stamp);
        }
        self.update(after, FIELD_MANAGER, Door::Main);
        if self.faults.strikes(Fault::AnswerLost, self.now) {
            return AttemptOutcome::NoAnswer {
                why: "the request timed out after it was sent".into(),
            };
        }
        let note = self.object(&object.key).map(version_note).unwrap_or_default();
        AttemptOutcome::Applied { note }
    }

    fn probe_patch(
        &mut self,
        (attempt, stamped): (&AttemptId, bool),
        object: &ObjectRef,
        changes: &[FieldChange],
    ) -> Probe {
        if let Err(error) = self.reachable() {
            return Probe::Later(error.to_string());
        }
        let live = match self.meant(object) {
            Ok(live) => live,
            Err(why) => return Probe::CantTell(why),
        };
        let place = format!("{} annotation {ATTEMPT_ANNOTATION}", object.key.path());
        if stamp_of(&live) == attempt.as_str() {
            return Probe::Done(format!("{place} is {attempt}"));
        }
        // Without the stamp the change can still be there if somebody replaced the whole object afterwards.
        let ours = changes.iter().all(|change| {
            change.after != change.before && change.path.get(&live) == change.after.as_ref()
        });
        if ours && !changes.is_empty() && !stamped {
            return Probe::Done(format!("{} holds the new values", object.key.path()));
        }
        if ours && !changes.is_empty() {
            return Probe::CantTell(format!(
                "{place} is not {attempt}, but the fields hold the new values"
            ));
        }
        Probe::NotDone(format!("{place} is not {attempt}"))
    }
}

pub(super) fn stamp_of(object: &Value) -> &str {
    text(object, &["metadata", "annotations", ATTEMPT_ANNOTATION])
}

/// An object as reads give it: without Secret values and without last-applied annotations.
fn cleaned(object: &Value) -> Value {
    let mut object = object.clone();
    if text(&object, &["kind"]) == "Secret" {
        if let Some(dates) = certificate::noted(&object) {
            object[certificate::MEMBER] = dates;
        }
        for part in ["data", "stringData"] {
            if let Some(data) = object.get_mut(part).and_then(Value::as_object_mut) {
                for value in data.values_mut() {
                    *value = Value::from("<redacted>");
                }
            }
        }
    }
    super::json::remove(
        &mut object,
        &["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"],
    );
    object
}

#[async_trait::async_trait]
impl Cluster for SimCluster {
    async fn identity(&self) -> Result<Identity, ClusterError> {
        let mut world = lock(&self.world);
        world.reachable()?;
        let system = world.get("v1", "Namespace", "", "kube-system").unwrap_or_default();
        Ok(Identity {
            cluster: ClusterId::new(uid(&system)),
            name: world.name.clone(),
            version: VERSION.into(),
            user: KubeIdentity {
                username: ENGINE_USER.into(),
                groups: vec!["system:serviceaccounts".into(), "system:authenticated".into()],
            },
            simulated: true,
        })
    }

    async fn read(&self, read: &Read) -> Answer {
        lock(&self.world).answer(read)
    }

    async fn preview(&self, operation: &Operation) -> Result<Option<(Value, Value)>, ClusterError> {
        let mut world = lock(&self.world);
        if operation.mutates() {
            world.reachable()?;
        }
        match operation {
            Operation::Patch { object, changes, .. } => {
                world.preview_patch(object, changes).map(Some)
            }
            Operation::Delete { object, .. } | Operation::Evict { pod: object, .. } => {
                let live = world.meant(object).map_err(ClusterError::Refused)?;
                Ok(Some((cleaned(&live), Value::Null)))
            }
            Operation::Create { object, manifest } => {
                world.creatable(object, manifest).map_err(ClusterError::Refused)?;
                Ok(Some((Value::Null, cleaned(manifest))))
            }
            Operation::Unmake { .. }
            | Operation::Rotate(_)
            | Operation::Silence(_)
            | Operation::Exec(_)
            | Operation::Await(_)
            | Operation::Collect { .. } => Ok(None),
        }
    }

    async fn admits(&self, namespace: &str, pod_template: &Value) -> Result<(), ClusterError> {
        let mut world = lock(&self.world);
        world.reachable()?;
        let mut pod = pod_template.clone();
        set(&mut pod, &["metadata", "namespace"], Value::from(namespace));
        set(&mut pod, &["metadata", "name"], Value::from("pilothouse-dry-run"));
        world.admit_pod(&pod).map_err(ClusterError::Refused)
    }

    async fn can(
        &self,
        who: &KubeIdentity,
        operation: &Operation,
    ) -> Result<(bool, String, String), ClusterError> {
        let mut world = lock(&self.world);
        world.reachable()?;
        let Some(key) = operation.key() else {
            return Ok((true, "changes nothing".into(), "nothing is needed".into()));
        };
        let (verb, door) = match operation {
            Operation::Patch { subresource, .. } => ("patch", subresource.as_str()),
            Operation::Delete { .. } | Operation::Unmake { .. } => ("delete", ""),
            Operation::Evict { .. } => ("create", "eviction"),
            Operation::Create { .. } => ("create", ""),
            Operation::Exec(_) => ("create", "exec"),
            Operation::Rotate(_) => ("patch", ""),
            Operation::Silence(_) | Operation::Await(_) | Operation::Collect { .. } => ("get", ""),
        };
        let ObjectKey { api_version, kind, namespace, name } = key;
        let Some((plural, group)) = resource_of(api_version, kind) else {
            return Err(ClusterError::Refused(format!(
                "the server has no resource for {api_version} {kind}"
            )));
        };
        let (shown, dotted) = if group.is_empty() {
            (plural.to_string(), plural.to_string())
        } else {
            (format!("{group}/{plural}"), format!("{plural}.{group}"))
        };
        let place = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
        let (allowed, words) = world.rights.may(who, &dotted, namespace);
        let shown = if door.is_empty() { shown } else { format!("{shown}/{door}") };
        Ok((allowed, format!("{verb} {shown} {name}{place}"), words))
    }

    async fn send(&self, permit: Permit, operation: &Operation) -> Sent {
        let mut world = lock(&self.world);
        if world.monotonic() >= permit.deadline() {
            return refused("the permit ended before the request could be sent", true).into();
        }
        let outcome = match operation {
            Operation::Patch { object, subresource, changes, guards } => {
                let stamped = subresource.is_empty();
                world.send_patch((permit.attempt(), stamped), object, changes, guards)
            }
            Operation::Delete { object, grace_s, propagation, guards } => {
                world.send_delete(object, (*grace_s, *propagation), guards)
            }
            Operation::Evict { pod, grace_s } => world.send_evict(pod, *grace_s),
            Operation::Create { object, manifest } => {
                world.send_create(permit.attempt(), object, manifest)
            }
            Operation::Unmake { object, made_by } => world.send_unmake(object, made_by),
            Operation::Exec(_)
            | Operation::Rotate(_)
            | Operation::Silence(_)
            | Operation::Await(_) => {
                refused("the simulated world runs no programs and holds no secret values", false)
            }
            Operation::Collect { reads, .. } => {
                for read in reads {
                    if let Answer::Unavailable(why) = world.answer(read) {
                        return refused(why, true).into();
                    }
                }
                AttemptOutcome::Applied { note: format!("{} reads", reads.len()) }
            }
        };
        outcome.into()
    }

    async fn probe(&self, attempt: &AttemptId, operation: &Operation) -> Probe {
        match operation {
            Operation::Patch { object, subresource, changes, .. } => {
                let stamped = subresource.is_empty();
                lock(&self.world).probe_patch((attempt, stamped), object, changes)
            }
            Operation::Delete { object, .. } | Operation::Evict { pod: object, .. } => {
                lock(&self.world).probe_gone(object)
            }
            Operation::Create { object, .. } => lock(&self.world).probe_made(attempt, object),
            Operation::Unmake { object, made_by } => {
                lock(&self.world).probe_unmade(object, made_by)
            }
            Operation::Exec(_) | Operation::Rotate(_) | Operation::Silence(_) => {
                Probe::NotDone("the simulated world does no such thing".into())
            }
            Operation::Await(_) | Operation::Collect { .. } => {
                Probe::NotDone("reading changes nothing".into())
            }
        }
    }

    async fn lease(&self) -> Result<Option<LeaseView>, ClusterError> {
        let mut world = lock(&self.world);
        world.reachable()?;
        Ok(world.lease_view())
    }

    async fn hold_lease(
        &self,
        holder: &str,
        ttl_s: u64,
        expected: Option<&str>,
    ) -> Result<LeaseView, ClusterError> {
        let mut world = lock(&self.world);
        world.reachable()?;
        world.hold_lease(holder, ttl_s, expected)
    }

    async fn release_lease(&self, holder: &str) -> Result<(), ClusterError> {
        let mut world = lock(&self.world);
        world.reachable()?;
        world.release_lease(holder);
        Ok(())
    }

    async fn set_stop(&self, text: Option<&str>) -> Result<(), ClusterError> {
        let mut world = lock(&self.world);
        // Nothing may delay a stop, a breaker neither.
        if text.is_none() {
            world.reachable()?;
        }
        world.annotate_stop(text, FIELD_MANAGER);
        Ok(())
    }
}

impl World {
    /// Time on the clock's monotonic scale.
    pub(super) fn monotonic(&self) -> Duration {
        self.timers.monotonic()
    }
}
