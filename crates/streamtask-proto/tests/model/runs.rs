//! The runs: a part of everything always, all of it with `STREAMTASK_MODEL=full`.

use crate::cases;
use crate::lockstep::{check, trace};
use crate::much;
use crate::peers::peers;
use crate::random;
use crate::report::{Failures, on_all_processors, variable};
use crate::returns;
use crate::sequences::{scenarios, sequences, variants};
use crate::words::{Rules, Scenario};

fn is_full() -> bool {
    variable("STREAMTASK_MODEL").is_some_and(|value| value == "full")
}

#[test]
fn every_short_sequence_comes_out_as_foretold() {
    run_sequences(if is_full() { 5 } else { 3 }, &[Rules::default()]);
}

#[test]
fn every_shorter_sequence_comes_out_as_foretold_with_other_options_too() {
    run_sequences(if is_full() { 4 } else { 2 }, &variants());
}

fn run_sequences(length: usize, rules: &[Rules]) {
    let (sequences, peers) = (sequences(length), peers());
    run(sequences.len(), |at| {
        let of_rules = |rules: &Rules| scenarios(&sequences[at], &peers, *rules);
        rules.iter().flat_map(of_rules).collect()
    });
}

#[test]
fn reads_that_are_dropped_late_change_nothing_but_what_is_foretold() {
    let scenarios = returns::scenarios(if is_full() { 8 } else { 6 }, &peers());
    run(scenarios.len(), |at| vec![scenarios[at].clone()]);
}

#[test]
fn long_random_scenarios_come_out_as_foretold() {
    let count = if is_full() { 400_000 } else { 8_000 };
    let seed = variable("STREAMTASK_SEED").and_then(|seed| seed.parse().ok()).unwrap_or(1_u64);
    run(count, |at| vec![random::scenario(&random::noise(seed.wrapping_add(at as u64)))]);
}

#[test]
fn what_is_bounded_is_bounded_as_foretold() {
    let scenarios = much::scenarios(is_full());
    run(scenarios.len(), |at| vec![scenarios[at].clone()]);
}

#[test]
fn what_once_came_out_otherwise_comes_out_as_foretold() {
    let scenarios = cases::scenarios();
    run(scenarios.len(), |at| vec![scenarios[at].clone()]);
}

/// One scenario again: `STREAMTASK_CASE='quiet : resume read/1/1/0'`.
#[test]
fn one_scenario_comes_out_as_foretold() {
    let Some(text) = variable("STREAMTASK_CASE") else { return };
    let scenario: Scenario = text.parse().expect("a scenario");
    println!("{}", trace(&scenario));
    assert_eq!(check(&scenario), Ok(()), "{scenario}");
}

/// Runs what `make` makes of every number below `count`.
fn run(count: usize, make: impl Fn(usize) -> Vec<Scenario> + Sync) {
    let failures = Failures::default();
    on_all_processors(count, |at| {
        make(at).into_iter().for_each(|scenario| failures.check(scenario));
    });
    failures.show();
}
