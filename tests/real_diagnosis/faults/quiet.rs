//! What is no fault, or shows none.

use crate::fault::{Fault, OK, app, deploy, workload};
use crate::world::World;
use serde_json::json;

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    vec![
        Fault::new(
            "scaled-to-zero",
            "a person scaled it to zero",
            vec![vec![deploy("zero", 0, app(world, OK))]],
            5,
            ["generic", "unknown", "on_purpose", "Deployment/zero"],
        )
        .alert_names("deployment", "zero"),
        Fault::new(
            "scaled-by-kubectl",
            "a person scaled it to zero with kubectl scale, which leaves no name for a zero",
            vec![vec![deploy("web", 1, app(world, OK))]],
            10,
            ["generic", "unknown", "on_purpose", "Deployment/web"],
        )
        .then(&["scale", "deployment/web", "--replicas=0", "-n", "NAMESPACE"])
        .alert_names("deployment", "web"),
        Fault::new(
            "readiness-gate",
            "its containers are ready; a readiness gate that nobody opens keeps the pod from it",
            vec![vec![workload(
                "Deployment",
                "web",
                1,
                json!({"containers": [app(world, OK)],
                    "readinessGates": [{"conditionType": "example.com/load-balancer"}]}),
            )]],
            10,
            ["generic", "unknown", "remediate", "Deployment/web"],
        )
        .alert_names("deployment", "web")
        .with_facts(&["readiness-gate"]),
        Fault::new(
            "pod-gone-owner-well",
            "the pod of the alert was replaced by a revision that is well",
            vec![
                vec![deploy("web", 1, app(world, "exit 1"))],
                vec![deploy("web", 1, app(world, OK))],
            ],
            20,
            ["generic", "unknown", "recovered", "Deployment/web"],
        )
        .alert_names("pod", "the first one"),
        Fault::new(
            "nothing-shows",
            "the pods are well, the alert fires for something that they don't show",
            vec![vec![deploy("web", 2, app(world, OK))]],
            10,
            ["generic", "unknown", "remediate", "Deployment/web"],
        )
        .began_while_well()
        .alert_names("deployment", "web"),
    ]
}
