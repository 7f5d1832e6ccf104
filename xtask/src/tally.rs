//! What the tests came to, read from what they print while it goes by: how many passed, which failed, on what
//! input, and the line that runs just that again.

use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::process::Command;

/// Counts and failures of one or more runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
    failures: Vec<Failure>,
    /// Which binary speaks now.
    target: String,
    /// Whose output is being printed: a place in `failures`.
    speaker: Option<usize>,
    /// An input is being printed, until a blank line.
    is_in_input: bool,
    /// Lines that run one case again, as the tests themselves say them.
    cases: Vec<String>,
    /// What could not even be run.
    broken: Vec<String>,
    /// What runs a test again by its name, if it is not cargo's own.
    again: Option<&'static str>,
}

/// A test that failed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Failure {
    target: String,
    name: String,
    /// The smallest input that fails, if it was looked for.
    input: String,
    /// What cargo wants to hear to run its binary again: `-p …`.
    rerun: Option<String>,
}

impl Tally {
    /// One of tests that `again`, with a name behind it, runs again.
    #[cfg(target_os = "linux")]
    pub(crate) fn told_by(again: &'static str) -> Self {
        Tally { again: Some(again), ..Tally::default() }
    }

    /// Runs a command, shows what it prints, and counts. Whether it ended well.
    pub(crate) fn run(&mut self, command: &mut Command) -> io::Result<bool> {
        let (reader, writer) = io::pipe()?;
        // Both in one pipe: the name of a binary comes on the one, what it says on the other.
        let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
        // The command keeps its ends of the pipe, which would never end with them.
        command.stdout(std::process::Stdio::inherit()).stderr(std::process::Stdio::inherit());
        for line in BufReader::new(reader).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            self.hear(&line);
        }
        Ok(child.wait()?.success())
    }

    /// A step of which nothing is counted.
    pub(crate) fn note(&mut self, step: &str, is_well: bool) {
        if !is_well {
            self.broken.push(step.to_owned());
        }
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed
    }

    pub(crate) fn is_well(&self) -> bool {
        self.failed == 0 && self.broken.is_empty()
    }

    fn hear(&mut self, line: &str) {
        let words = line.trim();
        if self.is_in_input {
            self.is_in_input = !words.is_empty();
            if self.is_in_input {
                self.attach(line);
            }
            return;
        }
        if let Some(target) = words.strip_prefix("Running ").or(words.strip_prefix("Doc-tests ")) {
            self.target = target.split(" (").next().unwrap_or(target).to_owned();
        } else if let Some(name) = failed_test(words) {
            let (target, name) = (self.target.clone(), name.to_owned());
            self.failures.push(Failure { target, name, ..Failure::default() });
        } else if let Some(name) = output_of(words) {
            self.speaker = self.place_of(name);
        } else if let Some(counts) = words.strip_prefix("test result: ") {
            self.speaker = None;
            self.count(counts);
        } else if let Some(input) = words.strip_prefix("minimal failing input: ") {
            self.is_in_input = true;
            self.attach(input);
        } else if words.starts_with("STREAMTASK_CASE=") {
            self.cases.push(words.to_owned());
        } else if let Some(rerun) = rerun(words) {
            let fresh = self.failures.iter_mut().filter(|failure| failure.rerun.is_none());
            fresh.for_each(|failure| failure.rerun = Some(rerun.to_owned()));
        } else if words.starts_with("error: could not compile") || words.contains("(signal: ") {
            self.broken.push(words.to_owned());
        } else if let Some((passed, failed)) = closing_line(words) {
            self.passed += passed;
            self.failed += failed;
        }
    }

    /// The failure of that name in the binary that speaks now.
    fn place_of(&self, name: &str) -> Option<usize> {
        let is_it = |failure: &Failure| failure.target == self.target && failure.name == name;
        self.failures.iter().rposition(is_it)
    }

    /// One more line of the input of whoever's output it stands in.
    fn attach(&mut self, line: &str) {
        if let Some(failure) = self.speaker.and_then(|place| self.failures.get_mut(place)) {
            if !failure.input.is_empty() {
                failure.input.push('\n');
            }
            failure.input.push_str(line);
        }
    }

    /// `FAILED. 3 passed; 1 failed; 0 ignored; …`
    fn count(&mut self, counts: &str) {
        let number = |what: &str| {
            let before = counts.split(what).next().unwrap_or_default();
            before.split_whitespace().last().and_then(|word| word.parse().ok()).unwrap_or(0)
        };
        self.passed += number(" passed");
        self.failed += number(" failed");
        self.skipped += number(" ignored");
    }
}

