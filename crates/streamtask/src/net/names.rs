//! The system's resolver: its hosts file, its name servers, and whatever else it asks.
//!
//! getaddrinfo(3) blocks and cannot be called off, so each question has a thread of the runtime's for as long as
//! it takes; the race has a limit of its own and goes on without it.

use std::io;

use dns_lookup::{AddrInfo, AddrInfoHints, LookupError, LookupErrorKind, getaddrinfo};
use socket2::{Domain, Type};
use streamtask_proto::{AddressFamily, Error, ErrorKind};

use super::tcp::exhaustion;
use crate::resolve::{Resolve, Resolving};

/// Asks the system.
pub(crate) struct System;

impl Resolve for System {
    fn resolve(&self, host: &str, port: u16, family: AddressFamily) -> Resolving {
        let host = host.to_owned();
        Box::pin(async move {
            let asked = tokio::task::spawn_blocking(move || ask(&host, family)).await;
            let addresses = asked.map_err(|error| {
                Error::new(ErrorKind::DnsLookupFailed).caused_by(io::Error::from(error))
            })??;
            let with_port = |mut info: AddrInfo| {
                info.sockaddr.set_port(port);
                info.sockaddr
            };
            Ok(addresses.into_iter().map(with_port).collect())
        })
    }
}

fn ask(host: &str, family: AddressFamily) -> Result<Vec<AddrInfo>, Error> {
    let domain = match family {
        AddressFamily::V6 => Domain::IPV6,
        AddressFamily::V4 => Domain::IPV4,
    };
    // Without AI_ADDRCONFIG, which leaves out what only this machine can be reached by.
    let hints = AddrInfoHints {
        address: domain.into(),
        socktype: Type::STREAM.into(),
        ..AddrInfoHints::default()
    };
    let answers = getaddrinfo(Some(host), None, Some(hints)).map_err(failure)?;
    Ok(answers.filter_map(Result::ok).collect())
}

fn failure(error: LookupError) -> Error {
    let kind = error.kind();
    let cause = io::Error::from(error);
    let kind = match kind {
        LookupErrorKind::Memory => ErrorKind::ResourceExhausted,
        _ if exhaustion(&cause) => ErrorKind::ResourceExhausted,
        LookupErrorKind::Again | LookupErrorKind::Fail | LookupErrorKind::System => {
            ErrorKind::DnsLookupFailed
        }
        // Of this family, at least: some systems have a number for that, others have not.
        _ => ErrorKind::CannotFindHost,
    };
    Error::new(kind).caused_by(cause)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_there_differs_from_one_that_could_not_be_asked_for() {
        for (number, kind) in [
            (libc_numbers::NONAME, ErrorKind::CannotFindHost),
            (libc_numbers::AGAIN, ErrorKind::DnsLookupFailed),
            (libc_numbers::MEMORY, ErrorKind::ResourceExhausted),
        ] {
            assert_eq!(failure(LookupError::new(number)).kind(), kind, "{number}");
        }
    }

    /// As glibc and musl have them, and the BSDs.
    mod libc_numbers {
        const IS_LINUX: bool = cfg!(any(target_os = "linux", target_os = "android"));
        pub(super) const NONAME: i32 = if IS_LINUX { -2 } else { 8 };
        pub(super) const AGAIN: i32 = if IS_LINUX { -3 } else { 2 };
        pub(super) const MEMORY: i32 = if IS_LINUX { -10 } else { 6 };
    }
}
