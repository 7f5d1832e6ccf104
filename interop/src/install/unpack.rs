//! Packages that exclude each other: unpacked into a folder of ours instead of installed.
//!
//! A Debian machine has one FTP server; two are wanted. Their libraries exclude nobody and are
//! installed as usual.

use std::fs;
use std::path::{Path, PathBuf};

use super::apt;
use crate::trouble::{Attempt, Context};

const PACKAGES: [&str; 3] = ["proftpd-core", "proftpd-mod-crypto", "pure-ftpd"];

/// Where the unpacked files are: a `/usr` of its own.
pub(crate) fn root(cache: &Path) -> PathBuf {
    cache.join("root")
}

/// Whether everything was unpacked already.
pub(super) fn is_complete(cache: &Path) -> bool {
    // Renamed to its name only when it was complete.
    root(cache).exists()
}

/// Downloads and unpacks the packages.
pub(super) fn fetch(cache: &Path) -> Attempt {
    println!("unpack:  {}", PACKAGES.join(" "));
    let (files, unfinished) = (files(cache), cache.join("unfinished"));
    for folder in [&files, &unfinished] {
        // Of an earlier, interrupted run; mixed versions would not do.
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).doing(|| format!("making {}", folder.display()))?;
    }
    apt::download(&PACKAGES, &files)?;
    for file in downloaded(cache)? {
        apt::unpack(&file, &unfinished)?;
    }
    Ok(fs::rename(unfinished, root(cache))?)
}

/// The libraries that the unpacked programs need; none before [`fetch`].
pub(super) fn libraries(cache: &Path) -> Attempt<Vec<String>> {
    let mut libraries = Vec::new();
    for file in downloaded(cache)? {
        libraries.extend(libraries_in(&apt::dependencies(&file)?));
    }
    libraries.sort();
    libraries.dedup();
    Ok(libraries)
}

fn files(cache: &Path) -> PathBuf {
    cache.join("packages")
}

fn downloaded(cache: &Path) -> Attempt<Vec<PathBuf>> {
    let Ok(folder) = fs::read_dir(files(cache)) else { return Ok(Vec::new()) };
    folder.map(|file| Ok(file?.path())).collect()
}

/// The libraries among dependencies, which read like `adduser, libpam0g (>= 0.99), a | b`. Their
/// names change with the releases of Debian, so they are not written down here.
fn libraries_in(dependencies: &str) -> impl Iterator<Item = String> {
    dependencies
        .split(',')
        .filter_map(|dependency| dependency.split_whitespace().next())
        .filter(|name| name.starts_with("lib"))
        .map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libraries_are_taken_and_without_their_versions() {
        let field = "adduser, libpam0g (>= 0.99.7.1), libssl3 (>= 3.0.0), lsb-base | other\n";
        assert!(libraries_in(field).eq(["libpam0g", "libssl3"]));
    }
}
