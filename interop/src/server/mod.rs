//! The servers: one file each, one table of them all.

mod dovecot;
mod http_proxies;
mod openssl;
mod postfix;
mod proftpd;
mod pureftpd;
mod python;
mod socks_proxies;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use streamtask::TlsVersion;
use tokio::net::TcpStream;

use crate::process::Process;
use crate::scenario::Script;
use crate::site::Site;
use crate::trouble::Attempt;

/// How long a server may take until it answers; Postfix checks its whole installation first.
const START: Duration = Duration::from_secs(30);
/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(50);
/// How much of a log a failure shows.
const TAIL: usize = 20;

const BOTH: &[TlsVersion] = &[TlsVersion::Tls12, TlsVersion::Tls13];

/// How one server is brought up.
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    /// Why it starts only as root, if so.
    pub(crate) root: Option<&'static str>,
    pub(crate) start: fn(&Site) -> Attempt<Server>,
}

/// All of them. Two have to be told the version of TLS and are there once for each.
pub(crate) const RECIPES: &[Recipe] = &[
    Recipe { name: "postfix", root: Some("its master is root"), start: postfix::start },
    Recipe { name: "dovecot", root: Some("its processes have other users"), start: dovecot::start },
    Recipe { name: "proftpd", root: Some("its sessions have other users"), start: proftpd::start },
    Recipe { name: "pureftpd", root: Some("its sessions change root"), start: pureftpd::start },
    Recipe { name: "openssl", root: None, start: |site| openssl::start(site, TlsVersion::Tls12) },
    Recipe { name: "openssl", root: None, start: |site| openssl::start(site, TlsVersion::Tls13) },
    Recipe { name: "python", root: None, start: |site| python::start(site, TlsVersion::Tls12) },
    Recipe { name: "python", root: None, start: |site| python::start(site, TlsVersion::Tls13) },
    Recipe { name: "squid", root: Some("its work is another user's"), start: http_proxies::squid },
    Recipe { name: "tinyproxy", root: None, start: http_proxies::tinyproxy },
    Recipe { name: "ncat", root: None, start: http_proxies::ncat },
    Recipe { name: "microsocks", root: None, start: socks_proxies::microsocks },
    Recipe { name: "dante", root: Some("it changes users"), start: socks_proxies::dante },
    Recipe { name: "ssh", root: Some("its sessions have other users"), start: socks_proxies::ssh },
];

/// A server that was started. Dropping it stops it.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) doors: Vec<Door>,
    pub(crate) gates: Vec<Gate>,
    folder: PathBuf,
    process: Process,
}

/// Where a server listens, and what it speaks there.
pub(crate) struct Door {
    pub(crate) port: u16,
    pub(crate) script: &'static Script,
    /// What it can, one scenario each.
    pub(crate) versions: &'static [TlsVersion],
    /// How it ends a conversation under TLS.
    pub(crate) ending: Ending,
}

/// Where a proxy listens.
pub(crate) struct Gate {
    pub(crate) port: u16,
    /// How it can be talked to, one scenario each.
    pub(crate) schemes: &'static [&'static str],
    /// Whom it lets through, if not everybody.
    pub(crate) login: Option<(&'static str, &'static str)>,
}

/// How a server ends a conversation under TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With close_notify.
    Clean,
    /// Without, as an attacker would who cuts the connection; never to be taken for an end.
    Cut,
}

impl Server {
    /// A proxy.
    fn proxy(name: &'static str, gate: Gate, folder: PathBuf, process: Process) -> Self {
        Server { name, doors: vec![], gates: vec![gate], folder, process }
    }

    /// Waits until it listens on all of its ports.
    ///
    /// The polling is bounded; daemons have no common way to say that they are ready.
    pub(crate) async fn is_ready(&mut self) -> Attempt {
        let deadline = Instant::now() + START;
        while !self.listens().await {
            if let Some(status) = self.process.ending() {
                return Err(format!("ended at once: {status}").into());
            }
            if Instant::now() > deadline {
                return Err(format!("does not listen after {} s", START.as_secs()).into());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn listens(&self) -> bool {
        let doors = self.doors.iter().map(|door| door.port);
        for port in doors.chain(self.gates.iter().map(|gate| gate.port)) {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Asks it to stop and does not wait; dropping it does.
    pub(crate) fn terminate(&self) {
        self.process.terminate();
    }

    /// The last lines of everything it logged.
    pub(crate) fn log(&self) -> String {
        let Ok(folder) = fs::read_dir(&self.folder) else { return String::new() };
        let is_log = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log");
        let mut logs: Vec<PathBuf> = folder.flatten().map(|file| file.path()).collect();
        logs.retain(is_log);
        logs.sort();
        logs.iter().map(|path| tail(path)).collect()
    }
}

fn tail(path: &Path) -> String {
    let log = fs::read(path).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().collect();
    let last = &lines[lines.len().saturating_sub(TAIL)..];
    let name = path.file_name().unwrap_or_default().display();
    last.iter().map(|line| format!("{name}: {line}\n")).collect()
}
