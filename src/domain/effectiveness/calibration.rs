//! Whether the confidence of diagnoses is what came true.

use super::normal::two_sided;
use super::proportion::{Interval, Share};
use serde::Serialize;

/// Lower ends of the bins of confidence; the last one ends at 1.
const BINS: [f64; 6] = [0.0, 0.5, 0.6, 0.7, 0.8, 0.9];
/// Too few cases to say anything below this.
const ENOUGH: u32 = 10;
/// It is only called off below this probability of chance.
const CHANCE: f64 = 0.05;

/// Cases of similar confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// Lower end.
    pub from: f64,
    /// Mean confidence of its cases; `None` without one.
    pub said: Option<f64>,
    /// Those that were effective.
    pub came_true: Share,
    /// Wilson's interval of that.
    pub interval: Option<Interval>,
}

/// Confidence against outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// Bins, ascending.
    pub bins: Vec<Bin>,
    /// Cases.
    pub n: u32,
    /// Brier's score: mean squared difference of confidence and outcome; 0 is perfect. G. W. Brier, Monthly Weather
    /// Review 78 (1950).
    pub brier: Option<f64>,
    /// Mean of what came true less mean confidence: below 0, it was too sure.
    pub bias: Option<f64>,
    /// Spiegelhalter's statistic, standard normal when confidence is what comes true, and its two-sided probability.
    /// D. J. Spiegelhalter, "Probabilistic prediction in patient management", Statistics in Medicine 5 (1986).
    pub off: Option<(f64, f64)>,
}

impl Calibration {
    /// From pairs of confidence (0 to 1) and whether it came true.
    #[must_use]
    pub fn of(cases: &[(f64, bool)]) -> Self {
        let mut bins = Vec::with_capacity(BINS.len());
        for (index, from) in BINS.iter().enumerate() {
            let to = BINS.get(index + 1).copied().unwrap_or(f64::INFINITY);
            let (mut came_true, mut sum) = (Share::default(), 0.0);
            for (said, hit) in cases.iter().filter(|(said, _)| (*from..to).contains(said)) {
                came_true.count(*hit);
                sum += said;
            }
            let said = (came_true.of > 0).then(|| sum / f64::from(came_true.of));
            bins.push(Bin { from: *from, said, came_true, interval: came_true.wilson() });
        }
        let n = bins.iter().map(|bin| bin.came_true.of).sum::<u32>();
        let mean = |value: fn(f64, f64) -> f64| {
            let each = cases.iter().map(|(said, hit)| value(*said, f64::from(u8::from(*hit))));
            (n > 0).then(|| each.sum::<f64>() / f64::from(n))
        };
        let brier = mean(|said, hit| (hit - said).powi(2));
        let bias = mean(|said, hit| hit - said);
        Self { bins, n, brier, bias, off: spiegelhalter(cases) }
    }

    /// In words: `too early`, `as said`, `too sure` or `too unsure`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.n < ENOUGH {
            return "too early";
        }
        let off = self.off.is_some_and(|(_, p)| p < CHANCE);
        let bias = self.bias.unwrap_or(0.0);
        if off && bias < 0.0 {
            "too sure"
        } else if off && bias > 0.0 {
            "too unsure"
        } else {
            "as said"
        }
    }
}

fn spiegelhalter(cases: &[(f64, bool)]) -> Option<(f64, f64)> {
    let (mut sum, mut variance) = (0.0, 0.0);
    for (said, hit) in cases {
        let slope = 1.0 - 2.0 * said;
        sum += (f64::from(u8::from(*hit)) - said) * slope;
        variance += slope * slope * said * (1.0 - said);
    }
    (variance > 0.0).then(|| {
        let z: f64 = sum / f64::sqrt(variance);
        (z, two_sided(z))
    })
}
