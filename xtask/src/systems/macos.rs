//! For macOS: the compiler's judgement of everything, with zig for what is C.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::toolchain::Toolchain;
use super::{Trouble, tools};

const TARGET: &str = "aarch64-apple-darwin";

/// Apple's compiler takes options that zig does not: which system it is for is said once, here.
const CC: &str = r#"#!/bin/sh
skip=; for option do
    shift
    if [ -n "$skip" ]; then skip=; continue; fi
    case $option in
        --target=* | -mmacosx-version-min=*) ;;
        -arch) skip=yes ;;
        *) set -- "$@" "$option" ;;
    esac
done
exec "$ZIG" cc -target aarch64-macos "$@"
"#;
const AR: &str = "#!/bin/sh\nexec \"$ZIG\" ar \"$@\"\n";

/// Type-checks the workspace, warnings denied.
pub(super) fn check() -> Result<bool, Trouble> {
    let toolchain = Toolchain::like_this_one(&[TARGET])?;
    let zig = zig()?;
    super::fetch_crates()?;
    let (cc, ar) = (script("macos-cc", CC)?, script("macos-ar", AR)?);
    let mut cargo = toolchain.cargo("macos");
    cargo.env("ZIG", zig).env("CRATE_CC_NO_DEFAULTS", "1").env("RUSTFLAGS", "-D warnings");
    cargo.env("CC_aarch64_apple_darwin", cc).env("AR_aarch64_apple_darwin", ar);
    cargo.args(["check", "--locked", "--workspace", "--all-targets", "--target", TARGET]);
    Ok(crate::is_well(&mut cargo))
}

/// zig, from PyPI.
fn zig() -> Result<PathBuf, Trouble> {
    let folder = tools()?.join("zig");
    let zig = folder.join("ziglang/zig");
    if !zig.exists() {
        println!("fetch:   ziglang");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
        let output = pip.arg(&folder).arg("ziglang").output();
        let output = output.map_err(|error| format!("python3 cannot be run: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("zig cannot be had: {}", said.trim()).into());
        }
    }
    Ok(zig)
}

fn script(name: &str, text: &str) -> Result<PathBuf, Trouble> {
    let path = tools()?.join(name);
    fs::write(&path, text)?;
    make_executable(&path)?;
    Ok(path)
}

fn make_executable(path: &Path) -> Result<(), Trouble> {
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}
