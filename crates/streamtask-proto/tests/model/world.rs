//! The core as it is, on a wire that moves only when it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes};
use streamtask_proto::tls::SecureOptions;
use streamtask_proto::{
    AddressFamily, Call as Operation, Closing, Error, ErrorKind, EventKind, HandshakeStep, Input,
    Layer, OpId, Options, Outcome, Output, ReadData, ReadKind, Stream, Target, Timeout, Transmit,
    UnreadClearText, Wait,
};

use crate::credentials::client_config;
use crate::cuts::Cuts;
use crate::far::Far;
use crate::oracle::Arrival;
use crate::peer::{Act, Player};
use crate::wire::Fate;
use crate::words::{
    Answer, Call, Lane, Op, REQUEST, RESOURCE, Rules, Said, Scenario, Stand, Told, plain, written,
};

/// A task of the core, and the other end.
pub(crate) struct World {
    client: Stream,
    pub(crate) far: Far,
    pub(crate) now: Instant,
    pub(crate) wait: Wait,
    rules: Rules,
    kept: BTreeSet<Op>,
    unlooked: BTreeMap<Op, ReadData>,
    /// Reads that are called and not answered.
    waiting: BTreeSet<Op>,
    /// Reads that failed because a layer had ended, and whose caller has not looked.
    failed_by_end: BTreeMap<Op, Layer>,
    wants_connection: bool,
    is_fin_sent: bool,
    /// The step of the handshake that is to be made elsewhere.
    step: Option<Box<HandshakeStep>>,
    cuts: Cuts,
    /// The rest of a record that has left in part: nothing else may leave before it.
    rest: Vec<u8>,
    said: Vec<Said>,
}

impl World {
    pub(crate) fn new(scenario: &Scenario, kept: BTreeSet<Op>) -> Self {
        let target = Target::new("server.test", 25).expect("a target");
        #[allow(clippy::disallowed_methods)] // a starting point; from here on only steps move it
        let now = Instant::now();
        let rules = scenario.rules;
        let player = Player::new(scenario.peer.clone());
        World {
            client: Stream::new(now, target, options(rules), Some(client_config(rules.blocks))),
            far: Far::new(player, rules.is_tls12),
            now,
            wait: Wait { until: None, receive: false, send: false, sweep: false },
            rules,
            kept,
            unlooked: BTreeMap::new(),
            waiting: BTreeSet::new(),
            failed_by_end: BTreeMap::new(),
            wants_connection: false,
            is_fin_sent: false,
            step: None,
            cuts: Cuts::new(rules.cuts_out),
            rest: Vec::new(),
            said: Vec::new(),
        }
    }

