//! Proxies: what they are, and how each is asked for a connection.
//!
//! A [`Handshake`] reads without consuming: it is shown what came and is not understood yet, says how much of it
//! was its own, and leaves the rest to whatever comes behind it. So a server that speaks first, in the same
//! segment as its proxy's answer, is heard in full.

mod connect;
mod exempt;
mod socks4;
mod socks5;
#[cfg(test)]
mod tests;
mod who;

pub use exempt::NoProxy;
pub(crate) use who::Challenge;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use crate::{Error, ErrorKind, Host};

/// A proxy: where it is, how it is talked to, and as whom.
///
/// ```
/// # use streamtask_proto as streamtask;
/// use streamtask::Proxy;
///
/// # fn main() -> Result<(), streamtask::Error> {
/// let tor: Proxy = "socks5h://127.0.0.1:9050".parse()?;
/// let office: Proxy = "http://me:secret@proxy.example.org:3128".parse()?;
/// assert_eq!(office.to_string(), "http://proxy.example.org:3128"); // nobody reads a password here
/// # drop(tor);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    kind: ProxyKind,
    host: Host,
    login: Option<Login>,
}

/// How a proxy is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyKind {
    /// SOCKS4: IPv4 addresses only. The target's name is resolved here; another proxy behind it must have an
    /// address.
    Socks4,
    /// SOCKS4A: the proxy resolves names.
    Socks4a,
    /// SOCKS5 (RFC 1928). The target's name is resolved here, that of another proxy behind it there.
    Socks5,
    /// SOCKS5, and the proxy resolves names.
    Socks5h,
    /// HTTP's CONNECT (RFC 9110, 9.3.6). The proxy resolves names.
    Http,
}

/// Who somebody is to a proxy.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    user: Arc<str>,
    password: Arc<str>,
}

impl Proxy {
    /// A proxy that asks nobody who they are.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidEndpoint`] as for any other host and port.
    pub fn new(kind: ProxyKind, host: &str, port: u16) -> Result<Self, Error> {
        Ok(Proxy { kind, host: Host::new(host, port)?, login: None })
    }

    /// The same with a name and a password for it. SOCKS4 has no password, and sends the name in clear; so does
    /// SOCKS5, with both. HTTP sends them when the proxy has
    /// asked for them, with Digest only a hash of the password.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what the protocol cannot say: in SOCKS5 more than 255 bytes, or nothing;
    /// in SOCKS4 a zero byte; in HTTP a colon in the name or a control character.
    pub fn login(mut self, user: &str, password: &str) -> Result<Self, Error> {
        let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidArgument).with_detail(why));
        let is_long = |text: &str| text.is_empty() || text.len() > 255;
        let has_control = |text: &str| text.chars().any(char::is_control);
        match self.kind {
            ProxyKind::Socks5 | ProxyKind::Socks5h if is_long(user) || is_long(password) => {
                return refuse("SOCKS5 takes names and passwords of 1 to 255 bytes");
            }
            ProxyKind::Socks4 | ProxyKind::Socks4a if user.contains('\0') || user.len() > 255 => {
                return refuse("SOCKS4 takes names of up to 255 bytes, none of them zero");
            }
            ProxyKind::Http if user.contains(':') || has_control(user) || has_control(password) => {
                return refuse("HTTP takes names without colons, and no control characters");
            }
            _ => self.login = Some(Login { user: user.into(), password: password.into() }),
        }
        Ok(self)
    }

    /// How it is talked to.
    pub fn kind(&self) -> ProxyKind {
        self.kind
    }

    /// Its name or address.
    pub fn host(&self) -> &str {
        self.host.name()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.host.port()
    }

    /// Whether it can be asked for addresses of IPv6.
    pub(crate) fn takes_six(&self) -> bool {
        !matches!(self.kind, ProxyKind::Socks4 | ProxyKind::Socks4a)
    }

    pub(crate) fn place(&self) -> &Host {
        &self.host
    }
}

impl ProxyKind {
    /// Whether names behind it are resolved here.
    pub(crate) fn resolves_here(self) -> bool {
        matches!(self, ProxyKind::Socks4 | ProxyKind::Socks5)
    }

    fn scheme(self) -> &'static str {
        match self {
            ProxyKind::Socks4 => "socks4",
            ProxyKind::Socks4a => "socks4a",
            ProxyKind::Socks5 => "socks5",
            ProxyKind::Socks5h => "socks5h",
            ProxyKind::Http => "http",
        }
    }

    fn of_scheme(scheme: &str) -> Option<Self> {
        let all = [Self::Socks4, Self::Socks4a, Self::Socks5, Self::Socks5h, Self::Http];
        all.into_iter().find(|kind| scheme.eq_ignore_ascii_case(kind.scheme()))
    }
}

