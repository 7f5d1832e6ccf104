//! Limits in time: of reads, of writes, of connecting, of a whole life.

use std::sync::Arc;
use std::time::Duration;

use streamtask::{Configuration, ErrorKind, Limit, TaskState, Timeout};
use streamtask_testkit::{Server, echo, silent};
use tokio::sync::Notify;

use crate::support::*;

const LATE_READ: ErrorKind = ErrorKind::TimedOut(Limit::Read);
const LATE_WRITE: ErrorKind = ErrorKind::TimedOut(Limit::Write);

#[tokio::test]
async fn a_read_that_times_out_keeps_its_bytes_for_the_next() {
    let server = Server::start(|mut conn| async move {
        conn.write(">abc").await?;
        conn.read_exact(2).await?;
        conn.write("def").await?;
        conn.wait_closed().await.map(drop)
    });
    let task = resumed(&server);
    done(task.read_exact(1, GUARD)).await;
    let error = soon(task.read_exact(6, SHORT)).await.expect_err("three bytes are there");
    assert_eq!((error.kind(), error.code()), (LATE_READ, -1001));
    assert!(error.is_timeout());
    assert_eq!(failed(task.read_until("\n", 64, SHORT)).await, LATE_READ);
    assert_eq!((task.state(), kind(task.error())), (TaskState::Running, None));
    let rest = task.read_exact(6, GUARD);
    done(task.write("go", GUARD)).await;
    assert_eq!(text(&done(rest).await), "abcdef");
}

#[tokio::test]
async fn a_read_that_times_out_makes_room_for_those_behind_it() {
    let server = echo();
    let task = resumed(&server);
    let late = task.read_exact(3, SHORT);
    let next = task.read_exact(1, GUARD);
    done(task.write("ab", GUARD)).await;
    assert_eq!(failed(late).await, LATE_READ);
    assert_eq!(text(&done(next).await), "a");
    assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "b");
}

#[tokio::test]
async fn whoever_waits_for_a_limit_sleeps_until_it_comes() {
    let server = silent();
    let task = resumed(&server);
    assert_eq!(failed(task.read_exact(1, SHORT)).await, LATE_READ);
    let runtime = tokio::runtime::Handle::current().metrics();
    let before = runtime.worker_park_count(0);
    let begun = std::time::Instant::now();
    // The first limit is over, and what the timer is at now lies far behind the next.
    assert_eq!(failed(task.read_exact(1, SHORT)).await, LATE_READ);
    let slept = runtime.worker_park_count(0) - before;
    assert!(slept > 0, "the runtime was busy all the time");
    assert!(begun.elapsed() < 30 * SHORT, "the limit is seen when it comes");
}

#[tokio::test]
async fn a_limit_of_nothing_allows_what_is_there_at_once() {
    let server = Server::start(|mut conn| async move {
        conn.read_exact(3).await?;
        conn.write("there").await?;
        conn.wait_closed().await.map(drop)
    });
    let task = task_in(&session(), &server);
    let early = task.read_exact(1, Duration::ZERO);
    task.resume();
    assert_eq!(failed(early).await, LATE_READ, "it is not connected yet");
    assert_eq!(failed(task.read_exact(1, Duration::ZERO)).await, LATE_READ);
    for word in ["n", "o", "w"] {
        done(task.write(word, Duration::ZERO)).await;
    }
    let first = task.read_exact(1, GUARD);
    assert_eq!(text(&done(first).await), "t");
    assert_eq!(text(&done(task.read_exact(4, Duration::ZERO)).await), "here");
}

#[tokio::test]
async fn without_a_timeout_an_operation_waits_for_ever() {
    let server = echo();
    let task = resumed(&server);
    let forms =
        [Timeout::from_secs_f64(0.0), Timeout::NEVER, None.into(), Timeout::from_secs_f64(-1.0)];
    let mut reads = forms.map(|never| task.read_exact(1, never));
    outlive(SHORT).await;
    for read in &mut reads {
        assert!(is_pending(read).await);
    }
    done(task.write("abcd", None)).await;
    for (read, piece) in reads.into_iter().zip(["a", "b", "c", "d"]) {
        assert_eq!(text(&done(read).await), piece);
    }
}

#[tokio::test]
async fn a_timeout_can_be_made_fatal() {
    let server = silent();
    let session = session_of(Configuration::default().timeout_is_fatal(true));
    let task = task_in(&session, &server);
    let late = task.read_exact(1, SHORT);
    let behind = task.read_exact(1, GUARD);
    let write = task.write(pattern(STUCK), GUARD);
    task.resume();
    assert_eq!(failed(late).await, LATE_READ);
    assert_eq!(failed(behind).await, LATE_READ);
    assert_eq!(failed(write).await, LATE_READ);
    assert_eq!(failed(task.completion()).await, LATE_READ);
    assert_eq!(failed(task.write("x", GUARD)).await, LATE_READ);
    assert_eq!(task.state(), TaskState::Completed);
}

