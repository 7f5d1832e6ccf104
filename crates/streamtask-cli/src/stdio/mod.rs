//! Stdin, stdout and stderr, however they were inherited.
//!
//! What blocks blocks a thread of its own; what does not is waited for, and its flags are left alone,
//! because others may share them. Text with colours passes here too: they go only where they are welcome.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

use std::io;

use bytes::Bytes;

use crate::report::Failure;

#[cfg(not(unix))]
use other as system;
#[cfg(unix)]
use unix as system;

pub(crate) use system::Stdin;

/// Whether anybody reads our stdout.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    There,
    /// It has seen enough (`| head`), which is no failure.
    Gone,
}

/// Writes all of `data` to stdout.
pub(crate) async fn write(data: Bytes) -> Result<Reader, Failure> {
    reader(system::write(data).await)
}

/// Prints text to stdout, and waits while it is taken.
pub(crate) fn print(text: &str) -> Result<Reader, Failure> {
    reader(system::print(text))
}

/// Says something on stderr, and waits while it is taken. With stderr gone there is nobody left to tell.
pub(crate) fn tell(text: &str) {
    let _ = system::tell(text);
}

/// Where stdout is a socket, a reader that leaves may reset it.
fn reader(written: io::Result<()>) -> Result<Reader, Failure> {
    use io::ErrorKind::{BrokenPipe, ConnectionReset};
    match written {
        Ok(()) => Ok(Reader::There),
        Err(error) if matches!(error.kind(), BrokenPipe | ConnectionReset) => Ok(Reader::Gone),
        Err(error) => Err(Failure::local("writing to stdout", &error)),
    }
}

/// As much as is read from stdin at once: a few TLS records.
const MOST_AT_ONCE: usize = 64 << 10;
