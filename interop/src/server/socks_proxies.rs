//! Microsocks, Dante and OpenSSH's `-D`: the last speaks every version of SOCKS.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Gate, Server};
use crate::process::Process;
use crate::scenario::script;
use crate::site::{Site, packaged};
use crate::trouble::{Attempt, Context};

pub(super) fn microsocks(site: &Site) -> Attempt<Server> {
    let program = packaged("/usr/bin/microsocks")?;
    let (folder, port) = (site.folder("microsocks")?, site.port()?);
    let mut command = Command::new(program);
    command.args(["-i", "127.0.0.1", "-u", script::USER, "-P", script::PASSWORD, "-p"]);
    let process = Process::start(command.arg(port.to_string()), &folder)?;
    let login = Some((script::USER, script::PASSWORD));
    let gate = Gate { port, schemes: &["socks5", "socks5h"], login };
    Ok(Server::proxy("microsocks", gate, folder, process))
}

pub(super) fn dante(site: &Site) -> Attempt<Server> {
    let program = packaged("/usr/sbin/danted")?;
    let (folder, port) = (site.folder("dante")?, site.port()?);
    let settings = folder.join("danted.conf");
    let place = folder.display();
    let text = format!(
        "logoutput: {place}/danted.log
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.unprivileged: nobody
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
"
    );
    fs::write(&settings, text)?;
    let mut command = Command::new(program);
    let pid = folder.join("pid");
    let process = Process::start(command.arg("-f").arg(&settings).arg("-p").arg(&pid), &folder)?;
    let gate = Gate { port, schemes: &["socks4", "socks5", "socks5h"], login: None };
    Ok(Server::proxy("dante", gate, folder, process))
}

/// A client with `-D`, logged in to a server of its own.
pub(super) fn ssh(site: &Site) -> Attempt<Server> {
    let (server, client) = (packaged("/usr/sbin/sshd")?, packaged("/usr/bin/ssh")?);
    let keygen = packaged("/usr/bin/ssh-keygen")?;
    let (folder, port, inner) = (site.folder("ssh")?, site.port()?, site.port()?);
    for name in ["host", "user"] {
        make_key(keygen, &folder.join(name))?;
    }
    // Where sshd keeps its unprivileged half.
    fs::create_dir_all("/run/sshd")?;
    let settings = folder.join("sshd_config");
    let place = folder.display();
    let text = format!(
        "ListenAddress 127.0.0.1:{inner}
HostKey {place}/host
AuthorizedKeysFile {place}/user.pub
PidFile {place}/pid
StrictModes no
PermitRootLogin yes
UsePAM no
"
    );
    fs::write(&settings, text)?;
    let options = "-o BatchMode=yes -o StrictHostKeyChecking=no -o ConnectionAttempts=30";
    let line = format!(
        "{server} -D -e -f {place}/sshd_config &
exec {client} -F none -N -D 127.0.0.1:{port} -i {place}/user -p {inner} {options} \\
    -o UserKnownHostsFile={place}/known root@127.0.0.1",
        server = server.display(),
        client = client.display(),
    );
    let process = Process::start(Command::new("sh").args(["-c", &line]), &folder)?;
    let gate = Gate { port, schemes: &["socks4", "socks4a", "socks5", "socks5h"], login: None };
    Ok(Server::proxy("ssh", gate, folder, process))
}

fn make_key(keygen: &Path, file: &Path) -> Attempt {
    let mut command = Command::new(keygen);
    let made = command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file).status();
    match made.doing(|| "making a key for SSH".into())?.success() {
        true => Ok(()),
        false => Err("ssh-keygen makes no key".into()),
    }
}
