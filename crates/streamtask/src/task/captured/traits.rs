//! Captured streams as everybody wants them: tokio's traits, those of futures-io, and std's, which block.
//!
//! Each does nothing but lend its buffer to the connection.

use std::future::poll_fn;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;
use super::{Duplex, InputStream, OutputStream};
use crate::blocking::block_on;

impl AsyncRead for InputStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.0.poll_read(cx, &mut |readable| {
            let count = readable.len().min(buffer.remaining());
            buffer.put_slice(&readable[..count]);
            count
        })
    }
}

impl AsyncWrite for OutputStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_output(cx, |connection| connection.poll_write(data))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_output(cx, Connection::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_output(cx, Connection::poll_end)
    }
}

impl futures_io::AsyncRead for InputStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut count = 0;
        let done = self.0.poll_read(cx, &mut |mut readable| {
            count = readable.len().min(buffer.len());
            readable.copy_to_slice(&mut buffer[..count]);
            count
        });
        done.map_ok(|()| count)
    }
}

impl futures_io::AsyncWrite for OutputStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_output(cx, |connection| connection.poll_write(data))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_output(cx, Connection::poll_flush)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_output(cx, Connection::poll_end)
    }
}

/// Blocks; panics where [`Operation::wait`](crate::Operation::wait) does.
impl Read for InputStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        block_on(poll_fn(|cx| futures_io::AsyncRead::poll_read(Pin::new(self), cx, buffer)))
    }
}

/// Blocks; panics where [`Operation::wait`](crate::Operation::wait) does.
impl Write for OutputStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        block_on(poll_fn(|cx| self.0.poll_output(cx, |connection| connection.poll_write(data))))
    }

    fn flush(&mut self) -> io::Result<()> {
        block_on(poll_fn(|cx| self.0.poll_output(cx, Connection::poll_flush)))
    }
}

impl AsyncRead for Duplex {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        AsyncRead::poll_read(Pin::new(&mut self.input), cx, buffer)
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.output.0.poll_output(cx, |connection| connection.poll_write(data))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = pieces.iter().find(|piece| !piece.is_empty());
        self.output
            .0
            .poll_output(cx, |connection| connection.poll_write(first.map_or(&[], |piece| piece)))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.output.0.poll_output(cx, Connection::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.output.0.poll_output(cx, Connection::poll_end)
    }
}

impl futures_io::AsyncRead for Duplex {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        futures_io::AsyncRead::poll_read(Pin::new(&mut self.input), cx, buffer)
    }
}

impl futures_io::AsyncWrite for Duplex {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.output.0.poll_output(cx, |connection| connection.poll_write(data))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.output.0.poll_output(cx, Connection::poll_flush)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.output.0.poll_output(cx, Connection::poll_end)
    }
}

/// Blocks; panics where [`Operation::wait`](crate::Operation::wait) does.
impl Read for Duplex {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut self.input, buffer)
    }
}

/// Blocks; panics where [`Operation::wait`](crate::Operation::wait) does.
impl Write for Duplex {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.output.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
