//! A small seeded generator, so that the same seed gives the same world on every machine.
//!
//! The algorithm is SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014; the
//! constants are those of Vigna's public-domain reference). Not for secrets.

/// A stream of pseudo-random numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seeded {
    state: u64,
}

/// Letters and digits that Kubernetes uses in generated names.
const SAFE: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

impl Seeded {
    /// The stream of this seed; `lane` keeps independent uses of one seed apart.
    pub(super) fn new(seed: u64, lane: &str) -> Self {
        Self { state: seed ^ fnv64(lane.as_bytes()) }
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0);
        low + i64::try_from(self.below(span + 1)).unwrap_or(0)
    }

    /// True `per_mille` times of a thousand.
    pub(super) fn chance(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.below(1_000) < u64::from(per_mille)
    }

    /// One of these; `None` of none.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(u64::try_from(from.len()).unwrap_or(0))).ok()?;
        from.get(index)
    }

    /// The end of a generated name, as the API server makes it: 5 characters.
    pub(super) fn suffix(&mut self) -> String {
        (0..5).map(|_| self.pick(SAFE).map_or('x', |byte| char::from(*byte))).collect()
    }

    /// A uid in the form of a version 4 UUID.
    pub(super) fn uid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            8 + ((low >> 62) & 3),
            (low >> 48) & 0xfff,
            low & 0xffff_ffff_ffff
        )
    }

    /// 64 hexadecimal digits, for container ids.
    pub(super) fn hex64(&mut self) -> String {
        format!("{:016x}{:016x}{:016x}{:016x}", self.next(), self.next(), self.next(), self.next())
    }

    /// Where the stream stands.
    pub(super) fn state(&self) -> u64 {
        self.state
    }
}

/// FNV-1a, 64 bits: small and the same everywhere. Prometheus fingerprints label sets with it.
pub(super) fn fnv64(bytes: &[u8]) -> u64 {
    fnv64_more(0xcbf2_9ce4_8422_2325, bytes)
}

/// Continues a hash.
pub(super) fn fnv64_more(hash: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A hash as Kubernetes writes `pod-template-hash`: 10 characters of the safe alphabet.
pub(super) fn safe_hash(text: &str) -> String {
    let mut stream = Seeded { state: fnv64(text.as_bytes()) };
    (0..10).map(|_| stream.pick(SAFE).map_or('x', |byte| char::from(*byte))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // First outputs of SplitMix64 for seed 1234567, as Vigna's reference prints them.
        let mut stream = Seeded { state: 1_234_567 };
        assert_eq!(stream.next(), 6_457_827_717_110_365_317);
        assert_eq!(stream.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn lanes_of_one_seed_differ() {
        assert_ne!(Seeded::new(1, "a").next(), Seeded::new(1, "b").next());
        assert_eq!(Seeded::new(1, "a").uid(), Seeded::new(1, "a").uid());
    }
}
