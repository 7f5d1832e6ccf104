//! What to try next, by what happened.

use streamtask::{ErrorKind, Limit};

/// One piece of advice for people at a shell.
pub(super) fn hint(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidArgument => "check the options and the files they name",
        ErrorKind::InvalidEndpoint => "check the host (a name or an address) and the port",
        ErrorKind::CannotFindHost => "check the spelling of the name; an address works too",
        ErrorKind::DnsLookupFailed => "check this machine's resolver, or give an address",
        ErrorKind::CannotConnect => {
            "check the port: is the server up, does a firewall let you through?"
        }
        ErrorKind::ProxyRefused => "ask the proxy's operator, or take another one (--proxy)",
        ErrorKind::ProxyAuthenticationRequired => {
            "say who asks, or check it: --proxy SCHEME://USER:PASSWORD@HOST:PORT"
        }
        ErrorKind::ProxyAnswerInvalid => "check --proxy: are these its scheme and its port?",
        ErrorKind::NotConnectedToInternet => "check this machine's network",
        ErrorKind::ConnectionLost | ErrorKind::UnexpectedEnd => {
            "try again; the server's log may say why it hung up"
        }
        ErrorKind::NotConnected => "try again; the server closed before it was done",
        ErrorKind::Truncated => {
            "take what came as incomplete: the end of TLS was not announced (close_notify)"
        }
        ErrorKind::DelimiterNotFound => "check the port: does it speak that protocol?",
        ErrorKind::SecureConnectionFailed => {
            "does the port begin in clear text (--starttls), or want another version (--tls-min)?"
        }
        ErrorKind::UnexpectedClearText { .. } => {
            "do not go on: somebody on the way may be injecting; tell the server's operator"
        }
        ErrorKind::CertificateExpired | ErrorKind::CertificateNotYetValid => {
            "check this machine's clock; else the server's operator has to renew it"
        }
        ErrorKind::CertificateUnknownRoot => {
            "--ca FILE trusts the root that issued it, --insecure anybody"
        }
        ErrorKind::CertificateUntrusted => "the server's operator has to replace the certificate",
        ErrorKind::ClientCertificateRejected => "show another one with --cert FILE --key FILE",
        ErrorKind::ClientCertificateRequired => "show one with --cert FILE --key FILE",
        ErrorKind::ResourceExhausted => "close something, or raise a limit (ulimit -n)",
        ErrorKind::TimedOut(limit) => in_time(limit),
        _ => "try again with --verbose",
    }
}

fn in_time(limit: Limit) -> &'static str {
    match limit {
        Limit::Connect => "is a firewall in between? --timeout and --connect-timeout allow more",
        Limit::SecureStart => {
            "does the port begin in clear text (--starttls)? --timeout SECONDS allows more"
        }
        Limit::Network => "the network lost the peer; try again",
        _ => "--timeout SECONDS allows more",
    }
}
