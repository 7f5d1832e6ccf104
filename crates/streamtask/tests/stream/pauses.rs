//! Before the first resume, and while suspended.

use std::io::ErrorKind as Io;
use std::net::TcpListener;
use std::sync::Arc;

use streamtask::{ErrorKind, Limit, TaskState};
use streamtask_testkit::{Server, echo, half_closer, silent};
use tokio::sync::Notify;

use crate::support::*;

#[tokio::test]
async fn nothing_touches_the_network_before_resume() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let session = session();
    let waiting = session.stream_task("127.0.0.1", port).unwrap();
    let mut queued = waiting.write("x", GUARD);
    assert!(is_pending(&mut queued).await);
    assert_eq!((waiting.state(), waiting.remote_address()), (TaskState::Suspended, None));
    let running = session.stream_task("127.0.0.1", port).unwrap();
    running.resume();
    done(running.write("y", GUARD)).await;
    let (_kept, peer) = listener.accept().expect("the one that was resumed");
    assert_eq!(Some(peer), running.local_address());
    assert_eq!(listener.accept().unwrap_err().kind(), Io::WouldBlock);
    assert!(is_pending(&mut queued).await);
    waiting.resume();
    done(queued).await;
    let (_kept, peer) = listener.accept().expect("now the other one");
    assert_eq!(Some(peer), waiting.local_address());
}

#[tokio::test]
async fn what_is_queued_before_resume_runs_after_it_in_order() {
    let server = half_closer();
    let task = task_in(&session(), &server);
    let reads = [3, 2, 9].map(|length| task.read_data(length..=length, GUARD));
    let writes = ["one", "tw", "o"].map(|bytes| task.write(bytes, GUARD));
    task.close_write();
    let refused = task.write("late", GUARD);
    task.resume();
    assert_eq!(failed(refused).await, ErrorKind::NotConnected);
    for write in writes {
        done(write).await;
    }
    let mut all = Vec::new();
    for read in reads {
        all.push(done(read).await.data);
    }
    assert_eq!(all, ["one", "tw", "o"]);
    done(task.completion()).await;
}

#[tokio::test]
async fn suspensions_nest() {
    let server = echo();
    let task = task_in(&session(), &server);
    task.suspend();
    task.suspend();
    let mut write = task.write("x", GUARD);
    for _ in 0..2 {
        task.resume();
        assert_eq!(task.state(), TaskState::Suspended);
        assert!(is_pending(&mut write).await);
        assert_eq!(task.session().all_tasks(), []);
    }
    task.resume();
    assert_eq!(task.state(), TaskState::Running);
    done(write).await;
    assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "x");
}

#[tokio::test]
async fn a_resume_too_many_is_harmless_and_saves_nothing_up() {
    let server = echo();
    let task = resumed(&server);
    for _ in 0..5 {
        task.resume();
    }
    done(task.write("a", GUARD)).await;
    task.suspend();
    assert_eq!(task.state(), TaskState::Suspended);
    task.resume();
    done(task.write("b", GUARD)).await;
    assert_eq!(text(&done(task.read_exact(2, GUARD)).await), "ab");
    assert_eq!(server.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_task_moves_no_byte_and_goes_on_on_the_same_connection() {
    let pushed = Arc::new(Notify::new());
    let push = pushed.clone();
    let server = Server::start(move |mut conn| {
        let push = push.clone();
        async move {
            conn.read_exact(1).await?;
            push.notified().await;
            conn.write("pushed").await?;
            assert_eq!(conn.read_to_end().await?, b"b");
            Ok(())
        }
    });
    let task = resumed(&server);
    done(task.write("a", GUARD)).await;
    let address = task.local_address();
    let mut read = task.read_exact(6, GUARD);
    assert!(is_pending(&mut read).await);
    task.suspend();
    pushed.notify_one();
    let mut write = task.write("b", GUARD);
    task.close_write();
    outlive(2 * SHORT).await;
    assert!(is_pending(&mut write).await && is_pending(&mut read).await);
    assert_eq!((task.bytes_sent(), task.bytes_received()), (1, 0));
    assert_eq!(task.session().all_tasks(), std::slice::from_ref(&task));
    task.resume();
    done(write).await;
    assert_eq!(text(&done(read).await), "pushed");
    assert_eq!((task.local_address(), server.connections()), (address, 1));
    server.finish();
}

#[tokio::test]
async fn timers_rest_while_suspended() {
    let server = silent();
    let task = resumed(&server);
    done(task.write("", GUARD)).await;
    let mut before = task.read_data(1..=1, 3 * SHORT);
    task.suspend();
    let mut during = task.read_data(1..=1, SHORT);
    outlive(5 * SHORT).await;
    assert!(is_pending(&mut before).await && is_pending(&mut during).await);
    task.resume();
    assert_eq!(failed(during).await, ErrorKind::TimedOut(Limit::Read));
    assert_eq!(failed(before).await, ErrorKind::TimedOut(Limit::Read));
}

#[tokio::test]
async fn timers_of_what_is_queued_before_resume_begin_with_it() {
    let server = silent();
    let task = task_in(&session(), &server);
    let mut read = task.read_data(1..=1, SHORT);
    outlive(3 * SHORT).await;
    assert!(is_pending(&mut read).await);
    task.resume();
    assert_eq!(failed(read).await, ErrorKind::TimedOut(Limit::Read));
}

#[tokio::test]
async fn a_task_that_is_suspended_while_it_connects_has_what_came_when_it_resumes() {
    let server = Server::start(|mut conn| async move {
        conn.write("hello").await?;
        conn.wait_closed().await.map(drop)
    });
    let task = task_in(&session(), &server);
    let mut read = task.read_exact(5, GUARD);
    task.resume();
    task.suspend();
    until(|| server.connections() == 1).await;
    outlive(SHORT).await;
    assert!(is_pending(&mut read).await);
    task.resume();
    assert_eq!(text(&done(read).await), "hello");
}
