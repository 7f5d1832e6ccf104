//! The demo: every step, in order, and an end by itself.

use std::time::{Duration, Instant};

use crate::support::run;

/// What is shown of each step, without times, ports and fingerprints.
const STEPS: &[&str] = &[
    "● connected, from 127.0.0.1:",
    "← 220 demo.example ready",
    "→ EHLO client.example",
    "→ STARTTLS",
    "← 220 go ahead",
    "● start_secure_connection()",
    "● the server at 127.0.0.1 asks to be trusted",
    "SHA-256 ",
    "by default: no (the server's certificate has an unknown root)",
    "● the delegate says yes",
    "┃ ● TLS 1.3, TLS13_AES_256_GCM_SHA384",
    "┃ → ECHO 1048576",
    "┃ ← 1 MiB, the same bytes",
    "┃ ← 220 stopping TLS",
    "┃ ● stop_secure_connection()",
    "← 250 clear text, glued to the end of TLS",
    "→ NOOP",
    "← 250 still here",
    "● close_write()",
    "● capture_streams()",
    "← 221 I heard 37 bytes in clear text, 1048620 under TLS",
    "connect  ",
    "start TLS  ",
    "under TLS  ",
    "stop TLS  ",
    "close and capture  ",
    "nothing lost",
    "same socket    127.0.0.1:",
];

#[test]
fn the_demo_shows_every_step_in_order_and_ends_by_itself() {
    let began = Instant::now();
    let done = run(&["demo"], b"").expect(0);
    // It takes a tenth of that on a machine that has nothing else to do.
    assert!(began.elapsed() < Duration::from_secs(10));
    let text = String::from_utf8(done.stdout).expect("text");
    let mut rest = text.as_str();
    for step in STEPS {
        let place = rest.find(step).unwrap_or_else(|| panic!("{step:?} is missing in\n{text}"));
        rest = &rest[place + step.len()..];
    }
    assert_eq!(done.stderr, "");
}

#[test]
fn the_demo_fits_eighty_columns_and_has_no_colours_in_a_pipe() {
    let text = String::from_utf8(run(&["demo"], b"").expect(0).stdout).expect("text");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line:?}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }
}

#[test]
fn the_throughput_is_that_of_the_times_beside_it() {
    let shown = String::from_utf8(run(&["demo"], b"").expect(0).stdout).expect("text");
    let line = |words: &str| shown.lines().find(|line| line.contains(words)).expect(words);
    let time =
        |line: &str| line.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    let (from, to) = (line("1 MiB of data"), line("the same bytes"));
    let milliseconds = time(to).expect("a time") - time(from).expect("a time");
    let rate = to.split(" at ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok());
    let expected = 2.0 / (milliseconds / 1000.0);
    let rate = rate.expect("a rate");
    assert!((rate / expected - 1.0).abs() < 0.15, "{rate} MiB/s in {milliseconds} ms");
}
