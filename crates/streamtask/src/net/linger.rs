//! Closing a connection so that what was written arrives.
//!
//! A socket that is closed over unread bytes is reset by its system, and a reset destroys what the peer
//! has not been handed yet. So closing is a step of the protocol here: the last words leave, FIN goes
//! behind them, and what still comes is read and thrown away until the peer's own FIN, a reset, or the
//! limits. [`leaving`](super::leaving) moves the bytes; who waits stands in
//! [`lingering`](crate::lingering). When to close, and with what last words, is decided elsewhere.
//!
//! It costs nothing where nothing is at stake: the peer's FIN has come, or all that was sent has been
//! acknowledged and nothing lies unread. Only Linux tells the second; on other systems whatever has not
//! seen the peer's FIN lingers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use streamtask_proto::Timeout;
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep};

use super::leaving::Leaving;
use super::socket::Socket;
use crate::lingering::{Lingerer, Lingerers};

/// How connections are closed, and where they are counted meanwhile.
#[derive(Clone)]
pub(crate) struct Manner {
    /// How long closing may get no further: while something of ours still leaves or is still acknowledged, the
    /// time begins anew.
    time: Timeout,
    /// How many bytes are read and thrown away.
    bytes: usize,
    gate: Arc<Lingerers>,
}

impl Manner {
    pub(crate) fn new(time: Timeout, gate: Arc<Lingerers>) -> Self {
        Manner { time, bytes: MOST_IN_FLIGHT, gate }
    }

    /// What closes connections that `runtime` runs.
    pub(crate) fn closer(&self, runtime: Handle) -> Closer {
        Closer { runtime, manner: self.clone() }
    }
}

/// What it takes to close connections.
#[derive(Clone)]
pub(crate) struct Closer {
    /// Where those linger that cannot be closed at once.
    pub(crate) runtime: Handle,
    manner: Manner,
}

/// What an echo may owe us when both directions are full: Linux lets a socket grow to 4 MiB for sending and
/// 32 for receiving (tcp_wmem, tcp_rmem). A peer that sends more does not end because we do.
const MOST_IN_FLIGHT: usize = (2 * (4 + 32)) << 20;

impl Closer {
    /// Closes `socket`, when `words` have left and nothing that was written can be lost any more.
    ///
    /// What can be done at once is done here; for the rest the socket lingers on the runtime. Without a
    /// runtime that lives, this is all there is: FIN goes behind what left, and what lies unread is
    /// thrown away. Call it without locks: then whoever waits for the last lingerer is woken in here.
    pub(crate) fn close(&self, socket: Socket, words: impl Into<Vec<u8>>, has_fin: bool) {
        self.close_as(self.enter(), socket, words, has_fin);
    }

    /// A place among those that linger, for whoever must be seen there before they can [close](Self::close_as).
    pub(crate) fn enter(&self) -> Lingerer {
        self.manner.gate.enter()
    }

    /// The same as [`close`](Self::close), from a place that was taken before.
    pub(crate) fn close_as(
        &self,
        lingerer: Lingerer,
        socket: Socket,
        words: impl Into<Vec<u8>>,
        has_fin: bool,
    ) {
        let mut leaving = Leaving::new(socket, words.into(), has_fin, self.manner.bytes);
        if !leaving.is_over_at_once() {
            self.runtime.spawn(self.farewell(lingerer, leaving));
        }
    }

    fn farewell(&self, lingerer: Lingerer, leaving: Leaving) -> Farewell {
        Farewell {
            left: leaving.left(),
            leaving,
            time: self.manner.time,
            limit: None,
            is_over: false,
            _lingerer: lingerer,
        }
    }
}

/// Closes a socket, in the background. It holds nothing else, so it outlives whatever it came from.
struct Farewell {
    /// Stands first: it is closed before anybody hears so.
    leaving: Leaving,
    time: Timeout,
    limit: Option<Pin<Box<Sleep>>>,
    /// What had not arrived when the limit was set.
    left: usize,
    is_over: bool,
    _lingerer: Lingerer,
}

impl Future for Farewell {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // An error is a reset, or as good as one: there is nobody to wait for.
        self.is_over = self.leaving.poll(cx).is_ready();
        match self.is_over {
            true => Poll::Ready(()),
            false => self.poll_limit(cx),
        }
    }
}

