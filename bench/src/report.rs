//! The table: one line for each work, 80 columns wide.

use std::io::Write;
use std::time::Duration;

use crate::clock::Sample;
use crate::rounds::Round;
use crate::work::Work;

/// Whether a work's target was reached.
#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    Ok,
    Over,
}

/// Prints what the columns mean.
pub(crate) fn head() {
    println!("Ours to tokio(-rustls): median (lowest-highest) of the rounds' ratios. ms: CPU.\n");
    println!("{:<16} {:<16}  {:<16}  {:>11}  {:>6}", "work", "CPU", "wall", "ms us/peer", "target");
}

/// Prints how one work went.
pub(crate) fn line(work: &Work, rounds: &[Round]) -> Verdict {
    let cpu = Spread::of(rounds, |sample| sample.cpu);
    let wall = Spread::of(rounds, |sample| sample.wall);
    let spent = format!(
        "{}/{}",
        milliseconds(rounds.iter().map(|round| round.ours.cpu)),
        milliseconds(rounds.iter().map(|round| round.peer.cpu)),
    );
    let (verdict, word) = match cpu.median <= work.target {
        true => (Verdict::Ok, "ok"),
        false => (Verdict::Over, "over"),
    };
    println!(
        "{:<16} {:<16}  {:<16}  {:>11}  {:>6.2}  {}",
        work.name,
        cpu.to_string(),
        wall.to_string(),
        spent,
        work.target,
        word
    );
    // Through a pipe the lines are to come one by one too; a reader who has gone is no failure.
    let _ = std::io::stdout().flush();
    verdict
}

/// Prints the sum.
pub(crate) fn foot(missed: usize) {
    match missed {
        0 => println!("\nEvery target is reached."),
        1 => println!("\n1 target is missed."),
        count => println!("\n{count} targets are missed."),
    }
}

/// The ratios of some rounds.
struct Spread {
    lowest: f64,
    median: f64,
    highest: f64,
}

impl Spread {
    fn of(rounds: &[Round], time: impl Fn(&Sample) -> Duration) -> Self {
        let ratio = |round: &Round| {
            // A clock may be too coarse for the work; then the ratio is none, but not infinite.
            let peer = time(&round.peer).max(Duration::from_micros(1));
            time(&round.ours).as_secs_f64() / peer.as_secs_f64()
        };
        let mut ratios: Vec<f64> = rounds.iter().map(ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let at = |index: usize| ratios.get(index).copied().unwrap_or(f64::NAN);
        Spread {
            lowest: at(0),
            median: at(ratios.len() / 2),
            highest: at(ratios.len().saturating_sub(1)),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2}-{:.2})", self.median, self.lowest, self.highest)
    }
}

fn milliseconds(times: impl Iterator<Item = Duration>) -> u128 {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times.get(times.len() / 2).map_or(0, Duration::as_millis)
}
