//! What can go wrong, and whose fault it was: kinds to match on, each with numbers for other languages.
//!
//! A leaf: what belongs to one failure (where, why, caused by what) stands in [`error`](super::error).

use std::fmt;

/// What happened, to match on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument makes no sense, such as a minimum over the maximum.
    InvalidArgument,
    /// The host name or the port cannot name an endpoint.
    InvalidEndpoint,
    /// The session was invalidated and takes no new tasks.
    SessionInvalidated,
    /// The task was cancelled, or a challenge was answered with *cancel* or dropped.
    Cancelled,
    /// A limit in time was reached; it says which.
    TimedOut(Limit),
    /// The name has no address.
    CannotFindHost,
    /// The resolver itself failed.
    DnsLookupFailed,
    /// No address of the host accepted the connection, or there is no address or port of this machine to
    /// reach it from (`EADDRNOTAVAIL`).
    CannotConnect,
    /// This machine has no usable network.
    NotConnectedToInternet,
    /// The established connection was reset or dropped.
    ConnectionLost,
    /// The stream under TLS ended without the peer's close_notify: it may have been cut off.
    Truncated,
    /// That side of the stream is closed, or the task is over or captured (POSIX `ENOTCONN`).
    NotConnected,
    /// The stream ended before `read_exact` or `read_until` had what was asked for. What came stays unread:
    /// `read_data` brings it.
    UnexpectedEnd,
    /// `read_until` saw `max` bytes without the delimiter. They stay unread.
    DelimiterNotFound,
    /// The TLS handshake failed.
    SecureConnectionFailed,
    /// Clear-text bytes lay unread when TLS was to start: perhaps injected. They are not delivered.
    UnexpectedClearText {
        /// How many there were.
        bytes: usize,
    },
    /// The peer's certificate has expired.
    CertificateExpired,
    /// The peer's certificate is not trusted, or is for another name.
    CertificateUntrusted,
    /// The peer's chain ends in a root that is not known.
    CertificateUnknownRoot,
    /// The peer's certificate is not valid yet.
    CertificateNotYetValid,
    /// The delegate refused the server, whatever the evaluation came to.
    ServerRejected,
    /// The peer refused the certificate we sent.
    ClientCertificateRejected,
    /// The peer wants a certificate and got none.
    ClientCertificateRequired,
    /// More would wait to be written than `Configuration::write_queue_limit` allows.
    /// Nothing of this write was or will be sent.
    WriteQueueFull,
    /// A proxy refused to connect to the target. (Where it tried and could not, that is
    /// [`CannotConnect`](Self::CannotConnect).)
    ProxyRefused,
    /// A proxy wants to know who asks, or does not take the name and password it was given.
    ProxyAuthenticationRequired,
    /// What a proxy answered makes no sense, or came to no end.
    ProxyAnswerInvalid,
    /// This machine ran out of something (descriptors, memory for sockets).
    ResourceExhausted,
    /// None of the above.
    Unknown,
}

/// Which limit in time was reached.
///
/// Its numbers never change (`limit as u8`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Limit {
    /// The timeout of this read. Its bytes stay first in line for the next one.
    Read = 1,
    /// The timeout of this write.
    Write = 2,
    /// `timeout_for_request`, while connecting.
    Connect = 3,
    /// `timeout_for_request`, while TLS was starting.
    SecureStart = 4,
    /// `timeout_for_request`, while waiting for the peer's close_notify.
    SecureStop = 5,
    /// `timeout_for_resource`: the whole life of the task.
    Resource = 6,
    /// The operating system gave up on a silent peer.
    Network = 7,
}

/// Whose fault a failure was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The calling program asked for something impossible.
    Caller,
    /// The other end broke the protocol or refused.
    Peer,
    /// The way to it: names, routes, connections.
    Network,
    /// Who it says it is could not be trusted, or it did not trust us.
    Trust,
    /// Nobody's: it was cancelled.
    Cancelled,
    /// Nobody can tell yet: a limit in time was reached.
    Time,
    /// This machine.
    Local,
}

