//! What the project says of other systems and of older compilers, tried on Linux: as Windows programs under Wine,
//! type-checked for macOS, and built by the oldest Rust that it promises.
//!
//! Each brings what it needs into `target/tools`: toolchains by rustup (in a home of their own), packages of
//! Debian's (unpacked), zig from PyPI. Where that cannot be had, it says so and what was not run.

mod macos;
mod toolchain;
mod windows;

pub(crate) use windows::windows;

use std::error::Error;
use std::path::{Path, PathBuf};

use toolchain::Toolchain;

/// What went wrong, told to a person.
type Trouble = Box<dyn Error + Send + Sync>;

/// Whether it did well; what could not be had is no failure, and is told.
fn told(what: &str, outcome: Result<bool, Trouble>) -> bool {
    outcome.unwrap_or_else(|missing| {
        println!("not run: {what}: {missing}");
        true
    })
}

/// Type-checks everything for macOS. Its C is compiled; nothing can be linked or run without Apple's own files.
pub(crate) fn macos() -> bool {
    told("the check for macOS", macos::check())
}

/// Builds everything with the Rust that `Cargo.toml` promises.
pub(crate) fn msrv() -> bool {
    told("the oldest Rust", toolchain::promised().and_then(check_with))
}

fn check_with(version: String) -> Result<bool, Trouble> {
    let toolchain = Toolchain::get(&version, &[])?;
    println!("with Rust {version}:");
    let mut cargo = toolchain.cargo("msrv");
    Ok(crate::is_well(cargo.args(["check", "--locked", "--workspace", "--all-targets"])))
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
