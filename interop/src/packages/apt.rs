//! Debian's package tools, as far as they are needed.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::trouble::{Attempt, Context};

/// Whether packages can be installed with `apt-get`.
pub(super) fn is_there() -> bool {
    Path::new("/usr/bin/apt-get").exists()
}

/// Whether `package` is installed.
pub(super) fn has(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

/// Fetches the lists of packages.
pub(super) fn update() -> Attempt {
    run(apt_get().args(["-q", "update"])).map(drop)
}

/// Installs `packages`. It removes none: another mail server of this machine is not ours to
/// replace.
pub(super) fn install(packages: &[String]) -> Attempt {
    answer("postfix postfix/main_mailer_type select No configuration\n")?;
    let options = ["-q", "-y", "--no-install-recommends", "--no-remove", "install"];
    run(apt_get().args(options).args(packages)).map(drop)
}

/// Downloads `packages` to `folder`, as files.
pub(super) fn download(packages: &[&str], folder: &Path) -> Attempt {
    // As root throughout: the user that apt would become cannot write to a folder of ours.
    let options = ["-q", "-o", "APT::Sandbox::User=root", "download"];
    run(apt_get().current_dir(folder).args(options).args(packages)).map(drop)
}

/// Unpacks the package `file` into `folder`, without running anything of it.
pub(super) fn unpack(file: &Path, folder: &Path) -> Attempt {
    run(Command::new("dpkg-deb").arg("--extract").arg(file).arg(folder)).map(drop)
}

/// What the package `file` depends on, as its control file says it.
pub(super) fn dependencies(file: &Path) -> Attempt<String> {
    let output = run(Command::new("dpkg-deb").arg("--field").arg(file).arg("Depends"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Answers a question that a package would ask, before it does.
fn answer(line: &str) -> Attempt {
    let mut child = Command::new("debconf-set-selections")
        .stdin(Stdio::piped())
        .spawn()
        .doing(|| "running debconf-set-selections".into())?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(line.as_bytes())?;
    }
    child.wait()?;
    Ok(())
}

/// Runs it, silent unless it fails.
fn run(command: &mut Command) -> Attempt<Output> {
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().doing(|| format!("running {program}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}: {}", output.status, said.trim()).into())
}
