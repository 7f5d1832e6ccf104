//! Numbers that look random and are the same in every run: xorshift64* (Vigna, 2014).
//!
//! Its place: how [`Cut::Random`](crate::Cut::Random) cuts. Not for secrets.

/// A stream of numbers, settled by its seed.
pub(crate) struct Random(u64);

impl Random {
    /// Any seed will do; the constant is the golden ratio, which keeps the state from being zero.
    pub(crate) fn new(seed: u64) -> Self {
        let mixed = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self(mixed | 1)
    }

    /// A number from 1 up to and including `most`, which is at least 1.
    pub(crate) fn up_to(&mut self, most: usize) -> usize {
        // Remainders favour small numbers a little; nobody here minds.
        1 + (self.next() >> 33) as usize % most
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}
