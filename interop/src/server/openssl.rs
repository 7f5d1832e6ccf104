//! OpenSSL's own server: TLS from the first byte, every line comes back reversed.

use std::process::Command;

use streamtask::TlsVersion;

use super::{Door, Ending, Server};
use crate::process::Process;
use crate::scenario::script;
use crate::site::Site;
use crate::trouble::Attempt;

/// Starts one that can `version` and no other.
pub(super) fn start(site: &Site, version: TlsVersion) -> Attempt<Server> {
    let (option, versions, folder) = match version {
        TlsVersion::Tls12 => ("-tls1_2", &[TlsVersion::Tls12], "openssl-1.2"),
        _ => ("-tls1_3", &[TlsVersion::Tls13], "openssl-1.3"),
    };
    let (folder, port) = (site.folder(folder)?, site.port()?);
    let mut command = Command::new("openssl");
    command
        .args(["s_server", "-rev", option, "-accept"])
        .arg(format!("127.0.0.1:{port}"))
        .arg("-cert")
        .arg(&site.pki.chain)
        .arg("-key")
        .arg(&site.pki.key);
    let process = Process::start(&mut command, &folder)?;
    let doors = vec![Door { port, script: &script::BARE, versions, ending: Ending::Clean }];
    Ok(Server { name: "openssl", doors, gates: vec![], folder, process })
}
