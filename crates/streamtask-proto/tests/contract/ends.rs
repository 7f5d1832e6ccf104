//! How a stream ends: what the peer said before it is had in full, and no end passes for a better one.

use std::io;
use std::time::Duration;

use streamtask_proto::tls::{SecureOptions, TlsVersion};
use streamtask_proto::{
    Call, Closing, EofKind, Error, ErrorKind, EventKind, Input, OpId, Options, ReadKind, TaskState,
    Timeout,
};

use crate::layers::line;

use crate::switching::secured;
use crate::world::World;

fn world() -> World {
    World::connected(TlsVersion::Tls13, Options::default(), 3)
}

fn exactly(world: &mut World, length: usize) -> u64 {
    world.enqueue(Call::Read(ReadKind::Exact { length }, Timeout::NEVER))
}

/// What a socket says when the peer has broken the connection off.
fn reset() -> Error {
    lost(io::ErrorKind::ConnectionReset)
}

/// What it says when the peer's FIN had come before.
fn pipe_broken() -> Error {
    lost(io::ErrorKind::BrokenPipe)
}

fn lost(kind: io::ErrorKind) -> Error {
    Error::new(ErrorKind::ConnectionLost).caused_by(io::Error::from(kind))
}

fn ended(world: &World) -> Option<Result<(), ErrorKind>> {
    world.events.iter().find_map(|event| match event {
        EventKind::Finished(result) => Some(result.clone().map_err(|error| error.kind())),
        _ => None,
    })
}

#[test]
fn an_error_says_when_it_happened_and_not_when_somebody_learns_of_it() {
    let second = Duration::from_secs(1);
    let failures: [fn(&mut World); 2] = [
        |world| world.input(Input::SendFailed(pipe_broken())),
        |world| world.input(Input::ReceiveFailed(reset())),
    ];
    for fails in failures {
        let mut world = world();
        let early = world.write("early");
        world.advance(second);
        let then = world.now;
        fails(&mut world);
        world.advance(second);
        let late = world.write("late");
        world.run();
        for write in [early, late] {
            assert_eq!(world.error(write).when(), Some(then), "{}", world.error(write));
        }
    }
}

#[test]
fn a_failed_send_closes_the_write_side_and_what_the_peer_said_is_delivered() {
    for close in [None, Some(Call::CloseWrite), Some(Call::CloseRead)] {
        let mut world = world();
        let write = world.write("QUIT\r\n");
        let closes_read = matches!(close, Some(Call::CloseRead));
        let read = world.read(9, 9);
        if let Some(close) = close {
            world.enqueue(close);
        }
        world.server.send(b"221 bye\r\n");
        world.inbound_end = true;
        world.input(Input::SendFailed(pipe_broken()));
        assert_eq!(world.error(write).kind(), ErrorKind::ConnectionLost);
        world.run();
        assert_eq!(&world.data(read).data[..], b"221 bye\r\n");
        if !closes_read {
            let end = world.read(1, 1);
            world.run();
            assert_eq!(world.data(end).eof, Some(EofKind::Fin), "the peer's FIN was clean");
        }
        assert_eq!(ended(&world), Some(Err(ErrorKind::ConnectionLost)));
    }
}

/// One of each layer, with what the server said on its way and the end right behind it.
fn worlds_that_end_behind(said: &[u8]) -> [(World, EofKind); 2] {
    let (mut clear, mut secure) = (world(), secured(TlsVersion::Tls13, 6));
    clear.server.send(said);
    clear.inbound_end = true;
    secure.server.send(said);
    secure.server.send_close_notify();
    [(clear, EofKind::Fin), (secure, EofKind::CloseNotify)]
}

#[test]
fn a_read_that_has_its_minimum_does_not_say_whether_the_end_stands_behind_it() {
    for (mut world, eof) in worlds_that_end_behind(b"one\ntwo\nthree") {
        let first = world.read(4, 4);
        world.run();
        let rest = [line(&mut world), world.read(5, 100)];
        world.run();
        for read in [first, rest[0], rest[1]] {
            assert!(!world.data(read).at_eof && world.data(read).eof.is_none());
        }
        let end = world.read(1, 100);
        world.run();
        assert_eq!((&world.data(end).data[..], world.data(end).eof), (&b""[..], Some(eof)));
    }
}

