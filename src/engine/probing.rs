//! Probing a destination whose breaker is half-open, so that it closes again without work having to fail on it.

use super::outside::Outside;
use crate::domain::breaker::Destination;

/// Asks a destination for something that changes nothing. What came of it reaches the breaker on the line.
pub async fn probe(outside: &Outside, destination: Destination) -> Result<String, String> {
    match destination {
        Destination::Cluster => {
            let identity = outside.cluster.identity().await;
            identity.map(|found| found.version).map_err(|error| error.to_string())
        }
        Destination::Store => outside.store.probe().await.map_err(|error| error.to_string()),
        Destination::Prometheus => match &outside.metrics {
            Some(metrics) => metrics.probe().await,
            None => Err("not configured".into()),
        },
        Destination::Model => match &outside.advisor {
            Some(advisor) => advisor.probe().await,
            None => Err("not configured".into()),
        },
        Destination::Alertmanager => match &outside.alerts {
            Some(alerts) => alerts.probe().await,
            None => Err("not configured".into()),
        },
        Destination::VectorDb => outside.memory.health().await.map_err(|error| error.to_string()),
        // A message is the only question that it answers: see `Lines::wanting_probes`.
        Destination::Channel(_) => Err("tried with the next message".into()),
    }
}
