//! The runs: a part of everything always, all of it with `STREAMTASK_MODEL=full`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::lockstep::{check, trace};
use crate::peers::peers;
use crate::random;
use crate::sequences::{ORDERS, Symbol, scenario, sequences};
use crate::shrink::{kind_of, shrink};
use crate::words::{Rules, Scenario};

/// How many different failures are shown.
const SHOWN: usize = 12;

#[allow(clippy::disallowed_methods)] // what is run is the caller's choice
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn is_full() -> bool {
    variable("STREAMTASK_MODEL").is_some_and(|value| value == "full")
}

#[test]
fn every_short_sequence_comes_out_as_foretold() {
    let length = if is_full() { 5 } else { 3 };
    let sequences = sequences(length);
    let peers = peers();
    let per_sequence = peers.len() * ORDERS.len() * 2;
    run(sequences.len() * per_sequence, |at| {
        let (sequence, at) = (&sequences[at / per_sequence], at % per_sequence);
        let is_tls12 = at % 2 == 1;
        if is_tls12 && !sequence.contains(&Symbol::Start) {
            return None;
        }
        let (peer, order) = (&peers[at / 2 % peers.len()], ORDERS[at / 2 / peers.len()]);
        Some(scenario(sequence, order, peer, Rules { is_tls12, ..Rules::default() }))
    });
}

#[test]
fn long_random_scenarios_come_out_as_foretold() {
    let count = if is_full() { 100_000 } else { 6_000 };
    let seed = variable("STREAMTASK_SEED").and_then(|seed| seed.parse().ok()).unwrap_or(1_u64);
    run(count, |at| Some(random::scenario(&noise(seed.wrapping_add(at as u64)))));
}

/// One scenario again: `STREAMTASK_CASE='quiet : resume read/1/1/0'`.
#[test]
fn one_scenario_comes_out_as_foretold() {
    let Some(text) = variable("STREAMTASK_CASE") else { return };
    let scenario: Scenario = text.parse().expect("a scenario");
    println!("{}", trace(&scenario));
    assert_eq!(check(&scenario), Ok(()), "{scenario}");
}

/// Bytes for the scenario with this number (splitmix64).
fn noise(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    let length = random::HEAD + random::STEP * (3 + next() as usize % 38);
    (0..length).map(|_| next() as u8).collect()
}

/// Runs `count` scenarios on all processors, and shows the smallest failures of each kind.
fn run(count: usize, make: impl Fn(usize) -> Option<Scenario> + Sync) {
    let next = AtomicUsize::new(0);
    let failures: Mutex<BTreeMap<String, (usize, Scenario)>> = Mutex::default();
    let work = || loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at >= count {
            return;
        }
        let Some(scenario) = make(at) else { continue };
        if let Err(why) = check(&scenario) {
            let mut failures = failures.lock().expect("no panic");
            let entry = failures.entry(kind_of(&why)).or_insert((0, scenario));
            entry.0 += 1;
        }
    };
    // A panic is caught and shown like any other difference; a line for each of thousands helps nobody.
    std::panic::set_hook(Box::new(|_| {}));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let text = report(count, failures.into_inner().expect("no panic"));
    print!("{text}");
    assert!(text.is_empty(), "model and core differ");
}

/// The smallest failures of each kind, for people; nothing if there are none.
fn report(count: usize, failures: BTreeMap<String, (usize, Scenario)>) -> String {
    if failures.is_empty() {
        return String::new();
    }
    let total: usize = failures.values().map(|(times, _)| times).sum();
    let mut kinds: Vec<_> = failures.into_iter().collect();
    kinds.sort_by_key(|(_, (times, _))| std::cmp::Reverse(*times));
    let shown = variable("STREAMTASK_SHOWN").and_then(|n| n.parse().ok()).unwrap_or(SHOWN);
    let mut text = format!("{total} of {count} differ, in {} ways\n", kinds.len());
    let mut seen = Vec::new();
    for (kind, (times, scenario)) in kinds {
        if seen.len() == shown {
            break;
        }
        let small = shrink(scenario, &kind);
        if seen.contains(&small) {
            continue;
        }
        let why = check(&small).expect_err("it still fails");
        text += &format!(
            "\n{times} times: {why}\n  STREAMTASK_CASE='{small}' cargo test -p streamtask-proto --test model one_\n"
        );
        seen.push(small);
    }
    text
}