/// A peer that reads nothing before it is told to, and then everything.
fn reluctant() -> (Server, Arc<Notify>) {
    let go = Arc::new(Notify::new());
    let told = go.clone();
    let server = Server::start(move |mut conn| {
        let told = told.clone();
        async move {
            told.notified().await;
            let bytes = conn.read_to_end().await?;
            assert!(bytes[..STUCK] == pattern(STUCK) && &bytes[STUCK..] == b"third");
            Ok(())
        }
    });
    (server, go)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_times_out_unsent_fails_alone() {
    let (server, go) = reluctant();
    let task = resumed(&server);
    let first = task.write(pattern(STUCK), Timeout::NEVER);
    let second = task.write("second", SHORT);
    let third = task.write("third", GUARD);
    assert_eq!(failed(second).await, LATE_WRITE);
    assert_eq!(task.state(), TaskState::Running);
    go.notify_one();
    done(first).await;
    done(third).await;
    task.close_write();
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_times_out_half_sent_poisons_writing_and_reads_go_on() {
    let go = Arc::new(Notify::new());
    let told = go.clone();
    let server = Server::start(move |mut conn| {
        let told = told.clone();
        async move {
            told.notified().await;
            conn.write("hello").await?;
            let bytes = conn.wait_closed().await?;
            // What was sent is the beginning of the first write and nothing else.
            let all = pattern(STUCK);
            assert!(!bytes.is_empty() && bytes.len() < STUCK && bytes == all[..bytes.len()]);
            Ok(())
        }
    });
    let (session, _pad, mut heard) = noted(Default::default());
    let task = task_in(&session, &server);
    task.resume();
    let mut parked = task.read_exact(5, GUARD);
    let first = task.write(pattern(STUCK), 2 * SHORT);
    let behind = task.write("behind", GUARD);
    assert_eq!(failed(first).await, LATE_WRITE);
    assert_eq!(failed(behind).await, LATE_WRITE);
    assert_eq!(failed(task.write("later", GUARD)).await, LATE_WRITE);
    assert_eq!(task.state(), TaskState::Running);
    assert!(is_pending(&mut parked).await);
    go.notify_one();
    assert_eq!(text(&done(parked).await), "hello");
    assert_eq!(heard.up_to(Said::WriteClosed).await, [Said::Created, Said::WriteClosed]);
    task.cancel();
    server.finish();
}

#[tokio::test]
async fn a_task_lives_no_longer_than_its_resource_timeout() {
    let server = silent();
    let session = session_of(Configuration::default().timeout_for_resource(3 * SHORT));
    let task = task_in(&session, &server);
    let read = task.read_data(1..=1, GUARD);
    let unsent = task.write(pattern(STUCK), GUARD);
    task.resume();
    let over = ErrorKind::TimedOut(Limit::Resource);
    assert_eq!(failed(task.completion()).await, over);
    assert_eq!(failed(read).await, over);
    assert_eq!(failed(unsent).await, over);
    assert_eq!(failed(task.read_data(1..=1, GUARD)).await, over);
    assert_eq!(task.error().map(|error| error.code()), Some(-1001));
}

#[tokio::test]
async fn an_idle_stream_outlives_its_request_timeout() {
    let server = echo();
    let session = session_of(Configuration::default().timeout_for_request(2 * SHORT));
    let task = task_in(&session, &server);
    task.resume();
    done(task.write("a", GUARD)).await;
    done(task.read_exact(1, GUARD)).await;
    outlive(4 * SHORT).await;
    done(task.write("b", GUARD)).await;
    assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "b");
}

/// Only here a full queue of connections stays silent in place of refusing.
#[cfg(target_os = "linux")]
mod unanswered {
    use super::*;
    use crate::silence::Silence;

    #[tokio::test]
    async fn connecting_ends_with_the_request_timeout() {
        let silence = Silence::new();
        let address = silence.address;
        let session = session_of(Configuration::default().timeout_for_request(2 * SHORT));
        let task = session.stream_task("127.0.0.1", address.port()).unwrap();
        let (read, write) = (task.read_data(1..=1, GUARD), task.write("x", GUARD));
        task.resume();
        let late = ErrorKind::TimedOut(Limit::Connect);
        assert_eq!(failed(read).await, late);
        assert_eq!(failed(write).await, late);
        let error = soon(task.completion()).await.expect_err("nobody answers");
        let tried = format!("after 200 ms, tried {address}: no answer");
        let said = format!("{address}: timed out: connecting ({tried})");
        assert_eq!((error.kind(), error.to_string()), (late, said));
        assert_eq!(task.remote_address(), None);
    }

    #[tokio::test]
    async fn the_timeout_of_an_operation_counts_connecting_too() {
        let silence = Silence::new();
        let address = silence.address;
        let task = session().stream_task("127.0.0.1", address.port()).unwrap();
        let (read, write) = (task.read_data(1..=1, SHORT), task.write("x", SHORT));
        task.resume();
        let error = soon(read).await.expect_err("it is not connected");
        let said = format!("{address}: timed out: the read (after 100 ms, still connecting)");
        assert_eq!((error.kind(), error.to_string()), (LATE_READ, said));
        assert_eq!(failed(write).await, LATE_WRITE);
        assert_eq!(task.state(), TaskState::Running);
        task.cancel();
        assert_eq!(failed(task.completion()).await, ErrorKind::Cancelled);
    }
}
