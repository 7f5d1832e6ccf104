//! Time, moved by the test: minutes pass in microseconds.

use std::time::Duration;

use bytes::{BufMut, Bytes};
use streamtask_proto::tls::{SecureOptions, TlsVersion};
use streamtask_proto::{
    Call, ErrorKind, EventKind, Input, Limit, Options, ReadKind, TaskState, Timeout,
};

use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

fn world() -> World {
    World::connected(TlsVersion::Tls13, Options::default(), 11)
}

fn read_within(world: &mut World, min: usize, timeout: Duration) -> u64 {
    let kind = ReadKind::Data { min, max: 100 };
    world.enqueue(Call::Read(kind, Timeout::from(timeout)))
}

#[test]
fn a_read_that_times_out_leaves_its_bytes_to_the_next() {
    let mut world = world();
    let first = read_within(&mut world, 10, SECOND);
    world.server.send(b"half");
    world.run();
    world.advance(SECOND);
    assert_eq!(world.error(first).kind(), ErrorKind::TimedOut(Limit::Read));
    let second = world.read(1, 100);
    assert_eq!(&world.data(second).data[..], b"half");
    assert_eq!(world.client.state(), TaskState::Running);
}

#[test]
fn a_limit_of_nothing_allows_what_can_be_done_at_once() {
    let mut world = world();
    let read = read_within(&mut world, 4, Duration::ZERO);
    assert!(!world.is_done(read), "the socket is looked at first");
    world.advance(Duration::ZERO);
    assert_eq!(world.error(read).kind(), ErrorKind::TimedOut(Limit::Read));
    let first = world.read(1, 1);
    world.server.send(b"?half");
    world.run_until("the first byte", |world| world.is_done(first));
    let read = read_within(&mut world, 4, Duration::ZERO);
    world.run();
    assert_eq!(&world.data(read).data[..], b"half");
    let none = world.enqueue(Call::Write(Bytes::from_static(b"now"), Duration::ZERO.into()));
    world.run();
    assert!(world.results[&none].is_ok());
    assert_eq!(world.server.received, b"now");
}

#[test]
fn a_limit_that_was_reached_says_how_long_it_was_and_what_there_was_to_wait_for() {
    let said = |world: &World, id| world.error(id).to_string();
    let mut world = world();
    let (first, second) =
        (read_within(&mut world, 4, SECOND), read_within(&mut world, 1, SECOND / 4));
    world.client.receive_buffer().put_slice(b"abc");
    world.input(Input::Received(3));
    world.advance(SECOND);
    let of = "server.test:25: timed out: the read";
    assert_eq!(said(&world, first), format!("{of} (after 1 s, with 3 bytes there)"));
    assert_eq!(said(&world, second), format!("{of} (after 250 ms, behind an earlier read)"));
    world.read(3, 3);
    let start = world.enqueue(Call::StartSecure(SecureOptions::default()));
    let held = read_within(&mut world, 1, 2 * SECOND);
    world.run();
    world.advance(2 * SECOND);
    assert!(!world.is_done(start));
    assert_eq!(said(&world, held), format!("{of} (after 2 s, still starting TLS)"));
}

#[test]
fn without_a_timeout_a_read_waits_for_ever() {
    let mut world = world();
    let read = world.read(1, 1);
    world.advance(3600 * 24 * SECOND);
    assert!(!world.is_done(read));
}

#[test]
fn an_idle_stream_outlives_the_request_timeout() {
    let mut world = world();
    let read = world.read(4, 4);
    world.advance(320 * SECOND);
    world.server.send(b"late");
    world.run();
    assert_eq!(&world.data(read).data[..], b"late");
}

#[test]
fn the_resource_timeout_ends_the_task() {
    let mut world = world();
    let read = world.read(1, 10);
    world.advance(604_800 * SECOND);
    let limit = ErrorKind::TimedOut(Limit::Resource);
    assert_eq!(world.error(read).kind(), limit);
    let said = "server.test:25: timed out: the whole task (after 604800 s, still open)";
    assert_eq!(world.error(read).to_string(), said);
    assert!(
        matches!(world.events.last(), Some(EventKind::Finished(Err(error))) if error.kind() == limit)
    );
    assert!(world.is_closed());
}

