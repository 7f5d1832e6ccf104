//! Squid, Tinyproxy and Ncat: proxies that are asked with CONNECT and want to know who asks. Of the three Squid
//! alone keeps a connection on which it has asked that.

use std::fs;
use std::process::Command;

use super::{Gate, Server};
use crate::process::Process;
use crate::scenario::script;
use crate::site::{Site, packaged};
use crate::trouble::{Attempt, Context};

const HTTP: &[&str] = &["http"];

fn gate(port: u16) -> Gate {
    Gate { port, schemes: HTTP, login: Some((script::USER, script::PASSWORD)) }
}

pub(super) fn squid(site: &Site) -> Attempt<Server> {
    let program = packaged("/usr/sbin/squid")?;
    let (folder, port) = (site.folder("squid")?, site.port()?);
    let users = folder.join("users");
    fs::write(&users, format!("{}:{}\n", script::USER, script::PASSWORD_HASH))?;
    let settings = folder.join("squid.conf");
    let place = folder.display();
    let text = format!(
        "http_port 127.0.0.1:{port}
auth_param basic program /usr/lib/squid/basic_ncsa_auth {place}/users
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
pid_filename {place}/pid
access_log stdio:{place}/access.log
cache_log {place}/cache.log
cache deny all
coredump_dir {place}
pinger_enable off
visible_hostname localhost
shutdown_lifetime 0 seconds
"
    );
    fs::write(&settings, text)?;
    // It writes its logs as the user that it becomes.
    let owned = Command::new("chown").arg("-R").arg("proxy").arg(&folder).status();
    owned.doing(|| "giving squid its folder".into())?;
    let mut command = Command::new(program);
    let process = Process::start(command.arg("-N").arg("-f").arg(&settings), &folder)?;
    Ok(Server::proxy("squid", gate(port), folder, process))
}

pub(super) fn tinyproxy(site: &Site) -> Attempt<Server> {
    let program = packaged("/usr/bin/tinyproxy")?;
    let (folder, port) = (site.folder("tinyproxy")?, site.port()?);
    let settings = folder.join("tinyproxy.conf");
    let (user, password) = (script::USER, script::PASSWORD);
    let text = format!("Port {port}\nListen 127.0.0.1\nBasicAuth {user} {password}\nTimeout 60\n");
    fs::write(&settings, text)?;
    let mut command = Command::new(program);
    let process = Process::start(command.arg("-d").arg("-c").arg(&settings), &folder)?;
    Ok(Server::proxy("tinyproxy", gate(port), folder, process))
}

pub(super) fn ncat(site: &Site) -> Attempt<Server> {
    let program = packaged("/usr/bin/ncat")?;
    let (folder, port) = (site.folder("ncat")?, site.port()?);
    let mut command = Command::new(program);
    command
        .args(["--listen", "--keep-open", "--proxy-type", "http", "127.0.0.1"])
        .arg(port.to_string())
        .arg(format!("--proxy-auth={}:{}", script::USER, script::PASSWORD));
    let process = Process::start(&mut command, &folder)?;
    Ok(Server::proxy("ncat", gate(port), folder, process))
}
