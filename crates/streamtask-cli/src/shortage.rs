//! What a machine runs out of, and which errors pass by themselves.

use std::io;

/// Whether this machine has no descriptors or no memory left, for now.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|number| SHORTAGES.contains(&number))
}

/// Whether taking a connection failed for reasons of that connection alone.
pub(crate) fn is_about_caller(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|number| ABOUT_CALLER.contains(&number))
}

#[cfg(unix)]
use rustix::io::Errno;

#[cfg(unix)]
const SHORTAGES: &[i32] = &[
    Errno::MFILE.raw_os_error(),
    Errno::NFILE.raw_os_error(),
    Errno::NOBUFS.raw_os_error(),
    Errno::NOMEM.raw_os_error(),
];

/// accept(2), "Error handling": Linux passes errors on that the new connection has met already.
#[cfg(unix)]
const ABOUT_CALLER: &[i32] = &[
    Errno::CONNABORTED.raw_os_error(),
    Errno::CONNRESET.raw_os_error(),
    Errno::HOSTDOWN.raw_os_error(),
    Errno::HOSTUNREACH.raw_os_error(),
    Errno::INTR.raw_os_error(),
    Errno::NETDOWN.raw_os_error(),
    Errno::NETUNREACH.raw_os_error(),
    #[cfg(target_os = "linux")]
    Errno::NONET.raw_os_error(),
    Errno::NOPROTOOPT.raw_os_error(),
    Errno::OPNOTSUPP.raw_os_error(),
    // A firewall's refusal.
    Errno::PERM.raw_os_error(),
    Errno::PROTO.raw_os_error(),
    Errno::TIMEDOUT.raw_os_error(),
];

/// WSAEMFILE, WSAENOBUFS
#[cfg(windows)]
const SHORTAGES: &[i32] = &[10_024, 10_055];

/// WSAENETDOWN, WSAECONNABORTED, WSAECONNRESET
#[cfg(windows)]
const ABOUT_CALLER: &[i32] = &[10_050, 10_053, 10_054];

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_stays() {
        let error = |number: Errno| io::Error::from_raw_os_error(number.raw_os_error());
        for number in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert!(is_shortage(&error(number)) && !is_about_caller(&error(number)), "{number}");
        }
        for number in [Errno::CONNABORTED, Errno::PROTO, Errno::HOSTUNREACH] {
            assert!(is_about_caller(&error(number)) && !is_shortage(&error(number)), "{number}");
        }
        for number in [Errno::BADF, Errno::INVAL, Errno::NOTSOCK] {
            assert!(!is_about_caller(&error(number)) && !is_shortage(&error(number)), "{number}");
        }
    }
}
