//! What the system knows of a connection of this machine: whether an end or bytes have come to a socket.
//!
//! A client cannot see a peer's end without reading it, and a peer is never told that its reset has come. So
//! tests that wait for either ask the kernel (sock_diag(7)), which knows both sockets by their addresses.

use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};

use socket2::{Socket, Type};

/// One socket of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) state: State,
    /// How many bytes lie unread in it; FIN counts as one.
    pub(crate) unread: u32,
    /// How many bytes it has sent that the other one has not taken in.
    pub(crate) unacknowledged: u32,
}

/// The states of TCP that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No end has come from the other side.
    Open,
    /// FIN has come from the other side.
    Ended,
}

/// The socket at `here` that is connected to `there`; `None` when it was reset or closed.
pub(crate) fn look(here: SocketAddr, there: SocketAddr) -> Option<Seen> {
    answer(here, there).expect("the kernel answers")
}

fn answer(here: SocketAddr, there: SocketAddr) -> io::Result<Option<Seen>> {
    NETLINK.with(|netlink| {
        netlink.send(&request(here, there))?;
        let mut message = [0; 512];
        let count = (&mut &*netlink).read(&mut message)?;
        Ok(parse(&message[..count]))
    })
}

thread_local! {
    /// One question and one answer at a time.
    static NETLINK: Socket =
        Socket::new(AF_NETLINK.into(), Type::RAW, Some(NETLINK_SOCK_DIAG.into()))
            .expect("the kernel has sock_diag");
}

/// One `inet_diag_req_v2` behind a netlink header.
fn request(here: SocketAddr, there: SocketAddr) -> Vec<u8> {
    let mut message = Vec::with_capacity(LENGTH as usize);
    message.extend_from_slice(&LENGTH.to_ne_bytes());
    message.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend_from_slice(&NLM_F_REQUEST.to_ne_bytes());
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(&[AF_INET, IPPROTO_TCP, 0, 0]);
    message.extend_from_slice(&ANY.to_ne_bytes());
    message.extend_from_slice(&here.port().to_be_bytes());
    message.extend_from_slice(&there.port().to_be_bytes());
    for address in [here, there] {
        let IpAddr::V4(address) = address.ip() else { panic!("the tests use 127.0.0.1") };
        message.extend_from_slice(&address.octets());
        message.extend_from_slice(&[0; 12]);
    }
    message.extend_from_slice(&[0; 4]);
    message.extend_from_slice(&[0xff; 8]);
    message
}

/// The head of an `inet_diag_msg`, or an error, which says that there is no such socket.
fn parse(message: &[u8]) -> Option<Seen> {
    let word = |at: usize| u32::from_ne_bytes(message[at..at + 4].try_into().expect("four bytes"));
    let kind = u16::from_ne_bytes([message[4], message[5]]);
    if kind != SOCK_DIAG_BY_FAMILY {
        assert_eq!(word(HEADER) as i32, -2, "ENOENT is the only error that is an answer");
        return None;
    }
    let state = match message[HEADER + 1] {
        // CLOSE_WAIT, LAST_ACK and CLOSING.
        8 | 9 | 11 => State::Ended,
        // TIME_WAIT and CLOSE: what is left of a socket.
        6 | 7 => return None,
        _ => State::Open,
    };
    Some(Seen { state, unread: word(HEADER + RQUEUE), unacknowledged: word(HEADER + WQUEUE) })
}

/// Until the client's socket knows that the peer has ended, with FIN or with a reset.
pub(crate) async fn until_ended(here: SocketAddr, there: SocketAddr) {
    crate::support::until(|| look(here, there).is_none_or(|seen| seen.state == State::Ended)).await;
}

/// Until the client's socket is no more: it was reset.
pub(crate) async fn until_reset(here: SocketAddr, there: SocketAddr) {
    crate::support::until(|| look(here, there).is_none()).await;
}

/// Until something has come to the socket at `here` that lies unread, or a reset.
pub(crate) async fn until_unread(here: SocketAddr, there: SocketAddr) {
    crate::support::until(|| look(here, there).is_none_or(|seen| seen.unread > 0)).await;
}

/// Until nothing lies unread in the socket at `here` of what was sent from `there`. What a busy socket has not
/// taken in is not unread in it yet, so that is waited for first.
pub(crate) async fn until_read(here: SocketAddr, there: SocketAddr) {
    let is_taken_in = || look(there, here).is_none_or(|seen| seen.unacknowledged == 0);
    crate::support::until(is_taken_in).await;
    crate::support::until(|| look(here, there).is_none_or(|seen| seen.unread == 0)).await;
}

// The numbers of sock_diag(7) and netlink(7).
const AF_NETLINK: i32 = 16;
const NETLINK_SOCK_DIAG: i32 = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const AF_INET: u8 = 2;
const IPPROTO_TCP: u8 = 6;
/// Sockets in any state.
const ANY: u32 = u32::MAX;
/// A netlink header.
const HEADER: usize = 16;
/// Header, `inet_diag_req_v2` with its `inet_diag_sockid`.
const LENGTH: u32 = HEADER as u32 + 8 + 48;
/// `idiag_rqueue` in an `inet_diag_msg`, behind family and state, the sockid and the expiry.
const RQUEUE: usize = 4 + 48 + 4;
/// `idiag_wqueue`, right behind it.
const WQUEUE: usize = RQUEUE + 4;
