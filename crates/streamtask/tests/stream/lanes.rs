//! The two lanes: order, lengths, delimiters.

use streamtask::{ErrorKind, TaskState};
use streamtask_testkit::{Cut, Server, Wire, echo, sink, source};

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_read_does_not_hold_writes_back() {
    let server = echo();
    let task = resumed(&server);
    let mut parked = task.read_until("\n", 64, GUARD);
    assert!(is_pending(&mut parked).await);
    let writes = ["one\n", "two\n", "three\n"].map(|line| task.write(line, GUARD));
    assert_eq!(text(&done(parked).await), "one\n");
    assert_eq!(text(&done(task.read_until("\n", 64, GUARD)).await), "two\n");
    assert_eq!(text(&done(task.read_until("\n", 64, GUARD)).await), "three\n");
    for write in writes {
        done(write).await;
    }
    drop(task);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_writes_of_mixed_size_keep_their_order() {
    let (server, received) = sink();
    let task = resumed(&server);
    let all = pattern(100 * 50_000);
    let mut rest = &all[..];
    let mut writes = Vec::new();
    for number in 0..100 {
        // From nothing over a few bytes to what no socket takes at once.
        let length = [0, 1, 7, 1_000, 17_000, 300_000][number % 6].min(rest.len());
        let (piece, behind) = rest.split_at(length);
        writes.push(task.write(piece.to_vec(), GUARD));
        rest = behind;
    }
    task.close_write();
    for write in writes {
        done(write).await;
    }
    let sent = all.len() - rest.len();
    assert!(soon(received.next()).await == all[..sent], "the bytes came in another order");
    assert_eq!(task.bytes_sent(), sent as u64);
}

#[tokio::test]
async fn reads_complete_in_the_order_of_their_calls() {
    let server = source((0..100).collect());
    let wire = Wire::start(server.addr(), Cut::Random { seed: 5 });
    let task = session().stream_task("127.0.0.1", wire.port()).unwrap();
    let reads: Vec<_> = (1..=10).map(|length| task.read_exact(length, GUARD)).collect();
    task.resume();
    let mut all = Vec::new();
    // Awaited the wrong way round, which must not matter.
    for (index, read) in reads.into_iter().enumerate().rev() {
        let data = done(read).await.data;
        assert_eq!(data.len(), index + 1);
        all.splice(0..0, data);
    }
    assert!(all.into_iter().eq(0..55));
}

#[tokio::test]
async fn a_read_waits_for_its_minimum_and_not_for_its_maximum() {
    let server = Server::start(|mut conn| async move {
        conn.write("abc").await?;
        conn.read_exact(1).await?;
        conn.write("de").await?;
        conn.wait_closed().await.map(drop)
    });
    let task = resumed(&server);
    let mut five = task.read_data(5..=100, GUARD);
    assert!(is_pending(&mut five).await);
    done(task.write("!", GUARD)).await;
    assert_eq!(text(&done(five).await), "abcde");
}

/// A task with `bytes` in its own buffer: they came in one piece with a byte that was read.
async fn with_buffered(bytes: &'static str) -> (Server, streamtask::StreamTask) {
    let server = Server::start(move |mut conn| async move {
        conn.write(format!(">{bytes}")).await?;
        conn.wait_closed().await.map(drop)
    });
    let task = resumed(&server);
    assert_eq!(text(&done(task.read_exact(1, GUARD)).await), ">");
    (server, task)
}

#[tokio::test]
async fn a_read_takes_what_is_there_up_to_its_maximum() {
    let (_server, task) = with_buffered("abcdefghi").await;
    assert_eq!(text(&done(task.read_data(1..=4, GUARD)).await), "abcd");
    assert_eq!(text(&done(task.read_data(1..3, GUARD)).await), "ef");
    let rest = done(task.read_data(1..=usize::MAX, GUARD)).await;
    assert_eq!((text(&rest), rest.at_eof, rest.eof), ("ghi", false, None));
    assert_eq!(task.bytes_received(), 10);
}

#[tokio::test]
async fn a_minimum_of_zero_counts_as_one() {
    let server = echo();
    let task = resumed(&server);
    let reads = [task.read_data(0..=10, GUARD), task.read_data(..=10, GUARD)];
    for (read, piece) in reads.into_iter().zip(["a", "b"]) {
        done(task.write(piece, GUARD)).await;
        assert_eq!(text(&done(read).await), piece);
    }
}

#[tokio::test]
async fn a_maximum_of_zero_reads_nothing_once_connected() {
    let (server, _received) = sink();
    let task = task_in(&session(), &server);
    let mut nothing = task.read_data(0..=0, GUARD);
    assert!(is_pending(&mut nothing).await, "it is not connected yet");
    task.resume();
    let nothing = done(nothing).await;
    assert!(nothing.data.is_empty() && !nothing.at_eof);
    assert!(task.remote_address().is_some());
    let (_server, task) = with_buffered("ab").await;
    assert!(done(task.read_exact(0, GUARD)).await.data.is_empty());
    assert_eq!(text(&done(task.read_exact(2, GUARD)).await), "ab");
}

#[tokio::test]
async fn a_minimum_over_the_maximum_is_refused_and_the_lane_goes_on() {
    let server = echo();
    let task = resumed(&server);
    let (min, max) = (5, 4);
    let before = task.read_data(1..=1, GUARD);
    let wrong = task.read_data(min..=max, GUARD);
    let after = task.read_data(1..=1, GUARD);
    done(task.write("ab", GUARD)).await;
    assert_eq!(failed(wrong).await, ErrorKind::InvalidArgument);
    assert_eq!(text(&done(before).await), "a");
    assert_eq!(text(&done(after).await), "b");
    assert_eq!(task.state(), TaskState::Running);
}

#[tokio::test]
async fn a_delimiter_is_found_however_the_bytes_were_cut() {
    for cut in [Cut::EveryByte, Cut::Join, Cut::None] {
        let server = source(b"one\r\n\r\ntwo\rthree\r\nrest".to_vec());
        let wire = Wire::start(server.addr(), cut);
        let task = session().stream_task("127.0.0.1", wire.port()).unwrap();
        task.resume();
        for line in ["one\r\n", "\r\n", "two\rthree\r\n"] {
            let read = done(task.read_until("\r\n", 64, GUARD)).await;
            assert_eq!((text(&read), read.at_eof), (line, false), "{cut:?}");
        }
        assert_eq!(failed(task.read_until("\r\n", 64, GUARD)).await, ErrorKind::UnexpectedEnd);
        let rest = done(task.read_data(64..=64, GUARD)).await;
        assert_eq!((text(&rest), rest.at_eof), ("rest", true), "{cut:?}");
    }
}

#[tokio::test]
async fn a_delimiter_that_does_not_come_leaves_the_bytes() {
    let (_server, task) = with_buffered("abcdefg\n").await;
    assert_eq!(failed(task.read_until("\n", 4, GUARD)).await, ErrorKind::DelimiterNotFound);
    assert_eq!(failed(task.read_until("\n", 7, GUARD)).await, ErrorKind::DelimiterNotFound);
    assert_eq!(task.bytes_received(), 1);
    assert_eq!(text(&done(task.read_until("\n", 8, GUARD)).await), "abcdefg\n");
    assert_eq!(failed(task.read_until("", 4, GUARD)).await, ErrorKind::InvalidArgument);
    assert_eq!(failed(task.read_until("\r\n", 1, GUARD)).await, ErrorKind::InvalidArgument);
    assert_eq!(task.state(), TaskState::Running);
}

#[tokio::test]
async fn an_exact_read_gives_that_many_bytes_or_at_the_end_none() {
    let all = pattern(300_000);
    let server = source(all.clone());
    let wire = Wire::start(server.addr(), Cut::Random { seed: 11 });
    let task = session().stream_task("127.0.0.1", wire.port()).unwrap();
    task.resume();
    for place in [0, 100_000] {
        let read = done(task.read_exact(100_000, GUARD)).await;
        assert!(read.data == all[place..place + 100_000] && !read.at_eof);
    }
    assert_eq!(failed(task.read_exact(100_001, GUARD)).await, ErrorKind::UnexpectedEnd);
    let last = done(task.read_exact(100_000, GUARD)).await;
    assert!(last.data == all[200_000..] && !last.at_eof);
}

#[tokio::test]
async fn an_empty_write_is_done_after_those_before_it() {
    let (server, received) = sink();
    let (session, pad, mut heard) = noted(Default::default());
    let task = task_in(&session, &server);
    let mut first = task.write("", GUARD);
    assert!(is_pending(&mut first).await, "it is not connected yet");
    task.resume();
    done(first).await;
    task.write(pattern(STUCK), GUARD).on_complete(pad.callback("large"));
    task.write("", GUARD).on_complete(pad.callback("empty"));
    task.write("end", GUARD).on_complete(pad.callback("end"));
    task.close_write();
    let all = heard.up_to(Said::Done("end", None)).await;
    let order = ["large", "empty", "end"].map(|name| Said::Done(name, None));
    assert_eq!(all[1..], order, "behind {:?}", all[0]);
    let bytes = soon(received.next()).await;
    assert_eq!((bytes.len(), &bytes[STUCK..]), (STUCK + 3, &b"end"[..]));
}
