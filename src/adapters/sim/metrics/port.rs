//! The [`Metrics`] port.

use super::eval::{Outcome, eval};
use super::parse::parse;
use super::source::Labels;
use crate::adapters::sim::faults::Fault;
use crate::adapters::sim::json::float;
use crate::adapters::sim::sim::lock;
use crate::adapters::sim::world::World;
use crate::domain::breaker::{self, Destination, Down};
use crate::domain::evidence::{Answer, Read, Series};
use crate::ports::metrics::Metrics;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Most points of one range query, as Prometheus has it.
const MOST_POINTS: u32 = 11_000;

/// The simulated Prometheus.
#[derive(Debug, Clone)]
pub struct SimMetrics {
    world: Arc<Mutex<World>>,
}

impl SimMetrics {
    pub(in crate::adapters::sim) fn new(world: Arc<Mutex<World>>) -> Self {
        Self { world }
    }
}

/// Why it can't be asked: the breaker, or the fault.
fn down(world: &mut World) -> Option<String> {
    let line = world.lines.to(Destination::Prometheus);
    let calling = match line.begin() {
        Ok(calling) => calling,
        Err(closed) => return Some(format!("Prometheus: {closed}")),
    };
    let now = world.now();
    if world.faults.strikes(Fault::MetricsDown, now) {
        let why = "connection refused";
        calling.end(&breaker::Answer::Down(Down::NoConnection, why.into()));
        return Some(format!("Prometheus does not answer: {why}"));
    }
    calling.end(&breaker::Answer::Good);
    None
}

fn answer(world: &World, promql: &str, window_s: u32, step_s: u32) -> Result<Vec<Series>, String> {
    let expr = parse(promql)?;
    let now = world.now();
    let step = step_s.max(1);
    if window_s / step > MOST_POINTS {
        return Err(format!("more than {MOST_POINTS} points"));
    }
    let mut found = BTreeMap::<Labels, Vec<(f64, f64)>>::new();
    let mut back = window_s - window_s % step;
    loop {
        let at = now - chrono::TimeDelta::seconds(i64::from(back));
        let stamp = float(at.timestamp_millis()) / 1_000.0;
        let vector = match eval(world, &expr, at)? {
            Outcome::Scalar(value) => vec![(Labels::new(), value)],
            Outcome::Vector(vector) => vector,
        };
        for (labels, value) in vector {
            if value.is_finite() {
                found.entry(labels).or_default().push((stamp, value));
            }
        }
        let Some(next) = back.checked_sub(step).filter(|_| back > 0) else { break };
        back = next;
    }
    Ok(found.into_iter().map(|(labels, points)| Series { labels, points }).collect())
}

#[async_trait::async_trait]
impl Metrics for SimMetrics {
    async fn query(&self, read: &Read) -> Answer {
        let mut world = lock(&self.world);
        if let Some(why) = down(&mut world) {
            return Answer::Unavailable(why);
        }
        let result = match read {
            Read::Query { promql } => answer(&world, promql, 0, 1),
            Read::Range { promql, window_s, step_s } => answer(&world, promql, *window_s, *step_s),
            _ => return Answer::Unavailable("metrics answer queries only".into()),
        };
        result.map_or_else(
            |what| Answer::Unavailable(format!("not simulated: {what}")),
            Answer::Series,
        )
    }

    async fn probe(&self) -> Result<String, String> {
        match down(&mut lock(&self.world)) {
            Some(why) => Err(why),
            None => Ok("simulated Prometheus".into()),
        }
    }
}
