//! The same where nothing is inherited that does not block. Consoles want whole characters and orders of
//! their own for colours, which tokio and anstream see to.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::MOST_AT_ONCE;

/// What is given to us.
pub(crate) struct Stdin {
    stdin: tokio::io::Stdin,
    buffer: BytesMut,
}

impl Stdin {
    pub(crate) fn new() -> Self {
        Stdin { stdin: tokio::io::stdin(), buffer: BytesMut::new() }
    }

    /// The next bytes; none at the end. A read that is dropped may take bytes along.
    pub(crate) async fn read(&mut self) -> io::Result<Bytes> {
        self.buffer.reserve(MOST_AT_ONCE);
        self.stdin.read_buf(&mut self.buffer).await?;
        Ok(self.buffer.split().freeze())
    }
}

pub(super) async fn write(data: Bytes) -> io::Result<()> {
    let mut stdout = tokio::io::stdout();
    stdout.write_all(&data).await?;
    stdout.flush().await
}

pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

pub(super) fn tell(text: &str) -> io::Result<()> {
    anstream::stderr().lock().write_all(text.as_bytes())
}
