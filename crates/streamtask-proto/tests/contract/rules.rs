//! Rules 1 to 5 over arbitrary sequences of calls, bytes, time and misfortune.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use streamtask_proto::tls::{SecureOptions, TlsVersion};
use streamtask_proto::{
    Call, Error, ErrorKind, EventKind, Input, OpId, Options, Outcome, ReadKind, Timeout,
};

use crate::world::World;

/// A limit in milliseconds; 0 is none.
fn within(milliseconds: u64) -> Timeout {
    match milliseconds {
        0 => Timeout::NEVER,
        _ => Duration::from_millis(milliseconds).into(),
    }
}

/// Something that happens to a task.
#[derive(Debug, Clone)]
enum Act {
    Read { min: usize, max: usize, timeout: u64 },
    Until { max: usize },
    Write { length: usize, timeout: u64 },
    CloseRead,
    CloseWrite,
    StartSecure,
    StopSecure,
    Capture,
    Withdraw { back: u64 },
    Suspend,
    Resume,
    Cancel,
    Abandon(bool),
    Advance { milliseconds: u64 },
    ServerSends { length: usize },
    ServerEnds,
    Reset,
    SendFails,
    Steps { count: usize },
}

fn act() -> impl Strategy<Value = Act> {
    use Act::{
        Abandon, Advance, Cancel, Capture, CloseRead, CloseWrite, Read, Reset, Resume, SendFails,
        ServerEnds, ServerSends, StartSecure, Steps, StopSecure, Suspend, Until, Withdraw, Write,
    };
    let timeout = || prop_oneof![3 => Just(0_u64), 1 => 1..2000_u64];
    prop_oneof![
        12 => (0..40_usize, 0..60_usize, timeout())
            .prop_map(|(min, more, timeout)| Read { min, max: min + more, timeout }),
        4 => (1..60_usize).prop_map(|max| Until { max }),
        12 => (0..300_usize, timeout()).prop_map(|(length, timeout)| Write { length, timeout }),
        1 => Just(CloseRead),
        1 => Just(CloseWrite),
        1 => Just(StartSecure),
        1 => Just(StopSecure),
        1 => Just(Capture),
        3 => (0..6_u64).prop_map(|back| Withdraw { back }),
        2 => Just(Suspend),
        3 => Just(Resume),
        1 => Just(Cancel),
        1 => any::<bool>().prop_map(Abandon),
        4 => (1..1500_u64).prop_map(|milliseconds| Advance { milliseconds }),
        10 => (1..200_usize).prop_map(|length| ServerSends { length }),
        1 => Just(ServerEnds),
        1 => Just(Reset),
        1 => Just(SendFails),
        16 => (1..12_usize).prop_map(|count| Steps { count }),
    ]
}

/// What was called, to be held against what came of it.
#[derive(Default)]
struct Calls {
    reads: BTreeSet<u64>,
    writes: Vec<(u64, Bytes)>,
    barriers: Vec<(u64, &'static str)>,
    withdrawn: BTreeSet<u64>,
    sent_by_server: Vec<u8>,
    last: u64,
}

impl Calls {
    fn perform(&mut self, world: &mut World, act: &Act) {
        match *act {
            Act::Read { min, max, timeout } => {
                self.read(world, ReadKind::Data { min, max }, timeout);
            }
            Act::Until { max } => {
                self.read(world, ReadKind::Until { delimiter: Bytes::from_static(b"\n"), max }, 0);
            }
            Act::Write { length, timeout } => {
                let bytes: Bytes = (0..length).map(|at| (at + self.writes.len()) as u8).collect();
                let timeout = within(timeout);
                let id = world.enqueue(Call::Write(bytes.clone(), timeout));
                self.writes.push((id, bytes));
                self.last = id;
            }
            Act::CloseRead => self.barrier(world, "close_read", Call::CloseRead),
            Act::CloseWrite => self.barrier(world, "close_write", Call::CloseWrite),
            Act::StartSecure => {
                self.barrier(world, "start", Call::StartSecure(SecureOptions::default()));
            }
            Act::StopSecure => self.barrier(world, "stop", Call::StopSecure),
            Act::Capture => self.barrier(world, "capture", Call::Capture),
            Act::Withdraw { back } => self.withdraw(world, self.last.saturating_sub(back)),
            Act::Suspend => world.input(Input::Suspend),
            Act::Resume => world.input(Input::Resume),
            Act::Cancel => world.input(Input::Cancel),
            Act::Abandon(abandoned) => world.input(Input::Abandoned(abandoned)),
            Act::Advance { milliseconds } => world.advance(Duration::from_millis(milliseconds)),
            Act::ServerSends { length } => self.server_sends(world, length),
            Act::ServerEnds => world.inbound_end = true,
            Act::Reset => world.input(Input::ReceiveFailed(lost())),
            Act::SendFails => world.input(Input::SendFailed(lost())),
            Act::Steps { count } => {
                for _ in 0..count {
                    world.step();
                }
            }
        }
    }

