//! Time to recovery, where some never recovered while they were looked at.

use serde::Serialize;

/// The product-limit estimate of the share that has not recovered.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Survival {
    /// After how many seconds the share falls, and to what; ascending.
    pub steps: Vec<(u64, f64)>,
    /// Cases.
    pub n: usize,
    /// Of them, those that recovered.
    pub recovered: usize,
}

impl Survival {
    /// From cases: seconds that each was looked at, and whether it recovered then (else it still had not).
    ///
    /// E. L. Kaplan and P. Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958).
    #[must_use]
    pub fn of(cases: &[(u64, bool)]) -> Self {
        let mut cases = cases.to_vec();
        cases.sort_unstable();
        let (mut share, mut at_risk) = (1.0, cases.len());
        let mut steps = Vec::new();
        for same in cases.chunk_by(|one, other| one.0 == other.0) {
            let events = same.iter().filter(|(_, recovered)| *recovered).count();
            if let (true, Some((seconds, _))) = (events > 0, same.first()) {
                share *= 1.0 - count(events) / count(at_risk);
                steps.push((*seconds, share));
            }
            at_risk -= same.len();
        }
        let recovered = cases.iter().filter(|(_, recovered)| *recovered).count();
        Self { steps, n: cases.len(), recovered }
    }

    /// Seconds after which this share (0 to 1) has recovered; `None`: so many never did while they were looked at.
    #[must_use]
    pub fn quantile(&self, recovered: f64) -> Option<u64> {
        let left = 1.0 - recovered + 1e-12;
        self.steps.iter().find(|(_, share)| *share <= left).map(|(seconds, _)| *seconds)
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of cases are far below 2^52")]
fn count(n: usize) -> f64 {
    n as f64
}
