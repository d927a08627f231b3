//! From a scenario to a world, and its timeline.

use super::json::{items, remove, set, text};
use super::manifest;
use super::node::NodeRun;
use super::queue::Happening;
use super::scenario::{Happens, Of, Scenario, Workload};
use super::store::Door;
use super::world::World;
use crate::domain::resource::ObjectKey;
use crate::domain::time::{Timestamp, plus};
use crate::ports::cluster::{LEASE_NAME, LEASE_NAMESPACE, STOP_ANNOTATION};
use serde_json::{Value, json};

/// How long before the timeline the world exists: long enough that nothing looks new.
const PAST_DAYS: i64 = 3;

/// When a scenario's world begins.
pub(super) fn dawn(scenario: &Scenario) -> Timestamp {
    scenario.start - chrono::TimeDelta::days(PAST_DAYS)
}

impl World {
    /// Fills the world and lets it settle until the timeline begins.
    pub(super) fn populate(&mut self, scenario: &Scenario) {
        self.images = scenario.images.clone();
        self.rights.rules.clone_from(&scenario.rights);
        for name in ["kube-system", "default", "kube-public", "kube-node-lease"] {
            self.create(manifest::namespace(name), "kube-apiserver");
        }
        for (spec, number) in scenario.nodes.iter().zip(1_i64..) {
            self.create(manifest::node(spec, number, self.now), "kubelet");
            self.nodes.insert(spec.name.clone(), NodeRun { number, ..NodeRun::default() });
        }
        self.after(0, Happening::Heartbeat);
        self.after(0, Happening::Sweep);
        for (target, keys) in &scenario.config {
            self.make_config(target, keys);
        }
        for (namespace, hard) in &scenario.quota {
            self.make_namespace(namespace);
            self.create(manifest::quota(namespace, hard), "kubectl-client-side-apply");
        }
        let longest = scenario.workloads.iter().map(|one| one.history.len()).max().unwrap_or(0);
        for round in 0..=longest {
            for spec in &scenario.workloads {
                self.deploy_round(spec, round);
            }
            self.run_until(plus(self.now, 4 * 3_600));
        }
        self.run_until(scenario.start);
        self.began = scenario.start;
        self.timeline.clone_from(&scenario.timeline);
        for (index, incident) in scenario.timeline.iter().enumerate() {
            self.queue.put(plus(scenario.start, incident.at), Happening::Timeline(index));
        }
        self.faults.rates = scenario.faults.clone();
        self.notes.clear();
        self.after(0, Happening::Rules);
    }

    /// Deploys a workload, or its next revision: round 0 is the oldest image.
    fn deploy_round(&mut self, spec: &Workload, round: usize) {
        let image = spec.history.get(round).unwrap_or(&spec.image);
        if round == 0 {
            self.deploy(spec, image);
        } else if round <= spec.history.len() {
            let image = image.clone();
            let place = ObjectKey::new("apps/v1", &spec.kind, &spec.namespace, &spec.name);
            self.edit_container(&place, &spec.by, |container| {
                set(container, &["image"], Value::from(image));
            });
        }
    }

    fn deploy(&mut self, spec: &Workload, image: &str) {
        self.make_namespace(&spec.namespace);
        let mut object = manifest::workload(spec, image);
        // What a scenario writes is as good as what it means: a wrong quantity stays as it is written.
        let _ = super::patch::canonical(&mut object);
        self.create(object, &spec.by);
        if !spec.no_service && spec.kind != "DaemonSet" {
            self.create(manifest::service(spec), &spec.by);
        }
        if let Some(least) = spec.min_available {
            self.create(manifest::budget(spec, least), &spec.by);
        }
    }

    fn make_namespace(&mut self, name: &str) {
        self.create(manifest::namespace(name), "kubectl-create");
    }

    fn make_config(&mut self, target: &str, keys: &[String]) {
        let key = target_key(target);
        self.make_namespace(&key.namespace);
        let object = manifest::config(&key.kind, &key.namespace, &key.name, keys);
        self.create(object, "kubectl-create");
    }

    /// The timeline moves on.
    pub(super) fn timeline_turn(&mut self, index: usize) {
        let Some(incident) = self.timeline.get(index).cloned() else { return };
        if !incident.note.is_empty() {
            self.notes.push(format!(
                "{} {}",
                crate::domain::time::rfc3339(self.now),
                incident.note
            ));
        }
        self.happens(incident.what);
    }

