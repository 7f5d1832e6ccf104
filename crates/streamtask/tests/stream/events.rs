//! What happens to a task, told to whoever listens: in order, with the time, and to the end.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use streamtask::{
    Configuration, DelegateQueue, Error, ErrorKind, Event, EventKind, Session, SessionDelegate,
    StreamTask,
};
use streamtask_testkit::{half_closer, silent};

use crate::support::*;

#[tokio::test]
async fn events_tell_of_a_life_without_a_delegate() {
    let server = half_closer();
    let task = task_in(&session(), &server);
    let mut events = task.events();
    task.resume();
    task.close_write();
    assert_eq!(failed(task.read_exact(1, GUARD)).await, ErrorKind::UnexpectedEnd);
    assert!(matches!(next_kind(&mut events).await, Some(EventKind::Connected)));
    assert!(matches!(next_kind(&mut events).await, Some(EventKind::WriteClosed)));
    assert!(matches!(next_kind(&mut events).await, Some(EventKind::ReadClosed)));
    assert!(matches!(next_kind(&mut events).await, Some(EventKind::Finished(Ok(())))));
    assert!(soon(events.next()).await.is_none());
    assert!(soon(task.events().next()).await.is_none(), "nothing happens any more");
}

#[tokio::test]
async fn events_and_errors_say_when_they_happened() {
    let before = Instant::now();
    let server = silent();
    let task = task_in(&session(), &server);
    let mut events = task.events();
    task.resume();
    let connected = soon(events.next()).await.expect("it connects").when;
    let reads = [task.read_exact(1, GUARD), task.read_exact(1, GUARD)];
    let started = Instant::now();
    let late = soon(task.read_exact(1, Duration::ZERO)).await.expect_err("there is nothing yet");
    task.cancel();
    let ended = soon(events.next()).await.expect("it ends").when;
    assert!(before <= connected && connected <= started);
    assert!(late.when().is_some_and(|late| started <= late && late <= ended));
    for read in reads {
        // One failure, however many operations it ended.
        let error = soon(read).await.expect_err("it was cancelled");
        assert_eq!(error.when(), Some(ended));
    }
    let refused = soon(task.write("late", GUARD)).await.expect_err("the task is over");
    assert!(refused.when().is_some(), "{refused}");
    assert!(Error::new(ErrorKind::Cancelled).when().is_none(), "it happened to no task");
}

#[tokio::test]
async fn events_end_with_the_error_and_go_to_everybody_who_asked() {
    let task = task_in(&session(), &silent());
    let listeners = [task.events(), task.events()];
    drop(task.events());
    task.cancel();
    for mut events in listeners {
        match next_kind(&mut events).await {
            Some(EventKind::Finished(Err(error))) => assert!(error.is_cancelled()),
            other => panic!("{other:?}"),
        }
        assert!(soon(events.next()).await.is_none());
    }
}

/// Notes the names of events, and may be looked at meanwhile.
#[derive(Default)]
struct Everything(Mutex<Vec<String>>);

impl SessionDelegate for Everything {
    fn did_happen(&self, _: &Session, _: &StreamTask, event: &Event) {
        self.0.lock().unwrap().push(format!("{:?}", event.kind));
    }

    fn did_complete(&self, _: &Session, _: &StreamTask, _: Option<&Error>) {
        self.0.lock().unwrap().push("completed".into());
    }
}

#[tokio::test]
async fn a_delegate_that_the_program_keeps_hears_of_everything() {
    let server = half_closer();
    let everything = Arc::new(Everything::default());
    let session = Session::with_delegate(
        Configuration::default(),
        everything.clone(),
        DelegateQueue::serial(),
    );
    let task = session.expect("a session").connect("127.0.0.1", server.port()).expect("a task");
    task.close_write();
    done(task.read_data(1..=1, GUARD)).await;
    done(task.completion()).await;
    let is_over = || everything.0.lock().unwrap().last().is_some_and(|last| last == "completed");
    until(is_over).await;
    let all = everything.0.lock().unwrap().clone();
    assert_eq!(all, ["Connected", "WriteClosed", "ReadClosed", "Finished(Ok(()))", "completed"]);
}

#[test]
fn events_can_be_waited_for_and_called_back_too() {
    within(|| {
        let server = half_closer();
        let task = task_in(&session(), &server);
        let (mut waited, called) = (task.events(), task.events());
        let (sender, heard) = mpsc::channel();
        called.on_event(move |event| {
            sender.send(format!("{:?}", event.kind)).expect("the test listens")
        });
        task.resume();
        task.close_write();
        task.read_data(1..=1, GUARD).wait().expect("the end");
        let mut all = Vec::new();
        while let Some(event) = waited.wait_next() {
            all.push(format!("{:?}", event.kind));
        }
        assert_eq!(all, ["Connected", "WriteClosed", "ReadClosed", "Finished(Ok(()))"]);
        // The callback is dropped behind the last, and with it its end of the channel.
        assert_eq!(heard.iter().collect::<Vec<_>>(), all);
    });
}
