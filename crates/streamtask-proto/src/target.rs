//! Where a stream goes: a checked host and port.
//!
//! It only checks what can be known without a network; looking the name up is the driver's.

use std::fmt;
use std::sync::Arc;

use crate::{Error, ErrorKind};

/// A host, by name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    host: Arc<str>,
    port: u16,
}

impl Target {
    /// Checks and keeps `host` and `port`. An IPv6 address may stand in brackets.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidEndpoint`] for a port outside 1…65535, an empty or overlong host, or one
    /// with a character that no host name has.
    pub fn new(host: &str, port: u32) -> Result<Self, Error> {
        let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidEndpoint).detail(why));
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        match u16::try_from(port) {
            Ok(0) | Err(_) => refuse("the port must lie between 1 and 65535"),
            Ok(_) if bare.is_empty() => refuse("the host is empty"),
            // A DNS name has at most 253 characters (RFC 1035, 2.3.4).
            Ok(_) if bare.len() > 253 => refuse("the host is longer than 253 characters"),
            Ok(_) if !bare.bytes().all(is_host_byte) => {
                refuse("the host has a character that no host name has")
            }
            Ok(port) => Ok(Target { host: bare.into(), port }),
        }
    }

    /// The name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, never 0.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Letters, digits and what service names (`_`), addresses (`:`) and scopes (`%`) need.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'%')
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_name_an_endpoint_is_refused() {
        for (host, port) in
            [("h", 0), ("h", 65_536), ("h", 999_999), ("", 1), ("[]", 1), ("a\0b", 1)]
        {
            let error = Target::new(host, port).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::InvalidEndpoint, "{host:?} {port}");
        }
        assert!(Target::new("größe.example", 1).is_err(), "not in its ASCII form");
        assert!(Target::new(&"a".repeat(254), 1).is_err());
    }

    #[test]
    fn an_ipv6_address_prints_in_brackets() {
        assert_eq!(Target::new("::1", 25).expect("valid").to_string(), "[::1]:25");
        assert_eq!(Target::new("[::1]", 25).expect("valid").host(), "::1");
        assert_eq!(Target::new("example.org", 25).expect("valid").to_string(), "example.org:25");
    }
}
