//! The write lane: writes in the order of their calls, on their way to the socket.
//!
//! In clear text the socket takes the callers' own bytes, many writes in one system call. Under TLS small
//! writes are gathered into one record. A write is done when the operating system has its last byte.

use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;
use std::time::Duration;

use bytes::{Buf, Bytes};

use super::late::late;
use super::lent::Done;
use crate::deadlines::{Deadline, Term};
use crate::{Error, Limit, OpId, Pipe, Transmit};

/// Writes waiting for the socket.
#[derive(Default)]
pub(crate) struct Writes {
    queue: VecDeque<Write>,
    side: WriteSide,
    /// How many bytes the socket or TLS has taken.
    taken: u64,
    /// How many it has yet to take.
    queued: usize,
    /// Where small writes meet before they become one record.
    gathered: Vec<u8>,
}

struct Write {
    id: OpId,
    seq: u64,
    /// What neither the socket nor TLS has taken yet. When all is taken it is still the caller's memory.
    bytes: Bytes,
    /// Whether any of it was taken: then it cannot be taken back.
    begun: bool,
    term: Term,
}

/// What has become of writing.
#[derive(Debug, Default, Clone)]
pub(crate) enum WriteSide {
    #[default]
    Open,
    /// `close_write` is queued: no more writes, those before it run on.
    Closing,
    Closed,
    /// A write was cut off in the middle by its timeout, so that nothing can follow it.
    Poisoned(Error),
    /// The socket or TLS takes nothing any more, and why.
    Failed(Error),
}

impl Writes {
    pub(crate) fn push(&mut self, id: OpId, seq: u64, bytes: Bytes, term: Term) {
        self.queued += bytes.len();
        self.queue.push_back(Write { id, seq, bytes, begun: false, term });
    }

    pub(crate) fn side(&self) -> &WriteSide {
        &self.side
    }

    pub(crate) fn set_side(&mut self, side: WriteSide) {
        self.side = side;
    }

    /// Why nothing can be written any more, if something went wrong.
    pub(crate) fn failure(&self) -> Option<&Error> {
        match &self.side {
            WriteSide::Poisoned(error) | WriteSide::Failed(error) => Some(error),
            WriteSide::Open | WriteSide::Closing | WriteSide::Closed => None,
        }
    }

    /// Why the socket or TLS takes nothing any more.
    pub(crate) fn send_failure(&self) -> Option<&Error> {
        match &self.side {
            WriteSide::Failed(error) => Some(error),
            WriteSide::Open | WriteSide::Closing | WriteSide::Closed | WriteSide::Poisoned(_) => {
                None
            }
        }
    }

