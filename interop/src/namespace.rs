//! A network of our own, where the system has such a thing.
//!
//! In it no port is taken, nothing can leak out, and runs side by side do not meet. Where there is
//! none the servers listen on the loopback interface that everybody shares.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::arguments::Arguments;
use crate::rights::Rights;
use crate::trouble::{Attempt, Context};

/// Becomes this program again inside of a network of its own. Returns only where that cannot be.
pub(crate) fn enter(rights: Rights, arguments: &Arguments) {
    let options = options(rights);
    if !can_unshare(options) {
        println!("no network of our own here; the servers listen on the shared loopback interface");
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

/// Whoever is not root may have a network only in a user namespace too.
fn options(rights: Rights) -> &'static [&'static str] {
    match rights {
        Rights::Root => &["--net"],
        Rights::User => &["--user", "--map-root-user", "--net"],
    }
}

/// Tried with all that will be needed: containers often forbid the first step, small ones lack
/// `ip`.
fn can_unshare(options: &[&str]) -> bool {
    Command::new("unshare")
        .args(options)
        .args(["--", "ip", "link", "set", "lo", "up"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
