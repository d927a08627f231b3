//! The standard normal distribution.

/// Its 97.5 % quantile: two-sided intervals of 95 %.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// Probability of a value at least this far from zero, on either side: erfc(|z| / √2) (NIST DLMF 7.2.2).
#[must_use]
pub(super) fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}