    pub(crate) fn take_said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.client.is_over()
    }

    pub(crate) fn stand(&self) -> Stand {
        let is_secure = !self.client.is_over() && self.client.is_secure();
        Stand { state: self.client.state(), is_secure }
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.client.handle(self.now, input);
        self.poll();
    }

    fn poll(&mut self) {
        loop {
            match self.client.poll() {
                Output::Complete(OpId(op), result) => self.complete(op as Op, result),
                Output::Event(event) => self.said.push(Said::Event(told(event.kind))),
                Output::Attempt { .. } => self.wants_connection = true,
                Output::Resolve(lookup) => {
                    let addresses = match lookup.family {
                        AddressFamily::V6 => vec![],
                        AddressFamily::V4 => vec![([192, 0, 2, 1], 25).into()],
                    };
                    self.client.handle(self.now, Input::Resolved(lookup.number, Ok(addresses)));
                }
                Output::Adopt(_) | Output::Disconnect => {}
                Output::ShutdownWrite => {
                    self.said.push(Said::Fin);
                    if !std::mem::replace(&mut self.is_fin_sent, true) {
                        self.far.take_fin();
                    }
                }
                Output::Close(closing) => {
                    self.said.push(Said::Close { lingers: closing == Closing::Lingering });
                }
                Output::Captured(mut pipe) => {
                    let mut unread = Vec::new();
                    while !pipe.readable().is_empty() {
                        unread.extend(pipe.take(pipe.readable().len()));
                    }
                    self.said
                        .push(Said::Captured { unread: Some(unread), is_secure: pipe.is_secure() });
                }
                Output::Wait(wait) => {
                    self.wait = wait;
                    return;
                }
                Output::Step(step) => {
                    assert!(self.step.is_none(), "one step at a time");
                    self.step = Some(step);
                }
            }
        }
    }

    fn complete(&mut self, op: Op, result: Result<Outcome, Error>) {
        let answer = match &result {
            Ok(Outcome::Read(read)) => {
                assert_eq!(read.at_eof, read.eof.is_some(), "an end has a kind");
                let data = read.data.to_vec();
                Answer::Read { data, eof: read.eof, is_secure: read.is_secure }
            }
            Ok(Outcome::Done | Outcome::Captured(())) => Answer::Done,
            Ok(Outcome::Secured(_)) => Answer::Secured,
            Err(error) => Answer::Failed(plain(error.kind())),
        };
        self.waiting.remove(&op);
        self.said.push(Said::Answer(op, answer));
        match (self.kept.contains(&op), result) {
            (true, Ok(Outcome::Read(read))) => drop(self.unlooked.insert(op, read)),
            (true, Err(error)) => self.failed_by_end.extend(error.ends().map(|layer| (op, layer))),
            (_, result) => {
                if let Some(layer) = ended(&result) {
                    self.client.handle(self.now, Input::EndSeen(layer));
                }
            }
        }
    }

    pub(crate) fn call(&mut self, op: Op, call: Call) {
        if call.lane() == Lane::Read {
            self.waiting.insert(op);
        }
        let operation = operation(op, call);
        if let (Operation::Read(kind, _), true) = (&operation, self.rules.reads_at_once)
            && let Some(read) = self.client.read_at_once(kind)
        {
            self.complete(op, Ok(Outcome::Read(read)));
            return self.poll();
        }
        self.input(Input::Enqueue(OpId(op as u64), operation));
    }

    pub(crate) fn drop_read(&mut self, op: Op) {
        if let Some(read) = self.unlooked.remove(&op) {
            let is_last = self.unlooked.is_empty();
            self.input(Input::Return { read, is_last });
        } else if self.waiting.remove(&op) {
            self.input(Input::Withdraw(OpId(op as u64)));
        }
        self.failed_by_end.remove(&op);
    }

    pub(crate) fn look_at(&mut self, op: Op) {
        let ended = match self.unlooked.remove(&op) {
            Some(read) => ended(&Ok(Outcome::Read(read))),
            None => self.failed_by_end.remove(&op),
        };
        if let Some(layer) = ended {
            self.input(Input::EndSeen(layer));
        }
    }

    pub(crate) fn wants_connection(&self) -> bool {
        self.wants_connection && !self.is_over()
    }

    pub(crate) fn connected(&mut self, is_up: bool) {
        self.wants_connection = false;
        match is_up {
            true => {
                self.far.accept();
                self.input(Input::Attempted(0, Ok(())));
            }
            false => self.input(Input::Attempted(0, Err(ErrorKind::CannotConnect.into()))),
        }
    }

    pub(crate) fn advance(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
        self.input(Input::Tick);
    }

    pub(crate) fn peer_acts(&mut self, act: Act) {
        self.far.act(act);
    }

    fn offer(&self) -> Vec<u8> {
        match self.client.transmit() {
            Transmit::One(bytes) => bytes.to_vec(),
            Transmit::Many(pieces) => pieces.iter().flat_map(|piece| piece.to_vec()).collect(),
        }
    }

    /// One attempt to send all there is. Whether anything moved.
    pub(crate) fn send(&mut self) -> bool {
        let bytes = self.offer();
        assert!(!bytes.is_empty(), "a wish to send comes with bytes");
        assert!(bytes.starts_with(&self.rest), "what has begun to leave goes on");
        let is_cipher = self.client.is_secure() || self.client.is_handshaking();
        match self.far.take(&bytes, is_cipher) {
            Fate::Blocked => return false,
            Fate::Taken { count, .. } => self.sent(&bytes[..count]),
            Fate::Part { count } => {
                self.input(Input::Sent(count));
                self.rest = bytes[count..].to_vec();
            }
            Fate::Fails { how } => {
                self.rest.clear();
                self.input(Input::SendFailed(how.error()));
            }
        }
        true
    }

    /// The socket took these, perhaps not in one go.
    fn sent(&mut self, mut bytes: &[u8]) {
        self.rest.clear();
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(self.cuts.most().min(bytes.len()));
            self.input(Input::Sent(piece.len()));
            bytes = rest;
            let is_kept = bytes.is_empty() || self.offer().starts_with(bytes);
            assert!(is_kept, "what was offered is offered until it has left");
        }
    }

    /// What a clean end leaves behind leaves, and FIN behind it.
    pub(crate) fn linger(&mut self) {
        let bytes = self.offer();
        let is_sent = bytes.is_empty()
            || match self.far.take(&bytes, true) {
                Fate::Taken { count, .. } => count == bytes.len(),
                Fate::Part { .. } | Fate::Blocked | Fate::Fails { .. } => false,
            };
        if is_sent && !std::mem::replace(&mut self.is_fin_sent, true) {
            self.far.take_fin();
        }
    }

    /// Whether bytes would be taken.
    pub(crate) fn is_thirsty(&self) -> bool {
        !self.is_over() && (self.wait.receive || self.wait.sweep)
    }

    /// Receives at most so many bytes. What has arrived with them.
    pub(crate) fn receive(&mut self, most: usize) -> (usize, Vec<Arrival>) {
        let buffer = self.client.receive_buffer();
        let room = buffer.capacity() - buffer.len();
        assert!(room > 0, "a wish to receive comes with room");
        let (piece, arrivals) = self.far.give(most.min(room));
        buffer.put_slice(&piece);
        self.input(Input::Received(piece.len()));
        (piece.len(), arrivals)
    }

    pub(crate) fn receive_end(&mut self) {
        match self.far.give_end() {
            Some(how) => self.input(Input::ReceiveFailed(how.error())),
            None => self.input(Input::ReceivedEnd),
        }
    }

    pub(crate) fn has_step(&self) -> bool {
        self.step.is_some()
    }

    pub(crate) fn make_step(&mut self) {
        if let Some(mut step) = self.step.take() {
            step.run();
            self.input(Input::Stepped(step));
        }
    }
}

