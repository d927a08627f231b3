//! What a workload that does not answer says itself: how its worst container is, and the end of that one's log.

use super::known::Behind;
use crate::domain::diagnose::chain::controlled_by;
use crate::domain::diagnose::container::{Container, Doing, Pod, Run, Trouble};
use crate::domain::diagnose::fields::{controller, selector, terminating, text, value};
use crate::domain::diagnose::focus::focus;
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::workload::Workload;
use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct OwnWords<'a> {
    pub(crate) pod: ObjectKey,
    /// How it stands, in words; the cluster's own in them are as they came.
    pub(crate) state: String,
    /// Source and end of its log.
    pub(crate) log: Option<(String, &'a str)>,
}

impl<'a> OwnWords<'a> {
    /// Reads them. `None` where it has no pods, or none can be read; reads may be due after it.
    pub(crate) fn read(
        culprit: &Behind<'a>,
        now: Timestamp,
        reader: &mut Reader<'a>,
    ) -> Option<Self> {
        let key = &culprit.reference.key;
        let labels = selector(value(culprit.object, &["spec", "selector"]))?;
        // Not the ids that causes of the one that complains rely on.
        let pods = reader.list("missing-dependency-pods", "v1", "Pod", &key.namespace, &labels);
        let own = |pod: &&serde_json::Value| !terminating(pod) && made_by(pod, culprit);
        let mut pods = pods.have()?.iter().filter(own).map(Pod::of).collect::<Vec<_>>();
        pods.sort_by_key(Pod::name);
        let workload = Workload {
            reference: culprit.reference.clone(),
            object: culprit.object,
            pods,
            going: Vec::new(),
            jobs: Vec::new(),
            replica_sets: Vec::new(),
            pods_known: true,
        };
        let Some(found) = focus(&[], &workload, now) else { return unplaced(&workload) };
        let pod = ObjectKey::new("v1", "Pod", &key.namespace, found.pod);
        let one = &found.container;
        if found.trouble.is_none() && one.doing == Doing::NotSaid {
            return unplaced(&workload);
        }
        let ran = matches!(found.trouble, None | Some(Trouble::Crash));
        let log = ran.then(|| {
            let previous = found.trouble.is_some() && one.doing != Doing::Ended;
            let got = reader.logs(&pod, one.name, previous).have()?;
            let words = if previous { "previous log" } else { "log" };
            Some((format!("{words} of {} in {}", one.name, pod.path()), got))
        });
        Some(Self { state: standing(one), log: log.flatten(), pod })
    }
}

/// Whether a workload made a pod: itself, or by a ReplicaSet of a Deployment, which is called after it.
fn made_by(pod: &serde_json::Value, culprit: &Behind<'_>) -> bool {
    if culprit.reference.key.kind != "Deployment" {
        return controlled_by(pod, &culprit.reference.uid);
    }
    controller(pod).is_some_and(|owner| {
        let of_it = owner.key.name.rsplit_once('-').map(|(name, _)| name);
        owner.key.kind == "ReplicaSet" && of_it == Some(culprit.reference.key.name.as_str())
    })
}

/// How a container stands: `app restarted 3 times, ended Error (exit 1), waits in CrashLoopBackOff`.
fn standing(one: &Container<'_>) -> String {
    let mut words = Vec::new();
    if one.restarts > 0 {
        words.push(format!("restarted {} times", one.restarts));
    }
    if let Some(run) = one.last_run().filter(|run: &&Run| run.failed()) {
        words.push(format!("ended {} (exit {})", run.reason, run.exit_code));
    }
    match &one.doing {
        Doing::Waiting { reason, message } if message.is_empty() => {
            words.push(format!("waits in {reason}"));
        }
        Doing::Waiting { reason, message } => words.push(format!("waits in {reason}: {message}")),
        Doing::Running { .. } if one.ready => words.push("runs and is ready".into()),
        Doing::Running { .. } => words.push("runs and is not ready".into()),
        Doing::Ended | Doing::NotSaid => {}
    }
    format!("container {} {}", one.name, words.join(", "))
}

/// A pod that no node takes says that itself.
fn unplaced<'a>(workload: &Workload<'_>) -> Option<OwnWords<'a>> {
    workload.pods.iter().find_map(|pod| {
        let found =
            pod.condition("PodScheduled").filter(|one| text(one, &["status"]) == "False")?;
        let why = text(found, &["message"]);
        let place = &workload.reference.key.namespace;
        let key = ObjectKey::new("v1", "Pod", place, pod.name());
        Some(OwnWords { pod: key, state: format!("has no node: {why}"), log: None })
    })
}
