//! The machine's randomness.

use crate::ports::entropy::Entropy;

/// Random bytes of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[allow(clippy::disallowed_methods, reason = "this adapter is where randomness comes from")]
    fn bytes(&self) -> [u8; 16] {
        // A random UUID has 6 fixed bits, at known places: two of them make 16 wholly random bytes.
        let left = uuid::Uuid::new_v4().into_bytes();
        let right = uuid::Uuid::new_v4().into_bytes();
        let mut bytes = left;
        // Bytes 6 and 8 carry version and variant; the other's neighbours are random throughout.
        bytes[6] = right[0];
        bytes[8] = right[1];
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_is_sometimes_set_and_sometimes_not() {
        let (mut any, mut all) = ([0_u8; 16], [0xff_u8; 16]);
        for _ in 0..200 {
            for (place, byte) in SystemEntropy.bytes().into_iter().enumerate() {
                any[place] |= byte;
                all[place] &= byte;
            }
        }
        assert_eq!((any, all), ([0xff; 16], [0; 16]));
    }
}
