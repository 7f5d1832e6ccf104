//! The read lane: reads in the order of their calls, fed from the pipe.
//!
//! It knows when a read has enough and how the stream ended for it. Which reads may run yet is the
//! barriers' business.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::deadlines::Deadline;
use crate::machine::Place;
use crate::{EofKind, Error, ErrorKind, Limit, OpId, Pipe, ReadData, ReadKind};

/// Reads waiting for bytes.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    queue: VecDeque<Read>,
    side: ReadSide,
    /// How far the first read has looked for its delimiter.
    scanned: usize,
    /// The end that the application has been told of.
    delivered: Option<EofKind>,
    failed: bool,
    /// How far reads have come.
    place: Place,
    /// What came back while reads behind it were still out.
    returned: Vec<ReadData>,
}

#[derive(Debug)]
struct Read {
    id: OpId,
    seq: u64,
    kind: ReadKind,
    deadline: Deadline,
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

/// How the stream ends for readers, behind what is buffered.
#[derive(Debug, Clone)]
pub(crate) enum End {
    Eof(EofKind),
    Broken(Error),
}

impl Reads {
    pub(crate) fn push(&mut self, id: OpId, seq: u64, kind: ReadKind, deadline: Deadline) {
        self.queue.push_back(Read { id, seq, kind, deadline });
    }

    pub(crate) fn side(&self) -> ReadSide {
        self.side
    }

    pub(crate) fn set_side(&mut self, side: ReadSide) {
        self.side = side;
    }

    /// Whether the application knows that nothing more will come, be it an end or a failure.
    pub(crate) fn is_over(&self) -> bool {
        self.side == ReadSide::Closed || self.delivered.is_some() || self.failed
    }

    /// A new layer begins: the end of the old one was not the end of the stream, and nothing that was
    /// read under it may come back.
    pub(crate) fn change_layer(&mut self) {
        self.delivered = None;
        self.failed = false;
        self.place.layer = self.place.layer.wrapping_add(1);
        self.returned.clear();
    }

    /// How many bytes reads have taken and kept.
    pub(crate) fn taken(&self) -> u64 {
        self.place.taken
    }

    /// Puts back what a read had brought and nobody looked at, as soon as nothing behind it is out.
    pub(crate) fn give_back(&mut self, pipe: &mut Pipe, read: ReadData, is_last: bool) {
        if read.place.layer != self.place.layer {
            return;
        }
        self.returned.push(read);
        while let Some(index) = self.returned.iter().position(|read| read.place == self.place) {
            let read = self.returned.swap_remove(index);
            self.place.taken -= read.data.len() as u64;
            self.scanned = 0;
            pipe.put_back(&read.data);
            if read.at_eof {
                self.delivered = None;
            }
        }
        if is_last {
            // A read behind these was looked at: the stream has gone on without them.
            self.returned.clear();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether a read from before `seq` is waiting.
    pub(crate) fn has_before(&self, seq: u64) -> bool {
        self.queue.front().is_some_and(|read| read.seq < seq)
    }

    /// Completes the first read if it is from before `hold` and has enough, or if the stream has ended.
    pub(crate) fn next(
        &mut self,
        pipe: &mut Pipe,
        hold: u64,
        end: Option<&End>,
    ) -> Option<(OpId, Result<ReadData, Error>)> {
        let read = self.queue.front().filter(|read| read.seq < hold)?;
        let result = match wanted(&read.kind, pipe.readable(), &mut self.scanned) {
            Wanted::Bytes(count) => Ok(take(pipe, count, end, &mut self.place)),
            Wanted::TooLong => Err(ErrorKind::DelimiterNotFound.into()),
            Wanted::More => match end? {
                End::Eof(_) => {
                    let rest = pipe.readable().len();
                    Ok(take(pipe, rest, end, &mut self.place))
                }
                End::Broken(error) => Err(error.clone()),
            },
        };
        match &result {
            Ok(data) => self.delivered = self.delivered.or(data.eof),
            Err(error) => self.failed |= error.kind() == ErrorKind::Truncated,
        }
        let id = read.id;
        self.drop_first();
        Some((id, result))
    }

    /// Answers a read that nothing stands before, if it has enough.
    pub(crate) fn take_at_once(&mut self, pipe: &mut Pipe, kind: &ReadKind) -> Option<ReadData> {
        if !self.queue.is_empty() {
            return None;
        }
        match wanted(kind, pipe.readable(), &mut 0) {
            Wanted::Bytes(count) => Some(take(pipe, count, None, &mut self.place)),
            Wanted::More | Wanted::TooLong => None,
        }
    }

    /// Takes out the reads whose time is over.
    pub(crate) fn expire(&mut self, now: Duration) -> Vec<(OpId, Error)> {
        let first = self.queue.front().map(|read| read.id);
        let (over, left) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition::<VecDeque<_>, _>(|read| read.deadline.is_past(now));
        self.queue = left;
        if self.queue.front().map(|read| read.id) != first {
            self.scanned = 0;
        }
        let late = || Error::new(ErrorKind::TimedOut(Limit::Read));
        over.into_iter().map(|read| (read.id, late())).collect()
    }

    /// Takes out a read whose caller has gone. Its bytes stay first in line.
    pub(crate) fn withdraw(&mut self, id: OpId) {
        match self.queue.iter().position(|read| read.id == id) {
            Some(0) => self.drop_first(),
            Some(place) => drop(self.queue.remove(place)),
            None => {}
        }
    }

    fn drop_first(&mut self) {
        self.queue.pop_front();
        self.scanned = 0;
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = OpId> + '_ {
        self.queue.drain(..).map(|read| read.id)
    }

    pub(crate) fn earliest_deadline(&self) -> Deadline {
        self.queue.iter().map(|read| read.deadline).min().unwrap_or(Deadline::NEVER)
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

/// The end is told with the last byte, as soon as it is known.
fn take(pipe: &mut Pipe, count: usize, end: Option<&End>, place: &mut Place) -> ReadData {
    let data = pipe.take(count);
    place.taken += count as u64;
    let eof = match end {
        Some(End::Eof(kind)) if pipe.readable().is_empty() => Some(*kind),
        Some(_) | None => None,
    };
    ReadData::new(data, eof, pipe.is_secure(), *place)
}