#[test]
fn what_does_not_suffice_for_exactly_so_much_is_an_error_and_stays_for_others() {
    for (mut world, eof) in worlds_that_end_behind(b"half") {
        let (exact, until) = (exactly(&mut world, 5), line(&mut world));
        world.run();
        for read in [exact, until] {
            assert_eq!(world.error(read).kind(), ErrorKind::UnexpectedEnd);
        }
        let short = world.read(5, 5);
        assert_eq!((&world.data(short).data[..], world.data(short).eof), (&b"half"[..], Some(eof)));
        let again = exactly(&mut world, 1);
        assert_eq!(world.error(again).kind(), ErrorKind::UnexpectedEnd, "as often as it is asked");
        let nothing = exactly(&mut world, 0);
        assert!(world.data(nothing).data.is_empty() && !world.data(nothing).at_eof);
    }
}

#[test]
fn an_unexpected_end_is_the_end_for_whoever_looks_at_it_and_what_came_is_still_theirs() {
    for (mut world, eof) in worlds_that_end_behind(b"half") {
        let exact = exactly(&mut world, 5);
        world.enqueue(Call::CloseWrite);
        world.looks_at_reads = false;
        world.run();
        let error = world.error(exact).clone();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEnd);
        assert_eq!(ended(&world), None, "nobody has looked yet");
        world.input(Input::EndSeen(error.ends().expect("it tells the end")));
        world.run();
        assert_eq!(ended(&world), Some(Ok(())));
        let rest = world.read(5, 5);
        assert_eq!((&world.data(rest).data[..], world.data(rest).eof), (&b"half"[..], Some(eof)));
    }
}

#[test]
fn a_close_notify_that_cannot_be_sent_loses_nothing_either() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let mut world = secured(version, 5);
        let read = world.read(9, 9);
        let close = world.enqueue(Call::CloseWrite);
        world.server.send(b"221 bye\r\n");
        world.server.send_close_notify();
        world.inbound_end = true;
        world.input(Input::SendFailed(pipe_broken()));
        assert_eq!(world.error(close).kind(), ErrorKind::ConnectionLost);
        world.run();
        assert_eq!(&world.data(read).data[..], b"221 bye\r\n");
        let end = world.read(1, 1);
        world.run();
        assert_eq!(world.data(end).eof, Some(EofKind::CloseNotify));
    }
}

#[test]
fn a_stop_of_tls_that_can_send_nothing_fails_only_behind_what_the_peer_said() {
    let mut world = secured(TlsVersion::Tls13, 6);
    let (read, later) = (world.read(5, 5), world.read(5, 5));
    let stop = world.enqueue(Call::StopSecure);
    world.server.send(b"hello");
    world.inbound_end = true;
    world.input(Input::SendFailed(pipe_broken()));
    assert!(!world.is_done(stop));
    world.run();
    assert_eq!(&world.data(read).data[..], b"hello");
    assert_eq!(world.error(later).kind(), ErrorKind::ConnectionLost);
    assert_eq!(world.error(stop).kind(), ErrorKind::ConnectionLost);
}

#[test]
fn a_start_of_tls_behind_a_failed_write_leaves_the_reads_before_it_theirs() {
    let mut world = world();
    let (write, read) = (world.write("STARTTLS\r\n"), world.read(13, 13));
    let start = world.enqueue(Call::StartSecure(SecureOptions::default()));
    world.server.send(b"421 closing\r\n");
    world.inbound_end = true;
    world.input(Input::SendFailed(pipe_broken()));
    assert!(world.results[&write].is_err());
    world.run();
    assert_eq!(&world.data(read).data[..], b"421 closing\r\n");
    assert_eq!(world.error(start).kind(), ErrorKind::ConnectionLost);
}

#[test]
fn no_end_is_clean_once_a_send_has_failed_before_the_peers_fin() {
    let cases = [(false, reset()), (true, reset()), (false, lost(io::ErrorKind::TimedOut))];
    for (is_secure, error) in cases {
        let mut world = if is_secure { secured(TlsVersion::Tls13, 7) } else { world() };
        let write = world.write("x");
        world.server.send(b"1");
        world.inbound_end = true;
        world.input(Input::SendFailed(error));
        assert!(world.results[&write].is_err());
        let (read, end) = (world.read(1, 1), world.read(1, 1));
        world.run();
        assert_eq!((&world.data(read).data[..], world.data(read).at_eof), (&b"1"[..], false));
        assert_eq!(world.error(end).kind(), ErrorKind::ConnectionLost);
        assert_eq!(ended(&world), Some(Err(ErrorKind::ConnectionLost)));
    }
}

