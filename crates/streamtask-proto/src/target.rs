//! Where a stream goes: a checked host and port, or a path.
//!
//! One string serves three purposes, and they have three answers: what was typed (and is shown), what is
//! dialled, and what is verified. Only what can be known without a network is decided here; looking a
//! name up is the driver's.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::Path;
use std::sync::Arc;

use crate::{Error, ErrorKind};

/// Where a stream goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A host, by name or address, and a port.
    Host(Host),
    /// A socket of this machine.
    Path(Arc<Path>),
}

/// A host, by name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    name: Arc<str>,
    port: u16,
    address: Option<SocketAddr>,
    server_name: Arc<str>,
}

/// What can be connected to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// An address and a port of TCP.
    Ip(SocketAddr),
    /// A socket of this machine.
    Path(Arc<Path>),
}

impl Address {
    /// The address of TCP, if it is one.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Address::Ip(address) => Some(*address),
            Address::Path(_) => None,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Address::Ip(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Ip(address) => address.fmt(f),
            Address::Path(path) => path.display().fmt(f),
        }
    }
}

impl Target {
    /// Checks and keeps `host` and `port`. An IPv6 address may stand in brackets.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidEndpoint`] for port 0, an empty or overlong host, or one with a character that
    /// no host name has.
    pub fn new(host: &str, port: u16) -> Result<Self, Error> {
        Host::new(host, port).map(Target::Host)
    }

    /// A path, as it is.
    pub fn at_path(path: impl Into<Arc<Path>>) -> Self {
        Target::Path(path.into())
    }

    /// The host and port, if it has them.
    pub fn host(&self) -> Option<&Host> {
        match self {
            Target::Host(host) => Some(host),
            Target::Path(_) => None,
        }
    }

    /// What is asked for and verified under TLS; behind a path that is this machine.
    pub fn server_name(&self) -> &str {
        match self {
            Target::Host(host) => &host.server_name,
            Target::Path(_) => "localhost",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Host(host) => host.fmt(f),
            Target::Path(path) => path.display().fmt(f),
        }
    }
}

impl Host {
    /// As [`Target::new`].
    ///
    /// # Errors
    /// As there.
    pub fn new(host: &str, port: u16) -> Result<Self, Error> {
        let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidEndpoint).with_detail(why));
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        match port {
            0 => refuse("no peer has port 0"),
            _ if bare.is_empty() => refuse("the host is empty"),
            // A DNS name has at most 253 characters (RFC 1035, 2.3.4).
            _ if bare.len() > 253 => refuse("the host is longer than 253 characters"),
            _ if !bare.bytes().all(is_host_byte) => {
                refuse("the host has a character that no host name has")
            }
            _ if (bare.contains(':') || bare.len() < host.len()) && !is_ipv6(bare) => {
                refuse("only an address of IPv6 has colons, or stands in brackets")
            }
            _ => Ok(Host {
                name: bare.into(),
                port,
                address: address(bare, port),
                server_name: server_name(bare).into(),
            }),
        }
    }

    /// What was typed, without brackets.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What is dialled, if the host is an address in any spelling (`127.1`, `0x7f.1`, `::1%1`); `None` if
    /// [`name`](Self::name) has to be looked up, as it was typed: with its trailing dot, which keeps
    /// resolvers from trying it as part of another name, or with the name of an interface behind `%`.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// What is asked for and verified under TLS: the address in its usual spelling and without a zone,
    /// or the name without a trailing dot (RFC 6066, 3).
    pub fn server_name(&self) -> &str {
        &self.server_name
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

/// Whether it is an address of IPv6, with the zone of a scope or without.
fn is_ipv6(host: &str) -> bool {
    let address = host.split_once('%').map_or(host, |(address, _zone)| address);
    address.parse::<Ipv6Addr>().is_ok()
}

fn address(host: &str, port: u16) -> Option<SocketAddr> {
    match ipv4(host) {
        Some(address) => Some((address, port).into()),
        None => format!("[{host}]:{port}").parse::<SocketAddrV6>().ok().map(SocketAddr::V6),
    }
}

/// What a certificate has to say for whoever types `host`.
pub(crate) fn server_name(host: &str) -> String {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Some(address) = ipv4(bare) {
        return address.to_string();
    }
    let name = match bare.split_once('%') {
        // A zone means something on this machine alone (RFC 4007, 11.2).
        Some((address, _zone)) if address.contains(':') => address,
        Some(_) | None => bare,
    };
    let without_dot = name.strip_suffix('.').filter(|rest| !rest.is_empty());
    without_dot.unwrap_or(name).to_owned()
}

/// An IPv4 address as inet_aton(3) reads it, and every getaddrinfo with it: up to four numbers, decimal,
/// octal or hexadecimal, of which the last fills the bytes that are left.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let numbers = host.split('.').map(number).collect::<Option<Vec<u32>>>()?;
    let (last, bytes) = numbers.split_last()?;
    let room = u32::BITS.checked_sub(8 * u32::try_from(bytes.len()).ok()?)?;
    let fits = room > 0 && u64::from(*last) < 1 << room && bytes.iter().all(|byte| *byte < 256);
    let place = |sum, (index, byte): (usize, &u32)| sum | byte << (24 - 8 * index);
    fits.then(|| Ipv4Addr::from(bytes.iter().enumerate().fold(*last, place)))
}

