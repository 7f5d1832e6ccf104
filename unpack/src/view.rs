//! A view of the file system and a network of one's own, where the system has such things.
//!
//! What is mounted in it nobody else sees; no port is taken in it, and nothing can leak out.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::{Trouble, run};

/// Becomes `program` in a view of its own: the same process, so that signals for it need not be passed on.
/// Returns only where that cannot be, with the reason.
pub fn enter(program: &OsStr, arguments: &[String]) -> io::Error {
    let options = options();
    if !can_unshare(options) {
        return io::Error::other("the system allows no view of one's own");
    }
    Command::new("unshare").args(options).arg("--").arg(program).args(arguments).exec()
}

/// A new network begins with its loopback interface down.
///
/// # Errors
/// Without the program `ip`.
pub fn raise_loopback() -> Result<(), Trouble> {
    run(Command::new("ip").args(["link", "set", "lo", "up"]))
}

/// Whether this process is root's.
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

/// Whoever is not root may have them only in a user namespace too.
fn options() -> &'static [&'static str] {
    match is_root() {
        true => &["--net", "--mount"],
        false => &["--user", "--map-root-user", "--net", "--mount"],
    }
}

/// Tried with all that will be needed: containers often forbid it.
fn can_unshare(options: &[&str]) -> bool {
    Command::new("unshare")
        .args(options)
        .args(["--", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
