//! A small server on Python's `ssl`: TLS starts and stops in place, and clear text is glued to its
//! end.

use std::fs;
use std::process::Command;

use streamtask::TlsVersion;

use super::{Door, Ending, Server};
use crate::process::Process;
use crate::scenario::script;
use crate::site::Site;
use crate::trouble::Attempt;

const PROGRAM: &str = include_str!("python_peer.py");

/// Starts one that can `version` and no other.
pub(super) fn start(site: &Site, version: TlsVersion) -> Attempt<Server> {
    let (number, versions, folder) = match version {
        TlsVersion::Tls12 => ("1.2", &[TlsVersion::Tls12], "python-1.2"),
        _ => ("1.3", &[TlsVersion::Tls13], "python-1.3"),
    };
    let (folder, port) = (site.folder(folder)?, site.port()?);
    let program = folder.join("peer.py");
    fs::write(&program, PROGRAM)?;
    let mut command = Command::new("python3");
    command.arg(&program).arg(port.to_string()).arg(number).arg(&site.pki.chain).arg(&site.pki.key);
    let process = Process::start(&mut command, &folder)?;
    let doors = vec![Door { port, script: &script::GLUED, versions, ending: Ending::Clean }];
    Ok(Server { name: "python", doors, gates: vec![], folder, process })
}
