//! One stream task, decided: its lanes, its barriers, its life.
//!
//! This file takes inputs in and gives outputs out; what they mean stands beside it: [`reads`] and
//! [`writes`] (the two lanes), [`barriers`] (what waits for what), `switching` (what a barrier does when
//! its turn has come), `calls` (what a call gets at once), `waiting` (for what, and until when), `opening`
//! (the way to a connection), `lifecycle` (resuming, suspending, limits in time), `late` (what is said of a
//! limit that was reached), `ending` (failing, ending), and `lent` (whose memory is given back where).

mod barriers;
mod calls;
mod ending;
mod late;
mod lent;
mod lifecycle;
mod opening;
mod reads;
mod switching;
mod waiting;
mod writes;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;

use crate::deadlines::{Deadline, TaskClock};
use crate::link::way::Way;
use crate::tls::{Ask, TlsConfig, TlsInfo};
use crate::{
    Attempt, Error, ErrorKind, Input, Outcome, Output, Pipe, ProxyOptions, RaceOptions, ReadData,
    ReadKind, Target, Timeout, Transmit,
};
use barriers::{Barriers, Holds};
use lifecycle::Life;
use reads::{ReadSide, Reads};
use waiting::Memory;
use writes::Writes;

pub use lent::Lent;

/// How one task is to behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long connecting, each handshake and each stop of TLS may take.
    pub timeout_for_request: Timeout,
    /// How long the task may live, from its first resume on.
    pub timeout_for_resource: Timeout,
    /// Whether barriers wait for parked reads too.
    pub strict_barriers: bool,
    /// Whether a read's timeout fails the whole task.
    pub timeout_is_fatal: bool,
    /// What becomes of clear text that lies unread when TLS is to start.
    pub unread_clear_text: UnreadClearText,
    /// Whether an end of TLS without close_notify is an end (of its own kind) rather than an error.
    pub tolerate_truncation: bool,
    /// Whether `stop_secure_connection` does nothing, as on Apple's systems.
    pub stop_secure_is_noop: bool,
    /// How many bytes of writes may wait for the socket.
    pub write_queue_limit: usize,
    /// How addresses are raced.
    pub race: RaceOptions,
    /// Which proxies are gone through.
    pub proxies: ProxyOptions,
}

/// What becomes of clear text that lies unread when TLS is to start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnreadClearText {
    /// The task fails: somebody may have injected it.
    #[default]
    Fail,
    /// It is thrown away.
    Discard,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            timeout_for_request: Timeout::from(std::time::Duration::from_secs(60)),
            timeout_for_resource: Timeout::from(std::time::Duration::from_secs(604_800)),
            strict_barriers: false,
            timeout_is_fatal: false,
            unread_clear_text: UnreadClearText::Fail,
            tolerate_truncation: false,
            stop_secure_is_noop: false,
            write_queue_limit: usize::MAX,
            race: RaceOptions::default(),
            proxies: ProxyOptions::default(),
        }
    }
}

/// The machine of one stream task. See the crate's contract for how to drive it.
pub struct Stream {
    target: Target,
    options: Options,
    tls: Option<TlsConfig>,
    asker: Option<Arc<dyn Ask>>,
    may_resume: bool,
    clock: TaskClock,
    life: Life,
    suspensions: u32,
    abandoned: bool,
    way: Way,
    pipe: Pipe,
    reads: Reads,
    writes: Writes,
    barriers: Barriers,
    /// The stream has failed; what is buffered is still the readers'.
    broken: Option<Error>,
    /// How a send failed, if no end is clean any more since.
    doubt: Option<Error>,
    /// Whether the last of our handshake has yet to leave.
    is_finishing: bool,
    told_read_closed: bool,
    told_write_closed: bool,
    info: Option<TlsInfo>,
    next_seq: u64,
    /// No deadline comes before this one. It may be too early, never too late.
    earliest: Deadline,
    resource_deadline: Deadline,
    memory: Memory,
    outputs: VecDeque<Output>,
    lent: Lent,
    /// Whether anything came in since the lanes last came to rest, and when.
    stirred: bool,
    now: Instant,
}

