//! The ends of a connection: half-close, reset, and the peer's.
//!
//! Its place: one concern of [`Conn`]. A full close in good order is dropping the [`Conn`].

use std::io;

use tokio::io::AsyncWriteExt;

use super::Conn;
use crate::port;

impl Conn {
    /// Ends our direction in good order: a close_notify in TLS, then FIN; held bytes go before.
    ///
    /// # Errors
    /// The socket's.
    pub async fn half_close(&mut self) -> io::Result<()> {
        if self.session.is_some() {
            self.send_close_notify().await?;
        }
        self.half_close_raw().await
    }

    /// Ends our direction with a FIN and no close_notify; held bytes go before.
    ///
    /// # Errors
    /// The socket's.
    pub async fn half_close_raw(&mut self) -> io::Result<()> {
        self.release().await?;
        self.stream.shutdown().await
    }

    /// Has the system keep small writes back until a FIN goes with them in one segment, where it can do
    /// that (Linux).
    ///
    /// # Errors
    /// The socket's.
    pub fn cork(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        socket2::SockRef::from(&self.stream).set_tcp_cork(true)?;
        Ok(())
    }

    /// Drops the connection with a RST; held bytes and unsent ones are lost.
    pub fn reset(self) {
        port::reset_on_drop(&self.stream).expect("an open socket takes options");
    }

    /// Waits for the client's FIN or RST and gives the raw bytes that came before it.
    ///
    /// # Errors
    /// The socket's, but for those that say the client has gone.
    pub async fn wait_closed(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.fill().await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if is_gone(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(std::mem::take(&mut self.inbox.wire))
    }
}

/// Whether an error only says that the other side is no longer there.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)
}
