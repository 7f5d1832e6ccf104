//! Whoever waits is woken, whatever the others do.

use std::sync::Arc;

use shuttle::sync::mpsc;
use shuttle::thread;
use streamtask_proto::{ErrorKind, EventKind};

use crate::model::check;
use crate::net::Peer;
use crate::people::{Notes, await_it};
use crate::task::events::Events;
use crate::world::{AT_ONCE, Polled, Task, bytes, called, end, heard};
use crate::{Session, SessionDelegate, StreamTask};

const COUNT: usize = 1000;

#[test]
fn a_read_that_waits_alone_is_woken() {
    check(COUNT, awaited_alone);
}

pub(crate) fn awaited_alone() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    let says = thread::spawn(move || peer.says(b"ab"));
    assert_eq!(bytes(await_it(task.read(1))), b"a");
    assert_eq!(bytes(await_it(task.read(1))), b"b");
    says.join().unwrap();
    end(&task, driver);
}

#[test]
fn reads_of_two_threads_are_woken() {
    check(COUNT, awaited_by_two);
}

pub(crate) fn awaited_by_two() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    let ours = task.clone();
    let other = thread::spawn(move || bytes(await_it(ours.read(1))));
    let says = thread::spawn(move || {
        peer.says(b"a");
        peer.says(b"b");
    });
    let mut both = bytes(await_it(task.read(1)));
    both.extend(other.join().unwrap());
    both.sort_unstable();
    assert_eq!(both, b"ab");
    says.join().unwrap();
    end(&task, driver);
}

#[test]
fn the_waker_of_the_last_poll_counts() {
    check(COUNT, polled_here_and_awaited_there);
}

pub(crate) fn polled_here_and_awaited_there() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    let says = thread::spawn(move || peer.says(b"a"));
    let read = Polled::once(task.read(1));
    let there = thread::spawn(move || bytes(read.finish()));
    assert_eq!(there.join().unwrap(), b"a");
    says.join().unwrap();
    end(&task, driver);
}

#[test]
fn a_read_that_was_polled_is_called_back() {
    check(COUNT, polled_and_called_back);
}

pub(crate) fn polled_and_called_back() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    let says = thread::spawn(move || peer.says(b"a"));
    let read = Polled::once(task.read(1));
    assert_eq!(bytes(read.finish_by_callback()), b"a");
    says.join().unwrap();
    end(&task, driver);
}

#[test]
fn a_held_read_does_not_stop_the_callback_behind_it() {
    check(COUNT, held_before_a_callback);
}

pub(crate) fn held_before_a_callback() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    let says = thread::spawn(move || {
        peer.says(b"a");
        peer.says(b"b");
    });
    let held = Polled::once(task.read(1));
    let behind = called(task.read(1));
    assert_eq!(bytes(heard(&behind)), b"b");
    assert_eq!(bytes(held.finish()), b"a");
    says.join().unwrap();
    end(&task, driver);
}

#[test]
fn a_dropped_read_leaves_its_bytes_to_the_one_behind_it() {
    check(COUNT, dropped_before_a_callback);
}

pub(crate) fn dropped_before_a_callback() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    let says = thread::spawn(move || peer.says(b"a"));
    match Polled::once(task.read(1)) {
        Polled::Done(read) => assert_eq!(bytes(read), b"a"),
        Polled::Held(read) => {
            let behind = called(task.read(1));
            drop(read);
            assert_eq!(bytes(heard(&behind)), b"a");
        }
    }
    says.join().unwrap();
    end(&task, driver);
}

#[test]
fn who_listens_hears_of_an_end_that_a_held_read_waits_for() {
    check(COUNT, held_before_a_listener);
}

pub(crate) fn held_before_a_listener() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    let (go, gone) = mpsc::channel();
    let says = thread::spawn(move || {
        // Not enough for the read, so that whoever is told of it must look for whoever comes next.
        peer.says(b"a");
        gone.recv().unwrap();
        peer.ends();
    });
    let held = Polled::once(task.read(2));
    let mut events = task.events();
    go.send(()).unwrap();
    let next = |events: &mut Events| await_it(events.next()).map(|event| event.kind);
    while !matches!(next(&mut events), Some(EventKind::ReadClosed)) {}
    assert_eq!(bytes(held.finish()), b"a");
    says.join().unwrap();
    end(&task, driver);
    while let Some(event) = next(&mut events) {
        assert!(matches!(event, EventKind::Finished(_)), "{event:?}");
    }
}

#[test]
fn a_delegate_hears_of_an_end_that_a_held_read_waits_for() {
    check(COUNT, held_before_a_delegate);
}