/// `test a::b ... FAILED`
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// `---- a::b stdout ----`
fn output_of(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

/// ``error: test failed, to rerun pass `-p a --test b` ``, which comes right behind a binary that failed.
fn rerun(line: &str) -> Option<&str> {
    line.strip_prefix("error: test failed, to rerun pass `")?.strip_suffix('`')
}

/// `34 passed, 0 failed`
fn closing_line(line: &str) -> Option<(usize, usize)> {
    let (passed, failed) = line.split_once(" passed, ")?;
    let failed = failed.split_once(" failed")?.0;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}

/// What failed, how to see it again, and the sum in the last line.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "failed: {} ({})", failure.name, failure.target)?;
            if !failure.input.is_empty() {
                writeln!(f, "  with {}", failure.input.replace('\n', "\n  "))?;
            }
            match (self.again, &failure.rerun) {
                (Some(again), _) => writeln!(f, "  {again} {}", failure.name)?,
                (None, Some(rerun)) => writeln!(f, "  cargo test {rerun} -- {}", failure.name)?,
                (None, None) => {}
            }
        }
        self.cases.iter().try_for_each(|case| writeln!(f, "  {case}"))?;
        self.broken.iter().try_for_each(|broken| writeln!(f, "broken: {broken}"))?;
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        match self.skipped {
            0 => Ok(()),
            skipped => write!(f, ", {skipped} ignored"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> Tally {
        let mut tally = Tally::default();
        text.lines().for_each(|line| tally.hear(line));
        tally
    }

    #[test]
    fn what_passes_is_counted_over_all_binaries() {
        let tally = heard(
            "     Running unittests src/lib.rs (target/debug/deps/streamtask-1)\n\
             test result: ok. 26 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
                Doc-tests streamtask\n\
             test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
             34 passed, 0 failed",
        );
        assert!(tally.is_well());
        assert_eq!(tally.to_string(), "72 passed, 0 failed, 1 ignored");
    }

    #[test]
    fn a_failure_is_named_with_the_line_that_runs_just_it() {
        let tally = heard(
            "     Running tests/stream/main.rs (target/debug/deps/stream-1)\n\
             test ends::a ... ok\n\
             test ends::b ... FAILED\n\
             test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n\
             error: test failed, to rerun pass `-p streamtask --test stream`",
        );
        assert!(!tally.is_well());
        let said = "failed: ends::b (tests/stream/main.rs)\n  \
                    cargo test -p streamtask --test stream -- ends::b\n\
                    1 passed, 1 failed";
        assert_eq!(tally.to_string(), said);
    }

    #[test]
    fn several_binaries_each_get_their_own_line() {
        let tally = heard(
            "     Running unittests src/lib.rs (target/debug/deps/a-1)\n\
             test one ... FAILED\n\
             test result: FAILED. 0 passed; 1 failed; 0 ignored\n\
             error: test failed, to rerun pass `-p a --lib`\n     \
                  Running unittests src/lib.rs (target/debug/deps/b-1)\n\
             test two ... FAILED\n\
             test result: FAILED. 0 passed; 1 failed; 0 ignored\n\
             error: test failed, to rerun pass `-p b --lib`\n\
             error: 2 targets failed:\n    `-p a --lib`\n    `-p b --lib`",
        );
        let text = tally.to_string();
        assert!(text.contains("cargo test -p a --lib -- one"), "{text}");
        assert!(text.contains("cargo test -p b --lib -- two"), "{text}");
    }

    #[test]
    fn the_smallest_input_stands_with_its_test_and_the_models_own_line_below() {
        let tally = heard(
            "     Running tests/contract/main.rs (target/debug/deps/contract-1)\n\
             test rules::plain ... FAILED\n\
             test rules::r ... FAILED\n\n\
             failures:\n\n\
             ---- rules::plain stdout ----\n\
             thread panicked\n\n\
             ---- rules::r stdout ----\n\
             minimal failing input: acts = [\n    Cancel,\n], seed = 0\n\n\
             STREAMTASK_CASE='quiet : cancel' cargo test -p p --test model one_\n\
             test result: FAILED. 0 passed; 2 failed; 0 ignored\n\
             error: test failed, to rerun pass `-p p --test contract`",
        );
        let again = "cargo test -p p --test contract --";
        let said = format!(
            "failed: rules::plain (tests/contract/main.rs)\n  {again} rules::plain\n\
             failed: rules::r (tests/contract/main.rs)\n  \
             with acts = [\n      Cancel,\n  ], seed = 0\n  {again} rules::r\n  \
             STREAMTASK_CASE='quiet : cancel' cargo test -p p --test model one_\n\
             0 passed, 2 failed"
        );
        assert_eq!(tally.to_string(), said);
    }

    #[test]
    fn what_does_not_build_is_named() {
        let tally = heard("error: could not compile `streamtask` (lib) due to 1 previous error");
        assert!(!tally.is_well());
        assert!(tally.to_string().starts_with("broken: error: could not compile `streamtask`"));
    }

    #[test]
    fn a_binary_that_is_killed_is_named() {
        let died = "process didn't exit successfully: `target/debug/deps/a-1` (signal: 6, SIGABRT)";
        let tally = heard(&format!("     Running tests/a.rs (a-1)\n  {died}"));
        assert_eq!(tally.to_string(), format!("broken: {died}\n0 passed, 0 failed"));
    }

    #[test]
    fn a_commands_output_is_heard_from_both_of_its_ends() {
        let mut tally = Tally::default();
        let is_well = tally.run(Command::new("sh").args([
            "-c",
            "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'; echo '1 passed, 1 failed' >&2; exit 3",
        ]));
        if cfg!(unix) {
            assert!(!is_well.expect("it is run"));
            assert_eq!(tally.to_string(), "3 passed, 1 failed");
        }
    }
}
