//! Proportions with their uncertainty.

use super::normal::Z;
use serde::Serialize;

/// An interval; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Successes among tries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Successes; at most `of`.
    pub hits: u32,
    /// Tries.
    pub of: u32,
}

impl Share {
    /// Counts one more.
    pub fn count(&mut self, hit: bool) {
        self.hits += u32::from(hit);
        self.of += 1;
    }

    /// The proportion, from 0 to 1; `None` without a try.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.of > 0).then(|| f64::from(self.hits) / f64::from(self.of))
    }

    /// Wilson's score interval of 95 %, without continuity correction; `None` without a try.
    ///
    /// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    #[must_use]
    pub fn wilson(self) -> Option<Interval> {
        let (rate, n) = (self.rate()?, f64::from(self.of));
        let z2 = Z * Z;
        let centre = (rate + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z / (1.0 + z2 / n) * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n)).sqrt();
        Some(Interval { low: (centre - half).max(0.0), high: (centre + half).min(1.0) })
    }

    /// Interval of 95 % of the difference of two independent proportions, `self` − `other`: hybrid of both Wilson
    /// intervals; `None` without a try on either side.
    ///
    /// R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine
    /// 17 (1998), method 10.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Interval> {
        let (p, q) = (self.rate()?, other.rate()?);
        let (a, b) = (self.wilson()?, other.wilson()?);
        let difference = p - q;
        let down = ((p - a.low).powi(2) + (b.high - q).powi(2)).sqrt();
        let up = ((a.high - p).powi(2) + (q - b.low).powi(2)).sqrt();
        Some(Interval { low: difference - down, high: difference + up })
    }
}