#[test]
fn a_suspended_task_has_no_timeouts() {
    let mut world = world();
    let read = read_within(&mut world, 7, 10 * SECOND);
    world.advance(4 * SECOND);
    world.input(Input::Suspend);
    world.advance(3600 * SECOND);
    world.server.send(b"waiting");
    world.run();
    assert!(!world.is_done(read), "suspended: nothing is delivered");
    world.input(Input::Resume);
    world.run();
    assert_eq!(&world.data(read).data[..], b"waiting");
}

#[test]
fn a_timer_goes_on_where_it_was_suspended() {
    let mut world = world();
    let read = read_within(&mut world, 1, 10 * SECOND);
    world.advance(4 * SECOND);
    world.input(Input::Suspend);
    world.advance(3600 * SECOND);
    world.input(Input::Resume);
    world.advance(5 * SECOND);
    assert!(!world.is_done(read));
    world.advance(SECOND);
    assert_eq!(world.error(read).kind(), ErrorKind::TimedOut(Limit::Read));
}

#[test]
fn the_timer_of_an_operation_queued_before_resume_starts_at_resume() {
    let mut world = World::new(TlsVersion::Tls13, Options::default(), 1);
    let read = read_within(&mut world, 1, 10 * SECOND);
    world.advance(3600 * SECOND);
    world.input(Input::Resume);
    world.advance(9 * SECOND);
    assert!(!world.is_done(read));
    world.advance(SECOND);
    assert!(world.is_done(read));
}

#[test]
fn a_write_of_which_nothing_was_sent_times_out_alone() {
    let mut world = world();
    let late = Call::Write(Bytes::from_static(b"late"), Timeout::from(SECOND));
    let late = world.enqueue(late);
    let next = world.write("next");
    world.advance(SECOND);
    assert_eq!(world.error(late).kind(), ErrorKind::TimedOut(Limit::Write));
    world.run();
    assert!(world.results[&next].is_ok());
    assert_eq!(world.server.received, b"next");
}

#[test]
fn a_write_of_which_part_was_sent_poisons_the_lane_and_reads_go_on() {
    let mut world = world();
    let late = Call::Write(Bytes::from_static(b"0123456789"), Timeout::from(SECOND));
    let late = world.enqueue(late);
    world.input(Input::Sent(4));
    let next = world.write("next");
    world.advance(SECOND);
    let limit = ErrorKind::TimedOut(Limit::Write);
    assert_eq!(world.error(late).kind(), limit);
    assert_eq!(world.error(next).kind(), limit);
    let later = world.write("later");
    assert_eq!(world.error(later).kind(), limit);
    let read = world.read(10, 10);
    world.server.send(b"still here");
    world.run();
    assert_eq!(&world.data(read).data[..], b"still here");
    assert_eq!(world.client.state(), TaskState::Running);
}

#[test]
fn a_handshake_that_does_not_move_fails_the_task() {
    let mut world = world();
    let start = world.enqueue(Call::StartSecure(SecureOptions::default()));
    let write = world.write("secret");
    world.run();
    world.advance(60 * SECOND);
    let limit = ErrorKind::TimedOut(Limit::SecureStart);
    assert_eq!(world.error(start).kind(), limit);
    let said = "server.test:25: timed out: the TLS handshake (after 60 s)";
    assert_eq!(world.error(start).to_string(), said);
    assert_eq!(world.error(write).kind(), limit);
}

#[test]
fn a_fatal_timeout_fails_the_task_with_it() {
    let options = Options { timeout_is_fatal: true, ..Options::default() };
    let mut world = World::connected(TlsVersion::Tls13, options, 1);
    let first = read_within(&mut world, 1, SECOND);
    let second = world.read(1, 1);
    world.advance(SECOND);
    assert_eq!(world.error(first).kind(), world.error(second).kind());
    assert_eq!(world.client.state(), TaskState::Completed);
}

#[test]
fn buffers_grown_under_load_are_given_back_when_the_connection_falls_idle() {
    let mut world = world();
    let read = world.read(1 << 20, 1 << 20);
    world.server.send(&vec![7; 1 << 20]);
    world.run();
    assert_eq!(world.data(read).data.len(), 1 << 20);
    let unread = world.read(100, 100);
    world.server.send(b"partly");
    world.run();
    assert!(world.client.capacity() > 16 << 10, "grown under load");
    world.advance(SECOND);
    world.advance(SECOND);
    assert!(world.client.capacity() <= 16 << 10, "{} bytes kept", world.client.capacity());
    world.server.send(&[b'!'; 94]);
    world.run();
    assert_eq!(&world.data(unread).data[..6], b"partly", "what was unread is still there");
}
