//! What is over leaves nothing behind.

use std::sync::Arc;

use streamtask::{Configuration, ErrorKind, Session, SessionDelegate, TaskState};
use streamtask_testkit::{echo, silent};

use crate::support::*;

#[tokio::test]
async fn a_suspended_task_that_is_dropped_with_something_queued_ends() {
    let server = echo();
    for _ in 0..50 {
        let session = session();
        let task = task_in(&session, &server);
        task.resume();
        done(task.write("x", GUARD)).await;
        assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "x");
        task.suspend();
        let write = task.write("y", GUARD);
        let completion = task.completion();
        drop(task);
        assert_eq!(failed(completion).await, ErrorKind::Cancelled);
        assert_eq!(failed(write).await, ErrorKind::Cancelled);
        assert!(session.all_tasks().is_empty());
    }
}

#[tokio::test]
async fn a_suspended_task_that_is_dropped_with_nothing_queued_is_closed_cleanly() {
    let server = echo();
    let session = session();
    let task = task_in(&session, &server);
    task.resume();
    done(task.write("x", GUARD)).await;
    task.suspend();
    let completion = task.completion();
    drop(task);
    done(completion).await;
}

#[tokio::test]
async fn a_handle_that_the_session_hands_out_can_still_resume_a_suspended_task() {
    let server = silent();
    let session = session();
    let task = task_in(&session, &server);
    task.resume();
    task.suspend();
    let again = session.task(task.identifier()).expect("it is under way");
    let write = task.write("x", GUARD);
    drop(task);
    assert_eq!(again.state(), TaskState::Suspended);
    again.resume();
    done(write).await;
}

/// What is dropped with the session.
struct Witness(#[expect(dead_code)] Arc<()>);

impl SessionDelegate for Witness {}

#[tokio::test]
async fn a_session_is_freed_once_it_is_invalidated_and_its_tasks_are_over() {
    let server = echo();
    let witness = Arc::new(());
    let delegate = Witness(witness.clone());
    let queue = streamtask::DelegateQueue::serial();
    let session = Session::with_delegate(Configuration::default(), delegate, queue).unwrap();
    let task = task_in(&session, &server);
    task.resume();
    done(task.write("x", GUARD)).await;
    session.finish_tasks_and_invalidate();
    drop((task, session));
    until(|| Arc::strong_count(&witness) == 1).await;
}

/// How often this process holds `file` open.
#[cfg(target_os = "linux")]
fn descriptors_of(file: &std::path::Path) -> usize {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let leads_there = |entry: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_link(entry.unwrap().path()).is_ok_and(|target| target == file)
    };
    all.map(leads_there).filter(|leads| *leads).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn sessions_without_a_delegate_give_their_key_logs_back() {
    let server = echo();
    let file = std::env::temp_dir().join(format!("streamtask-leaks-{}", std::process::id()));
    for number in 0..40 {
        let session = session_of(Configuration::default().key_log(&file));
        let task = task_in(&session, &server);
        if number % 2 == 0 {
            task.resume();
            done(task.write("x", GUARD)).await;
        }
        let completion = task.completion();
        match number % 4 {
            0 | 1 => session.invalidate_and_cancel(),
            _ => session.finish_tasks_and_invalidate(),
        }
        drop((task, session));
        let _ = soon(completion).await;
    }
    until(|| descriptors_of(&file) == 0).await;
    std::fs::remove_file(file).unwrap();
}