    /// Whether this side will write nothing more.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.side, WriteSide::Closed | WriteSide::Poisoned(_) | WriteSide::Failed(_))
    }

    /// Whether not even TLS can send anything of its own any more: FIN is out, or sending fails.
    pub(crate) fn is_shut(&self) -> bool {
        matches!(self.side, WriteSide::Closed | WriteSide::Failed(_))
    }

    /// How many bytes the socket or TLS has taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// How many bytes it has yet to take.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether a write from before `seq` is waiting.
    pub(crate) fn has_before(&self, seq: u64) -> bool {
        self.queue.front().is_some_and(|write| write.seq < seq)
    }

    /// Whether there is something that the socket or TLS has not taken, from before `hold`.
    pub(crate) fn has_bytes(&self, hold: u64) -> bool {
        self.queue.iter().take_while(|write| write.seq < hold).any(|write| !write.bytes.is_empty())
    }

    /// In clear text: the callers' own bytes, as one piece or many.
    pub(crate) fn transmit(&self, hold: u64) -> Transmit<'_> {
        let mut ready = self
            .queue
            .iter()
            .take_while(|write| write.seq < hold)
            .filter(|write| !write.bytes.is_empty());
        match (ready.next(), ready.next()) {
            (None, _) => Transmit::One(&[]),
            (Some(only), None) => Transmit::One(&only.bytes),
            (Some(first), Some(second)) => {
                let pieces = [first, second].into_iter().chain(ready).take(MOST_PIECES);
                Transmit::Many(pieces.map(|write| IoSlice::new(&write.bytes)).collect())
            }
        }
    }

    /// In clear text: the socket took the first `count` bytes.
    pub(crate) fn sent(&mut self, mut count: usize) {
        self.take(count);
        for write in &mut self.queue {
            if count == 0 {
                break;
            }
            let taken = count.min(write.bytes.len());
            if taken > 0 {
                write.bytes.advance(taken);
                write.begun = true;
                count -= taken;
            }
        }
        debug_assert_eq!(count, 0, "the socket took more than there was");
    }

    /// Under TLS: encrypts the next batch, once the last one has left.
    pub(crate) fn encrypt(&mut self, pipe: &mut Pipe, hold: u64) -> Result<(), Error> {
        let ready = self.queue.iter_mut().take_while(|write| write.seq < hold);
        for write in ready.filter(|write| !write.bytes.is_empty()) {
            let is_large = write.bytes.len() >= GATHER;
            if is_large && self.gathered.is_empty() {
                write.begun = true;
                let count = write.bytes.len().min(BATCH);
                let done = pipe.encrypt(&write.bytes[..count]);
                // Not split off: the last piece would take the caller's memory along.
                write.bytes.advance(count);
                self.take(count);
                return done;
            }
            if is_large || self.gathered.len() + write.bytes.len() > GATHER {
                break;
            }
            write.begun = true;
            self.gathered.extend_from_slice(&write.bytes);
            write.bytes.advance(write.bytes.len());
        }
        self.take(self.gathered.len());
        let done = pipe.encrypt(&self.gathered);
        self.gathered.clear();
        done
    }

    fn take(&mut self, count: usize) {
        self.taken += count as u64;
        self.queued -= count;
    }

    /// The next write that is done, in order, if it is from before `hold`.
    pub(crate) fn next_done(&mut self, hold: u64, has_pending: bool) -> Option<Done> {
        let write = self.queue.front()?;
        // An empty write is a mark in the lane: it is done when all before it is.
        let is_done = write.seq < hold && write.bytes.is_empty() && !(has_pending && write.begun);
        is_done.then(|| self.queue.pop_front().map(Done::from)).flatten()
    }

    /// Takes out the writes whose time is over; `at` is what the task is at, if they had to wait for that.
    /// If one of them had begun, the lane is poisoned: part of its bytes is out, and whatever came next would
    /// be taken for the rest of it.
    pub(crate) fn expire(&mut self, now: Duration, at: Option<&str>) -> Vec<(Done, Error)> {
        let mut begun = self.queue.iter().filter(|write| write.begun);
        if let Some(write) = begun.find(|write| write.term.end.is_past(now)) {
            let error = late(Limit::Write, write.term.length, "part of it was sent");
            self.side = WriteSide::Poisoned(error.clone());
            return self.drain().map(|write| (write, error.clone())).collect();
        }
        let (over, left) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition::<VecDeque<_>, _>(|write| write.term.end.is_past(now));
        self.queue = left;
        self.queued = self.queue.iter().map(|write| write.bytes.len()).sum();
        let at = at.unwrap_or("none of it sent");
        let leaves = |write: Write| {
            let error = late(Limit::Write, write.term.length, at);
            (Done::from(write), error)
        };
        over.into_iter().map(leaves).collect()
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Done> + use<> {
        self.queued = 0;
        std::mem::take(&mut self.queue).into_iter().map(Done::from)
    }

    pub(crate) fn earliest_deadline(&self) -> Deadline {
        self.queue.iter().map(|write| write.term.end).min().unwrap_or(Deadline::NEVER)
    }
}

/// Shows no bytes: they may be a password.
impl fmt::Debug for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writes")
            .field("queue", &self.queue)
            .field("side", &self.side)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

impl From<Write> for Done {
    fn from(write: Write) -> Self {
        Done { id: write.id, lent: write.bytes }
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write")
            .field("id", &self.id)
            .field("seq", &self.seq)
            .field("bytes", &self.bytes.len())
            .field("begun", &self.begun)
            .finish_non_exhaustive()
    }
}

/// What fits into one TLS record (RFC 8446, 5.1): smaller writes are gathered up to it.
const GATHER: usize = 16 << 10;
/// How much of a large write is encrypted at once: four full records.
const BATCH: usize = 64 << 10;
/// What one system call takes everywhere (`IOV_MAX`).
const MOST_PIECES: usize = 1024;
