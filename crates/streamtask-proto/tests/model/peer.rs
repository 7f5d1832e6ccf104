//! The other end as a script: what it sees, and what it then does. It knows nothing of bytes on a wire.
//!
//! The model and the world run one each; what the two have seen must be the same.

use std::collections::VecDeque;

use crate::wire::{Loss, Wire};

/// The most that fits into one record (RFC 8446, 5.1).
pub(crate) const RECORD: usize = 16 * 1024;

/// What a peer does, and upon what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) script: Vec<(Cue, Vec<Act>)>,
}

impl Peer {
    /// What it does as long as there is no TLS.
    pub(crate) fn in_clear(&self) -> Vec<&(Cue, Vec<Act>)> {
        let is_clear = |cue: Cue| matches!(cue, Cue::Accepted | Cue::Data | Cue::Fin);
        self.script.iter().filter(|(cue, _)| is_clear(*cue)).collect()
    }

    /// Whether it ever answers a ClientHello with its own.
    pub(crate) fn speaks_tls(&self) -> bool {
        self.script.iter().any(|(_, acts)| acts.contains(&Act::Tls))
    }
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
    /// Falls silent, until the client's system gives up.
    Vanish,
    /// Takes so many bytes more, then none; of TLS never a whole record.
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
    /// The connection is lost.
    Loss,
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
            Act::Stall(room) => self.wire.limit(Some(room)),
            Act::Unstall => self.wire.limit(None),
            Act::Reset => return self.lose(Loss::Reset),
            Act::Vanish => return self.lose(Loss::GaveUp),
            _ if self.has_ended || self.wire.is_broken() => {}
            Act::Say(count) => return self.say(count),
            Act::SayClear(count) => return self.say_clear(count),
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
                self.wire.close();
                return self.end();
            }
            Act::Tls | Act::Refuse => {}
        }
        Vec::new()
    }

    fn say(&mut self, count: usize) -> Vec<Emit> {
        match self.layer {
            Layer::Clear => self.say_clear(count),
            Layer::Secure { sent: false, .. } => {
                let bytes = self.bytes(count);
                bytes.chunks(RECORD).map(|piece| Emit::Secure(piece.to_vec())).collect()
            }
            Layer::Secure { sent: true, .. } | Layer::Handshake | Layer::Refused => Vec::new(),
        }
    }

    fn say_clear(&mut self, count: usize) -> Vec<Emit> {
        let bytes = self.bytes(count);
        if bytes.is_empty() { Vec::new() } else { vec![Emit::Clear(bytes)] }
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

    fn lose(&mut self, how: Loss) -> Vec<Emit> {
        if self.wire.is_broken() {
            return Vec::new();
        }
        self.wire.lose(how, self.has_ended);
        match std::mem::replace(&mut self.has_ended, true) {
            true => Vec::new(),
            false => vec![Emit::Loss],
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
