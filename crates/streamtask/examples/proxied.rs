//! Reads a server's greeting through a chain of proxies, and tells how it got there.
//!
//! `cargo run --example proxied -- mail.example.org 25 socks5h://127.0.0.1:9050`; without proxies it takes those of
//! the environment.

use std::time::Duration;

use streamtask::{Configuration, Error, Proxy, Session, StreamTask};

/// A session that gets to nobody but through these, the nearest first.
pub fn session(proxies: Vec<Proxy>) -> Result<Session, Error> {
    let configuration = Configuration::default().timeout_for_request(Duration::from_secs(20));
    Session::new(match proxies.is_empty() {
        true => configuration.proxies_from_environment()?,
        false => configuration.proxy_chain(proxies),
    })
}

/// The first line that the server says. What it said along with the proxy's answer is not lost.
pub fn greeting(task: &StreamTask) -> Result<String, Error> {
    let line = task.read_until("\n", 1024, Duration::from_secs(30)).wait()?;
    Ok(String::from_utf8_lossy(&line.data).trim_end().to_owned())
}

/// Every address that was tried, and what came of it.
pub fn way(task: &StreamTask) -> Vec<String> {
    task.attempts().iter().map(|attempt| attempt.to_string()).collect()
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().unwrap_or_else(|| "localhost".into());
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(25);
    let proxies = arguments.map(|proxy| proxy.parse()).collect::<Result<Vec<_>, _>>()?;
    let task = session(proxies)?.connect(&host, port)?;
    let greeting = greeting(&task);
    way(&task).iter().for_each(|attempt| println!("tried {attempt}"));
    println!("{}", greeting?);
    Ok(())
}
