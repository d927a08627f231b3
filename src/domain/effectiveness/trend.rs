//! Whether a rate rises or falls from period to period.

use super::normal::two_sided;
use super::proportion::Share;
use serde::Serialize;

/// Periods that must hold a case before a trend is looked for.
const PERIODS: usize = 3;
/// A trend is only called one below this probability of chance.
const CHANCE: f64 = 0.05;

/// The result of the test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Trend {
    /// Above 0: the rate rises; the statistic is standard normal without a trend.
    pub z: f64,
    /// Probability of one at least as strong by chance, two-sided.
    pub p: f64,
}

impl Trend {
    /// Cochran's and Armitage's test for a linear trend over periods of equal length, oldest first; empty periods count
    /// as time that passed. `None` when fewer than three periods hold a case, or all cases went the same way.
    ///
    /// P. Armitage, "Tests for linear trends in proportions and frequencies", Biometrics 11 (1955), with the variance of
    /// N. Mantel, "Chi-square tests with one degree of freedom", JASA 58 (1963).
    #[must_use]
    pub fn of(periods: &[Share]) -> Option<Self> {
        if periods.iter().filter(|share| share.of > 0).count() < PERIODS {
            return None;
        }
        let (mut n, mut hits, mut sum, mut squares, mut seen) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let mut score = 0.0;
        for share in periods {
            let (r, m) = (f64::from(share.hits), f64::from(share.of));
            n += m;
            hits += r;
            sum += m * score;
            squares += m * score * score;
            seen += r * score;
            score += 1.0;
        }
        let rate = hits / n;
        let variance = rate * (1.0 - rate) * (squares - sum * sum / n) * n / (n - 1.0);
        if n < 2.0 || variance <= 0.0 {
            return None;
        }
        let z = (seen - rate * sum) / variance.sqrt();
        Some(Self { z, p: two_sided(z) })
    }

    /// In a word: `rises`, `falls`, or `none shown`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.p >= CHANCE {
            "none shown"
        } else if self.z > 0.0 {
            "rises"
        } else {
            "falls"
        }
    }
}