impl Stream {
    /// A task to `target`, suspended. Without `tls` it can only speak clear text.
    pub fn new(now: Instant, target: Target, options: Options, tls: Option<TlsConfig>) -> Self {
        Stream {
            target,
            options,
            tls,
            asker: None,
            may_resume: true,
            clock: TaskClock::new(),
            life: Life::New,
            suspensions: 1,
            abandoned: false,
            way: Way::default(),
            pipe: Pipe::new(),
            reads: Reads::default(),
            writes: Writes::default(),
            barriers: Barriers::default(),
            broken: None,
            doubt: None,
            is_finishing: false,
            told_read_closed: false,
            told_write_closed: false,
            info: None,
            next_seq: 0,
            earliest: Deadline::NEVER,
            resource_deadline: Deadline::NEVER,
            memory: Memory::Small,
            outputs: VecDeque::new(),
            lent: Lent::default(),
            stirred: false,
            now,
        }
    }

    /// Who is asked about trust and identity in later handshakes, and whether an earlier session may
    /// stand in for asking.
    pub fn set_asker(&mut self, asker: Option<Arc<dyn Ask>>, may_resume: bool) {
        self.asker = asker;
        self.may_resume = may_resume;
    }

    /// Takes one input in. Poll afterwards until the answer is [`Output::Wait`].
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.stirred = true;
        // Callers on other threads may have looked at the clock before others and come in behind them.
        let now = self.now.max(now);
        self.now = now;
        match input {
            Input::Enqueue(id, operation) => self.enqueue(now, id, operation),
            Input::Withdraw(id) => {
                let read = self.reads.withdraw(id);
                read.into_iter().for_each(|read| self.lent.put(read.lent));
            }
            Input::Return { read, is_last } => {
                self.pipe.give_back(read, is_last);
                self.reads.rescan();
            }
            Input::EndSeen(layer) => self.see_end(layer),
            Input::Resume => self.resume(now),
            Input::Suspend => self.suspend(now),
            Input::Cancel => self.fail(ErrorKind::Cancelled.into()),
            Input::Abandoned(abandoned) => self.abandoned = abandoned,
            Input::Resolved(number, result) => self.resolved(now, number, result),
            Input::Attempted(number, result) => self.attempted(now, number, result),
            Input::Failed(error) => self.fail(error),
            Input::Received(count) => self.received(now, count),
            Input::Drained => self.drained(now),
            Input::ReceivedEnd => self.received_end(now),
            Input::ReceiveFailed(error) => {
                if let Some(error) = self.broke_on_the_way(now, error) {
                    self.break_off(error);
                }
            }
            Input::Sent(count) => self.transmitted(count),
            Input::SendFailed(error) => {
                if let Some(error) = self.broke_on_the_way(now, error) {
                    self.send_failed(error);
                }
            }
            Input::Stepped(step) => self.stepped(now, *step),
            Input::Asked => self.asked(now),
            Input::Answered => self.answered(now),
            Input::Tick => self.tick(now),
        }
    }

    /// What the core wishes or tells next.
    pub fn poll(&mut self) -> Output {
        if self.stirred {
            self.switch();
        }
        match self.outputs.pop_front() {
            Some(output) => output,
            None => Output::Wait(self.wait()),
        }
    }

    /// Answers a read at once, if nothing stands before it and it has enough: the same as enqueueing it,
    /// polling, and finding it complete, without the way there. `None` changes nothing.
    pub fn read_at_once(&mut self, kind: &ReadKind) -> Option<ReadData> {
        let is_first = !self.stirred && self.outputs.is_empty() && self.barriers.is_empty();
        let may = is_first && self.is_acting() && self.reads.side() == ReadSide::Open;
        if !may || self.refuse_read(kind).is_some() {
            return None;
        }
        self.reads.take_at_once(&mut self.pipe, kind)
    }

    /// Memory that callers have lent and that is no longer needed. Drop it where user code may run.
    pub fn take_lent(&mut self) -> Lent {
        std::mem::take(&mut self.lent)
    }

    /// Whether polling would bring anything but [`Output::Wait`].
    pub fn has_outputs(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// How much memory the buffers hold, used or not.
    pub fn capacity(&self) -> usize {
        self.pipe.capacity()
    }

    /// Whether a TLS handshake is under way.
    pub fn is_handshaking(&self) -> bool {
        self.pipe.is_handshaking()
    }

    /// Where the socket may put bytes, for [`Input::Received`].
    pub fn receive_buffer(&mut self) -> &mut BytesMut {
        self.pipe.receive_buffer()
    }

    /// What the socket should take, for [`Input::Sent`].
    pub fn transmit(&self) -> Transmit<'_> {
        match self.pipe.pending() {
            [] if self.pipe.is_secure() => Transmit::One(&[]),
            [] => self.writes.transmit(self.holds().writes),
            pending => Transmit::One(pending),
        }
    }

    /// Application bytes that the operating system or TLS has taken, and that reads have brought.
    pub fn byte_counts(&self) -> (u64, u64) {
        (self.writes.taken(), self.pipe.inbox().taken())
    }

    /// How many bytes of writes wait for the operating system or for TLS.
    pub fn queued_bytes(&self) -> usize {
        self.writes.queued()
    }

    /// The attempts to connect, in the order in which they were made.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.way.attempts().cloned().collect()
    }

    /// What the latest handshake agreed on.
    pub fn tls_info(&self) -> Option<&TlsInfo> {
        self.info.as_ref()
    }

    /// Whether the stream is under TLS now.
    pub fn is_secure(&self) -> bool {
        self.pipe.is_secure() && !self.pipe.is_handshaking()
    }

    fn received(&mut self, now: Instant, count: usize) {
        if self.life.is_over() {
            // It comes behind the end, so it is no part of what came.
            return self.pipe.refuse(count);
        }
        self.note_load(now);
        let result = self.pipe.received(count);
        if self.converse(now) {
            return;
        }
        self.judge_clear_text();
        self.decoded(result);
    }

    fn transmitted(&mut self, count: usize) {
        match self.pipe.pending() {
            [] => self.writes.sent(count),
            _ => self.pipe.sent(count),
        }
        self.is_finishing &= !self.pipe.pending().is_empty();
    }

    fn holds(&self) -> Holds {
        self.barriers.holds(self.options.strict_barriers)
    }

    /// Lets the lanes and the barriers go as far as they can.
    fn switch(&mut self) {
        let now = self.now;
        while std::mem::take(&mut self.stirred) && self.is_acting() {
            self.carry_active();
            self.complete_reads();
            if let Some(error) = self.broken.take() {
                return self.fail_broken(error);
            }
            // First, so that no write waits for the one behind it.
            self.complete_writes();
            self.encrypt_writes();
            self.begin_barriers(now);
        }
        self.settle();
    }

    fn complete_reads(&mut self) {
        let hold = self.holds().reads;
        while self.reads.has_before(hold) {
            let behind = self.behind();
            let Some((read, answer)) = self.reads.next(&mut self.pipe, hold, &behind) else {
                return;
            };
            self.stirred = true;
            self.complete_lent(read, answer.map(Outcome::Read));
        }
    }

    fn encrypt_writes(&mut self) {
        let hold = self.holds().writes;
        let may = self.pipe.is_secure()
            && !self.pipe.is_handshaking()
            && self.pipe.pending().is_empty()
            && self.writes.failure().is_none();
        if may
            && self.writes.has_bytes(hold)
            && let Err(error) = self.writes.encrypt(&mut self.pipe, hold)
        {
            self.send_failed(error);
        }
    }

    fn complete_writes(&mut self) {
        if self.writes.is_empty() {
            return;
        }
        let (hold, has_pending) = (self.holds().writes, !self.pipe.pending().is_empty());
        while let Some(write) = self.writes.next_done(hold, has_pending) {
            self.stirred = true;
            self.complete_lent(write, Ok(Outcome::Done));
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("target", &self.target)
            .field("life", &self.life)
            .field("suspensions", &self.suspensions)
            .field("pipe", &self.pipe)
            .field("reads", &self.reads)
            .field("writes", &self.writes)
            .field("barriers", &self.barriers)
            .finish_non_exhaustive()
    }
}
