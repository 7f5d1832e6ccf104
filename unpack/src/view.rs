//! A view of the file system and a network of one's own, where the system has such things.
//!
//! What is mounted in it nobody else sees; no port is taken in it, and nothing can leak out.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::{Trouble, run};

/// Tells the process inside which view was that of all.
const OUTER: &str = "STREAMTASK_OUTER_VIEW";

/// Becomes `program` in a view of its own: the same process, so that signals for it need not be passed on.
/// Returns only where that cannot be, with the reason.
pub fn enter(program: &OsStr, arguments: &[String]) -> io::Error {
    let options = match is_root() {
        Ok(is_root) => options(is_root),
        Err(error) => return error,
    };
    if !can_unshare(options) {
        return io::Error::other("the system allows no view of one's own");
    }
    let Some(outer) = current() else { return io::Error::other("/proc is not there") };
    let mut unshare = Command::new("unshare");
    unshare.args(options).arg("--").arg(program).args(arguments);
    unshare.env(OUTER, outer).exec()
}

/// Whether this process was [started](enter) in a view of its own, and is in it.
pub(crate) fn is_own() -> bool {
    match (std::env::var_os(OUTER), current()) {
        (Some(outer), Some(mine)) => outer != mine,
        _ => false,
    }
}

/// The name of this view, as the system has it.
fn current() -> Option<OsString> {
    std::fs::read_link("/proc/self/ns/mnt").ok().map(Into::into)
}

/// A new network begins with its loopback interface down.
///
/// # Errors
/// Without the program `ip`.
pub fn raise_loopback() -> Result<(), Trouble> {
    run(Command::new("ip").args(["link", "set", "lo", "up"]))
}

/// Whether the program `ip` is there, which brings a network's loopback interface up.
pub fn has_ip() -> bool {
    let mut ip = Command::new("ip");
    ip.arg("-V").stdout(Stdio::null()).stderr(Stdio::null());
    ip.status().is_ok_and(|status| status.success())
}

/// Whether this process is root's.
///
/// # Errors
/// Without the program `id`.
pub fn is_root() -> io::Result<bool> {
    Ok(Command::new("id").arg("-u").output()?.stdout.trim_ascii() == b"0")
}

/// Whoever is not root may have them only in a user namespace too.
fn options(is_root: bool) -> &'static [&'static str] {
    match is_root {
        true => &["--net", "--mount"],
        false => &["--user", "--map-root-user", "--net", "--mount"],
    }
}

/// Containers often forbid it.
fn can_unshare(options: &[&str]) -> bool {
    Command::new("unshare")
        .args(options)
        .args(["--", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
