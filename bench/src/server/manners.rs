//! What a client says first, and how the server behaves from then on.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::work::Traffic;

/// A client's first byte: one byte back, and then its end is awaited.
pub(crate) const KNOCK: u8 = b'k';
/// Everything back.
const ECHO: u8 = b'e';
/// A length follows (big-endian); so many bytes, and the end.
const DOWN: u8 = b'd';
/// Everything is read until the end, then answered with one byte.
const UP: u8 = b'u';

/// How much the server reads and writes at once: enough to keep it from being the slower end.
const CHUNK: usize = 256 << 10;

/// What a client says to have this traffic.
pub(crate) fn greeting(traffic: Traffic) -> Vec<u8> {
    match traffic {
        Traffic::RoundTrips(_) | Traffic::Bursts(_) => vec![ECHO],
        Traffic::Down(length) => [&[DOWN][..], &length.to_be_bytes()].concat(),
        Traffic::Up(_) => vec![UP],
    }
}

/// Sees to it that all came.
///
/// # Errors
/// When it did not.
pub(crate) fn expect(length: u64, came: u64) -> Result<(), String> {
    match came == length {
        true => Ok(()),
        false => Err(format!("{came} bytes came instead of {length}")),
    }
}

/// Does what the client asks for.
///
/// # Errors
/// When the connection fails, or when the client asks for something else.
pub(super) async fn serve(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    match stream.read_u8().await? {
        KNOCK => knock(stream).await,
        ECHO => echo(stream).await,
        DOWN => down(stream).await,
        UP => up(stream).await,
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

async fn knock(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    stream.write_all(&[0]).await?;
    stream.flush().await?;
    // Whoever closes first keeps the port busy for a while: the client does, as clients do.
    stream.read(&mut [0]).await.map(drop)
}

async fn echo(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match stream.read(&mut chunk).await? {
            0 => return Ok(()),
            count => stream.write_all(&chunk[..count]).await?,
        }
        stream.flush().await?;
    }
}

async fn down(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    let mut left = stream.read_u64().await?;
    let chunk = vec![0; CHUNK];
    while left > 0 {
        let count = left.min(CHUNK as u64);
        stream.write_all(&chunk[..count as usize]).await?;
        left -= count;
    }
    stream.shutdown().await
}

async fn up(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    while stream.read(&mut chunk).await? > 0 {}
    stream.write_all(&[0]).await?;
    stream.flush().await
}
