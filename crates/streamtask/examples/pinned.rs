//! Counts the mails in a box over POP3 (RFC 1939), from a server that is known by its certificate's SHA-256
//! and by nothing else. Blocking, and pipelined (RFC 2449, 6.6): all is asked at once.
//!
//! `cargo run --example pinned -- 192.0.2.7 995 BA:78:16:… user password`
//!
//! 38 lines; on tokio and tokio-rustls 120.

use std::time::Duration;

use streamtask::{Configuration, Error, ErrorKind, Pin, Session, StreamTask};

const LIMIT: Duration = Duration::from_secs(30);

/// A session that trusts this one server.
pub fn session(sha256: &str) -> Result<Session, Error> {
    Session::new(Configuration::default().pin(Pin::Certificate(sha256.parse()?)))
}

/// How many mails there are, and how many bytes they have.
pub fn count(task: &StreamTask, user: &str, password: &str) -> Result<(u64, u64), Error> {
    // TLS from the first byte; nothing below waits for it, and nothing leaves before it.
    task.start_secure_connection().detach();
    // Every answer has a read that waits for it, each with its own deadline.
    let [greeting, user_is_fine, logged_in, counted] =
        [(); 4].map(|()| task.read_until("\r\n", 512, LIMIT));
    task.write(format!("USER {user}\r\nPASS {password}\r\nSTAT\r\nQUIT\r\n"), LIMIT).wait()?;
    for answer in [greeting, user_is_fine, logged_in] {
        fine(&answer.wait()?.data)?;
    }
    let counted = counted.wait()?;
    let mut numbers = fine(&counted.data)?.split(' ').filter_map(|number| number.parse().ok());
    Ok((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}

/// What stands behind `+OK`.
fn fine(answer: &[u8]) -> Result<&str, Error> {
    let answer = std::str::from_utf8(answer).unwrap_or_default().trim_end();
    let said = || Error::new(ErrorKind::Unknown).with_detail(format!("the server said {answer:?}"));
    answer.strip_prefix("+OK").map(str::trim_start).ok_or_else(said)
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, sha256, user, password] = arguments.as_slice() else {
        eprintln!("usage: pinned HOST PORT SHA256 USER PASSWORD");
        std::process::exit(2);
    };
    let session = session(sha256)?;
    let task = session.connect(host, port.parse().unwrap_or(995))?;
    let (mails, bytes) = count(&task, user, password)?;
    println!("{mails} mails, {bytes} bytes");
    task.close();
    drop(task);
    session.finished().wait();
    Ok(())
}
