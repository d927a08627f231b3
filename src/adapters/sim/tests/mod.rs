//! The simulated world behaves.

mod admission;
mod memory;
mod nodes;
mod operations;
mod replay;
mod rollouts;
mod shipped;
mod whole;

use super::scenario::{Happens, Of, Scenario};
use super::sim::Sim;
use crate::domain::alert::Alert;
use crate::domain::resource::ObjectKey;
use crate::domain::time::plus;
use serde_json::Value;
use std::future::Future;
use std::task::{Context, Poll, Waker};

const NODES: &str = r#"
cluster = "test"
start = "2026-11-23T21:00:00Z"
lasts = "8h"

[[node]]
name = "wk-01"
cpu = "4"
memory = "8Gi"

[[node]]
name = "wk-02"
cpu = "4"
memory = "8Gi"

[image."r.example/web:1"]
needs = "100Mi"

[image."r.example/web:2"]
needs = "110Mi"

[image."r.example/web:crash"]
crash = { after_s = 3, code = 1, log = ["panic: no database"] }
"#;

/// One Deployment `shop/web` with 3 pods, as most tests need it.
const WEB: &str = r#"
[[workload]]
namespace = "shop"
name = "web"
image = "r.example/web:1"
replicas = 3
limit = "200Mi"
min_available = 2
"#;

/// A world with two nodes and what is in `more`.
fn world(more: &str) -> Sim {
    Sim::new(Scenario::parse(&format!("{NODES}{more}")).unwrap(), 1)
}

/// Lets so many seconds pass.
fn pass(sim: &Sim, seconds: u64) {
    let mut world = sim.locked();
    let until = plus(world.now(), seconds);
    world.run_until(until);
}

/// Resolves a future of a sim port: it never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a port of the simulation waited"),
    }
}

fn deployment(name: &str) -> ObjectKey {
    ObjectKey::new("apps/v1", "Deployment", "shop", name)
}

fn object(sim: &Sim, key: &ObjectKey) -> Value {
    sim.locked().object(key).cloned().unwrap_or_default()
}

fn all(sim: &Sim, api_version: &str, kind: &str) -> Vec<Value> {
    sim.locked().list(api_version, kind, "").cloned().collect()
}

fn pods(sim: &Sim) -> Vec<Value> {
    all(sim, "v1", "Pod")
}

fn set_image(sim: &Sim, target: &str, image: &str) {
    let of = Of { target: target.into(), by: "kubectl-set".into() };
    sim.locked().happens(Happens::SetImage { of, image: image.into() });
}

fn set_limit(sim: &Sim, target: &str, limit: &str) {
    let of = Of { target: target.into(), by: "kubectl-edit".into() };
    sim.locked().happens(Happens::SetLimit { of, limit: limit.into() });
}

fn needs(sim: &Sim, image: &str, mebibytes: i64) {
    let image = image.to_string();
    sim.locked().happens(Happens::Needs { image, needs: mebibytes << 20, over: 30 });
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    super::json::condition(object, kind).unwrap()
}

fn deliveries(sim: &Sim) -> Vec<Alert> {
    sim.locked().deliveries()
}