/// Which layer's end a read tells: one that brought it, or one that failed by it.
fn ended(result: &Result<Outcome, Error>) -> Option<Layer> {
    match result {
        Ok(Outcome::Read(read)) => read.at_eof.then(|| read.layer()),
        Ok(_) => None,
        Err(error) => error.ends(),
    }
}

fn told(event: EventKind) -> Told {
    match event {
        EventKind::Connected => Told::Connected,
        EventKind::Secured(_) => Told::Secured,
        EventKind::Unsecured => Told::Unsecured,
        EventKind::ReadClosed => Told::ReadClosed,
        EventKind::WriteClosed => Told::WriteClosed,
        EventKind::Finished(result) => Told::Finished(result.map_err(|error| plain(error.kind()))),
        other => panic!("unexpected {other:?}"),
    }
}

fn options(rules: Rules) -> Options {
    Options {
        timeout_for_request: Duration::from_millis(REQUEST).into(),
        timeout_for_resource: Duration::from_millis(RESOURCE).into(),
        strict_barriers: rules.is_strict,
        timeout_is_fatal: rules.is_fatal,
        tolerate_truncation: rules.tolerates,
        stop_secure_is_noop: rules.stops_not,
        unread_clear_text: match rules.discards {
            true => UnreadClearText::Discard,
            false => UnreadClearText::Fail,
        },
        ..Options::default()
    }
}

fn operation(op: Op, call: Call) -> Operation {
    let timeout = |milliseconds| match milliseconds {
        0 => Timeout::NEVER,
        _ => Timeout::from(Duration::from_millis(milliseconds)),
    };
    match call {
        Call::Read { min, max, timeout: limit } => {
            Operation::Read(ReadKind::Data { min, max }, timeout(limit))
        }
        Call::Exact { length, timeout: limit } => {
            Operation::Read(ReadKind::Exact { length }, timeout(limit))
        }
        Call::Until { is_pair, max, timeout: limit } => {
            let delimiter = Bytes::from_static(if is_pair { b"\n\n" } else { b"\n" });
            Operation::Read(ReadKind::Until { delimiter, max }, timeout(limit))
        }
        Call::Write { length, timeout: limit } => {
            Operation::Write(written(op, length).into(), timeout(limit))
        }
        Call::CloseRead => Operation::CloseRead,
        Call::CloseWrite => Operation::CloseWrite,
        Call::Start => Operation::StartSecure(SecureOptions::default()),
        Call::Stop => Operation::StopSecure,
        Call::Capture => Operation::Capture,
    }
}