impl ErrorKind {
    /// The number that `URLError` has for this kind.
    pub fn code(self) -> i32 {
        match self {
            Self::InvalidArgument
            | Self::SessionInvalidated
            | Self::WriteQueueFull
            | Self::Unknown => -1,
            Self::Cancelled => -999,
            Self::InvalidEndpoint => -1000,
            Self::TimedOut(_) => -1001,
            Self::CannotFindHost => -1003,
            Self::CannotConnect | Self::ResourceExhausted => -1004,
            Self::ConnectionLost | Self::Truncated | Self::UnexpectedEnd | Self::NotConnected => {
                -1005
            }
            Self::DnsLookupFailed => -1006,
            Self::NotConnectedToInternet => -1009,
            Self::ProxyRefused | Self::ProxyAnswerInvalid => -1011,
            Self::ProxyAuthenticationRequired => -1013,
            Self::DelimiterNotFound => -1017,
            Self::SecureConnectionFailed
            | Self::ServerRejected
            | Self::UnexpectedClearText { .. } => -1200,
            Self::CertificateExpired => -1201,
            Self::CertificateUntrusted => -1202,
            Self::CertificateUnknownRoot => -1203,
            Self::CertificateNotYetValid => -1204,
            Self::ClientCertificateRejected => -1205,
            Self::ClientCertificateRequired => -1206,
        }
    }

    /// A number of its own, which never changes: for other languages and for logs. (The
    /// [`code`](Self::code) of `URLError` is the same for several kinds.)
    pub fn number(self) -> u32 {
        match self {
            Self::InvalidArgument => 1,
            Self::InvalidEndpoint => 2,
            Self::SessionInvalidated => 3,
            Self::Cancelled => 4,
            Self::TimedOut(_) => 5,
            Self::CannotFindHost => 6,
            Self::DnsLookupFailed => 7,
            Self::CannotConnect => 8,
            Self::NotConnectedToInternet => 9,
            Self::ConnectionLost => 10,
            Self::Truncated => 11,
            Self::NotConnected => 12,
            Self::UnexpectedEnd => 13,
            Self::DelimiterNotFound => 14,
            Self::SecureConnectionFailed => 15,
            Self::UnexpectedClearText { .. } => 16,
            Self::CertificateExpired => 17,
            Self::CertificateUntrusted => 18,
            Self::CertificateUnknownRoot => 19,
            Self::CertificateNotYetValid => 20,
            Self::ServerRejected => 21,
            Self::ClientCertificateRejected => 22,
            Self::ClientCertificateRequired => 23,
            Self::ResourceExhausted => 24,
            Self::Unknown => 25,
            Self::WriteQueueFull => 26,
            Self::ProxyRefused => 27,
            Self::ProxyAuthenticationRequired => 28,
            Self::ProxyAnswerInvalid => 29,
        }
    }

