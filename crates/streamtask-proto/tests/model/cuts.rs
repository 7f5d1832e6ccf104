//! Where a stream of bytes is cut on its way: anywhere, and always alike.

/// Lengths of pieces, again and again: short ones, one byte, and about as much as a header or a record.
const LENGTHS: [usize; 11] = [1, 4, 1, 5, 2, 23, 3, 64, 1, 400, 7];

pub(crate) struct Cuts {
    is_cutting: bool,
    count: usize,
}

impl Cuts {
    pub(crate) fn new(is_cutting: bool) -> Self {
        Cuts { is_cutting, count: 0 }
    }

    /// How much may go in one piece.
    pub(crate) fn most(&mut self) -> usize {
        self.count += 1;
        match self.is_cutting {
            true => LENGTHS[self.count % LENGTHS.len()],
            false => usize::MAX,
        }
    }
}
