//! Nodes: reports, going away, being noticed, evicting, coming back.

use super::scheduler::{Stays, toleration};
use super::status::set_plain;
use crate::adapters::sim::json::{deleting, is_true, items, key, name, set, stamp, text, uid};
use crate::adapters::sim::pod::{Ending, Stage};
use crate::adapters::sim::queue::Happening;
use crate::adapters::sim::store::Door;
use crate::adapters::sim::world::World;
use crate::domain::resource::ObjectKey;
use crate::domain::time::plus;
use serde_json::{Value, json};

/// Seconds without a report until a node counts as gone.
const GRACE_S: u64 = 40;
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const MANAGER: &str = "kube-controller-manager";

fn node_key(node: &str) -> ObjectKey {
    ObjectKey::new("v1", "Node", "", node)
}

impl World {
    /// Each kubelet reports every five minutes, as real ones do when nothing changes.
    pub(in crate::adapters::sim) fn heartbeat(&mut self) {
        let now = stamp(self.now);
        let up = self
            .nodes
            .iter()
            .filter(|(_, node)| node.down_since().is_none())
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>();
        for node in up {
            self.modify(&node_key(&node), "kubelet", Door::Status, |node| {
                let mut conditions = items(node, &["status", "conditions"]).to_vec();
                for one in &mut conditions {
                    set(one, &["lastHeartbeatTime"], Value::from(now.clone()));
                }
                set(node, &["status", "conditions"], Value::Array(conditions));
            });
        }
        self.in_seconds(300, Happening::Heartbeat);
    }

    /// A node goes away: its pods run on, or not, but nobody hears of them.
    pub(in crate::adapters::sim) fn node_down(&mut self, node: &str, reboots: bool) {
        let now = self.now;
        if let Some(run) = self.nodes.get_mut(node)
            && run.down_since().is_none()
        {
            run.absences.push((now, None));
            run.reboots = reboots;
            self.in_seconds(GRACE_S, Happening::Node(node.to_string()));
        }
    }

    /// A node comes back.
    pub(in crate::adapters::sim) fn node_up(&mut self, node: &str) {
        let now = self.now;
        if let Some(last) = self.nodes.get_mut(node).and_then(|run| run.absences.last_mut())
            && last.1.is_none()
        {
            last.1 = Some(now);
            self.in_seconds(2, Happening::Node(node.to_string()));
        }
    }

    /// The node controller looks at a node.
    pub(in crate::adapters::sim) fn node_turn(&mut self, node: &str) {
        let Some(run) = self.nodes.get(node).cloned() else { return };
        let Some(object) = self.object(&node_key(node)).cloned() else { return };
        match run.down_since() {
            Some(since) if self.now >= plus(since, GRACE_S) => {
                if is_true(&object, "Ready") {
                    self.mark_unreachable(&object);
                }
                self.evict_from(node);
            }
            Some(_) => {}
            None => self.welcome_back(node, &object, run.reboots),
        }
    }

