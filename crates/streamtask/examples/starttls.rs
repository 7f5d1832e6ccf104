//! Asks a mail server what it can do, before and behind STARTTLS (RFC 3501, 6.2.1).
//!
//! `cargo run --example starttls -- imap.example.org 143`
//!
//! 43 lines; on tokio and tokio-rustls 70.

use std::time::Duration;

use streamtask::{Error, ErrorKind, Session, StreamTask};

const LIMIT: Duration = Duration::from_secs(30);

/// What the server says it can do under TLS.
pub async fn capabilities(task: &StreamTask) -> Result<Vec<String>, Error> {
    line(task).await?; // the greeting, however many segments it came in
    ask(task, "a1", "STARTTLS").await?;
    let tls = task.start_secure_connection().await?;
    eprintln!("{} with {}", tls.version(), tls.cipher_suite_name());
    ask(task, "a2", "CAPABILITY").await
}

/// Says a command and reads to its answer; what comes before that is returned.
async fn ask(task: &StreamTask, tag: &str, command: &str) -> Result<Vec<String>, Error> {
    task.write(format!("{tag} {command}\r\n"), LIMIT).await?;
    let mut untagged = Vec::new();
    loop {
        let line = line(task).await?;
        match line.strip_prefix(tag).map(str::trim_start) {
            Some(answer) if answer.starts_with("OK") => return Ok(untagged),
            Some(answer) => {
                let why = format!("{command} was refused: {answer}");
                return Err(Error::new(ErrorKind::SecureConnectionFailed).with_detail(why));
            }
            None => untagged.push(line),
        }
    }
}

/// A whole line, or an error: the stream that ends within one has no line.
async fn line(task: &StreamTask) -> Result<String, Error> {
    let read = task.read_until("\r\n", 8192, LIMIT).await?;
    Ok(String::from_utf8_lossy(&read.data).trim_end().to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().unwrap_or_else(|| "localhost".into());
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(143);
    let session = Session::shared();
    let task = session.connect(&host, port)?;
    capabilities(&task).await?.iter().for_each(|line| println!("{line}"));
    task.write("a3 LOGOUT\r\n", LIMIT).detach();
    task.close();
    drop(task);
    session.finished().await;
    Ok(())
}
