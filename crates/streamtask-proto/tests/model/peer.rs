//! The other end as a script: what it sees, and what it then does. It knows nothing of bytes on a wire.
//!
//! The model and the world run one each; what the two have seen must be the same.

use std::collections::VecDeque;

/// What a peer does, and upon what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) script: Vec<(Cue, Vec<Act>)>,
}

/// Upon what a peer acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cue {
    Accepted,
    Hello,
    Handshaken,
    Data,
    CloseNotify,
    Fin,
}

/// What a peer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Sends so many bytes, under the layer it is in.
    Say(usize),
    /// Sends so many bytes in clear, wherever it is.
    SayClear(usize),
    /// Answers the ClientHello.
    Tls,
    CloseNotify,
    /// Says close_notify instead of answering the ClientHello.
    Refuse,
    Fin,
    /// Ends both directions: what the client sends is answered by a reset.
    Close,
    Reset,
    /// Takes so many bytes of clear text more, then none.
    Stall(usize),
    Unstall,
}

/// What a peer has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Clear(Vec<u8>),
    Hello,
    Handshaken,
    Secure(Vec<u8>),
    CloseNotify,
    Fin,
    /// What should never be there: bytes that belong to no layer.
    Stray(Vec<u8>),
}

/// What a peer sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Emit {
    Clear(Vec<u8>),
    Secure(Vec<u8>),
    /// From here on it speaks TLS; its answer to the ClientHello follows.
    BeginTls,
    /// From here on it speaks clear text again.
    EndTls,
    CloseNotify,
    Refuse,
    Fin,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Clear,
    Refused,
    Handshake,
    Secure { sent: bool, got: bool },
}

/// A peer in action.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    peer: Peer,
    layer: Layer,
    /// What has to wait for the handshake.
    later: VecDeque<Act>,
    said: usize,
    pub(crate) has_ended: bool,
    pub(crate) seen: Vec<Seen>,
    pub(crate) wire: Wire,
}

impl Player {
    pub(crate) fn new(peer: Peer) -> Self {
        Player {
            peer,
            layer: Layer::Clear,
            later: VecDeque::new(),
            said: 0,
            has_ended: false,
            seen: Vec::new(),
            wire: Wire::default(),
        }
    }

    /// The connection stands.
    pub(crate) fn accept(&mut self) -> Vec<Emit> {
        self.react(Cue::Accepted)
    }

    /// Sees something, remembers it, and reacts.
    pub(crate) fn see(&mut self, seen: Seen) -> Vec<Emit> {
        let cue = match &seen {
            Seen::Clear(_) | Seen::Secure(_) => Cue::Data,
            Seen::Hello => Cue::Hello,
            Seen::Handshaken => Cue::Handshaken,
            Seen::CloseNotify => Cue::CloseNotify,
            Seen::Fin => Cue::Fin,
            Seen::Stray(_) => return self.remember(seen),
        };
        let mut emits = match cue {
            Cue::Handshaken => self.handshaken(),
            Cue::CloseNotify => self.got_close(),
            Cue::Accepted | Cue::Hello | Cue::Data | Cue::Fin => Vec::new(),
        };
        self.remember(seen);
        emits.extend(self.react(cue));
        emits
    }

    fn remember(&mut self, seen: Seen) -> Vec<Emit> {
        match (self.seen.last_mut(), &seen) {
            (Some(Seen::Clear(before)), Seen::Clear(more))
            | (Some(Seen::Secure(before)), Seen::Secure(more))
            | (Some(Seen::Stray(before)), Seen::Stray(more)) => before.extend_from_slice(more),
            _ => self.seen.push(seen),
        }
        Vec::new()
    }

    fn handshaken(&mut self) -> Vec<Emit> {
        self.layer = Layer::Secure { sent: false, got: false };
        let later: Vec<Act> = self.later.drain(..).collect();
        later.into_iter().flat_map(|act| self.act(act)).collect()
    }

    fn got_close(&mut self) -> Vec<Emit> {
        let sent = matches!(self.layer, Layer::Secure { sent: true, .. });
        self.layer = Layer::Secure { sent, got: true };
        self.end_tls()
    }

    fn end_tls(&mut self) -> Vec<Emit> {
        match self.layer {
            Layer::Secure { sent: true, got: true } => {
                self.layer = Layer::Clear;
                vec![Emit::EndTls]
            }
            Layer::Clear | Layer::Refused | Layer::Handshake | Layer::Secure { .. } => Vec::new(),
        }
    }

