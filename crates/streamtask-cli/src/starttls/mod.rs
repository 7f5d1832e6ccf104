//! How a server is asked, in clear text, to start TLS: one small machine per family of protocols.
//!
//! The machines are pure: they are shown what the server says, unit by unit, and answer what comes next.
//! They never see a socket; `connect::dialogue` drives them. Each accepts exactly the words of its RFC
//! and refuses everything else, because nothing that is said in clear text can be believed.

mod codes;
mod imap;
mod pop3;
mod postgres;
mod sieve;

use std::fmt;

use clap::ValueEnum;

use crate::text::printable;

/// A protocol that begins in clear text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// Mail (RFC 3207)
    Smtp,
    /// Local mail (RFC 2033)
    Lmtp,
    /// Mailboxes (RFC 9051)
    Imap,
    /// Mailboxes, the simple way (RFC 2595)
    Pop3,
    /// Files (RFC 4217)
    Ftp,
    /// News (RFC 4642)
    Nntp,
    /// Mail filters (RFC 5804)
    Sieve,
    /// The database PostgreSQL
    Postgres,
}

impl Protocol {
    /// The machine that asks; `our_name` is how we introduce ourselves where that is the custom.
    pub(crate) fn machine(self, our_name: &str) -> Box<dyn Machine> {
        match self {
            Protocol::Smtp => Box::new(codes::Codes::new(&codes::SMTP, our_name)),
            Protocol::Lmtp => Box::new(codes::Codes::new(&codes::LMTP, our_name)),
            Protocol::Ftp => Box::new(codes::Codes::new(&codes::FTP, our_name)),
            Protocol::Nntp => Box::new(codes::Codes::new(&codes::NNTP, our_name)),
            Protocol::Imap => Box::new(imap::Imap::default()),
            Protocol::Pop3 => Box::new(pop3::Pop3::default()),
            Protocol::Sieve => Box::new(sieve::Sieve::default()),
            Protocol::Postgres => Box::new(postgres::Postgres),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.to_possible_value();
        f.write_str(name.as_ref().map_or("?", |name| name.get_name()))
    }
}

/// One conversation, from the greeting to the go-ahead.
pub(crate) trait Machine: Send {
    /// In what the server speaks.
    fn unit(&self) -> Unit {
        Unit::Line
    }

    /// What comes first.
    fn begin(&self) -> Next {
        Next::Listen
    }

    /// What follows upon a unit that the server said; a line comes without its CRLF.
    fn hear(&mut self, unit: &[u8]) -> Result<Next, Refusal>;

    /// What the server said although it is our turn. Going on would take it for the answer.
    fn hear_early(&self, unit: &[u8]) -> Result<(), Refusal> {
        Err(Refusal::Early(unit.to_vec()))
    }
}

/// What the server speaks in.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    /// Lines that end in CRLF.
    Line,
    /// Single bytes.
    Byte,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Hear the next unit.
    Listen,
    /// Send this line, then listen.
    Say(String),
    /// Send these bytes, then listen.
    Send(&'static [u8]),
    /// Start TLS now: the next byte of the server belongs to it.
    Secure,
}

/// Why TLS will not be started. The server's words are as they came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The server said no.
    Refused(Vec<u8>),
    /// What the server can do does not include it.
    NotOffered,
    /// The server takes us for somebody already, so it is too late (RFC 9051, 6.2.1).
    SignedIn(Vec<u8>),
    /// That is not what the protocol has in this place.
    Unexpected(Vec<u8>),
    /// An answer before the question.
    Early(Vec<u8>),
    /// More and more, and no answer.
    Endless,
}

impl Refusal {
    fn refused(unit: &[u8]) -> Self {
        Refusal::Refused(unit.to_vec())
    }

    fn unexpected(unit: &[u8]) -> Self {
        Refusal::Unexpected(unit.to_vec())
    }

    /// What somebody at a shell could try.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Refusal::Refused(_) | Refusal::NotOffered => {
                "another port may have TLS from the first byte: --tls"
            }
            Refusal::SignedIn(_) => {
                "the server must not sign anybody in before TLS; ask its operator"
            }
            Refusal::Unexpected(_) | Refusal::Endless => {
                "check the port: does it speak that protocol, in clear text?"
            }
            Refusal::Early(_) => {
                "do not go on: somebody on the way may be injecting; tell the server's operator"
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, words) = match self {
            Refusal::Refused(words) => ("the server refused", words),
            Refusal::NotOffered => return f.write_str("the server does not offer STARTTLS"),
            Refusal::Endless => return f.write_str("the server says more and more and no answer"),
            Refusal::SignedIn(words) => ("the server signed us in without TLS", words),
            Refusal::Unexpected(words) => ("the server said what does not belong there", words),
            Refusal::Early(words) => ("the server answered before it was asked", words),
        };
        write!(f, "{what}: {}", printable(words))
    }
}

/// Splits a line at its first space.
fn first_word(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|&byte| byte == b' ') {
        Some(space) => (&line[..space], &line[space + 1..]),
        None => (line, b""),
    }
}

/// A conversation in tests: shows `lines` to the machine and gives its last answer.
#[cfg(test)]
fn play(mut machine: Box<dyn Machine>, lines: &[&str]) -> Result<Next, Refusal> {
    let mut next = machine.begin();
    for line in lines {
        next = machine.hear(line.as_bytes())?;
    }
    Ok(next)
}
