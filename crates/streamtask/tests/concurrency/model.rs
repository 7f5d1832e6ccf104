//! Runs a scenario in many orders, each as the scheduler chooses.
//!
//! By default that takes seconds and the orders are always the same. `STREAMTASK_MODEL=full` tries a hundred
//! times as many, others each time, and every order where that ends. A failure prints its schedule: put that
//! into a file, name it in `STREAMTASK_SCHEDULE`, and run the test that failed once more to see it again.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind};

use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::fault::{self, Fault};

/// How many changes of threads at unlucky moments a fault may need (PCT's depth).
const DEPTH: usize = 3;
/// How many times as many orders the full models try.
const FULL: usize = 100;
/// The driver's frames are larger than the scheduler thinks.
const STACK: usize = 1 << 18;
/// Far more than any scenario takes: one that goes round for ever fails.
const STEPS: usize = 100_000;

/// Runs the scenario in so many orders, half of them at random, half of them unlucky.
pub(crate) fn check(count: usize, scenario: fn()) {
    if let Some(file) = std::env::var_os("STREAMTASK_SCHEDULE") {
        let schedule = ReplayScheduler::new_from_file(file).expect("the file holds a schedule");
        return run(schedule, FailurePersistence::None, scenario);
    }
    let (half, seed) = match is_full() {
        true => (count * FULL / 2, any_seed()),
        false => (count / 2, SEED),
    };
    run(RandomScheduler::new_from_seed(seed, half), FailurePersistence::Print, scenario);
    run(PctScheduler::new_from_seed(seed, DEPTH, half), FailurePersistence::Print, scenario);
}

/// Runs the scenario in every order there is.
pub(crate) fn check_all(scenario: fn()) {
    run(DfsScheduler::new(None, false), FailurePersistence::Print, scenario);
}

/// The same where that takes minutes: by default in so many orders only.
pub(crate) fn check_all_if_full(count: usize, scenario: fn()) {
    match is_full() {
        true => check_all(scenario),
        false => check(count, scenario),
    }
}

/// Plants a fault, for which the scenario fails in one of so many orders and says so in these words.
pub(crate) fn finds(fault: Fault, words: &str, count: usize, scenario: fn()) {
    fault::plant(Some(fault));
    let half = count / 2;
    let runs = || {
        let unlucky = PctScheduler::new_from_seed(SEED, DEPTH, half);
        run(unlucky, FailurePersistence::None, scenario);
        run(RandomScheduler::new_from_seed(SEED, half), FailurePersistence::None, scenario);
    };
    let result = catch_unwind(AssertUnwindSafe(runs));
    fault::plant(None);
    let panic = result.expect_err("the model finds the fault");
    let said = panic.downcast_ref::<String>().map_or("", String::as_str);
    assert!(said.contains(words), "{said}");
}

/// Of the orders that are always the same.
const SEED: u64 = 0;

fn any_seed() -> u64 {
    RandomState::new().hash_one(SEED)
}

fn is_full() -> bool {
    std::env::var_os("STREAMTASK_MODEL").is_some_and(|value| value == "full")
}

fn run(scheduler: impl Scheduler + 'static, persistence: FailurePersistence, scenario: fn()) {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.failure_persistence = persistence;
    // It knows no weaker orderings, and there is one flag here that is read without a lock: whoever puts a
    // job into a mailbox sees its own flag, and everybody else's behind the lock.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(move || {
        fault::begin();
        scenario();
    });
}
