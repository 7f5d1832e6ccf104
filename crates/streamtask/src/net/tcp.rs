//! From an address to a connected socket, what else is asked of it, and what its errors mean.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use streamtask_proto::{Error, ErrorKind, Limit};
use tokio::net::TcpStream;

use super::socket::Socket;

/// Connects to `address`.
pub(crate) async fn connect(address: SocketAddr) -> Result<Socket, Error> {
    let connected = TcpStream::connect(address).await.and_then(accepted);
    connected.map(Socket::from).map_err(connect_error)
}

/// A connected socket, ready for use.
///
/// # Errors
/// Refused, if it is connected to itself: TCP lets both ends open at once (RFC 9293, 3.5), so a client to
/// a local port where nobody listens meets itself when the system happens to give it that very port.
fn accepted(socket: TcpStream) -> io::Result<TcpStream> {
    if is_connected_to_itself(&socket) {
        // A reset leaves no TIME_WAIT: the port belongs to the server that is not there yet.
        let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
        let why = "nobody listens there: the connection led back to itself";
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, why));
    }
    // Small writes are gathered before they reach the socket, so waiting there only delays.
    let _ = socket.set_nodelay(true);
    Ok(socket)
}

fn is_connected_to_itself(socket: &TcpStream) -> bool {
    match (socket.local_addr(), socket.peer_addr()) {
        (Ok(local), Ok(peer)) => (local.ip(), local.port()) == (peer.ip(), peer.port()),
        // It is gone already, and a connection to itself does not go by itself.
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// What an error while connecting means.
///
/// EADDRNOTAVAIL is about this very connection: this machine has no address to reach that one from, or
/// the one asked for is not its own. Linux says the same when every local port towards an address is in
/// use; nothing tells the two apart, and neither is a lack of descriptors or memory.
pub(super) fn connect_error(error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::TimedOut => ErrorKind::TimedOut(Limit::Network),
        io::ErrorKind::NetworkDown => ErrorKind::NotConnectedToInternet,
        io::ErrorKind::NetworkUnreachable => ErrorKind::NotConnectedToInternet,
        _ if exhaustion(&error) => ErrorKind::ResourceExhausted,
        _ => ErrorKind::CannotConnect,
    };
    Error::new(kind).caused_by(error)
}

/// What an error on a connection that stood means.
pub(crate) fn connection_error(error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::TimedOut => ErrorKind::TimedOut(Limit::Network),
        _ if exhaustion(&error) => ErrorKind::ResourceExhausted,
        _ => ErrorKind::ConnectionLost,
    };
    Error::new(kind).caused_by(error)
}

/// Whether this machine ran out of descriptors or memory for sockets.
pub(super) fn exhaustion(error: &io::Error) -> bool {
    #[cfg(unix)]
    const NUMBERS: &[i32] = &[
        24,                                               // EMFILE
        23,                                               // ENFILE
        12,                                               // ENOMEM
        if cfg!(target_os = "linux") { 105 } else { 55 }, // ENOBUFS
    ];
    #[cfg(windows)]
    const NUMBERS: &[i32] = &[10_024, 10_055]; // WSAEMFILE, WSAENOBUFS
    error.raw_os_error().is_some_and(|number| NUMBERS.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec, 10.2: one kind and one number for the same misfortune on every system.
    #[test]
    fn the_systems_errors_have_the_same_kinds_everywhere() {
        let connecting = [
            (io::ErrorKind::ConnectionRefused, ErrorKind::CannotConnect, -1004),
            (io::ErrorKind::HostUnreachable, ErrorKind::CannotConnect, -1004),
            (io::ErrorKind::NetworkUnreachable, ErrorKind::NotConnectedToInternet, -1009),
            (io::ErrorKind::NetworkDown, ErrorKind::NotConnectedToInternet, -1009),
            (io::ErrorKind::TimedOut, ErrorKind::TimedOut(Limit::Network), -1001),
            // The address is wrong, not used up: waiting for others to give something back helps nobody.
            (io::ErrorKind::AddrNotAvailable, ErrorKind::CannotConnect, -1004),
        ];
        for (system, kind, code) in connecting {
            let error = connect_error(system.into());
            assert_eq!((error.kind(), error.code()), (kind, code), "{system:?}");
        }
        for system in [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe] {
            let error = connection_error(system.into());
            assert_eq!((error.kind(), error.code()), (ErrorKind::ConnectionLost, -1005));
        }
        #[cfg(target_os = "linux")]
        for number in [24, 105] {
            let error = connect_error(io::Error::from_raw_os_error(number));
            assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "errno {number}");
        }
    }

    /// A socket bound to the address that it connects to; `None` where that family is missing.
    #[cfg(target_os = "linux")]
    fn connected_to_itself(any: SocketAddr) -> Option<std::net::TcpStream> {
        use socket2::{Domain, Socket, Type};
        let socket = Socket::new(Domain::for_address(any), Type::STREAM, None).ok()?;
        socket.bind(&any.into()).ok()?;
        let itself = socket.local_addr().expect("it is bound");
        socket.connect(&itself).expect("it meets itself");
        socket.set_nonblocking(true).expect("it can be");
        Some(socket.into())
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_connection_to_itself_is_refused_and_gives_the_port_back() {
        let families = ["127.0.0.1:0", "[::1]:0"].map(|any| any.parse().expect("an address"));
        let sockets: Vec<_> = families.into_iter().filter_map(connected_to_itself).collect();
        assert!(!sockets.is_empty(), "there is a loopback");
        for socket in sockets {
            let kept = socket.try_clone().expect("a descriptor");
            let socket = TcpStream::from_std(socket).expect("a runtime");
            let error = connect_error(accepted(socket).expect_err("it met itself"));
            assert_eq!((error.kind(), error.code()), (ErrorKind::CannotConnect, -1004));
            let cause = std::error::Error::source(&error).expect("a cause");
            let cause = cause.downcast_ref::<io::Error>().expect("an I/O error");
            assert_eq!(cause.kind(), io::ErrorKind::ConnectionRefused);
            let linger = SockRef::from(&kept).linger().expect("it is open");
            assert_eq!(linger, Some(Duration::ZERO), "no TIME_WAIT will hold the server's port");
        }
    }

    #[tokio::test]
    async fn a_connection_to_this_machine_is_no_connection_to_itself() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        accepted(TcpStream::connect(address).await.expect("connected")).expect("somebody else");
    }
}
