//! A scripted connection, in the place of `src/net/`.
//!
//! The socket has its readiness as tokio's has: bytes come first and the news of them later; who finds nothing
//! leaves a waker, and the next news wakes it once.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use shuttle::sync::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::people::hold;

pub(crate) mod socket {
    pub(crate) use super::Socket;
}

pub(crate) mod local {
    use super::*;

    pub(crate) async fn connect(_: &std::path::Path) -> Result<Socket, streamtask_proto::Error> {
        unreachable!("the peer has an address")
    }
}

pub(crate) mod tcp {
    use std::net::SocketAddr;

    use streamtask_proto::{Error, ErrorKind};

    use super::*;

    pub(crate) async fn connect(_: SocketAddr) -> Result<Socket, Error> {
        let wire = LAST.take().expect("the model has made a wire for it");
        Ok(Socket(wire))
    }

    pub(crate) fn connection_error(error: io::Error) -> Error {
        Error::new(ErrorKind::ConnectionLost).caused_by(error)
    }
}

pub(crate) mod names {
    use streamtask_proto::AddressFamily;

    use crate::resolve::{Resolve, Resolving};

    pub(crate) struct System;

    impl Resolve for System {
        fn resolve(&self, _: &str, _: u16, _: AddressFamily) -> Resolving {
            unreachable!("the peer has an address")
        }
    }
}

pub(crate) mod linger {
    use super::Socket;
    use crate::lingering::Lingerer;

    #[derive(Clone)]
    pub(crate) struct Manner;

    impl Manner {
        pub(crate) fn closer(&self, _: tokio::runtime::Handle) -> Closer {
            Closer
        }
    }

    /// Closes at once: how connections linger is tried over real sockets.
    pub(crate) struct Closer;

    impl Closer {
        pub(crate) fn enter(&self) -> Lingerer {
            Lingerer
        }

        pub(crate) fn close_as(&self, _: Lingerer, socket: Socket, _: Vec<u8>, _: bool) {
            let _ = socket.shutdown_write();
        }
    }
}

thread_local! {
    /// The wire of the next connection.
    static LAST: RefCell<Option<Arc<Wire>>> = const { RefCell::new(None) };
}

/// The kernel's part: what has come, what may still go.
type Wire = Mutex<Kernel>;

struct Kernel {
    incoming: VecDeque<u8>,
    end: Option<End>,
    /// Whether tokio believes that there is something to read, and whom it wakes when there is.
    readable: Readiness,
    /// How many bytes may still be sent.
    room: usize,
    writable: Readiness,
    sent: Vec<u8>,
    has_our_fin: bool,
}

#[derive(Clone, Copy)]
enum End {
    Fin,
    Reset,
}

#[derive(Default)]
struct Readiness {
    is_set: bool,
    waker: Option<Waker>,
}

impl Readiness {
    fn is_set(&mut self, cx: &Context<'_>) -> bool {
        if !self.is_set && !self.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
        self.is_set
    }

    #[must_use = "it is woken without the lock"]
    fn set(&mut self) -> Option<Waker> {
        self.is_set = true;
        self.waker.take()
    }
}

/// This end of the wire.
pub(crate) struct Socket(Arc<Wire>);

impl Socket {
    /// For last words: no model has any, as they are TLS's.
    pub(crate) fn try_write(&self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    pub(crate) fn read_now(&self, _: &mut [u8]) -> io::Result<usize> {
        unreachable!("no model starts TLS")
    }

    pub(crate) fn shutdown_write(&self) -> io::Result<()> {
        hold(&self.0).has_our_fin = true;
        Ok(())
    }

    pub(crate) fn local_address(&self) -> io::Result<std::net::SocketAddr> {
        Ok(([127, 0, 0, 1], 2).into())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut kernel = hold(&self.0);
        if !kernel.readable.is_set(cx) {
            return Poll::Pending;
        }
        let count = kernel.incoming.len().min(buffer.remaining());
        kernel.incoming.drain(..count).for_each(|byte| buffer.put_slice(&[byte]));
        match kernel.end {
            // What is no end and not all there was room for is all there is.
            None if buffer.remaining() > 0 => kernel.readable.is_set = false,
            Some(End::Reset) if count == 0 => {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            None | Some(End::Fin | End::Reset) => {}
        }
        match (count, kernel.end) {
            (0, None) => {
                kernel.readable.is_set(cx);
                Poll::Pending
            }
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut kernel = hold(&self.0);
        if let Some(End::Reset) = kernel.end {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if !kernel.writable.is_set(cx) {
            return Poll::Pending;
        }
        let count = kernel.room.min(bytes.len());
        kernel.room -= count;
        kernel.sent.extend_from_slice(&bytes[..count]);
        if count < bytes.len() {
            kernel.writable.is_set = false;
        }
        match count {
            0 => {
                kernel.writable.is_set(cx);
                Poll::Pending
            }
            _ => Poll::Ready(Ok(count)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shutdown_write())
    }
}

/// The other end of the wire.
#[derive(Clone)]
pub(crate) struct Peer(Arc<Wire>);

impl Peer {
    /// One that takes so many bytes for now, on the wire of the next connection.
    pub(crate) fn with_room(room: usize) -> Self {
        let kernel = Kernel {
            incoming: VecDeque::new(),
            end: None,
            readable: Readiness::default(),
            room,
            writable: Readiness { is_set: true, waker: None },
            sent: Vec::new(),
            has_our_fin: false,
        };
        let wire = Arc::new(Mutex::new(kernel));
        LAST.set(Some(wire.clone()));
        Peer(wire)
    }

    pub(crate) fn says(&self, bytes: &[u8]) {
        hold(&self.0).incoming.extend(bytes);
        self.tell_readable();
    }

    pub(crate) fn ends(&self) {
        hold(&self.0).end = Some(End::Fin);
        self.tell_readable();
    }

    pub(crate) fn resets(&self) {
        hold(&self.0).end = Some(End::Reset);
        self.tell_readable();
        self.tell_writable();
    }

    pub(crate) fn makes_room(&self, count: usize) {
        hold(&self.0).room += count;
        self.tell_writable();
    }

    pub(crate) fn heard(&self) -> Vec<u8> {
        hold(&self.0).sent.clone()
    }

    /// Whether our end has said that there will be no more.
    pub(crate) fn has_heard_the_end(&self) -> bool {
        hold(&self.0).has_our_fin
    }

    fn tell_readable(&self) {
        let waker = hold(&self.0).readable.set();
        tell(waker);
    }

    fn tell_writable(&self) {
        let waker = hold(&self.0).writable.set();
        tell(waker);
    }
}

fn tell(waker: Option<Waker>) {
    TELLING.with(|telling| telling.set(true));
    waker.into_iter().for_each(Waker::wake);
    TELLING.with(|telling| telling.set(false));
}

shuttle::thread_local! {
    static TELLING: Cell<bool> = Cell::new(false);
}

/// Whether it is the socket that wakes somebody on this thread.
pub(crate) fn is_telling() -> bool {
    TELLING.try_with(Cell::get).unwrap_or(false)
}