#[test]
fn what_is_broken_cannot_be_captured() {
    let mut world = world();
    let read = world.read(1, 1);
    world.input(Input::ReceiveFailed(reset()));
    assert_eq!(world.error(read).kind(), ErrorKind::ConnectionLost);
    let capture = world.enqueue(Call::Capture);
    assert_eq!(world.error(capture).kind(), ErrorKind::ConnectionLost);
}

#[test]
fn what_came_stays_readable_behind_a_failure_for_whom_it_satisfies() {
    let mut world = world();
    let (many, few) = (world.read(10, 10), world.read(2, 2));
    world.server.send(b"abcde");
    world.run();
    world.input(Input::ReceiveFailed(reset()));
    assert_eq!(world.error(many).kind(), ErrorKind::ConnectionLost);
    assert_eq!(&world.data(few).data[..], b"ab");
    let late = world.read(4, 4);
    assert_eq!(world.error(late).kind(), ErrorKind::ConnectionLost);
    let rest = world.read(1, 100);
    assert_eq!(&world.data(rest).data[..], b"cde");
    let none = world.read(1, 1);
    assert_eq!(world.error(none).kind(), ErrorKind::ConnectionLost);
}

#[test]
fn a_truncated_end_takes_nothing_along() {
    let mut world = secured(TlsVersion::Tls13, 8);
    world.enqueue(Call::CloseWrite);
    let two = world.read(2, 2);
    world.server.send(b"x");
    world.inbound_end = true;
    world.run();
    assert_eq!(world.error(two).kind(), ErrorKind::Truncated);
    assert_eq!(ended(&world), Some(Err(ErrorKind::Truncated)));
    let one = world.read(1, 1);
    assert_eq!(&world.data(one).data[..], b"x");
    let told = world.events.iter().filter(|event| matches!(event, EventKind::ReadClosed)).count();
    assert_eq!(told, 1);
}

#[test]
fn cancelling_throws_away_what_came() {
    let mut world = world();
    let read = world.read(10, 10);
    world.server.send(b"abc");
    world.run();
    world.input(Input::Cancel);
    assert_eq!(world.error(read).kind(), ErrorKind::Cancelled);
    let late = world.read(1, 1);
    assert_eq!(world.error(late).kind(), ErrorKind::Cancelled);
}

#[test]
fn an_end_that_only_a_dropped_read_has_seen_was_not_delivered() {
    let mut world = world();
    world.looks_at_reads = false;
    let read = world.read(1, 10);
    world.inbound_end = true;
    world.enqueue(Call::CloseWrite);
    world.run();
    assert!(world.data(read).at_eof);
    assert_eq!(ended(&world), None);
    let capture = world.enqueue(Call::Capture);
    assert!(world.results[&capture].is_ok(), "the task was still there");
}

#[test]
fn a_reset_tells_that_both_sides_are_closed_before_the_end() {
    let mut world = world();
    world.read(1, 1);
    world.input(Input::ReceiveFailed(reset()));
    let tail = &world.events[world.events.len() - 3..];
    assert!(matches!(
        tail,
        [EventKind::ReadClosed, EventKind::WriteClosed, EventKind::Finished(Err(_))]
    ));
}

#[test]
fn a_task_that_nobody_can_resume_any_more_ends() {
    let mut world = world();
    let write = world.write("x");
    world.run();
    assert!(world.results[&write].is_ok());
    world.input(Input::Suspend);
    let stuck = world.write("y");
    world.input(Input::Abandoned(true));
    assert_eq!(world.error(stuck).kind(), ErrorKind::Cancelled);
    assert_eq!(world.client.state(), TaskState::Completed);
    assert_eq!(world.closing, Some(Closing::Lingering), "what was written before arrives");
}

#[test]
fn clean_ends_linger_and_others_do_not() {
    let mut both = world();
    both.enqueue(Call::CloseWrite);
    both.enqueue(Call::CloseRead);
    both.run();
    assert_eq!((ended(&both), both.closing), (Some(Ok(())), Some(Closing::Lingering)));
    let mut dropped = secured(TlsVersion::Tls13, 9);
    dropped.input(Input::Abandoned(true));
    assert_eq!((ended(&dropped), dropped.closing), (Some(Ok(())), Some(Closing::Lingering)));
    let mut cancelled = world();
    cancelled.input(Input::Cancel);
    assert_eq!(cancelled.closing, Some(Closing::AtOnce));
}