    fn mark_unreachable(&mut self, object: &Value) {
        let now = stamp(self.now);
        self.modify(&key(object), MANAGER, Door::Status, |node| {
            for kind in ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"] {
                let heard = crate::adapters::sim::json::condition(node, kind)
                    .map_or("", |one| text(one, &["lastHeartbeatTime"]))
                    .to_string();
                let condition = json!({
                    "lastHeartbeatTime": heard, "message": "Kubelet stopped posting node status.",
                    "reason": "NodeStatusUnknown", "status": "Unknown", "type": kind,
                });
                set_plain(node, &condition, &now);
            }
        });
        self.modify(&key(object), MANAGER, Door::Main, |node| {
            let mut taints = World::taints(node).to_vec();
            for effect in ["NoSchedule", "NoExecute"] {
                taints.push(json!({"effect": effect, "key": UNREACHABLE, "timeAdded": now}));
            }
            set(node, &["spec", "taints"], Value::Array(taints));
        });
        let words = format!("Node {} status is now: NodeNotReady", name(object));
        self.event(object, "Normal", "NodeNotReady", &words, ("node-controller", ""));
        for pod in self.pods_on(name(object)) {
            let condition = json!({
                "lastProbeTime": null, "observedGeneration": 1, "status": "False", "type": "Ready"
            });
            self.modify(&key(&pod), MANAGER, Door::Status, |pod| set_plain(pod, &condition, &now));
            let words = "Node is not ready";
            self.event(&pod, "Warning", "NodeNotReady", words, ("node-controller", ""));
        }
    }

    /// Deletes pods whose toleration is over. They stay `Terminating`, since no kubelet confirms it.
    fn evict_from(&mut self, node: &str) {
        let Some(since) = self.nodes.get(node).and_then(super::super::node::NodeRun::down_since)
        else {
            return;
        };
        let tainted = plus(since, GRACE_S);
        let mut next = None;
        for pod in self.pods_on(node) {
            let Stays::For(seconds) = toleration(&pod, UNREACHABLE) else { continue };
            let due = plus(tainted, seconds);
            if deleting(&pod) {
                continue;
            }
            if due <= self.now {
                let words =
                    format!("Marking for deletion Pod {}/{}", key(&pod).namespace, name(&pod));
                self.event(
                    &pod,
                    "Normal",
                    "TaintManagerEviction",
                    &words,
                    ("taint-eviction-controller", ""),
                );
                self.delete(&key(&pod));
            } else {
                next = next.into_iter().chain([due]).min();
            }
        }
        if let Some(due) = next {
            self.queue.put(due, Happening::Node(node.to_string()));
        }
    }

    fn welcome_back(&mut self, node: &str, object: &Value, rebooted: bool) {
        let now = stamp(self.now);
        let was_missed = !is_true(object, "Ready");
        if was_missed {
            self.modify(&key(object), "kubelet", Door::Status, |node| {
                for condition in healthy_conditions(&now) {
                    set_plain(node, &condition, &now);
                }
            });
            self.modify(&key(object), MANAGER, Door::Main, |node| {
                let mut taints = World::taints(node).to_vec();
                taints.retain(|taint| text(taint, &["key"]) != UNREACHABLE);
                if taints.is_empty() {
                    crate::adapters::sim::json::remove(node, &["spec", "taints"]);
                } else {
                    set(node, &["spec", "taints"], Value::Array(taints));
                }
            });
            let words = format!("Node {node} status is now: NodeReady");
            self.event(object, "Normal", "NodeReady", &words, ("kubelet", node));
        }
        if rebooted {
            let words = format!("Node {node} has been rebooted");
            self.event(object, "Warning", "Rebooted", &words, ("kubelet", node));
        }
        for pod in self.pods_on(node) {
            self.resume_pod(uid(&pod), rebooted);
        }
        self.after(200, Happening::Schedule);
    }

    fn resume_pod(&mut self, pod: &str, rebooted: bool) {
        let now = self.now;
        let Some(run) = self.pods.get_mut(pod) else {
            self.after(500, Happening::Pod(pod.to_string()));
            return;
        };
        let (place, mut names) = (run.key.clone(), Vec::new());
        for container in &mut run.containers {
            if rebooted && container.stage == Stage::Running {
                container.stage = Stage::Ended;
                container.ready = false;
                if let Some(last) = self
                    .records
                    .get_mut(&place, &container.name)
                    .and_then(|record| record.runs.last_mut())
                {
                    last.ended =
                        Some(Ending { at: now, code: 255, reason: "Unknown", log: Vec::new() });
                }
            }
            container.turn += 1;
            names.push((container.name.clone(), container.turn));
        }
        for (container, turn) in names {
            self.after(800, Happening::Container { pod: pod.to_string(), container, turn });
        }
        self.after(500, Happening::Pod(pod.to_string()));
    }

    /// Pods that are bound to a node.
    pub(in crate::adapters::sim) fn pods_on(&self, node: &str) -> Vec<Value> {
        self.list("v1", "Pod", "")
            .filter(|pod| text(pod, &["spec", "nodeName"]) == node)
            .cloned()
            .collect()
    }
}

/// Conditions of a node that is well.
pub(in crate::adapters::sim) fn healthy_conditions(now: &str) -> Vec<Value> {
    [
        (
            "MemoryPressure",
            "False",
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available",
        ),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
    .iter()
    .map(|(kind, status, reason, message)| {
        json!({
            "lastHeartbeatTime": now, "lastTransitionTime": now, "message": message,
            "reason": reason, "status": status, "type": kind,
        })
    })
    .collect()
}