    fn react(&mut self, cue: Cue) -> Vec<Emit> {
        let script = self.peer.script.clone();
        let acts = script.into_iter().filter(|(upon, _)| *upon == cue).flat_map(|(_, acts)| acts);
        acts.flat_map(|act| self.act(act)).collect()
    }

    /// Does something. What makes no sense where the peer stands is not done.
    pub(crate) fn act(&mut self, act: Act) -> Vec<Emit> {
        if self.layer == Layer::Handshake && matches!(act, Act::Say(_) | Act::CloseNotify) {
            self.later.push_back(act);
            return Vec::new();
        }
        match act {
            Act::Stall(room) => self.wire.room = Some(room),
            Act::Unstall => self.wire.room = None,
            Act::Reset => return self.reset(),
            _ if self.has_ended || self.wire.is_broken() => {}
            Act::Say(count) => return self.say(count),
            Act::SayClear(count) => return vec![Emit::Clear(self.bytes(count))],
            Act::Tls if self.layer == Layer::Clear && self.seen.last() == Some(&Seen::Hello) => {
                self.layer = Layer::Handshake;
                return vec![Emit::BeginTls];
            }
            Act::Refuse if self.layer == Layer::Clear && self.seen.last() == Some(&Seen::Hello) => {
                self.layer = Layer::Refused;
                return vec![Emit::Refuse];
            }
            Act::CloseNotify => return self.close_notify(),
            Act::Fin => return self.end(),
            Act::Close => {
                self.wire.state = State::Closed { has_answered: false };
                return self.end();
            }
            Act::Tls | Act::Refuse => {}
        }
        Vec::new()
    }

    fn say(&mut self, count: usize) -> Vec<Emit> {
        match self.layer {
            Layer::Clear => vec![Emit::Clear(self.bytes(count))],
            Layer::Secure { sent: false, .. } => vec![Emit::Secure(self.bytes(count))],
            Layer::Secure { sent: true, .. } | Layer::Handshake | Layer::Refused => Vec::new(),
        }
    }

    fn close_notify(&mut self) -> Vec<Emit> {
        let Layer::Secure { sent: false, got } = self.layer else { return Vec::new() };
        self.layer = Layer::Secure { sent: true, got };
        let mut emits = vec![Emit::CloseNotify];
        emits.extend(self.end_tls());
        emits
    }

    fn end(&mut self) -> Vec<Emit> {
        self.has_ended = true;
        vec![Emit::Fin]
    }

    fn reset(&mut self) -> Vec<Emit> {
        if self.wire.is_broken() {
            return Vec::new();
        }
        self.wire.state = match self.has_ended {
            true => State::Closed { has_answered: true },
            false => State::Reset { is_told: false },
        };
        match std::mem::replace(&mut self.has_ended, true) {
            true => Vec::new(),
            false => vec![Emit::Reset],
        }
    }

    /// Small letters with line feeds among them, two in a row now and then.
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let from = self.said;
        self.said += count;
        (from..from + count)
            .map(|at| match at % 11 {
                4 | 9 | 10 => b'\n',
                _ => b'a' + (at % 23) as u8,
            })
            .collect()
    }
}

/// What becomes of what the client sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire {
    state: State,
    /// How many bytes of clear text are still taken, if not all.
    room: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Up,
    Closed {
        has_answered: bool,
    },
    Reset {
        is_told: bool,
    },
    /// Made to fail by the test.
    Cut {
        is_reset: bool,
    },
}

/// What becomes of one attempt to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// So many bytes are taken, and the peer sees them or not.
    Taken {
        count: usize,
        is_seen: bool,
    },
    Blocked,
    Fails {
        is_reset: bool,
    },
}

impl Wire {
    /// What becomes of `count` bytes. Ciphertext is taken whole or not at all.
    pub(crate) fn fate(&mut self, count: usize, is_cipher: bool) -> Fate {
        match self.state {
            State::Up => self.fit(count, is_cipher),
            State::Closed { has_answered: false } => {
                self.state = State::Closed { has_answered: true };
                Fate::Taken { count, is_seen: false }
            }
            State::Closed { has_answered: true } => Fate::Fails { is_reset: false },
            State::Reset { is_told } => {
                self.state = State::Reset { is_told: true };
                Fate::Fails { is_reset: !is_told }
            }
            State::Cut { is_reset } => Fate::Fails { is_reset },
        }
    }

