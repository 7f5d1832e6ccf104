//! What a driver sees between two inputs, and what it is given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{BufMut, Bytes};
use streamtask_proto::tls::{SecureOptions, TlsVersion};
use streamtask_proto::{
    Call, EofKind, Input, OpId, Options, Outcome, Output, ReadData, ReadKind, Timeout, Transmit,
};

use crate::world::World;

const CLEAR: ReadKind = ReadKind::Data { min: 1, max: 100 };

fn clear() -> World {
    World::connected(TlsVersion::Tls13, Options::default(), 7)
}

fn secured() -> World {
    let mut world = clear();
    world.server.start_tls();
    let start = world.enqueue(Call::StartSecure(SecureOptions::default()));
    world.run_until("the handshake", |world| world.is_done(start));
    world.run();
    world
}

/// The client has `text` to read, and nobody reads.
fn told(world: &mut World, text: &str) {
    world.client.receive_buffer().put_slice(text.as_bytes());
    world.input(Input::Received(text.len()));
}

fn offer(world: &World) -> Vec<u8> {
    match world.client.transmit() {
        Transmit::One(bytes) => bytes.to_vec(),
        Transmit::Many(pieces) => pieces.iter().flat_map(|piece| piece.to_vec()).collect(),
    }
}

#[test]
fn no_clear_text_is_ever_offered_under_tls() {
    let mut world = secured();
    let write = Call::Write(Bytes::from_static(b"secret"), Timeout::NEVER);
    world.client.handle(world.now, Input::Enqueue(OpId(100), write));
    assert_eq!(offer(&world), b"", "nothing is encrypted before the next poll");
    world.run();
    assert_eq!(world.server.received, b"secret");
}

#[test]
fn the_layer_is_seen_as_it_changes() {
    let mut world = clear();
    assert!(!world.client.is_handshaking() && !world.client.is_secure());
    assert!(world.client.tls_info().is_none());
    world.server.start_tls();
    let start = world.enqueue(Call::StartSecure(SecureOptions::default()));
    world.run_until("the beginning", |world| world.client.is_handshaking());
    assert!(!world.client.is_secure() && world.client.tls_info().is_none());
    world.run_until("the handshake", |world| world.is_done(start));
    assert!(world.client.is_secure() && !world.client.is_handshaking());
    let info = world.client.tls_info().expect("TLS is on");
    assert_eq!(info.version(), TlsVersion::Tls13);
}

#[test]
fn what_is_counted_is_what_was_taken_and_not_what_came_back() {
    let mut world = clear();
    assert_eq!(world.client.byte_counts(), (0, 0));
    world.write("abcde");
    world.run();
    told(&mut world, "xyz");
    assert_eq!(world.client.byte_counts(), (5, 0));
    let read = world.client.read_at_once(&CLEAR).expect("it is there");
    assert_eq!(world.client.byte_counts(), (5, 3));
    world.input(Input::Return { read, is_last: true });
    assert_eq!(world.client.byte_counts(), (5, 0));
    let last = world.read(2, 2);
    assert!(world.is_done(last));
    world.input(Input::Cancel);
    assert_eq!(world.client.byte_counts(), (5, 2), "what was thrown away was never read");
}

#[test]
fn under_tls_what_is_counted_is_what_was_encrypted() {
    let mut world = secured();
    let large = vec![0; 20_000];
    for write in [Bytes::from_static(b"ab"), Bytes::from_static(b"cde"), large.into()] {
        world.write(write);
    }
    world.run();
    assert_eq!(world.client.byte_counts(), (20_005, 0));
}

/// Counts how often the memory it owns is let go.
struct Owner(Arc<AtomicUsize>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        b"lent"
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn lent_memory_is_let_go_where_the_driver_says() {
    let let_go = Arc::new(AtomicUsize::new(0));
    let lend = || Bytes::from_owner(Owner(let_go.clone()));
    let mut world = clear();
    let writes = [world.write(lend()), world.write(lend())];
    world.run();
    assert!(writes.iter().all(|write| world.is_done(*write)));
    assert_eq!(let_go.load(Ordering::Relaxed), 0, "not inside the core");
    drop(world.client.take_lent());
    assert_eq!(let_go.load(Ordering::Relaxed), 2);
    world.input(Input::Cancel);
    world.write(lend());
    assert_eq!(let_go.load(Ordering::Relaxed), 2, "a refused write has lent as well");
    drop(world.client.take_lent());
    assert_eq!(let_go.load(Ordering::Relaxed), 3);
}

#[test]
fn outputs_are_announced() {
    let mut world = clear();
    world.input(Input::Cancel);
    assert!(!world.client.has_outputs(), "all were polled");
    let write = Call::Write(Bytes::from_static(b"late"), Timeout::NEVER);
    world.client.handle(world.now, Input::Enqueue(OpId(100), write));
    assert!(world.client.has_outputs(), "it is refused at once");
    assert!(matches!(world.client.poll(), Output::Complete(OpId(100), Err(_))));
    assert!(!world.client.has_outputs());
}

/// The text of a read, and the end behind it.
type Brought = Option<(Bytes, Option<EofKind>)>;

/// What `read_at_once` brings in a world, and what the same read comes to when it is enqueued instead.
fn both(prepare: impl Fn(&mut World)) -> [Brought; 2] {
    let (mut quick, mut slow) = (clear(), clear());
    prepare(&mut quick);
    prepare(&mut slow);
    let at_once = quick.client.read_at_once(&CLEAR);
    let id = slow.read(1, 100);
    let enqueued = slow.results.remove(&id).and_then(|result| match result {
        Ok(Outcome::Read(read)) => Some(read),
        _ => None,
    });
    [at_once, enqueued].map(|read: Option<ReadData>| read.map(|read| (read.data, read.eof)))
}

#[test]
fn a_read_at_once_is_the_read_that_would_have_been() {
    let [at_once, enqueued] = both(|world| told(world, "abc"));
    assert_eq!(at_once, enqueued);
    assert_eq!(at_once, Some((Bytes::from("abc"), None)));
}

#[test]
fn a_read_that_has_to_wait_or_to_fail_is_not_answered_at_once() {
    let end = |world: &mut World| world.input(Input::ReceivedEnd);
    let [at_once, enqueued] = both(end);
    assert_eq!((at_once, enqueued), (None, Some((Bytes::new(), Some(EofKind::Fin)))));

    let not_yet: [fn(&mut World); 5] = [
        |_| {},
        |world| _ = world.read(5, 5),
        |world| {
            told(world, "abc");
            world.read(5, 5);
        },
        |world| {
            told(world, "abc");
            world.input(Input::Suspend);
        },
        |world| {
            told(world, "abc");
            world.enqueue(Call::CloseRead);
        },
    ];
    for prepare in not_yet {
        let [at_once, enqueued] = both(prepare);
        assert_eq!((at_once, enqueued), (None, None));
    }
}

#[test]
fn nothing_is_read_at_once_past_a_barrier_or_before_what_was_just_heard() {
    let mut world = clear();
    told(&mut world, "abc");
    // The peer has said nothing to it, so the start waits.
    world.enqueue(Call::StartSecure(SecureOptions::default()));
    assert!(world.client.read_at_once(&CLEAR).is_none());

    let mut world = clear();
    told(&mut world, "abc");
    let first = Call::Read(ReadKind::Data { min: 2, max: 2 }, Timeout::NEVER);
    world.client.handle(world.now, Input::Enqueue(OpId(100), first));
    assert!(world.client.read_at_once(&CLEAR).is_none(), "the first of them comes first");
}
