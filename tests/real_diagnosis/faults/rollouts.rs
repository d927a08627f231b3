//! Rollouts: what a new revision broke, and what holds one up.

use crate::fault::{Fault, OK, app, container, deploy, pod, restarted, variable, with, workload};
use crate::world::World;
use serde_json::json;

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    let ready = |path: &str| json!({"readinessProbe": {"exec": {"command": ["test", "-e", path]}, "periodSeconds": 2}});
    let apart = |one| {
        json!({"containers": [one], "affinity": {"podAntiAffinity":
            {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname",
                "labelSelector": {"matchLabels": {"app": "web"}}}]}}})
    };
    let settings = |mode: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"MODE": mode}});
    let from_settings = json!({"envFrom": [{"configMapRef": {"name": "settings"}}]});
    let by_settings = format!("test $MODE = good || exit 5; {OK}");
    let surging = |pod| {
        let mut object = workload("Deployment", "web", 2, pod);
        object["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
        object
    };
    let mut deadline = deploy("web", 1, with(app(world, OK), ready("/nowhere")));
    deadline["spec"]["progressDeadlineSeconds"] = json!(10);
    vec![
        Fault::new(
            "bad-command",
            "the second revision exits 1, pods of the first are still ready",
            vec![vec![deploy("web", 2, app(world, OK))], vec![deploy("web", 2, app(world, "echo boom; exit 1"))]],
            30,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        ),
        Fault::new(
            "bad-command-single",
            "the only pod of the good revision is gone: its events tell that it ran well",
            vec![vec![deploy("web", 1, app(world, OK))], vec![deploy("web", 1, app(world, "sleep 3; exit 1"))]],
            40,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        ),
        Fault::new(
            "bad-image",
            "the second revision's image does not exist, pods of the first are still ready",
            vec![
                vec![deploy("web", 2, app(world, OK))],
                vec![deploy("web", 2, with(app(world, OK), json!({"image": "test.local/none:2"})))],
            ],
            30,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        ),
        Fault::new(
            "new-reference",
            "only the second revision refers to the missing Secret; the first is still ready",
            vec![
                vec![deploy("pay", 2, app(world, OK))],
                vec![deploy(
                    "pay",
                    2,
                    with(app(world, OK), json!({"envFrom": [{"secretRef": {"name": "feature-keys"}}]})),
                )],
            ],
            30,
            ["crash-loop", "missing-config", "remediate", "Deployment/pay"],
        ),
        Fault::new(
            "statefulset",
            "the second revision of a StatefulSet exits 3, one pod of the first is still ready",
            vec![
                vec![workload("StatefulSet", "db", 2, pod(app(world, OK)))],
                vec![workload("StatefulSet", "db", 2, pod(app(world, "echo 'no wal'; exit 3")))],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "StatefulSet/db"],
        ),
        Fault::new(
            "statefulset-single",
            "the only pod of a StatefulSet fails since its second revision",
            vec![
                vec![workload("StatefulSet", "db", 1, pod(app(world, OK)))],
                vec![workload("StatefulSet", "db", 1, pod(app(world, "echo 'no wal'; exit 3")))],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "StatefulSet/db"],
        ),
        Fault::new(
            "daemonset",
            "the second revision of a DaemonSet exits 2",
            vec![
                vec![workload("DaemonSet", "agent", 1, pod(app(world, OK)))],
                vec![workload("DaemonSet", "agent", 1, pod(app(world, "exit 2")))],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "DaemonSet/agent"],
        ),
        Fault::new(
            "second-container",
            "of two containers the proxy fails; the first revision had a proxy that worked",
            vec![
                vec![workload(
                    "Deployment",
                    "two",
                    1,
                    json!({"containers":
                    [app(world, OK), container(world, "proxy", OK)]}),
                )],
                vec![workload(
                    "Deployment",
                    "two",
                    1,
                    json!({"containers":
                    [app(world, OK), container(world, "proxy", "sleep 2; exit 1")]}),
                )],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/two"],
        ),
        Fault::new(
            "two-bad-revisions",
            "a first attempt at a fix failed too: the first revision is the one to go back to",
            vec![
                vec![deploy("web", 2, app(world, OK))],
                vec![deploy("web", 2, app(world, "exit 1"))],
                vec![deploy("web", 2, app(world, "exit 2"))],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        ),
        Fault::new(
            "restarted",
            "somebody restarted it in the hope that this helps: the new revision runs the same",
            vec![
                vec![deploy("web", 1, app(world, "exit 1"))],
                vec![restarted(deploy("web", 1, app(world, "exit 1")))],
            ],
            40,
            ["crash-loop", "unknown", "remediate", "Deployment/web"],
        ),
        Fault::new(
            "bad-readiness",
            "the second revision is never ready, and never restarts; pods of the first are ready",
            vec![
                vec![deploy("web", 2, with(app(world, OK), ready("/bin")))],
                vec![deploy("web", 2, with(app(world, OK), ready("/nowhere")))],
            ],
            30,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        )
        .with_facts(&["readiness-fails"]),
        Fault::new(
            "bad-liveness",
            "the second revision's liveness probe asks a port on which nothing listens",
            vec![
                vec![deploy("web", 2, app(world, OK))],
                vec![deploy("web", 2, with(app(world, OK), json!({"livenessProbe":
                    {"tcpSocket": {"port": 9}, "periodSeconds": 2, "failureThreshold": 2}})))],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        ),
        Fault::new(
            "progress-deadline",
            "the first revision never gets ready within its deadline; its pods don't restart",
            vec![vec![deadline]],
            35,
            ["generic", "stuck-rollout", "remediate", "Deployment/web"],
        )
        .with_facts(&["readiness-fails", "condition-progressing"]),
        Fault::new(
            "surge-without-room",
            "pods keep apart, there are as many as nodes, and the rollout may take none away first",
            vec![
                vec![surging(apart(app(world, OK)))],
                vec![surging(apart(with(app(world, OK), variable("NEW", "1"))))],
            ],
            20,
            ["generic", "stuck-rollout", "remediate", "Deployment/web"],
        )
        .with_facts(&["surge-only"]),
        Fault::new(
            "requests-raised",
            "the second revision requests more than any node has: going back is the cure",
            vec![
                vec![deploy("web", 2, app(world, OK))],
                vec![deploy("web", 2, with(app(world, OK),
                    json!({"resources": {"requests": {"memory": "900Gi"}}})))],
            ],
            20,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        )
        .with_facts(&["placing-differs", "larger-than-any-node"]),
        Fault::new(
            "configuration-changed",
            "somebody changed the ConfigMap and restarted the Deployment: the new revision runs the same, and fails",
            vec![
                vec![settings("good"), deploy("web", 1, with(app(world, &by_settings), from_settings.clone()))],
                vec![settings("bad")],
            ],
            30,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        )
        .then(&["rollout", "restart", "deployment/web", "-n", "NAMESPACE"])
        .with_facts(&["configuration-changed"]),
        Fault::new(
            "nothing-to-go-back-to",
            "the second revision fails, and a ConfigMap that the first one needs is gone: going back would cure nothing",
            vec![
                vec![settings("good"), deploy("web", 2, with(app(world, OK), from_settings.clone()))],
                vec![deploy("web", 2, app(world, "echo boom; exit 1"))],
            ],
            30,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/web"],
        )
        .then(&["delete", "configmap", "settings", "-n", "NAMESPACE"])
        .with_facts(&["earlier-lacks"]),
        Fault::new(
            "ordered-and-broken",
            "a StatefulSet's pod is broken by its first revision; the second would cure it, and waits for it",
            vec![
                vec![workload("StatefulSet", "db", 2, pod(app(world, "echo 'no wal'; exit 3")))],
                vec![workload("StatefulSet", "db", 2, pod(app(world, OK)))],
            ],
            30,
            ["generic", "stuck-rollout", "remediate", "StatefulSet/db"],
        )
        .with_facts(&["broken-pod-holds-rollout"]),
    ]
}
