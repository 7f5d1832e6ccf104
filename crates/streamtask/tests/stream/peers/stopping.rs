//! Stops of TLS before peers that end right behind their answer: what they said under TLS, what stands in
//! clear text behind it, and what becomes of the stop.

use std::io;
use std::net::SocketAddr;

use streamtask::{EofKind, ErrorKind, ReadData, Session, StreamTask};
use streamtask_testkit::{Conn, Server, Version};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::client::{MORE, outcome, poll_once};
use super::peer::{GREETING, LINE, is_gone};
use super::{Context, kernel, on_both, times};
use crate::layers::{Layer, configuration};
use crate::support::*;

/// What the peer says under TLS before its close_notify, and in clear text right behind it.
const SECURE: &str = "200 the last under TLS\r\n";
const CLEAR: &str = "201 the first in clear text\r\n";

/// When the peer says its close_notify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// When it has read ours.
    Behind,
    /// While ours lies unread in its socket.
    Over,
    /// Before ours is sent.
    Before,
    /// Never: it ends instead, when it has read ours.
    Never,
}

/// How it ends behind that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// FIN in a segment of its own; it reads on.
    Fin,
    /// FIN in the segment of its answer; it reads on.
    FinInOne,
    Close,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Peer {
    version: Version,
    answer: Answer,
    ending: Ending,
}

/// When the client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    /// When the stop is over.
    Behind,
    /// With a read that was called before.
    Before,
    /// With a read that was called before and wants more than comes under TLS.
    Short,
    /// With a read that was called before, polled once, and looked at when the stop is over.
    Held,
    /// With reads that are called right behind the stop, the first of which is given up.
    Queued,
}

const READS: [Reads; 5] = [Reads::Behind, Reads::Before, Reads::Short, Reads::Held, Reads::Queued];

impl Peer {
    fn all(version: Version) -> impl Iterator<Item = Peer> {
        use self::{Answer as A, Ending as E};
        let cases = [
            (A::Behind, &[E::Fin, E::FinInOne, E::Close, E::Reset][..]),
            // To read on is to have read our close_notify.
            (A::Over, &[E::Close, E::Reset]),
            (A::Before, &[E::Fin, E::FinInOne, E::Close, E::Reset]),
            (A::Never, &[E::Fin, E::FinInOne, E::Close, E::Reset]),
        ];
        cases.into_iter().flat_map(move |(answer, endings)| {
            endings.iter().map(move |&ending| Peer { version, answer, ending })
        })
    }

    fn reads_on(self) -> bool {
        matches!(self.ending, Ending::Fin | Ending::FinInOne)
    }

    /// Every connection's clear text from the client, behind TLS.
    fn serve(self) -> (Server, UnboundedReceiver<String>) {
        let (sender, heard) = unbounded_channel();
        let server = Server::start(move |conn| {
            let sender = sender.clone();
            async move {
                let heard = match self.play(conn).await {
                    Err(error) if is_gone(&error) && !self.reads_on() => String::new(),
                    played => played?,
                };
                let _ = sender.send(heard);
                Ok(())
            }
        });
        (server, heard)
    }

    async fn play(self, mut conn: Conn) -> io::Result<String> {
        Layer::Secure(self.version).accept(&mut conn).await?;
        conn.write(GREETING).await?;
        conn.read_exact(LINE.len()).await?;
        match self.answer {
            Answer::Behind | Answer::Never => conn.wait_close_notify().await?,
            Answer::Over => {
                let (here, there) = conn.addrs()?;
                kernel::until_unread(here, there).await;
            }
            Answer::Before => {}
        }
        conn.hold();
        conn.write(SECURE).await?;
        if self.answer != Answer::Never {
            conn.send_close_notify().await?;
            conn.write_raw(CLEAR).await?;
        }
        let Some(mut conn) = self.end(conn).await? else { return Ok(String::new()) };
        if self.answer == Answer::Before {
            conn.wait_close_notify().await?;
        }
        conn.end_tls();
        let heard = conn.read_to_end().await?;
        Ok(String::from_utf8_lossy(&heard).into_owned())
    }

    async fn end(self, mut conn: Conn) -> io::Result<Option<Conn>> {
        match self.ending {
            Ending::Fin => {
                conn.release().await?;
                conn.half_close_raw().await?;
            }
            Ending::FinInOne => {
                conn.cork()?;
                conn.half_close_raw().await?;
            }
            Ending::Close => conn.release().await?,
            Ending::Reset => {
                conn.release().await?;
                conn.reset();
                return Ok(None);
            }
        }
        Ok(self.reads_on().then_some(conn))
    }

    /// Whether the stop comes to its end, from what TLS and TCP are.
    fn stop(self) -> Result<(), ErrorKind> {
        match (self.answer, self.ending) {
            (Answer::Never, _) => Err(ErrorKind::ConnectionLost),
            // Ours cannot be sent.
            (Answer::Before, Ending::Reset) => Err(ErrorKind::ConnectionLost),
            (Answer::Behind | Answer::Over | Answer::Before, _) => Ok(()),
        }
    }

    /// What the client reads under TLS, in clear text, and behind that.
    fn words(self) -> (&'static str, &'static str, Result<EofKind, ErrorKind>) {
        let lost = Err(ErrorKind::ConnectionLost);
        match (self.stop(), self.answer, self.ending) {
            (Err(kind), ..) => (SECURE, "", Err(kind)),
            (Ok(()), _, Ending::Reset) | (Ok(()), Answer::Over, Ending::Close) => {
                (SECURE, CLEAR, lost)
            }
            (Ok(()), ..) => (SECURE, CLEAR, Ok(EofKind::Fin)),
        }
    }
}

