//! Rule 6, and rule 5 with it: no byte is lost, doubled or reordered across a switch, however they are cut.

use bytes::Bytes;
use proptest::prelude::*;
use streamtask_proto::tls::{SecureOptions, TlsVersion};
use streamtask_proto::{Call, ErrorKind, Input, Options, Outcome};

use crate::world::{Cuts, World};

/// One stretch of the stream between two switches.
#[derive(Debug, Clone)]
struct Phase {
    writes: Vec<usize>,
    sends: Vec<usize>,
    /// Whether the server closes TLS of its own accord, its next clear text glued behind.
    server_closes_first: bool,
}

fn phases() -> impl Strategy<Value = Vec<Phase>> {
    let lengths = || prop::collection::vec(prop_oneof![0..40_usize, 0..70_000_usize], 0..6);
    let phase = (lengths(), lengths(), any::<bool>()).prop_map(|(writes, sends, first)| Phase {
        writes,
        sends,
        server_closes_first: first,
    });
    prop::collection::vec(phase, 1..6)
}

fn version() -> impl Strategy<Value = TlsVersion> {
    prop_oneof![Just(TlsVersion::Tls12), Just(TlsVersion::Tls13)]
}

/// Bytes that look like nothing else, so that a displaced one shows.
fn noise(seed: usize, length: usize) -> Vec<u8> {
    let mut cuts = Cuts::new(seed as u64 * 2_654_435_761 + 17);
    (0..length).map(|_| cuts.next(1 << 15) as u8).collect()
}

/// What the client writes and what the server sends in one phase, piece by piece.
type Contents = (Vec<Vec<u8>>, Vec<Vec<u8>>);

/// What goes each way in each phase.
fn contents(phases: &[Phase]) -> Vec<Contents> {
    let pieces = |lengths: &[usize], salt: usize| -> Vec<Vec<u8>> {
        lengths.iter().enumerate().map(|(at, length)| noise(salt + at, *length)).collect()
    };
    let of_phase = |(at, phase): (usize, &Phase)| {
        (pieces(&phase.writes, at * 100), pieces(&phase.sends, at * 100 + 50))
    };
    phases.iter().enumerate().map(of_phase).collect()
}

/// Queues everything at once, barriers and all, and lets the wire do its worst.
fn run(version: TlsVersion, phases: &[Phase], seed: u64) {
    // All is queued in one go, so a read must not be carried across a switch.
    let options = Options { strict_barriers: true, ..Options::default() };
    let mut world = World::connected(version, options, seed);
    let contents = contents(phases);
    let mut cuts = Cuts::new(seed ^ 0x5eed);
    let mut reads = Vec::new();
    let mut switches = Vec::new();
    for (at, (writes, sends)) in contents.iter().enumerate() {
        if at > 0 {
            let switch = match at % 2 {
                1 => Call::StartSecure(SecureOptions::default()),
                _ => Call::StopSecure,
            };
            switches.push(world.enqueue(switch));
        }
        for write in writes {
            world.write(Bytes::from(write.clone()));
        }
        let mut left: usize = sends.iter().map(Vec::len).sum();
        let mut of_phase = Vec::new();
        while left > 0 {
            let length = cuts.next(left);
            of_phase.push(world.read(length, length));
            left -= length;
        }
        reads.push(of_phase);
    }
    serve(&mut world, phases, &contents, &switches);
    for (at, (_, sends)) in contents.iter().enumerate() {
        let got: Vec<u8> = reads[at].iter().flat_map(|id| world.data(*id).data.to_vec()).collect();
        assert_eq!(got, sends.concat(), "what the client got in phase {at}");
    }
}

