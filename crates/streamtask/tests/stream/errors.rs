//! What goes wrong, under which kind and number, and who is told.

use std::error::Error as _;
use std::io;

use streamtask::{Error, ErrorKind, Fault, TaskState};
use streamtask_testkit::{Server, Wire, echo, free_port, resetter, silent};

use crate::support::*;

/// The system's error at the end of the chain of sources.
fn system(error: &Error) -> io::ErrorKind {
    let mut source = error.source().expect("the system had said something");
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    source.downcast_ref::<io::Error>().expect("it is the system's").kind()
}

#[tokio::test]
async fn a_refused_connection_says_so_to_everything_queued() {
    let port = free_port();
    let task = session().stream_task("127.0.0.1", port).unwrap();
    let (read, write) = (task.read_exact(1, GUARD), task.write("x", GUARD));
    let capture = task.capture_streams();
    task.resume();
    let error = soon(task.completion()).await.expect_err("nobody listens");
    assert_eq!((error.kind(), error.code()), (ErrorKind::CannotConnect, -1004));
    assert_eq!(error.endpoint(), Some(&*format!("127.0.0.1:{port}")));
    assert_eq!((system(&error), error.fault()), (io::ErrorKind::ConnectionRefused, Fault::Network));
    assert_eq!(failed(read).await, ErrorKind::CannotConnect);
    assert_eq!(failed(write).await, ErrorKind::CannotConnect);
    assert_eq!(failed(capture).await, ErrorKind::CannotConnect);
    assert_eq!(failed(task.read_exact(1, GUARD)).await, ErrorKind::CannotConnect);
    assert_eq!((task.state(), kind(task.error())), (TaskState::Completed, Some(error.kind())));
    assert_eq!(task.remote_address(), None);
}

#[tokio::test]
async fn a_reset_ends_everything_that_is_queued_and_all_that_comes_later() {
    let server = resetter();
    let task = resumed(&server);
    let reads = [task.read_exact(1, GUARD), task.read_until("\n", 9, GUARD)];
    let writes = [pattern(STUCK), b"x".to_vec()].map(|bytes| task.write(bytes, GUARD));
    let capture = task.capture_streams();
    for read in reads {
        let error = soon(read).await.expect_err("the peer resets");
        assert_eq!((error.kind(), error.code()), (ErrorKind::ConnectionLost, -1005));
        assert_eq!(error.endpoint(), Some(&*format!("127.0.0.1:{}", server.port())));
    }
    for write in writes {
        assert_eq!(failed(write).await, ErrorKind::ConnectionLost);
    }
    assert_eq!(failed(capture).await, ErrorKind::ConnectionLost);
    assert_eq!(failed(task.completion()).await, ErrorKind::ConnectionLost);
    assert_eq!(failed(task.read_exact(1, GUARD)).await, ErrorKind::ConnectionLost);
    assert_eq!(failed(task.write("x", GUARD)).await, ErrorKind::ConnectionLost);
    assert_eq!(task.error().map(|error| error.kind()), Some(ErrorKind::ConnectionLost));
}

#[tokio::test]
async fn a_reset_of_an_idle_exchange_fails_the_parked_read() {
    let server = echo();
    let wire = Wire::start(server.addr(), streamtask_testkit::Cut::None);
    let task = session().stream_task("127.0.0.1", wire.port()).unwrap();
    task.resume();
    done(task.write("x", GUARD)).await;
    assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "x");
    let mut parked = task.read_exact(1, GUARD);
    assert!(is_pending(&mut parked).await);
    tokio::task::spawn_blocking(move || wire.reset()).await.expect("it resets");
    let error = soon(parked).await.expect_err("the wire resets");
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert_eq!(system(&error), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_name_without_an_address_cannot_be_found() {
    let task = session().stream_task("does-not-exist.invalid", 1).unwrap();
    let read = task.read_exact(1, GUARD);
    task.resume();
    let error = soon(read).await.expect_err("the name is reserved for not being there");
    // Where no name server answers, nobody can say that it is not there.
    let kinds = [(ErrorKind::CannotFindHost, -1003), (ErrorKind::DnsLookupFailed, -1006)];
    assert!(kinds.contains(&(error.kind(), error.code())), "{error}");
    assert_eq!(error.endpoint(), Some("does-not-exist.invalid:1"));
    assert_eq!(failed(task.completion()).await, error.kind());
}

#[test]
fn what_cannot_be_an_endpoint_makes_no_task() {
    let long = "a".repeat(254);
    let session = session();
    let ports = [("localhost", 0)];
    let hosts =
        ["", "[]", "a\0b", "größe.example", "two words", "a/b", &long].map(|host| (host, 1));
    for (host, port) in ports.into_iter().chain(hosts) {
        let error = session.stream_task(host, port).expect_err("it is refused");
        let refused = (ErrorKind::InvalidEndpoint, -1000, Fault::Caller);
        assert_eq!((error.kind(), error.code(), error.fault()), refused, "{host:?} {port}");
    }
    let task = session.stream_task("localhost", 65_535).expect("this one can be");
    assert_eq!(task.identifier(), 1, "what was refused took no number");
}

#[tokio::test]
async fn a_cancellation_reads_as_one() {
    let server = silent();
    let task = resumed(&server);
    let read = task.read_exact(1, GUARD);
    task.cancel();
    let error = soon(read).await.expect_err("it was cancelled");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Cancelled, -999));
    assert!(error.is_cancelled() && error.fault() == Fault::Cancelled);
    let (shown, endpoint) = (error.to_string(), format!("127.0.0.1:{}", server.port()));
    assert!(shown.contains("cancelled") && shown.contains(&endpoint), "{shown}");
}

/// Refuses what it is sent, with a message, and closes with most of it unread, which resets.
#[cfg(target_os = "linux")]
fn refuser() -> Server {
    Server::start(|mut conn| async move {
        conn.read_exact(1).await?;
        conn.write("552 too much\r\n").await
    })
}

// Elsewhere a reset takes away what was received and not read.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_the_peer_said_before_it_reset_can_be_read() {
    for reads_first in [true, false] {
        let server = refuser();
        let task = resumed(&server);
        let early = reads_first.then(|| task.read_until("\r\n", 64, GUARD));
        let write = task.write(pattern(STUCK), GUARD);
        let behind = task.write("x", GUARD);
        assert_eq!(failed(write).await, ErrorKind::ConnectionLost, "{reads_first}");
        assert_eq!(failed(behind).await, ErrorKind::ConnectionLost);
        let read = early.unwrap_or_else(|| task.read_until("\r\n", 64, GUARD));
        assert_eq!(text(&done(read).await), "552 too much\r\n");
        assert_eq!(failed(task.read_exact(1, GUARD)).await, ErrorKind::ConnectionLost);
        assert_eq!(failed(task.completion()).await, ErrorKind::ConnectionLost);
    }
}

#[tokio::test]
async fn what_the_peer_said_before_it_closed_can_be_read_while_writing_is_stuck() {
    let server = Server::start(|mut conn| async move {
        conn.write("552 too much\r\n").await?;
        conn.half_close().await?;
        conn.wait_finish().await;
        Ok(())
    });
    let task = resumed(&server);
    let mut write = task.write(pattern(STUCK), GUARD);
    assert_eq!(text(&done(task.read_until("\r\n", 64, GUARD)).await), "552 too much\r\n");
    assert!(done(task.read_data(1..=1, GUARD)).await.at_eof);
    assert!(is_pending(&mut write).await);
    assert_eq!(task.state(), TaskState::Running);
    task.cancel();
    assert_eq!(failed(write).await, ErrorKind::Cancelled);
}
