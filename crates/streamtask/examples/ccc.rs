//! Clears an FTP control connection (RFC 4217, 12.3): TLS for the password, clear text behind it, on the same
//! socket, as those want it whose firewalls read along.
//!
//! `cargo run --example ccc -- ftp.example.org user password`

use std::time::Duration;

use streamtask::{Error, ErrorKind, Session, StreamTask};

const LIMIT: Duration = Duration::from_secs(30);

/// Logs in under TLS, clears the connection, and asks where it stands.
pub async fn working_directory(
    task: &StreamTask,
    user: &str,
    password: &str,
) -> Result<String, Error> {
    reply(task, "220").await?;
    say(task, "AUTH TLS", "234").await?;
    task.start_secure_connection().await?;
    say(task, &format!("USER {user}"), "331").await?;
    say(task, &format!("PASS {password}"), "230").await?;
    say(task, "CCC", "200").await?;
    // What the server says behind its close_notify is the first clear text; not a byte of it is lost.
    task.stop_secure_connection().await?;
    say(task, "PWD", "257").await
}

async fn say(task: &StreamTask, command: &str, expected: &str) -> Result<String, Error> {
    task.write(format!("{command}\r\n"), LIMIT).await?;
    reply(task, expected).await
}

/// The last line of a reply, if it begins with `expected` (RFC 959, 4.2: `220-` goes on, `220 ` ends).
async fn reply(task: &StreamTask, expected: &str) -> Result<String, Error> {
    loop {
        let read = task.read_until("\r\n", 8192, LIMIT).await?;
        let line = String::from_utf8_lossy(&read.data).trim_end().to_owned();
        let is_last = line.as_bytes().get(3) == Some(&b' ');
        match is_last && line.starts_with(expected) {
            true => return Ok(line),
            false if is_last => {
                let why = format!("the server said {line:?}, not {expected}");
                return Err(Error::new(ErrorKind::Unknown).with_detail(why));
            }
            false => {}
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, user, password] = arguments.as_slice() else {
        eprintln!("usage: ccc HOST USER PASSWORD");
        std::process::exit(2);
    };
    let task = Session::shared().connect(host, 21)?;
    println!("{}", working_directory(&task, user, password).await?);
    Ok(())
}