struct Hears(Arc<Notes<&'static str>>);

impl SessionDelegate for Hears {
    fn read_closed(&self, _: &Session, _: &StreamTask) {
        self.0.note("read closed");
    }
}

pub(crate) fn held_before_a_delegate() {
    let peer = Peer::with_room(0);
    let heard = Arc::new(Notes::default());
    let (task, driver) = Task::told(&peer, Some(Arc::new(Hears(heard.clone()))));
    let says = thread::spawn(move || {
        peer.says(b"a");
        peer.ends();
    });
    let held = Polled::once(task.read(2));
    heard.wait_until(|heard| heard == ["read closed"]);
    assert_eq!(bytes(held.finish()), b"a");
    says.join().unwrap();
    end(&task, driver);
}

#[test]
fn a_dropped_read_lets_a_barrier_go_that_waited_for_nothing_else() {
    check(COUNT, dropped_before_a_barrier);
}

pub(crate) fn dropped_before_a_barrier() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    let read = Polled::once(task.read(1));
    let closes = called(task.close_read());
    drop(read);
    heard(&closes).expect("it is closed");
    end(&task, driver);
}

#[test]
fn a_read_is_woken_although_somebody_begins_to_listen() {
    check(COUNT, awaited_beside_a_listener);
}

pub(crate) fn awaited_beside_a_listener() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    let ours = task.clone();
    let listens = thread::spawn(move || drop(ours.events()));
    let says = thread::spawn(move || {
        peer.says(b"a");
        peer.says(b"b");
    });
    assert_eq!(bytes(await_it(task.read(2))), b"ab");
    listens.join().unwrap();
    says.join().unwrap();
    end(&task, driver);
}

#[test]
fn who_waits_for_the_end_hears_of_a_reset_that_a_held_read_waits_for() {
    check(COUNT, held_before_a_completion);
}

pub(crate) fn held_before_a_completion() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    let says = thread::spawn(move || peer.resets());
    let held = Polled::once(task.read(1));
    let error = await_it(task.completion()).expect_err("it was reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert_eq!(held.finish().expect_err("it was reset").kind(), ErrorKind::ConnectionLost);
    says.join().unwrap();
    driver.join();
}

#[test]
fn a_write_waits_for_room_and_a_read_beside_it_for_bytes() {
    check(COUNT, both_lanes);
}

pub(crate) fn both_lanes() {
    let peer = Peer::with_room(1);
    let (task, driver) = Task::to(&peer);
    let theirs = peer.clone();
    let says = thread::spawn(move || {
        theirs.makes_room(3);
        theirs.says(b"x");
    });
    let mine = task.clone();
    let writes = thread::spawn(move || {
        drop(mine.write(b"ab"));
        await_it(mine.write(b"cd")).expect("it is written");
    });
    assert_eq!(bytes(await_it(task.read(1))), b"x");
    writes.join().unwrap();
    says.join().unwrap();
    assert_eq!(peer.heard(), b"abcd");
    end(&task, driver);
}

#[test]
fn a_limit_is_told_to_a_read_that_waits_alone() {
    check(COUNT, limit_alone);
}

/// Nothing but its limit tells the driver of such a read.
pub(crate) fn limit_alone() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    for _ in 0..2 {
        let error = await_it(task.read_within(1, AT_ONCE)).expect_err("it takes too long");
        assert!(matches!(error.kind(), ErrorKind::TimedOut(_)), "{error:?}");
    }
    end(&task, driver);
}

#[test]
fn a_limit_is_told_to_whoever_waits() {
    check(COUNT, limits);
}

pub(crate) fn limits() {
    let peer = Peer::with_room(0);
    let (task, driver) = Task::to(&peer);
    let held = Polled::once(task.read_within(1, AT_ONCE));
    let behind = called(task.read_within(1, AT_ONCE));
    let mine = task.clone();
    let writes = thread::spawn(move || await_it(mine.write_within(b"x", AT_ONCE)));
    for result in [heard(&behind).map(drop), writes.join().unwrap(), held.finish().map(drop)] {
        let kind = result.expect_err("it takes too long").kind();
        assert!(matches!(kind, ErrorKind::TimedOut(_)), "{kind:?}");
    }
    end(&task, driver);
}

#[test]
fn what_was_queued_goes_on_when_everybody_has_left() {
    check(COUNT, abandoned);
}

pub(crate) fn abandoned() {
    let peer = Peer::with_room(1);
    let (task, driver) = Task::to(&peer);
    let theirs = peer.clone();
    let makes_room = thread::spawn(move || theirs.makes_room(3));
    drop(task.write(b"ab"));
    drop(Polled::once(task.write(b"cd")));
    task.abandon();
    driver.join();
    makes_room.join().unwrap();
    assert_eq!(peer.heard(), b"abcd");
}
