//! HTTP's CONNECT (RFC 9110, 9.3.6): one request, and its answer's head; what follows is the tunnel.
//!
//! Who asks is said only when the proxy has asked for it, and then on a new connection: so the body of its
//! question is never taken for anything else, however it is delimited.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Destination, Login, Reply, broken};
use crate::{Error, ErrorKind};

#[derive(Debug)]
pub(crate) struct Connect {
    has_login: bool,
    is_asked: bool,
    /// Answers that were not the last one, and how long they were.
    interim: usize,
    skipped: usize,
}

impl Connect {
    pub(super) fn new(to: &Destination, login: Option<&Login>, is_asked: bool) -> (Self, Vec<u8>) {
        let who = login.filter(|_| is_asked).map_or(String::new(), |login| {
            let both = STANDARD.encode(format!("{}:{}", login.user, login.password));
            format!("Proxy-Authorization: Basic {both}\r\n")
        });
        let hello = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{who}\r\n");
        let connect = Connect { has_login: login.is_some(), is_asked, interim: 0, skipped: 0 };
        (connect, hello.into_bytes())
    }

    pub(super) fn read(&mut self, unread: &[u8]) -> Result<Reply, Error> {
        let Some(head) = read_head(unread, self.skipped)? else { return Ok(Reply::NotYet) };
        match head.status {
            101 => Err(broken("it changes the protocol, which nobody asked for")),
            100..=199 if self.interim == MOST_INTERIM => {
                Err(broken("it says nothing but that it will answer"))
            }
            100..=199 => {
                self.interim += 1;
                self.skipped += head.length;
                Ok(Reply::Next { taken: head.length, say: Vec::new() })
            }
            200..=299 => Ok(Reply::Through { taken: head.length }),
            // Tinyproxy says 401 to those it does not know.
            401 | 407 => self.challenged(&head),
            status => Err(refusal(status, &head.reason)),
        }
    }

    fn challenged(&self, head: &Head) -> Result<Reply, Error> {
        let why = match (self.has_login, self.is_asked) {
            (true, false) if head.takes_basic => return Ok(Reply::Again),
            (true, true) => "it does not take this name and password",
            (true, false) => "it wants to know who asks in a way that is not known here",
            (false, _) => "it wants to know who asks",
        };
        Err(Error::new(ErrorKind::ProxyAuthenticationRequired).with_detail(why))
    }
}

/// How many answers may come before the one.
const MOST_INTERIM: usize = 20;
/// How long a head may be, and how long all of them together.
const MOST_IN_A_HEAD: usize = 64 << 10;
const MOST_IN_ALL: usize = 300 << 10;
const MOST_FIELDS: usize = 128;

struct Head {
    status: u16,
    reason: String,
    takes_basic: bool,
    length: usize,
}

/// The head of an answer, once it is whole.
fn read_head(unread: &[u8], before: usize) -> Result<Option<Head>, Error> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let mut config = httparse::ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    config.allow_spaces_after_header_name_in_responses(true);
    let parsed = config.parse_response(&mut response, unread);
    let length = match parsed {
        Err(error) => return Err(broken(format!("its answer is no HTTP: {error}"))),
        Ok(httparse::Status::Partial) => {
            let is_too_long =
                unread.len() >= MOST_IN_A_HEAD || before + unread.len() >= MOST_IN_ALL;
            return if is_too_long { Err(broken("its answer has no end")) } else { Ok(None) };
        }
        Ok(httparse::Status::Complete(length)) => length,
    };
    if length > MOST_IN_A_HEAD {
        return Err(broken("its answer has a head of more than 64 KiB"));
    }
    let is_basic = |field: &httparse::Header<'_>| {
        field.name.eq_ignore_ascii_case("proxy-authenticate") && names_basic(field.value)
    };
    Ok(Some(Head {
        status: response.code.unwrap_or_default(),
        reason: shown(response.reason.unwrap_or_default()),
        takes_basic: response.headers.iter().any(is_basic),
        length,
    }))
}

/// Whether a list of challenges (RFC 9110, 11.6.1) has one of Basic.
fn names_basic(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    text.split(',').any(|part| part.split_whitespace().next() == Some("basic"))
}

/// The proxy's own words, as far as they may be shown.
fn shown(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn refusal(status: u16, reason: &str) -> Error {
    let kind = match status {
        // It was willing, and could not.
        502..=504 => ErrorKind::CannotConnect,
        _ => ErrorKind::ProxyRefused,
    };
    Error::new(kind).with_detail(format!("it says: {status} {reason}").trim_end())
}
