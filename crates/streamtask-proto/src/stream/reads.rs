//! The read lane: reads in the order of their calls, fed from the pipe.
//!
//! It knows when a read has enough. Which reads may run yet is the barriers' business, and what stands
//! behind the bytes that are there is the stream's.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::late::late;
use super::lent::Done;
use crate::deadlines::{Deadline, Term};
use crate::{EofKind, Error, ErrorKind, Limit, OpId, Pipe, ReadData, ReadKind, Timeout};

/// Reads waiting for bytes.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    queue: VecDeque<Read>,
    side: ReadSide,
    /// How far the first read has looked for its delimiter.
    scanned: usize,
    /// Whether somebody has looked at a read that told the end.
    is_end_seen: bool,
}

struct Read {
    id: OpId,
    seq: u64,
    kind: ReadKind,
    term: Term,
}

/// What this side has decided about reading.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadSide {
    #[default]
    Open,
    /// `close_read` is queued: no more reads, those before it run on.
    Closing,
    Closed,
}

/// What stands behind the bytes that a read may take.
#[derive(Debug, Clone)]
pub(crate) enum Behind {
    /// Perhaps more.
    More,
    /// Another layer, which the read must not reach into.
    Switch,
    /// The end of the stream.
    End(EofKind),
    /// Nothing, and why.
    Failure(Error),
}

impl Reads {
    pub(crate) fn push(&mut self, id: OpId, seq: u64, kind: ReadKind, term: Term) {
        self.queue.push_back(Read { id, seq, kind, term });
    }

    pub(crate) fn side(&self) -> ReadSide {
        self.side
    }

    pub(crate) fn set_side(&mut self, side: ReadSide) {
        self.side = side;
    }

    /// Whether nobody will read here again: this side was closed, or the application knows the end.
    pub(crate) fn is_over(&self) -> bool {
        self.side == ReadSide::Closed || self.is_end_seen
    }

    /// Somebody has looked at a read that told the end.
    pub(crate) fn see_end(&mut self) {
        self.is_end_seen = true;
    }

    /// Whether the application knows of the end.
    pub(crate) fn is_end_seen(&self) -> bool {
        self.is_end_seen
    }

    /// A new layer begins: the end of the old one was not the end of the stream.
    pub(crate) fn change_layer(&mut self) {
        self.is_end_seen = false;
        self.scanned = 0;
    }

