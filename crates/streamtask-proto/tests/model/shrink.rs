//! The smallest scenario that still fails.

use crate::lockstep::check;
use crate::peers::peers;
use crate::text::flags;
use crate::words::{Call, Op, Scenario, Step};

/// Makes `scenario` smaller as long as it fails in the same way.
pub(crate) fn shrink(mut scenario: Scenario, kind: &str) -> Scenario {
    let fails = |one: &Scenario| check(one).is_err_and(|why| kind_of(&why) == kind);
    while let Some(smaller) = smaller(&scenario).into_iter().find(fails) {
        scenario = smaller;
    }
    scenario
}

/// What two failures of one cause have in common: all but the step, the numbers and the bytes.
pub(crate) fn kind_of(why: &str) -> String {
    let what = why.split_once(": ").map_or(why, |(_, what)| what);
    what.chars().filter(|letter| !letter.is_ascii_digit() && *letter != ',').collect()
}

fn smaller(scenario: &Scenario) -> Vec<Scenario> {
    let with = |steps| Scenario { steps, ..scenario.clone() };
    let count = scenario.steps.len();
    let mut all: Vec<Scenario> = [count / 2, count / 4]
        .iter()
        .map(|cut| with(scenario.steps[..count - cut].to_vec()))
        .collect();
    all.retain(|one| one.steps.len() < count);
    all.extend((0..count).rev().map(|at| with(without(&scenario.steps, at))));
    for at in 0..count {
        for step in simpler(scenario.steps[at]) {
            let mut steps = scenario.steps.clone();
            steps[at] = step;
            all.push(with(steps));
        }
    }
    for at in 0..flags(&mut scenario.rules.clone()).len() {
        let mut one = scenario.clone();
        if std::mem::take(flags(&mut one.rules).into_iter().nth(at).expect("a rule").1) {
            all.push(one);
        }
    }
    let simple = peers().into_iter().take_while(|peer| peer.name != scenario.peer.name);
    all.extend(simple.map(|peer| Scenario { peer, ..scenario.clone() }));
    all
}

/// Without step `at`, and without what spoke of its call.
fn without(steps: &[Step], at: usize) -> Vec<Step> {
    let mut left = steps.to_vec();
    let Step::Call(_) = left.remove(at) else { return left };
    let op = steps[..at].iter().filter(|step| matches!(step, Step::Call(_))).count();
    let renamed = |of: Op| (of != op).then(|| of - usize::from(of > op));
    let keep = |step: Step| match step {
        Step::Drop(of) => renamed(of).map(Step::Drop),
        Step::Look(of) => renamed(of).map(Step::Look),
        step => Some(step),
    };
    left.into_iter().filter_map(keep).collect()
}

fn simpler(step: Step) -> Vec<Step> {
    match step {
        Step::Call(Call::Read { min, max, timeout }) if timeout > 0 => {
            vec![Step::Call(Call::Read { min, max, timeout: 0 })]
        }
        Step::Call(Call::Exact { length, timeout }) => {
            let mut all = vec![Step::Call(Call::Read { min: length, max: length, timeout })];
            if timeout > 0 {
                all.push(Step::Call(Call::Exact { length, timeout: 0 }));
            }
            all
        }
        Step::Call(Call::Write { length, timeout }) if timeout > 0 => {
            vec![Step::Call(Call::Write { length, timeout: 0 })]
        }
        Step::Call(Call::Until { is_pair, max, timeout }) => {
            let mut all = vec![Step::Call(Call::Read { min: 1, max, timeout })];
            if timeout > 0 {
                all.push(Step::Call(Call::Until { is_pair, max, timeout: 0 }));
            }
            all
        }
        Step::Round => vec![Step::Settle],
        Step::Send | Step::Receive => vec![Step::Round, Step::Settle],
        _ => Vec::new(),
    }
}
