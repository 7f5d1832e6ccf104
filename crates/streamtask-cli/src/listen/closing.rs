//! How a connection is let go of, so that what was written arrives.
//!
//! A socket that is closed with input unread resets the connection (RFC 1122, 4.2.2.13), and what the
//! system had still to send is lost. So our end is announced, and whatever the peer still says is read and
//! thrown away, until it has ended too.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A connection, secured or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// What carries it.
    fn socket(&mut self) -> &mut TcpStream;
}

impl Stream for TcpStream {
    fn socket(&mut self) -> &mut TcpStream {
        self
    }
}

impl<S: Stream + ?Sized> Stream for Box<S> {
    fn socket(&mut self) -> &mut TcpStream {
        (**self).socket()
    }
}

impl Stream for TlsStream<TcpStream> {
    fn socket(&mut self) -> &mut TcpStream {
        self.get_mut().0
    }
}

/// Closes it, within `limit` if the peer neither takes what was written nor ends.
pub(super) async fn close(mut stream: impl Stream, limit: Duration) {
    let (mut ours, mut theirs) = (Side::Open, Side::Open);
    let mut unread = MOST_UNREAD;
    let closing = std::future::poll_fn(|cx| {
        // Both at once: a peer may take nothing before it is rid of what it has to say.
        if ours == Side::Open && Pin::new(&mut stream).poll_shutdown(cx).is_ready() {
            ours = Side::Ended;
        }
        if theirs == Side::Open && poll_drain(stream.socket(), &mut unread, cx).is_ready() {
            theirs = Side::Ended;
        }
        match (ours, theirs) {
            (Side::Ended, Side::Ended) => Poll::Ready(()),
            (Side::Open, _) | (_, Side::Open) => Poll::Pending,
        }
    });
    let _ = tokio::time::timeout(limit, closing).await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Open,
    /// Or broken, which is an end as well.
    Ended,
}

/// Ready when nothing more will come, or when it was too much.
fn poll_drain(socket: &mut TcpStream, unread: &mut usize, cx: &mut Context<'_>) -> Poll<()> {
    let mut scratch = [0; SCRATCH];
    while *unread > 0 {
        let mut piece = ReadBuf::new(&mut scratch);
        let read = ready!(Pin::new(&mut *socket).poll_read(cx, &mut piece));
        match piece.filled().len() {
            0 => break,
            _ if read.is_err() => break,
            count => *unread = unread.saturating_sub(count),
        }
    }
    Poll::Ready(())
}

/// How long it may take: as long as the library lingers.
pub(super) const FOR_DATA: Duration = Duration::from_secs(10);

/// How long if nothing was sent but an alert: nobody who connects by mistake has to hang up.
pub(super) const FOR_AN_ALERT: Duration = Duration::from_secs(2);

/// How much a peer may say after our end: what a fast one says while a slow one takes its last window.
const MOST_UNREAD: usize = 16 << 20;

/// Small enough for the stack of a task.
const SCRATCH: usize = 8 << 10;
