//! A network and a view of the file system of our own, where the system has such things.
//!
//! In that network no port is taken, nothing can leak out, and runs side by side do not meet; what is mounted
//! in that view nobody else sees. Where there are none the servers are those installed, and listen on the
//! loopback interface that everybody shares.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::arguments::Arguments;
use crate::rights::Rights;
use crate::trouble::{Attempt, Context};

/// Becomes this program again inside of both. Returns only where that cannot be.
pub(crate) fn enter(rights: Rights, arguments: &Arguments) {
    let options = options(rights);
    if !can_unshare(options) {
        println!(
            "no network of our own here; the servers are those installed, on the shared loopback interface"
        );
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let inside = arguments.inside(rights);
    // Not a child but the same process: signals for it need not be passed on.
    let error = Command::new("unshare").args(options).arg("--").arg(program).args(inside).exec();
    println!("entering a network of our own: {error}");
}

/// A new network begins with its loopback interface down.
pub(crate) fn raise_loopback() -> Attempt {
    let status = Command::new("ip")
        .args(["link", "set", "lo", "up"])
        .status()
        .doing(|| "running ip".into())?;
    match status.success() {
        true => Ok(()),
        false => Err("the loopback interface does not come up".into()),
    }
}

/// Whoever is not root may have them only in a user namespace too.
fn options(rights: Rights) -> &'static [&'static str] {
    match rights {
        Rights::Root => &["--net", "--mount"],
        Rights::User => &["--user", "--map-root-user", "--net", "--mount"],
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
