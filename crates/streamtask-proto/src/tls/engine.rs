//! One rustls connection as a transformer of bytes: the only file that drives rustls.
//!
//! The wire buffer is the caller's, and rustls is shown one whole record after the other, never more. So
//! nothing behind the peer's close_notify ever reaches it: what is left in the buffer is clear text. The
//! shape (buffers of the caller, receiving apart from sending) is that of rustls 0.24, for an easy move.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{AlertDescription, ProtocolVersion};

use super::context::{self, Context, within};
use super::failure::failure;
use super::info::Facts;
use super::record::{MAX_PLAINTEXT, ends_tls, next_record};
use super::{Ask, SecureOptions, TlsConfig, TlsInfo, TlsVersion};
use crate::buffer::Outgoing;
use crate::{Error, ErrorKind, target};

/// A TLS connection, from its ClientHello to both close_notifys.
pub(crate) struct Engine {
    driven: Driven,
    /// Lent to the thread while rustls runs, so it stands apart from what runs.
    context: Option<Box<Context>>,
    server_name: String,
    sent_close: bool,
    blocks: bool,
    /// Once rustls has failed it must not be touched again: what it was shown no longer fits.
    failed: Option<Error>,
}

/// rustls, and what it has been shown.
struct Driven {
    conn: UnbufferedClientConnection,
    /// How many bytes at the front of the wire buffer rustls has been shown and not let go of:
    /// fragments of a handshake message stay there until it is whole.
    shown: usize,
    received_close: bool,
}

impl Engine {
    /// Begins a handshake for the server name `host`; the ClientHello waits in the connection.
    pub(crate) fn new(
        config: &TlsConfig,
        options: SecureOptions,
        host: &str,
        asker: Option<Arc<dyn Ask>>,
        may_resume: bool,
    ) -> Result<Self, Error> {
        let server_name = match options.server_name {
            Some(name) => target::server_name(&name),
            None => host.to_owned(),
        };
        let name = ServerName::try_from(server_name.clone()).map_err(|error| {
            let why = format!("{server_name:?} is not a server name");
            Error::new(ErrorKind::InvalidArgument).with_detail(why).caused_by(error)
        })?;
        let blocks = (config.blocks)() || asker.is_some();
        let alpn = options.alpn.unwrap_or_else(|| config.client.alpn_protocols.clone());
        let context = Context { asker, may_resume, ..Context::default() };
        let mut context = Some(Box::new(context));
        let conn = within(&mut context, || {
            UnbufferedClientConnection::new_with_alpn(config.client.clone(), name, alpn)
        })
        .map_err(|error| failure(error, &context))?;
        let driven = Driven { conn, shown: 0, received_close: false };
        Ok(Engine { driven, context, server_name, sent_close: false, blocks, failed: None })
    }

    /// Whether receiving may have to wait for somebody's answer, so that it needs a thread of its own.
    pub(crate) fn may_block(&self) -> bool {
        self.blocks && self.is_handshaking()
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.driven.conn.is_handshaking()
    }

    /// Whether `wire` holds something that could move the handshake on.
    pub(crate) fn has_whole_record(&self, wire: &[u8]) -> bool {
        wire.get(self.driven.shown..).and_then(next_record).is_some()
    }

    /// Whether the peer's close_notify has come.
    pub(crate) fn has_received_close(&self) -> bool {
        self.driven.received_close
    }

    /// Whether our close_notify has been written.
    pub(crate) fn has_sent_close(&self) -> bool {
        self.sent_close
    }

