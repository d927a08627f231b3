//! Randomness.

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// 16 random bytes.
    fn bytes(&self) -> [u8; 16];
}
