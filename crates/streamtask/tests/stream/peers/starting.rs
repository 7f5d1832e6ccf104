//! Starts of TLS, as STARTTLS has them, before peers that break off or inject something right behind their
//! go-ahead or at the ClientHello.

use std::io;
use std::net::SocketAddr;

use streamtask::{EofKind, ErrorKind, Session, StreamTask};
use streamtask_testkit::{Conn, Server, Version};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::client::{outcome, poll_once};
use super::peer::{LINE, WORDS, is_gone};
use super::{Context, kernel, on_both, times};
use crate::layers::{Layer, configuration};
use crate::support::*;

const GO: &str = "220 go\r\n";
const INJECTED: &str = "250 injected\r\n";

/// What the peer does with its go-ahead, and behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    /// Starts TLS, hears a line, says its last words and ends.
    Starts,
    /// Has more in the segment of its go-ahead, and waits.
    Injects,
    /// The same, with FIN behind it.
    InjectsAndEnds,
    /// The same, with a reset behind it.
    InjectsAndResets,
    /// FIN in the segment of its go-ahead; it reads on.
    Ends,
    Resets,
    /// Closes while the ClientHello lies unread in its socket.
    ClosesOverHello,
    /// Closes when it has read the ClientHello.
    ClosesAtHello,
    /// The same behind the first bytes of an answer.
    ClosesInAnswer,
    /// Answers in clear text, and closes.
    Babbles,
    /// Answers with close_notify, and waits.
    Declines,
    /// Answers with a fatal alert, and resets.
    Refuses,
}

const PEERS: [Peer; 12] = [
    Peer::Starts,
    Peer::Injects,
    Peer::InjectsAndEnds,
    Peer::InjectsAndResets,
    Peer::Ends,
    Peer::Resets,
    Peer::ClosesOverHello,
    Peer::ClosesAtHello,
    Peer::ClosesInAnswer,
    Peer::Babbles,
    Peer::Declines,
    Peer::Refuses,
];

/// Handshake record, TLS 1.2, of 122 bytes, most of which do not come.
const HALF_AN_ANSWER: &[u8] = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03";
const CLOSE_NOTIFY: &[u8] = b"\x15\x03\x03\x00\x02\x01\x00";
const HANDSHAKE_FAILURE: &[u8] = b"\x15\x03\x03\x00\x02\x02\x28";

impl Peer {
    /// What the peer hears in clear text behind its go-ahead, or of the client's words under TLS.
    fn serve(self, version: Version) -> (Server, UnboundedReceiver<Vec<u8>>) {
        let (sender, heard) = unbounded_channel();
        let server = Server::start(move |conn| {
            let sender = sender.clone();
            async move {
                let heard = match self.play(conn, version).await {
                    Err(error) if is_gone(&error) => Vec::new(),
                    played => played?,
                };
                let _ = sender.send(heard);
                Ok(())
            }
        });
        (server, heard)
    }

    async fn play(self, mut conn: Conn, version: Version) -> io::Result<Vec<u8>> {
        conn.read_line().await?;
        conn.hold();
        conn.write(GO).await?;
        match self {
            Peer::Injects | Peer::InjectsAndEnds | Peer::InjectsAndResets => {
                conn.write(INJECTED).await?;
            }
            _ => {}
        }
        match self {
            Peer::Ends | Peer::InjectsAndEnds => {
                conn.cork()?;
                conn.half_close().await?;
            }
            _ => conn.release().await?,
        }
        match self {
            Peer::Injects | Peer::InjectsAndEnds | Peer::Ends => conn.wait_closed().await,
            Peer::Resets | Peer::InjectsAndResets => {
                conn.reset();
                Ok(Vec::new())
            }
            _ => self.shake_hands(conn, version).await,
        }
    }

    async fn shake_hands(self, mut conn: Conn, version: Version) -> io::Result<Vec<u8>> {
        match self {
            Peer::Starts => {
                Layer::Secure(version).accept(&mut conn).await?;
                let heard = conn.read_exact(LINE.len()).await?;
                conn.write(WORDS).await?;
                conn.half_close().await?;
                conn.wait_close_notify().await?;
                return Ok(heard);
            }
            Peer::ClosesOverHello => {
                let (here, there) = conn.addrs()?;
                kernel::until_unread(here, there).await;
                return Ok(Vec::new());
            }
            _ => {}
        }
        let hello = conn.read().await?;
        match self {
            Peer::ClosesInAnswer => conn.write(HALF_AN_ANSWER).await?,
            Peer::Babbles => conn.write("500 what\r\n").await?,
            Peer::Declines => {
                conn.write(CLOSE_NOTIFY).await?;
                conn.wait_closed().await?;
            }
            Peer::Refuses => {
                conn.write(HANDSHAKE_FAILURE).await?;
                conn.reset();
            }
            _ => {}
        }
        Ok(hello)
    }

    /// How the start ends.
    fn start(self) -> Result<(), ErrorKind> {
        let clear = ErrorKind::UnexpectedClearText { bytes: INJECTED.len() };
        match self {
            Peer::Starts => Ok(()),
            Peer::Injects | Peer::InjectsAndEnds | Peer::InjectsAndResets => Err(clear),
            Peer::Ends
            | Peer::Resets
            | Peer::ClosesOverHello
            | Peer::ClosesAtHello
            | Peer::ClosesInAnswer => Err(ErrorKind::ConnectionLost),
            Peer::Babbles | Peer::Declines | Peer::Refuses => {
                Err(ErrorKind::SecureConnectionFailed)
            }
        }
    }

