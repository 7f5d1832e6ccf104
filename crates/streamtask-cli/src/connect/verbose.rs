//! What `--verbose` tells on stderr.

use anstyle::{AnsiColor, Style};

use crate::stdio;
use crate::text::printable;

/// Tells, or keeps quiet.
#[derive(Clone, Copy)]
pub(super) enum Verbose {
    Telling,
    Quiet,
}

impl Verbose {
    pub(super) fn new(tells: bool) -> Self {
        match tells {
            true => Verbose::Telling,
            false => Verbose::Quiet,
        }
    }

    /// Something happened.
    pub(super) fn event(self, what: &str) {
        self.line('●', what);
    }

    /// We said something in clear text.
    pub(super) fn sent(self, words: &[u8]) {
        self.line('→', &printable(words));
    }

    /// The server said something in clear text.
    pub(super) fn heard(self, words: &[u8]) {
        self.line('←', &printable(words));
    }

    fn line(self, mark: char, text: &str) {
        if let Verbose::Telling = self {
            stdio::tell(&format!("{CYAN}{mark}{CYAN:#} {text}\n"));
        }
    }
}

const CYAN: Style = AnsiColor::Cyan.on_default();
