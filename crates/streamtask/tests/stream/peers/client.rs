//! The clients: what they call, and what they are told.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Waker};

use streamtask::{EofKind, Error, ErrorKind, Operation, ReadData, Session, StreamTask, Timeout};
use tokio::sync::oneshot;

use super::kernel;
use super::peer::{Ending, GREETING, Hears, LINE, Peer, WORDS};
use crate::layers::Layer;
use crate::support::*;

/// What a client calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// Says its line and listens to the end.
    Asks,
    /// The same, and says more as soon as the peer's end is in its kernel, and then still more.
    Pauses,
    /// Says its line, ends, and listens: all called at once.
    Quits,
    /// The same with more behind the line.
    TalksOn,
    /// The same as [`Client::Quits`], all of it called before it is resumed.
    Queues,
    /// The same as [`Client::Quits`] with reads in between that are dropped, polled before or not.
    Fumbles,
    /// The same as [`Client::Quits`] behind a read that is polled once and looked at when all has come.
    Holds,
    /// The same as [`Client::Quits`] with callbacks.
    CallsBack,
}

/// What is said behind the line, with the first end of the peer's and later.
pub(crate) const MORE: &str = "more\r\n";
pub(crate) const STILL_MORE: &str = "and still more\r\n";

/// What a client was told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) words: String,
    pub(crate) end: Result<EofKind, ErrorKind>,
    pub(crate) writes: Vec<Result<(), ErrorKind>>,
    pub(crate) completion: Result<(), ErrorKind>,
}

impl Client {
    pub(crate) const ALL: [Client; 8] = [
        Client::Asks,
        Client::Pauses,
        Client::Quits,
        Client::TalksOn,
        Client::Queues,
        Client::Fumbles,
        Client::Holds,
        Client::CallsBack,
    ];

    /// Whether it ends before it listens.
    pub(crate) fn ends_first(self) -> bool {
        !matches!(self, Client::Asks | Client::Pauses)
    }

    /// Whether `peer` comes to its last words, and in one way only.
    pub(crate) fn suits(self, peer: Peer) -> bool {
        match peer.hears {
            Hears::Line => true,
            Hears::ToEnd => self.ends_first(),
            // With the last of its handshake a client may say more, which the peer then has read.
            Hears::Nothing => self != Client::Queues || peer.layer == Layer::Clear,
        }
    }

    /// One connection to `peer`.
    pub(crate) async fn play(self, peer: Peer, session: &Session, port: u16, round: usize) -> Told {
        let task = session.stream_task("127.0.0.1", port).expect("a task can be made");
        let play = Play { task: &task, peer, port, round };
        // Listening changes whom the socket wakes.
        let events = (round % 2 == 1).then(|| task.events());
        let completion = task.completion();
        let told = play.run(self).await;
        drop(events);
        let completion = soon(completion).await.map_err(|error| error.kind());
        let (words, end, writes) = told;
        play.still_says(end, completion).await;
        Told { words, end, writes, completion }
    }
}

/// What reads have brought.
#[derive(Default)]
struct Heard {
    words: String,
    end: Option<EofKind>,
}

impl Heard {
    fn take(&mut self, read: ReadData) {
        self.words.push_str(text(&read));
        self.end = read.eof;
    }
}

/// One connection on its way.
struct Play<'a> {
    task: &'a StreamTask,
    peer: Peer,
    port: u16,
    round: usize,
}