fn number(text: &str) -> Option<u32> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match (hexadecimal, text.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        (None, _) => (text, 10),
    };
    // The standard library would take a sign.
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    u32::from_str_radix(digits, radix).ok().filter(|_| is_number)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.contains(':') {
            true => write!(f, "[{}]:{}", self.name, self.port),
            false => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_name_an_endpoint_is_refused() {
        for (host, port) in
            [("h", 0), ("", 1), ("[]", 1), ("a\0b", 1), ("a:b", 1), ("[a]", 1), ("[127.0.0.1]", 1)]
        {
            let error = Host::new(host, port).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::InvalidEndpoint, "{host:?} {port}");
        }
        assert!(Host::new("größe.example", 1).is_err(), "not in its ASCII form");
        assert!(Host::new(&"a".repeat(254), 1).is_err());
    }

    #[test]
    fn an_ipv6_address_prints_in_brackets() {
        assert_eq!(Host::new("::1", 25).expect("valid").to_string(), "[::1]:25");
        assert_eq!(Host::new("[::1]", 25).expect("valid").name().as_ref(), "::1");
        assert_eq!(Host::new("example.org", 25).expect("valid").to_string(), "example.org:25");
    }

    fn of(host: &str) -> Host {
        Host::new(host, 25).expect(host)
    }

    #[test]
    fn every_way_of_writing_an_ipv4_address_is_dialled_and_verified_as_that_address() {
        // As inet_aton(3) reads them, and getaddrinfo with it: the last part fills what is left.
        for (typed, address) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("127.0.1", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("0X7F.0x0.1", "127.0.0.1"),
            ("0177.0.0.01", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("017700000001", "127.0.0.1"),
            ("10.65535", "10.0.255.255"),
            ("1.2.772", "1.2.3.4"),
            ("0", "0.0.0.0"),
            ("4294967295", "255.255.255.255"),
        ] {
            let target = of(typed);
            let dialled = target.address().expect(typed);
            assert_eq!(dialled.to_string(), format!("{address}:25"), "{typed}");
            assert_eq!(target.server_name(), address, "{typed}");
            assert_eq!((&**target.name(), target.to_string()), (typed, format!("{typed}:25")));
        }
    }

    #[test]
    fn what_is_no_address_is_looked_up_and_verified_as_a_name() {
        for name in [
            "example.org",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3.256",
            "4294967296",
            "1.16777216",
            "08.1",
            "0x",
            "0x.1",
            "1..2",
            "+1.2",
            "1.2.3.4a",
            "127.0.0.1.nip.io",
            "0xg.1",
        ] {
            let Ok(target) = Host::new(name, 25) else { continue };
            assert_eq!((target.address(), target.server_name()), (None, name));
        }
    }

    #[test]
    fn the_zone_of_an_address_is_dialled_and_not_verified() {
        for (typed, dialled, verified) in [
            ("::1", Some("[::1]:25"), "::1"),
            ("::1%1", Some("[::1%1]:25"), "::1"),
            ("[fe80::1%7]", Some("[fe80::1%7]:25"), "fe80::1"),
            // Which number the interface has is the system's to say.
            ("fe80::1%eth0", None, "fe80::1"),
            ("::ffff:127.0.0.1", Some("[::ffff:127.0.0.1]:25"), "::ffff:127.0.0.1"),
        ] {
            let target = of(typed);
            assert_eq!(target.address().map(|address| address.to_string()).as_deref(), dialled);
            assert_eq!(target.server_name(), verified);
            assert!(target.to_string().contains(&**target.name()), "what was typed is shown");
        }
    }

    #[test]
    fn the_trailing_dot_of_a_name_is_looked_up_and_not_verified() {
        let target = of("example.org.");
        assert_eq!((&**target.name(), target.server_name()), ("example.org.", "example.org"));
        assert_eq!(target.address(), None);
        assert_eq!(of("my_host.example.").server_name(), "my_host.example");
        assert_eq!(of(".").server_name(), ".", "no name is left without it");
    }
}
