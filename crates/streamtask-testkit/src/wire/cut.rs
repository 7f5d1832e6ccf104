//! Where the relay cuts the bytes.
//!
//! Its place: asked by [`relay`](super::relay) for the length of the next piece. It sees lengths
//! only, never bytes.

use crate::random::Random;

/// How a [`Wire`](crate::Wire) cuts what passes.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// Each byte in a send of its own. Meant for kilobytes, not for megabytes.
    EveryByte,
    /// Gathers until the sender pauses for 20 ms (or 1 MiB is there), then one send.
    Join,
    /// Pieces of 1 to 4096 bytes, the small ones more often; the same ones for the same seed.
    Random {
        /// Any number.
        seed: u64,
    },
    /// As the bytes come.
    None,
}

impl Cut {
    /// The cutter of one direction of one connection; `which` tells them apart.
    pub(super) fn cutter(self, which: u64) -> Cutter {
        match self {
            Cut::EveryByte => Cutter::EveryByte,
            Cut::Join => Cutter::Join,
            Cut::Random { seed } => Cutter::Random(Random::new(seed.wrapping_mul(31) ^ which)),
            Cut::None => Cutter::None,
        }
    }
}

/// One direction's way of cutting.
pub(super) enum Cutter {
    EveryByte,
    Join,
    Random(Random),
    None,
}

impl Cutter {
    /// How long the next piece is, out of `length` bytes, which are at least one.
    pub(super) fn next(&mut self, length: usize) -> usize {
        match self {
            Cutter::EveryByte => 1,
            Cutter::Join | Cutter::None => length,
            Cutter::Random(random) => {
                let scale = [1, 16, 256, 4096][random.up_to(4) - 1];
                random.up_to(scale).min(length)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cut;

    fn pieces(seed: u64, which: u64) -> Vec<usize> {
        let mut cutter = Cut::Random { seed }.cutter(which);
        (0..50).map(|_| cutter.next(10_000)).collect()
    }

    #[test]
    fn the_same_seed_cuts_the_same() {
        assert_eq!(pieces(7, 0), pieces(7, 0));
        assert_ne!(pieces(7, 0), pieces(7, 1));
        assert_ne!(pieces(7, 0), pieces(8, 0));
    }

    #[test]
    fn pieces_are_never_empty_nor_too_long() {
        let mut cutter = Cut::Random { seed: 1 }.cutter(0);
        assert!((0..500).map(|_| cutter.next(3)).all(|piece| (1..=3).contains(&piece)));
    }
}
