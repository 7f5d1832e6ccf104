//! What was run and what of it differed: counted, made small, and shown.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::lockstep::check;
use crate::shrink::{kind_of, shrink};
use crate::words::Scenario;

/// How many different failures are shown.
const SHOWN: usize = 12;

#[allow(clippy::disallowed_methods)] // what is run is the caller's choice
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Does `work` for every number below `count`.
pub(crate) fn on_all_processors(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || loop {
        match next.fetch_add(1, Ordering::Relaxed) {
            at if at < count => work(at),
            _ => return,
        }
    };
    // A panic is caught and shown like any other difference; a line for each of thousands helps nobody.
    std::panic::set_hook(Box::new(|_| {}));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
}

/// One scenario for each kind of failure, and how often there was that kind.
#[derive(Default)]
pub(crate) struct Failures {
    count: AtomicUsize,
    kinds: Mutex<BTreeMap<String, (usize, Scenario)>>,
}

impl Failures {
    pub(crate) fn check(&self, scenario: Scenario) {
        let result = check(&scenario);
        self.add(scenario, result);
    }

    pub(crate) fn add(&self, scenario: Scenario, result: Result<(), String>) {
        self.count.fetch_add(1, Ordering::Relaxed);
        if let Err(why) = result {
            let mut kinds = self.kinds.lock().expect("no panic");
            kinds.entry(kind_of(&why)).or_insert((0, scenario)).0 += 1;
        }
    }

    /// Says how many there were, and fails if something differed.
    pub(crate) fn show(self) {
        let count = self.count.into_inner();
        let kinds = self.kinds.into_inner().expect("no panic");
        let total: usize = kinds.values().map(|(times, _)| times).sum();
        println!("{total} of {count} differ, in {} ways", kinds.len());
        show_smallest(kinds);
        assert_eq!(total, 0, "model and core differ");
    }
}

/// The smallest failure of each kind, the commonest kinds first.
fn show_smallest(kinds: BTreeMap<String, (usize, Scenario)>) {
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (times, _))| std::cmp::Reverse(*times));
    let shown = variable("STREAMTASK_SHOWN").and_then(|n| n.parse().ok()).unwrap_or(SHOWN);
    let mut seen = Vec::new();
    for (kind, (times, scenario)) in kinds {
        if seen.len() == shown {
            return println!("\nand others; STREAMTASK_SHOWN says how many are shown");
        }
        let small = shrink(scenario, &kind);
        if seen.contains(&small) {
            continue;
        }
        let why = check(&small).expect_err("it still fails");
        println!("\n{times} times: {why}");
        println!("  STREAMTASK_CASE='{small}' cargo test -p streamtask-proto --test model one_");
        seen.push(small);
    }
}
