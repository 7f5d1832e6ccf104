//! Compilers that are not the one at hand, by rustup, in a home of their own under `target/tools`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Trouble, target, tools};

/// A toolchain that is there.
pub(super) struct Toolchain {
    name: String,
    home: PathBuf,
}

impl Toolchain {
    /// This version with the standard libraries of `targets`.
    pub(super) fn get(name: &str, targets: &[&str]) -> Result<Self, Trouble> {
        let toolchain = Toolchain { name: name.to_owned(), home: tools()?.join("rustup") };
        if toolchain.is_there(targets) {
            return Ok(toolchain);
        }
        println!("fetch:   Rust {name} {}", targets.join(" "));
        let mut rustup = Command::new("rustup");
        rustup.env("RUSTUP_HOME", &toolchain.home).stdin(Stdio::null());
        rustup.args(["toolchain", "install", name, "--profile", "minimal", "--no-self-update"]);
        rustup.args(targets.iter().flat_map(|target| ["--target", target]));
        let output = rustup.output().map_err(|error| format!("rustup cannot be run: {error}"))?;
        if output.status.success() {
            return Ok(toolchain);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().next_back().unwrap_or_default();
        Err(format!("Rust {name} cannot be had: {last}").into())
    }

    /// Whether nothing of it has to be fetched: perhaps there is no network.
    fn is_there(&self, targets: &[&str]) -> bool {
        let libraries = |target: Option<&&str>| {
            let mut rustc = self.run("rustc");
            rustc.args(["--print", "target-libdir"]);
            rustc.args(target.iter().flat_map(|target| ["--target", target]));
            let output = rustc.stderr(Stdio::null()).output().ok()?;
            let folder = String::from_utf8(output.stdout).ok()?;
            Some(output.status.success() && Path::new(folder.trim()).exists())
        };
        libraries(None) == Some(true)
            && targets.iter().all(|target| libraries(Some(target)) == Some(true))
    }

    /// The one of the version at hand.
    pub(super) fn like_this_one(targets: &[&str]) -> Result<Self, Trouble> {
        let said = Command::new("rustc").arg("--version").output()?;
        let said = String::from_utf8_lossy(&said.stdout);
        let version = said.split_whitespace().nth(1).ok_or("rustc does not say its version")?;
        // No nightly is had again by its version: a stable one does.
        let is_stable = version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        Toolchain::get(if is_stable { version } else { "stable" }, targets)
    }

    /// Its cargo, which builds into a folder of its own.
    pub(super) fn cargo(&self, folder: &str) -> Command {
        let mut cargo = self.run("cargo");
        if let Ok(target) = target() {
            cargo.env("CARGO_TARGET_DIR", target.join(folder));
        }
        cargo
    }

    fn run(&self, tool: &str) -> Command {
        let mut command = Command::new("rustup");
        command.args(["run", &self.name, tool]).env("RUSTUP_HOME", &self.home);
        // Those of the cargo that runs this program.
        for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
            command.env_remove(name);
        }
        command
    }
}
