//! Captured streams for those who do not speak tokio's traits: std's, which block, and futures-io's.
//!
//! Types of their own, because the methods of all three have the same names: whoever imports two of the
//! traits could call none of them.

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Duplex, InputStream, OutputStream};
use crate::blocking::block_on;

/// A captured stream with [`std::io::Read`] and [`std::io::Write`], whose methods block.
///
/// Needs no runtime. It panics where [`Operation::wait`](crate::Operation::wait) does: on the thread that the
/// connection depends on.
///
/// ```no_run
/// use std::io::{Read, Write};
/// # fn example(task: streamtask::StreamTask) -> Result<(), Box<dyn std::error::Error>> {
/// let (input, output) = task.capture_streams().wait()?;
/// let (mut input, mut output) = (input.into_blocking(), output.into_blocking());
/// output.write_all(b"QUIT\r\n")?;
/// output.shutdown()?;
/// let mut rest = String::new();
/// input.read_to_string(&mut rest)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Blocking<S>(S);

/// A captured stream with the traits of futures-io.
#[derive(Debug)]
pub struct Compat<S>(S);

/// What both have, and how a captured stream becomes one.
macro_rules! adapters {
    ($($adapter:ident),*) => {
        $(impl<S> $adapter<S> {
            /// The stream within.
            pub fn get_ref(&self) -> &S {
                &self.0
            }

            /// The stream within, to be changed.
            pub fn get_mut(&mut self) -> &mut S {
                &mut self.0
            }

            /// The stream again, with tokio's traits.
            pub fn into_inner(self) -> S {
                self.0
            }
        })*
    };
}

adapters!(Blocking, Compat);

macro_rules! adapted {
    ($($stream:ty),*) => {
        $(impl $stream {
            /// With std's traits, whose methods block.
            pub fn into_blocking(self) -> Blocking<Self> {
                Blocking(self)
            }

            /// With the traits of futures-io.
            pub fn compat(self) -> Compat<Self> {
                Compat(self)
            }
        })*
    };
}

adapted!(InputStream, OutputStream, Duplex);

impl<S: AsyncWrite + Unpin> Blocking<S> {
    /// Ends the sending side, under TLS with close_notify, behind everything that was written.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn shutdown(&mut self) -> io::Result<()> {
        block_on(poll_fn(|cx| Pin::new(&mut self.0).poll_shutdown(cx)))
    }
}

impl<S: AsyncRead + Unpin> Read for Blocking<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        block_on(poll_fn(|cx| poll_read(&mut self.0, cx, buffer)))
    }
}

impl<S: AsyncWrite + Unpin> Write for Blocking<S> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        block_on(poll_fn(|cx| Pin::new(&mut self.0).poll_write(cx, data)))
    }

    fn flush(&mut self) -> io::Result<()> {
        block_on(poll_fn(|cx| Pin::new(&mut self.0).poll_flush(cx)))
    }
}

impl<S: AsyncRead + Unpin> futures_io::AsyncRead for Compat<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        poll_read(&mut self.0, cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> futures_io::AsyncWrite for Compat<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

fn poll_read(
    stream: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}
