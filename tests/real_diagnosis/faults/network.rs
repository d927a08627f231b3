//! Services, Ingresses and network policies.

use crate::fault::{Fault, OK, app, deploy, service, with};
use crate::world::World;
use serde_json::{Value, json};

fn service_with(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec})
}

fn policy(spec: Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "lock"}, "spec": spec})
}

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    let web = || deploy("web", 2, app(world, OK));
    let mismatch = ["network-issue", "selector-mismatch", "remediate", "Service/web"];
    let wrong_port = ["network-issue", "port-mismatch", "remediate", "Service/web"];
    let denied = ["network-issue", "policy-denies", "remediate", "NetworkPolicy/lock"];
    let listening = with(
        app(world, "while true; do nc -l -p 8080 < /dev/null > /dev/null; done"),
        json!({"ports": [{"containerPort": 8080}], "readinessProbe": {"tcpSocket": {"port": 8080},
            "periodSeconds": 1}}),
    );
    vec![
        Fault::new(
            "service-selector-typo",
            "a Service's selector has a typo: it selects nobody, one workload comes close",
            vec![vec![
                web(),
                deploy("mailer", 1, app(world, OK)),
                service_with(json!({"selector": {"app": "wbe"}, "ports": [{"port": 80}]})),
            ]],
            8,
            mismatch,
        )
        .alert_names("service", "web")
        .with_facts(&["selects-nothing", "workload-near"]),
        Fault::new(
            "service-selector-ambiguous",
            "twin: two workloads come equally close: the selector is wrong, but nobody says which is meant",
            vec![vec![
                deploy("shop-a", 1, app(world, OK)),
                deploy("shop-b", 1, app(world, OK)),
                service_with(json!({"selector": {"app": "shop-c"}, "ports": [{"port": 80}]})),
            ]],
            8,
            mismatch,
        )
        .alert_names("service", "web")
        .with_facts(&["selects-nothing", "several-near"]),
        Fault::new(
            "service-label-lacking",
            "twin: a Service asks for a label that its pods lack: never left out, it may mean the one that leads",
            vec![vec![
                web(),
                service_with(json!({"selector": {"app": "web", "role": "primary"}, "ports": [{"port": 80}]})),
            ]],
            8,
            mismatch,
        )
        .alert_names("service", "web")
        .with_facts(&["selects-nothing", "label-lacking"]),
        Fault::new(
            "service-named-port",
            "a Service sends to a named port that no container has",
            vec![vec![
                deploy("web", 1, with(app(world, OK), json!({"ports": [{"name": "web", "containerPort": 8080}]}))),
                service_with(json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]})),
            ]],
            8,
            wrong_port,
        )
        .alert_names("service", "web")
        .with_facts(&["named-port-missing", "port-near"]),
        Fault::new(
            "service-number-port",
            "a Service sends to 8081, its pods are ready and answer on 8080",
            vec![vec![
                deploy("web", 1, listening.clone()),
                service_with(json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8081}]})),
            ]],
            10,
            wrong_port,
        )
        .alert_names("service", "web")
        .with_facts(&["port-not-probed", "port-near"]),
        Fault::new(
            "service-right-port",
            "twin: the same with the right port: nothing shows what the alert tells of",
            vec![vec![
                deploy("web", 1, listening),
                service_with(json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]})),
            ]],
            10,
            ["network-issue", "unknown", "remediate", "Service/web"],
        )
        .began_while_well()
        .alert_names("service", "web")
        .with_facts(&["some-ready"]),
        Fault::new(
            "service-nobody-ready",
            "a Service has no endpoints because none of its pods is ready",
            vec![vec![
                deploy("web", 2, with(app(world, OK), json!({"readinessProbe": {"exec": {"command": ["false"]},
                    "periodSeconds": 2}}))),
                service("web", 80),
            ]],
            15,
            ["network-issue", "endpoints-not-ready", "remediate", "Deployment/web"],
        )
        .alert_names("service", "web")
        .with_facts(&["none-ready"]),
        Fault::new(
            "service-of-missing-secret",
            "twin: a Service has no endpoints because the Secret of its pods is missing",
            vec![vec![
                deploy("web", 1, with(app(world, OK), crate::fault::secret_variable("db", "password"))),
                service("web", 80),
            ]],
            15,
            ["crash-loop", "missing-config", "remediate", "Deployment/web"],
        )
        .alert_names("service", "web")
        .with_facts(&["none-ready", "configuration-missing"]),
        Fault::new(
            "service-scaled-to-zero",
            "twin: a Service has no endpoints because a person scaled its workload to zero",
            vec![vec![deploy("web", 0, app(world, OK)), service("web", 80)]],
            5,
            ["generic", "unknown", "on_purpose", "Deployment/web"],
        )
        .alert_names("service", "web")
        .with_facts(&["scaled-to-zero"]),
        Fault::new(
            "service-outside",
            "twin: a Service stands for a name outside: it has no endpoints on purpose",
            vec![vec![service_with(json!({"type": "ExternalName", "externalName": "db.example.com"}))]],
            3,
            ["network-issue", "unknown", "remediate", "Service/web"],
        )
        .alert_names("service", "web")
        .with_facts(&["external-name"]),
        Fault::new(
            "ingress-selector-typo",
            "the alert names an Ingress; the Service behind it selects nobody",
            vec![vec![
                web(),
                service_with(json!({"selector": {"app": "wbe"}, "ports": [{"port": 80}]})),
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "front"},
                    "spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}}),
            ]],
            8,
            mismatch,
        )
        .alert_names("ingress", "front")
        .with_facts(&["selects-nothing", "backends"]),
        Fault::new(
            "policy-denies-all",
            "a fresh policy lets nothing in to the pods of a Service that is well otherwise",
            vec![vec![web(), service("web", 80), policy(json!({"podSelector": {}, "policyTypes": ["Ingress"]}))]],
            10,
            denied,
        )
        .alert_names("service", "web")
        .with_facts(&["policy-denies-all", "policy-recent"]),
        Fault::new(
            "policy-wrong-port",
            "a fresh policy lets in, but on another port",
            vec![vec![
                web(),
                service("web", 80),
                policy(json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"ports": [{"port": 8443}]}]})),
            ]],
            10,
            denied,
        )
        .alert_names("service", "web")
        .with_facts(&["policy-denies-port"]),
        Fault::new(
            "policy-lets-all",
            "twin: one policy denies all and another lets the port in: policies add up",
            vec![vec![
                web(),
                service("web", 80),
                policy(json!({"podSelector": {}, "policyTypes": ["Ingress"]})),
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "open"},
                    "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"ports": [{"port": 80}]}]}}),
            ]],
            10,
            ["network-issue", "unknown", "remediate", "Service/web"],
        )
        .began_while_well()
        .alert_names("service", "web")
        .with_facts(&["some-ready"]),
    ]
}
