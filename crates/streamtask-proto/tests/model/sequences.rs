//! Every short sequence of calls, in four orders, against every peer.

use crate::peer::Peer;
use crate::words::{Call, Op, REQUEST, Rules, Scenario, Step};

/// What a sequence is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    Read,
    Write,
    CloseRead,
    CloseWrite,
    Start,
    Stop,
    Capture,
    Cancel,
    /// The latest read that was not dropped yet.
    Drop,
}

const SYMBOLS: [Symbol; 9] = [
    Symbol::Read,
    Symbol::Write,
    Symbol::CloseRead,
    Symbol::CloseWrite,
    Symbol::Start,
    Symbol::Stop,
    Symbol::Capture,
    Symbol::Cancel,
    Symbol::Drop,
];

/// When the calls of a sequence are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    BeforeResume,
    Connected,
    OneByOne,
    InPairs,
}

const ORDERS: [Order; 4] = [Order::BeforeResume, Order::Connected, Order::OneByOne, Order::InPairs];

/// Every sequence of up to `length` symbols that is worth trying.
pub(crate) fn sequences(length: usize) -> Vec<Vec<Symbol>> {
    let mut all = Vec::new();
    let mut last = vec![Vec::new()];
    for _ in 0..length {
        let longer = |sequence: &Vec<Symbol>| {
            let symbols = SYMBOLS.into_iter().filter(|symbol| is_worth(sequence, *symbol));
            symbols.map(|symbol| [&sequence[..], &[symbol]].concat()).collect::<Vec<_>>()
        };
        last = last.iter().flat_map(longer).collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// Whether `symbol` may change anything behind `sequence`. Everything behind a cancel or a capture is
/// judged alike, so that one call there is enough.
fn is_worth(sequence: &[Symbol], symbol: Symbol) -> bool {
    let count = |of: Symbol| sequence.iter().filter(|symbol| **symbol == of).count();
    let behind = |of: Symbol| {
        let at = sequence.iter().position(|symbol| *symbol == of);
        at.map_or(0, |at| sequence[at..].iter().filter(|symbol| !symbol.is_felt()).count())
    };
    let is_closing = |of: Symbol| symbol == of && count(of) >= 2;
    match symbol {
        Symbol::Drop => count(Symbol::Read) > count(Symbol::Drop),
        Symbol::Cancel => count(Symbol::Cancel) == 0,
        _ if count(Symbol::Cancel) > 0 => behind(Symbol::Cancel) < 1,
        _ if count(Symbol::Capture) > 0 => behind(Symbol::Capture) < 2,
        _ => !is_closing(Symbol::CloseRead) && !is_closing(Symbol::CloseWrite),
    }
}

impl Symbol {
    /// Whether it does something behind a capture or a cancel too.
    fn is_felt(self) -> bool {
        matches!(self, Symbol::Drop | Symbol::Cancel)
    }
}

/// The scenarios of a sequence. What cannot matter is not varied: without TLS, peers that differ only in
/// their TLS are one, and so are its versions.
pub(crate) fn scenarios(symbols: &[Symbol], peers: &[Peer], rules: Rules) -> Vec<Scenario> {
    let starts = symbols.contains(&Symbol::Start);
    let is_alone = symbols.len() == 1;
    let mut all = Vec::new();
    for (at, peer) in peers.iter().enumerate() {
        let is_alike = |other: &Peer| other.in_clear() == peer.in_clear();
        if !starts && peers[..at].iter().any(is_alike) {
            continue;
        }
        let versions: &[bool] = if starts && peer.speaks_tls() { &[false, true] } else { &[false] };
        for order in ORDERS.into_iter().filter(|order| !is_alone || *order != Order::InPairs) {
            let of_version = |is_tls12| scenario(symbols, order, peer, Rules { is_tls12, ..rules });
            all.extend(versions.iter().map(|is_tls12| of_version(*is_tls12)));
        }
    }
    all
}

/// Options, each of which makes something come out differently.
pub(crate) fn variants() -> [Rules; 7] {
    let rules = Rules::default();
    [
        Rules { is_strict: true, ..rules },
        Rules { tolerates: true, discards: true, ..rules },
        Rules { stops_not: true, ..rules },
        Rules { reads_at_once: true, ..rules },
        Rules { cuts_in: true, cuts_out: true, ..rules },
        Rules { blocks: true, cuts_in: true, ..rules },
        Rules { receives_first: true, ..rules },
    ]
}

/// The scenario of a sequence.
fn scenario(symbols: &[Symbol], order: Order, peer: &Peer, rules: Rules) -> Scenario {
    let calls = steps(symbols);
    let mut steps = Vec::new();
    let mut resume = || steps.extend([Step::Resume]);
    match order {
        Order::BeforeResume => {
            steps.extend(calls);
            steps.extend([Step::Resume, Step::Settle]);
        }
        Order::Connected => {
            resume();
            steps.extend(calls);
            steps.push(Step::Settle);
        }
        Order::OneByOne | Order::InPairs => {
            resume();
            steps.push(Step::Settle);
            let size = if order == Order::InPairs { 2 } else { 1 };
            for group in calls.chunks(size) {
                steps.extend_from_slice(group);
                steps.push(Step::Settle);
            }
        }
    }
    steps.extend(epilogue());
    Scenario { peer: peer.clone(), rules, steps }
}

fn steps(symbols: &[Symbol]) -> Vec<Step> {
    let mut reads: Vec<Op> = Vec::new();
    let (mut op, mut count) = (0, 0);
    let mut steps = Vec::new();
    for symbol in symbols {
        let call = match symbol {
            Symbol::Read => {
                reads.push(op);
                count += 1;
                read(count)
            }
            Symbol::Write => Call::Write { length: 2 + op, timeout: 0 },
            Symbol::CloseRead => Call::CloseRead,
            Symbol::CloseWrite => Call::CloseWrite,
            Symbol::Start => Call::Start,
            Symbol::Stop => Call::Stop,
            Symbol::Capture => Call::Capture,
            Symbol::Cancel => {
                steps.push(Step::Cancel);
                continue;
            }
            Symbol::Drop => {
                steps.push(Step::Drop(reads.pop().expect("a read to drop")));
                continue;
            }
        };
        steps.push(Step::Call(call));
        op += 1;
    }
    steps
}

/// Reads of one sequence differ, so that some are filled in part.
fn read(count: usize) -> Call {
    match count % 4 {
        1 => Call::Read { min: 2, max: 2, timeout: 0 },
        2 => Call::Read { min: 1, max: 100, timeout: 0 },
        3 => Call::Until { is_pair: false, max: 20, timeout: 0 },
        _ => Call::Exact { length: 3, timeout: 0 },
    }
}

/// What every scenario ends with: limits pass, and what is left is asked for.
pub(crate) fn epilogue() -> Vec<Step> {
    let read = |min, max| Step::Call(Call::Read { min, max, timeout: 0 });
    vec![
        Step::Settle,
        Step::Advance(REQUEST),
        Step::Settle,
        read(1, 2),
        Step::Call(Call::Exact { length: 4, timeout: 0 }),
        read(1, 100),
        Step::Call(Call::Write { length: 2, timeout: 0 }),
        Step::Call(Call::CloseRead),
        Step::Call(Call::CloseWrite),
        Step::Settle,
        Step::Cancel,
        read(1, 100),
    ]
}
