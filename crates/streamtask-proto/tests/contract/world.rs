//! The client machine with a wire that cuts, and a clock that only the test moves.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes};
use streamtask_proto::tls::TlsVersion;
use streamtask_proto::{
    AddressFamily, Call, Closing, Error, EventKind, Input, OpId, Options, Outcome, Output,
    ReadData, ReadKind, Stream, Target, Timeout, Transmit, Wait,
};

use crate::server::{Server, pki};

/// A client, a server, and what has happened.
pub(crate) struct World {
    pub(crate) client: Stream,
    pub(crate) server: Server,
    pub(crate) now: Instant,
    pub(crate) events: Vec<EventKind>,
    pub(crate) shutdown_write: bool,
    pub(crate) closing: Option<Closing>,
    /// Results, each put in once; a second one is a breach of rule 1.
    pub(crate) results: BTreeMap<u64, Result<Outcome, Error>>,
    /// In which order they came.
    pub(crate) order: Vec<u64>,
    /// What has left the server and not reached the client.
    pub(crate) inbound: VecDeque<u8>,
    pub(crate) inbound_end: bool,
    /// Whether the application looks at its reads at once, so that it knows of an end.
    pub(crate) looks_at_reads: bool,
    cuts: Cuts,
    next: u64,
}

/// Where the wire cuts: a small generator, so that a seed says everything.
pub(crate) struct Cuts(u64);

impl Cuts {
    pub(crate) fn new(seed: u64) -> Self {
        Cuts(seed | 1)
    }

    /// A length from 1 to `most`, short ones as likely as long ones.
    pub(crate) fn next(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let scale = 1_usize << (self.0 >> 32 & 15);
        1 + (self.0 >> 8) as usize % most.min(scale).max(1)
    }
}

impl World {
    pub(crate) fn new(version: TlsVersion, options: Options, seed: u64) -> Self {
        let target = Target::new("server.test", 25).expect("a target");
        #[allow(clippy::disallowed_methods)]
        // a starting point; from here on only the test moves it
        let now = Instant::now();
        World {
            client: Stream::new(now, target, options, Some(pki().client())),
            server: Server::new(version),
            now,
            events: Vec::new(),
            shutdown_write: false,
            closing: None,
            results: BTreeMap::new(),
            order: Vec::new(),
            inbound: VecDeque::new(),
            inbound_end: false,
            looks_at_reads: true,
            cuts: Cuts::new(seed),
            next: 0,
        }
    }

    /// Connected, in clear text.
    pub(crate) fn connected(version: TlsVersion, options: Options, seed: u64) -> Self {
        let mut world = World::new(version, options, seed);
        world.input(Input::Resume);
        world
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.client.handle(self.now, input);
        self.poll();
    }

    pub(crate) fn enqueue(&mut self, operation: Call) -> u64 {
        let id = self.next;
        self.next += 1;
        self.input(Input::Enqueue(OpId(id), operation));
        id
    }

    pub(crate) fn write(&mut self, bytes: impl Into<Bytes>) -> u64 {
        self.enqueue(Call::Write(bytes.into(), Timeout::NEVER))
    }

    pub(crate) fn read(&mut self, min: usize, max: usize) -> u64 {
        self.enqueue(Call::Read(ReadKind::Data { min, max }, Timeout::NEVER))
    }

    /// Polls until there is nothing but waiting.
    fn poll(&mut self) -> Wait {
        loop {
            match self.client.poll() {
                Output::Complete(OpId(id), result) => {
                    self.order.push(id);
                    if let Some(end) = told_end(&result).filter(|_| self.looks_at_reads) {
                        self.client.handle(self.now, end);
                    }
                    let twice = self.results.insert(id, result);
                    assert!(twice.is_none(), "operation {id} completed twice");
                }
                Output::Event(event) => self.events.push(event.kind),
                Output::Resolve(lookup) => {
                    let addresses = match lookup.family {
                        AddressFamily::V6 => vec![],
                        AddressFamily::V4 => vec![([127, 0, 0, 1], 1).into()],
                    };
                    self.client.handle(self.now, Input::Resolved(lookup.number, Ok(addresses)));
                }
                Output::Attempt { number, .. } => {
                    self.client.handle(self.now, Input::Attempted(number, Ok(())));
                }
                Output::Adopt(_) | Output::Disconnect => {}
                Output::ShutdownWrite => self.shutdown_write = true,
                Output::Close(closing) => self.closing = Some(closing),
                Output::Wait(wait) => return wait,
                Output::Captured(_) | Output::Step(_) => {}
            }
        }
    }

    /// Moves one piece in each direction. False when nothing moved.
    pub(crate) fn step(&mut self) -> bool {
        let wait = self.poll();
        self.inbound.extend(self.server.out.drain(..));
        let mut moved = wait.send && self.send_piece();
        if (wait.receive || wait.sweep) && self.receive_piece() {
            moved = true;
        } else if wait.sweep {
            self.input(Input::Drained);
            moved |= !self.poll().sweep;
        }
        moved
    }

    fn send_piece(&mut self) -> bool {
        let bytes = match self.client.transmit() {
            Transmit::One(bytes) => bytes.to_vec(),
            Transmit::Many(pieces) => pieces.iter().flat_map(|piece| piece.to_vec()).collect(),
        };
        assert!(!bytes.is_empty(), "a wish to send comes with bytes");
        let count = self.cuts.next(bytes.len());
        self.server.take(&bytes[..count]);
        self.input(Input::Sent(count));
        true
    }

    fn receive_piece(&mut self) -> bool {
        if self.inbound.is_empty() {
            let ends = std::mem::take(&mut self.inbound_end);
            if ends {
                self.input(Input::ReceivedEnd);
            }
            return ends;
        }
        let buffer = self.client.receive_buffer();
        let most = self.inbound.len().min(buffer.capacity() - buffer.len());
        let count = self.cuts.next(most);
        let piece: Vec<u8> = self.inbound.drain(..count).collect();
        buffer.put_slice(&piece);
        self.input(Input::Received(count));
        true
    }

    /// Moves until nothing moves any more.
    pub(crate) fn run(&mut self) {
        while self.step() {}
    }

    /// Moves until `is_done`, and fails if it never is.
    pub(crate) fn run_until(&mut self, what: &str, mut is_done: impl FnMut(&World) -> bool) {
        while !is_done(self) {
            assert!(self.step(), "stuck before: {what}\n{:?}", self.client);
        }
    }

    pub(crate) fn advance(&mut self, time: Duration) {
        self.now += time;
        self.input(Input::Tick);
    }

    /// Whether the task has had its socket closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closing.is_some()
    }

    pub(crate) fn is_done(&self, id: u64) -> bool {
        self.results.contains_key(&id)
    }

    /// What the read `id` brought.
    pub(crate) fn data(&self, id: u64) -> &ReadData {
        match self.results.get(&id) {
            None => panic!("read {id} is still under way: {:?}", self.client),
            Some(Ok(Outcome::Read(data))) => data,
            Some(other) => panic!("read {id} came to {other:?}"),
        }
    }

    pub(crate) fn error(&self, id: u64) -> &Error {
        self.results[&id].as_ref().expect_err("an error")
    }
}

fn told_end(result: &Result<Outcome, Error>) -> Option<Input> {
    match result {
        Ok(Outcome::Read(read)) => read.at_eof.then(|| Input::EndSeen(read.layer())),
        Ok(_) => None,
        Err(error) => error.ends().map(Input::EndSeen),
    }
}
