//! TLS on and off, on the same socket, as often as the script likes.
//!
//! Its place: one concern of [`Conn`]; what happens to the bytes is [`session`](super::session)'s.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::Conn;
use super::session::{Goodbye, Session};
use crate::TlsSettings;

/// How long a client that was sent an alert may take to hang up before we do.
const FAREWELL: Duration = Duration::from_secs(2);

impl Conn {
    /// Takes the server's side of a handshake; bytes already received belong to it.
    ///
    /// # Errors
    /// `InvalidData` with the words of rustls, received alerts included; `UnexpectedEof` when the
    /// client ends the stream half-way; `InvalidInput` when TLS is on already; the socket's.
    pub async fn start_tls(&mut self, settings: &TlsSettings) -> io::Result<()> {
        if self.session.is_some() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "TLS is on already"));
        }
        let session = Session::new(settings.config()).map_err(invalid)?;
        self.session = Some(Box::new(session));
        let outcome = self.shake_hands().await;
        if outcome.is_err() {
            self.session = None;
        }
        outcome
    }

    /// Sends our close_notify, once; what the client still sends stays readable.
    ///
    /// # Errors
    /// `InvalidInput` in clear text; the socket's.
    pub async fn send_close_notify(&mut self) -> io::Result<()> {
        let session = self.session.as_mut().ok_or_else(clear)?;
        if session.ours() == Goodbye::Awaited {
            session.say_goodbye();
            self.send_outgoing().await?;
        }
        Ok(())
    }

    /// Waits for the client's close_notify; what it sent before stays readable.
    ///
    /// # Errors
    /// `UnexpectedEof` for a FIN instead; `InvalidInput` in clear text; those of [`Conn::read`].
    pub async fn wait_close_notify(&mut self) -> io::Result<()> {
        while self.session.as_ref().ok_or_else(clear)?.theirs() == Goodbye::Awaited {
            self.step().await?;
        }
        Ok(())
    }

    /// Sends our close_notify if that is still to do, waits for the client's, goes on in clear.
    ///
    /// Bytes before the client's close_notify stay readable, and so do those behind it.
    ///
    /// # Errors
    /// Those of [`Conn::send_close_notify`] and [`Conn::wait_close_notify`].
    pub async fn stop_tls(&mut self) -> io::Result<()> {
        self.send_close_notify().await?;
        self.wait_close_notify().await?;
        self.end_tls();
        Ok(())
    }

    /// Goes on in clear text at once: whatever comes or is unopened now is read as it is.
    pub fn end_tls(&mut self) {
        self.session = None;
    }

    /// Opens one record, and sends what that calls for: an answer, a ticket, an alert.
    pub(super) async fn open(&mut self, record: &[u8]) -> io::Result<()> {
        let session = self.session.as_mut().expect("records are opened in TLS only");
        match session.open(record, &mut self.inbox.opened) {
            Ok(()) => self.send_outgoing().await,
            Err(error) => Err(self.refuse(error).await),
        }
    }

    async fn shake_hands(&mut self) -> io::Result<()> {
        while self.tls().is_some_and(|tls| tls.is_handshaking()) {
            self.release_so_far().await?;
            self.step().await?;
        }
        Ok(())
    }

    /// Sends the alert, if there is one, in a way that it arrives.
    async fn refuse(&mut self, error: rustls::Error) -> io::Error {
        let alert = self.session.as_ref().is_some_and(|session| session.tls().wants_write());
        // Whether the client is still there to hear it does not change what went wrong.
        let _ = self.send_outgoing().await;
        let _ = self.release().await;
        if alert {
            // Closing with unread bytes would send a RST, which overtakes the alert.
            let _ = self.stream.shutdown().await;
            let _ = tokio::time::timeout(FAREWELL, self.wait_closed()).await;
        }
        invalid(error)
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn clear() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "TLS is not on")
}
