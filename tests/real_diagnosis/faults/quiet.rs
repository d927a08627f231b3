//! What is no fault, or shows none.

use crate::fault::{Fault, OK, app, deploy};
use crate::world::World;

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
        .alert_names("deployment", "web"),
    ]
}
