//! Ends: of the peer's side, of ours, and of both.

use streamtask::{Configuration, EofKind, ErrorKind, Limit, TaskState};
use streamtask_testkit::{Server, closer, echo, half_closer, sink, source};

use crate::support::*;

#[tokio::test]
async fn a_server_that_closes_at_once_leaves_a_running_task_until_both_sides_are_closed() {
    let server = closer();
    let session = session();
    let task = task_in(&session, &server);
    task.resume();
    for _ in 0..3 {
        let end = done(task.read_data(1..=100, GUARD)).await;
        assert_eq!((&end.data[..], end.at_eof, end.eof), (&b""[..], true, Some(EofKind::Fin)));
    }
    assert_eq!(task.state(), TaskState::Running);
    assert_eq!(session.all_tasks(), std::slice::from_ref(&task));
    task.close_read();
    task.close_write();
    done(task.completion()).await;
    assert_eq!((task.state(), kind(task.error())), (TaskState::Completed, None));
    assert_eq!(session.all_tasks(), []);
}

#[tokio::test]
async fn the_end_comes_with_less_than_the_minimum_and_stays() {
    let server = source(b"bye".to_vec());
    let task = resumed(&server);
    let last = done(task.read_data(10..=10, GUARD)).await;
    assert_eq!((text(&last), last.at_eof), ("bye", true));
    for _ in 0..2 {
        let again = done(task.read_data(1..=1, GUARD)).await;
        assert!(again.data.is_empty() && again.at_eof);
        assert_eq!(failed(task.read_until("\n", 9, GUARD)).await, ErrorKind::UnexpectedEnd);
        assert_eq!(failed(task.read_exact(1, GUARD)).await, ErrorKind::UnexpectedEnd);
    }
    assert_eq!(task.state(), TaskState::Running);
}

