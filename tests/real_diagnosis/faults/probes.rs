//! Probes that end containers.

use crate::fault::{Fault, app, deploy, memory, with};
use crate::world::World;
use serde_json::json;

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    let mut probe = app(world, "trap '' TERM; while true; do sleep 1; done");
    probe["livenessProbe"] =
        json!({"exec": {"command": ["false"]}, "periodSeconds": 2, "failureThreshold": 2});
    let grace =
        |command: &str, more| with(app(world, &format!("trap 'exit 0' TERM; {command}")), more);
    let serve = "mkdir -p /www; echo ok >/www/index.html; httpd -f -p 8080 -h /www & wait";
    let tcp = json!({"tcpSocket": {"port": 8080}, "periodSeconds": 2, "failureThreshold": 3});
    vec![
        Fault::new(
            "liveness",
            "exit 137, but by the liveness probe: memory has nothing to do with it",
            vec![vec![deploy("slow", 1, with(probe, memory("64Mi")))]],
            40,
            ["crash-loop", "probe-too-strict", "remediate", "Deployment/slow"],
        ),
        Fault::new(
            "slow-start",
            "it listens after a minute; the liveness probe gives up after four seconds",
            vec![vec![deploy("web", 1, grace(&format!("sleep 60 & wait $!; {serve}"), json!({"livenessProbe": tcp})))]],
            45,
            ["crash-loop", "startup-too-slow", "remediate", "Deployment/web"],
        )
        .with_facts(&["killed-before-it-passed", "probe-refused"]),
        Fault::new(
            "slow-start-file",
            "the probe looks for a file that the program makes when it has come up, after a minute",
            vec![vec![deploy("web", 1, grace("sleep 60 & wait $!; touch /tmp/up; while true; do sleep 1; done",
                json!({"livenessProbe": {"exec": {"command": ["cat", "/tmp/up"]}, "periodSeconds": 2,
                    "failureThreshold": 3}})))]],
            45,
            ["crash-loop", "startup-too-slow", "remediate", "Deployment/web"],
        ),
        Fault::new(
            "startup-probe",
            "the startup probe gives up before it has come up",
            vec![vec![deploy("web", 1, grace(&format!("sleep 60 & wait $!; {serve}"), json!({"startupProbe":
                {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 2, "failureThreshold": 3}})))]],
            45,
            ["crash-loop", "startup-too-slow", "remediate", "Deployment/web"],
        )
        .with_facts(&["startup-probe-killed"]),
        Fault::new(
            "probe-path",
            "it serves, and is ready; the liveness probe asks for a path that it does not have",
            vec![vec![deploy("web", 1, grace(serve, json!({
                "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
                "livenessProbe": {"httpGet": {"path": "/alive", "port": 8080}, "periodSeconds": 2,
                    "initialDelaySeconds": 4, "failureThreshold": 3}})))]],
            50,
            ["crash-loop", "probe-too-strict", "remediate", "Deployment/web"],
        )
        .with_facts(&["probe-wrong"]),
        Fault::new(
            "probe-timeout",
            "it works; its health check takes three seconds, the probe waits one",
            vec![vec![deploy("web", 1, grace("while true; do sleep 1; done", json!({
                "livenessProbe": {"exec": {"command": ["sleep", "3"]}, "periodSeconds": 2, "failureThreshold": 2}})))]],
            50,
            ["crash-loop", "probe-too-strict", "remediate", "Deployment/web"],
        )
        .with_facts(&["probe-timed-out"]),
        Fault::new(
            "hangs-without-an-answer",
            "it serves for half a minute and then hangs: it answers no look any more, so that more time cures nothing",
            vec![vec![deploy("web", 1, grace(
                "mkdir -p /www; echo ok >/www/index.html; httpd -f -p 8080 -h /www & H=$!; sleep 30 & wait $!; kill -STOP $H; while true; do sleep 1; done",
                json!({"livenessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 3,
                    "failureThreshold": 2}})))]],
            90,
            ["crash-loop", "unknown", "remediate", "Deployment/web"],
        )
        .with_facts(&["never-recovers"]),
        Fault::new(
            "probe-port",
            "the liveness probe asks a port on which nothing listens; the container declares another",
            vec![vec![deploy("web", 1, grace(serve, json!({"ports": [{"containerPort": 8080}],
                "livenessProbe": {"tcpSocket": {"port": 9999}, "periodSeconds": 2, "failureThreshold": 3}})))]],
            45,
            ["crash-loop", "probe-too-strict", "remediate", "Deployment/web"],
        )
        .with_facts(&["probe-wrong"]),
        Fault::new(
            "hangs-after-a-while",
            "it served for long and then hung: the liveness probe did its work, and is not too strict",
            vec![vec![deploy("web", 1, grace(
                "mkdir -p /www; echo ok >/www/index.html; httpd -f -p 8080 -h /www & H=$!; sleep 50 & wait $!; kill -9 $H; while true; do sleep 1; done",
                json!({"livenessProbe": tcp})))]],
            80,
            ["crash-loop", "unknown", "remediate", "Deployment/web"],
        )
        .with_facts(&["ran-past-probe"]),
    ]
}