    /// Takes whole records off the front of `wire`, puts what they carry behind `plain` and what has to
    /// be answered into `out`. Stops behind a close_notify. After an error `out` holds the alert.
    pub(crate) fn receive(
        &mut self,
        wire: &mut BytesMut,
        plain: &mut BytesMut,
        out: &mut Outgoing,
    ) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let driven = &mut self.driven;
        let done = within(&mut self.context, || match self.sent_close {
            true => driven.advance_closed(wire, plain, out),
            false => driven.advance(wire, plain, out),
        });
        done.map_err(|error| {
            // Behind our close_notify nothing may follow, not even an alert (RFC 8446, 6.1).
            if !self.sent_close {
                self.driven.collect_alert(wire, out);
            }
            self.fail(error)
        })
    }

    /// Turns what rustls says into whose fault it was, for good.
    fn fail(&mut self, error: rustls::Error) -> Error {
        let error = failure(error, &self.context);
        self.failed = Some(error.clone());
        error
    }

    /// Encrypts `data` behind `out`.
    pub(crate) fn encrypt(
        &mut self,
        data: &[u8],
        wire: &mut BytesMut,
        out: &mut Outgoing,
    ) -> Result<(), Error> {
        let records = data.len() / MAX_PLAINTEXT + 1;
        self.write(data.len() + records * RECORD_OVERHEAD, wire, out, |traffic, room| {
            traffic.encrypt(data, room)
        })
    }

    /// Writes our close_notify behind `out`, once.
    pub(crate) fn close(&mut self, wire: &mut BytesMut, out: &mut Outgoing) -> Result<(), Error> {
        if std::mem::replace(&mut self.sent_close, true) {
            return Ok(());
        }
        self.write(RECORD_OVERHEAD, wire, out, |traffic, room| traffic.queue_close_notify(room))
    }

    fn write(
        &mut self,
        needed: usize,
        wire: &mut BytesMut,
        out: &mut Outgoing,
        put: impl Fn(
            &mut rustls::unbuffered::WriteTraffic<'_, rustls::client::ClientConnectionData>,
            &mut [u8],
        ) -> Result<usize, EncryptError>,
    ) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut exhausted = false;
        loop {
            // What rustls was shown stays shown: it remembers places in it.
            let UnbufferedStatus { discard, state, .. } =
                self.driven.conn.process_tls_records(&mut wire[..self.driven.shown]);
            let mut written = false;
            match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    written = true;
                    out.fill(needed, |room| match put(&mut traffic, room) {
                        Ok(length) => Ok(length),
                        Err(EncryptError::InsufficientSize(short)) => Err(short.required_size),
                        Err(EncryptError::EncryptExhausted) => {
                            exhausted = true;
                            Ok(0)
                        }
                    });
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    out.fill(TLS_RECORD, |room| match data.encode(room) {
                        Ok(length) => Ok(length),
                        Err(EncodeError::InsufficientSize(short)) => Err(short.required_size),
                        Err(EncodeError::AlreadyEncoded) => Ok(0),
                    });
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.driven.received_close = true,
                Ok(state) => {
                    let state = format!("{state:?}");
                    return Err(Error::new(ErrorKind::NotConnected).with_detail(state));
                }
                Err(error) => return Err(self.fail(error)),
            }
            wire.advance(discard);
            self.driven.shown -= discard;
            match (exhausted, written) {
                (true, _) => {
                    let why = "the traffic keys are used up";
                    return Err(Error::new(ErrorKind::SecureConnectionFailed).with_detail(why));
                }
                (false, true) => return Ok(()),
                (false, false) => {}
            }
        }
    }

    /// What was agreed on; `None` while the handshake runs.
    pub(crate) fn info(&self) -> Option<TlsInfo> {
        if self.is_handshaking() {
            return None;
        }
        Some(TlsInfo::new(Facts {
            version: match self.driven.conn.protocol_version()? {
                ProtocolVersion::TLSv1_2 => TlsVersion::Tls12,
                _ => TlsVersion::Tls13,
            },
            suite: self.driven.conn.negotiated_cipher_suite()?,
            alpn: self.driven.conn.alpn_protocol().map(<[u8]>::to_vec),
            chain: self.driven.conn.peer_certificates().unwrap_or_default().to_vec(),
            server_name: self.server_name.clone(),
            resumed: self.driven.conn.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
            secrets: self.context.as_ref()?.secrets.clone(),
        }))
    }
}

