//! The model: what the specification says a task does, one small rule after the other.
//!
//! It is slow and keeps everything in plain lists. It knows no records and no sockets: it has a peer of
//! its own, a wire of its own, and lists of what lies on it. It shares no code with the core.

mod barriers;
mod ends;
mod incoming;
mod judge;
mod parts;
mod reads;
mod shape;
mod time;
mod writes;

pub(crate) use incoming::{Arrival, Next};
pub(crate) use parts::Thirst;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use streamtask_proto::{ErrorKind, TaskState};

use parts::{
    Active, Barrier, Item, Layer, Link, Out, Over, Read, ReadSide, Taken, Write, WriteSide,
};

use crate::peer::{Act, Emit, Player};
use crate::words::{Answer, Op, Rules, Said, Scenario, Stand, Told};

/// A task as the specification has it.
#[derive(Debug)]
pub(crate) struct Model {
    rules: Rules,
    /// Task time: it stands still while the task is suspended.
    time: u64,
    /// How often it has to be resumed before it runs.
    suspensions: u32,
    has_begun: bool,
    link: Link,
    over: Option<Over>,
    is_abandoned: bool,
    reads: Vec<Read>,
    writes: Vec<Write>,
    barriers: Vec<Barrier>,
    active: Active,
    /// Everything that came, layer by layer; the last one is the one that still grows.
    layers: Vec<Layer>,
    /// What came behind the peer's close_notify, in the order it came.
    behind: VecDeque<Item>,
    read_side: ReadSide,
    is_close_write_called: bool,
    write_side: WriteSide,
    /// The end that somebody has looked at: the layer it was of, and whether it was an error.
    seen_end: Option<(usize, bool)>,
    broken: Option<ErrorKind>,
    is_read_closed_told: bool,
    is_write_closed_told: bool,
    is_fin_sent: bool,
    /// What TLS has made and the wire has not taken.
    out: VecDeque<Out>,
    kept: BTreeSet<Op>,
    /// Reads that are done and were not looked at.
    unlooked: BTreeMap<Op, Taken>,
    given_back: Vec<Taken>,
    /// Reads that are looked at as soon as all that happens now has happened.
    to_look_at: Vec<Taken>,
    pub(crate) player: Player,
    inbound: VecDeque<Item>,
    /// What has come of the handshake and waits for its step, if steps are made elsewhere.
    unstepped: VecDeque<Item>,
    said: Vec<Said>,
    is_unsure: bool,
}

const NEVER: u64 = u64::MAX;

impl Model {
    pub(crate) fn new(scenario: &Scenario, kept: BTreeSet<Op>) -> Self {
        Model {
            rules: scenario.rules,
            time: 0,
            suspensions: 1,
            has_begun: false,
            link: Link::Not,
            over: None,
            is_abandoned: false,
            reads: Vec::new(),
            writes: Vec::new(),
            barriers: Vec::new(),
            active: Active::None,
            layers: vec![Layer::default()],
            behind: VecDeque::new(),
            read_side: ReadSide::Open,
            is_close_write_called: false,
            write_side: WriteSide::Open,
            seen_end: None,
            broken: None,
            is_read_closed_told: false,
            is_write_closed_told: false,
            is_fin_sent: false,
            out: VecDeque::new(),
            kept,
            unlooked: BTreeMap::new(),
            given_back: Vec::new(),
            to_look_at: Vec::new(),
            player: Player::new(scenario.peer.clone()),
            inbound: VecDeque::new(),
            unstepped: VecDeque::new(),
            said: Vec::new(),
            is_unsure: false,
        }
    }

    pub(crate) fn take_said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    pub(crate) fn stand(&self) -> Stand {
        let state = match (self.over, self.is_running()) {
            (Some(_), _) => TaskState::Completed,
            (None, true) => TaskState::Running,
            (None, false) => TaskState::Suspended,
        };
        Stand { state, is_secure: self.over.is_none() && self.is_secure() }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.is_some()
    }

    pub(crate) fn is_up(&self) -> bool {
        self.link == Link::Up && !self.is_over()
    }

    pub(crate) fn is_connecting(&self) -> bool {
        matches!(self.link, Link::Connecting { .. }) && !self.is_over()
    }