fn serve(world: &mut World, phases: &[Phase], contents: &[Contents], switches: &[u64]) {
    let mut is_sent = false;
    for (at, (writes, sends)) in contents.iter().enumerate() {
        if !std::mem::take(&mut is_sent) {
            sends.iter().for_each(|send| world.server.send(send));
        }
        let expected = writes.concat();
        let is_secure = at % 2 == 1;
        let closes = is_secure && at + 1 < phases.len();
        if closes && phases[at].server_closes_first {
            // The next phase's clear text leaves at once, glued behind the close_notify.
            world.server.send_close_notify();
            let next: Vec<u8> = contents[at + 1].1.concat();
            world.server.out.extend_from_slice(&next);
            is_sent = true;
        }
        let length = expected.len();
        world.run_until("the client's bytes", |world| world.server.received.len() >= length);
        assert_eq!(world.server.received, expected, "what the server got in phase {at}");
        world.server.received.clear();
        if at + 1 == phases.len() {
            break;
        }
        if closes {
            if !is_sent {
                world.run_until("the client's close_notify", |world| world.server.client_closed);
                world.server.send_close_notify();
            }
            world.run_until("both close_notifys", |world| world.server.client_closed);
            world.server.end_tls();
        } else {
            world.run_until("the ClientHello", |world| !world.server.received.is_empty());
            let hello = std::mem::take(&mut world.server.received);
            world.server.wire.splice(..0, hello);
            world.server.start_tls();
            world.run_until("the handshake", |world| !world.server.is_handshaking());
            world.run_until("its end at the client", |world| world.is_done(switches[at]));
        }
    }
    world.run();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rule_6_no_byte_is_lost_doubled_or_reordered_across_a_switch(
        version in version(), phases in phases(), seed in any::<u64>(),
    ) {
        run(version, &phases, seed);
    }
}

/// The shape of FTP's CCC, over every cut of the server's bytes into two.
#[test]
fn clear_text_glued_behind_close_notify_is_kept_at_every_cut() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        for cut in 1..140 {
            let mut world = secured(version, 1);
            let reply = world.read(10, 10);
            world.run();
            world.server.send(b"200 CCC ok");
            world.server.send_close_notify();
            world.server.out.extend_from_slice(b"\x17\x03\x03\x00\x05 looks like a record");
            // From here on the test cuts: first so many bytes, then the rest.
            let bytes = std::mem::take(&mut world.server.out);
            let (first, rest) = bytes.split_at(cut.min(bytes.len()));
            world.server.out.extend_from_slice(first);
            world.run();
            world.server.out.extend_from_slice(rest);
            world.run();
            assert_eq!(&world.data(reply).data[..], b"200 CCC ok");
            let stop = world.enqueue(Call::StopSecure);
            let clear = world.read(25, 25);
            world.run();
            assert!(matches!(world.results[&stop], Ok(Outcome::Done)), "{version}, cut {cut}");
            assert_eq!(&world.data(clear).data[..], b"\x17\x03\x03\x00\x05 looks like a record");
            assert!(world.server.client_closed);
        }
    }
}

#[test]
fn clear_text_that_lies_unread_when_tls_starts_fails_the_task() {
    for count in [1, 3, 4096, 100_000] {
        let mut world = World::connected(TlsVersion::Tls13, Options::default(), 3);
        let reply = world.enqueue(Call::Read(
            streamtask_proto::ReadKind::Until { delimiter: "\r\n".into(), max: 100 },
            streamtask_proto::Timeout::NEVER,
        ));
        world.server.send(b"220 go\r\n");
        world.run();
        assert!(world.is_done(reply));
        world.server.send(&vec![b'x'; count]);
        let start = world.enqueue(Call::StartSecure(SecureOptions::default()));
        let write = world.write("secret");
        let read = world.read(1, 10);
        world.run();
        let ErrorKind::UnexpectedClearText { bytes } = world.error(start).kind() else {
            panic!("{:?}", world.error(start));
        };
        assert!((1..=count).contains(&bytes), "the first of them is enough");
        assert_eq!(world.error(read).kind(), world.error(start).kind());
        assert_eq!(world.error(write).kind(), world.error(start).kind());
        assert_eq!(world.server.received, b"", "not even a ClientHello has left");
    }
}

#[test]
fn a_parked_read_is_carried_across_and_gets_decrypted_bytes() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let mut world = World::connected(version, Options::default(), 5);
        let parked = world.read(1, 100);
        let start = world.enqueue(Call::StartSecure(SecureOptions::default()));
        shake_hands(&mut world, start);
        world.server.send(b"under TLS");
        world.run_until("the read", |world| world.is_done(parked));
        assert!(b"under TLS".starts_with(&world.data(parked).data));
    }
}