/// `scheme://[user[:password]@]host[:port]`, the user and the password percent-encoded where they have to be.
/// Without a port: 1080 for SOCKS, 80 for HTTP. What is wrong with it is said without repeating it.
impl FromStr for Proxy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| Error::new(ErrorKind::InvalidArgument).with_detail(why);
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| refuse("a proxy is written as scheme://host:port"))?;
        let kind = ProxyKind::of_scheme(scheme).ok_or_else(|| {
            refuse("a proxy's scheme is socks4, socks4a, socks5, socks5h or http")
        })?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let is_odd = |byte: u8| matches!(byte, b'/' | b'?' | b'#' | b'@');
        if place.bytes().any(is_odd) {
            return Err(refuse("a proxy has no path"));
        }
        let (host, port) =
            split_port(place, kind).ok_or_else(|| refuse("the proxy's port is no number from 1 to 65535 (a comma or colon in a login is %2C or %3A)"))?;
        let proxy = Proxy::new(kind, host, port)?;
        let Some(login) = login else { return Ok(proxy) };
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let decode = |text| decoded(text).ok_or_else(|| refuse("the proxy's login is ill-encoded"));
        proxy.login(&decode(user)?, &decode(password)?)
    }
}

fn split_port(place: &str, kind: ProxyKind) -> Option<(&str, u16)> {
    let usual = match kind {
        ProxyKind::Http => 80,
        ProxyKind::Socks4 | ProxyKind::Socks4a | ProxyKind::Socks5 | ProxyKind::Socks5h => 1080,
    };
    // A colon within brackets is an address's.
    match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => Some((host, port.parse().ok()?)),
        Some(_) | None => Some((place, usual)),
    }
}

/// Percent-decoded text (RFC 3986, 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
        let digits = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

/// Without the login.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.kind.scheme(), self.host)
    }
}

/// Without the password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("kind", &self.kind)
            .field("host", &self.host.to_string())
            .field("has_login", &self.login.is_some())
            .finish()
    }
}

/// Where a proxy is asked to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Name(Arc<str>, u16),
    Address(SocketAddr),
}

impl Destination {
    /// As it was typed: a literal is an address, whatever the proxy.
    pub(crate) fn of(host: &Host) -> Self {
        match host.address() {
            Some(address) => Destination::Address(address),
            // One with a zone that has a name: the zone is this machine's.
            None => match host.server_name().parse::<IpAddr>() {
                Ok(ip) => Destination::Address(SocketAddr::new(ip, host.port())),
                Err(_) => Destination::Name(host.server_name().into(), host.port()),
            },
        }
    }

    fn port(&self) -> u16 {
        match self {
            Destination::Name(_, port) => *port,
            Destination::Address(address) => address.port(),
        }
    }
}

/// As HTTP writes it (RFC 9110, 7.2), brackets and all.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Name(name, port) => write!(f, "{name}:{port}"),
            Destination::Address(address) => match address.ip() {
                IpAddr::V4(ip) => write!(f, "{ip}:{}", address.port()),
                // A zone means something on this machine alone.
                IpAddr::V6(ip) => write!(f, "[{ip}]:{}", address.port()),
            },
        }
    }
}

/// What a proxy has asked before, and what was made of it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) challenge: Challenge,
    /// How often it is answered, this time included.
    pub(crate) uses: u32,
    /// How often this proxy has asked.
    pub(crate) times: usize,
}

/// One proxy being asked for one connection.
#[derive(Debug)]
pub(crate) enum Handshake {
    Socks4(socks4::Socks4),
    Socks5(socks5::Socks5),
    Connect(connect::Connect),
}

/// What came of reading on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It is not whole yet; nothing was taken.
    NotYet,
    /// So many bytes are understood, and this is said next.
    Next { taken: usize, say: Vec<u8> },
    /// So many bytes are understood. What is behind them comes from the destination.
    Through { taken: usize },
    /// The proxy wants to know who asks: it is asked again, on a new connection.
    Again(Challenge),
}

impl Handshake {
    /// The handshake, and what is said first. `asked` is what the proxy wanted to know before.
    ///
    /// # Errors
    /// When this proxy cannot be asked for that.
    pub(crate) fn new(
        proxy: &Proxy,
        to: &Destination,
        asked: Option<Asked>,
    ) -> Result<(Self, Vec<u8>), Error> {
        let login = proxy.login.as_ref();
        Ok(match proxy.kind {
            ProxyKind::Socks4 | ProxyKind::Socks4a => {
                let hello = socks4::request(to, login, proxy.kind == ProxyKind::Socks4a)?;
                (Handshake::Socks4(socks4::Socks4), hello)
            }
            ProxyKind::Socks5 | ProxyKind::Socks5h => {
                let (socks5, hello) = socks5::Socks5::new(to, login)?;
                (Handshake::Socks5(socks5), hello)
            }
            ProxyKind::Http => {
                let (connect, hello) = connect::Connect::new(to, login, asked)?;
                (Handshake::Connect(connect), hello)
            }
        })
    }

    /// Reads on in what came and is not understood yet.
    ///
    /// # Errors
    /// When the proxy says no, or something that makes no sense.
    pub(crate) fn read(&mut self, unread: &[u8]) -> Result<Reply, Error> {
        match self {
            Handshake::Socks4(socks4) => socks4.read(unread),
            Handshake::Socks5(socks5) => socks5.read(unread),
            Handshake::Connect(connect) => connect.read(unread),
        }
    }
}

/// What a proxy said makes no sense.
fn broken(why: impl Into<Arc<str>>) -> Error {
    Error::new(ErrorKind::ProxyAnswerInvalid).with_detail(why)
}