    fn is_secure(&self) -> bool {
        self.layer().is_secure
    }

    fn layer(&self) -> &Layer {
        self.layers.last().expect("there is always one")
    }

    fn layer_mut(&mut self) -> &mut Layer {
        self.layers.last_mut().expect("there is always one")
    }

    /// Whether anything that is queued may complete.
    fn is_acting(&self) -> bool {
        self.is_up() && self.is_running()
    }

    fn is_running(&self) -> bool {
        self.suspensions == 0
    }

    fn unread(&self) -> usize {
        self.layers.iter().map(|layer| layer.bytes.len()).sum()
    }

    fn is_idle(&self) -> bool {
        self.reads.is_empty()
            && self.writes.is_empty()
            && self.barriers.is_empty()
            && self.active == Active::None
    }

    fn answer(&mut self, op: Op, answer: Answer) {
        self.said.push(Said::Answer(op, answer));
    }

    fn tell(&mut self, told: Told) {
        self.said.push(Said::Event(told));
    }

    // What is done to it.

    pub(crate) fn resume(&mut self) {
        if self.is_over() {
            return;
        }
        self.suspensions = self.suspensions.saturating_sub(1);
        if self.is_running() && !std::mem::replace(&mut self.has_begun, true) {
            self.link = Link::Connecting { deadline: self.time + crate::words::REQUEST };
        }
        self.go();
    }

    pub(crate) fn suspend(&mut self) {
        self.suspensions += 1;
        self.go();
    }

    pub(crate) fn connected(&mut self, is_up: bool) {
        if !self.is_connecting() {
            return;
        }
        if !is_up {
            return self.fail(ErrorKind::CannotConnect);
        }
        self.link = Link::Up;
        self.tell(Told::Connected);
        let emits = self.player.accept();
        self.put_inbound(emits);
        self.go();
    }

    pub(crate) fn cancel(&mut self) {
        if !self.is_over() {
            self.fail(ErrorKind::Cancelled);
        }
    }

    pub(crate) fn abandon(&mut self, is_abandoned: bool) {
        self.is_abandoned = is_abandoned;
        self.go();
    }

    pub(crate) fn peer_acts(&mut self, act: Act) {
        let emits = self.player.act(act);
        self.put_inbound(emits);
    }

    /// Applies the rules until none has anything to do. Only then do callers look at their answers.
    fn go(&mut self) {
        self.settle();
        while !self.to_look_at.is_empty() {
            let ends = std::mem::take(&mut self.to_look_at);
            ends.iter().for_each(|taken| self.see_end(taken));
            self.settle();
        }
    }

    fn settle(&mut self) {
        loop {
            if self.is_over() {
                return;
            }
            let before = self.mark();
            self.tell_secured();
            self.check_stop();
            self.check_closing();
            self.do_reads();
            self.check_forsaken();
            self.throw_away();
            self.check_broken();
            self.do_writes();
            self.do_barriers();
            if self.mark() != before {
                continue;
            }
            self.tell_read_closed();
            self.check_abandoned();
            self.check_end();
            if self.mark() == before {
                return;
            }
        }
    }

    /// What changes when a rule has done something.
    fn mark(&self) -> impl PartialEq + use<> {
        let lanes = (self.reads.len(), self.barriers.len(), self.active);
        let writes: Vec<_> = self.writes.iter().map(|write| write.is_encrypted).collect();
        let layers = (self.layers.len(), self.unread(), self.layer().end);
        (self.said.len(), lanes, writes, layers, self.out.len(), self.over, self.write_side)
    }

    fn put_inbound(&mut self, emits: Vec<Emit>) {
        for emit in emits {
            self.inbound.push_back(match emit {
                Emit::Clear(bytes) => Item::Clear(bytes),
                Emit::Secure(bytes) => Item::Secure(bytes),
                Emit::BeginTls => Item::First,
                Emit::CloseNotify => Item::CloseNotify,
                Emit::Refuse => Item::Refusal,
                Emit::Fin => Item::Fin,
                Emit::Loss => Item::Loss,
                Emit::EndTls => continue,
            });
        }
    }
}
