//! As Windows programs: built with mingw's linker, run under Wine, in a network of their own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use streamtask_unpack::{Fetched, Unpacked, view};

use super::toolchain::Toolchain;
use super::{Trouble, target, told, tools};
use crate::tally::Tally;

const TARGET: &str = "x86_64-pc-windows-gnu";
const PACKAGES: [&str; 4] = ["gcc-mingw-w64-x86-64", "iproute2", "nasm", "wine64"];
const CC: &str = "x86_64-w64-mingw32-gcc-posix";
const WINE: &str = "/usr/lib/wine/wine64";

/// Which of the two lives of this program it is, as its command line says.
const INSIDE: &str = "--inside";

/// What Wine does otherwise than Windows: tests that are not run under it, and why.
const NOT_WINES: [(&str, &str); 0] = [];

/// One function of Windows' that Rust's standard library needs and Wine 8 lacks.
const PRNG: &str = "\
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) { return RtlGenRandom(p, (ULONG)n); }
";

/// Runs the tests of the library and of the command as Windows programs.
pub(crate) fn windows(rest: &[String]) -> bool {
    let is_inside = rest.iter().any(|option| option == INSIDE);
    told("the tests as Windows programs", if is_inside { inside() } else { outside() })
}

/// What needs the real network; then the same again in a view of its own.
fn outside() -> Result<bool, Trouble> {
    Toolchain::like_this_one(&[TARGET])?;
    if packages()?.fetch(&[&PACKAGES])? == Fetched::NoApt {
        return Err("there is no apt-get to fetch mingw and Wine with".into());
    }
    if !crate::cargo(&["fetch", "--locked"]) {
        return Ok(false);
    }
    let program = env::current_exe()?;
    let arguments = ["windows".to_owned(), INSIDE.to_owned()];
    Err(view::enter(program.as_os_str(), &arguments).into())
}

fn inside() -> Result<bool, Trouble> {
    let packages = packages()?;
    make_builtin(&packages.root())?;
    packages.lay_over(&[])?;
    view::raise_loopback()?;
    let toolchain = Toolchain::like_this_one(&[TARGET])?;
    make_prng(&target()?.join("windows").join(TARGET).join("debug"))?;
    for (test, why) in NOT_WINES {
        println!("not run: {test}: {why}");
    }
    let mut tally = Tally::default();
    let is_well = tally.run(&mut tests(&toolchain)?)?;
    tally.note("the tests as Windows programs", is_well || tally.failed() > 0);
    println!("\n{tally}");
    Ok(tally.is_well())
}

fn tests(toolchain: &Toolchain) -> Result<Command, Trouble> {
    let mut cargo = toolchain.cargo("windows");
    cargo.args(["test", "--offline", "--locked", "--no-fail-fast", "--target", TARGET, "--tests"]);
    for package in ["streamtask", "streamtask-proto", "streamtask-testkit", "streamtask-cli"] {
        cargo.args(["--package", package]);
    }
    cargo.arg("--");
    cargo.args(NOT_WINES.iter().flat_map(|(test, _)| ["--skip", test]));
    cargo.env("RUSTFLAGS", "-D warnings").env("CC_x86_64_pc_windows_gnu", CC);
    cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", CC);
    cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", WINE);
    cargo.env("WINEPREFIX", tools()?.join("wine-prefix")).env("WINEDEBUG", "-all");
    // Else it would ask whether to fetch them.
    cargo.env("WINEDLLOVERRIDES", "mscoree=;mshtml=");
    Ok(cargo)
}

fn packages() -> Result<Unpacked, Trouble> {
    Ok(Unpacked::in_folder(tools()?.join("windows")))
}

/// Wine takes zlib for one of its own only if it says so at its beginning: its package does this when it is
/// installed.
fn make_builtin(root: &Path) -> Result<(), Trouble> {
    const MARK: &[u8; 16] = b"Wine builtin DLL";
    let from = root.join("usr/x86_64-w64-mingw32/lib/zlib1.dll");
    let to = root.join("usr/lib/x86_64-linux-gnu/wine/x86_64-windows/zlib1.dll");
    // Not there where Wine was installed before; or done already.
    if from.exists() && !to.exists() {
        let mut library = fs::read(from)?;
        let stub = library.get_mut(64..96).ok_or("zlib1.dll is no library")?;
        stub.fill(0);
        stub[..MARK.len()].copy_from_slice(MARK);
        fs::write(to, library)?;
    }
    Ok(())
}

/// Beside the programs, where Windows looks first.
fn make_prng(folder: &Path) -> Result<(), Trouble> {
    let source = folder.join("prng.c");
    for folder in [folder.to_owned(), folder.join("deps")] {
        fs::create_dir_all(&folder)?;
        fs::write(&source, PRNG)?;
        compile(&source, &folder.join("bcryptprimitives.dll"))?;
    }
    Ok(())
}

fn compile(source: &Path, library: &PathBuf) -> Result<(), Trouble> {
    let status = Command::new(CC)
        .arg("-shared")
        .arg("-o")
        .arg(library)
        .arg(source)
        .arg("-ladvapi32")
        .status();
    match status.map_err(|error| format!("{CC} cannot be run: {error}"))?.success() {
        true => Ok(()),
        false => Err(format!("{CC} does not compile {}", source.display()).into()),
    }
}
