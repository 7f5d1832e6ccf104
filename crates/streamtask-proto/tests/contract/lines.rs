//! Reads up to a delimiter look on where they stopped looking, and past nothing.

use std::time::Duration;

use bytes::{BufMut, Bytes};
use streamtask_proto::tls::TlsVersion;
use streamtask_proto::{Call, ErrorKind, Input, Limit, OpId, Options, Outcome, ReadKind, Timeout};

use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

fn world() -> World {
    World::connected(TlsVersion::Tls13, Options::default(), 21)
}

/// A read up to `delimiter`.
fn until(world: &mut World, delimiter: &'static str, timeout: Timeout) -> u64 {
    let kind = ReadKind::Until { delimiter: Bytes::from_static(delimiter.as_bytes()), max: 100 };
    world.enqueue(Call::Read(kind, timeout))
}

/// `text` has come, and whoever reads has looked at it.
fn hear(world: &mut World, text: &str) {
    world.client.receive_buffer().put_slice(text.as_bytes());
    world.input(Input::Received(text.len()));
}

#[test]
fn a_read_behind_one_that_leaves_looks_at_everything_itself() {
    let leaves: [fn(&mut World, u64); 2] = [
        |world, first| world.input(Input::Withdraw(OpId(first))),
        |world, _| world.advance(SECOND),
    ];
    for leave in leaves {
        let mut world = world();
        let first = until(&mut world, "!", SECOND.into());
        let second = until(&mut world, "b", Timeout::NEVER);
        hear(&mut world, "abcd");
        leave(&mut world, first);
        assert_eq!(&world.data(second).data[..], b"ab");
    }
}

#[test]
fn a_read_behind_one_that_stays_goes_on_looking_when_another_leaves() {
    let mut world = world();
    let first = until(&mut world, "\r\n", Timeout::NEVER);
    let second = until(&mut world, "!", SECOND.into());
    let third = until(&mut world, "!", Timeout::NEVER);
    hear(&mut world, "ab\r");
    world.input(Input::Withdraw(OpId(third)));
    world.advance(SECOND);
    assert_eq!(world.error(second).kind(), ErrorKind::TimedOut(Limit::Read));
    hear(&mut world, "\n");
    assert_eq!(&world.data(first).data[..], b"ab\r\n");
}

#[test]
fn a_delimiter_that_comes_back_with_a_dropped_read_is_found() {
    let mut world = world();
    hear(&mut world, "x\nabc");
    let done = world.read(2, 2);
    let line = until(&mut world, "\n", Timeout::NEVER);
    let Some(Ok(Outcome::Read(read))) = world.results.remove(&done) else { panic!("it is done") };
    assert!(!world.is_done(line));
    world.input(Input::Return { read, is_last: true });
    assert_eq!(&world.data(line).data[..], b"x\n");
}

#[test]
fn a_delimiter_of_nothing_or_longer_than_what_may_come_is_refused() {
    let mut world = world();
    hear(&mut world, "abc");
    let nothing = until(&mut world, "", Timeout::NEVER);
    let kind = ReadKind::Until { delimiter: Bytes::from_static(b"abc"), max: 2 };
    let long = world.enqueue(Call::Read(kind, Timeout::NEVER));
    for refused in [nothing, long] {
        assert_eq!(world.error(refused).kind(), ErrorKind::InvalidArgument);
    }
    let line = until(&mut world, "c", Timeout::NEVER);
    assert_eq!(&world.data(line).data[..], b"abc");
}