    fn fit(&mut self, count: usize, is_cipher: bool) -> Fate {
        let taken = match self.room {
            None => count,
            Some(_) if is_cipher => 0,
            Some(room) => count.min(room),
        };
        self.room = self.room.map(|room| room.saturating_sub(taken));
        match taken {
            0 => Fate::Blocked,
            count => Fate::Taken { count, is_seen: true },
        }
    }

    /// The client reads the end of what there is. Whether that is the reset, which is told only once.
    pub(crate) fn tell_reset(&mut self) -> bool {
        match self.state {
            State::Reset { is_told } => {
                self.state = State::Reset { is_told: true };
                !is_told
            }
            State::Up | State::Closed { .. } | State::Cut { .. } => false,
        }
    }

    pub(crate) fn cut(&mut self, is_reset: bool) {
        self.state = State::Cut { is_reset };
    }

    /// Whether anything the peer does still arrives; a test that cuts the sends leaves that alone.
    fn is_broken(&self) -> bool {
        matches!(self.state, State::Reset { .. })
    }

    /// Whether the peer sees a FIN.
    pub(crate) fn is_up(&self) -> bool {
        self.state == State::Up
    }
}

/// The peers that every sequence is tried against.
pub(crate) fn peers() -> Vec<Peer> {
    use Act::{Close, CloseNotify, Fin, Refuse, Reset, Say, SayClear, Stall, Tls};
    use Cue::{Accepted, Data, Fin as GotFin, Handshaken, Hello};
    let answers = || (Hello, vec![Tls]);
    let stops = || (Cue::CloseNotify, vec![CloseNotify, SayClear(3)]);
    let peer = |name, script: Vec<(Cue, Vec<Act>)>| Peer { name, script };
    vec![
        peer("quiet", vec![answers(), (Cue::CloseNotify, vec![CloseNotify])]),
        peer(
            "greets",
            vec![(Accepted, vec![Say(3)]), answers(), (Handshaken, vec![Say(3)]), stops()],
        ),
        peer("answers", vec![(Data, vec![Say(3)]), answers(), stops(), (GotFin, vec![Fin])]),
        peer(
            "greets-answers",
            vec![
                (Accepted, vec![Say(1)]),
                (Data, vec![Say(4)]),
                answers(),
                stops(),
                (GotFin, vec![Say(2), Fin]),
            ],
        ),
        peer("ends", vec![(Accepted, vec![Say(3), Fin]), answers(), stops()]),
        peer("closes", vec![(Accepted, vec![Say(3), Close])]),
        peer("resets", vec![(Accepted, vec![Say(3), Reset])]),
        peer("resets-upon-data", vec![(Data, vec![Say(3), Reset]), answers()]),
        peer("closes-upon-data", vec![(Data, vec![Say(3), Close]), answers()]),
        peer("mute", vec![(Data, vec![Say(2)]), answers()]),
        peer("truncates", vec![answers(), (Handshaken, vec![Say(2), Fin])]),
        peer(
            "stops-first",
            vec![
                answers(),
                (Handshaken, vec![Say(3), CloseNotify, SayClear(3)]),
                (GotFin, vec![Fin]),
            ],
        ),
        peer("stops-and-ends", vec![answers(), (Handshaken, vec![Say(3), CloseNotify, Fin])]),
        peer("stops-and-resets", vec![answers(), (Handshaken, vec![Say(1), CloseNotify, Reset])]),
        peer("resets-under-tls", vec![answers(), (Handshaken, vec![Say(3), Reset])]),
        peer("closes-under-tls", vec![answers(), (Handshaken, vec![Say(3), CloseNotify, Close])]),
        peer("cut-off", vec![answers(), (Handshaken, vec![Say(1)]), (Cue::CloseNotify, vec![Fin])]),
        peer(
            "resets-upon-close-notify",
            vec![
                answers(),
                (Handshaken, vec![Say(1)]),
                (Cue::CloseNotify, vec![Say(2), CloseNotify, SayClear(2), Reset]),
            ],
        ),
        peer("refuses", vec![(Hello, vec![Refuse])]),
        peer("ends-upon-hello", vec![(Hello, vec![Fin])]),
        peer("resets-upon-hello", vec![(Hello, vec![Reset])]),
        peer("babbles-upon-hello", vec![(Hello, vec![SayClear(7)])]),
        peer("babbles-under-tls", vec![answers(), (Handshaken, vec![Say(2), SayClear(7)])]),
        peer("stalls", vec![(Accepted, vec![Stall(3)]), (Data, vec![Say(3)]), answers()]),
        peer("stalls-under-tls", vec![answers(), (Handshaken, vec![Say(3), Stall(0)])]),
    ]
}
