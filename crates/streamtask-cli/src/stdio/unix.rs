//! The three descriptors where they are Unix', by the plain system calls.
//!
//! The standard library's own would buffer, and count wrongly what a descriptor that does not block has
//! taken.

use std::borrow::Cow;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::task::{JoinHandle, spawn_blocking};

use super::MOST_AT_ONCE;

/// What is given to us.
pub(crate) struct Stdin(());

impl Stdin {
    pub(crate) fn new() -> Self {
        Stdin(())
    }

    /// The next bytes; none at the end. A read that is dropped may take bytes along.
    pub(crate) async fn read(&mut self) -> io::Result<Bytes> {
        joined(spawn_blocking(|| {
            let (stdin, mut piece) = (io::stdin(), Vec::with_capacity(MOST_AT_ONCE));
            patiently(&stdin, PollFlags::IN, || {
                rustix::io::read(&stdin, spare_capacity(&mut piece))
            })?;
            Ok(piece.into())
        }))
        .await
    }
}

pub(super) async fn write(data: Bytes) -> io::Result<()> {
    joined(spawn_blocking(move || write_all(&io::stdout().lock(), &data))).await
}

pub(super) fn print(text: &str) -> io::Result<()> {
    let stdout = io::stdout().lock();
    write_all(&stdout, styled(text, AutoStream::choice(&stdout)).as_bytes())
}

pub(super) fn tell(text: &str) -> io::Result<()> {
    let stderr = io::stderr().lock();
    write_all(&stderr, styled(text, AutoStream::choice(&stderr)).as_bytes())
}

fn styled(text: &str, choice: ColorChoice) -> Cow<'_, str> {
    match choice {
        ColorChoice::Never => strip_str(text).to_string().into(),
        ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => text.into(),
    }
}

fn write_all(to: &impl AsFd, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        match patiently(to, PollFlags::OUT, || rustix::io::write(to, data))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => data = &data[written..],
        }
    }
    Ok(())
}

/// Acts as soon as the descriptor lets it.
fn patiently<T>(
    descriptor: &impl AsFd,
    event: PollFlags,
    mut act: impl FnMut() -> rustix::io::Result<T>,
) -> io::Result<T> {
    loop {
        match act() {
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => wait(descriptor, event)?,
            outcome => return Ok(outcome?),
        }
    }
}

/// Whatever ends the wait, the next try will tell.
fn wait(descriptor: &impl AsFd, event: PollFlags) -> io::Result<()> {
    let mut watched = [PollFd::new(descriptor, event)];
    match poll(&mut watched, None) {
        Ok(_) if watched[0].revents().contains(PollFlags::NVAL) => std::thread::sleep(MOMENT),
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

async fn joined<T>(thread: JoinHandle<io::Result<T>>) -> io::Result<T> {
    thread.await.map_err(io::Error::other)?
}

/// How long to wait for what cannot be waited for: macOS' poll knows no terminals (poll(2), BUGS).
const MOMENT: Duration = Duration::from_millis(10);
