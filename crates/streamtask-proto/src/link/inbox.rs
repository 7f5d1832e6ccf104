//! What the application may read: bytes in order, each under the layer that it came under.
//!
//! A stop of TLS leaves behind what was not read under it. That stays first in line, and no read joins it
//! with what came later. Bytes of reads that nobody looked at come back here. Whether a read has enough is
//! for [`reads`](crate::stream) to say.

use std::collections::VecDeque;
use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::words::Place;
use crate::{EofKind, Layer, ReadData};

/// Unread bytes, layer by layer.
#[derive(Default)]
pub(crate) struct Inbox {
    /// What ended layers of TLS left unread, the oldest first. None of them is empty. Clear text is never
    /// among them: TLS starts only when there is none.
    ended: VecDeque<Ended>,
    /// What came under today's layer.
    today: BytesMut,
    layer: Layer,
    is_secure: bool,
    /// How many bytes reads have taken and kept.
    taken: u64,
    /// What came back while reads behind it were still out.
    returned: Vec<ReadData>,
    /// A start of TLS is under way: clear text does not come back any more.
    is_sealed: bool,
    /// Nothing is to be read any more, not even what comes back.
    is_discarded: bool,
}

struct Ended {
    layer: Layer,
    bytes: BytesMut,
}

impl Inbox {
    /// What a read may take: the bytes of the first layer that has any.
    pub(crate) fn first(&self) -> &[u8] {
        self.ended.front().map_or(&self.today, |ended| &ended.bytes)
    }

    /// Whether another layer begins behind [`first`](Self::first).
    pub(crate) fn is_behind_a_switch(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Whether there is nothing to read.
    pub(crate) fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.today.is_empty()
    }

    /// How much there is to read, in all layers.
    pub(crate) fn len(&self) -> usize {
        self.ended.iter().map(|ended| ended.bytes.len()).sum::<usize>() + self.today.len()
    }

    /// How much of it is clear text.
    pub(crate) fn clear_text(&self) -> usize {
        if self.is_secure { 0 } else { self.today.len() }
    }

    /// How many bytes reads have taken and kept.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Where what comes under today's layer goes.
    pub(crate) fn today(&mut self) -> &mut BytesMut {
        &mut self.today
    }

    /// Takes the first `count` bytes of [`first`](Self::first), for a reader who needs to know no layer.
    pub(crate) fn take(&mut self, count: usize) -> Bytes {
        self.take_read(count, None).data
    }

    /// Takes the first `count` bytes of [`first`](Self::first); `eof` stands behind them.
    pub(crate) fn take_read(&mut self, count: usize, eof: Option<EofKind>) -> ReadData {
        self.taken += count as u64;
        match self.ended.front_mut() {
            None => {
                let data = self.today.split_to(count).freeze();
                ReadData::new(data, eof, self.is_secure, self.place(self.layer))
            }
            Some(ended) => {
                let (data, layer) = (ended.bytes.split_to(count).freeze(), ended.layer);
                if ended.bytes.is_empty() {
                    self.ended.pop_front();
                }
                ReadData::new(data, eof, true, self.place(layer))
            }
        }
    }

    fn place(&self, layer: Layer) -> Place {
        Place { layer, taken: self.taken }
    }

    /// Today's layer.
    pub(crate) fn layer(&self) -> Layer {
        self.layer
    }

    /// The layer of [`first`](Self::first).
    pub(crate) fn first_layer(&self) -> Layer {
        self.ended.front().map_or(self.layer, |ended| ended.layer)
    }

    /// TLS is about to start: from now on no clear text comes back.
    pub(crate) fn seal_clear_text(&mut self) {
        self.is_sealed = true;
        self.returned.retain(|read| read.is_secure);
    }

    /// Another layer begins. What is unread under an ended one stays first in line, except clear text: that
    /// must not be taken for what TLS brings, so the caller has seen to it that there is none.
    pub(crate) fn change_layer(&mut self, is_secure: bool) {
        debug_assert_eq!(self.clear_text(), 0, "clear text before TLS");
        let bytes = std::mem::take(&mut self.today);
        if !bytes.is_empty() {
            self.ended.push_back(Ended { layer: self.layer, bytes });
        }
        self.layer = Layer(self.layer.0.wrapping_add(1));
        self.is_secure = is_secure;
        self.is_sealed = false;
    }

    /// Puts back what a read had brought and nobody looked at, as soon as nothing behind it is out.
    /// `is_last` says that no other such read is out: what does not fit by then is gone, because one
    /// behind it was looked at.
    pub(crate) fn give_back(&mut self, read: ReadData, is_last: bool) {
        if !read.data.is_empty() && !self.is_discarded {
            self.returned.push(read);
        }
        while let Some(index) = self.returned.iter().position(|read| self.fits(read)) {
            let read = self.returned.swap_remove(index);
            self.put_back(&read);
        }
        if is_last {
            self.returned.clear();
        }
    }