    /// Whose fault it was.
    pub fn fault(self) -> Fault {
        match self {
            Self::InvalidArgument
            | Self::InvalidEndpoint
            | Self::SessionInvalidated
            | Self::WriteQueueFull
            | Self::NotConnected => Fault::Caller,
            Self::Cancelled => Fault::Cancelled,
            Self::TimedOut(_) => Fault::Time,
            Self::CannotFindHost
            | Self::DnsLookupFailed
            | Self::CannotConnect
            | Self::NotConnectedToInternet
            | Self::ProxyRefused
            | Self::ConnectionLost => Fault::Network,
            Self::Truncated
            | Self::UnexpectedEnd
            | Self::DelimiterNotFound
            | Self::SecureConnectionFailed
            | Self::ProxyAnswerInvalid
            | Self::UnexpectedClearText { .. } => Fault::Peer,
            Self::CertificateExpired
            | Self::CertificateUntrusted
            | Self::CertificateUnknownRoot
            | Self::CertificateNotYetValid
            | Self::ServerRejected
            | Self::ProxyAuthenticationRequired
            | Self::ClientCertificateRejected
            | Self::ClientCertificateRequired => Fault::Trust,
            Self::ResourceExhausted | Self::Unknown => Fault::Local,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidArgument => "invalid argument",
            Self::InvalidEndpoint => "not a valid host and port",
            Self::SessionInvalidated => "the session has been invalidated",
            Self::Cancelled => "cancelled",
            Self::TimedOut(limit) => return write!(f, "timed out: {limit}"),
            Self::CannotFindHost => "the host cannot be found",
            Self::DnsLookupFailed => "the name lookup failed",
            Self::CannotConnect => "cannot connect to the host",
            Self::ProxyRefused => "the proxy refused to connect",
            Self::ProxyAuthenticationRequired => "the proxy does not know who asks",
            Self::ProxyAnswerInvalid => "the proxy's answer makes no sense",
            Self::NotConnectedToInternet => "this machine is not connected to a network",
            Self::ConnectionLost => "the connection was lost",
            Self::Truncated => "the stream was cut off: TLS ended without close_notify",
            Self::NotConnected => "that side of the stream is closed",
            Self::UnexpectedEnd => "the stream ended before what was asked for had come",
            Self::DelimiterNotFound => "the delimiter did not come within the maximum",
            Self::SecureConnectionFailed => "no secure connection could be made",
            Self::UnexpectedClearText { bytes } => {
                return write!(f, "{bytes} clear-text bytes lay unread when TLS was to start");
            }
            Self::CertificateExpired => "the server's certificate has expired",
            Self::CertificateUntrusted => "the server's certificate is not trusted",
            Self::CertificateUnknownRoot => "the server's certificate has an unknown root",
            Self::CertificateNotYetValid => "the server's certificate is not valid yet",
            Self::ServerRejected => "the delegate refused the server",
            Self::ClientCertificateRejected => "the server refused the client certificate",
            Self::ClientCertificateRequired => "the server requires a client certificate",
            Self::WriteQueueFull => "too much waits to be written",
            Self::ResourceExhausted => "this machine ran out of resources",
            Self::Unknown => "unknown error",
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "the read",
            Self::Write => "the write",
            Self::Connect => "connecting",
            Self::SecureStart => "the TLS handshake",
            Self::SecureStop => "waiting for the peer's close_notify",
            Self::Resource => "the whole task",
            Self::Network => "the network gave up on the peer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other languages know them: a number is given once and never again.
    #[test]
    fn the_numbers_of_kinds_are_what_they_were() {
        use ErrorKind as Kind;
        let all = [
            Kind::InvalidArgument,
            Kind::InvalidEndpoint,
            Kind::SessionInvalidated,
            Kind::Cancelled,
            Kind::TimedOut(Limit::Read),
            Kind::CannotFindHost,
            Kind::DnsLookupFailed,
            Kind::CannotConnect,
            Kind::NotConnectedToInternet,
            Kind::ConnectionLost,
            Kind::Truncated,
            Kind::NotConnected,
            Kind::UnexpectedEnd,
            Kind::DelimiterNotFound,
            Kind::SecureConnectionFailed,
            Kind::UnexpectedClearText { bytes: 1 },
            Kind::CertificateExpired,
            Kind::CertificateUntrusted,
            Kind::CertificateUnknownRoot,
            Kind::CertificateNotYetValid,
            Kind::ServerRejected,
            Kind::ClientCertificateRejected,
            Kind::ClientCertificateRequired,
            Kind::ResourceExhausted,
            Kind::Unknown,
            Kind::WriteQueueFull,
            Kind::ProxyRefused,
            Kind::ProxyAuthenticationRequired,
            Kind::ProxyAnswerInvalid,
        ];
        let numbers: Vec<u32> = all.iter().map(|kind| kind.number()).collect();
        assert_eq!(numbers, (1..=29).collect::<Vec<_>>());
    }
}
