//! Application bytes on one side, wire bytes on the other, and TLS between them or not.
//!
//! The pipe is the one owner of every byte between the socket and the operations, whatever the layer, so
//! that switching it loses none. It knows nothing of operations and their order; it outlives the task
//! when the streams are captured.

use std::fmt;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

use super::inbox::Inbox;
use crate::buffer::{Appetite, Outgoing};
use crate::tls::engine::Engine;
use crate::tls::{Ask, SecureOptions, TlsConfig, TlsInfo};
use crate::{Error, ReadData};

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EofKind {
    /// The peer sent FIN, in clear text.
    Fin,
    /// The peer ended TLS with close_notify.
    CloseNotify,
    /// The stream ended under TLS without close_notify: it may have been cut off.
    Truncated,
}

/// Bytes for the socket.
pub enum Transmit<'a> {
    /// One piece.
    One(&'a [u8]),
    /// Several pieces, for one system call.
    Many(Vec<IoSlice<'a>>),
}

/// The bytes of one connection on their way in and out.
pub struct Pipe {
    protection: Protection,
    /// What came from the socket and has not been through TLS yet.
    wire: BytesMut,
    inbox: Inbox,
    out: Outgoing,
    appetite: Appetite,
    fin: bool,
}

enum Protection {
    Clear,
    Secure(Box<Engine>),
    /// The engine is away, making a step that may block.
    Stepping,
}

impl Pipe {
    pub(crate) fn new() -> Self {
        Pipe {
            protection: Protection::Clear,
            wire: BytesMut::new(),
            inbox: Inbox::default(),
            out: Outgoing::default(),
            appetite: Appetite::new(),
            fin: false,
        }
    }

    /// Where the socket may put bytes; tell [`Pipe::received`] how many.
    pub fn receive_buffer(&mut self) -> &mut BytesMut {
        let buffer = match self.protection {
            Protection::Clear => self.inbox.today(),
            Protection::Secure(_) | Protection::Stepping => &mut self.wire,
        };
        self.appetite.prepare(buffer);
        buffer
    }

    /// Takes note of `count` bytes in the receive buffer, and decodes them unless that may block.
    ///
    /// # Errors
    /// TLS errors; what has to be said to the peer about them is then among the bytes to send.
    pub fn received(&mut self, count: usize) -> Result<(), Error> {
        self.appetite.brought(count);
        self.decode()
    }

    /// Puts bytes in clear text behind what is pending, as proxies are talked to.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.out.append(bytes);
    }

    /// Takes `count` of the readable bytes, which were for us and count for nobody.
    pub(crate) fn skip(&mut self, count: usize) {
        self.inbox.today().advance(count);
    }

    /// What came so far was a proxy's, and what is unread is the first that counts. What is still to be said to
    /// proxies that answered before they were asked leaves first.
    pub(crate) fn begin_here(&mut self) {
        let begun = std::mem::replace(self, Pipe::new());
        let Pipe { mut inbox, out, fin, .. } = begun;
        *self.inbox.today() = std::mem::take(inbox.today());
        (self.out, self.fin) = (out, fin);
    }

    /// Throws away `count` bytes that were just put into the receive buffer.
    pub(crate) fn refuse(&mut self, count: usize) {
        let buffer = match self.protection {
            Protection::Clear => self.inbox.today(),
            Protection::Secure(_) | Protection::Stepping => &mut self.wire,
        };
        buffer.truncate(buffer.len().saturating_sub(count));
    }

    /// Takes note of the peer's FIN.
    pub fn received_end(&mut self) {
        self.fin = true;
    }

    fn decode(&mut self) -> Result<(), Error> {
        match &mut self.protection {
            Protection::Secure(engine) if !engine.may_block() => {
                engine.receive(&mut self.wire, self.inbox.today(), &mut self.out)
            }
            Protection::Clear | Protection::Secure(_) | Protection::Stepping => Ok(()),
        }
    }

    /// How the stream ends behind the readable bytes, once that is known.
    pub fn end(&self) -> Option<EofKind> {
        match &self.protection {
            Protection::Secure(engine) if engine.has_received_close() => Some(EofKind::CloseNotify),
            Protection::Secure(_) | Protection::Stepping => self.fin.then_some(EofKind::Truncated),
            Protection::Clear => self.fin.then_some(EofKind::Fin),
        }
    }

    /// Whether the peer's FIN has come, whatever the layer makes of it.
    pub(crate) fn has_fin(&self) -> bool {
        self.fin
    }

    /// What the application may read at once. What came under an ended layer of TLS is never joined with
    /// what came later.
    pub fn readable(&self) -> &[u8] {
        self.inbox.first()
    }

    /// Takes `count` of the readable bytes.
    pub fn take(&mut self, count: usize) -> Bytes {
        self.inbox.take(count)
    }

    /// Puts back, before what was not taken, what a read had brought and nobody looked at.
    ///
    /// If reads behind it are still out, it waits for them to come back too; `is_last` says that none is:
    /// then what does not fit is gone, because a read behind it was looked at.
    pub fn give_back(&mut self, read: ReadData, is_last: bool) {
        self.inbox.give_back(read, is_last);
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    pub(crate) fn inbox_mut(&mut self) -> &mut Inbox {
        &mut self.inbox
    }

    /// How much memory the buffers hold, used or not.
    pub fn capacity(&self) -> usize {
        self.wire.capacity() + self.inbox.capacity() + self.out.capacity()
    }

    /// Gives the memory back that is not in use; the next bytes begin small again.
    pub(crate) fn shrink(&mut self) {
        self.appetite = Appetite::new();
        self.wire = BytesMut::from(&self.wire[..]);
        self.inbox.shrink();
        self.out.shrink();
    }

    /// Whether writes go through [`Pipe::encrypt`] rather than to the socket as they are.
    pub fn is_secure(&self) -> bool {
        !matches!(self.protection, Protection::Clear)
    }

    /// What this side made itself and the socket has not taken.
    pub fn pending(&self) -> &[u8] {
        self.out.pending()
    }

    /// Forgets what is pending: it will never leave.
    pub(crate) fn forget_pending(&mut self) {
        self.out.sent(self.out.pending().len());
    }

    /// Takes note that the socket took `count` of the pending bytes.
    pub fn sent(&mut self, count: usize) {
        self.out.sent(count);
    }

    /// Encrypts `data` behind what is pending.
    ///
    /// # Errors
    /// When TLS cannot send any more.
    pub fn encrypt(&mut self, data: &[u8]) -> Result<(), Error> {
        match &mut self.protection {
            Protection::Secure(engine) => engine.encrypt(data, &mut self.wire, &mut self.out),
            Protection::Clear | Protection::Stepping => {
                debug_assert!(false, "only a secure pipe encrypts");
                Ok(())
            }
        }
    }

    /// Writes close_notify behind what is pending; nothing in clear text.
    ///
    /// # Errors
    /// When TLS cannot send any more.
    pub fn close_notify(&mut self) -> Result<(), Error> {
        match &mut self.protection {
            Protection::Secure(engine) => engine.close(&mut self.wire, &mut self.out),
            Protection::Clear | Protection::Stepping => Ok(()),
        }
    }

    pub(crate) fn has_sent_close(&self) -> bool {
        matches!(&self.protection, Protection::Secure(engine) if engine.has_sent_close())
    }

    /// Puts TLS on; its ClientHello becomes pending.
    pub(crate) fn start_secure(
        &mut self,
        config: &TlsConfig,
        options: SecureOptions,
        host: &str,
        asker: Option<std::sync::Arc<dyn Ask>>,
        may_resume: bool,
    ) -> Result<(), Error> {
        debug_assert!(self.wire.is_empty(), "bytes before TLS");
        let mut engine = Box::new(Engine::new(config, options, host, asker, may_resume)?);
        self.inbox.change_layer(true);
        // Nothing has come yet, so this asks nobody: it only writes the ClientHello.
        engine.receive(&mut self.wire, self.inbox.today(), &mut self.out)?;
        self.protection = Protection::Secure(engine);
        Ok(())
    }

    /// Takes TLS off, once both close_notifys have passed. What came behind the peer's is clear text.
    pub(crate) fn stop_secure(&mut self) {
        self.protection = Protection::Clear;
        self.inbox.change_layer(false);
        *self.inbox.today() = std::mem::take(&mut self.wire);
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        match &self.protection {
            Protection::Secure(engine) => engine.is_handshaking(),
            Protection::Stepping => true,
            Protection::Clear => false,
        }
    }

    pub(crate) fn is_stepping(&self) -> bool {
        matches!(self.protection, Protection::Stepping)
    }

    /// What the handshake agreed on, while TLS is on.
    pub(crate) fn info(&self) -> Option<TlsInfo> {
        match &self.protection {
            Protection::Secure(engine) => engine.info(),
            Protection::Clear | Protection::Stepping => None,
        }
    }

    /// The next step of the handshake, if there are bytes for it and it may block.
    pub(crate) fn next_step(&mut self) -> Option<Box<HandshakeStep>> {
        match std::mem::replace(&mut self.protection, Protection::Stepping) {
            Protection::Secure(engine)
                if engine.may_block() && engine.has_whole_record(&self.wire) =>
            {
                let wire = std::mem::take(&mut self.wire);
                Some(Box::new(HandshakeStep {
                    engine,
                    wire,
                    plain: BytesMut::new(),
                    out: Outgoing::default(),
                    result: Ok(()),
                }))
            }
            layer => {
                self.protection = layer;
                None
            }
        }
    }

    /// Takes a step back in: what it decoded, what it has to say, and what came meanwhile behind it.
    pub(crate) fn stepped(&mut self, step: HandshakeStep) -> Result<(), Error> {
        let HandshakeStep { engine, mut wire, plain, out, result } = step;
        self.protection = Protection::Secure(engine);
        wire.extend_from_slice(&self.wire);
        self.wire = wire;
        self.inbox.today().extend_from_slice(&plain);
        self.out.append(out.pending());
        result?;
        self.decode()
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("secure", &self.is_secure())
            .field("wire", &self.wire.len())
            .field("inbox", &self.inbox)
            .field("pending", &self.out.pending().len())
            .field("end", &self.end())
            .finish()
    }
}

/// A step of a handshake that may wait for somebody's answer: run it where blocking is allowed.
pub struct HandshakeStep {
    engine: Box<Engine>,
    wire: BytesMut,
    plain: BytesMut,
    out: Outgoing,
    result: Result<(), Error>,
}

impl HandshakeStep {
    /// Makes the step. May block for as long as a person thinks.
    pub fn run(&mut self) {
        self.result = self.engine.receive(&mut self.wire, &mut self.plain, &mut self.out);
    }
}

impl fmt::Debug for HandshakeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeStep").finish_non_exhaustive()
    }
}
