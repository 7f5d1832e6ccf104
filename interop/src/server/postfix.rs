//! Postfix: SMTP with STARTTLS.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{BOTH, Door, Ending, Server};
use crate::process::Process;
use crate::scenario::script;
use crate::site::{Site, packaged};
use crate::trouble::{Attempt, Context};

/// Starts it with spool, settings and services of its own; an installed one is not touched.
pub(super) fn start(site: &Site) -> Attempt<Server> {
    let program = packaged("/usr/sbin/postfix")?;
    let (folder, port) = (site.folder("postfix")?, site.port()?);
    let (settings, spool, data) = (folder.join("etc"), folder.join("spool"), folder.join("data"));
    for folder in [&settings, &spool, &data] {
        fs::create_dir(folder)?;
    }
    // It refuses data that belongs to anybody else.
    let status = Command::new("chown").arg("postfix").arg(&data).status();
    if !status.doing(|| "running chown".into())?.success() {
        return Err("there is no user postfix".into());
    }
    fs::write(settings.join("main.cf"), main_settings(site, &folder, &spool, &data))?;
    fs::write(settings.join("master.cf"), services(port))?;
    let mut command = Command::new(program);
    command.arg("-c").arg(&settings).arg("start-fg");
    // The master leaves the group of whoever starts it.
    let process =
        Process::start(&mut command, &folder)?.with_pid_file(spool.join("pid/master.pid"));
    let doors = vec![Door { port, script: &script::SMTP, versions: BOTH, ending: Ending::Clean }];
    Ok(Server { name: "postfix", doors, gates: vec![], folder, process })
}

/// `encrypt`: without TLS there is no mail, so that it takes some proves that there was TLS. No
/// mail stays here, so that no list of users is looked up.
fn main_settings(site: &Site, folder: &Path, spool: &Path, data: &Path) -> String {
    format!(
        "compatibility_level = 3.6
queue_directory = {spool}
data_directory = {data}
myhostname = localhost
inet_interfaces = 127.0.0.1
mydestination =
local_recipient_maps =
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {chain}
smtpd_tls_key_file = {key}
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
",
        spool = spool.display(),
        data = data.display(),
        chain = site.pki.chain.display(),
        key = site.pki.key.display(),
        folder = folder.display(),
    )
}

/// Only what a session needs that stops short of a message, and nothing in a chroot: the spool is
/// new and has none of the files that one needs.
fn services(port: u16) -> String {
    format!(
        "# service type private unpriv chroot wakeup maxproc command
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"
    )
}
