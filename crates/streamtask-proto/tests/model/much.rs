//! Peers that say much: around the bounds of what is thrown away before TLS, and of what is taken in with
//! nobody reading.

use crate::words::Scenario;

/// Just within, just beyond, and well beyond the two bounds.
const AMOUNTS: [usize; 7] = [65_535, 65_536, 65_537, 1_048_575, 1_048_576, 1_048_577, 1_400_000];

/// `N` is an amount. All that came is read at last.
const CASES: [&str; 15] = [
    "quiet discards : resume peer-says/N start settle",
    "quiet discards : resume read/2/2/0 peer-says/N start settle",
    "quiet discards : resume peer-says/N settle start round peer-says/2 settle",
    "quiet discards : read/2000000/2000000/0 resume peer-says/N settle start settle",
    "quiet : resume peer-says/N settle capture settle",
    "quiet : resume peer-says/N read/N/N/0 settle peer-fin settle",
    "quiet : resume peer-says/N read/2000000/2000000/0 settle peer-fin settle",
    "quiet : resume peer-says/N write/3/0 sends-break settle peer-fin settle",
    "quiet : resume peer-says/N write/3/0 sends-reset settle peer-fin settle",
    "mute : start resume settle peer-says/N stop settle peer-close-notify settle",
    "mute : start resume settle peer-says/N stop settle advance/60000",
    "mute : start resume settle close-read stop peer-says/N settle peer-close-notify settle",
    "mute : start resume settle peer-says/N read/2000000/2000000/0 stop settle peer-close-notify settle",
    "mute : start resume settle write/2/0 settle sends-break stop settle peer-says/N settle peer-fin settle",
    "quiet : start resume settle peer-says/N peer-close-notify peer-says-clear/N peer-stalls/0 stop settle peer-goes-on settle",
];

/// Reads by and by, then all.
const END: &str = "read/1/2000000/0 settle read/1/40000/0 settle read/1/2000000/0 settle \
                   peer-fin settle read/1/2000000/0 close-read close-write settle";

/// Every case with every amount, or the two that matter most.
pub(crate) fn scenarios(is_full: bool) -> Vec<Scenario> {
    let amounts = AMOUNTS.iter().filter(|amount| is_full || matches!(amount, 65_537 | 1_400_000));
    let text = |amount: &usize| {
        CASES.map(|case| format!("{case} {END}").replace('N', &amount.to_string()))
    };
    let texts = amounts.flat_map(text);
    texts.map(|text| text.parse().expect("a scenario")).collect()
}
