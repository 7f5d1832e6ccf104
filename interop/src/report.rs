//! What the run came to, a line for each scenario.

use std::process::ExitCode;
use std::time::Duration;

use streamtask::TlsVersion;

use crate::trouble::{Attempt, explain};

/// Counts what passed and what failed, and tells each as it happens.
#[derive(Default)]
pub(crate) struct Report {
    passed: usize,
    failed: usize,
}

/// One scenario, as the report names it.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub(crate) server: &'static str,
    pub(crate) name: &'static str,
    /// Of TLS, if there is any.
    pub(crate) version: Option<TlsVersion>,
    pub(crate) by: &'static str,
}

impl Report {
    /// A scenario is over.
    pub(crate) fn played(&mut self, line: &Line, took: Duration, result: Attempt) {
        match result {
            Ok(()) => {
                self.passed += 1;
                line.print("ok", took);
            }
            Err(why) => {
                self.failed += 1;
                line.print("FAIL", took);
                println!("     {}", explain(&*why));
            }
        }
    }

    /// A server that could run did not.
    pub(crate) fn not_started(&mut self, server: &str, why: &str, log: &str) {
        self.failed += 1;
        println!("FAIL {server:<12} {why}");
        self.log(log);
    }

    /// The command is not there, so that none of its scenarios can be played.
    pub(crate) fn no_command(&mut self, why: &str) {
        self.failed += 1;
        println!("FAIL {:<12} {why}", "command");
    }

    /// A server that cannot run here, which is nobody's failure.
    pub(crate) fn absent(&self, server: &str, why: &str) {
        println!("none {server:<12} {why}");
    }

    /// What a server logged, which may say why something failed.
    pub(crate) fn log(&self, log: &str) {
        for line in log.lines() {
            println!("     | {line}");
        }
    }

    /// How many failed so far.
    pub(crate) fn failed(&self) -> usize {
        self.failed
    }

    /// The last line; others read it.
    pub(crate) fn close(self) -> ExitCode {
        println!("{} passed, {} failed", self.passed, self.failed);
        match self.failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}

impl Line {
    fn print(&self, mark: &str, took: Duration) {
        let Line { server, name, by, .. } = self;
        let version = match self.version {
            None => "in clear",
            Some(TlsVersion::Tls12) => "TLS 1.2 ",
            Some(_) => "TLS 1.3 ",
        };
        println!("{mark:<4} {server:<12} {name:<17} {version} {by}  {:>4} ms", took.as_millis());
    }
}
