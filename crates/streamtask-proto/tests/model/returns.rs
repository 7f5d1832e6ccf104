//! Every short sequence around reads that are done, and dropped or looked at only later: several at once,
//! in any order, and across switches.

use crate::peer::Peer;
use crate::sequences::epilogue;
use crate::words::{Call, Op, Rules, Scenario, Step};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    /// Of three bytes that are there, one reads a part, the next the rest.
    Read,
    DropNewest,
    DropOldest,
    LookOldest,
    Start,
    Stop,
    Capture,
    Says,
}

const SYMBOLS: [Symbol; 8] = [
    Symbol::Read,
    Symbol::DropNewest,
    Symbol::DropOldest,
    Symbol::LookOldest,
    Symbol::Start,
    Symbol::Stop,
    Symbol::Capture,
    Symbol::Says,
];

/// All of up to `length` symbols that drop or look, against a peer that speaks under every layer.
pub(crate) fn scenarios(length: usize, peers: &[Peer]) -> Vec<Scenario> {
    let peer = peers.iter().find(|peer| peer.name == "greets").expect("a peer that greets");
    let mut all = Vec::new();
    let mut last = vec![Vec::new()];
    for _ in 0..length {
        last = last.iter().flat_map(|sequence| longer(sequence)).collect();
        all.extend(last.iter().filter(|sequence| is_about_reads(sequence)).map(|sequence| {
            let steps = steps(sequence);
            Scenario { peer: peer.clone(), rules: Rules::default(), steps }
        }));
    }
    all
}

fn longer(sequence: &[Symbol]) -> Vec<Vec<Symbol>> {
    let symbols = SYMBOLS.into_iter().filter(|symbol| is_worth(sequence, *symbol));
    symbols.map(|symbol| [sequence, &[symbol]].concat()).collect()
}

fn is_about_reads(sequence: &[Symbol]) -> bool {
    matches!(
        sequence.last(),
        Some(Symbol::DropNewest | Symbol::DropOldest | Symbol::LookOldest | Symbol::Capture)
    )
}

fn is_worth(sequence: &[Symbol], symbol: Symbol) -> bool {
    let count = |of: Symbol| sequence.iter().filter(|symbol| **symbol == of).count();
    let gone = count(Symbol::DropNewest) + count(Symbol::DropOldest) + count(Symbol::LookOldest);
    let open = count(Symbol::Read) - gone;
    match symbol {
        Symbol::DropNewest | Symbol::LookOldest => open > 0,
        // Of one, the newest is the oldest.
        Symbol::DropOldest => open > 1,
        _ if count(Symbol::Capture) > 0 => false,
        Symbol::Start => count(Symbol::Start) == count(Symbol::Stop),
        Symbol::Stop => count(Symbol::Start) > count(Symbol::Stop),
        Symbol::Read | Symbol::Capture | Symbol::Says => true,
    }
}

fn steps(sequence: &[Symbol]) -> Vec<Step> {
    let mut open: Vec<Op> = Vec::new();
    let (mut op, mut steps) = (0, vec![Step::Resume, Step::Settle]);
    for symbol in sequence {
        let call = match symbol {
            Symbol::Read => {
                open.push(op);
                let (min, max) = if open.len() % 2 == 1 { (2, 2) } else { (1, 100) };
                Call::Read { min, max, timeout: 0 }
            }
            Symbol::Start => Call::Start,
            Symbol::Stop => Call::Stop,
            Symbol::Capture => Call::Capture,
            other => {
                steps.extend([without_call(*other, &mut open), Step::Settle]);
                continue;
            }
        };
        op += 1;
        steps.extend([Step::Call(call), Step::Settle]);
    }
    steps.extend(epilogue());
    steps
}

fn without_call(symbol: Symbol, open: &mut Vec<Op>) -> Step {
    match symbol {
        Symbol::DropNewest => Step::Drop(open.pop().expect("a read")),
        Symbol::DropOldest => Step::Drop(open.remove(0)),
        Symbol::LookOldest => Step::Look(open.remove(0)),
        _ => Step::Peer(crate::peer::Act::Say(3)),
    }
}