#[tokio::test]
async fn reads_that_wait_all_learn_of_the_end() {
    let server = Server::start(|mut conn| async move {
        conn.read_exact(1).await?;
        conn.write("ab").await?;
        conn.half_close().await?;
        conn.wait_closed().await.map(drop)
    });
    let task = resumed(&server);
    let reads = [1, 5, 1].map(|length| task.read_data(length..=length, GUARD));
    done(task.write("!", GUARD)).await;
    let mut ends = Vec::new();
    for read in reads {
        let read = done(read).await;
        ends.push((text(&read).to_owned(), read.at_eof));
    }
    assert_eq!(ends, [("a".into(), false), ("b".into(), true), (String::new(), true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_closing_with_a_parked_read_sends_fin_after_the_last_write() {
    let server = half_closer();
    let task = resumed(&server);
    let mut parked = task.read_exact(STUCK + 3, GUARD);
    assert!(is_pending(&mut parked).await);
    let sent = pattern(STUCK);
    drop(task.write(sent.clone(), GUARD));
    drop(task.write("end", GUARD));
    task.close_write();
    // This peer answers after the FIN only.
    let answer = done(parked).await.data;
    assert!(answer[..STUCK] == sent && &answer[STUCK..] == b"end");
    let end = done(task.read_data(1..=1, GUARD)).await;
    assert!(end.data.is_empty() && end.at_eof);
    done(task.completion()).await;
    assert_eq!(task.state(), TaskState::Completed);
    server.finish();
}

#[tokio::test]
async fn a_task_that_ended_well_still_tells_its_end() {
    let server = half_closer();
    let task = resumed(&server);
    task.close_write();
    assert!(done(task.read_data(1..=1, GUARD)).await.at_eof);
    done(task.completion()).await;
    let end = done(task.read_data(1..=1, GUARD)).await;
    assert!(end.data.is_empty() && end.at_eof);
    assert_eq!(failed(task.write("x", GUARD)).await, ErrorKind::NotConnected);
}

#[tokio::test]
async fn after_closing_the_read_side_writes_go_on_and_reads_fail() {
    let (server, received) = sink();
    let task = resumed(&server);
    task.close_read();
    let refused = task.read_data(1..=1, GUARD);
    done(task.write("still ", GUARD)).await;
    assert_eq!(failed(refused).await, ErrorKind::NotConnected);
    done(task.write("here", GUARD)).await;
    assert_eq!(failed(task.read_exact(0, GUARD)).await, ErrorKind::NotConnected);
    assert_eq!(task.state(), TaskState::Running);
    task.close_write();
    done(task.completion()).await;
    assert_eq!(soon(received.next()).await, b"still here");
}

#[tokio::test]
async fn after_closing_the_write_side_writes_fail_and_reads_go_on() {
    let server = half_closer();
    let task = resumed(&server);
    drop(task.write("whole", GUARD));
    task.close_write();
    let error = soon(task.write("more", GUARD)).await.expect_err("the side is closed");
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotConnected, -1005));
    assert_eq!(error.endpoint(), Some(&*format!("127.0.0.1:{}", server.port())));
    assert_eq!(text(&done(task.read_exact(5, GUARD)).await), "whole");
    assert_eq!(failed(task.write("", GUARD)).await, ErrorKind::NotConnected);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_both_sides_with_a_read_pending_does_not_hang_the_writer() {
    let (server, received) = sink();
    let task = resumed(&server);
    let pending = task.read_data(1..=1, GUARD);
    drop(task.write("last words", GUARD));
    task.close_read();
    task.close_write();
    // The sink closes when it has seen the FIN, which must not wait for the read.
    assert_eq!(soon(received.next()).await, b"last words");
    let end = done(pending).await;
    assert!(end.data.is_empty() && end.at_eof);
    done(task.completion()).await;
    server.finish();
}

#[tokio::test]
async fn closing_a_side_again_changes_nothing() {
    let server = half_closer();
    let (session, pad, mut heard) = noted(Default::default());
    let task = task_in(&session, &server);
    task.resume();
    drop(task.write("x", GUARD));
    let read = task.read_exact(1, GUARD);
    for _ in 0..3 {
        task.close_write();
        task.close_read();
    }
    assert_eq!(text(&done(read).await), "x");
    done(task.completion()).await;
    task.close_write();
    task.close_read();
    let mut all = heard.up_to(Said::Completed(None)).await;
    all.extend(heard.so_far(&session, &pad).await);
    let ends = [Said::WriteClosed, Said::ReadClosed, Said::Completed(None)];
    assert_eq!(all, [&[Said::Created][..], &ends].concat());
}

#[tokio::test]
async fn only_strict_barriers_wait_for_a_parked_read() {
    for strict in [false, true] {
        // Answers after the FIN, which is not sent before the read is over if barriers are strict.
        let server = Server::start(|mut conn| async move {
            conn.read_to_end().await?;
            let _ = conn.write("x").await;
            conn.wait_closed().await.map(drop)
        });
        let session = session_of(Configuration::default().strict_barriers(strict));
        let task = task_in(&session, &server);
        task.resume();
        done(task.write("", GUARD)).await;
        let read = task.read_exact(1, if strict { SHORT } else { GUARD });
        task.close_write();
        match strict {
            false => assert_eq!(text(&done(read).await), "x"),
            true => assert_eq!(failed(read).await, ErrorKind::TimedOut(Limit::Read)),
        }
        // The barrier went on behind the read.
        assert_eq!(failed(task.write("y", GUARD)).await, ErrorKind::NotConnected);
        if strict {
            assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "x");
        }
    }
}

#[tokio::test]
async fn closing_the_read_side_waits_for_earlier_reads_and_writes() {
    let server = echo();
    let task = resumed(&server);
    let read = task.read_exact(4, GUARD);
    drop(task.write("ping", GUARD));
    task.close_read();
    assert_eq!(text(&done(read).await), "ping");
    assert_eq!(failed(task.read_data(1..=1, GUARD)).await, ErrorKind::NotConnected);
}

#[tokio::test]
async fn close_ends_both_sides_behind_what_is_queued() {
    let (server, received) = sink();
    let task = session().connect("127.0.0.1", server.port()).expect("a task");
    let write = task.write("last words", GUARD);
    task.close();
    done(write).await;
    assert_eq!(soon(received.next()).await, b"last words");
    done(task.completion()).await;
    assert_eq!(failed(task.write("more", GUARD)).await, ErrorKind::NotConnected);
    server.finish();
}

#[tokio::test]
async fn what_is_detached_goes_on_for_nobody() {
    let server = echo();
    let task = resumed(&server);
    let thrown_away = task.read_exact(2, GUARD);
    let next = task.read_exact(2, GUARD);
    thrown_away.detach();
    task.write("abcd", GUARD).detach();
    assert_eq!(text(&done(next).await), "cd");
    done(task.write("efgh", GUARD)).await;
    until(|| task.bytes_received() == 4).await;
    assert_eq!(text(&done(task.read_exact(4, GUARD)).await), "efgh");
}
