//! The barriers between operations: closing, starting and stopping TLS, capturing.
//!
//! A barrier begins when what it waits for is done, and what it holds back waits. All calls of a task share
//! one sequence of numbers, so "before" is a comparison. What a barrier *does* when its turn comes stands
//! in `switching`.

use std::collections::VecDeque;

use crate::OpId;
use crate::deadlines::{Deadline, Paused};
use crate::tls::SecureOptions;

/// Barriers that wait, and the one that is being carried out.
#[derive(Debug, Default)]
pub(crate) struct Barriers {
    queue: VecDeque<Barrier>,
    active: Option<Active>,
}

#[derive(Debug)]
pub(crate) struct Barrier {
    pub(crate) id: OpId,
    pub(crate) seq: u64,
    pub(crate) kind: BarrierKind,
}

#[derive(Debug)]
pub(crate) enum BarrierKind {
    CloseRead,
    CloseWrite,
    StartSecure(SecureOptions),
    StopSecure,
    Capture,
}

/// A barrier that takes more than one step.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) id: OpId,
    pub(crate) seq: u64,
    pub(crate) phase: Phase,
}

#[derive(Debug)]
pub(crate) enum Phase {
    /// TLS is to start: looking for clear text that came before it.
    Sweep {
        options: SecureOptions,
        /// How much of it was thrown away, where that is the policy.
        discarded: usize,
    },
    /// The handshake runs.
    Handshake(Deadline),
    /// The handshake waits for somebody's answer, which is not the peer's time.
    Asking(Paused),
    /// TLS is being stopped: the peer's close_notify is awaited.
    AwaitClose(Deadline),
    /// Our last bytes leave, then FIN goes. There is a limit only behind a write that was cut off: its caller
    /// has set one, and it has passed.
    FlushWrite(Deadline),
}

/// Which numbers may not run yet: an operation goes if its own is smaller.
#[derive(Clone, Copy)]
pub(crate) struct Holds {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
}

impl BarrierKind {
    /// Whether writes queued behind it wait. Behind a close they fail at once instead.
    fn holds_writes(&self) -> bool {
        match self {
            BarrierKind::CloseRead | BarrierKind::CloseWrite => false,
            BarrierKind::StartSecure(_) | BarrierKind::StopSecure | BarrierKind::Capture => true,
        }
    }

    /// Whether reads queued behind it wait. Through a stop of TLS they go on, each under its layer.
    fn holds_reads(&self, is_strict: bool) -> bool {
        match self {
            BarrierKind::CloseRead | BarrierKind::CloseWrite => false,
            BarrierKind::StartSecure(_) | BarrierKind::Capture => true,
            BarrierKind::StopSecure => is_strict,
        }
    }
}

impl Barriers {
    pub(crate) fn push(&mut self, id: OpId, seq: u64, kind: BarrierKind) {
        self.queue.push_back(Barrier { id, seq, kind });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.active.is_none()
    }

    pub(crate) fn holds(&self, is_strict: bool) -> Holds {
        if self.is_empty() {
            return Holds { reads: u64::MAX, writes: u64::MAX };
        }
        let queued = |holds: &dyn Fn(&BarrierKind) -> bool| {
            let first = self.queue.iter().find(|barrier| holds(&barrier.kind));
            first.map_or(u64::MAX, |barrier| barrier.seq)
        };
        let reads = queued(&|kind| kind.holds_reads(is_strict));
        let writes = queued(&|kind| kind.holds_writes());
        let Some(Active { seq, phase, .. }) = &self.active else { return Holds { reads, writes } };
        match phase {
            // A read from before the start may get nothing now but what TLS brings.
            Phase::Sweep { .. } | Phase::Handshake(_) | Phase::Asking(_) => {
                Holds { reads: 0, writes: *seq }
            }
            Phase::AwaitClose(_) if is_strict => Holds { reads: *seq, writes: *seq },
            Phase::AwaitClose(_) => Holds { reads, writes: *seq },
            // Half-closing holds nobody back.
            Phase::FlushWrite(_) => Holds { reads, writes },
        }
    }

