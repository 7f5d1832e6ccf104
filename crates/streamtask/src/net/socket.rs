//! A connected socket, whatever its kind: what everything above reads, writes, shuts down and asks.
//!
//! How one is made stands in [`tcp`](super::tcp) and [`local`](super::local).

use std::io::{self, IoSlice, Read};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// A connected socket.
pub(crate) enum Socket {
    Tcp(TcpStream),
    /// Of this machine alone, by a path.
    #[cfg(unix)]
    Local(UnixStream),
}

/// Does the same with either kind.
macro_rules! with {
    ($self:expr, $socket:ident => $what:expr) => {
        match $self {
            Socket::Tcp($socket) => $what,
            #[cfg(unix)]
            Socket::Local($socket) => $what,
        }
    };
}

impl Socket {
    /// The system's own view of it.
    pub(super) fn system(&self) -> SockRef<'_> {
        with!(self, socket => SockRef::from(socket))
    }

    /// Asks the kernel itself: a readiness that has not been seen yet must not hide bytes.
    pub(crate) fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.system()).read(buffer)
    }

    /// Sends FIN behind what was written.
    pub(crate) fn shutdown_write(&self) -> io::Result<()> {
        self.system().shutdown(Shutdown::Write)
    }

    /// Sends what can be sent at once.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        with!(self, socket => socket.try_write(bytes))
    }

    /// This end's address.
    ///
    /// # Errors
    /// Those of the system, and that a local socket has none.
    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        match self {
            Socket::Tcp(socket) => socket.local_addr(),
            #[cfg(unix)]
            Socket::Local(_) => {
                let why = "the socket is at a path, not at an address";
                Err(io::Error::new(io::ErrorKind::AddrNotAvailable, why))
            }
        }
    }
}

impl From<TcpStream> for Socket {
    fn from(socket: TcpStream) -> Self {
        Socket::Tcp(socket)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        with!(self.get_mut(), socket => Pin::new(socket).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        with!(self.get_mut(), socket => Pin::new(socket).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with!(self.get_mut(), socket => Pin::new(socket).poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(self.get_mut(), socket => Pin::new(socket).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(self.get_mut(), socket => Pin::new(socket).poll_shutdown(cx))
    }
}
