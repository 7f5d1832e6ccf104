//! The same last words, heard by captured streams.

use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
use std::io::{self, ErrorKind as Io};
use std::net::SocketAddr;

use streamtask::{Duplex, ErrorKind, Session};
use streamtask_testkit::Version;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::{Client, MORE, STILL_MORE};
use super::foretold::Case;
use super::peer::{self, Ending, GREETING, Hears, LINE, Peer, WORDS};
use super::{Context, kernel, on_both, times};
use crate::layers::{Layer, configuration};
use crate::support::*;

/// What streams were told.
#[derive(Debug)]
struct Told {
    words: String,
    end: Result<(), Io>,
    writes: Vec<Result<(), Io>>,
}

/// One connection: captured behind the greeting, or with a part of it unread.
async fn play(case: Case, session: &Session, port: u16, round: usize) -> Told {
    let task = session.stream_task("127.0.0.1", port).expect("a task can be made");
    task.resume();
    done(task.write("", GUARD)).await;
    case.peer.layer.secure(&task).await;
    let read = [GREETING.len(), 0, 3][round % 3];
    if read > 0 {
        assert_eq!(text(&done(task.read_exact(read, GUARD)).await), &GREETING[..read]);
    }
    let here = task.local_address().expect("it stands");
    let (input, output) = done(task.capture_streams()).await;
    let mut streams = input.join(output).expect("halves of one connection");
    let mut greeting = vec![0; GREETING.len() - read];
    soon(streams.read_exact(&mut greeting)).await.expect("it is there");
    assert_eq!(greeting, &GREETING.as_bytes()[read..]);
    let there = SocketAddr::from(([127, 0, 0, 1], port));
    let writes = talk(case, &mut streams, here, there).await;
    // Dropping the output says close_notify, so not before the last word.
    let is_split = round % 2 == 1 && case.client.ends_first();
    let (words, end) = listen(streams, is_split).await;
    Told { words, end, writes }
}

async fn talk(
    case: Case,
    streams: &mut Duplex,
    here: SocketAddr,
    there: SocketAddr,
) -> Vec<Result<(), Io>> {
    let line = say(streams, LINE).await;
    match case.client {
        Client::Asks => vec![line],
        Client::Pauses => {
            match case.peer.ending {
                Ending::Notify => soon(kernel::until_unread(here, there)).await,
                _ => soon(kernel::until_ended(here, there)).await,
            }
            let more = say(streams, MORE).await;
            if !case.peer.ending.reads_on() {
                soon(kernel::until_reset(here, there)).await;
            }
            vec![line, more, say(streams, STILL_MORE).await]
        }
        Client::TalksOn => {
            let more = say(streams, MORE).await;
            // Whether that can be said is not what this is about.
            let _ = soon(streams.shutdown()).await;
            vec![line, more]
        }
        _ => {
            let _ = soon(streams.shutdown()).await;
            vec![line]
        }
    }
}

async fn say(streams: &mut Duplex, words: &str) -> Result<(), Io> {
    soon(streams.write_all(words.as_bytes())).await.map_err(|error| error.kind())
}

/// Listens to the end, with the other half or without it.
async fn listen(streams: Duplex, is_split: bool) -> (String, Result<(), Io>) {
    let mut words = Vec::new();
    let end = match is_split {
        false => {
            let mut streams = streams;
            soon(streams.read_to_end(&mut words)).await
        }
        true => {
            let (mut input, output) = streams.split();
            drop(output);
            soon(input.read_to_end(&mut words)).await
        }
    };
    let end = end.map(drop).map_err(|error: io::Error| error.kind());
    (String::from_utf8(words).expect("the tests send text"), end)
}

fn check(case: Case, told: &Told) {
    assert_eq!(told.words, WORDS, "not a byte is lost");
    let can_be: Vec<_> = case.ends().iter().map(|end| end.map(drop).map_err(io_kind)).collect();
    assert!(can_be.contains(&told.end), "its end is one of {can_be:?}");
    for (write, can_be) in told.writes.iter().zip(case.writes()) {
        let is_foretold = match write {
            Ok(()) => can_be.contains(&Ok(())),
            Err(BrokenPipe | ConnectionReset) => can_be.iter().any(Result::is_err),
            Err(_) => false,
        };
        assert!(is_foretold, "{write:?} is one of {can_be:?}");
    }
}

fn io_kind(kind: ErrorKind) -> Io {
    match kind {
        ErrorKind::ConnectionLost => ConnectionReset,
        ErrorKind::Truncated => UnexpectedEof,
        other => unreachable!("{other:?} is foretold nowhere"),
    }
}

async fn run(case: Case, times: usize) {
    let (server, mut heard) = case.peer.serve();
    let session = session_of(configuration());
    for round in 0..times {
        let context = Context::new((case, round));
        let told = play(case, &session, server.port(), round).await;
        context.note(&told);
        let heard = peer::next(&mut heard).await;
        context.note(&heard);
        check(case, &told);
        case.check_heard(&heard);
    }
    soon(session.lingering()).await;
    server.finish();
}

/// What streams can be used like.
const CLIENTS: [Client; 4] = [Client::Asks, Client::Pauses, Client::Quits, Client::TalksOn];

pub(super) fn all(layer: Layer, times: usize) {
    on_both(|| async {
        for peer in Peer::all(layer) {
            for client in CLIENTS.into_iter().filter(|client| client.suits(peer)) {
                run(Case { peer, client }, times).await;
            }
        }
    });
}

#[test]
fn captured_streams_hear_the_last_words_in_clear_text() {
    all(Layer::Clear, times());
}

#[test]
fn captured_streams_hear_the_last_words_under_tls_1_2() {
    all(Layer::Secure(Version::Tls12), times());
}

#[test]
fn captured_streams_hear_the_last_words_under_tls_1_3() {
    all(Layer::Secure(Version::Tls13), times());
}

/// A peer may answer close_notify with a reset, which then comes before our FIN can be sent.
#[tokio::test]
async fn a_shutdown_that_a_reset_overtakes_is_done() {
    let peer = Peer { layer: Layer::Clear, hears: Hears::Line, ending: Ending::Reset };
    let (server, mut heard) = peer.serve();
    let task = resumed(&server);
    done(task.write("", GUARD)).await;
    let here = task.local_address().expect("it stands");
    let (_input, mut output) = done(task.capture_streams()).await;
    soon(output.write_all(LINE.as_bytes())).await.expect("it is taken");
    peer::next(&mut heard).await;
    soon(kernel::until_reset(here, server.addr())).await;
    soon(output.shutdown()).await.expect("there is nobody left to be told");
    server.finish();
}