    pub(crate) fn phase(&self) -> Option<&Phase> {
        self.active.as_ref().map(|active| &active.phase)
    }

    pub(crate) fn phase_mut(&mut self) -> Option<&mut Phase> {
        self.active.as_mut().map(|active| &mut active.phase)
    }

    pub(crate) fn begin(&mut self, id: OpId, seq: u64, phase: Phase) {
        debug_assert!(self.active.is_none(), "one barrier at a time");
        self.active = Some(Active { id, seq, phase });
    }

    pub(crate) fn set_phase(&mut self, phase: Phase) {
        if let Some(active) = &mut self.active {
            active.phase = phase;
        }
    }

    /// The barrier being carried out is done.
    pub(crate) fn end(&mut self) -> Option<OpId> {
        self.active.take().map(|active| active.id)
    }

    /// Whether TLS is being stopped, or will be without waiting for a read: then the peer's close_notify
    /// is no end for reads but the border of a layer.
    pub(crate) fn is_stop_imminent(&self, is_strict: bool) -> bool {
        if is_strict {
            return false;
        }
        let is_active = matches!(self.phase(), Some(Phase::AwaitClose(_)));
        let waits_for_reads = |barrier: &&Barrier| matches!(barrier.kind, BarrierKind::CloseRead);
        let mut ahead = self.queue.iter().take_while(|barrier| !waits_for_reads(barrier));
        is_active || ahead.any(|barrier| matches!(barrier.kind, BarrierKind::StopSecure))
    }

    /// Whether TLS is being started, or a start is queued: what is clear text now must not be read after it.
    pub(crate) fn starts_secure(&self) -> bool {
        let is_active = match self.phase() {
            Some(Phase::Sweep { .. } | Phase::Handshake(_) | Phase::Asking(_)) => true,
            Some(Phase::AwaitClose(_) | Phase::FlushWrite(_)) | None => false,
        };
        is_active
            || self.queue.iter().any(|barrier| matches!(barrier.kind, BarrierKind::StartSecure(_)))
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        matches!(self.phase(), Some(Phase::Handshake(_) | Phase::Asking(_)))
    }

    /// Whether TLS is being started or stopped right now: an end is the switch's failure then.
    pub(crate) fn is_switching(&self) -> bool {
        match self.phase() {
            Some(Phase::FlushWrite(_)) | None => false,
            Some(_) => true,
        }
    }

    pub(crate) fn captures(&self) -> bool {
        self.queue.iter().any(|barrier| matches!(barrier.kind, BarrierKind::Capture))
    }

    /// Takes out the first barrier whose turn has come, as `is_ready` judges. Only what it may overtake
    /// stands before it: half-closing does not wait for closing the other side.
    pub(crate) fn take_ready(
        &mut self,
        mut is_ready: impl FnMut(&Barrier) -> bool,
    ) -> Option<Barrier> {
        if self.active.is_some() {
            return None;
        }
        for place in 0..self.queue.len() {
            let barrier = &self.queue[place];
            let overtakes = place == 0 || matches!(barrier.kind, BarrierKind::CloseWrite);
            if overtakes && is_ready(barrier) {
                return self.queue.remove(place);
            }
            if barrier.kind.holds_writes() {
                return None;
            }
        }
        None
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = OpId> + use<> {
        let active = self.active.take().map(|active| active.id);
        active
            .into_iter()
            .chain(std::mem::take(&mut self.queue).into_iter().map(|barrier| barrier.id))
    }

    pub(crate) fn deadline(&self) -> Deadline {
        match self.phase() {
            Some(
                Phase::Handshake(deadline)
                | Phase::AwaitClose(deadline)
                | Phase::FlushWrite(deadline),
            ) => *deadline,
            Some(Phase::Sweep { .. } | Phase::Asking(_)) | None => Deadline::NEVER,
        }
    }
}
