//! Clear text and TLS in one stream: whose bytes are whose, at every switch.

use std::time::Duration;

use bytes::Bytes;
use streamtask_proto::tls::{SecureOptions, TlsVersion};
use streamtask_proto::{
    Call, EofKind, ErrorKind, EventKind, Input, Limit, OpId, Options, ReadKind, Timeout,
    UnreadClearText,
};

use crate::switching::{give_back, secured};
use crate::world::World;

const BOTH: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

fn world() -> World {
    World::connected(TlsVersion::Tls13, Options::default(), 3)
}

fn start(world: &mut World) -> u64 {
    world.enqueue(Call::StartSecure(SecureOptions::default()))
}

pub(crate) fn line(world: &mut World) -> u64 {
    let kind = ReadKind::Until { delimiter: Bytes::from_static(b"\n"), max: 100 };
    world.enqueue(Call::Read(kind, Timeout::NEVER))
}

/// The server says its close_notify and behind it, glued to it, `clear`.
fn close_with(world: &mut World, clear: &[u8]) {
    world.server.send_close_notify();
    world.server.out.extend_from_slice(clear);
}

#[test]
fn a_read_never_spans_a_stop_and_says_under_which_layer_it_came() {
    for version in BOTH {
        let mut world = secured(version, 1);
        world.server.send(b"secure");
        let stop = world.enqueue(Call::StopSecure);
        close_with(&mut world, b"clear!");
        world.run();
        assert!(world.results[&stop].is_ok());
        let (secure, clear) = (world.read(1, 100), world.read(6, 100));
        world.run();
        assert_eq!(
            (&world.data(secure).data[..], world.data(secure).is_secure),
            (&b"secure"[..], true)
        );
        assert!(!world.data(secure).at_eof, "clear text follows");
        assert_eq!(
            (&world.data(clear).data[..], world.data(clear).is_secure),
            (&b"clear!"[..], false)
        );
    }
}

#[test]
fn a_delimiter_is_not_found_across_a_switch() {
    let mut world = secured(TlsVersion::Tls13, 2);
    world.server.send(b"half");
    let first = line(&mut world);
    world.enqueue(Call::StopSecure);
    close_with(&mut world, b" line\n");
    world.run();
    assert_eq!(world.error(first).kind(), ErrorKind::UnexpectedEnd);
    let (rest, second) = (world.read(1, 100), line(&mut world));
    world.run();
    assert_eq!((&world.data(rest).data[..], world.data(rest).is_secure), (&b"half"[..], true));
    assert_eq!(
        (&world.data(second).data[..], world.data(second).is_secure),
        (&b" line\n"[..], false)
    );
}

#[test]
fn an_end_of_tls_that_somebody_saw_is_no_end_of_the_clear_text_behind_it() {
    for version in BOTH {
        let mut world = secured(version, 4);
        world.server.send_close_notify();
        let end = world.read(1, 1);
        world.run();
        assert_eq!(world.data(end).eof, Some(EofKind::CloseNotify));
        let stop = world.enqueue(Call::StopSecure);
        world.run();
        assert!(world.results[&stop].is_ok());
        world.enqueue(Call::CloseWrite);
        world.run();
        assert!(!world.is_closed(), "the peer may go on in clear text");
        let clear = world.read(5, 5);
        world.server.out.extend_from_slice(b"clear");
        world.run();
        assert_eq!(
            (&world.data(clear).data[..], world.data(clear).is_secure),
            (&b"clear"[..], false)
        );
    }
}

#[test]
fn a_stop_waits_for_no_read_and_a_read_without_a_byte_goes_on_in_clear_text() {
    for version in BOTH {
        let mut world = secured(version, 3);
        let (cut, next) = (world.read(2, 2), world.read(2, 2));
        let stop = world.enqueue(Call::StopSecure);
        world.server.send(b"x");
        close_with(&mut world, b"ok");
        world.run();
        let short = world.data(cut);
        assert_eq!((&short.data[..], short.eof), (&b"x"[..], Some(EofKind::CloseNotify)));
        assert!(world.results[&stop].is_ok());
        assert_eq!((&world.data(next).data[..], world.data(next).is_secure), (&b"ok"[..], false));
        assert_eq!(world.data(next).eof, None);
    }
}

#[test]
fn a_read_behind_a_stop_takes_what_comes_under_tls_before_it() {
    let mut world = secured(TlsVersion::Tls13, 4);
    let stop = world.enqueue(Call::StopSecure);
    let read = world.read(6, 6);
    world.server.send(b"secure");
    world.run();
    assert!(!world.is_done(stop), "the peer has not closed yet");
    assert!(world.data(read).is_secure);
    close_with(&mut world, b"");
    world.run();
    assert!(world.results[&stop].is_ok());
}

