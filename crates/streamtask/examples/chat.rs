//! Chats by lines with callbacks alone: no runtime, no thread of one's own.
//!
//! `cargo run --example chat -- localhost 6667`, and type.
//!
//! 32 lines; on tokio and tokio-rustls 73.

use std::io::BufRead;

use streamtask::{Error, ErrorKind, EventKind, Session, StreamTask};

/// Passes every line on, until there are no more.
pub fn hear(task: &StreamTask, mut heard: impl FnMut(&str) + Send + 'static) {
    let again = task.clone();
    task.read_until("\n", 8192, None).on_complete(move |read| match read {
        Ok(line) => {
            heard(String::from_utf8_lossy(&line.data).trim_end());
            hear(&again, heard);
        }
        // The peer has ended: so do we.
        Err(error) if error.kind() == ErrorKind::UnexpectedEnd => again.close(),
        Err(error) => eprintln!("{error}"),
    });
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().unwrap_or_else(|| "localhost".into());
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(6667);
    let session = Session::shared();
    let task = session.connect(&host, port)?;
    task.events().on_event(|event| match event.kind {
        EventKind::Connected => eprintln!("* connected"),
        EventKind::Finished(Err(error)) => eprintln!("* {error}"),
        _ => {}
    });
    hear(&task, |line| println!("{line}"));
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        task.write(format!("{line}\n"), None).detach();
    }
    task.close_write();
    session.finished().wait();
    Ok(())
}
