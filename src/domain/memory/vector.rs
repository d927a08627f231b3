//! A point in the space of cases.

/// How many numbers a vector has.
pub const DIMENSIONS: usize = 384;
/// The largest number in it; the smallest is the same below 0.
const LARGEST: f64 = 127.0;

/// Whole numbers from −127 to 127, not all of them 0. Only its direction counts.
#[derive(Clone, PartialEq, Eq)]
pub struct Vector(Box<[i8; DIMENSIONS]>);

impl std::fmt::Debug for Vector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let told = self.0.iter().filter(|number| **number != 0).count();
        write!(f, "Vector({told} of {DIMENSIONS} numbers)")
    }
}

impl Vector {
    /// The nearest one in the direction of these numbers; `None` when they have none, or one of them is no number.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "rounded, and at most 127 either way")]
    pub fn towards(numbers: &[f64; DIMENSIONS]) -> Option<Self> {
        if numbers.iter().any(|number| !number.is_finite()) {
            return None;
        }
        let most = numbers.iter().fold(0.0_f64, |most, number| most.max(number.abs()));
        if most <= 0.0 {
            return None;
        }
        let mut out = Box::new([0_i8; DIMENSIONS]);
        for (to, number) in out.iter_mut().zip(numbers) {
            *to = (number / most * LARGEST).round() as i8;
        }
        Some(Self(out))
    }

    /// The one along the first dimension.
    #[must_use]
    pub fn first() -> Self {
        let mut numbers = Box::new([0; DIMENSIONS]);
        numbers[0] = 1;
        Self(numbers)
    }

    /// Of numbers that were stored.
    ///
    /// # Errors
    /// In words, when they are not [`DIMENSIONS`] numbers from −127 to 127, or all 0.
    pub fn stored(numbers: &[i8]) -> Result<Self, String> {
        let whole = <[i8; DIMENSIONS]>::try_from(numbers)
            .map_err(|_| format!("a vector of {} numbers, not {DIMENSIONS}", numbers.len()))?;
        if whole.contains(&i8::MIN) || whole.iter().all(|number| *number == 0) {
            return Err("a vector without a direction, or with a number below −127".into());
        }
        Ok(Self(Box::new(whole)))
    }

    /// Its numbers.
    #[must_use]
    pub fn numbers(&self) -> &[i8; DIMENSIONS] {
        &self.0
    }

    /// Its length.
    #[must_use]
    pub fn length(&self) -> f64 {
        f64::from(dot(&self.0, &self.0)).sqrt()
    }

    /// Similarity to another, 0 to 1.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> f64 {
        let cosine = f64::from(dot(&self.0, &other.0)) / (self.length() * other.length());
        cosine.clamp(0.0, 1.0)
    }
}

/// Numbers whose products are summed side by side: what a processor does at once. [`DIMENSIONS`] is a multiple of twice it.
const LANES: usize = 16;

/// The sum of the products; at most 127 · 127 · 384, so that no order of summing changes it. Two products of such numbers
/// fit 16 bits together, and lanes stay apart until the end, which is what makes a search through many vectors quick.
#[must_use]
#[inline]
pub fn dot(one: &[i8; DIMENSIONS], other: &[i8; DIMENSIONS]) -> i32 {
    let (chunks, _) = one.as_chunks::<{ 2 * LANES }>();
    let (others, _) = other.as_chunks::<{ 2 * LANES }>();
    let mut sums = [0_i32; LANES];
    for (a, b) in chunks.iter().zip(others) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let low = i16::from(a[lane]) * i16::from(b[lane]);
            let high = i16::from(a[lane + LANES]) * i16::from(b[lane + LANES]);
            *sum += i32::from(low + high);
        }
    }
    sums.iter().sum()
}
