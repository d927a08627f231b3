//! The arithmetic of a rolling update: how far each ReplicaSet may grow or shrink now. Pure.

use crate::adapters::sim::json::{at, int, share};
use serde_json::Value;

/// How far pods may exceed, and fall short of, the wanted number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) replicas: i64,
    pub(super) surge: i64,
    pub(super) unavailable: i64,
}

impl Bounds {
    /// Of a Deployment.
    pub(super) fn of(deployment: &Value) -> Self {
        let replicas = int(deployment, &["spec", "replicas"]);
        let rule = |what: &str| at(deployment, &["spec", "strategy", "rollingUpdate", what]);
        let surge = share(rule("maxSurge"), replicas, true).unwrap_or(0);
        let unavailable = share(rule("maxUnavailable"), replicas, false).unwrap_or(0);
        // Both zero would never move; the API server makes one pod's absence of it.
        let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
        Self { replicas, surge, unavailable: unavailable.min(replicas) }
    }

    /// Fewest pods that must stay available.
    pub(super) fn least(self) -> i64 {
        self.replicas - self.unavailable
    }
}

/// One ReplicaSet's part in a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// What it is asked for.
    pub(super) asked: i64,
    /// Its available pods.
    pub(super) available: i64,
}

impl Part {
    pub(super) fn of(set: &Value) -> Self {
        Self {
            name: super::super::json::name(set).to_string(),
            asked: int(set, &["spec", "replicas"]),
            available: int(set, &["status", "availableReplicas"]),
        }
    }
}

/// The new size of the newest set.
pub(super) fn grow(bounds: Bounds, newest: &Part, old: &[Part]) -> i64 {
    if newest.asked > bounds.replicas {
        return bounds.replicas;
    }
    let asked: i64 = newest.asked + old.iter().map(|part| part.asked).sum::<i64>();
    let room = bounds.replicas + bounds.surge - asked;
    if room <= 0 {
        return newest.asked;
    }
    newest.asked + room.min(bounds.replicas - newest.asked)
}

/// The new sizes of old sets (oldest first): first what is not available goes, then what can be spared.
pub(super) fn shrink(bounds: Bounds, newest: &Part, old: &[Part]) -> Vec<(String, i64)> {
    let asked: i64 = newest.asked + old.iter().map(|part| part.asked).sum::<i64>();
    let starting = newest.asked - newest.available;
    let mut spare = asked - bounds.least() - starting;
    let mut sizes = old.iter().map(|part| (part.name.clone(), part.asked)).collect::<Vec<_>>();
    for (size, part) in sizes.iter_mut().zip(old) {
        let broken = (part.asked - part.available).clamp(0, spare.max(0));
        size.1 -= broken;
        spare -= broken;
    }
    let available: i64 = newest.available + old.iter().map(|part| part.available).sum::<i64>();
    let mut spare = (available - bounds.least()).max(0);
    for (size, part) in sizes.iter_mut().zip(old) {
        let going = spare.min(size.1).min(part.available);
        size.1 -= going;
        spare -= going;
    }
    sizes.retain(|(name, size)| old.iter().any(|part| part.name == *name && part.asked != *size));
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(asked: i64, available: i64) -> Part {
        Part { name: "p".into(), asked, available }
    }

    #[test]
    fn a_rollout_surges_first_and_spares_only_what_is_available() {
        let bounds = Bounds { replicas: 4, surge: 1, unavailable: 1 };
        assert_eq!(grow(bounds, &part(0, 0), &[part(4, 4)]), 1);
        assert_eq!(shrink(bounds, &part(1, 0), &[part(4, 4)]), vec![("p".into(), 3)]);
        assert_eq!(grow(bounds, &part(1, 0), &[part(3, 3)]), 2);
        assert_eq!(shrink(bounds, &part(2, 0), &[part(3, 3)]), Vec::new());
        assert_eq!(shrink(bounds, &part(2, 2), &[part(3, 3)]), vec![("p".into(), 1)]);
    }

    #[test]
    fn broken_old_pods_go_before_good_ones() {
        let bounds = Bounds { replicas: 3, surge: 1, unavailable: 0 };
        assert_eq!(shrink(bounds, &part(3, 3), &[part(1, 0)]), vec![("p".into(), 0)]);
    }
}
