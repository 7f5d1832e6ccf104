//! What dropping does: reads withdraw, writes stand, the last handle closes when all is done.

use streamtask::{ErrorKind, TaskState, Timeout};
use streamtask_testkit::{Cut, Server, Wire, echo, sink, source};
use tokio::task::yield_now;

use crate::support::*;

/// A task that has these bytes in its buffer.
async fn with_buffered(bytes: &'static str) -> (Server, streamtask::StreamTask) {
    let server = Server::start(move |mut conn| async move {
        conn.write(format!(">{bytes}")).await?;
        let more = conn.read().await?;
        conn.write(more).await?;
        conn.wait_closed().await.map(drop)
    });
    let task = resumed(&server);
    assert_eq!(text(&done(task.read_exact(1, GUARD)).await), ">");
    (server, task)
}

#[tokio::test]
async fn a_pending_read_that_is_dropped_takes_nothing() {
    let (_server, task) = with_buffered("abc").await;
    let mut half_filled = task.read_exact(6, GUARD);
    assert!(is_pending(&mut half_filled).await);
    let behind = task.read_exact(2, GUARD);
    drop(half_filled);
    assert_eq!(text(&done(behind).await), "ab");
    let never_polled = task.read_exact(5, GUARD);
    drop(never_polled);
    done(task.write("def", GUARD)).await;
    assert_eq!(text(&done(task.read_exact(4, GUARD)).await), "cdef");
    assert_eq!(task.bytes_received(), 7);
}

#[tokio::test]
async fn a_read_that_is_dropped_in_the_middle_of_the_lane_leaves_the_others() {
    let server = echo();
    let task = resumed(&server);
    let first = task.read_exact(2, GUARD);
    let second = task.read_exact(2, GUARD);
    let third = task.read_exact(2, GUARD);
    drop(second);
    done(task.write("abcd", GUARD)).await;
    assert_eq!(text(&done(third).await), "cd");
    assert_eq!(text(&done(first).await), "ab");
}

#[tokio::test]
async fn reads_that_were_complete_give_their_bytes_back_in_any_order_of_dropping() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let (_server, task) = with_buffered("abcdef").await;
        let mut reads = [1, 2, 3].map(|length| Some(task.read_exact(length, GUARD)));
        assert_eq!(task.bytes_received(), 7, "they are complete");
        for index in order {
            reads[index] = None;
        }
        assert_eq!(task.bytes_received(), 1);
        assert_eq!(text(&done(task.read_exact(6, GUARD)).await), "abcdef", "{order:?}");
    }
}

#[tokio::test]
async fn reads_that_complete_after_their_call_give_their_bytes_back_too() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let server = echo();
        let task = resumed(&server);
        let mut reads = [1, 2, 3].map(|length| Some(task.read_exact(length, GUARD)));
        done(task.write("abcdef", GUARD)).await;
        until(|| task.bytes_received() == 6).await;
        for index in order {
            reads[index] = None;
        }
        assert_eq!(task.bytes_received(), 0);
        let next = done(task.read_until("f", 64, GUARD)).await;
        assert_eq!(text(&next), "abcdef", "{order:?}");
    }
}

#[tokio::test]
async fn what_was_given_back_goes_to_the_read_that_waits() {
    let (_server, task) = with_buffered("abc").await;
    let complete = task.read_exact(3, GUARD);
    let waiting = task.read_exact(4, GUARD);
    drop(complete);
    done(task.write("d", GUARD)).await;
    assert_eq!(text(&done(waiting).await), "abcd");
}

#[tokio::test]
async fn an_end_that_was_given_back_is_told_again() {
    let server = source(b"bye".to_vec());
    let task = resumed(&server);
    task.close_write();
    let read = task.read_data(10..=10, GUARD);
    until(|| task.bytes_received() == 3).await;
    drop(read);
    let again = done(task.read_data(10..=10, GUARD)).await;
    assert_eq!((text(&again), again.at_eof), ("bye", true));
}

#[tokio::test]
async fn a_dropped_write_stands() {
    let (server, received) = sink();
    let task = resumed(&server);
    drop(task.write("dropped ", GUARD));
    let mut polled = task.write(pattern(STUCK), GUARD);
    let _ = is_pending(&mut polled).await;
    drop(polled);
    done(task.write("kept", GUARD)).await;
    task.close_write();
    let bytes = soon(received.next()).await;
    assert!(bytes.starts_with(b"dropped ") && bytes.ends_with(b"kept"));
    assert_eq!(bytes.len(), STUCK + 12);
}

