//! From a name to a connected socket, and what its errors mean.
//!
//! One address after the other, in the system's order; racing them is a later step, behind this function.

use std::io;
use std::net::{IpAddr, SocketAddr};

use streamtask_proto::{Error, ErrorKind, Limit, Target};
use tokio::net::{TcpStream, lookup_host};

/// Connects to the first address of `target` that answers, and says which it was.
pub(crate) async fn connect(target: &Target) -> Result<(TcpStream, SocketAddr), Error> {
    let mut last = None;
    let mut tried = Vec::new();
    for address in addresses(target).await? {
        match TcpStream::connect(address).await {
            Ok(socket) => {
                // Small writes are gathered before they reach the socket, so waiting there only delays.
                let _ = socket.set_nodelay(true);
                return Ok((socket, address));
            }
            Err(error) => {
                tried.push(address.to_string());
                last = Some(connect_error(error));
            }
        }
    }
    Err(match last {
        Some(error) => error.detail(format!("tried {}", tried.join(", "))),
        None => Error::new(ErrorKind::CannotFindHost).detail("it has no address"),
    })
}

async fn addresses(target: &Target) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(address) = target.host().parse::<IpAddr>() {
        return Ok(vec![(address, target.port()).into()]);
    }
    match lookup_host((target.host(), target.port())).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(Error::new(lookup_kind(&error)).caused_by(error)),
    }
}

/// getaddrinfo's errors reach us as text without a kind; only running out of things has one.
fn lookup_kind(error: &io::Error) -> ErrorKind {
    match exhaustion(error) {
        true => ErrorKind::ResourceExhausted,
        false => ErrorKind::CannotFindHost,
    }
}

/// What an error while connecting means.
fn connect_error(error: io::Error) -> Error {
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

/// Whether this machine ran out of descriptors, ports or memory for sockets.
fn exhaustion(error: &io::Error) -> bool {
    #[cfg(unix)]
    const NUMBERS: &[i32] = &[
        24,                                               // EMFILE
        23,                                               // ENFILE
        12,                                               // ENOMEM
        if cfg!(target_os = "linux") { 105 } else { 55 }, // ENOBUFS
    ];
    #[cfg(windows)]
    const NUMBERS: &[i32] = &[10_024, 10_055]; // WSAEMFILE, WSAENOBUFS
    let by_number = error.raw_os_error().is_some_and(|number| NUMBERS.contains(&number));
    by_number || error.kind() == io::ErrorKind::AddrNotAvailable
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
            (io::ErrorKind::AddrNotAvailable, ErrorKind::ResourceExhausted, -1004),
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
}