/// What a client was told.
#[derive(Debug, Default)]
struct Told {
    secure: String,
    clear: String,
    end: Option<Result<EofKind, ErrorKind>>,
}

impl Told {
    fn take(&mut self, read: ReadData) {
        let words = if read.is_secure { &mut self.secure } else { &mut self.clear };
        words.push_str(text(&read));
        // The end of TLS before a stop is that of a read that wanted more, and no end of the stream.
        self.end = read.eof.filter(|eof| *eof != EofKind::CloseNotify).map(Ok);
    }

    fn note(&mut self, read: Result<ReadData, ErrorKind>) {
        match read {
            Ok(read) => self.take(read),
            Err(kind) => self.end = Some(Err(kind)),
        }
    }
}

struct Play<'a> {
    task: &'a StreamTask,
    peer: Peer,
    round: usize,
}

impl Play<'_> {
    /// Stops TLS and reads everything.
    async fn run(&self, reads: Reads) -> (Result<(), ErrorKind>, Told) {
        let mut told = Told::default();
        let stop = match reads {
            Reads::Behind => outcome(self.task.stop_secure_connection()).await,
            Reads::Before => {
                let read = self.task.read_data(1..=5, GUARD);
                let stop = self.task.stop_secure_connection();
                told.note(outcome(read).await);
                outcome(stop).await
            }
            Reads::Short => {
                let read = self.task.read_data(1000..=1000, GUARD);
                let stop = self.task.stop_secure_connection();
                self.note_short(&mut told, outcome(read).await);
                outcome(stop).await
            }
            Reads::Held => {
                let mut held = self.task.read_exact(SECURE.len(), GUARD);
                if self.peer.answer != Answer::Before {
                    poll_once(&mut held);
                }
                let stop = outcome(self.task.stop_secure_connection()).await;
                told.note(outcome(held).await);
                stop
            }
            Reads::Queued => {
                let stop = self.task.stop_secure_connection();
                drop(self.task.read_exact(3, GUARD));
                told.note(outcome(self.task.read_exact(4, GUARD)).await);
                outcome(stop).await
            }
        };
        let most = [7, 4096, 1, usize::MAX][self.round % 4];
        while told.end.is_none() {
            told.note(outcome(self.task.read_data(1..=most, GUARD)).await);
        }
        (stop, told)
    }

    /// A read that wants more than comes under TLS ends with that; if the stop fails, it fails.
    fn note_short(&self, told: &mut Told, read: Result<ReadData, ErrorKind>) {
        match (self.peer.stop(), read) {
            (Ok(()), Ok(read)) => {
                assert_eq!(read.eof, Some(EofKind::CloseNotify));
                assert_eq!(text(&read), SECURE);
                told.take(read);
            }
            // Its own end came before the stop was known to fail, or not.
            (Err(_), Ok(read)) => told.take(read),
            (Err(kind), Err(error)) => assert_eq!(error, kind),
            (Ok(()), Err(error)) => panic!("it ends with what there is, not with {error:?}"),
        }
    }
}

/// One connection to `peer`.
async fn play(peer: Peer, reads: Reads, session: &Session, port: u16, round: usize) -> Told {
    let task = session.stream_task("127.0.0.1", port).expect("a task can be made");
    let events = (round % 2 == 1).then(|| task.events());
    let completion = task.completion();
    task.resume();
    Layer::Secure(peer.version).secure(&task).await;
    assert_eq!(text(&done(task.read_exact(GREETING.len(), GUARD)).await), GREETING);
    done(task.write(LINE, GUARD)).await;
    let here = task.local_address().expect("it stands");
    let there = SocketAddr::from(([127, 0, 0, 1], port));
    match peer.answer {
        Answer::Before => soon(kernel::until_ended(here, there)).await,
        // Else it would read our close_notify along with our line.
        Answer::Over => soon(kernel::until_read(there, here)).await,
        Answer::Behind | Answer::Never => {}
    }
    let (stop, told) = Play { task: &task, peer, round }.run(reads).await;
    assert_eq!(stop, peer.stop(), "{told:?}");
    if peer.reads_on() && stop.is_ok() {
        done(task.write(MORE, GUARD)).await;
    }
    task.close_write();
    drop((events, task));
    let end = told.end.expect("it was read to the end");
    assert_eq!(outcome(completion).await, end.map(drop), "{told:?}");
    told
}

async fn run(peer: Peer, reads: Reads, times: usize) {
    let (server, mut heard) = peer.serve();
    let session = session_of(configuration());
    for round in 0..times {
        let context = Context::new((peer, reads, round));
        let told = play(peer, reads, &session, server.port(), round).await;
        context.note(&told);
        let heard = soon(heard.recv()).await.expect("the peer is there");
        context.note(&heard);
        let (secure, clear, end) = peer.words();
        assert_eq!((&*told.secure, &*told.clear, told.end), (secure, clear, Some(end)));
        let more = if peer.reads_on() && peer.stop().is_ok() { MORE } else { "" };
        assert_eq!(heard, more);
    }
    soon(session.lingering()).await;
    server.finish();
}

pub(super) fn all(version: Version, times: usize) {
    on_both(|| async {
        for peer in Peer::all(version) {
            for reads in READS {
                run(peer, reads, times).await;
            }
        }
    });
}

#[test]
fn a_stop_of_tls_1_2_loses_nothing_of_a_peer_that_ends_right_behind_it() {
    all(Version::Tls12, times());
}

#[test]
fn a_stop_of_tls_1_3_loses_nothing_of_a_peer_that_ends_right_behind_it() {
    all(Version::Tls13, times());
}
