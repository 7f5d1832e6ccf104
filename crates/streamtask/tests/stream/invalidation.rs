//! The end of a session: once, last, and with everything let go.

use std::sync::{Arc, Weak};

use streamtask::{Configuration, Error, ErrorKind, Session, SessionDelegate, StreamTask};
use streamtask_testkit::{echo, half_closer, silent};

use crate::support::*;

const CANCELLED: Said = Said::Completed(Some(ErrorKind::Cancelled));

#[tokio::test]
async fn finishing_lets_running_tasks_end_and_comes_last() {
    for queue in queues() {
        let server = half_closer();
        let (session, _pad, mut heard) = noted(queue);
        let tasks = [(); 3].map(|()| task_in(&session, &server));
        for task in &tasks {
            task.resume();
        }
        session.finish_tasks_and_invalidate();
        session.finish_tasks_and_invalidate();
        assert!(session.delegate().is_some());
        for task in &tasks {
            drop(task.write("still here", GUARD));
            task.close_write();
            assert_eq!(text(&done(task.read_exact(10, GUARD)).await), "still here");
            assert!(done(task.read_data(1..=1, GUARD)).await.at_eof);
        }
        let all = heard.up_to(Said::Invalid).await;
        assert_eq!(all.iter().filter(|said| **said == Said::Completed(None)).count(), 3);
        assert_eq!(all.len(), 3 + 3 * 3 + 1, "{all:?}");
    }
}

#[tokio::test]
async fn cancelling_tells_every_task_before_the_end() {
    for queue in queues() {
        let server = silent();
        let (session, pad, mut heard) = noted(queue);
        let tasks: Vec<_> = (0..20).map(|_| task_in(&session, &server)).collect();
        for task in &tasks[..15] {
            task.resume();
        }
        tasks[14].suspend();
        done(tasks[0].write("", GUARD)).await;
        tasks[3].read_exact(1, GUARD).on_complete(pad.callback("read"));
        session.invalidate_and_cancel();
        session.invalidate_and_cancel();
        session.finish_tasks_and_invalidate();
        let all = heard.up_to(Said::Invalid).await;
        assert_eq!(all.iter().filter(|said| **said == CANCELLED).count(), 20);
        assert!(all.contains(&Said::Done("read", Some(ErrorKind::Cancelled))));
        assert_eq!(all.len(), 20 + 20 + 1 + 1, "{all:?}");
        assert_eq!(session.all_tasks(), []);
        assert_eq!(heard.so_far(&session, &pad).await, [], "once");
    }
}

#[tokio::test]
async fn a_session_without_tasks_ends_at_once() {
    for cancels in [false, true] {
        let (session, pad, mut heard) = noted(Default::default());
        match cancels {
            true => session.invalidate_and_cancel(),
            false => session.finish_tasks_and_invalidate(),
        }
        assert_eq!(heard.next().await, Said::Invalid);
        session.invalidate_and_cancel();
        session.finish_tasks_and_invalidate();
        assert_eq!(heard.so_far(&session, &pad).await, []);
    }
}

#[tokio::test]
async fn a_task_that_was_never_resumed_keeps_a_session_until_it_is_dropped() {
    let (session, pad, mut heard) = noted(Default::default());
    let task = task_in(&session, &silent());
    session.finish_tasks_and_invalidate();
    assert_eq!(heard.so_far(&session, &pad).await, [Said::Created]);
    drop(task);
    assert_eq!(heard.up_to(Said::Invalid).await, [CANCELLED, Said::Invalid]);
}

#[test]
fn an_invalidated_session_makes_no_more_tasks() {
    let server = silent();
    for cancels in [false, true] {
        let session = session();
        let task = task_in(&session, &server);
        match cancels {
            true => session.invalidate_and_cancel(),
            false => session.finish_tasks_and_invalidate(),
        }
        let refused = session.stream_task("127.0.0.1", 1).expect_err("it was invalidated");
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::SessionInvalidated, -1));
        drop(task);
    }
}

/// A delegate whose being held can be watched.
struct Held(#[expect(dead_code, reason = "it is held")] Arc<()>, Pad);

impl SessionDelegate for Held {
    fn did_complete(&self, _: &Session, _: &StreamTask, error: Option<&Error>) {
        self.1.write(Said::Completed(error.map(Error::kind)));
    }

    fn did_become_invalid(&self, session: &Session, _: Option<&Error>) {
        // It may call anything, even now.
        session.invalidate_and_cancel();
        assert!(session.stream_task("127.0.0.1", 1).is_err());
        assert!(session.delegate().is_none());
        self.1.write(Said::Invalid);
    }
}

fn held(pad: &Pad) -> (Held, Weak<()>) {
    let content = Arc::new(());
    let weak = Arc::downgrade(&content);
    (Held(content, pad.clone()), weak)
}

#[tokio::test]
async fn delegates_are_let_go_at_the_end() {
    let server = echo();
    for queue in queues() {
        let (notes, mut heard) = notes();
        let (of_session, watched) = held(&notes.pad);
        let (of_task, watched_too) = held(&notes.pad);
        let configuration = Configuration::default();
        let session = Session::with_delegate(configuration, of_session, queue).unwrap();
        let task = task_in(&session, &server);
        task.set_delegate(of_task).expect("it was not resumed yet");
        task.resume();
        done(task.write("x", GUARD)).await;
        assert!(watched.upgrade().is_some() && watched_too.upgrade().is_some());
        task.cancel();
        session.finish_tasks_and_invalidate();
        assert_eq!(heard.up_to(Said::Invalid).await, [CANCELLED, Said::Invalid]);
        // Session and task are still held, the delegates are not.
        until(|| watched.upgrade().is_none() && watched_too.upgrade().is_none()).await;
        assert!(task.delegate().is_none() && session.delegate().is_none());
    }
}

#[tokio::test]
async fn a_session_and_its_tasks_that_are_gone_hold_no_delegate() {
    let server = echo();
    let (notes, mut heard) = notes();
    let (delegate, watched) = held(&notes.pad);
    let session =
        Session::with_delegate(Configuration::default(), delegate, Default::default()).unwrap();
    let task = task_in(&session, &server);
    drop(session);
    task.resume();
    done(task.write("x", GUARD)).await;
    drop(task);
    assert_eq!(heard.next().await, Said::Completed(None));
    until(|| watched.upgrade().is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn making_tasks_while_a_session_is_invalidated_leaves_none_behind() {
    let server = silent();
    for _ in 0..50 {
        let (session, _pad, mut heard) = noted(Default::default());
        let making = session.clone();
        let port = server.port();
        let maker = tokio::task::spawn_blocking(move || {
            let mut made = 0;
            while let Ok(task) = making.stream_task("127.0.0.1", port) {
                task.resume();
                made += 1;
                // Handles are kept: only the session ends them.
                std::mem::forget(task);
            }
            made
        });
        assert_eq!(heard.next().await, Said::Created);
        session.invalidate_and_cancel();
        let made: usize = soon(maker).await.expect("it makes tasks");
        let mut completed = 0;
        while completed < made {
            completed += usize::from(heard.next().await == CANCELLED);
        }
        assert_eq!(heard.up_to(Said::Invalid).await, [Said::Invalid]);
    }
}
