//! What becomes of a call: refused at once, or queued in its lane.

use std::time::Instant;

use super::barriers::BarrierKind;
use super::reads::{Behind, ReadSide};
use super::writes::WriteSide;
use super::{Stream, reads};
use crate::{Call, Error, ErrorKind, OpId, Outcome, ReadKind};

impl Stream {
    pub(super) fn enqueue(&mut self, now: Instant, id: OpId, operation: Call) {
        let seq = self.next_seq;
        self.next_seq += 1;
        if let Some(result) = self.refuse(&operation) {
            self.lent.put(operation.into_lent());
            return self.complete(id, result);
        }
        let mut barrier = |kind| self.barriers.push(id, seq, kind);
        match operation {
            Call::Read(kind, _) if self.life.is_over() => self.answer_late_read(id, kind),
            Call::Read(kind, timeout) => {
                let term = self.term(now, timeout);
                self.reads.push(id, seq, kind, term);
            }
            Call::Write(bytes, timeout) => {
                let term = self.term(now, timeout);
                self.writes.push(id, seq, bytes, term);
            }
            Call::CloseRead => {
                barrier(BarrierKind::CloseRead);
                self.reads.set_side(ReadSide::Closing);
            }
            Call::CloseWrite => {
                barrier(BarrierKind::CloseWrite);
                if let WriteSide::Open = self.writes.side() {
                    self.writes.set_side(WriteSide::Closing);
                }
            }
            Call::StartSecure(options) => barrier(BarrierKind::StartSecure(options)),
            Call::StopSecure => barrier(BarrierKind::StopSecure),
            Call::Capture => barrier(BarrierKind::Capture),
        }
    }

    /// What is known at the call: a state that has no use for the operation, or arguments without sense.
    fn refuse(&self, operation: &Call) -> Option<Result<Outcome, Error>> {
        if let Some(result) = self.life.answer(operation) {
            return Some(result);
        }
        let not_connected = || Some(Err(ErrorKind::NotConnected.into()));
        if self.barriers.captures() {
            return not_connected();
        }
        match operation {
            Call::Read(kind, _) => self.refuse_read(kind).map(Err),
            Call::Write(..) => match self.writes.side() {
                WriteSide::Open => self.refuse_too_much(operation),
                WriteSide::Closing | WriteSide::Closed => not_connected(),
                WriteSide::Poisoned(error) | WriteSide::Failed(error) => Some(Err(error.clone())),
            },
            Call::CloseRead => (self.reads.side() != ReadSide::Open).then_some(Ok(Outcome::Done)),
            Call::CloseWrite => {
                let again = matches!(self.writes.side(), WriteSide::Closing | WriteSide::Closed);
                again.then_some(Ok(Outcome::Done))
            }
            Call::StopSecure if self.options.stop_secure_is_noop => Some(Ok(Outcome::Done)),
            Call::StartSecure(_) | Call::StopSecure | Call::Capture => None,
        }
    }

    /// More than may wait. What comes first may be as long as it is: it has nothing to wait behind.
    fn refuse_too_much(&self, operation: &Call) -> Option<Result<Outcome, Error>> {
        let (Call::Write(bytes, _), limit) = (operation, self.options.write_queue_limit) else {
            return None;
        };
        let queued = self.writes.queued();
        let is_too_much = queued > 0 && queued.saturating_add(bytes.len()) > limit;
        is_too_much.then(|| {
            let why = format!("{queued} bytes wait already");
            Err(Error::new(ErrorKind::WriteQueueFull).with_detail(why))
        })
    }

    /// The same for a read of a task that can still bring something.
    pub(super) fn refuse_read(&self, kind: &ReadKind) -> Option<Error> {
        match invalid(kind) {
            _ if self.error().is_some() => None,
            Some(why) => Some(Error::new(ErrorKind::InvalidArgument).with_detail(why)),
            None if self.reads.side() != ReadSide::Open => Some(ErrorKind::NotConnected.into()),
            None => None,
        }
    }

    /// A task that is over still has what came and was not read, and its end to tell.
    fn answer_late_read(&mut self, id: OpId, kind: ReadKind) {
        let behind = match self.error() {
            // Arguments without sense could be satisfied by nothing, nor is anything owed to a closed side.
            Some(error) if invalid(&kind).is_some() || self.reads.side() != ReadSide::Open => {
                let error = error.clone();
                self.lent.put(kind.into_lent());
                return self.complete(id, Err(error));
            }
            Some(error) => Behind::Failure(error.clone()),
            None => self.behind(),
        };
        let answer = reads::answer(&kind, &mut self.pipe, &mut 0, &behind);
        self.lent.put(kind.into_lent());
        let result = answer.unwrap_or_else(|| Err(ErrorKind::NotConnected.into()));
        self.complete(id, result.map(Outcome::Read));
    }
}

/// What makes no sense in a read.
fn invalid(kind: &ReadKind) -> Option<&'static str> {
    match kind {
        ReadKind::Data { min, max } if min > max => Some("the minimum is over the maximum"),
        ReadKind::Until { delimiter, .. } if delimiter.is_empty() => Some("the delimiter is empty"),
        ReadKind::Until { delimiter, max } if delimiter.len() > *max => {
            Some("the delimiter is longer than the maximum")
        }
        ReadKind::Data { .. } | ReadKind::Exact { .. } | ReadKind::Until { .. } => None,
    }
}
