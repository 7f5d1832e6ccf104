//! The project's chores, one command each: `cargo xtask test`, `interop`, `bench`.
//!
//! It calls cargo and other tools and depends on nearly nothing, so that it builds in a second; what there is to do
//! stands in the crates it calls.

mod api;
#[cfg(target_os = "linux")]
mod systems;
mod tally;

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use tally::Tally;

const HELP: &str = "\
usage: cargo xtask COMMAND

  test     every test there is: unit, property, doc, integration, command, the
           stress tests under the release build, and the real servers
  interop  the library and the command against real servers on loopback
           (fetches Debian's packages of what is missing, and unpacks them
           under target/)
  fuzz     random scenarios against the model of the specification, for
           --seconds N (60); --seed N begins where another run did
  mutants  plants faults in the core and the driver, one at a time, and names
           those that no test finds: hours; cargo-mutants is built under
           target/ if it is missing; further options go to it (--shard 1/40)
  windows  the tests as Windows programs, under Wine; NAME... runs only those
  macos    type-checks everything for macOS
  msrv     type-checks with the oldest Rust that Cargo.toml promises; these
           three run on Linux, bring what they need to target/tools, or say
           what was not run (and exit with 3)
  api      compares the library's public items with crates/streamtask/api.txt;
           --bless writes that anew
  bench    us and our peers on the same work, in turn; see --help behind it
";

fn main() -> ExitCode {
    // Wherever it was called: what it names stands in the project's own folder.
    if let Err(error) = env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")) {
        eprintln!("the project's folder is gone: {error}");
        return ExitCode::FAILURE;
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let is_done = match command {
        "test" => test(),
        "interop" => interop(rest),
        "fuzz" => fuzz(rest),
        "mutants" => mutants(rest),
        "bench" => bench(rest),
        "api" => api(rest),
        #[cfg(target_os = "linux")]
        "windows" => return systems::windows(rest),
        #[cfg(target_os = "linux")]
        "macos" => return systems::macos(),
        #[cfg(target_os = "linux")]
        "msrv" => return systems::msrv(),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            true
        }
        _ => {
            eprint!("there is no command {command}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs all steps even if one fails, and says at the end what failed and how to see it again.
fn test() -> bool {
    let mut tally = Tally::default();
    println!("\n== the tests ==");
    let mut all = vec!["test", "--workspace", "--no-fail-fast"];
    if !cfg!(unix) {
        // It starts Debian's servers and builds only where they could run.
        all.extend(["--exclude", "streamtask-interop"]);
    }
    tally_of(&mut tally, "the tests", &mut command(&all));
    println!("\n== the stress tests under the release build ==");
    // Races show best when the code is fast.
    let stress = ["test", "--release", "-p", "streamtask", "--test", "stream", "stress"];
    tally_of(&mut tally, "the stress tests", &mut command(&stress));
    println!("\n== the real servers ==");
    if has_servers() && cargo(&SERVERS) {
        tally_of(&mut tally, "the real servers", &mut command(&AGAINST_SERVERS));
    } else {
        tally.note("the real servers", !has_servers());
    }
    println!("\n{tally}");
    tally.is_well()
}

fn tally_of(tally: &mut Tally, step: &str, command: &mut Command) {
    let before = tally.failed();
    let is_well = tally.run(command).unwrap_or_else(|error| {
        eprintln!("cargo cannot be run: {error}");
        false
    });
    // What failed by name says enough.
    tally.note(step, is_well || tally.failed() > before);
}

fn interop(rest: &[String]) -> bool {
    !has_servers() || cargo(&SERVERS) && cargo_with(&AGAINST_SERVERS, rest)
}

/// The command is one of the two that are tried, so it is built first.
const SERVERS: [&str; 5] = ["build", "-p", "streamtask-cli", "-p", "streamtask-interop"];
const AGAINST_SERVERS: [&str; 5] = ["run", "--quiet", "-p", "streamtask-interop", "--"];

fn has_servers() -> bool {
    let has = cfg!(target_os = "linux");
    if !has {
        println!("real servers are fetched and run on Linux only: not run here");
    }
    has
}

fn bench(rest: &[String]) -> bool {
    cargo_with(&["run", "--release", "--quiet", "-p", "streamtask-bench", "--"], rest)
}

/// Survivors are to be killed or explained. Only what decides is mutated, and what wakes.
fn mutants(rest: &[String]) -> bool {
    let files = [
        "crates/streamtask-proto/src/stream/*.rs",
        "crates/streamtask-proto/src/link/*.rs",
        "crates/streamtask-proto/src/buffer.rs",
        "crates/streamtask/src/driver/*.rs",
    ];
    let tools = "target/tools";
    let has_tool = Path::new(tools).join("bin").join("cargo-mutants").exists();
    let install = ["install", "--quiet", "--locked", "--root", tools, "cargo-mutants"];
    if !has_tool && !cargo(&install) {
        return false;
    }
    let mut mutants = Command::new(Path::new(tools).join("bin").join("cargo-mutants"));
    mutants.args(["mutants", "--workspace", "--output", "target", "--timeout", "300"]);
    mutants.args(files.iter().flat_map(|file| ["--file", file]));
    // The tests of both packages: the library's find what the core's leave.
    mutants.args(["--test-package", "streamtask-proto,streamtask"]).args(rest);
    is_well(&mut mutants)
}

fn api(rest: &[String]) -> bool {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let pages = Path::new(&target).join("doc").join("streamtask");
    // Pages of items that are no more would still lie there.
    let _ = std::fs::remove_dir_all(&pages);
    if !cargo(&["doc", "--quiet", "--package", "streamtask", "--no-deps"]) {
        return false;
    }
    api::check(&pages, rest.iter().any(|option| option == "--bless")).unwrap_or_else(|error| {
        eprintln!("the list cannot be made: {error}");
        false
    })
}

/// The test binary of the model does it, built to be fast and to check itself.
fn fuzz(rest: &[String]) -> bool {
    let mut variables = vec![("STREAMTASK_FUZZ_SECONDS", "60")];
    for pair in rest.chunks(2) {
        match pair {
            [name, number] if name == "--seconds" => variables[0].1 = number,
            [name, number] if name == "--seed" => variables.push(("STREAMTASK_SEED", number)),
            _ => {
                eprintln!("usage: cargo xtask fuzz [--seconds N] [--seed N]");
                return false;
            }
        }
    }
    let arguments = ["test", "--profile", "fuzz", "-p", "streamtask-proto", "--test", "model"];
    let mut cargo = command(&arguments);
    is_well(cargo.args(["fuzzing_", "--", "--nocapture"]).envs(variables))
}

fn cargo(arguments: &[&str]) -> bool {
    cargo_with(arguments, &[])
}

fn cargo_with(arguments: &[&str], rest: &[String]) -> bool {
    is_well(command(arguments).args(rest))
}

fn command(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments);
    cargo
}

fn is_well(cargo: &mut Command) -> bool {
    match cargo.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cargo cannot be run: {error}");
            false
        }
    }
}
