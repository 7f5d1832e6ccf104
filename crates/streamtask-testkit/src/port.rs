//! Ports of 127.0.0.1: one to listen on, or one where nobody does.
//!
//! Its place: under [`Server`](crate::Server) and [`Wire`](crate::Wire). Always port 0, so that
//! tests run side by side.

use std::io;
use std::net::Ipv4Addr;
use std::net::TcpListener;

/// A port on 127.0.0.1 that nobody listens on: bound for a moment, then let go.
///
/// Another process may take it in between; the system hands ports out in turn, so that is rare.
pub fn free_port() -> u16 {
    let listener = listener();
    listener.local_addr().expect("a bound socket has an address").port()
}

/// A listener on a port the system picks; connections may arrive from now on.
pub(crate) fn listener() -> TcpListener {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has free ports");
    listener.set_nonblocking(true).expect("a fresh socket takes options");
    listener
}

/// Hands a listener to the runtime this is called in.
pub(crate) fn adopt(listener: TcpListener) -> tokio::net::TcpListener {
    tokio::net::TcpListener::from_std(listener).expect("called inside a runtime")
}

/// Hands an accepted connection to the runtime this is called in.
pub(crate) fn adopt_stream(stream: std::net::TcpStream) -> tokio::net::TcpStream {
    stream.set_nonblocking(true).expect("a fresh socket takes options");
    tokio::net::TcpStream::from_std(stream).expect("called inside a runtime")
}

/// Makes dropping this socket send a RST in place of a FIN, discarding what is still unsent.
pub(crate) fn reset_on_drop(stream: &tokio::net::TcpStream) -> io::Result<()> {
    socket2::SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO))
}
