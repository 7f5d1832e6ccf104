//! Pure-FTPd: FTP with AUTH TLS and CCC.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{BOTH, Door, Ending, Server};
use crate::process::Process;
use crate::scenario::script;
use crate::site::{Site, packaged};
use crate::trouble::{Attempt, Context};

/// Starts it with users of its own.
pub(super) fn start(site: &Site) -> Attempt<Server> {
    let program = packaged("/usr/sbin/pure-ftpd")?;
    let (folder, port) = (site.folder("pureftpd")?, site.port()?);
    let users = make_users(packaged("/usr/bin/pure-pw")?, &folder)?;
    let mut command = Command::new(program);
    command
        .arg(format!("--bind=127.0.0.1,{port}"))
        .arg(format!("--login=puredb:{}", users.display()))
        .arg(format!("--certfile={}", site.pki.key_and_chain.display()))
        .arg(format!("--pidfile={}", folder.join("pid").display()))
        // 2: nobody logs in without TLS.
        .arg("--tls=2")
        // The least number of a user that may log in; nobody's is far above.
        .arg("--minuid=1");
    let process = Process::start(&mut command, &folder)?;
    // It sends close_notify at CCC but not at QUIT.
    let doors = vec![Door { port, script: &script::FTP, versions: BOTH, ending: Ending::Cut }];
    Ok(Server { name: "pureftpd", doors, gates: vec![], folder, process })
}

/// It reads its users from a database that its own tool makes of a text file.
fn make_users(tool: &Path, folder: &Path) -> Attempt<PathBuf> {
    let (text, database) = (folder.join("users"), folder.join("users.pdb"));
    let (name, hash) = (script::USER, script::PASSWORD_HASH);
    // The home is a chroot (`/./`); the rest are limits, and there are none.
    fs::write(&text, format!("{name}:{hash}:65534:65534::{}/./::::::::::::\n", folder.display()))?;
    let status = Command::new(tool)
        .arg("mkdb")
        .arg(&database)
        .arg("-f")
        .arg(&text)
        .stdout(Stdio::null())
        .status()
        .doing(|| format!("running {}", tool.display()))?;
    match status.success() {
        true => Ok(database),
        false => Err("pure-pw makes no database of the users".into()),
    }
}