    fn read(&mut self, world: &mut World, kind: ReadKind, timeout: u64) {
        let timeout = within(timeout);
        self.last = world.enqueue(Call::Read(kind, timeout));
        self.reads.insert(self.last);
    }

    fn barrier(&mut self, world: &mut World, name: &'static str, operation: Call) {
        self.last = world.enqueue(operation);
        self.barriers.push((self.last, name));
    }

    fn withdraw(&mut self, world: &mut World, id: u64) {
        if self.reads.contains(&id) && !world.is_done(id) {
            self.withdrawn.insert(id);
            world.input(Input::Withdraw(OpId(id)));
        }
    }

    fn server_sends(&mut self, world: &mut World, length: usize) {
        if world.inbound_end {
            return;
        }
        let from = self.sent_by_server.len();
        let bytes: Vec<u8> = (from..from + length).map(|at| (at % 61) as u8).collect();
        world.server.send(&bytes);
        self.sent_by_server.extend_from_slice(&bytes);
    }
}

fn lost() -> Error {
    ErrorKind::ConnectionLost.into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_1_to_4_hold_for_arbitrary_operations(
        acts in prop::collection::vec(act(), 1..60), seed in any::<u64>(), strict in any::<bool>(),
    ) {
        let options = Options { strict_barriers: strict, ..Options::default() };
        let mut world = World::connected(TlsVersion::Tls13, options, seed);
        let mut calls = Calls::default();
        for act in &acts {
            let before: BTreeSet<u64> = world.results.keys().copied().collect();
            calls.perform(&mut world, act);
            check_failure(&world, &before);
        }
        world.input(Input::Cancel);
        check_once(&world, &calls);
        check_order(&world, &calls);
        check_barriers(&world, &calls);
        check_bytes(&world, &calls);
        check_later(&mut world);
    }
}

/// Rule 1: `World` has seen that nothing completes twice; here, that nothing is left.
fn check_once(world: &World, calls: &Calls) {
    let called = calls.reads.iter().copied();
    let called = called.chain(calls.writes.iter().map(|(id, _)| *id));
    for id in called.chain(calls.barriers.iter().map(|(id, _)| *id)) {
        let is_withdrawn = calls.withdrawn.contains(&id);
        assert_eq!(world.is_done(id), !is_withdrawn, "operation {id}");
    }
}

/// Rule 2: what goes well goes well in order.
fn check_order(world: &World, calls: &Calls) {
    let went_well = |id: &&u64| world.results[*id].is_ok();
    let reads: Vec<_> =
        world.order.iter().filter(|id| calls.reads.contains(id)).filter(went_well).collect();
    assert!(reads.is_sorted(), "reads: {reads:?}");
    let is_write = |id: &&u64| calls.writes.iter().any(|(write, _)| write == *id);
    let writes: Vec<_> = world.order.iter().filter(is_write).filter(went_well).collect();
    assert!(writes.is_sorted(), "writes: {writes:?}");
}

/// Rule 3: what a barrier waits for is done before it.
fn check_barriers(world: &World, calls: &Calls) {
    let place = |id: u64| world.order.iter().position(|done| *done == id);
    for (barrier, name) in &calls.barriers {
        if world.results[barrier].is_err() {
            continue;
        }
        let is_repeated = calls.barriers.iter().any(|(id, other)| id < barrier && other == name);
        let is_late = world.events.iter().any(|event| matches!(event, EventKind::Finished(_)));
        let is_noop = *name == "stop";
        if is_repeated || is_late || is_noop {
            continue;
        }
        for (write, _) in calls.writes.iter().filter(|(write, _)| write < barrier) {
            assert!(place(*write) < place(*barrier), "write {write} before {name} {barrier}");
        }
        if matches!(*name, "close_read" | "capture") {
            for read in calls.reads.range(..barrier) {
                assert!(place(*read) < place(*barrier), "read {read} before {name} {barrier}");
            }
        }
    }
}

/// Rule 4, first half: what was queued completes with the error of the task.
fn check_failure(world: &World, before: &BTreeSet<u64>) {
    let Some(EventKind::Finished(Err(error))) = world.events.last() else { return };
    for (id, result) in world.results.iter().filter(|(id, _)| !before.contains(id)) {
        if let Err(of_operation) = result {
            let own = matches!(
                of_operation.kind(),
                ErrorKind::TimedOut(_)
                    | ErrorKind::NotConnected
                    | ErrorKind::DelimiterNotFound
                    | ErrorKind::UnexpectedEnd
            );
            assert!(
                own || of_operation.kind() == error.kind(),
                "operation {id}: {of_operation} not {error}"
            );
        }
    }
}

/// Rule 4, second half: so does what comes later.
fn check_later(world: &mut World) {
    let Some(EventKind::Finished(Err(error))) = world.events.last().cloned() else { return };
    let is_nothing_left = |world: &mut World| {
        let read = world.read(1, 1000);
        world.results[&read].is_err()
    };
    while !is_nothing_left(world) {}
    let read = world.read(1, 1);
    let write = world.write("late");
    let start = world.enqueue(Call::StartSecure(SecureOptions::default()));
    for id in [read, write, start] {
        assert_eq!(world.error(id).kind(), error.kind());
    }
}

/// No byte is lost, doubled or reordered, in either direction.
fn check_bytes(world: &World, calls: &Calls) {
    let mut delivered = Vec::new();
    for id in &calls.reads {
        if let Some(Ok(Outcome::Read(read))) = world.results.get(id) {
            delivered.extend_from_slice(&read.data);
        }
    }
    assert!(calls.sent_by_server.starts_with(&delivered));
    let finished: Vec<u8> = calls
        .writes
        .iter()
        .filter(|(id, _)| world.results[id].is_ok())
        .flat_map(|(_, bytes)| bytes.to_vec())
        .collect();
    assert!(world.server.received.starts_with(&finished), "what was written is at the server");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rule_5_what_is_delivered_does_not_depend_on_the_cuts(
        lengths in prop::collection::vec((1..200_usize, any::<bool>()), 1..30),
        one in any::<u64>(), other in any::<u64>(),
    ) {
        let deliver = |seed| {
            let mut world = World::connected(TlsVersion::Tls13, Options::default(), seed);
            let reads: Vec<_> = lengths.iter().map(|(length, is_exact)| match is_exact {
                true => world.read(*length, *length),
                false => world.enqueue(Call::Read(
                    ReadKind::Until { delimiter: Bytes::from_static(b"\x05\x06"), max: *length + 1 },
                    Timeout::NEVER,
                )),
            }).collect();
            let bytes: Vec<u8> = (0..2000_usize).map(|at| (at * at % 11) as u8).collect();
            world.server.send(&bytes);
            world.inbound_end = true;
            world.run();
            reads.iter().map(|id| match &world.results[id] {
                Ok(Outcome::Read(read)) => Ok(read.data.clone()),
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error.kind()),
            }).collect::<Vec<_>>()
        };
        prop_assert_eq!(deliver(one), deliver(other));
    }
}

#[test]
fn rule_7_the_socket_is_given_the_callers_own_bytes() {
    let mut world = World::connected(TlsVersion::Tls13, Options::default(), 1);
    let bytes = Bytes::from(vec![7; 100_000]);
    world.write(bytes.clone());
    match world.client.transmit() {
        streamtask_proto::Transmit::One(piece) => assert_eq!(piece.as_ptr(), bytes.as_ptr()),
        streamtask_proto::Transmit::Many(_) => panic!("one write is one piece"),
    };
}
