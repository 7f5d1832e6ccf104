//! What the project says of other systems and of older compilers, tried on Linux: as Windows programs under Wine,
//! type-checked for macOS, and by the oldest Rust that it promises.
//!
//! Each brings what it needs into `target/tools`: toolchains by rustup (in a home of their own), packages of
//! Debian's (unpacked), zig from PyPI. Where that cannot be had, it says so and what was not run.

mod macos;
mod toolchain;
mod windows;

pub(crate) use windows::windows;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use toolchain::Toolchain;

/// What went wrong, told to a person.
type Trouble = Box<dyn Error + Send + Sync>;

/// The exit status of what could not be run here: whoever counts failures counts it apart.
const NOT_RUN: u8 = 3;

/// Whether it did well; what could not be had is told.
fn told(what: &str, outcome: Result<bool, Trouble>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(missing) => {
            println!("not run: {what}: {missing}");
            ExitCode::from(NOT_RUN)
        }
    }
}

/// Type-checks everything for macOS. Its C is compiled; nothing can be linked or run without Apple's own files.
pub(crate) fn macos() -> ExitCode {
    told("the check for macOS", macos::check())
}

/// Type-checks everything with the Rust that `Cargo.toml` promises.
pub(crate) fn msrv() -> ExitCode {
    told("the oldest Rust", check_with(env!("CARGO_PKG_RUST_VERSION")))
}

fn check_with(version: &str) -> Result<bool, Trouble> {
    let toolchain = Toolchain::get(version, &[])?;
    fetch_crates()?;
    println!("with Rust {version}:");
    let mut cargo = toolchain.cargo("msrv");
    Ok(crate::is_well(cargo.args(["check", "--locked", "--workspace", "--all-targets"])))
}

/// So that a missing network is told from a project that does not build.
fn fetch_crates() -> Result<(), Trouble> {
    match crate::cargo(&["fetch", "--locked"]) {
        true => Ok(()),
        false => Err("the crates cannot be fetched".into()),
    }
}

/// Where things are brought to that no other run need bring again.
fn tools() -> Result<PathBuf, Trouble> {
    Ok(target()?.join("tools"))
}

fn target() -> Result<PathBuf, Trouble> {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    std::fs::create_dir_all(&target)?;
    Ok(Path::new(&target).canonicalize()?)
}
