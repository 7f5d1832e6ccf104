//! What comes from the peer, and where it goes.

use streamtask_proto::ErrorKind;

use super::Model;
use super::parts::{Active, End, Item, Layer, Out, ReadSide, Thirst, WriteSide};
use crate::words::{Answer, Op, REQUEST, Told};

/// How much is taken in when nobody reads it.
pub(super) const TAKEN_IN: usize = 1024 * 1024;

/// How much clear text is thrown away before TLS, at most.
const DISCARDED: usize = 64 * 1024;

/// What comes next on the way to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Nothing,
    Bytes,
    Fin,
    Loss,
}

/// What has arrived of what lay there: so much clear text, or the whole of something under TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Clear(usize),
    Whole,
}

impl Model {
    pub(crate) fn next_inbound(&self) -> Next {
        match self.inbound.front() {
            None => Next::Nothing,
            Some(Item::Fin) => Next::Fin,
            Some(Item::Loss) => Next::Loss,
            Some(_) => Next::Bytes,
        }
    }

    /// Receives so much of what lies there.
    pub(crate) fn receive(&mut self, arrivals: &[Arrival]) {
        for arrival in arrivals {
            let item = match (*arrival, self.inbound.pop_front().expect("there is enough")) {
                (Arrival::Clear(count), Item::Clear(mut bytes)) => {
                    let rest = bytes.split_off(count);
                    if !rest.is_empty() {
                        self.inbound.push_front(Item::Clear(rest));
                    }
                    Item::Clear(bytes)
                }
                (Arrival::Whole, item) if !matches!(item, Item::Clear(_)) => item,
                (arrival, item) => unreachable!("{item:?} arrives as {arrival:?}"),
            };
            self.arrive(item);
        }
        self.go();
    }

    /// The end is received: FIN, or the reason of a loss that a send has not taken before.
    pub(crate) fn receive_end(&mut self) {
        let item = self.inbound.pop_front().expect("there is an end");
        let loss = if item == Item::Loss { self.player.wire.tell_loss() } else { None };
        match loss {
            _ if self.is_over() || self.broken.is_some() => {}
            None => self.arrive(Item::Fin),
            Some(how) => self.broken = Some(how.kind()),
        }
        self.go();
    }

    fn arrive(&mut self, item: Item) {
        if self.is_over() || self.broken.is_some() {
            return;
        }
        match self.active {
            Active::Sweep { op, discarded } => self.arrive_in_sweep(op, discarded, item),
            // A step takes bytes, an end needs none.
            Active::Handshake { .. } if self.rules.blocks && item != Item::Fin => {
                self.unstepped.push_back(item);
            }
            Active::Handshake { op, .. } => self.arrive_in_handshake(op, item),
            _ if self.is_secure() => self.arrive_secure(item),
            _ => self.arrive_clear(item),
        }
    }

    fn arrive_clear(&mut self, item: Item) {
        match item {
            Item::Clear(bytes) => self.keep(bytes),
            Item::Fin => self.arrive_end(End::Fin),
            item => unreachable!("TLS in clear text: {item:?}"),
        }
    }

    fn arrive_secure(&mut self, item: Item) {
        match item {
            item if self.layer().end.is_some() => self.behind.push_back(item),
            Item::Secure(bytes) => self.keep(bytes),
            Item::CloseNotify => self.layer_mut().end = Some(End::CloseNotify),
            Item::Clear(_) => self.broken = Some(ErrorKind::SecureConnectionFailed),
            Item::Fin => self.arrive_end(End::Truncated),
            item => unreachable!("a handshake: {item:?}"),
        }
    }

    /// Keeps bytes for reads, unless none will ever come.
    fn keep(&mut self, bytes: Vec<u8>) {
        if self.read_side != ReadSide::Closed {
            self.layer_mut().bytes.extend(bytes);
        }
    }

    /// FIN; behind a reset it proves nothing.
    fn arrive_end(&mut self, end: End) {
        match self.write_side {
            WriteSide::Failed { kind, is_lost: true } => self.broken = Some(kind),
            WriteSide::Failed { is_lost: false, .. }
            | WriteSide::Open
            | WriteSide::Closed
            | WriteSide::Poisoned(_)
            | WriteSide::ClosedPoisoned(_) => self.layer_mut().end = Some(end),
        }
    }

    fn arrive_in_sweep(&mut self, op: Op, discarded: usize, item: Item) {
        match item {
            Item::Clear(bytes) => {
                let discarded = discarded + bytes.len();
                self.active = Active::Sweep { op, discarded };
                if !self.rules.discards || discarded > DISCARDED {
                    self.fail(ErrorKind::UnexpectedClearText { bytes: 0 });
                }
            }
            Item::Fin => match self.write_side {
                WriteSide::Failed { kind, .. } => self.break_down(kind),
                _ => self.break_down(ErrorKind::ConnectionLost),
            },
            item => unreachable!("TLS before a ClientHello: {item:?}"),
        }
    }

