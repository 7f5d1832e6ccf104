//! What went wrong, in three lines, and the exit code that scripts see.
//!
//! Every failure says what was tried, where it failed and what to try next.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use anstyle::{AnsiColor, Style};
use streamtask::{Error, ErrorKind};

use crate::shortage::is_shortage;
use crate::stdio;
use crate::text::printable;

mod hints;

/// What `--help` says about exit codes.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  something else went wrong on this machine
    2  wrong usage: an option, or a file that one names
    3  the name was not found, or nobody could be connected to
    4  TLS or trust failed
    5  the peer or a proxy refused, or broke the protocol
    6  the connection was lost, or the stream was cut off
    7  it took too long
  130  interrupted";

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success = 0,
    Other = 1,
    Usage = 2,
    Unconnected = 3,
    Insecure = 4,
    Refused = 5,
    Lost = 6,
    TimedOut = 7,
    /// 128 and the number of SIGINT, as shells have it. Whoever pressed Ctrl-C knows, so nothing is said.
    Interrupted = 130,
}

impl Exit {
    pub(crate) fn code(self) -> i32 {
        self as i32
    }

    fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidArgument | ErrorKind::InvalidEndpoint => Exit::Usage,
            ErrorKind::CannotFindHost
            | ErrorKind::DnsLookupFailed
            | ErrorKind::CannotConnect
            | ErrorKind::NotConnectedToInternet => Exit::Unconnected,
            ErrorKind::SecureConnectionFailed
            | ErrorKind::UnexpectedClearText { .. }
            | ErrorKind::CertificateExpired
            | ErrorKind::CertificateUntrusted
            | ErrorKind::CertificateUnknownRoot
            | ErrorKind::CertificateNotYetValid
            | ErrorKind::ServerRejected
            | ErrorKind::ClientCertificateRejected
            | ErrorKind::ClientCertificateRequired => Exit::Insecure,
            ErrorKind::DelimiterNotFound
            | ErrorKind::ProxyRefused
            | ErrorKind::ProxyAuthenticationRequired
            | ErrorKind::ProxyAnswerInvalid => Exit::Refused,
            ErrorKind::ConnectionLost
            | ErrorKind::Truncated
            | ErrorKind::UnexpectedEnd
            | ErrorKind::NotConnected => Exit::Lost,
            ErrorKind::TimedOut(_) => Exit::TimedOut,
            _ => Exit::Other,
        }
    }
}

/// A failure, ready to be told.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    tried: String,
    failed: String,
    next: String,
}

impl Failure {
    /// The whole of it: what was tried ("connecting to …"), where it failed, what to try next.
    pub(crate) fn new(
        exit: Exit,
        tried: impl Into<String>,
        failed: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Failure { exit, tried: tried.into(), failed: failed.into(), next: next.into() }
    }

    /// What the library says happened while something was tried.
    pub(crate) fn of(error: &Error, tried: impl Into<String>) -> Self {
        let kind = error.kind();
        Failure::new(Exit::of(kind), tried, chain(error), hints::hint(kind))
    }

    /// The same with other advice, from somebody who knows more of the circumstances.
    pub(crate) fn advise(self, next: impl Into<String>) -> Self {
        Failure { next: next.into(), ..self }
    }

    /// Any error, and what to make of it.
    pub(crate) fn explained(
        exit: Exit,
        tried: impl Into<String>,
        error: &(dyn StdError + 'static),
        next: &str,
    ) -> Self {
        Failure::new(exit, tried, chain(error), next)
    }

    /// This machine could not do it.
    pub(crate) fn local(tried: impl Into<String>, error: &(dyn StdError + 'static)) -> Self {
        let is_short = error.downcast_ref::<io::Error>().is_some_and(is_shortage);
        let next = match is_short {
            true => hints::hint(ErrorKind::ResourceExhausted),
            false => "see to that and run it again",
        };
        Failure::explained(Exit::Other, tried, error, next)
    }

    /// Says it on stderr.
    pub(crate) fn report(self) -> Exit {
        stdio::tell(&self.to_string());
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { tried, failed, next, .. } = self;
        writeln!(f, "{RED}streamtask: {tried} failed{RED:#}")?;
        writeln!(f, "  {BOLD}where{BOLD:#}  {failed}")?;
        writeln!(f, "  {BOLD}next{BOLD:#}   {next}")
    }
}

const RED: Style = AnsiColor::Red.on_default().bold();
const BOLD: Style = Style::new().bold();

/// An error and what caused it, fit for a terminal: both may hold words of the peer.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = own_words(error);
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        // What rustls says is for its own authors; the library has said it in other words.
        if !text.ends_with(&words) && !cause.is::<rustls::Error>() {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    printable(text.as_bytes())
}

/// What was tried names the endpoint already.
fn own_words(error: &(dyn StdError + 'static)) -> String {
    let words = error.to_string();
    let endpoint = error.downcast_ref::<Error>().and_then(Error::endpoint);
    let bare = endpoint.and_then(|endpoint| words.strip_prefix(endpoint)?.strip_prefix(": "));
    bare.map(str::to_owned).unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_three_lines_without_a_terminals_orders() {
        let error = Error::new(ErrorKind::SecureConnectionFailed)
            .with_endpoint("h:1")
            .caused_by(std::io::Error::other("evil \u{1b}[31m\nline"));
        let text = Failure::of(&error, "starting TLS with h:1").to_string();
        let text = anstream::adapter::strip_str(&text).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "streamtask: starting TLS with h:1 failed");
        assert_eq!(lines[1], r"  where  no secure connection could be made: evil \u{1b}[31m\nline");
        assert!(lines[2].starts_with("  next   "));
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn every_documented_code_is_an_exit() {
        let codes: Vec<i32> = EXIT_CODES
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().next()?.parse().ok())
            .collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, Exit::Interrupted.code()]);
    }
}
