//! Writing: at once, or gathered and then in one send.
//!
//! Its place: one concern of [`Conn`]. Everything that leaves passes `send`, so that held bytes,
//! alerts and close_notifys keep their order.

use std::io;

use tokio::io::AsyncWriteExt;

use super::Conn;
use super::session::Goodbye;

impl Conn {
    /// Writes all of it, in TLS when that is on.
    ///
    /// # Errors
    /// `BrokenPipe` behind our close_notify; the socket's.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        match &mut self.session {
            None => self.send(bytes.as_ref()).await,
            Some(session) if session.ours() == Goodbye::Said => {
                Err(io::Error::new(io::ErrorKind::BrokenPipe, "our close_notify has been sent"))
            }
            Some(session) => {
                session.seal(bytes.as_ref());
                self.send_outgoing().await
            }
        }
    }

    /// Writes past TLS, straight to the socket (or behind what is held).
    ///
    /// # Errors
    /// The socket's.
    pub async fn write_raw(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.send(bytes.as_ref()).await
    }

    /// From now on gathers what would leave: clear text, records and close_notifys alike.
    ///
    /// A handshake still sends its flights while it must wait for the client's; the last is held.
    pub fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Sends in one go what was gathered, and holds no more.
    ///
    /// # Errors
    /// The socket's.
    pub async fn release(&mut self) -> io::Result<()> {
        let held = self.held.take().unwrap_or_default();
        self.send(&held).await
    }

    /// Sends what was gathered, and goes on holding.
    pub(super) async fn release_so_far(&mut self) -> io::Result<()> {
        if self.held.is_some() {
            self.release().await?;
            self.hold();
        }
        Ok(())
    }

    /// Sends what the session has for the peer.
    pub(super) async fn send_outgoing(&mut self) -> io::Result<()> {
        let bytes = self.session.as_mut().map(|session| session.outgoing()).unwrap_or_default();
        self.send(&bytes).await
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.held {
            Some(held) => held.extend_from_slice(bytes),
            None => self.stream.write_all(bytes).await?,
        }
        Ok(())
    }
}