    fn arrive_in_handshake(&mut self, op: Op, item: Item) {
        match item {
            Item::First => {
                self.out.push_back(Out::Flight);
                if !self.rules.is_tls12 {
                    self.secured(op);
                }
            }
            Item::Second => self.secured(op),
            Item::Refusal | Item::Clear(_) => {
                self.broken = Some(ErrorKind::SecureConnectionFailed);
            }
            Item::Fin => {
                self.broken = self.write_failure().or(Some(ErrorKind::ConnectionLost));
            }
            Item::Secure(_) | Item::CloseNotify | Item::Loss => unreachable!("too early: {item:?}"),
        }
    }

    fn secured(&mut self, op: Op) {
        self.active = Active::Secured { op };
        self.layer_mut().is_switched = true;
        self.layers.push(Layer { is_secure: true, ..Layer::default() });
        self.tell_secured();
    }

    /// A handshake runs on in a suspended task, but is told only when that resumes.
    pub(super) fn tell_secured(&mut self) {
        if let (Active::Secured { op }, true) = (self.active, self.is_acting()) {
            self.active = Active::None;
            self.tell(Told::Secured);
            self.answer(op, Answer::Secured);
        }
    }

    /// Both close_notifys have gone: clear text again, first what came behind the peer's.
    pub(super) fn unsecured(&mut self, op: Op) {
        self.active = Active::None;
        self.layer_mut().is_switched = true;
        self.layers.push(Layer::default());
        for item in std::mem::take(&mut self.behind) {
            self.arrive(item);
        }
        self.tell(Told::Unsecured);
        self.answer(op, Answer::Done);
    }

    pub(crate) fn is_sweeping(&self) -> bool {
        self.is_acting() && matches!(self.active, Active::Sweep { .. })
    }

    /// The sweep found nothing more: the ClientHello may leave.
    pub(crate) fn drained(&mut self) {
        if let Active::Sweep { op, .. } = self.active {
            self.out.push_back(Out::Hello);
            let deadline = self.time + REQUEST;
            self.active = Active::Handshake { op, deadline, asked: None };
            self.go();
        }
    }

    /// Whether a step of the handshake is out.
    pub(crate) fn is_stepping(&self) -> bool {
        !self.unstepped.is_empty()
    }

    /// The step is made.
    pub(crate) fn stepped(&mut self) {
        for item in std::mem::take(&mut self.unstepped) {
            match self.active {
                _ if self.is_over() || self.broken.is_some() => {}
                Active::Handshake { op, .. } => self.arrive_in_handshake(op, item),
                // What is not the handshake's own any more.
                _ => self.arrive(item),
            }
        }
        self.go();
    }

    /// The step asks somebody, or has its answer: meanwhile the limit rests.
    pub(crate) fn ask(&mut self, is_asked: bool) {
        if let Active::Handshake { deadline, asked, .. } = &mut self.active {
            if let Some(since) = asked.take() {
                *deadline += self.time - since;
            }
            *asked = is_asked.then_some(self.time);
        }
        self.go();
    }

    pub(crate) fn is_shaking(&self) -> bool {
        matches!(self.active, Active::Handshake { .. })
    }

    /// Whether it wants to receive.
    pub(crate) fn thirst(&self) -> Thirst {
        if !self.is_up() || self.broken.is_some() {
            return Thirst::MustNot;
        }
        if self.is_shaking() {
            return if self.is_stepping() { Thirst::May } else { Thirst::Must };
        }
        if !self.is_running() {
            return Thirst::MustNot;
        }
        match self.layer().end {
            Some(End::Fin | End::Truncated) => return Thirst::MustNot,
            Some(End::CloseNotify) => return Thirst::May,
            None => {}
        }
        if matches!(self.active, Active::Sweep { .. }) {
            return Thirst::Must;
        }
        let has_read = self.reads.first().is_some_and(|read| self.may_go(read.op));
        // Behind a close_read nothing is kept, so that nothing grows.
        let is_full = self.read_side != ReadSide::Closed && self.unread() >= TAKEN_IN;
        if is_full && !has_read {
            // Once close_read is called and no read waits, nobody will read it: it may be thrown away.
            let is_for_nobody = self.read_side == ReadSide::Called && self.reads.is_empty();
            return if is_for_nobody { Thirst::May } else { Thirst::MustNot };
        }
        let is_stopping = matches!(self.active, Active::Stop { .. });
        match has_read || is_stopping || matches!(self.write_side, WriteSide::Failed { .. }) {
            true => Thirst::Must,
            false => Thirst::May,
        }
    }
}