#[test]
fn a_reset_is_the_error_of_all_that_is_queued_whatever_timed_out_before() {
    let mut world = world();
    let timeout = std::time::Duration::from_millis(1).into();
    let write = world.enqueue(Call::Write(vec![7; 129].into(), timeout));
    world.client.handle(world.now, Input::Sent(5));
    let read = world.read(23, 23);
    let close = world.enqueue(Call::CloseRead);
    world.advance(std::time::Duration::from_millis(1));
    assert!(matches!(world.error(write).kind(), ErrorKind::TimedOut(_)));
    world.input(Input::ReceiveFailed(reset()));
    for id in [read, close] {
        assert_eq!(world.error(id).kind(), ErrorKind::ConnectionLost);
    }
    assert_eq!(ended(&world), Some(Err(ErrorKind::ConnectionLost)));
}

#[test]
fn nonsense_behind_our_close_notify_is_an_error_and_no_panic() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let mut world = secured(version, 12);
        let read = world.read(5, 5);
        world.server.send(b"abc");
        world.enqueue(Call::CloseWrite);
        world.run();
        let sent = world.server.client_closed;
        assert!(sent, "our close_notify has left");
        // No record of TLS begins so.
        world.inbound.extend(*b"nonsense");
        world.run();
        assert_eq!(world.error(read).kind(), ErrorKind::SecureConnectionFailed);
        let left = world.read(3, 3);
        assert_eq!(&world.data(left).data[..], b"abc");
    }
}

#[test]
fn what_comes_behind_the_end_is_not_read() {
    let mut world = world();
    world.input(Input::ReceiveFailed(reset()));
    world.client.receive_buffer().extend_from_slice(b"late");
    world.input(Input::Received(4));
    let read = world.read(1, 10);
    assert_eq!(world.error(read).kind(), ErrorKind::ConnectionLost);
}

/// A write under TLS of which part is encrypted and stuck, its timeout over.
fn poisoned() -> World {
    let mut world = secured(TlsVersion::Tls13, 17);
    let timeout = std::time::Duration::from_secs(5).into();
    let write = world.enqueue(Call::Write(vec![7; 300_000].into(), timeout));
    world.advance(std::time::Duration::from_secs(6));
    assert!(matches!(world.error(write).kind(), ErrorKind::TimedOut(_)));
    world
}

#[test]
fn what_is_stuck_behind_a_write_that_was_cut_off_holds_up_no_barrier_for_ever() {
    for barrier in [Call::CloseWrite, Call::StopSecure] {
        let is_close = matches!(barrier, Call::CloseWrite);
        let mut world = poisoned();
        let id = world.enqueue(barrier);
        world.advance(std::time::Duration::from_secs(59));
        assert!(!world.is_done(id), "the peer may still take it");
        world.advance(std::time::Duration::from_secs(2));
        assert_eq!(world.results[&id].is_ok(), is_close, "{:?}", world.results[&id]);
        assert_eq!(world.shutdown_write, is_close);
    }
    let mut world = poisoned();
    let capture = world.enqueue(Call::Capture);
    assert!(matches!(world.error(capture).kind(), ErrorKind::TimedOut(_)));
}

#[test]
fn a_withdrawn_read_changes_nothing() {
    let mut world = world();
    let read = world.read(5, 5);
    world.server.send(b"abc");
    world.run();
    world.input(Input::Withdraw(OpId(read)));
    let again = world.read(1, 5);
    assert_eq!(&world.data(again).data[..], b"abc");
}

#[test]
fn nothing_that_was_written_stands_in_debug_output() {
    let mut world = world();
    let operation = Call::Write("hunter2".into(), streamtask_proto::Timeout::NEVER);
    assert!(!format!("{operation:?}").contains("hunter2"));
    let input = Input::Enqueue(OpId(7), operation);
    assert!(!format!("{input:?}").contains("hunter2"));
    world.write("hunter2");
    let told = format!("{:?}", world.client);
    assert!(!told.contains("hunter2"));
    assert!(told.contains("life: Open") && told.contains("today: 0"), "{told}");
}