    /// Whether what is heard is right: a client that was sent clear text says nothing more, and behind a
    /// ClientHello nothing but TLS.
    fn has_heard_right(self, heard: &[u8]) -> bool {
        match self {
            Peer::Starts => heard == LINE.as_bytes(),
            Peer::ClosesAtHello
            | Peer::ClosesInAnswer
            | Peer::Babbles
            | Peer::Declines
            | Peer::Refuses => heard.starts_with(b"\x16\x03"),
            Peer::Injects
            | Peer::InjectsAndEnds
            | Peer::InjectsAndResets
            | Peer::Ends
            | Peer::Resets
            | Peer::ClosesOverHello => heard.is_empty(),
        }
    }
}

/// How the client calls what it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// One after the other.
    Steps,
    /// At once.
    Queues,
    /// At once, with a read that was called before the start, polled once and looked at last.
    Holds,
}

const CLIENTS: [Client; 3] = [Client::Steps, Client::Queues, Client::Holds];

impl Client {
    /// A read before the start takes what came before the start, which then is no injection.
    fn suits(self, peer: Peer) -> bool {
        let may_read_before = matches!(
            peer,
            Peer::Injects
                | Peer::InjectsAndEnds
                | Peer::InjectsAndResets
                | Peer::Ends
                | Peer::Resets
        );
        self != Client::Holds || !may_read_before
    }

    /// Every result of the client's, from the start on.
    async fn play(self, peer: Peer, task: &StreamTask) {
        let foretold = peer.start();
        match self {
            Client::Steps => {
                assert_eq!(outcome(task.start_secure_connection()).await.map(drop), foretold);
                assert_eq!(outcome(task.write(LINE, GUARD)).await, foretold);
                let read = outcome(task.read_exact(WORDS.len(), GUARD)).await;
                assert_eq!(read.map(|read| read.data), foretold.map(|()| WORDS.into()));
            }
            Client::Queues | Client::Holds => {
                let first = (self == Client::Holds).then(|| {
                    let mut held = task.read_exact(3, GUARD);
                    poll_once(&mut held);
                    held
                });
                let start = task.start_secure_connection();
                let write = task.write(LINE, GUARD);
                let rest = WORDS.len() - if first.is_some() { 3 } else { 0 };
                let read = task.read_exact(rest, GUARD);
                task.close_write();
                assert_eq!(outcome(start).await.map(drop), foretold);
                assert_eq!(outcome(write).await, foretold);
                let read = outcome(read).await.map(|read| read.data);
                assert_eq!(read, foretold.map(|()| WORDS[WORDS.len() - rest..].into()));
                if let Some(held) = first {
                    let held = outcome(held).await;
                    assert!(held.as_ref().map_or(true, |read| read.is_secure));
                    assert_eq!(held.map(|read| read.data), foretold.map(|()| WORDS[..3].into()));
                }
            }
        }
        let end = outcome(task.read_data(1..=100, GUARD)).await;
        assert_eq!(end.map(|read| read.eof), foretold.map(|()| Some(EofKind::CloseNotify)));
    }
}

/// One connection to `peer`.
async fn play(peer: Peer, client: Client, session: &Session, port: u16, round: usize) {
    let task = session.stream_task("127.0.0.1", port).expect("a task can be made");
    let events = (round % 2 == 1).then(|| task.events());
    let completion = task.completion();
    task.resume();
    drop(task.write("STARTTLS\r\n", GUARD));
    let go = done(task.read_until("\n", 100, GUARD)).await;
    assert_eq!(text(&go), GO);
    if matches!(peer, Peer::InjectsAndEnds | Peer::InjectsAndResets | Peer::Ends | Peer::Resets) {
        let here = task.local_address().expect("it stands");
        soon(kernel::until_ended(here, SocketAddr::from(([127, 0, 0, 1], port)))).await;
    }
    client.play(peer, &task).await;
    task.close_write();
    drop((events, task));
    assert_eq!(outcome(completion).await, peer.start());
}

pub(super) fn all(version: Version, times: usize) {
    on_both(|| async {
        for peer in PEERS {
            for client in CLIENTS.into_iter().filter(|client| client.suits(peer)) {
                let (server, mut heard) = peer.serve(version);
                let session = session_of(configuration());
                for round in 0..times {
                    let context = Context::new((peer, client, round));
                    play(peer, client, &session, server.port(), round).await;
                    let heard = soon(heard.recv()).await.expect("the peer is there");
                    context.note(String::from_utf8_lossy(&heard));
                    assert!(peer.has_heard_right(&heard));
                }
                soon(session.lingering()).await;
                server.finish();
            }
        }
    });
}

#[test]
fn a_start_of_tls_1_2_comes_to_what_the_peer_makes_of_it() {
    all(Version::Tls12, times());
}

#[test]
fn a_start_of_tls_1_3_comes_to_what_the_peer_makes_of_it() {
    all(Version::Tls13, times());
}
