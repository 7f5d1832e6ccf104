//! As Windows programs: built with mingw's linker, run under Wine, in a network of their own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

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
const NOT_WINES: &[(&str, &str)] = &[
    // Sockets of std's and of tokio's alone, in the testkit's own tests, are told the same.
    ("a_reset_reaches_both_sides", RESETS),
    ("a_reset_of_the_server_is_passed_on", RESETS),
    ("a_stalled_relay_still_resets", RESETS),
    ("captured::a_reset_that_the_reader_sees_first_stays_one", RESETS),
    ("errors::a_reset_of_an_idle_exchange_fails_the_parked_read", RESETS),
    ("waking::the_completion_of_a_task_is_ready_though_a_read_of_it_is_held", RESETS),
    ("truncation::every_way_to_end_under_tls_is_told_for_what_it_is", RESETS),
    ("failures::a_connection_that_is_reset_exits_with_6", RESETS),
    ("doors::extra_roots_are_trusted_beside_the_platforms", ROOTS),
    ("roots::a_certificate_like_one_that_was_named_is_another", ROOTS),
    ("tls::a_cas_certificate_shown_as_the_servers_own_is_named_as_that", ROOTS),
    ("tls::a_certificate_of_nobody_known_exits_with_4_and_a_hint", ROOTS),
    ("stress::a_thousand_tasks_at_once_complete_each_operation_once", CROWDS),
];
const RESETS: &str = "Wine tells a reset as an end";
const CROWDS: &str = "two thousand sockets take Wine's server longer than the test's guard";
const ROOTS: &str = "Wine's evaluation of certificates knows less than that of Windows";

/// One function of Windows' that Rust's standard library needs and Wine 8 lacks.
const PRNG: &str = "\
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) { return RtlGenRandom(p, (ULONG)n); }
";

/// Runs the tests of the library and of the command as Windows programs, or those that `rest` names.
pub(crate) fn windows(rest: &[String]) -> ExitCode {
    let outcome = match rest.split_first() {
        Some((first, names)) if first == INSIDE => inside(names),
        _ => outside(rest),
    };
    told("the tests as Windows programs", outcome)
}

/// What needs the real network; then the same again in a view of its own.
fn outside(names: &[String]) -> Result<bool, Trouble> {
    Toolchain::like_this_one(&[TARGET])?;
    if packages()?.fetch(&[&PACKAGES])? == Fetched::NoApt {
        return Err("there is no apt-get to fetch mingw and Wine with".into());
    }
    super::fetch_crates()?;
    let program = env::current_exe()?;
    let mut arguments = vec!["windows".to_owned(), INSIDE.to_owned()];
    arguments.extend_from_slice(names);
    Err(view::enter(program.as_os_str(), &arguments).into())
}

fn inside(names: &[String]) -> Result<bool, Trouble> {
    let packages = packages()?;
    make_builtin(&packages.root())?;
    packages.lay_over(&[])?;
    // All that had to be had is there now: what fails from here on has failed.
    run(names).or_else(|trouble| {
        eprintln!("{trouble}");
        Ok(false)
    })
}

fn run(names: &[String]) -> Result<bool, Trouble> {
    view::raise_loopback()?;
    let toolchain = Toolchain::like_this_one(&[TARGET])?;
    make_prng(&target()?.join("windows").join(TARGET).join("debug"))?;
    for (test, why) in NOT_WINES {
        println!("not run: {test}: {why}");
    }
    let mut tally = Tally::told_by("cargo xtask windows");
    let is_well = tally.run(&mut tests(&toolchain, names)?)?;
    tally.note("the tests as Windows programs", is_well || tally.failed() > 0);
    tally.note("the demo as a Windows program", crate::is_well(&mut demo(&toolchain)?));
    println!("\n{tally}");
    Ok(tally.is_well())
}

fn demo(toolchain: &Toolchain) -> Result<Command, Trouble> {
    let mut cargo = cargo(toolchain, "run")?;
    cargo.args(["--quiet", "--package", "streamtask-cli", "--", "demo"]);
    Ok(cargo)
}

fn tests(toolchain: &Toolchain, names: &[String]) -> Result<Command, Trouble> {
    let mut cargo = cargo(toolchain, "test")?;
    cargo.args(["--no-fail-fast", "--tests"]);
    for package in ["streamtask", "streamtask-proto", "streamtask-testkit", "streamtask-cli"] {
        cargo.args(["--package", package]);
    }
    cargo.arg("--").args(names);
    cargo.args(NOT_WINES.iter().flat_map(|(test, _)| ["--skip", test]));
    Ok(cargo)
}

fn cargo(toolchain: &Toolchain, command: &str) -> Result<Command, Trouble> {
    let mut cargo = toolchain.cargo("windows");
    cargo.args([command, "--offline", "--locked", "--target", TARGET]);
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
