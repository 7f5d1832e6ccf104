//! Those who wait for what happens once, and those who hear of everything.

use std::task::Poll;

use shuttle::thread;
use streamtask_proto::EventKind;

use crate::driver::listeners;
use crate::model::check;
use crate::net::Peer;
use crate::people::{await_it, poll_once};
use crate::task::completion::Completion;
use crate::task::events::Events;
use crate::world::{Task, bytes, end};

const COUNT: usize = 1000;

/// The events that are still to come, by name.
fn names(mut events: Events) -> Vec<&'static str> {
    let mut names = Vec::new();
    while let Some(event) = await_it(events.next()) {
        names.push(match event.kind {
            EventKind::Connected => "connected",
            EventKind::ReadClosed => "read closed",
            EventKind::WriteClosed => "write closed",
            EventKind::Finished(Ok(())) => "finished",
            other => panic!("{other:?}"),
        });
    }
    names
}

#[test]
fn every_listener_hears_everything_in_order() {
    check(COUNT, || {
        let peer = Peer::with_room(0);
        let (task, driver) = Task::to(&peer);
        let (first, mut second) = (task.events(), task.events());
        let theirs = task.clone();
        // One who leaves takes nothing along, whenever that is.
        let leaves = thread::spawn(move || {
            let mut events = theirs.events();
            let _ = poll_once(&mut Box::pin(events.next()));
            let _ = poll_once(&mut Box::pin(events.next()));
        });
        let hears = thread::spawn(move || names(first));
        let says = thread::spawn(move || peer.ends());
        // Whoever polls and goes away has lost no event, if there was none.
        let polled = poll_once(&mut Box::pin(second.next()));
        assert!(await_it(task.read(1)).expect("the end").at_eof);
        await_it(task.close_write()).expect("it is closed");
        await_it(task.completion()).expect("it ends well");
        let first = match polled.map(|event| event.map(|event| event.kind)) {
            Poll::Ready(Some(EventKind::ReadClosed)) => vec!["read closed"],
            Poll::Ready(_) | Poll::Pending => vec![],
        };
        for heard in [hears.join().unwrap(), [first, names(second)].concat()] {
            // Whether the connection stood before is a matter of luck.
            let heard = heard.strip_prefix(&["connected"]).unwrap_or(&heard);
            assert_eq!(heard, ["read closed", "write closed", "finished"]);
        }
        assert!(names(task.events()).is_empty(), "nothing is to come any more");
        [leaves, says].into_iter().for_each(|thread| thread.join().unwrap());
        driver.join();
    });
}

/// Polled here with one waker, and there with another.
fn moved(mut completion: Completion) -> thread::JoinHandle<()> {
    let _ = poll_once(&mut completion);
    thread::spawn(move || {
        let error = await_it(completion).expect_err("it does not end well");
        assert!(error.is_cancelled(), "{error:?}");
    })
}

#[test]
fn everybody_who_waits_for_the_end_hears_of_it() {
    check(COUNT, || {
        let peer = Peer::with_room(0);
        let (task, driver) = Task::to(&peer);
        let ours = task.clone();
        let leaves = thread::spawn(move || {
            let mut completion = ours.completion();
            let _ = poll_once(&mut completion);
        });
        let waits = [moved(task.completion()), moved(task.completion())];
        let says = thread::spawn(move || peer.says(b"a"));
        assert_eq!(bytes(await_it(task.read(1))), b"a");
        end(&task, driver);
        waits.into_iter().chain([leaves, says]).for_each(|thread| thread.join().unwrap());
        assert!(await_it(task.completion()).is_err(), "and so does who comes late");
    });
}

#[test]
fn whoever_stops_listening_is_forgotten() {
    check(COUNT, || {
        let peer = Peer::with_room(0);
        let (task, driver) = Task::to(&peer);
        let all = [task.events(), task.events()];
        assert_eq!(listeners(task.shared()), 2);
        let leaves = all.map(|events| thread::spawn(move || drop(events)));
        leaves.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(listeners(task.shared()), 0);
        end(&task, driver);
    });
}
