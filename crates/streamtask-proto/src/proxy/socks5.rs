//! SOCKS5 (RFC 1928), with a name and a password where the proxy wants them (RFC 1929).

use std::net::IpAddr;

use super::{Destination, Login, Reply, broken};
use crate::{Error, ErrorKind};

#[derive(Debug)]
pub(crate) struct Socks5 {
    state: State,
    request: Vec<u8>,
    /// What is said when the proxy wants to know who asks.
    login: Option<Vec<u8>>,
}

/// What is awaited.
#[derive(Debug, Clone, Copy)]
enum State {
    Method,
    Status,
    Answer,
}

const VERSION: u8 = 5;
const CONNECT: u8 = 1;
const NO_LOGIN: u8 = 0;
const NAME_AND_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xFF;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

impl Socks5 {
    pub(super) fn new(to: &Destination, login: Option<&Login>) -> Result<(Self, Vec<u8>), Error> {
        let login = login.map(said);
        let hello = match login {
            Some(_) => vec![VERSION, 2, NO_LOGIN, NAME_AND_PASSWORD],
            None => vec![VERSION, 1, NO_LOGIN],
        };
        Ok((Socks5 { state: State::Method, request: request(to)?, login }, hello))
    }

    pub(super) fn read(&mut self, unread: &[u8]) -> Result<Reply, Error> {
        match self.state {
            State::Method => self.read_method(unread),
            State::Status => self.read_status(unread),
            State::Answer => read_answer(unread),
        }
    }

    fn read_method(&mut self, unread: &[u8]) -> Result<Reply, Error> {
        let (version, method) = match unread {
            [] => return Ok(Reply::NotYet),
            [version] => (*version, None),
            [version, method, ..] => (*version, Some(*method)),
        };
        if version != VERSION {
            return Err(broken("it does not speak SOCKS5"));
        }
        match (method, &self.login) {
            (None, _) => Ok(Reply::NotYet),
            (Some(NO_LOGIN), _) => Ok(self.ask(2)),
            (Some(NAME_AND_PASSWORD), Some(login)) => {
                let say = login.clone();
                self.state = State::Status;
                Ok(Reply::Next { taken: 2, say })
            }
            (Some(NO_METHOD), None) => Err(unknown("it wants to know who asks")),
            (Some(NO_METHOD), Some(_)) => Err(unknown("it takes no name and password")),
            (Some(method), _) => {
                Err(broken(format!("it chose method {method}, which was not offered")))
            }
        }
    }

    /// Proxies disagree about the version in this answer, so nobody looks at it.
    fn read_status(&mut self, unread: &[u8]) -> Result<Reply, Error> {
        match unread {
            [_, 0, ..] => Ok(self.ask(2)),
            [_, _, ..] => Err(unknown("it does not take this name and password")),
            [_] | [] => Ok(Reply::NotYet),
        }
    }

    fn ask(&mut self, taken: usize) -> Reply {
        self.state = State::Answer;
        Reply::Next { taken, say: std::mem::take(&mut self.request) }
    }
}

fn said(login: &Login) -> Vec<u8> {
    let mut bytes = vec![1];
    for part in [&login.user, &login.password] {
        // Both were measured when the login was given.
        bytes.push(part.len() as u8);
        bytes.extend(part.as_bytes());
    }
    bytes
}

fn request(to: &Destination) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![VERSION, CONNECT, 0];
    match to {
        Destination::Address(address) => match address.ip().to_canonical() {
            IpAddr::V4(ip) => {
                bytes.push(IPV4);
                bytes.extend(ip.octets());
            }
            IpAddr::V6(ip) => {
                bytes.push(IPV6);
                bytes.extend(ip.octets());
            }
        },
        Destination::Name(name, _) => {
            let Ok(length) = u8::try_from(name.len()) else {
                let why = "SOCKS5 takes no name over 255 bytes";
                return Err(Error::new(ErrorKind::InvalidArgument).with_detail(why));
            };
            bytes.extend([NAME, length]);
            bytes.extend(name.as_bytes());
        }
    }
    bytes.extend(to.port().to_be_bytes());
    Ok(bytes)
}

/// The answer says which address the proxy uses, in whatever form it likes.
fn read_answer(unread: &[u8]) -> Result<Reply, Error> {
    match unread {
        [version, ..] if *version != VERSION => Err(broken("it does not speak SOCKS5")),
        // Some say no more than this when they refuse.
        [_, code, ..] if *code != 0 => Err(refusal(*code)),
        [_, _, _, form, rest @ ..] => {
            let address = match (*form, rest.first()) {
                (IPV4, _) => 4,
                (IPV6, _) => 16,
                (NAME, Some(length)) => 1 + usize::from(*length),
                (NAME, None) => return Ok(Reply::NotYet),
                (form, _) => {
                    return Err(broken(format!("its answer has an address of form {form}")));
                }
            };
            let taken = 4 + address + 2;
            match unread.len() >= taken {
                true => Ok(Reply::Through { taken }),
                false => Ok(Reply::NotYet),
            }
        }
        _ => Ok(Reply::NotYet),
    }
}

fn unknown(why: &str) -> Error {
    Error::new(ErrorKind::ProxyAuthenticationRequired).with_detail(why)
}

/// RFC 1928, 6.
fn refusal(code: u8) -> Error {
    let (kind, why) = match code {
        1 => (ErrorKind::ProxyRefused, "general failure"),
        2 => (ErrorKind::ProxyRefused, "not allowed by its rules"),
        3 => (ErrorKind::CannotConnect, "it says: network unreachable"),
        4 => (ErrorKind::CannotConnect, "it says: host unreachable"),
        5 => (ErrorKind::CannotConnect, "it says: connection refused"),
        6 => (ErrorKind::CannotConnect, "it says: time to live expired"),
        7 => (ErrorKind::ProxyRefused, "it does not know the command"),
        8 => (ErrorKind::ProxyRefused, "it does not know the form of the address"),
        _ => return broken(format!("its answer has the unknown code {code}")),
    };
    Error::new(kind).with_detail(why)
}
