//! ProFTPD: FTP with AUTH TLS and CCC.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::{BOTH, Door, Ending, Server};
use crate::process::Process;
use crate::scenario::script;
use crate::site::{Site, packaged};
use crate::trouble::Attempt;

/// Starts it with modules and users of its own.
pub(super) fn start(site: &Site) -> Attempt<Server> {
    let (program, tls) = (packaged("/usr/sbin/proftpd")?, packaged("/usr/lib/proftpd/mod_tls.so")?);
    let (folder, port) = (site.folder("proftpd")?, site.port()?);
    write_users(&folder)?;
    let settings = folder.join("proftpd.conf");
    fs::write(&settings, place(site, &folder, tls, port) + SETTINGS)?;
    let mut command = Command::new(program);
    let process = Process::start(command.arg("--nodaemon").arg("-c").arg(&settings), &folder)?;
    let doors = vec![Door { port, script: &script::FTP, versions: BOTH, ending: Ending::Clean }];
    Ok(Server { name: "proftpd", doors, gates: vec![], folder, process })
}

/// The settings that differ from run to run.
fn place(site: &Site, folder: &Path, tls: &Path, port: u16) -> String {
    format!(
        "ModulePath {modules}
LoadModule mod_tls.c
Port {port}
PidFile {folder}/pid
ScoreboardFile {folder}/scoreboard
SystemLog {folder}/proftpd.log
TLSLog {folder}/tls.log
AuthUserFile {folder}/users
TLSECCertificateFile {chain}
TLSECCertificateKeyFile {key}
",
        modules = tls.parent().unwrap_or(tls).display(),
        folder = folder.display(),
        chain = site.pki.chain.display(),
        key = site.pki.key.display(),
    )
}

/// It takes a file of users only if nobody else can read it.
fn write_users(folder: &Path) -> Attempt {
    let users = folder.join("users");
    let (name, hash) = (script::USER, script::PASSWORD_HASH);
    fs::write(&users, format!("{name}:{hash}:65534:65534::{}:/bin/sh\n", folder.display()))?;
    Ok(fs::set_permissions(&users, fs::Permissions::from_mode(0o600))?)
}

/// Without `SocketBindTight` it listens on every address. `TLSRequired auth` refuses names and
/// passwords in clear text and allows CCC after them.
const SETTINGS: &str = "
ServerType standalone
DefaultAddress 127.0.0.1
SocketBindTight on
UseIPv6 off
UseReverseDNS off
User nobody
Group nogroup
AuthOrder mod_auth_file.c
RequireValidShell off
DelayEngine off
WtmpLog off
TLSEngine on
TLSProtocol TLSv1.2 TLSv1.3
TLSRequired auth
";
