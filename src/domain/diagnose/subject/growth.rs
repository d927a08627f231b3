//! How fast a figure grows: a straight line through its samples.

use crate::domain::evidence::Series;

/// Fewer samples, or a shorter time, say nothing about growth.
const FEWEST: usize = 5;
const SHORTEST_S: f64 = 120.0;
/// How well the line must fit for the growth to count as steady.
const FIT: f64 = 0.7;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    /// Per second; negative: it shrinks.
    pub(crate) per_second: f64,
    /// Length of what was sampled.
    pub(crate) seconds: f64,
    /// 0 to 1.
    pub(crate) fit: f64,
}

impl Growth {
    /// `None` when there are too few samples.
    pub(crate) fn of(series: &Series) -> Option<Self> {
        let points = &series.points;
        let (first, last) = (points.first()?, points.last()?);
        let seconds = last.0 - first.0;
        if points.len() < FEWEST || seconds < SHORTEST_S {
            return None;
        }
        #[allow(clippy::cast_precision_loss)] // At most a few hundred.
        let count = points.len() as f64;
        let (mx, my) = (
            points.iter().map(|point| point.0).sum::<f64>() / count,
            points.iter().map(|point| point.1).sum::<f64>() / count,
        );
        let xx = points.iter().map(|point| (point.0 - mx).powi(2)).sum::<f64>();
        let xy = points.iter().map(|point| (point.0 - mx) * (point.1 - my)).sum::<f64>();
        let yy = points.iter().map(|point| (point.1 - my).powi(2)).sum::<f64>();
        if xx <= 0.0 {
            return None;
        }
        let fit = if yy > 0.0 { (xy * xy / (xx * yy)).clamp(0.0, 1.0) } else { 0.0 };
        Some(Self { per_second: xy / xx, seconds, fit })
    }

    /// Whether it grows, and steadily.
    pub(crate) fn steady(&self) -> bool {
        self.per_second > 0.0 && self.fit >= FIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[allow(clippy::cast_precision_loss)]
    fn series(values: &[f64]) -> Series {
        let points = values.iter().enumerate().map(|(n, value)| (n as f64 * 60.0, *value));
        Series { labels: BTreeMap::new(), points: points.collect() }
    }

    #[test]
    fn steady_growth_is_told_from_noise_and_from_too_little() {
        let grows = Growth::of(&series(&[0.0, 61.0, 119.0, 181.0, 240.0, 300.0])).unwrap();
        assert!(grows.steady() && (grows.per_second - 1.0).abs() < 0.05, "{grows:?}");
        let noise = Growth::of(&series(&[5.0, 1.0, 4.0, 2.0, 5.0, 1.0])).unwrap();
        assert!(!noise.steady(), "{noise:?}");
        assert!(!Growth::of(&series(&[3.0; 6])).unwrap().steady());
        assert!(Growth::of(&series(&[1.0, 2.0])).is_none());
    }
}
