//! Dovecot: IMAP with STARTTLS, POP3 with STLS.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{BOTH, Door, Ending, Server};
use crate::process::Process;
use crate::scenario::script;
use crate::site::{Site, packaged};
use crate::trouble::{Attempt, Context};

/// Starts it with settings and sockets of its own.
pub(super) fn start(site: &Site) -> Attempt<Server> {
    let program = packaged("/usr/sbin/dovecot")?;
    let folder = site.folder("dovecot")?;
    let (imap, pop3) = (site.port()?, site.port()?);
    make_home(&folder.join("home"))?;
    let settings = folder.join("dovecot.conf");
    fs::write(&settings, place(site, &folder, imap, pop3) + SETTINGS)?;
    let mut command = Command::new(program);
    let process = Process::start(command.arg("-F").arg("-c").arg(&settings), &folder)?;
    let doors = vec![
        Door { port: imap, script: &script::IMAP, versions: BOTH, ending: Ending::Clean },
        Door { port: pop3, script: &script::POP3, versions: BOTH, ending: Ending::Clean },
    ];
    Ok(Server { name: "dovecot", doors, gates: vec![], folder, process })
}

/// The settings that differ from run to run. Blocks want a line for each thing in them.
fn place(site: &Site, folder: &Path, imap: u16, pop3: u16) -> String {
    format!(
        "base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
mail_location = maildir:{folder}/home
ssl_cert = <{chain}
ssl_key = <{key}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
}}
",
        folder = folder.display(),
        chain = site.pki.chain.display(),
        key = site.pki.key.display(),
    )
}

/// The user that everybody is turned into must own the mail.
fn make_home(home: &Path) -> Attempt {
    fs::create_dir(home)?;
    let status = Command::new("chown").arg("nobody:nogroup").arg(home).status();
    match status.doing(|| "running chown".into())?.success() {
        true => Ok(()),
        false => Err("there is no user nobody".into()),
    }
}

/// `ssl = required` lets nobody in without TLS: that somebody is proves it. The chroots are off
/// because the new folder has nothing to change root to; the listeners with TLS from the first byte
/// are off because their ports are those of the whole machine.
const SETTINGS: &str = "
protocols = imap pop3
listen = 127.0.0.1
ssl = required
auth_mechanisms = plain
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
passdb {
  driver = static
  args = password=pw
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}
service imap-login {
  chroot =
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  chroot =
  inet_listener pop3s {
    port = 0
  }
}
service anvil {
  chroot =
}
";