#[tokio::test]
async fn dropping_the_last_handle_lets_what_is_queued_arrive_and_then_closes() {
    for connected in [false, true] {
        let (server, received) = sink();
        let task = resumed(&server);
        if connected {
            done(task.write("", GUARD)).await;
        }
        let all = pattern(STUCK);
        for piece in all.chunks(1 << 20) {
            drop(task.write(piece.to_vec(), GUARD));
        }
        let kept = task.write("end", GUARD);
        let completion = task.completion();
        drop(task);
        done(kept).await;
        done(completion).await;
        let bytes = soon(received.next()).await;
        assert!(bytes[..STUCK] == all && &bytes[STUCK..] == b"end");
    }
}

#[tokio::test]
async fn a_task_without_handles_can_be_had_again_while_it_works() {
    let server = echo();
    let session = session();
    let task = task_in(&session, &server);
    let number = task.identifier();
    task.resume();
    let read = task.read_exact(1, GUARD);
    drop(task);
    // The read keeps it busy.
    let again = session.task(number).expect("it is under way");
    done(again.write("x", GUARD)).await;
    assert_eq!(text(&done(read).await), "x");
    // A handle is there again, so being idle is no reason to end.
    done(again.write("y", GUARD)).await;
    assert_eq!(text(&done(again.read_exact(1, GUARD)).await), "y");
    assert_eq!(again.state(), TaskState::Running);
    let completion = again.completion();
    drop(again);
    done(completion).await;
    assert_eq!(session.all_tasks(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_that_is_taken_while_the_last_one_is_dropped_keeps_the_task() {
    let server = echo();
    let session = session();
    for _ in 0..300 {
        let task = task_in(&session, &server);
        task.resume();
        done(task.write("", GUARD)).await;
        let number = task.identifier();
        let dropping = std::thread::spawn(move || drop(task));
        let again = session.task(number);
        dropping.join().expect("it drops");
        let Some(again) = again else { continue };
        // Either it had ended before it was handed out again, or it lives on.
        if again.state() == TaskState::Running {
            done(again.write("x", GUARD)).await;
            assert_eq!(text(&done(again.read_exact(1, GUARD)).await), "x");
        }
    }
}

#[tokio::test]
async fn a_task_that_is_dropped_before_it_was_resumed_is_over() {
    let (session, _pad, mut heard) = noted(Default::default());
    let task = task_in(&session, &echo());
    let completion = task.completion();
    drop(task);
    assert_eq!(failed(completion).await, ErrorKind::Cancelled);
    let end = Said::Completed(Some(ErrorKind::Cancelled));
    assert_eq!(heard.up_to(end).await, [Said::Created, end]);
}

#[tokio::test]
async fn nobody_waits_for_ever_for_a_task_that_can_never_be_resumed() {
    let (session, pad, mut heard) = noted(Default::default());
    let task = task_in(&session, &echo());
    let read = task.read_exact(1, GUARD);
    task.write("x", GUARD).on_complete(pad.callback("write"));
    drop(task);
    assert_eq!(failed(read).await, ErrorKind::Cancelled);
    let end = Said::Completed(Some(ErrorKind::Cancelled));
    let write = Said::Done("write", Some(ErrorKind::Cancelled));
    assert_eq!(heard.up_to(end).await, [Said::Created, write, end]);
}

#[tokio::test]
async fn a_loop_that_drops_reads_all_the_time_loses_nothing() {
    let all = pattern(1 << 20);
    let server = source(all.clone());
    for seed in [1, 2] {
        let wire = Wire::start(server.addr(), Cut::Random { seed });
        let task = session().stream_task("127.0.0.1", wire.port()).unwrap();
        task.resume();
        let (mut bytes, mut drops) = (Vec::new(), 0);
        let reading = async {
            loop {
                tokio::select! {
                    read = task.read_data(1..=3_000, Timeout::NEVER) => {
                        let read = read.expect("it reads");
                        bytes.extend_from_slice(&read.data);
                        if read.at_eof {
                            break;
                        }
                    }
                    () = yield_now() => drops += 1,
                }
            }
        };
        soon(reading).await;
        assert!(drops > 100, "the other branch fires all the time, not {drops} times");
        assert!(bytes == all, "{} of {} bytes, in order or not", bytes.len(), all.len());
    }
}
