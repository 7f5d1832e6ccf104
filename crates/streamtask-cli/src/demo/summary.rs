//! How it went: a bar for each phase, and what was shown.

use std::net::SocketAddr;
use std::time::Duration;

use streamtask::TlsInfo;

use super::show::{BOLD, GREEN, Show, milliseconds};

/// Application bytes, by how they travelled.
pub(super) struct Traffic {
    pub(super) clear_sent: u64,
    pub(super) clear_received: u64,
    pub(super) secure_sent: u64,
    pub(super) secure_received: u64,
}

/// Both ends of the socket, as the task knows them.
type Ends = (Option<SocketAddr>, Option<SocketAddr>);

/// Prints the end of the demo.
pub(super) fn print(show: &Show, info: &TlsInfo, traffic: &Traffic, ends: Ends) {
    let line = |text: &str| show.print(text);
    let say = |name: &str, words: &str| line(&format!("{BOLD}{name:<13}{BOLD:#}  {words}"));
    let phases = show.take_phases();
    line("");
    let longest = phases.iter().map(|phase| phase.took).max().unwrap_or_default();
    for phase in &phases {
        let bar = bar(phase.took, longest);
        line(&format!("{:<17} {}  {GREEN}{bar}{GREEN:#}", phase.name, milliseconds(phase.took)));
    }
    let total = phases.iter().map(|phase| phase.took).sum();
    line(&format!("{BOLD}{:<17} {}{BOLD:#}", "together", milliseconds(total)));
    line("");
    say(&info.version().to_string(), &info.cipher_suite_name());
    say("trust", "asked, and given by the delegate against the default answer");
    say("under TLS", &both(traffic.secure_sent, traffic.secure_received));
    say("in clear text", &both(traffic.clear_sent, traffic.clear_received));
    say("nothing lost", "the server counted the same; the clear text that it glued to the");
    say("", "end of TLS, in one write, came as the first clear text");
    if let (Some(local), Some(remote)) = ends {
        say("same socket", &format!("{local} → {remote}, from first to last byte"));
    }
}

fn both(sent: u64, received: u64) -> String {
    format!("{:>9} bytes sent, {:>9} received", grouped(sent), grouped(received))
}

/// How wide the longest bar is: what 80 columns leave.
const WIDTH: f64 = 44.0;

/// A bar in eighths of a column; no time at all still leaves a mark.
fn bar(took: Duration, longest: Duration) -> String {
    let share = took.as_secs_f64() / longest.as_secs_f64().max(f64::MIN_POSITIVE);
    let eighths = (share * WIDTH * 8.0).round().max(1.0) as usize;
    let last = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    "█".repeat(eighths / 8) + last
}

/// A number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion_and_never_empty() {
        let second = Duration::from_secs(1);
        assert_eq!(bar(second, second).chars().count(), 44);
        assert_eq!(bar(second / 2, second).chars().count(), 22);
        assert_eq!(bar(Duration::ZERO, second), "▏");
        assert_eq!(bar(Duration::ZERO, Duration::ZERO), "▏");
    }

    #[test]
    fn numbers_are_grouped() {
        let numbers = [0, 12, 999, 1000, 1_048_576].map(grouped);
        assert_eq!(numbers, ["0", "12", "999", "1 000", "1 048 576"]);
    }
}
