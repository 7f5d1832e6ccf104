//! What neither std nor socket2 asks a system for. The only unsafe code of the library.

use super::socket::Socket;

/// Sends without the signal that a connection closed by its peer raises, where sending has to say so. On Apple's
/// systems the socket says it, and Windows has none.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const NO_SIGNAL: i32 = 0;

/// How many bytes of ours the peer's system has not acknowledged, FIN counted as one; `None` where the
/// system does not tell.
///
/// Linux does (tcp(7), SIOCOUTQ, which is another name of TIOCOUTQ).
#[cfg(any(target_os = "linux", target_os = "android"))]
#[allow(unsafe_code)]
pub(super) fn unacknowledged(socket: &Socket) -> Option<usize> {
    use std::os::fd::AsRawFd;
    let mut count: libc::c_int = 0;
    // SAFETY: the descriptor is open while `socket` is borrowed, and of this request the system writes one
    // int, to where the pointer of a live one says.
    let outcome =
        unsafe { libc::ioctl(socket.system().as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    match outcome {
        0 => usize::try_from(count).ok(),
        _ => None,
    }
}

/// The others are not asked: macOS (SO_NWRITE) and FreeBSD (FIONWRITE) count what was sent and not
/// acknowledged too, Windows counts nothing of the kind.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn unacknowledged(_: &Socket) -> Option<usize> {
    None
}