#[test]
fn a_stop_with_more_to_come_than_is_taken_in_unread_ends_well_once_somebody_reads() {
    let mut world = secured(TlsVersion::Tls13, 5);
    let all: Vec<u8> = (0..3 << 20).map(|at: usize| (at % 251) as u8).collect();
    world.server.send(&all);
    let stop = world.enqueue(Call::StopSecure);
    close_with(&mut world, b"clear");
    world.run();
    assert!(!world.is_done(stop));
    let taken_in = all.len() - world.inbound.len();
    assert!(taken_in < (1 << 20) + (1 << 19), "{taken_in} bytes were taken in unread");
    let mut got = Vec::new();
    while got.len() < all.len() {
        let read = world.read(1, 1 << 16);
        world.run();
        got.extend_from_slice(&world.data(read).data);
    }
    assert!(got == all, "in order, and not a byte less");
    world.run();
    assert!(world.results[&stop].is_ok());
}

#[test]
fn what_came_before_a_stop_ran_out_of_time_is_readable_behind_the_error() {
    let mut world = secured(TlsVersion::Tls13, 6);
    world.server.send(&vec![7; 3 << 20]);
    let stop = world.enqueue(Call::StopSecure);
    world.run();
    world.advance(Duration::from_secs(61));
    let late = ErrorKind::TimedOut(Limit::SecureStop);
    assert_eq!(world.error(stop).kind(), late);
    let read = world.read(1 << 20, 1 << 20);
    assert_eq!(world.data(read).data.len(), 1 << 20);
    let write = world.write("x");
    assert_eq!(world.error(write).kind(), late);
}

#[test]
fn what_comes_behind_a_close_read_does_not_hold_up_a_stop() {
    let mut world = secured(TlsVersion::Tls13, 16);
    world.enqueue(Call::CloseRead);
    let stop = world.enqueue(Call::StopSecure);
    world.server.send(&vec![7; 3 << 20]);
    close_with(&mut world, b"clear");
    world.run();
    assert!(world.results[&stop].is_ok());
}

#[test]
fn a_close_read_behind_a_start_does_not_hide_clear_text_from_it() {
    for writes in [0, 1] {
        let mut world = world();
        world.server.send(b"evil");
        let write = (writes > 0).then(|| world.write(vec![7; 1000]));
        let start = start(&mut world);
        world.enqueue(Call::CloseRead);
        world.run();
        assert!(matches!(world.error(start).kind(), ErrorKind::UnexpectedClearText { .. }));
        assert!(write.is_none_or(|write| world.results[&write].is_ok()));
        assert!(!world.server.received.contains(&22), "no ClientHello has left");
    }
}

#[test]
fn a_close_read_before_a_stop_does_not_hide_the_end_from_the_read_it_waits_for() {
    let mut world = secured(TlsVersion::Tls13, 7);
    let read = world.read(1, 10);
    world.enqueue(Call::CloseRead);
    let stop = world.enqueue(Call::StopSecure);
    close_with(&mut world, b"");
    world.run();
    assert_eq!(world.data(read).eof, Some(EofKind::CloseNotify));
    assert!(world.results[&stop].is_ok());
}

#[test]
fn clear_text_found_when_tls_starts_is_not_a_parked_reads() {
    for is_kernel in [false, true] {
        let mut world = world();
        world.server.send(b"220 go\n");
        let reply = line(&mut world);
        world.run();
        assert!(world.is_done(reply));
        let parked = world.read(1, 100);
        if is_kernel {
            world.server.send(b"evil");
        }
        let start = start(&mut world);
        if is_kernel {
            world.run();
            assert_eq!(world.error(start).kind(), ErrorKind::UnexpectedClearText { bytes: 1 });
            assert_eq!(world.error(parked).kind(), world.error(start).kind());
            let later = world.read(1, 1);
            assert_eq!(
                world.error(later).kind(),
                world.error(start).kind(),
                "nothing is delivered any more"
            );
        } else {
            assert!(!world.is_done(start));
        }
    }
}

