//! Peers ready to use, each a [`Server`] with a short script.
//!
//! Their place: tests that need a peer of one habit. Clients may leave them any way they like,
//! a reset included, and [`Server::finish`] is still content. The line dialogue is in
//! [`dialogue`](crate::dialogue).

use std::io;
use std::sync::Arc;

use crate::conn::is_gone;
use crate::{Conn, Received, Server, TlsSettings};

/// Sends back what comes, in pieces as they come, until the client's FIN.
pub fn echo() -> Server {
    Server::start(|mut conn| async move { leave(echo_until_end(&mut conn).await) })
}

/// Takes TLS from the first byte, then does as [`echo`]; ends with a close_notify and FIN.
pub fn echo_tls(settings: TlsSettings) -> Server {
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            conn.start_tls(&settings).await?;
            leave(echo_until_end(&mut conn).await)
        }
    })
}

/// Sends the greeting, then does as [`echo`].
pub fn greet_first(greeting: &'static str) -> Server {
    Server::start(move |mut conn| async move {
        let greeted = conn.write(greeting).await;
        leave(match greeted {
            Ok(()) => echo_until_end(&mut conn).await,
            Err(error) => Err(error),
        })
    })
}

/// Takes everything and answers nothing; closes when the client has ended.
pub fn sink() -> (Server, Received) {
    let received = Received::default();
    let shelf = received.clone();
    let server = Server::start(move |mut conn| {
        let shelf = shelf.clone();
        async move {
            shelf.add(conn.wait_closed().await?);
            Ok(())
        }
    });
    (server, received)
}

/// Sends these bytes, then FIN; takes and drops what the client sends until it ends too.
pub fn source(bytes: Vec<u8>) -> Server {
    let bytes = Arc::new(bytes);
    Server::start(move |mut conn| {
        let bytes = bytes.clone();
        async move { leave(send_and_end(&mut conn, &bytes).await) }
    })
}

/// Reads to the client's FIN, sends everything back in one go, then closes.
pub fn half_closer() -> Server {
    Server::start(|mut conn| async move {
        leave(match conn.read_to_end().await {
            Ok(bytes) => conn.write(bytes).await,
            Err(error) => Err(error),
        })
    })
}

/// Closes each connection at once.
pub fn closer() -> Server {
    Server::start(|conn| async move {
        drop(conn);
        Ok(())
    })
}

/// Accepts, neither reads nor writes, and keeps the connection until the test ends or finishes.
pub fn silent() -> Server {
    Server::start(|mut conn| async move {
        conn.wait_finish().await;
        Ok(())
    })
}

/// Resets each connection after its first byte (or its end).
pub fn resetter() -> Server {
    Server::start(|mut conn| async move {
        let first = conn.read().await;
        conn.reset();
        leave(first.map(drop))
    })
}

/// A client that has gone is an end like any other.
pub(crate) fn leave(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if is_gone(&error) => Ok(()),
        other => other,
    }
}

async fn echo_until_end(conn: &mut Conn) -> io::Result<()> {
    loop {
        let bytes = conn.read().await?;
        if bytes.is_empty() {
            return conn.half_close().await;
        }
        conn.write(bytes).await?;
    }
}

async fn send_and_end(conn: &mut Conn, bytes: &[u8]) -> io::Result<()> {
    conn.write(bytes).await?;
    conn.half_close().await?;
    // Closing now would answer a late byte of the client with a RST.
    conn.wait_closed().await.map(drop)
}