impl Play<'_> {
    async fn run(
        &self,
        client: Client,
    ) -> (String, Result<EofKind, ErrorKind>, Vec<Result<(), ErrorKind>>) {
        let mut heard = Heard::default();
        let writes = match client {
            Client::Queues => {
                if self.peer.layer != Layer::Clear {
                    drop(self.task.start_secure_connection());
                }
                let line = self.task.write(LINE, GUARD);
                self.task.close_write();
                self.task.resume();
                vec![outcome(line).await]
            }
            _ => {
                self.task.resume();
                self.peer.layer.secure(self.task).await;
                let greeting = done(self.task.read_exact(GREETING.len(), GUARD)).await;
                assert_eq!(text(&greeting), GREETING);
                self.talk(client, &mut heard).await
            }
        };
        let end = self.listen(&mut heard).await;
        self.end_ours().await;
        let words = match client {
            Client::Queues => heard.words.strip_prefix(GREETING).expect("it greets first").into(),
            _ => heard.words,
        };
        (words, end, writes)
    }

    /// What is called before listening, and what is heard meanwhile.
    async fn talk(&self, client: Client, heard: &mut Heard) -> Vec<Result<(), ErrorKind>> {
        let task = self.task;
        match client {
            Client::Asks => vec![outcome(task.write(LINE, GUARD)).await],
            Client::Pauses => self.pause().await,
            Client::Quits => {
                let line = task.write(LINE, GUARD);
                task.close_write();
                vec![outcome(line).await]
            }
            Client::TalksOn => {
                let both = [task.write(LINE, GUARD), task.write(MORE, GUARD)];
                task.close_write();
                let [line, more] = both;
                vec![outcome(line).await, outcome(more).await]
            }
            Client::Fumbles => {
                drop(task.read_exact(1, GUARD));
                let mut polled = task.read_until("\n", 1000, GUARD);
                poll_once(&mut polled);
                let line = task.write(LINE, GUARD);
                let unpolled = task.read_data(1..=3, GUARD);
                task.close_write();
                drop((unpolled, polled));
                vec![outcome(line).await]
            }
            Client::Holds => {
                let mut held = task.read_exact(WORDS.len(), Timeout::NEVER);
                poll_once(&mut held);
                let line = task.write(LINE, GUARD);
                task.close_write();
                until(|| task.bytes_received() as usize == GREETING.len() + WORDS.len()).await;
                heard.take(done(held).await);
                vec![outcome(line).await]
            }
            Client::CallsBack => {
                let (sender, written) = oneshot::channel();
                task.write(LINE, GUARD).on_complete(|result| drop(sender.send(result)));
                let (sender, read_back) = oneshot::channel();
                let read = task.read_exact(WORDS.len(), GUARD);
                read.on_complete(|result| drop(sender.send(result)));
                task.close_write();
                heard.take(done(async { soon(read_back).await.expect("it is called") }).await);
                let written = soon(written).await.expect("it is called");
                vec![written.map_err(|error| error.kind())]
            }
            Client::Queues => unreachable!("it calls everything before"),
        }
    }

    async fn pause(&self) -> Vec<Result<(), ErrorKind>> {
        let line = outcome(self.task.write(LINE, GUARD)).await;
        let (here, there) = self.addresses();
        match self.peer.ending {
            // It is no end to the kernel.
            Ending::Notify => soon(kernel::until_unread(here, there)).await,
            _ => soon(kernel::until_ended(here, there)).await,
        }
        let more = outcome(self.task.write(MORE, GUARD)).await;
        if !self.peer.ending.reads_on() {
            soon(kernel::until_reset(here, there)).await;
        }
        let still_more = outcome(self.task.write(STILL_MORE, GUARD)).await;
        vec![line, more, still_more]
    }

    fn addresses(&self) -> (SocketAddr, SocketAddr) {
        let here = self.task.local_address().expect("it stands");
        (here, SocketAddr::from(([127, 0, 0, 1], self.port)))
    }

    /// Reads to the end, in pieces of another size each round.
    async fn listen(&self, heard: &mut Heard) -> Result<EofKind, ErrorKind> {
        let most = [7, 4096, 1, usize::MAX][self.round % 4];
        loop {
            if let Some(end) = heard.end {
                return Ok(end);
            }
            match soon(self.task.read_data(1..=most, GUARD)).await {
                Ok(read) => {
                    assert_eq!(read.is_secure, self.peer.layer != Layer::Clear);
                    heard.take(read);
                }
                Err(error) => return Err(error.kind()),
            }
        }
    }

    /// Ends our side, when the peer's end has come to the kernel: what a last send meets is known then.
    async fn end_ours(&self) {
        if self.peer.ending != Ending::Notify
            && let Some(here) = self.task.local_address()
        {
            let there = SocketAddr::from(([127, 0, 0, 1], self.port));
            soon(kernel::until_ended(here, there)).await;
        }
        self.task.close_write();
    }

    /// How it ended stays what is said about it; behind a failure, that.
    async fn still_says(&self, end: Result<EofKind, ErrorKind>, completion: Result<(), ErrorKind>) {
        let end = completion.and(end).map(|eof| (0, Some(eof)));
        for _ in 0..2 {
            let again = soon(self.task.read_data(1..=9, GUARD)).await;
            let again = again.map(|read| (read.data.len(), read.eof)).map_err(|error| error.kind());
            assert_eq!(again, end);
        }
    }
}

/// What an operation comes to.
pub(crate) async fn outcome<T>(
    operation: impl Future<Output = Result<T, Error>>,
) -> Result<T, ErrorKind> {
    soon(operation).await.map_err(|error| error.kind())
}

/// Polls with a waker that wakes nobody: whoever depends on this poll waits for ever.
pub(crate) fn poll_once(read: &mut Operation<ReadData>) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(read).poll(&mut cx).is_pending(), "nothing has come yet");
}