    /// Clear text does not come back once TLS has started: it could be taken for what TLS brought.
    fn fits(&self, read: &ReadData) -> bool {
        let may = read.is_secure || (read.place.layer == self.layer && !self.is_sealed);
        may && read.place.taken == self.taken
    }

    fn put_back(&mut self, read: &ReadData) {
        self.taken -= read.data.len() as u64;
        let layer = read.place.layer;
        match self.ended.front_mut() {
            Some(ended) if ended.layer == layer => prepend(&mut ended.bytes, &read.data),
            None if self.layer == layer => prepend(&mut self.today, &read.data),
            Some(_) | None => {
                self.ended.push_front(Ended { layer, bytes: BytesMut::from(&read.data[..]) });
            }
        }
    }

    /// Throws the unread clear text away.
    pub(crate) fn discard_clear_text(&mut self) {
        if !self.is_secure {
            self.today.clear();
            self.returned.retain(|read| read.is_secure);
        }
    }

    /// Throws away what is unread.
    pub(crate) fn throw_away(&mut self) {
        self.ended.clear();
        self.today.clear();
    }

    /// Throws everything away, also what might still come back.
    pub(crate) fn discard(&mut self) {
        *self = Inbox { is_discarded: true, taken: self.taken, ..Inbox::default() };
    }

    /// How much memory it holds, used or not.
    pub(crate) fn capacity(&self) -> usize {
        self.ended.iter().map(|ended| ended.bytes.capacity()).sum::<usize>() + self.today.capacity()
    }

    /// Gives the memory back that is not in use.
    pub(crate) fn shrink(&mut self) {
        self.today = BytesMut::from(&self.today[..]);
    }
}

fn prepend(buffer: &mut BytesMut, bytes: &[u8]) {
    let mut whole = BytesMut::with_capacity(bytes.len() + buffer.len());
    whole.extend_from_slice(bytes);
    whole.extend_from_slice(buffer);
    *buffer = whole;
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("ended", &self.ended.iter().map(|ended| ended.bytes.len()).collect::<Vec<_>>())
            .field("today", &self.today.len())
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What came under TLS, then in clear text, then under TLS again; today's layer is clear text.
    fn two_layers_of_tls(first: &[u8], second: &[u8]) -> Inbox {
        let mut inbox = Inbox::default();
        for bytes in [first, second] {
            inbox.change_layer(true);
            inbox.today().extend_from_slice(bytes);
            inbox.change_layer(false);
        }
        inbox
    }

    #[test]
    fn what_comes_back_joins_its_own_layer() {
        let mut inbox = two_layers_of_tls(b"abc", b"");
        let read = inbox.take_read(1, None);
        inbox.give_back(read, true);
        assert_eq!(inbox.first(), b"abc");
        assert_eq!(inbox.len(), 3);
    }

    #[test]
    fn what_comes_back_does_not_join_another_layer() {
        let mut inbox = two_layers_of_tls(b"abc", b"def");
        let read = inbox.take_read(3, None);
        assert_eq!(inbox.first(), b"def");
        inbox.give_back(read, true);
        assert_eq!(inbox.first(), b"abc");
        assert_eq!(inbox.take(3), "abc");
        assert_eq!(inbox.take(3), "def");
        assert!(inbox.is_empty());

        let mut inbox = two_layers_of_tls(b"", b"abc");
        inbox.today().extend_from_slice(b"clear");
        let read = inbox.take_read(3, None);
        inbox.give_back(read, true);
        assert_eq!(inbox.first(), b"abc");
        assert!(inbox.is_behind_a_switch());
    }

    #[test]
    fn what_comes_back_out_of_order_waits_for_what_stood_behind_it() {
        let mut inbox = Inbox::default();
        inbox.today().extend_from_slice(b"abcd");
        let reads: [_; 4] = std::array::from_fn(|_| inbox.take_read(1, None));
        let [a, b, c, d] = reads;
        for read in [b, a, c] {
            inbox.give_back(read, false);
            assert!(inbox.is_empty(), "d is still out");
        }
        inbox.give_back(d, true);
        assert_eq!(inbox.first(), b"abcd");
        assert_eq!(inbox.taken(), 0);
    }

    #[test]
    fn what_does_not_fit_when_the_last_one_is_back_is_gone() {
        let mut inbox = Inbox::default();
        inbox.today().extend_from_slice(b"abc");
        let first = inbox.take_read(1, None);
        // Somebody looked at this one.
        let _looked_at = inbox.take_read(1, None);
        inbox.give_back(first, true);
        assert_eq!(inbox.first(), b"c");
        assert_eq!(inbox.taken(), 2);
        assert!(inbox.returned.is_empty());
    }
}
