//! Bytes on their way out, and how much to ask the socket for.
//!
//! Incoming bytes need no type of their own: a `BytesMut` is read into and split off without a copy.

use bytes::BytesMut;

/// Bytes for the socket that this side made itself: ciphertext and handshake records.
///
/// The buffer is written and drained from front to back and kept for the next batch, so that its memory
/// is cleared once and not once a record.
#[derive(Default)]
pub(crate) struct Outgoing {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Outgoing {
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    /// Gives the memory back, unless something waits in it.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() {
            *self = Outgoing::default();
        }
    }

    /// What waits to be sent.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// Lets `put` write behind what waits. It gets at least `room` bytes, and once more with what it
    /// asked for if it answers with an error.
    pub(crate) fn fill(
        &mut self,
        room: usize,
        mut put: impl FnMut(&mut [u8]) -> Result<usize, usize>,
    ) {
        self.make_room(room);
        let written = put(&mut self.memory[self.end..]).or_else(|needed| {
            self.make_room(needed);
            put(&mut self.memory[self.end..])
        });
        self.end += written.unwrap_or(0);
    }

    /// Puts `bytes` behind what waits.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.fill(bytes.len(), |room| {
            room[..bytes.len()].copy_from_slice(bytes);
            Ok(bytes.len())
        });
    }

    /// Notes that the socket took the first `count` bytes.
    pub(crate) fn sent(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end, "the socket took more than there was");
        if self.is_empty() {
            self.start = 0;
            self.end = 0;
            if self.memory.len() > KEEP {
                self.memory = Vec::new();
            }
        }
    }

    fn make_room(&mut self, room: usize) {
        if self.memory.len() - self.end < room {
            self.memory.drain(..self.start);
            self.end -= self.start;
            self.start = 0;
            self.memory.resize(self.end + room, 0);
        }
    }
}

/// How much to read at once: more while the peer keeps the buffer full, less when it does not.
#[derive(Debug)]
pub(crate) struct Appetite(usize);

impl Appetite {
    pub(crate) fn new() -> Self {
        Appetite(LEAST)
    }

    /// Makes room in `buffer` for the next read.
    pub(crate) fn prepare(&self, buffer: &mut BytesMut) {
        buffer.reserve(self.0);
    }

    /// Learns from a read that brought `count` bytes.
    pub(crate) fn brought(&mut self, count: usize) {
        if count >= self.0 {
            self.0 = (self.0 * 4).min(MOST);
        } else if count < self.0 / 8 {
            self.0 = (self.0 / 2).max(LEAST);
        }
    }
}

/// What an idle connection keeps, and a first read asks for.
pub(crate) const LEAST: usize = 4 << 10;
/// Fits a second-level cache, and a system call costs little beside it.
const MOST: usize = 256 << 10;
/// A larger buffer for ciphertext is given back when it has been sent.
const KEEP: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_in_order() {
        let mut out = Outgoing::default();
        let mut expected = Vec::new();
        for round in 0..200_u8 {
            let piece = vec![round; usize::from(round)];
            out.fill(1, |room| match room.len() >= piece.len() {
                true => {
                    room[..piece.len()].copy_from_slice(&piece);
                    Ok(piece.len())
                }
                false => Err(piece.len()),
            });
            expected.extend_from_slice(&piece);
            let taken = out.pending().len() / 2;
            assert_eq!(out.pending(), expected);
            out.sent(taken);
            expected.drain(..taken);
        }
    }

    #[test]
    fn memory_is_kept_for_the_next_batch_and_given_back_at_rest_or_when_it_is_large() {
        let mut out = Outgoing::default();
        out.append(&[1; KEEP]);
        out.sent(1);
        out.shrink();
        assert_eq!(out.pending().len(), KEEP - 1, "what waits is not memory to be given back");
        out.sent(KEEP - 1);
        assert!(out.capacity() >= KEEP, "the next batch will need it");
        out.shrink();
        assert_eq!(out.capacity(), 0);
        out.append(&[1; KEEP + 1]);
        out.sent(KEEP + 1);
        assert_eq!(out.capacity(), 0, "it was larger than what is kept");
    }

    #[test]
    fn there_is_always_room_for_a_read() {
        let (mut buffer, mut appetite) = (BytesMut::new(), Appetite::new());
        for _ in 0..20 {
            appetite.prepare(&mut buffer);
            assert!(buffer.capacity() - buffer.len() >= 1024);
            buffer.resize(buffer.capacity(), 0);
            appetite.brought(0);
        }
    }

    #[test]
    fn appetite_grows_with_what_fills_it_and_shrinks_with_what_is_much_less() {
        let mut appetite = Appetite::new();
        appetite.brought(LEAST - 1);
        assert_eq!(appetite.0, LEAST);
        appetite.brought(LEAST);
        assert_eq!(appetite.0, 4 * LEAST);
        appetite.brought(4 * LEAST / 8);
        assert_eq!(appetite.0, 4 * LEAST);
        appetite.brought(4 * LEAST / 8 - 1);
        assert_eq!(appetite.0, 2 * LEAST);
    }

    #[test]
    fn appetite_follows_the_peer() {
        let mut appetite = Appetite::new();
        for _ in 0..9 {
            appetite.brought(MOST);
        }
        assert_eq!(appetite.0, MOST);
        for _ in 0..9 {
            appetite.brought(1);
        }
        assert_eq!(appetite.0, LEAST);
    }
}
