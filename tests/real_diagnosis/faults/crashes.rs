//! Containers that end, or can't begin, from their first revision on.

use crate::fault::{Fault, OK, app, container, deploy, secret_variable, with, workload};
use crate::world::World;
use serde_json::json;

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    vec![
        Fault::new(
            "crash",
            "it exits 1 from its first revision on; nothing says why but its log",
            vec![vec![deploy("web", 1, app(world, "echo 'panic: no route to database' >&2; exit 1"))]],
            40,
            ["crash-loop", "unknown", "remediate", "Deployment/web"],
        ),
        Fault::new(
            "writes-where-it-may-not",
            "its root file system is read-only; its log says so, and the person is told what that points at",
            vec![vec![deploy("web", 1, with(app(world, "echo starting; touch /cache || exit 1"),
                json!({"securityContext": {"readOnlyRootFilesystem": true}})))]],
            30,
            ["crash-loop", "unknown", "remediate", "Deployment/web"],
        )
        .with_facts(&["log-hint"]),
        Fault::new(
            "hook-fails",
            "its postStart hook fails: the kubelet ends the container though the program is well",
            vec![vec![deploy("web", 1, with(app(world, OK),
                json!({"lifecycle": {"postStart": {"exec": {"command": ["false"]}}}})))]],
            30,
            ["crash-loop", "unknown", "remediate", "Deployment/web"],
        )
        .with_facts(&["hook-failed"]),
        Fault::new(
            "missing-secret",
            "a variable comes from a Secret that does not exist",
            vec![vec![deploy("pay", 1, with(app(world, OK), secret_variable("db-creds", "password")))]],
            20,
            ["crash-loop", "missing-config", "remediate", "Deployment/pay"],
        ),
        Fault::new(
            "missing-key",
            "the Secret is there, the key is not",
            vec![vec![
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db-creds"},
                    "stringData": {"user": "u"}}),
                deploy("pay", 1, with(app(world, OK), secret_variable("db-creds", "password"))),
            ]],
            20,
            ["crash-loop", "missing-config", "remediate", "Deployment/pay"],
        ),
        Fault::new(
            "missing-volume",
            "a volume is a ConfigMap that does not exist: the pod stays ContainerCreating",
            vec![vec![workload(
                "Deployment",
                "pay",
                1,
                json!({"containers": [with(app(world, OK), json!({"volumeMounts":
                    [{"name": "cfg", "mountPath": "/cfg"}]}))],
                    "volumes": [{"name": "cfg", "configMap": {"name": "app-config"}}]}),
            )]],
            30,
            ["crash-loop", "missing-config", "remediate", "Deployment/pay"],
        ),
        Fault::new(
            "image-never-worked",
            "the image does not exist, and there is no earlier revision",
            vec![vec![deploy("web", 1, with(app(world, OK), json!({"image": "test.local/none:1"})))]],
            30,
            ["crash-loop", "image-pull", "remediate", "Deployment/web"],
        ),
        Fault::new(
            "init-container",
            "the init container fails; the main one has done nothing wrong",
            vec![vec![workload(
                "Deployment",
                "mig",
                1,
                json!({"initContainers": [container(world, "migrate", "echo 'migration failed'; exit 4")],
                    "containers": [app(world, OK)]}),
            )]],
            40,
            ["crash-loop", "unknown", "remediate", "Deployment/mig"],
        ),
        Fault::new(
            "no-such-program",
            "the program does not exist: the container can't be started at all",
            vec![vec![deploy(
                "web",
                1,
                json!({"name": "app", "image": world.image,
                "command": ["/nonexistent"]}),
            )]],
            30,
            ["crash-loop", "unknown", "remediate", "Deployment/web"],
        ),
        Fault::new(
            "pull-secret-missing",
            "the pull secret that the pod names does not exist",
            vec![vec![workload(
                "Deployment",
                "web",
                1,
                json!({"imagePullSecrets": [{"name": "registry"}],
                    "containers": [with(app(world, OK), json!({"image": "test.local/private:1"}))]}),
            )]],
            30,
            ["crash-loop", "image-pull", "remediate", "Deployment/web"],
        )
        .with_facts(&["pull-secret-missing"]),
        Fault::new(
            "pull-secret-wrong",
            "the pull secret is of a type that the kubelet does not take",
            vec![vec![
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "registry"},
                    "stringData": {"user": "u"}}),
                workload(
                    "Deployment",
                    "web",
                    1,
                    json!({"imagePullSecrets": [{"name": "registry"}],
                        "containers": [with(app(world, OK), json!({"image": "test.local/private:1"}))]}),
                ),
            ]],
            30,
            ["crash-loop", "image-pull", "remediate", "Deployment/web"],
        )
        .with_facts(&["pull-secret-wrong"]),
        Fault::new(
            "image-no-name",
            "the image is no name of an image",
            vec![vec![deploy("web", 1, with(app(world, OK), json!({"image": "test.local/Web:1"})))]],
            20,
            ["crash-loop", "image-pull", "remediate", "Deployment/web"],
        )
        .with_facts(&["image-no-name"]),
        Fault::new(
            "two-reasons",
            "two containers of one pod fail for different reasons: both are told",
            vec![vec![workload(
                "Deployment",
                "two",
                1,
                json!({"containers": [app(world, OK),
                    with(container(world, "side", OK), json!({"image": "test.local/none:3"})),
                    with(container(world, "third", OK), secret_variable("db-creds", "password"))]}),
            )]],
            30,
            ["crash-loop", "missing-config", "remediate", "Deployment/two"],
        )
        .with_facts(&["other-containers"]),
        Fault::new(
            "sidecar",
            "a sidecar (an init container that stays) fails; the main container never begins",
            vec![vec![workload(
                "Deployment",
                "mesh",
                1,
                json!({"initContainers": [with(container(world, "proxy", "echo 'no certificate'; exit 7"),
                        json!({"restartPolicy": "Always"}))],
                    "containers": [app(world, OK)]}),
            )]],
            40,
            ["crash-loop", "unknown", "remediate", "Deployment/mesh"],
        ),
    ]
}