    /// Makes something happen now, outside the timeline: for tests and interactive demos.
    pub fn happens(&mut self, what: Happens) {
        match what {
            Happens::SetImage { of, image } => self.edit(&of, |container| {
                set(container, &["image"], Value::from(image));
            }),
            Happens::SetLimit { of, limit } => self.edit(&of, |container| {
                set(container, &["resources", "limits", "memory"], Value::from(limit.clone()));
                set(container, &["resources", "requests", "memory"], Value::from(limit));
            }),
            Happens::SetEnv { of, name, value } => {
                self.edit(&of, |container| set_variable(container, &name, &value));
            }
            Happens::Scale { of, replicas } => {
                self.modify(&target_key(&of.target), &of.by, Door::Main, |object| {
                    set(object, &["spec", "replicas"], Value::from(replicas));
                });
            }
            Happens::Annotate { of, key, value } => {
                self.modify(&target_key(&of.target), &of.by, Door::Main, |object| {
                    set(object, &["metadata", "annotations", &key], Value::from(value));
                });
            }
            Happens::Needs { image, needs, over } => {
                self.images.entry(image.clone()).or_default().needs = needs;
                self.behaviour_changed(&image, over);
            }
            Happens::Leaks { image, per_hour } => {
                self.images.entry(image.clone()).or_default().leak_per_hour = per_hour;
                self.behaviour_changed(&image, 30);
            }
            Happens::Delete { target } => {
                self.delete(&target_key(&target));
            }
            Happens::Config { target, keys } => self.make_config(&target, &keys),
            Happens::Deploy { workload } => {
                let image = workload.image.clone();
                self.deploy(&workload, &image);
            }
            other => self.happens_to_cluster(other),
        }
    }

    fn happens_to_cluster(&mut self, what: Happens) {
        match what {
            Happens::NodeDown { node, reboot } => self.node_down(&node, reboot),
            Happens::NodeUp { node } => self.node_up(&node),
            Happens::Cordon { node, on } => self.cordon(&node, on),
            Happens::Quota { namespace, hard } => {
                let quota = manifest::quota(&namespace, &hard);
                if !self.create(quota.clone(), "kubectl-client-side-apply") {
                    self.modify(&super::json::key(&quota), "kubectl-edit", Door::Main, |old| {
                        set(old, &["spec"], quota.get("spec").cloned().unwrap_or_default());
                    });
                }
            }
            Happens::Storm { labels, summary, count, lasts } => {
                self.alerts.storm(&labels, &summary, count, plus(self.now, lasts));
                self.after(0, Happening::Rules);
            }
            Happens::Fault { fault, lasts, count } => {
                if lasts > 0 {
                    self.faults.hold(fault, plus(self.now, lasts));
                } else {
                    self.faults.next(fault, count.max(1));
                }
            }
            Happens::StopAnnotation { text } => {
                self.annotate_stop((!text.is_empty()).then_some(text.as_str()), "kubectl-annotate");
            }
            _ => {}
        }
    }

    fn cordon(&mut self, node: &str, on: bool) {
        let now = super::json::stamp(self.now);
        let place = ObjectKey::new("v1", "Node", "", node);
        self.modify(&place, "kubectl-cordon", Door::Main, |node| {
            let taint = "node.kubernetes.io/unschedulable";
            let mut taints = Self::taints(node).to_vec();
            taints.retain(|one| text(one, &["key"]) != taint);
            if on {
                set(node, &["spec", "unschedulable"], Value::from(true));
                taints.push(json!({"effect": "NoSchedule", "key": taint, "timeAdded": now}));
            } else {
                remove(node, &["spec", "unschedulable"]);
            }
            set(node, &["spec", "taints"], Value::Array(taints));
        });
    }

    fn edit(&mut self, of: &Of, change: impl FnOnce(&mut Value)) {
        self.edit_container(&target_key(&of.target), &of.by, change);
    }

    /// Changes the first container of a workload's template.
    fn edit_container(&mut self, place: &ObjectKey, by: &str, change: impl FnOnce(&mut Value)) {
        self.modify(place, by, Door::Main, |object| {
            if let Some(container) = object.pointer_mut("/spec/template/spec/containers/0") {
                change(container);
            }
            let _ = super::patch::canonical(object);
        });
    }

    /// Sets or lifts the stop annotation, with namespace and Lease if they are missing.
    pub(super) fn annotate_stop(&mut self, words: Option<&str>, by: &str) {
        self.make_namespace(LEASE_NAMESPACE);
        let place = ObjectKey::new("coordination.k8s.io/v1", "Lease", LEASE_NAMESPACE, LEASE_NAME);
        self.create(
            json!({
                "apiVersion": place.api_version, "kind": place.kind,
                "metadata": {"name": LEASE_NAME, "namespace": LEASE_NAMESPACE}, "spec": {},
            }),
            by,
        );
        let words = words.map(String::from);
        self.modify(&place, by, Door::Main, |lease| {
            let path = ["metadata", "annotations", STOP_ANNOTATION];
            match words {
                Some(words) => set(lease, &path, Value::from(words)),
                None => remove(lease, &path),
            }
        });
    }
}

fn set_variable(container: &mut Value, name: &str, value: &str) {
    let mut env = items(container, &["env"]).to_vec();
    env.retain(|one| text(one, &["name"]) != name);
    if !value.is_empty() {
        env.push(json!({"name": name, "value": value}));
    }
    set(container, &["env"], Value::Array(env));
}

/// The object that `namespace/Kind/name` names.
pub(super) fn target_key(target: &str) -> ObjectKey {
    let mut parts = target.splitn(3, '/');
    let mut next = || parts.next().unwrap_or_default();
    let (namespace, kind, name) = (next(), next(), next());
    let api_version = match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => "apps/v1",
        "PodDisruptionBudget" => "policy/v1",
        _ => "v1",
    };
    ObjectKey::new(api_version, kind, namespace, name)
}
