//! Containers that need something that does not answer.

use crate::fault::{Fault, OK, app, deploy, service, with};
use crate::world::World;
use serde_json::json;

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    // There is neither DNS nor kube-proxy on the test cluster: the programs say what real clients say, the Services,
    // endpoints and workloads behind them are real.
    let needs = |what: &str| {
        format!(
            "echo 'starting'; echo 'dial tcp {what}: connect: connection refused' >&2; sleep 1; exit 1"
        )
    };
    let unready = json!({"readinessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 2}});
    vec![
        Fault::new(
            "dependency-down",
            "the database behind the Service fails; the alert names its victim",
            vec![vec![
                service("db", 5432),
                deploy("db", 1, app(world, "echo 'corrupt page' >&2; exit 1")),
                deploy("web", 1, app(world, &needs("db:5432"))),
            ]],
            40,
            ["crash-loop", "dependency-down", "remediate", "Deployment/db"],
        )
        .alert_names("deployment", "web")
        .with_facts(&["dependency-complaint", "dependency-not-ready"]),
        Fault::new(
            "dependency-not-ready",
            "the victim itself never gets ready, and says why in its log",
            vec![vec![
                service("db", 5432),
                deploy("db", 1, with(app(world, OK), unready.clone())),
                deploy(
                    "web",
                    1,
                    with(
                        app(
                            world,
                            "while true; do echo 'connect ECONNREFUSED db:5432'; sleep 1; done",
                        ),
                        unready,
                    ),
                ),
            ]],
            30,
            ["crash-loop", "dependency-down", "remediate", "Deployment/db"],
        )
        .alert_names("deployment", "web"),
        Fault::new(
            "dependency-nowhere",
            "a client asks for a name that no Service has",
            vec![vec![deploy(
                "web",
                1,
                app(world, "echo \"wget: bad address 'inventory:8080'\" >&2; sleep 1; exit 1"),
            )]],
            45,
            ["crash-loop", "dependency-down", "remediate", "Deployment/web"],
        )
        .with_facts(&["dependency-nowhere"]),
        Fault::new(
            "dependency-well",
            "the log blames the database, which is ready: that is not the cause",
            vec![vec![
                service("db", 5432),
                deploy("db", 1, app(world, OK)),
                deploy("web", 1, app(world, &needs("db:5432"))),
            ]],
            40,
            ["crash-loop", "unknown", "remediate", "Deployment/web"],
        )
        .alert_names("deployment", "web")
        .with_facts(&["dependency-ready"]),
        Fault::new(
            "name-not-resolved",
            "the name of a Service that is there, and well, is not resolved",
            vec![vec![
                service("db", 5432),
                deploy("db", 1, app(world, OK)),
                deploy(
                    "web",
                    1,
                    app(world, "echo \"wget: bad address 'db:5432'\" >&2; sleep 1; exit 1"),
                ),
            ]],
            40,
            ["network-issue", "dns-failing", "remediate", "Deployment/web"],
        )
        .alert_names("deployment", "web")
        .with_facts(&["name-is-known"]),
        Fault::new(
            "egress-denied",
            "the database is ready; a policy lets nothing out of the pods that wait for it",
            vec![vec![
                service("db", 5432),
                deploy("db", 1, app(world, OK)),
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                    "metadata": {"name": "no-way-out"}, "spec": {"policyTypes": ["Egress"],
                        "podSelector": {"matchLabels": {"app": "web"}},
                        "egress": [{"ports": [{"port": 443}]}]}}),
                deploy(
                    "web",
                    1,
                    app(world, "echo 'dial tcp db:5432: i/o timeout' >&2; sleep 1; exit 1"),
                ),
            ]],
            40,
            ["network-issue", "policy-denies", "remediate", "NetworkPolicy/no-way-out"],
        )
        .alert_names("deployment", "web")
        .with_facts(&["egress-denied"]),
        Fault::new(
            "policy-forgets-dns",
            "twin: look-ups are not answered because a policy lets the pods send to the database alone",
            vec![vec![
                service("db", 5432),
                deploy("db", 1, app(world, OK)),
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                    "metadata": {"name": "only-db"}, "spec": {"policyTypes": ["Egress"],
                        "podSelector": {"matchLabels": {"app": "web"}},
                        "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "db"}}}]}]}}),
                deploy(
                    "web",
                    1,
                    app(
                        world,
                        "echo 'lookup db on 10.96.0.10:53: read udp 10.1.1.1:39->10.96.0.10:53: i/o timeout' >&2
                         sleep 1; exit 1",
                    ),
                ),
            ]],
            40,
            ["network-issue", "policy-denies", "remediate", "NetworkPolicy/only-db"],
        )
        .alert_names("deployment", "web")
        .with_facts(&["egress-denied"]),
        Fault::new(
            "name-in-a-sentence",
            "a resolver's sentence: the name is the one with dots, not the first word",
            vec![vec![deploy(
                "web",
                1,
                app(
                    world,
                    "echo 'getaddrinfo: could not resolve host api.shop.svc.cluster.local' >&2; sleep 1; exit 1",
                ),
            )]],
            40,
            ["crash-loop", "dependency-down", "remediate", "Deployment/web"],
        )
        .alert_names("deployment", "web")
        .with_facts(&["dependency-nowhere"]),
        Fault::new(
            "dependency-scaled-to-zero",
            "somebody scaled the database to zero: its victim's case names it, and who did it",
            vec![vec![
                service("db", 5432),
                deploy("db", 0, app(world, OK)),
                deploy("web", 1, app(world, &needs("db.NAMESPACE.svc:5432"))),
            ]],
            40,
            ["crash-loop", "dependency-down", "remediate", "Deployment/db"],
        )
        .alert_names("deployment", "web"),
    ]
}
