//! Random scenarios for as long as one likes: bytes that led somewhere new are kept, and changed again.
//!
//! `STREAMTASK_FUZZ_SECONDS` says how long, `STREAMTASK_SEED` where to begin; `cargo xtask fuzz` sets them.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use crate::lockstep::explore;
use crate::random::{Dice, HEAD, STEP, noise, scenario};
use crate::report::{Failures, on_all_processors, variable};

/// The most steps of one scenario.
const STEPS: usize = 60;

/// What led somewhere new, and where everything has led.
#[derive(Default)]
struct Corpus {
    kept: Vec<Vec<u8>>,
    ways: HashSet<u64>,
}

#[test]
fn fuzzing_finds_nothing() {
    let number = |name| variable(name).and_then(|text| text.parse::<u64>().ok());
    let Some(seconds) = number("STREAMTASK_FUZZ_SECONDS") else { return };
    let seed = number("STREAMTASK_SEED").unwrap_or_else(any_seed);
    println!("STREAMTASK_SEED={seed}");
    let (corpus, failures) = (Mutex::new(Corpus::default()), Failures::default());
    let end = now() + Duration::from_secs(seconds);
    on_all_processors(std::thread::available_parallelism().map_or(1, usize::from), |thread| {
        let mut dice = Dice::new(seed.wrapping_add((thread as u64) << 32));
        while now() < end {
            try_one(&mut dice, &corpus, &failures);
        }
    });
    let corpus = corpus.into_inner().expect("no panic");
    println!("{} ways, {} of them kept", corpus.ways.len(), corpus.kept.len());
    failures.show();
}

fn try_one(dice: &mut Dice, corpus: &Mutex<Corpus>, failures: &Failures) {
    let bytes = next_bytes(dice, &corpus.lock().expect("no panic").kept);
    let scenario = scenario(&bytes);
    let (result, ways) = explore(&scenario);
    failures.add(scenario, result);
    let mut corpus = corpus.lock().expect("no panic");
    let before = corpus.ways.len();
    corpus.ways.extend(ways);
    if corpus.ways.len() > before {
        corpus.kept.push(bytes);
    }
}

/// New ones now and then, mostly old ones with changes.
fn next_bytes(dice: &mut Dice, kept: &[Vec<u8>]) -> Vec<u8> {
    if kept.is_empty() || dice.below(8) == 0 {
        return noise(dice.throw());
    }
    let mut bytes = kept[dice.below(kept.len())].clone();
    for _ in 0..1 + dice.below(4) {
        change(&mut bytes, dice, kept);
    }
    bytes.truncate(HEAD + STEP * STEPS);
    bytes
}

fn change(bytes: &mut Vec<u8>, dice: &mut Dice, kept: &[Vec<u8>]) {
    let steps = bytes.len().saturating_sub(HEAD) / STEP;
    let at = HEAD + STEP * dice.below(steps + 1);
    match dice.below(5) {
        0 => {
            let any = dice.below(bytes.len());
            bytes[any] = dice.throw() as u8;
        }
        1 => drop(bytes.splice(at..at, (0..STEP).map(|_| dice.throw() as u8))),
        2 if at + STEP <= bytes.len() => drop(bytes.drain(at..at + STEP)),
        3 if at + STEP <= bytes.len() => {
            let step = bytes[at..at + STEP].to_vec();
            let to = HEAD + STEP * dice.below(steps + 1);
            bytes.splice(to..to, step);
        }
        _ => {
            let other = &kept[dice.below(kept.len())];
            bytes.truncate(at);
            bytes.extend_from_slice(other.get(at..).unwrap_or_default());
        }
    }
}

#[allow(clippy::disallowed_methods)] // how long it takes is the caller's choice
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods)] // another one every time, and printed
fn any_seed() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(1, |since| since.as_millis() as u64)
}