#[test]
fn nothing_queued_behind_a_stop_that_fails_ever_leaves() {
    let mut world = secured(TlsVersion::Tls13, 7);
    let stop = world.enqueue(Call::StopSecure);
    let write = world.write("in clear");
    world.run();
    assert!(!world.is_done(stop), "the server has not answered");
    world.advance(std::time::Duration::from_secs(61));
    let limit = ErrorKind::TimedOut(streamtask_proto::Limit::SecureStop);
    assert_eq!(world.error(stop).kind(), limit);
    assert_eq!(world.error(write).kind(), limit);
    world.run();
    assert_eq!(world.server.received, b"");
    assert!(world.server.wire.is_empty());
}

#[test]
fn many_small_writes_become_one_record() {
    let mut world = secured(TlsVersion::Tls13, 9);
    // A first write keeps the socket busy, so that the others meet behind it.
    world.write("first");
    world.input(Input::Tick);
    for _ in 0..1000 {
        world.write(&b"sixteen bytes ok"[..]);
    }
    let before = world.server.records;
    world.run();
    assert_eq!(world.server.received.len(), 5 + 16_000);
    assert_eq!(world.server.records - before, 2, "the first write, and all the others");
}

/// A client and a server under TLS.
pub(crate) fn secured(version: TlsVersion, seed: u64) -> World {
    let mut world = World::connected(version, Options::default(), seed);
    let start = world.enqueue(Call::StartSecure(SecureOptions::default()));
    shake_hands(&mut world, start);
    world
}

fn shake_hands(world: &mut World, start: u64) {
    world.run();
    let hello = std::mem::take(&mut world.server.received);
    world.server.wire.splice(..0, hello);
    world.server.start_tls();
    world.run_until("the handshake", |world| world.is_done(start));
    assert!(matches!(world.results[&start], Ok(Outcome::Secured(_))));
    world.run();
}

/// Takes a finished read's result out, as if its future had been dropped before it was looked at.
pub(crate) fn give_back(world: &mut World, id: u64, is_last: bool) {
    let read = world.data(id).clone();
    world.input(Input::Return { read, is_last });
}

#[test]
fn reads_that_nobody_looked_at_give_their_bytes_back_in_any_order() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
        let mut world = World::connected(TlsVersion::Tls13, Options::default(), 13);
        let reads = [world.read(3, 3), world.read(4, 4), world.read(2, 2)];
        world.server.send(b"onetwo!ok and more");
        world.run();
        for (done, at) in order.into_iter().enumerate() {
            give_back(&mut world, reads[at], done == 2);
        }
        let again = world.read(9, 9);
        world.run();
        assert_eq!(&world.data(again).data[..], b"onetwo!ok", "{order:?}");
    }
}

#[test]
fn the_end_of_the_stream_comes_back_with_the_read_that_told_it() {
    let mut world = World::connected(TlsVersion::Tls13, Options::default(), 15);
    world.looks_at_reads = false;
    let read = world.read(100, 100);
    world.server.send(b"the end");
    world.inbound_end = true;
    world.enqueue(Call::CloseWrite);
    world.run();
    assert!(world.data(read).at_eof);
    assert!(!world.is_closed(), "nobody knows of the end yet");
    give_back(&mut world, read, true);
    world.looks_at_reads = true;
    let again = world.read(1, 100);
    assert_eq!(&world.data(again).data[..], b"the end");
    let end = world.read(1, 100);
    assert!(world.data(end).at_eof);
    assert!(world.is_closed(), "both sides are done, so the task is");
}

#[test]
fn clear_text_that_comes_back_late_never_turns_up_under_tls() {
    let mut world = World::connected(TlsVersion::Tls13, Options::default(), 17);
    let read = world.read(6, 6);
    world.server.send(b"220 go");
    world.run();
    let start = world.enqueue(Call::StartSecure(SecureOptions::default()));
    shake_hands(&mut world, start);
    give_back(&mut world, read, true);
    let under_tls = world.read(4, 4);
    world.server.send(b"safe");
    world.run();
    assert_eq!(&world.data(under_tls).data[..], b"safe");
}
