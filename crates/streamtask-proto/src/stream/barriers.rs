//! The barriers between operations: closing, starting and stopping TLS, capturing.
//!
//! A barrier begins when what was queued before it is done, and what is queued after it waits. All calls
//! of a task share one sequence of numbers, so "before" is a comparison. What a barrier *does* when its
//! turn comes stands in `switching.rs`.

use std::collections::VecDeque;

use crate::OpId;
use crate::deadlines::Deadline;
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
    Sweep(SecureOptions),
    /// The handshake runs; the deadline rests while somebody is being asked.
    Handshake(Deadline),
    /// Our close_notify is out; the peer's is awaited.
    AwaitClose(Deadline),
    /// Our last bytes leave, then FIN goes.
    FlushWrite,
}

impl BarrierKind {
    /// Whether operations queued behind it wait. Behind a close they fail at once instead.
    fn holds(&self) -> bool {
        match self {
            BarrierKind::CloseRead | BarrierKind::CloseWrite => false,
            BarrierKind::StartSecure(_) | BarrierKind::StopSecure | BarrierKind::Capture => true,
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

    /// Operations from this number on must wait.
    pub(crate) fn hold(&self) -> u64 {
        if self.is_empty() {
            return u64::MAX;
        }
        let active =
            self.active.as_ref().filter(|active| !active.is_flush()).map(|active| active.seq);
        let queued = self.queue.iter().find(|barrier| barrier.kind.holds());
        active.or(queued.map(|barrier| barrier.seq)).unwrap_or(u64::MAX)
    }

    pub(crate) fn active(&self) -> Option<&Active> {
        self.active.as_ref()
    }

    pub(crate) fn phase(&self) -> Option<&Phase> {
        self.active.as_ref().map(|active| &active.phase)
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

    /// Whether TLS is being stopped or is about to be: then the peer's close_notify is not an end.
    pub(crate) fn stops_secure(&self) -> bool {
        matches!(self.phase(), Some(Phase::AwaitClose(_)))
            || self.queue.iter().any(|barrier| matches!(barrier.kind, BarrierKind::StopSecure))
    }

    /// Whether TLS is being started or stopped right now.
    pub(crate) fn is_switching(&self) -> bool {
        match self.phase() {
            Some(Phase::Sweep(_) | Phase::Handshake(_) | Phase::AwaitClose(_)) => true,
            Some(Phase::FlushWrite) | None => false,
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
            if barrier.kind.holds() {
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
            Some(Phase::Handshake(deadline) | Phase::AwaitClose(deadline)) => *deadline,
            Some(Phase::Sweep(_) | Phase::FlushWrite) | None => Deadline::NEVER,
        }
    }
}

impl Active {
    /// Half-closing holds nobody back.
    fn is_flush(&self) -> bool {
        matches!(self.phase, Phase::FlushWrite)
    }
}
