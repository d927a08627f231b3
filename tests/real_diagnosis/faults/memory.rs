//! Memory: limits, leaks, and limits that a rollout lowered.

use crate::fault::{Fault, OK, app, deploy, hold, memory, with};
use crate::world::World;

#[allow(clippy::too_many_lines)] // A table.
pub fn faults(world: &World) -> Vec<Fault> {
    let leak =
        "x=; i=0; while true; do x=\"$x$(head -c 600000 /dev/zero | tr '\\0' x)\"; sleep 1; done";
    vec![
        Fault::new(
            "limit-too-small",
            "each start needs more than the limit; the kubelet says OOMKilled",
            vec![vec![deploy(
                "ledger-api",
                2,
                with(app(world, &hold(80_000_000)), memory("64Mi")),
            )]],
            40,
            ["high-memory", "limit-too-small", "remediate", "Deployment/ledger-api"],
        ),
        Fault::new(
            "memory-leak",
            "memory grows by the second until the kernel kills it, again and again",
            vec![vec![deploy("leaky", 1, with(app(world, leak), memory("64Mi")))]],
            160,
            ["high-memory", "memory-leak", "remediate", "Deployment/leaky"],
        ),
        Fault::new(
            "near-limit",
            "usage stands flat just below the limit; nothing was killed yet",
            vec![vec![deploy(
                "cache",
                1,
                with(
                    app(world, &format!("dd if=/dev/zero of=/dev/shm/x bs=1M count=59; {OK}")),
                    memory("64Mi"),
                ),
            )]],
            90,
            ["high-memory", "limit-too-small", "remediate", "Deployment/cache"],
        ),
        Fault::new(
            "limit-lowered",
            "OOMKilled since a revision that lowered the limit: going back is the cure",
            vec![
                vec![deploy("mem", 1, with(app(world, &hold(40_000_000)), memory("128Mi")))],
                vec![deploy("mem", 1, with(app(world, &hold(40_000_000)), memory("32Mi")))],
            ],
            40,
            ["crash-loop", "bad-rollout", "remediate", "Deployment/mem"],
        ),
    ]
}
