//! Scenarios that once came out otherwise, in `cases.txt`, one a line; what is behind `#` is for people.

use crate::words::Scenario;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let lines = include_str!("cases.txt").lines();
    let cases = lines.map(|line| line.split('#').next().unwrap_or_default().trim());
    let cases = cases.filter(|case| !case.is_empty());
    cases.map(|case| case.parse().unwrap_or_else(|why| panic!("{case}: {why}"))).collect()
}