#[test]
fn clear_text_that_is_thrown_away_before_tls_has_a_bound() {
    let options = Options { unread_clear_text: UnreadClearText::Discard, ..Options::default() };
    for (length, ends_well) in [(60_000, true), (70_000, false)] {
        let mut world = World::connected(TlsVersion::Tls13, options.clone(), 9);
        world.server.send(&vec![b'x'; length]);
        let start = start(&mut world);
        let read = world.read(1, 10);
        while !world.inbound.is_empty() || !world.server.out.is_empty() {
            if !world.step() {
                break;
            }
        }
        if ends_well {
            world.server.start_tls();
            world.run();
            assert!(world.results[&start].is_ok());
            world.server.send(b"safe");
            world.run();
            assert_eq!(&world.data(read).data[..], b"safe");
        } else {
            assert!(matches!(world.error(start).kind(), ErrorKind::UnexpectedClearText { .. }));
        }
    }
}

#[test]
fn what_is_queued_behind_a_start_does_not_judge_it() {
    for close in [Call::CloseWrite, Call::CloseRead] {
        let mut world = World::new(TlsVersion::Tls13, Options::default(), 11);
        let start = start(&mut world);
        let (write, read) = (world.write("hello"), world.read(2, 2));
        world.enqueue(close);
        world.input(Input::Resume);
        world.run_until("a ClientHello", |world| world.server.received.len() > 100);
        let hello = std::mem::take(&mut world.server.received);
        world.server.wire.extend_from_slice(&hello);
        world.server.start_tls();
        world.run();
        assert!(world.results[&start].is_ok(), "{:?}", world.results[&start]);
        assert!(world.results[&write].is_ok());
        world.server.send(b"ok");
        world.run();
        assert_eq!(&world.data(read).data[..], b"ok");
        assert_eq!(world.server.received, b"hello");
    }
}

#[test]
fn a_side_that_was_closed_before_a_start_fails_it() {
    for close in [Call::CloseWrite, Call::CloseRead] {
        let mut world = world();
        world.enqueue(close);
        let start = start(&mut world);
        world.run();
        assert_eq!(world.error(start).kind(), ErrorKind::NotConnected);
    }
}

#[test]
fn clear_text_is_not_read_once_a_start_was_called_even_if_the_stream_fails_first() {
    let mut world = world();
    let stuck = world.read(100, 100);
    world.server.send(b"220 go");
    world.run();
    start(&mut world);
    world.input(Input::ReceiveFailed(ErrorKind::ConnectionLost.into()));
    assert_eq!(world.error(stuck).kind(), ErrorKind::ConnectionLost);
    let later = world.read(1, 10);
    assert_eq!(world.error(later).kind(), ErrorKind::ConnectionLost);
}

#[test]
fn a_done_read_that_is_dropped_comes_back_across_a_stop_under_its_own_layer() {
    let mut world = secured(TlsVersion::Tls13, 13);
    let dropped = world.read(3, 3);
    world.server.send(b"abc");
    world.run();
    let stop = world.enqueue(Call::StopSecure);
    close_with(&mut world, b"def");
    world.run();
    assert!(world.results[&stop].is_ok());
    give_back(&mut world, dropped, true);
    let (first, second) = (world.read(1, 10), world.read(3, 10));
    world.run();
    assert_eq!((&world.data(first).data[..], world.data(first).is_secure), (&b"abc"[..], true));
    assert_eq!((&world.data(second).data[..], world.data(second).is_secure), (&b"def"[..], false));
}

#[test]
fn the_time_that_an_answer_takes_is_not_the_peers_and_all_other_time_is() {
    let mut world = world();
    let start = start(&mut world);
    world.run();
    world.advance(Duration::from_secs(40));
    world.input(Input::Asked);
    world.advance(Duration::from_secs(1000));
    world.input(Input::Answered);
    world.advance(Duration::from_secs(19));
    assert!(!world.is_done(start), "a second is left");
    world.advance(Duration::from_secs(2));
    assert_eq!(world.error(start).kind(), ErrorKind::TimedOut(Limit::SecureStart));
}

#[test]
fn a_dropped_read_leaves_the_border_of_a_layer_where_it_was() {
    let mut world = secured(TlsVersion::Tls13, 14);
    let withdrawn = world.read(10, 10);
    world.server.send(b"abc");
    let stop = world.enqueue(Call::StopSecure);
    world.run();
    world.input(Input::Withdraw(OpId(withdrawn)));
    close_with(&mut world, b"def");
    world.run();
    assert!(world.results[&stop].is_ok());
    let (first, second) = (world.read(1, 10), world.read(3, 10));
    world.run();
    assert_eq!(&world.data(first).data[..], b"abc");
    assert_eq!(&world.data(second).data[..], b"def");
    assert_eq!(
        world.events.iter().filter(|event| matches!(event, EventKind::Unsecured)).count(),
        1
    );
}