impl Driven {
    fn advance(
        &mut self,
        wire: &mut BytesMut,
        plain: &mut BytesMut,
        out: &mut Outgoing,
    ) -> Result<(), rustls::Error> {
        while !self.received_close {
            match self.turn(wire, plain, out)? {
                Turn::Again => {}
                Turn::Closed => self.received_close = true,
                Turn::Idle => match next_record(&wire[self.shown..]) {
                    Some(length) => self.show(&wire[self.shown..self.shown + length])?,
                    None => break,
                },
            }
        }
        Ok(())
    }

    /// The same once our close_notify is written. In debug builds rustls asserts that it does not fail after
    /// that, which is up to the peer; the panic is taken for the error that it stands for.
    fn advance_closed(
        &mut self,
        wire: &mut BytesMut,
        plain: &mut BytesMut,
        out: &mut Outgoing,
    ) -> Result<(), rustls::Error> {
        let advance = AssertUnwindSafe(|| self.advance(wire, plain, out));
        catch_unwind(advance).unwrap_or_else(|_| {
            Err(rustls::Error::General("the peer broke TLS as it ended".into()))
        })
    }

    /// Lets rustls see the next record, unless that would end the connection without a word: until the
    /// handshake is done rustls ignores a close_notify, and would wait for what cannot come.
    fn show(&mut self, record: &[u8]) -> Result<(), rustls::Error> {
        if self.conn.is_handshaking() {
            if ends_tls(record) {
                return Err(rustls::Error::AlertReceived(AlertDescription::CloseNotify));
            }
            context::with(|context| context.server_hello.take(record));
        }
        self.shown += record.len();
        Ok(())
    }

    /// One step of rustls over what it has been shown.
    fn turn(
        &mut self,
        wire: &mut BytesMut,
        plain: &mut BytesMut,
        out: &mut Outgoing,
    ) -> Result<Turn, rustls::Error> {
        let UnbufferedStatus { discard, state, .. } =
            self.conn.process_tls_records(&mut wire[..self.shown]);
        let turn = match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(record) = traffic.next_record() {
                    plain.extend_from_slice(record?.payload);
                }
                Ok(Turn::Again)
            }
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                out.fill(TLS_RECORD, |room| match data.encode(room) {
                    Ok(written) => Ok(written),
                    Err(EncodeError::InsufficientSize(short)) => Err(short.required_size),
                    Err(EncodeError::AlreadyEncoded) => Ok(0),
                });
                Ok(Turn::Again)
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                data.done();
                Ok(Turn::Again)
            }
            Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => Ok(Turn::Closed),
            Ok(ConnectionState::WriteTraffic(_) | ConnectionState::BlockedHandshake) => {
                Ok(Turn::Idle)
            }
            // Early data is a server's; the rest does not exist yet.
            Ok(_) => Ok(Turn::Idle),
            Err(error) => Err(error),
        };
        wire.advance(discard);
        self.shown -= discard;
        turn
    }

    /// After an error rustls still has the alert for the peer, and must be asked for nothing else.
    fn collect_alert(&mut self, wire: &mut BytesMut, out: &mut Outgoing) {
        let mut ignored = BytesMut::new();
        while self.conn.wants_write() {
            if self.turn(wire, &mut ignored, out).is_err() {
                return;
            }
        }
    }
}

/// What one step of rustls came to.
enum Turn {
    /// Something happened; there may be more.
    Again,
    /// It wants to be shown more.
    Idle,
    /// The peer's close_notify.
    Closed,
}

/// Header, explicit nonce, inner content type and tag, rounded up.
const RECORD_OVERHEAD: usize = 64;
/// Room that does for one handshake record at the first try.
const TLS_RECORD: usize = 4096;