    /// What is first in line has changed: it must be looked through from its beginning.
    pub(crate) fn rescan(&mut self) {
        self.scanned = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether a read from before `seq` is waiting.
    pub(crate) fn has_before(&self, seq: u64) -> bool {
        self.queue.front().is_some_and(|read| read.seq < seq)
    }

    /// Completes the first read if it is from before `hold` and has enough, or if no more will come.
    pub(crate) fn next(
        &mut self,
        pipe: &mut Pipe,
        hold: u64,
        behind: &Behind,
    ) -> Option<(Done, Result<ReadData, Error>)> {
        let read = self.queue.front().filter(|read| read.seq < hold)?;
        let answer = answer(&read.kind, pipe, &mut self.scanned, behind)?;
        self.scanned = 0;
        self.queue.pop_front().map(|read| (read.into(), answer))
    }

    /// Answers a read that nothing stands before, if it has enough.
    pub(crate) fn take_at_once(&mut self, pipe: &mut Pipe, kind: &ReadKind) -> Option<ReadData> {
        if !self.queue.is_empty() {
            return None;
        }
        match wanted(kind, pipe.readable(), &mut 0) {
            // Who wants nothing may yet hear of a failure.
            Wanted::Bytes(0) | Wanted::More | Wanted::TooLong => None,
            Wanted::Bytes(count) => Some(pipe.inbox_mut().take_read(count, None)),
        }
    }

    /// Takes out the reads whose time is over. `at` is what the task is at, if they had to wait for that, and
    /// `there` how much has come for the first of them.
    pub(crate) fn expire(
        &mut self,
        now: Duration,
        at: Option<&str>,
        there: usize,
    ) -> Vec<(Done, Error)> {
        let first = self.queue.front().map(|read| read.id);
        let (over, left) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition::<VecDeque<_>, _>(|read| read.term.end.is_past(now));
        self.queue = left;
        if self.queue.front().map(|read| read.id) != first {
            self.scanned = 0;
        }
        let error = |read: &Read| match at {
            Some(at) => late(Limit::Read, read.term.length, at),
            None if Some(read.id) != first => {
                late(Limit::Read, read.term.length, "behind an earlier read")
            }
            None => late(Limit::Read, read.term.length, format_args!("with {there} bytes there")),
        };
        let leaves = |read: Read| {
            let error = error(&read);
            (Done::from(read), error)
        };
        over.into_iter().map(leaves).collect()
    }

    /// The limit of the read that has been over for longest.
    pub(crate) fn first_over(&self, now: Duration) -> Option<Timeout> {
        let over = self.queue.iter().filter(|read| read.term.end.is_past(now));
        over.min_by_key(|read| read.term.end).map(|read| read.term.length)
    }

    /// Takes out a read whose caller has gone. Its bytes stay first in line.
    pub(crate) fn withdraw(&mut self, id: OpId) -> Option<Done> {
        let place = self.queue.iter().position(|read| read.id == id)?;
        if place == 0 {
            self.scanned = 0;
        }
        self.queue.remove(place).map(Done::from)
    }

    /// Takes all of them out because the stream has failed. What came is still for those from before
    /// `hold` that it satisfies.
    pub(crate) fn fail(
        &mut self,
        pipe: &mut Pipe,
        hold: u64,
        error: &Error,
    ) -> Vec<(Done, Result<ReadData, Error>)> {
        let failure = Behind::Failure(error.clone());
        let mut answers = Vec::new();
        while let Some(done) = self.next(pipe, hold, &failure) {
            answers.push(done);
        }
        answers.extend(self.queue.drain(..).map(|read| (read.into(), Err(error.clone()))));
        answers
    }

    pub(crate) fn earliest_deadline(&self) -> Deadline {
        self.queue.iter().map(|read| read.term.end).min().unwrap_or(Deadline::NEVER)
    }
}

impl From<Read> for Done {
    fn from(read: Read) -> Self {
        Done { id: read.id, lent: read.kind.into_lent() }
    }
}

/// What `kind` comes to with the bytes that are there; `None` while it has to wait.
pub(crate) fn answer(
    kind: &ReadKind,
    pipe: &mut Pipe,
    scanned: &mut usize,
    behind: &Behind,
) -> Option<Result<ReadData, Error>> {
    let rest = pipe.readable().len();
    match (wanted(kind, pipe.readable(), scanned), behind) {
        (Wanted::TooLong, _) => Some(Err(ErrorKind::DelimiterNotFound.into())),
        (Wanted::Bytes(0) | Wanted::More, Behind::Failure(error)) => Some(Err(error.clone())),
        // Whether the end stands behind it is for the next read to say: it may be known by now or not, as
        // the segments fell.
        (Wanted::Bytes(count), _) => Some(Ok(pipe.inbox_mut().take_read(count, None))),
        (Wanted::More, Behind::More) => None,
        (Wanted::More, Behind::Switch) if rest == 0 => None,
        (Wanted::More, Behind::Switch) => Some(too_short(kind, pipe, EofKind::CloseNotify)),
        (Wanted::More, Behind::End(eof)) => Some(too_short(kind, pipe, *eof)),
    }
}

/// The stream ends, and there is less than `kind` wants.
fn too_short(kind: &ReadKind, pipe: &mut Pipe, eof: EofKind) -> Result<ReadData, Error> {
    match kind {
        ReadKind::Data { .. } => {
            let rest = pipe.readable().len();
            Ok(pipe.inbox_mut().take_read(rest, Some(eof)))
        }
        ReadKind::Exact { .. } | ReadKind::Until { .. } => {
            Err(Error::from(ErrorKind::UnexpectedEnd).ending(pipe.inbox().first_layer()))
        }
    }
}

/// How much a read wants of what there is.
enum Wanted {
    Bytes(usize),
    More,
    TooLong,
}

fn wanted(kind: &ReadKind, readable: &[u8], scanned: &mut usize) -> Wanted {
    match kind {
        ReadKind::Data { max: 0, .. } => Wanted::Bytes(0),
        ReadKind::Data { min, max } => match readable.len() >= (*min).max(1) {
            true => Wanted::Bytes(readable.len().min(*max)),
            false => Wanted::More,
        },
        ReadKind::Exact { length } if readable.len() < *length => Wanted::More,
        ReadKind::Exact { length } => Wanted::Bytes(*length),
        ReadKind::Until { delimiter, max } => until(delimiter, *max, readable, scanned),
    }
}

/// Looks on from where it stopped, so that a slow peer does not make it look twice at anything.
fn until(delimiter: &Bytes, max: usize, readable: &[u8], scanned: &mut usize) -> Wanted {
    let window = &readable[..readable.len().min(max)];
    let from = (*scanned).min(window.len());
    match memchr::memmem::find(&window[from..], delimiter) {
        Some(place) => Wanted::Bytes(from + place + delimiter.len()),
        None if readable.len() >= max => Wanted::TooLong,
        None => {
            *scanned = window.len().saturating_sub(delimiter.len() - 1);
            Wanted::More
        }
    }
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Read").field("id", &self.id).field("seq", &self.seq).finish_non_exhaustive()
    }
}
