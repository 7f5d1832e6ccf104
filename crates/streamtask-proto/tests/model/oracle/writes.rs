//! Writes: what leaves, in order, and how it fails.

use std::collections::VecDeque;

use streamtask_proto::ErrorKind;

use super::Model;
use super::parts::{Active, Item, Out, WriteSide};
use crate::peer::{RECORD, Seen};
use crate::wire::{Fate, Loss};
use crate::words::{Answer, Call, Op};

impl Model {
    /// Hands writes to TLS, and completes what has left.
    pub(super) fn do_writes(&mut self) {
        if !self.is_acting() || self.write_failure().is_some() {
            return;
        }
        self.encrypt();
        while let Some(write) = self.writes.first() {
            if write.taken < write.bytes.len() || self.holds_write(write.op) {
                return;
            }
            let op = write.op;
            self.writes.remove(0);
            self.answer(op, Answer::Done);
        }
    }

    /// All that waits is encrypted in one go, once what was encrypted before has left.
    fn encrypt(&mut self) {
        if !self.is_secure() || !self.out.is_empty() {
            return;
        }
        for at in 0..self.writes.len() {
            let is_held = self.holds_write(self.writes[at].op);
            let write = &mut self.writes[at];
            if !is_held && !write.bytes.is_empty() && !write.is_encrypted {
                write.is_encrypted = true;
                let bytes = write.bytes[write.taken..].to_vec();
                self.out.push_back(Out::Secure { op: write.op, bytes });
            }
        }
    }

    /// Whether a barrier holds the write `op`.
    pub(super) fn holds_write(&self, op: Op) -> bool {
        match self.active {
            Active::Sweep { .. }
            | Active::Handshake { .. }
            | Active::Secured { .. }
            | Active::Stop { .. } => return true,
            Active::None | Active::CloseWrite { .. } => {}
        }
        self.barriers.iter().any(|barrier| {
            barrier.op < op && matches!(barrier.call, Call::Start | Call::Stop | Call::Capture)
        })
    }

    /// What the wire is offered now: bytes, where ciphertext is only told from nothing.
    fn offer(&self) -> (usize, bool) {
        let is_shaking = self.out.iter().any(|out| matches!(out, Out::Hello | Out::Flight));
        match self.is_up() && (self.is_running() || is_shaking) {
            false => (0, false),
            true if !self.out.is_empty() => (1, true),
            true if self.is_secure() || self.write_failure().is_some() => (0, false),
            true => (self.clear_offer(), false),
        }
    }

    fn clear_offer(&self) -> usize {
        let free = self.writes.iter().take_while(|write| !self.holds_write(write.op));
        free.map(|write| write.bytes.len() - write.taken).sum()
    }

    /// Whether the peer or the network has broken it: then TLS may have an alert to send.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    pub(crate) fn wants_send(&self) -> bool {
        self.offer().0 > 0
    }

    /// One attempt to send all there is. Whether anything moved. Of more than a record holds, TLS may
    /// offer as much at once as it likes: the peer has got `decrypted` bytes of it.
    pub(crate) fn send(&mut self, decrypted: usize) -> bool {
        let most = if self.is_bulky() { decrypted } else { usize::MAX };
        let (count, is_cipher) = self.offer();
        match self.player.wire.fate(count, is_cipher) {
            Fate::Blocked => return false,
            Fate::Fails { how } => self.send_failed(how),
            // A part of a record says nothing, and more of it will follow.
            Fate::Part { .. } => {}
            Fate::Taken { is_seen, .. } if is_cipher => self.sent_cipher(is_seen, most),
            Fate::Taken { count, is_seen } => self.sent_clear(count, is_seen),
        }
        self.go();
        true
    }

    fn sent_clear(&mut self, mut count: usize, is_seen: bool) {
        let mut sent = Vec::new();
        for write in &mut self.writes {
            let taken = count.min(write.bytes.len() - write.taken);
            sent.extend_from_slice(&write.bytes[write.taken..write.taken + taken]);
            write.taken += taken;
            count -= taken;
        }
        self.reach(vec![Seen::Clear(sent)], is_seen);
    }

    fn sent_cipher(&mut self, is_seen: bool, mut most: usize) {
        let mut seen = Vec::new();
        self.is_unsure |= !is_seen && self.is_bulky();
        for out in std::mem::take(&mut self.out) {
            match out {
                Out::Hello => seen.push(Seen::Hello),
                Out::Flight => seen.push(Seen::Handshaken),
                Out::CloseNotify => seen.push(Seen::CloseNotify),
                Out::Secure { op, mut bytes } => {
                    bytes.truncate(most);
                    most -= bytes.len();
                    if let Some(write) = self.writes.iter_mut().find(|write| write.op == op) {
                        write.taken += bytes.len();
                        write.is_encrypted = write.taken == write.bytes.len();
                    }
                    if bytes.is_empty() {
                        continue;
                    }
                    match seen.last_mut() {
                        Some(Seen::Secure(before)) => before.extend_from_slice(&bytes),
                        _ => seen.push(Seen::Secure(bytes)),
                    }
                }
            }
        }
        self.reach(seen, is_seen);
    }

    /// Whatever TLS has left to send leaves, if the wire takes it.
    pub(super) fn flush_out(&mut self) {
        match self.player.wire.fate(1, true) {
            Fate::Taken { is_seen, .. } => self.sent_cipher(is_seen, usize::MAX),
            Fate::Part { .. } | Fate::Blocked | Fate::Fails { .. } => {}
        }
    }

    /// What was sent arrives, and the peer reacts.
    pub(super) fn reach(&mut self, seen: Vec<Seen>, is_seen: bool) {
        for seen in seen.into_iter().filter(|_| is_seen) {
            let is_answered = self.rules.is_tls12 && !self.player.has_ended;
            if seen == Seen::Handshaken && is_answered {
                self.inbound.push_back(Item::Second);
            }
            let emits = self.player.see(seen);
            self.put_inbound(emits);
        }
    }

    /// Whether more is being sent under TLS than one record holds.
    fn is_bulky(&self) -> bool {
        let bytes = self.out.iter().map(|out| match out {
            Out::Secure { bytes, .. } => bytes.len(),
            Out::Hello | Out::Flight | Out::CloseNotify => 0,
        });
        bytes.sum::<usize>() > RECORD
    }

    /// Whether it cannot tell any more what has been encrypted and what has not.
    pub(crate) fn is_unsure(&self) -> bool {
        self.is_unsure
    }

    fn send_failed(&mut self, how: Loss) {
        let kind = how.kind();
        // Only behind EPIPE the connection is known to have ended well: any other reason is told once, and
        // whoever receives then sees an end that proves nothing.
        let is_lost = how != Loss::Broken;
        self.write_side = WriteSide::Failed { kind, is_lost };
        self.fail_writes(kind);
        self.out = VecDeque::new();
        self.tell_write_closed();
    }

    pub(super) fn fail_writes(&mut self, kind: ErrorKind) {
        for write in std::mem::take(&mut self.writes) {
            self.answer(write.op, Answer::Failed(kind));
        }
    }

    /// A write ran out of time when some of it had gone.
    pub(super) fn poison(&mut self, kind: ErrorKind) {
        self.is_unsure |= self.is_bulky();
        self.write_side = WriteSide::Poisoned(kind);
        self.fail_writes(kind);
        self.tell_write_closed();
    }
}
