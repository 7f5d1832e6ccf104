//! One TLS session as a transformer of bytes over [`rustls::ServerConnection`].
//!
//! Its place: under [`securing`](super::securing). It is given one record at a time and never
//! sees a socket; when its owner stops feeding it is the owner's business.

use std::io::Read;
use std::io::Write;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::ServerConnection;

pub(super) struct Session {
    tls: ServerConnection,
    ours: Goodbye,
    theirs: Goodbye,
}

/// Whether a close_notify has gone by in one direction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goodbye {
    Awaited,
    Said,
}

impl Session {
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        let mut tls = ServerConnection::new(config)?;
        // Writes are sent right away, so the buffer is never larger than one write.
        tls.set_buffer_limit(None);
        Ok(Self { tls, ours: Goodbye::Awaited, theirs: Goodbye::Awaited })
    }

    pub(super) fn tls(&self) -> &ServerConnection {
        &self.tls
    }

    pub(super) fn ours(&self) -> Goodbye {
        self.ours
    }

    pub(super) fn theirs(&self) -> Goodbye {
        self.theirs
    }

    /// Opens one record and appends what it carries for the script.
    pub(super) fn open(&mut self, record: &[u8], to: &mut Vec<u8>) -> Result<(), rustls::Error> {
        let mut rest = record;
        // More than one turn: rustls takes at most 4 KiB a call outside of handshakes.
        while !rest.is_empty() && self.theirs == Goodbye::Awaited {
            self.tls.read_tls(&mut rest).map_err(|e| rustls::Error::General(e.to_string()))?;
            let state = self.tls.process_new_packets()?;
            if state.plaintext_bytes_to_read() > 0 {
                let start = to.len();
                to.resize(start + state.plaintext_bytes_to_read(), 0);
                self.tls.reader().read_exact(&mut to[start..]).expect("rustls counted the bytes");
            }
            if state.peer_has_closed() {
                self.theirs = Goodbye::Said;
            }
        }
        Ok(())
    }

    pub(super) fn seal(&mut self, bytes: &[u8]) {
        self.tls.writer().write_all(bytes).expect("the buffer has no limit");
    }

    pub(super) fn say_goodbye(&mut self) {
        self.ours = Goodbye::Said;
        self.tls.send_close_notify();
    }

    /// Everything that is to go to the wire.
    pub(super) fn outgoing(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes).expect("a vector takes everything");
        }
        bytes
    }
}
