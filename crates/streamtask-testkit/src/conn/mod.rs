//! What a script holds: one connection, in clear text or in TLS, which may change in place.
//!
//! Its place: handed to scripts by [`Server`](crate::Server). One file per concern: [`reading`],
//! [`writing`], [`securing`] (TLS on and off), [`closing`]; [`inbox`] keeps the bytes and
//! [`session`] drives rustls. It decides nothing: the script does.

mod closing;
mod inbox;
mod reading;
mod securing;
mod session;
mod writing;

use std::io;
use std::net::SocketAddr;

use rustls::pki_types::CertificateDer;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};
use tokio::net::TcpStream;
use tokio::sync::watch;

pub(crate) use closing::is_gone;

use crate::Version;
use inbox::Inbox;
use session::Session;

/// One accepted connection. Dropping it closes the socket, without a close_notify.
///
/// Reads may be dropped half-way and lose nothing; a dropped write may have sent a part.
pub struct Conn {
    stream: TcpStream,
    inbox: Inbox,
    session: Option<Box<Session>>,
    /// What [`Conn::hold`] gathers; `None` when bytes leave at once.
    held: Option<Vec<u8>>,
    finish: watch::Receiver<bool>,
}

impl Conn {
    pub(crate) fn new(stream: TcpStream, finish: watch::Receiver<bool>) -> Self {
        // Each write is to be a segment of its own; a socket the peer has reset may refuse.
        let _ = stream.set_nodelay(true);
        Self { stream, inbox: Inbox::default(), session: None, held: None, finish }
    }

    /// The addresses of this end and of the client's, by which the system knows the connection.
    ///
    /// # Errors
    /// The socket's: a client that has reset has none any more.
    pub fn addrs(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.stream.local_addr()?, self.stream.peer_addr()?))
    }

    /// How many bytes came from the socket so far, TLS records and all.
    pub fn raw_received(&self) -> u64 {
        self.inbox.received()
    }

    /// The certificate the client showed in the running session.
    pub fn client_certificate(&self) -> Option<CertificateDer<'static>> {
        Some(self.tls()?.peer_certificates()?.first()?.clone().into_owned())
    }

    /// The application protocol agreed on in the running session.
    pub fn alpn(&self) -> Option<Vec<u8>> {
        self.tls()?.alpn_protocol().map(<[u8]>::to_vec)
    }

    /// The server name the client asked for (SNI) in the running session.
    pub fn server_name(&self) -> Option<String> {
        self.tls()?.server_name().map(str::to_owned)
    }

    /// Whether the running session resumes an earlier one.
    pub fn is_resumed(&self) -> bool {
        self.tls().and_then(|tls| tls.handshake_kind()) == Some(HandshakeKind::Resumed)
    }

    /// The version of the running session; none in clear text.
    pub fn version(&self) -> Option<Version> {
        match self.tls()?.protocol_version()? {
            ProtocolVersion::TLSv1_2 => Some(Version::Tls12),
            ProtocolVersion::TLSv1_3 => Some(Version::Tls13),
            _ => None,
        }
    }

    /// Keying material of the running session (RFC 5705, RFC 8446 section 7.5).
    ///
    /// # Panics
    /// In clear text.
    pub fn exporter(&self, label: &[u8], context: Option<&[u8]>, len: usize) -> Vec<u8> {
        let tls = self.tls().expect("a session to export from");
        tls.export_keying_material(vec![0; len], label, context)
            .expect("the handshake is done and the length is sane")
    }

    /// Waits until the test has called [`Server::finish`](crate::Server::finish).
    pub async fn wait_finish(&mut self) {
        // An error means the server is being dropped, and this script with it.
        let _ = self.finish.wait_for(|finishing| *finishing).await;
    }

    fn tls(&self) -> Option<&ServerConnection> {
        self.session.as_ref().map(|session| session.tls())
    }
}
