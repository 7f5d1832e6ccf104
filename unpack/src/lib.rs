//! The programs that are tried against: Debian's packages, unpacked into a folder of ours and never installed.
//!
//! What is missing on this machine is fetched once. Each run then lays it over the machine's own `/usr` and
//! `/etc`, in a file system view that only the run itself has: programs find everything where their packages
//! put it, and nothing of the machine is changed.

mod apt;
mod overlay;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use overlay::lay_over;

use crate::trouble::{Attempt, Context};

/// What is wanted. Debian lets a machine have one FTP server; two are wanted, so they are asked for apart.
const PACKAGES: [&[&str]; 2] = [
    &["dovecot-imapd", "dovecot-pop3d", "iproute2", "openssl", "postfix", "pure-ftpd", "python3"],
    &["proftpd-core", "proftpd-mod-crypto"],
];

/// Brings in what is missing, or says why it cannot.
pub(crate) fn fetch(cache: &Path) -> Attempt {
    if root(cache).exists() {
        return Ok(());
    }
    if !apt::is_there() {
        println!("fetch:   nothing, there is no apt-get; what is installed is used");
        return Ok(());
    }
    println!("fetch:   {}", PACKAGES.concat().join(" "));
    // Of an earlier, interrupted run; mixed versions would not do.
    let _ = fs::remove_dir_all(cache);
    let apt = apt::Apt::in_folder(&cache.join("apt"))?;
    apt.update()?;
    PACKAGES.iter().try_for_each(|packages| apt.download(packages))?;
    let unfinished = cache.join("unfinished");
    for folder in ["usr", "etc"] {
        let folder = unfinished.join(folder);
        fs::create_dir_all(&folder).doing(|| format!("making {}", folder.display()))?;
    }
    apt.unpack_all(&unfinished)?;
    merge_usr(&unfinished)?;
    Ok(fs::rename(unfinished, root(cache))?)
}

/// Where the unpacked files are; it is there only when it is complete.
fn root(cache: &Path) -> PathBuf {
    cache.join("root")
}

/// Packages may still put files into `/bin` and the like, which are links to `/usr/bin` and the like on
/// systems of today.
fn merge_usr(root: &Path) -> Attempt {
    for folder in ["bin", "sbin", "lib", "lib64"] {
        let (from, to) = (root.join(folder), root.join("usr").join(folder));
        if from.is_dir() {
            fs::create_dir_all(&to)?;
            run(Command::new("cp").arg("--archive").arg(from.join(".")).arg(&to))?;
            fs::remove_dir_all(from)?;
        }
    }
    Ok(())
}

/// Runs it, silent unless it fails.
fn run(command: &mut Command) -> Attempt {
    let program = command.get_program().display().to_string();
    let output = command.stdin(std::process::Stdio::null()).output();
    let output = output.doing(|| format!("running {program}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}: {}", output.status, said.trim()).into())
}
