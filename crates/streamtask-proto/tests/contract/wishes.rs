//! What the core wants of the socket and of the clock, and when it wants nothing.

use std::time::Duration;

use bytes::{BufMut, Bytes};
use streamtask_proto::tls::{SecureOptions, TlsVersion};
use streamtask_proto::{Call, ErrorKind, EventKind, Input, Options, Output, Timeout, Wait};

use crate::switching::secured;
use crate::world::World;

fn world() -> World {
    let options = Options {
        timeout_for_request: Timeout::NEVER,
        timeout_for_resource: Timeout::NEVER,
        ..Options::default()
    };
    World::connected(TlsVersion::Tls13, options, 31)
}

fn wish(world: &mut World) -> Wait {
    match world.client.poll() {
        Output::Wait(wait) => wait,
        other => panic!("the world has polled it all, but {other:?}"),
    }
}

fn hear(world: &mut World, bytes: &[u8]) {
    world.client.receive_buffer().put_slice(bytes);
    world.input(Input::Received(bytes.len()));
}

#[test]
fn nothing_is_received_that_nobody_reads() {
    let mut world = world();
    assert!(!wish(&mut world).receive);
    world.write("stuck");
    let wait = wish(&mut world);
    assert!(wait.send && !wait.receive, "the peer may read on, for all that is known");
    let read = world.read(1, 1);
    assert!(wish(&mut world).receive);
    hear(&mut world, b"?");
    assert!(world.is_done(read) && !wish(&mut world).receive);
}

#[test]
fn where_nobody_will_read_what_comes_is_taken_in_only_as_long_as_there_is_something_to_send() {
    let leaves: [fn(&mut World); 2] =
        [|world| world.input(Input::Abandoned(true)), |world| _ = world.enqueue(Call::CloseRead)];
    for leave in leaves {
        let mut world = world();
        let write = world.write("stuck");
        leave(&mut world);
        assert!(wish(&mut world).receive, "a peer that echoes has to be rid of it");
        world.input(Input::Sent(5));
        assert!(world.is_done(write) && !wish(&mut world).receive);
    }
}

#[test]
fn a_task_that_everybody_left_gives_its_read_side_up_when_too_much_comes() {
    let mut world = world();
    world.write("stuck");
    world.input(Input::Abandoned(true));
    let told =
        |world: &World| world.events.iter().any(|event| matches!(event, EventKind::ReadClosed));
    let mebibyte = Bytes::from(vec![0; 1 << 20]);
    hear(&mut world, &mebibyte[1..]);
    assert!(!told(&world), "somebody may take it up again, and wants it");
    hear(&mut world, &mebibyte[..1]);
    assert!(told(&world));
    hear(&mut world, &mebibyte);
    assert!(world.client.capacity() < 4 << 20, "what comes now is thrown away");
}

#[test]
fn an_idle_connection_that_never_grew_has_nothing_to_wake_for() {
    let mut world = world();
    let read = world.read(5, 5);
    hear(&mut world, b"hello");
    assert!(world.is_done(read));
    assert_eq!(wish(&mut world).until, None);
}

#[test]
fn behind_our_fin_nothing_is_to_be_sent_even_if_the_peer_asks_for_new_keys() {
    let mut world = secured(TlsVersion::Tls13, 8);
    let close = world.enqueue(Call::CloseWrite);
    let read = world.read(5, 5);
    world.run_until("our FIN", |world| world.shutdown_write);
    assert!(world.is_done(close));
    let records = world.server.records;
    world.server.update_keys();
    world.server.send(b"hello");
    world.run();
    assert_eq!(&world.data(read).data[..], b"hello");
    assert_eq!(world.server.records, records, "the socket would refuse it");
}

#[test]
fn what_waits_to_be_written_is_counted_and_bounded() {
    for secure in [false, true] {
        let options = Options { write_queue_limit: 10, ..Options::default() };
        let mut world = World::connected(TlsVersion::Tls13, options, 33);
        if secure {
            world.server.start_tls();
            let start = world.enqueue(Call::StartSecure(SecureOptions::default()));
            world.run_until("the handshake", |world| world.is_done(start));
            world.run();
        }
        world.input(Input::Suspend);
        let first = world.write("more than ten bytes, but the first");
        let refused = world.write("x");
        assert_eq!(world.error(refused).kind(), ErrorKind::WriteQueueFull);
        assert_eq!(world.client.queued_bytes(), 34);
        world.input(Input::Resume);
        world.run();
        assert!(world.is_done(first));
        assert_eq!(world.client.queued_bytes(), 0);
        world.input(Input::Suspend);
        let five = [world.write("12345"), world.write("67890")];
        let refused = world.write("x");
        let nothing = world.write("");
        assert_eq!(world.error(refused).kind(), ErrorKind::WriteQueueFull);
        world.input(Input::Resume);
        world.run();
        assert!(five.iter().chain([&nothing]).all(|write| world.results[write].is_ok()));
        assert_eq!(world.server.received, b"more than ten bytes, but the first1234567890");
    }
}

#[test]
fn writes_that_leave_the_queue_make_room() {
    let options = Options { write_queue_limit: 10, ..Options::default() };
    let mut world = World::connected(TlsVersion::Tls13, options, 34);
    let second = Duration::from_secs(1);
    let late = Call::Write(Bytes::from_static(b"0123456789"), second.into());
    let late = world.enqueue(late);
    world.advance(second);
    assert!(matches!(world.error(late).kind(), ErrorKind::TimedOut(_)));
    assert_eq!(world.client.queued_bytes(), 0);
    world.write("0123456789");
    world.input(Input::Cancel);
    assert_eq!(world.client.queued_bytes(), 0);
}
