//! Time: how long something may take, and a clock that stops while a task is suspended.
//!
//! Deadlines are kept in *task time*, the time a task has been running. A suspended task has no time, so
//! nothing has to be shifted when it resumes (spec: suspended tasks are not subject to timeouts).

use std::fmt;
use std::time::{Duration, Instant};

/// How long an operation may take; [`Timeout::NEVER`], or `None`, lets it take for ever.
///
/// [`Duration::ZERO`] is a limit like any other: what can be done at once is done, and anything else is
/// late. So `deadline.saturating_duration_since(now)` is safe. Foundation counts seconds in a `double`, where
/// 0 means never: [`Timeout::from_secs_f64`] follows that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeout(Duration);

impl Timeout {
    /// No limit.
    pub const NEVER: Timeout = Timeout(Duration::MAX);

    pub(crate) const fn seconds(count: u64) -> Self {
        Timeout(Duration::from_secs(count))
    }

    /// Seconds as Foundation counts them: zero, negative, infinite and not-a-number all mean never.
    pub fn from_secs_f64(seconds: f64) -> Self {
        match Duration::try_from_secs_f64(seconds) {
            Ok(duration) if seconds > 0.0 => Timeout(duration),
            Ok(_) | Err(_) => Timeout::NEVER,
        }
    }

    /// The length, or `None` for never.
    pub fn duration(self) -> Option<Duration> {
        (self != Timeout::NEVER).then_some(self.0)
    }
}

/// As people write it: `250 ms`, `1 s`, `1.5 s`.
impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.duration() {
            None => f.write_str("any time"),
            Some(length) if length < Duration::from_secs(1) => {
                write!(f, "{} ms", length.as_millis())
            }
            // To the millisecond: that many seconds are exact in a double for a hundred thousand years.
            Some(length) => write!(f, "{} s", length.as_millis() as f64 / 1000.0),
        }
    }
}

impl From<Duration> for Timeout {
    fn from(duration: Duration) -> Self {
        Timeout(duration)
    }
}

impl From<Option<Duration>> for Timeout {
    fn from(duration: Option<Duration>) -> Self {
        duration.map_or(Timeout::NEVER, Timeout::from)
    }
}

/// A moment in task time, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(Duration);

impl Deadline {
    pub(crate) const NEVER: Deadline = Deadline(Duration::MAX);

    pub(crate) fn is_past(self, now: Duration) -> bool {
        self.0 <= now
    }

    /// Stops the clock of this deadline at `now`.
    pub(crate) fn pause(self, now: Duration) -> Paused {
        match self {
            Deadline::NEVER => Paused(Duration::MAX),
            Deadline(end) => Paused(end.saturating_sub(now)),
        }
    }
}

/// The limit of an operation: when it is reached, and how long that is from its call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub(crate) end: Deadline,
    pub(crate) length: Timeout,
}

/// A deadline that rests: how much of it is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paused(Duration);

impl Paused {
    /// The clock goes on at `now`.
    pub(crate) fn resume(self, now: Duration) -> Deadline {
        Deadline(now.saturating_add(self.0))
    }
}

/// Counts the time a task has been running.
#[derive(Debug)]
pub(crate) enum TaskClock {
    Stopped { elapsed: Duration },
    Running { since: Instant, elapsed: Duration },
}

impl TaskClock {
    pub(crate) fn new() -> Self {
        TaskClock::Stopped { elapsed: Duration::ZERO }
    }

    /// The task time at `now`.
    pub(crate) fn at(&self, now: Instant) -> Duration {
        match *self {
            TaskClock::Stopped { elapsed } => elapsed,
            TaskClock::Running { since, elapsed } => elapsed + now.saturating_duration_since(since),
        }
    }

    pub(crate) fn run(&mut self, now: Instant) {
        *self = TaskClock::Running { since: now, elapsed: self.at(now) };
    }

    pub(crate) fn stop(&mut self, now: Instant) {
        *self = TaskClock::Stopped { elapsed: self.at(now) };
    }

    /// The deadline of something that begins now.
    pub(crate) fn deadline(&self, now: Instant, timeout: Timeout) -> Deadline {
        match timeout.duration() {
            Some(length) => Deadline(self.at(now).saturating_add(length)),
            None => Deadline::NEVER,
        }
    }

    /// When `deadline` comes on the wall, if the task goes on running.
    pub(crate) fn instant(&self, deadline: Deadline) -> Option<Instant> {
        match *self {
            TaskClock::Running { since, elapsed } if deadline != Deadline::NEVER => {
                since.checked_add(deadline.0.saturating_sub(elapsed))
            }
            TaskClock::Running { .. } | TaskClock::Stopped { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_foundations_seconds_zero_negative_infinite_and_nan_mean_never() {
        for seconds in [0.0, -1.0, f64::INFINITY, f64::NAN] {
            assert_eq!(Timeout::from_secs_f64(seconds), Timeout::NEVER, "{seconds}");
        }
        assert_eq!(Timeout::from(None), Timeout::NEVER);
        assert_eq!(Timeout::from_secs_f64(0.5).duration(), Some(Duration::from_millis(500)));
    }

    #[test]
    fn however_short_a_limit_is_it_is_one() {
        for timeout in [Timeout::from(Duration::ZERO), Timeout::from_secs_f64(1e-12)] {
            assert_eq!(timeout.duration(), Some(Duration::ZERO));
        }
    }

    #[test]
    fn a_timeout_is_shown_as_people_write_it() {
        for (milliseconds, shown) in [(0, "0 ms"), (250, "250 ms"), (1000, "1 s"), (1500, "1.5 s")]
        {
            assert_eq!(Timeout::from(Duration::from_millis(milliseconds)).to_string(), shown);
        }
        assert_eq!(Timeout::seconds(604_800).to_string(), "604800 s");
    }

    #[test]
    fn a_stopped_clock_has_no_deadlines_and_loses_no_time() {
        #[allow(clippy::disallowed_methods)] // any starting point will do
        let now = Instant::now();
        let mut clock = TaskClock::new();
        let second = Duration::from_secs(1);
        clock.run(now);
        let deadline = clock.deadline(now, Timeout::from(3 * second));
        clock.stop(now + second);
        assert_eq!(clock.instant(deadline), None);
        clock.run(now + 10 * second);
        assert_eq!(clock.instant(deadline), Some(now + 12 * second));
        assert!(!deadline.is_past(clock.at(now + 11 * second)));
        assert!(deadline.is_past(clock.at(now + 12 * second)));
    }
}
