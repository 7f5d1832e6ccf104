//! Sessions: what they keep, what they list, what they run.

use std::collections::HashSet;
use std::time::Duration;

use streamtask::{Configuration, DelegateQueue, Session, TaskState};
use streamtask_testkit::{closer, echo, silent, sink};

use crate::support::*;

#[test]
fn a_session_copies_its_configuration() {
    let mut configuration = Configuration::default().timeout_for_request(Duration::from_secs(5));
    let session = session_of(configuration.clone());
    configuration.timeout_for_request = Duration::from_secs(9).into();
    configuration.strict_barriers = true;
    let kept = session.configuration();
    assert_eq!(kept.timeout_for_request.duration(), Some(Duration::from_secs(5)));
    assert!(!kept.strict_barriers);
}

#[test]
fn identifiers_count_from_one_in_each_session() {
    let server = silent();
    for session in [session(), session()] {
        for identifier in 1..=3 {
            let task = task_in(&session, &server);
            assert_eq!(task.identifier(), identifier);
            assert_eq!(task.session(), session);
        }
    }
}

#[test]
fn identifiers_are_unique_whoever_makes_the_tasks() {
    let session = session();
    let number = || session.stream_task("127.0.0.1", 1).expect("a task can be made").identifier();
    let make = || (0..100).map(|_| number()).collect::<Vec<_>>();
    let numbers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("it makes tasks")).collect()
    });
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), 800);
    assert!(numbers.iter().all(|number| (1..=800).contains(number)));
}

#[tokio::test]
async fn the_shared_session_cannot_be_invalidated() {
    let server = echo();
    let shared = Session::shared();
    let task = task_in(&shared, &server);
    task.resume();
    shared.invalidate_and_cancel();
    shared.finish_tasks_and_invalidate();
    done(task.write("x", GUARD)).await;
    assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "x");
    assert_eq!(task_in(&Session::shared(), &server).state(), TaskState::Suspended);
    assert_eq!(shared, Session::shared());
    assert!(shared.delegate().is_none());
}

#[tokio::test]
async fn a_session_lists_the_tasks_that_are_under_way() {
    let server = silent();
    let ending = closer();
    let session = session();
    let [_fresh, running, suspended, cancelled] = [(); 4].map(|()| task_in(&session, &server));
    let over = task_in(&session, &ending);
    for task in [&running, &suspended, &cancelled, &over] {
        task.resume();
    }
    suspended.suspend();
    cancelled.cancel();
    over.close_write();
    assert!(done(over.read_data(1..=1, GUARD)).await.at_eof);
    done(over.completion()).await;
    assert_eq!(session.all_tasks(), [running.clone(), suspended.clone()]);
    assert_eq!(session.task(running.identifier()), Some(running));
    assert_eq!(session.task(suspended.identifier()), Some(suspended));
    for number in [_fresh.identifier(), cancelled.identifier(), over.identifier(), 0, 99] {
        assert_eq!(session.task(number), None);
    }
}

#[tokio::test]
async fn a_session_can_be_dropped_before_its_tasks() {
    let server = echo();
    let (session, _pad, mut heard) = noted(Default::default());
    let task = task_in(&session, &server);
    drop(session);
    task.resume();
    done(task.write("x", GUARD)).await;
    assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "x");
    assert_eq!(task.session().all_tasks(), std::slice::from_ref(&task));
    drop(task);
    assert_eq!(heard.up_to(Said::Completed(None)).await, [Said::Created, Said::Completed(None)]);
}

#[tokio::test]
async fn reset_and_flush_call_back_on_the_queue_and_leave_tasks_alone() {
    for queue in [DelegateQueue::serial(), queues()[2].clone()] {
        let server = echo();
        let (session, pad, mut heard) = noted(queue);
        let task = task_in(&session, &server);
        task.resume();
        let here = std::thread::current().id();
        let note = |mark, pad: Pad| {
            move || {
                assert_ne!(std::thread::current().id(), here);
                pad.write(Said::Mark(mark));
            }
        };
        session.reset(note("reset", pad.clone()));
        session.flush(note("flush", pad.clone()));
        let all = [Said::Created, Said::Mark("reset"), Said::Mark("flush")];
        assert_eq!(heard.up_to(Said::Mark("flush")).await, all);
        done(task.write("x", GUARD)).await;
        assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "x");
    }
}

#[test]
fn a_session_has_a_free_label() {
    let session = session();
    assert_eq!(session.description(), None);
    session.set_description("mail");
    let clone = session.clone();
    assert_eq!(clone.description().as_deref(), Some("mail"));
    assert!(format!("{clone:?}").contains("mail"));
    assert_ne!(session, crate::support::session());
}

#[cfg(target_os = "linux")]
#[test]
fn a_session_that_is_dropped_leaves_no_thread() {
    alone("session::a_session_that_is_dropped_leaves_no_thread", || {
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let server = echo();
        // The library's own runtime starts with the first task and stays.
        resumed(&server).write("", GUARD).wait().expect("it is written");
        let before = threads();
        for _ in 0..50 {
            let (session, pad, _heard) = noted(DelegateQueue::serial());
            let task = task_in(&session, &server);
            task.resume();
            task.write("x", GUARD).on_complete(pad.callback("write"));
            task.read_exact(1, GUARD).wait().expect("it is read");
        }
        // Queues keep their threads for a moment, in case there is more to do.
        settle(|| threads() <= before);
    });
}

#[tokio::test]
async fn a_program_that_waits_for_the_end_of_its_session_loses_no_write_that_stands() {
    let (server, received) = sink();
    let session = session();
    for _ in 0..3 {
        let task = session.connect("127.0.0.1", server.port()).expect("a task");
        task.write(pattern(1 << 20), GUARD).detach();
        task.close();
    }
    soon(session.finished()).await;
    for _ in 0..3 {
        assert!(soon(received.next()).await == pattern(1 << 20), "it arrived before the end");
    }
    assert_eq!(session.all_tasks(), []);
    server.finish();
}

#[test]
fn whoever_waits_for_a_session_waits_for_what_is_under_way_and_for_nothing_else() {
    within(|| {
        let (session, server) = (session(), echo());
        session.finished().wait();
        let suspended = task_in(&session, &server);
        session.finished().wait();
        let task = session.connect("127.0.0.1", server.port()).expect("a task");
        let waits = std::thread::spawn({
            let finished = session.finished();
            move || finished.wait()
        });
        task.write("ping", GUARD).wait().expect("it is written");
        task.read_exact(4, GUARD).wait().expect("it is read");
        assert!(!waits.is_finished(), "the task is still there");
        task.cancel();
        waits.join().expect("it comes to its end");
        drop(suspended);
    });
}

#[tokio::test]
async fn captured_tasks_are_over_when_their_streams_are() {
    let (session, server) = (session(), echo());
    let task = session.connect("127.0.0.1", server.port()).expect("a task");
    let streams = done(task.capture_streams()).await;
    // The task is over, and the connection is no longer the session's to close.
    soon(session.finished()).await;
    drop(streams);
    soon(session.finished()).await;
}
