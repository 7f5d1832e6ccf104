//! No code of the user's meets a lock of ours: not delegates, not the memory that they lend, nor anybody who
//! looks on while a task ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use bytes::Bytes;
use streamtask::{
    Configuration, DelegateQueue, Error, Event, Session, SessionDelegate, StreamTask, Timeout,
};
use streamtask_testkit::{echo, silent};

use crate::support::*;

/// Memory that asks for its task when it is given back.
struct Owner {
    memory: Vec<u8>,
    task: StreamTask,
    is_back: Arc<AtomicBool>,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.memory
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.task.bytes_sent();
        self.is_back.store(true, Ordering::Release);
    }
}

/// Lends `task` that much, and waits until it is back.
fn lend(task: &StreamTask, length: usize) {
    let is_back = Arc::new(AtomicBool::new(false));
    let owner = Owner { memory: vec![7; length], task: task.clone(), is_back: is_back.clone() };
    task.write(Bytes::from_owner(owner), GUARD).wait().expect("it is written");
    while !is_back.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
}

#[test]
fn memory_that_was_lent_comes_back_without_the_tasks_lock() {
    let (server, _received) = streamtask_testkit::sink();
    within(move || {
        let task = resumed(&server);
        [0, 1, 1000, 20_000, 64 << 10, 200_000].into_iter().for_each(|length| lend(&task, length));
        // What is refused, what times out and what a failure takes along comes back too.
        task.close_write();
        let is_back = Arc::new(AtomicBool::new(false));
        let owner = Owner { memory: vec![7], task: task.clone(), is_back: is_back.clone() };
        assert!(task.write(Bytes::from_owner(owner), GUARD).wait().is_err());
        assert!(is_back.load(Ordering::Acquire));
    });
}

#[test]
fn what_a_cancelled_task_had_borrowed_comes_back_without_its_lock() {
    let server = silent();
    within(move || {
        let task = resumed(&server);
        let is_back = Arc::new(AtomicBool::new(false));
        let owner = Owner { memory: vec![7; STUCK], task: task.clone(), is_back: is_back.clone() };
        drop(task.write(Bytes::from_owner(owner), Timeout::NEVER));
        task.cancel();
        while !is_back.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    });
}

/// A delegate that looks at its task when it is dropped.
struct Curious(Mutex<Option<StreamTask>>);

impl SessionDelegate for Curious {}

impl Drop for Curious {
    fn drop(&mut self) {
        if let Some(task) = self.0.lock().unwrap().take() {
            let _ = (task.delegate(), task.state());
        }
    }
}

#[test]
fn a_delegate_that_is_replaced_is_dropped_without_locks() {
    let server = silent();
    within(move || {
        let task = task_in(&session(), &server);
        task.set_delegate(Curious(Mutex::new(Some(task.clone())))).unwrap();
        task.set_delegate(Curious(Mutex::new(None))).unwrap();
    });
}

/// A delegate that breaks down whenever something happens, and at the very end.
struct Panics(mpsc::Sender<&'static str>);

impl SessionDelegate for Panics {
    fn did_happen(&self, _: &Session, _: &StreamTask, _: &Event) {
        std::panic::resume_unwind(Box::new("on purpose"));
    }

    fn did_complete(&self, _: &Session, _: &StreamTask, _: Option<&Error>) {
        self.0.send("complete").unwrap();
        std::panic::resume_unwind(Box::new("on purpose"));
    }

    fn did_become_invalid(&self, _: &Session, _: Option<&Error>) {
        self.0.send("invalid").unwrap();
    }
}

#[test]
fn a_delegate_that_panics_misses_no_message_and_does_not_keep_the_session() {
    let server = silent();
    for is_captured in [false, true] {
        let (said, heard) = mpsc::channel();
        let delegate = Panics(said);
        let session =
            Session::with_delegate(Configuration::default(), delegate, DelegateQueue::serial());
        let session = session.unwrap();
        let task = task_in(&session, &server);
        task.resume();
        match is_captured {
            // Nobody takes the streams: the delegate's default gives them up and says the last word.
            true => drop(task.capture_streams()),
            false => task.cancel(),
        }
        session.finish_tasks_and_invalidate();
        assert_eq!(heard.recv_timeout(GUARD), Ok("complete"));
        assert_eq!(heard.recv_timeout(GUARD), Ok("invalid"));
    }
}

#[test]
fn a_write_to_a_peer_that_answers_before_it_reads_on_ends_though_nobody_reads() {
    for is_closed_first in [true, false] {
        let server = echo();
        within(move || {
            let task = resumed(&server);
            if is_closed_first {
                task.close_read();
            }
            let write = task.write(vec![1; STUCK], Timeout::NEVER);
            task.close_read();
            write.wait().expect("the peer gets rid of its answers");
        });
    }
}

#[test]
fn a_write_to_a_peer_that_answers_before_it_reads_on_arrives_though_nobody_holds_the_task() {
    let server = echo();
    within(move || {
        let task = resumed(&server);
        let completion = task.completion();
        drop((task.write(vec![1; STUCK], Timeout::NEVER), task));
        completion.wait().expect("it ends well");
    });
}
