//! HTTP's CONNECT (RFC 9110, 9.3.6): one request, and its answer's head; what follows is the tunnel.
//!
//! Who asks is said only when the proxy has asked for it ([`who`](super::who)), and then on a new connection: so
//! the body of its question is never taken for anything else, however it is delimited.

use super::who::Challenge;
use super::{Asked, Destination, Login, Reply, broken};
use crate::{Error, ErrorKind};

#[derive(Debug)]
pub(crate) struct Connect {
    has_login: bool,
    /// How often this proxy has asked who we are.
    asked: usize,
    /// Answers that were not the last one, and how long they were.
    interim: usize,
    skipped: usize,
}

impl Connect {
    /// `asked` is what the proxy has asked before.
    pub(super) fn new(
        to: &Destination,
        login: Option<&Login>,
        asked: Option<Asked>,
    ) -> Result<(Self, Vec<u8>), Error> {
        let who = match (login, &asked) {
            (Some(login), Some(asked)) => asked.challenge.answer(login, to, asked.uses)?,
            (Some(_) | None, _) => String::new(),
        };
        let hello = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{who}\r\n");
        let (has_login, asked) = (login.is_some(), asked.map_or(0, |asked| asked.times));
        Ok((Connect { has_login, asked, interim: 0, skipped: 0 }, hello.into_bytes()))
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
            401 | 407 => self.challenged(head),
            status => Err(refusal(status, &head.reason)),
        }
    }

    fn challenged(&self, head: Head) -> Result<Reply, Error> {
        let why = match (self.has_login, head.challenge) {
            (true, Some(challenge)) if self.may_tell(&challenge) => {
                return Ok(Reply::Again(challenge));
            }
            (true, None) if self.asked == 0 => {
                "it wants to know who asks in a way that is not known here"
            }
            (true, _) => "it does not take this name and password",
            (false, _) => "it wants to know who asks",
        };
        Err(Error::new(ErrorKind::ProxyAuthenticationRequired).with_detail(why))
    }

    /// Once, and again while only the nonce was too old.
    fn may_tell(&self, challenge: &Challenge) -> bool {
        self.asked == 0 || (challenge.is_stale() && self.asked <= MOST_STALE)
    }
}

/// How often a proxy may say that its own nonce was too old.
const MOST_STALE: usize = 3;
/// How many answers may come before the one.
const MOST_INTERIM: usize = 20;
/// How long a head may be, and how long all of them together.
const MOST_IN_A_HEAD: usize = 64 << 10;
const MOST_IN_ALL: usize = 300 << 10;
const MOST_FIELDS: usize = 128;

struct Head {
    status: u16,
    reason: String,
    challenge: Option<Challenge>,
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
    let asks =
        |field: &&httparse::Header<'_>| field.name.eq_ignore_ascii_case("proxy-authenticate");
    let asked = response.headers.iter().filter(asks).map(|field| field.value);
    Ok(Some(Head {
        status: response.code.unwrap_or_default(),
        reason: shown(response.reason.unwrap_or_default()),
        challenge: Challenge::strongest(asked),
        length,
    }))
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