impl Farewell {
    fn poll_limit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(time) = self.time.duration() else { return Poll::Pending };
        loop {
            let limit = self.limit.get_or_insert_with(|| Box::pin(sleep(time)));
            ready!(limit.as_mut().poll(cx));
            let left = self.leaving.left();
            if left == 0 || left >= self.left {
                return Poll::Ready(());
            }
            self.left = left;
            self.limit = None;
        }
    }
}

impl Drop for Farewell {
    /// At the limit, and when the runtime goes.
    fn drop(&mut self) {
        if !self.is_over {
            self.leaving.give_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::Lingering;

    const GUARD: Duration = Duration::from_secs(20);

    async fn soon<F: Future>(future: F) -> F::Output {
        tokio::time::timeout(GUARD, future).await.expect("it comes within the guard's time")
    }

    fn closer(runtime: Handle, time: Duration) -> Closer {
        Manner::new(time.into(), Arc::default()).closer(runtime)
    }

    fn tcp(socket: &Socket) -> &TcpStream {
        match socket {
            Socket::Tcp(socket) => socket,
            #[cfg(unix)]
            Socket::Local(_) => unreachable!("these tests are about TCP"),
        }
    }

    /// Ours, and the peer's, which blocks.
    async fn connected() -> (Socket, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let ours = TcpStream::connect(address).await.expect("a connection").into();
        (ours, listener.accept().expect("a connection").0)
    }

    /// The same with a peer that does not block.
    async fn pair() -> (Socket, TcpStream) {
        let (ours, theirs) = connected().await;
        theirs.set_nonblocking(true).expect("a mode of its own");
        (ours, TcpStream::from_std(theirs).expect("a runtime"))
    }

    /// Writes until the socket takes no more, and says how much that was.
    async fn fill(socket: &mut Socket) -> usize {
        let mut count = 0;
        tcp(socket).writable().await.expect("it stands");
        while let Ok(more) = socket.try_write(&[7; 64 << 10]) {
            count += more;
        }
        count
    }

    #[tokio::test]
    async fn everything_arrives_though_the_socket_is_full_and_input_lies_unread() {
        let (mut ours, mut theirs) = pair().await;
        theirs.write_all(b"greeting").await.expect("it stands");
        let count = fill(&mut ours).await;
        let closer = closer(Handle::current(), GUARD);
        closer.close(ours, [8; 200_000], false);
        let mut all = Vec::new();
        soon(theirs.read_to_end(&mut all)).await.expect("no reset");
        assert!(all[..count].iter().all(|byte| *byte == 7));
        assert!(all.len() == count + 200_000 && all[count..].iter().all(|byte| *byte == 8));
        assert_eq!(closer.manner.gate.count(), 1, "the peer has not ended");
        drop(theirs);
        soon(Lingering::new(closer.manner.gate)).await;
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn nothing_lingers_where_all_has_arrived_and_nothing_lies_unread() {
        let (mut ours, mut theirs) = pair().await;
        ours.write_all(b"x").await.expect("it stands");
        soon(async {
            while crate::net::sys::unacknowledged(&ours) != Some(0) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let closer = closer(Handle::current(), GUARD);
        closer.close(ours, [], false);
        assert_eq!(closer.manner.gate.count(), 0);
        let mut all = Vec::new();
        soon(theirs.read_to_end(&mut all)).await.expect("no reset");
        assert_eq!(all, b"x");
    }

    #[tokio::test]
    async fn nothing_lingers_behind_the_peers_fin() {
        for is_known in [true, false] {
            let (mut ours, mut theirs) = pair().await;
            theirs.shutdown().await.expect("it stands");
            match is_known {
                true => assert_eq!(soon(ours.read(&mut [0])).await.expect("no reset"), 0),
                false => soon(tcp(&ours).readable()).await.expect("it stands"),
            }
            let closer = closer(Handle::current(), GUARD);
            closer.close(ours, *b"bye", is_known);
            assert_eq!(closer.manner.gate.count(), 0);
            let mut all = Vec::new();
            soon(theirs.read_to_end(&mut all)).await.expect("no reset");
            assert_eq!(all, b"bye");
        }
    }

    #[tokio::test]
    async fn a_peer_that_writes_before_it_reads_is_let_finish() {
        let (mut ours, mut theirs) = pair().await;
        let count = fill(&mut ours).await;
        let closer = closer(Handle::current(), GUARD);
        closer.close(ours, [8; 200_000], false);
        soon(theirs.write_all(&vec![1; 8 << 20])).await.expect("somebody takes it");
        let mut all = Vec::new();
        soon(theirs.read_to_end(&mut all)).await.expect("no reset");
        assert_eq!(all.len(), count + 200_000);
    }

    #[tokio::test]
    async fn a_peer_that_does_nothing_is_left_at_the_limit_of_time() {
        let (mut ours, mut theirs) = pair().await;
        theirs.write_all(b"greeting").await.expect("it stands");
        fill(&mut ours).await;
        let closer = closer(Handle::current(), Duration::from_millis(50));
        closer.close(ours, [8; 200_000], false);
        assert_eq!(closer.manner.gate.count(), 1);
        soon(Lingering::new(closer.manner.gate)).await;
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_peer_that_gets_on_is_waited_for_beyond_the_limit_of_time() {
        let (mut ours, mut theirs) = pair().await;
        let mut left = fill(&mut ours).await;
        let closer = closer(Handle::current(), Duration::from_millis(1));
        let mut farewell =
            closer.farewell(closer.enter(), Leaving::new(ours, Vec::new(), false, 1 << 20));
        // The limit passes each time and is looked at only when the peer has read on.
        for _ in 0..3 {
            let before = farewell.left;
            while farewell.leaving.left() >= before {
                left -= soon(theirs.read(&mut [0; 4 << 10])).await.expect("no reset");
            }
            until_polled(&mut farewell, |farewell| farewell.left < before).await;
        }
        soon(&mut farewell).await;
        drop(farewell);
        soon(theirs.read_exact(&mut vec![0; left])).await.expect("no reset");
    }

    /// Polls again and again, until it is so; it must not be over before.
    #[cfg(target_os = "linux")]
    async fn until_polled(farewell: &mut Farewell, is_so: impl Fn(&Farewell) -> bool) {
        soon(async {
            while !is_so(farewell) {
                let poll =
                    std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *farewell).poll(cx)));
                assert!(poll.await.is_pending());
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_peer_that_never_stops_is_left_at_the_limit_of_bytes() {
        let (ours, mut theirs) = pair().await;
        theirs.write_all(b"greeting").await.expect("it stands");
        soon(tcp(&ours).readable()).await.expect("it stands");
        let mut closer = closer(Handle::current(), Duration::ZERO);
        closer.manner.bytes = 1 << 20;
        closer.close(ours, [], false);
        let flood = async { while theirs.write_all(&[0; 64 << 10]).await.is_ok() {} };
        soon(flood).await;
        soon(Lingering::new(closer.manner.gate)).await;
    }

    #[tokio::test]
    async fn a_reset_ends_it() {
        for is_early in [true, false] {
            let (mut ours, theirs) = pair().await;
            fill(&mut ours).await;
            let reset = move || {
                theirs.set_zero_linger().expect("an open socket takes options");
                drop(theirs);
            };
            let closer = closer(Handle::current(), GUARD);
            match is_early {
                true => {
                    reset();
                    closer.close(ours, [8; 200_000], false);
                }
                false => {
                    closer.close(ours, [8; 200_000], false);
                    assert_eq!(closer.manner.gate.count(), 1);
                    tokio::task::yield_now().await;
                    reset();
                }
            }
            soon(Lingering::new(closer.manner.gate)).await;
        }
    }

    #[test]
    fn a_runtime_that_is_gone_or_goes_takes_nothing_along_that_could_leave() {
        for is_gone in [true, false] {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let (ours, mut theirs) = runtime.block_on(connected());
            theirs.write_all(b"greeting").expect("it stands");
            let closer = closer(runtime.handle().clone(), GUARD);
            match is_gone {
                true => {
                    drop(runtime);
                    closer.close(ours, *b"last words", false);
                }
                false => {
                    closer.close(ours, *b"last words", false);
                    assert_eq!(closer.manner.gate.count(), 1);
                    drop(runtime);
                }
            }
            assert_eq!(closer.manner.gate.count(), 0);
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).expect("no reset");
            assert_eq!(all, b"last words");
        }
    }
}
