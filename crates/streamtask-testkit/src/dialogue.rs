//! A dialogue of lines in the manner of SMTP that turns TLS on and off.
//!
//! Its place: the peer of tests about STARTTLS in place and about stopping TLS again. It knows
//! just enough commands for that and is not a mail server.

use std::io;

use crate::peers::leave;
use crate::{Conn, Server, TlsSettings};

/// Greets, then answers lines in clear text, in TLS, after TLS, and in TLS again.
///
/// - `EHLO` — `250-testkit`, `250 STARTTLS`
/// - `STARTTLS` — `220 go ahead` and the handshake
/// - `STOPTLS` — `220 stopping` inside TLS and a close_notify at once; clear text after theirs
/// - `NOOP` — `250 ok`
/// - `ECHO xyz` — `250 xyz`
/// - `QUIT` — `221 bye` and the end: close_notify if in TLS, FIN, and waiting for the client's
///
/// Commands at the wrong time get a `503`, unknown ones a `500`.
pub fn starttls(settings: TlsSettings) -> Server {
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move { leave(converse(&mut conn, &settings).await) }
    })
}

/// Whether the dialogue goes on after a command.
enum Next {
    Line,
    Quit,
}

async fn converse(conn: &mut Conn, settings: &TlsSettings) -> io::Result<()> {
    conn.write("220 testkit ready\r\n").await?;
    loop {
        let line = match conn.read_line().await {
            Ok(line) => line,
            // Hanging up between two lines is as good as QUIT.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        };
        match answer(conn, settings, &line).await? {
            Next::Line => {}
            Next::Quit => break,
        }
    }
    conn.half_close().await?;
    conn.wait_closed().await.map(drop)
}

async fn answer(conn: &mut Conn, settings: &TlsSettings, line: &str) -> io::Result<Next> {
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (command.to_ascii_uppercase().as_str(), conn.version()) {
        ("EHLO", _) => conn.write("250-testkit\r\n250 STARTTLS\r\n").await?,
        ("NOOP", _) => conn.write("250 ok\r\n").await?,
        ("ECHO", _) => conn.write(format!("250 {rest}\r\n")).await?,
        ("STARTTLS", None) => {
            conn.write("220 go ahead\r\n").await?;
            conn.start_tls(settings).await?;
        }
        ("STOPTLS", Some(_)) => {
            conn.write("220 stopping\r\n").await?;
            conn.stop_tls().await?;
        }
        ("STARTTLS" | "STOPTLS", _) => conn.write("503 not now\r\n").await?,
        ("QUIT", _) => {
            conn.write("221 bye\r\n").await?;
            return Ok(Next::Quit);
        }
        _ => conn.write("500 what\r\n").await?,
    }
    Ok(Next::Line)
}
