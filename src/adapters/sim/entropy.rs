//! Randomness from the scenario's seed.

use super::seeded::Seeded;
use crate::ports::entropy::Entropy;
use std::sync::{Mutex, PoisonError};

/// Seeded randomness: the same seed gives the same ids in the same order.
#[derive(Debug)]
pub struct SimEntropy {
    stream: Mutex<Seeded>,
}

impl SimEntropy {
    pub(super) fn new(seed: u64) -> Self {
        Self { stream: Mutex::new(Seeded::new(seed, "entropy")) }
    }
}

impl Entropy for SimEntropy {
    fn bytes(&self) -> [u8; 16] {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = (u128::from(stream.next()) << 64) | u128::from(stream.next());
        pair.to_be_bytes()
    }
}
