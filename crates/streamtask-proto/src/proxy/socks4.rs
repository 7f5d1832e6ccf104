//! SOCKS4 and 4A: one question, one answer of eight bytes.

use std::net::IpAddr;

use super::{Destination, Login, Reply, broken};
use crate::{Error, ErrorKind};

#[derive(Debug)]
pub(crate) struct Socks4;

const VERSION: u8 = 4;
const CONNECT: u8 = 1;

/// The question: version, command, port, address, who asks; in 4A, behind an address that is none, the name.
pub(super) fn request(
    to: &Destination,
    login: Option<&Login>,
    takes_names: bool,
) -> Result<Vec<u8>, Error> {
    let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidArgument).with_detail(why));
    let (address, name) = match to {
        Destination::Address(address) => match address.ip().to_canonical() {
            IpAddr::V4(ip) => (ip.octets(), None),
            IpAddr::V6(_) => return refuse("SOCKS4 reaches no address of IPv6"),
        },
        Destination::Name(name, _) if takes_names => ([0, 0, 0, 1], Some(name)),
        Destination::Name(..) => return refuse("SOCKS4 reaches nobody by name; 4A does"),
    };
    let mut bytes = vec![VERSION, CONNECT];
    bytes.extend(to.port().to_be_bytes());
    bytes.extend(address);
    bytes.extend(login.map_or(&[][..], |login| login.user.as_bytes()));
    bytes.push(0);
    if let Some(name) = name {
        bytes.extend(name.as_bytes());
        bytes.push(0);
    }
    Ok(bytes)
}

impl Socks4 {
    pub(super) fn read(&mut self, unread: &[u8]) -> Result<Reply, Error> {
        match unread {
            // The version of an answer is 0; some say their own.
            [version, ..] if ![0, VERSION].contains(version) => {
                Err(broken("it does not speak SOCKS4"))
            }
            [_, GRANTED, _, _, _, _, _, _, ..] => Ok(Reply::Through { taken: 8 }),
            [_, GRANTED, ..] | [_] | [] => Ok(Reply::NotYet),
            [_, code, ..] => Err(refusal(*code)),
        }
    }
}

const GRANTED: u8 = 90;

fn refusal(code: u8) -> Error {
    let (kind, why) = match code {
        91 => (ErrorKind::ProxyRefused, "request rejected or failed"),
        92 => (ErrorKind::ProxyAuthenticationRequired, "it cannot reach identd on this machine"),
        93 => (ErrorKind::ProxyAuthenticationRequired, "identd says another user name"),
        _ => return broken(format!("its answer has the unknown code {code}")),
    };
    Error::new(kind).with_detail(why)
}
